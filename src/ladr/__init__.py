"""LADR: training-free acceleration of masked text-to-image models."""
