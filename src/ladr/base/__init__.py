"""What every room stands on: errors as one line, and torch imported when it is first used.

Any room may use all of it. It imports the standard library alone.
"""
