"""Tables and figures: every `*.py` file in this folder, except this one, is a module that draws some.

A figure module has `draw(results)`, which yields `frame.save.Plot` and `frame.save.Table` objects. Its
`NEEDS`, a key of `ladr.experiment.plan.figures.REASONS`, says what the experiment must ask for: so the
workflow knows beforehand what it can draw. Every number comes from results/ or from the paper's csv files.
`frame/` is what the modules share; other rooms may call `frame.index` and `frame.claims`. This room may
import speed, paper, experiment, benchmarks, backbones and base, and never torch.
"""
