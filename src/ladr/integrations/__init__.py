"""How other libraries use ladr: one folder per library.

`diffusers` has `LADRScheduler`, a scheduler to put into a pipeline in place of its own.
It imports decoding and base; what is in a folder may import the library that gives it its name.
"""
