"""From params.yaml to results: which cells there are, how they are made, and what finished cells become.

`params` reads and checks; `cell` and `grid` say which cells exist, `lines` how their rows relate; `cells`
decodes, scores and keeps them; `plan` is what Snakemake runs; `sweep`, `track` and `illustrations` work on
finished results. Rooms above call `lines`, `plan.records` and what `cells` and `grid` offer; commands call
all of it. It imports benchmarks, backbones, integrations and the rooms below; no figure, no command.
"""
