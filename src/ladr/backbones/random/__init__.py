"""Tiny checkpoints with random weights in the layout of the real ones."""
