"""What is read from a checkpoint folder: where it lies, whose weights they are, what is refused, how codes
become pixels.
"""
