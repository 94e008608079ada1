"""What Snakemake runs: the plan of cells and figures, its jobs, and records of what was drawn."""
