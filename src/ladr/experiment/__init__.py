"""From params.yaml to results: cells, the grid of them, and everything that is made of finished cells.

`params` reads and checks; `cell` and `grid` say which cells exist; `cells` decodes, scores and keeps them;
`plan` is what Snakemake runs; `sweep`, `track` and `illustrations` work on finished results.
It may import benchmarks, backbones, integrations and all below; no drawing and no command line.
"""
