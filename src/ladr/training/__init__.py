"""Trains the tokenizer and the embedded model on the shape world."""
