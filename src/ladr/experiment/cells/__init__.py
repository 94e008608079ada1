"""Cells on disk: decoded, scored, vouched for, put together in the table."""
