"""How other libraries use ladr: one folder per library, called by that library's users alone.

`diffusers` has `LADRScheduler`, a scheduler to put into a pipeline in place of its own, and
`LuminaDiMOOPipeline`, a pipeline for a model that diffusers has none for.
A folder imports decoding, base and the library that gives it its name.
"""
