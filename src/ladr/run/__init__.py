"""Cells from nothing to a table: decode, score, measure, check."""
