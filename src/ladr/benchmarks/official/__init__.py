"""The four published benchmarks: GenEval, UniGenBench, DPG-Bench and T2I-CompBench.

`registry.OFFICIAL` holds them by name and `benchmark` is their class. `part` and `parts` score them part by
part, with the scorers in `scorers` and `t2i_scorers`. For each of them a module (`geneval`, `unigen`, `dpg`,
`t2i`) reads the published files, lays images out and imports official results. The other modules are networks
and judges. Commands and cells of experiments call these. This folder imports the rest of this room, and base.
"""
