"""What Snakemake runs: jobs, figures that are asked for, and records of what was drawn."""
