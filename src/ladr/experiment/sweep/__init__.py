"""Many settings of one sampler: every combination of values, or a search among them."""
