"""Tables and figures: one module each, found by its file.

A module has `draw(results)`, which yields what it shows as `frame.save.Plot` and `frame.save.Table`; every
number comes from results/ or from the paper's own csv. `NEEDS` says what the experiment must ask for
(`ladr.experiment.plan.figures_asked.REASONS`), so that the workflow knows beforehand what it can draw.
"""
