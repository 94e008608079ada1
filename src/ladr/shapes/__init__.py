"""The shape world: specs, captions, scenes, their pictures, and the evaluator that reads them back.

A spec becomes a sentence (`caption`), a scene (`place.realise`) and pixels (`render`); `parse` turns a
sentence back into its spec, and `evaluate` judges a picture by a spec. `propose` and `practice` draw random
specs. Other rooms may call these, `questions`, `scene`, `spec` and `spec_json`. This room may import base,
numpy and scipy.
"""
