"""The method: one loop, and policies that say which masked cells each pass commits.

Call `loop.decode` to decode, `policies.build` for a policy from a name, a plain dict or a function of a view,
and `caches.cache` for a cache. `view` is what a policy sees and answers, `denoiser` what the loop asks of a
model, `noise` one stream of random numbers per image, `trace` what a decode did. `schedule`, `frontier` and
`marginals` may be called too; `passes` serves whoever drives a loop of their own, such as a pipeline.
It imports torch, numpy, scipy and base.
"""
