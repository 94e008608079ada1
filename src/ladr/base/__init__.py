"""What every room stands on.

`aside`: names for what is put aside. `errors`: bad input as one line. `files`: the one way to write and hash
a file. `imports`: which files a module is made of. `late`: torch, imported when it is first used. `models`:
where the embedded models lie. `outside`: things from other packages, by their address. `ports`: a port to
serve on. `removal`: how anything is removed. `version`: that of the package. Any room may call all of it. It
imports the standard library alone.
"""
