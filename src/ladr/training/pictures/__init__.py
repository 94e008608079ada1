"""The second data set of the trainer: pictures of emoji, from public packages to token grids on disk."""
