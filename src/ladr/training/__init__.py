"""Trains the tokenizer and the embedded model on the shape world, and examines them.

`vq.train_vq` trains the tokenizer, `run.train` the transformer, `export.export` writes the checkpoint that a
backbone loads, `exam.exam` scores it; `sheet` and `log` draw what a run has learned. Other rooms may call
these. This room may import benchmarks, backbones, decoding, shapes and base.
"""
