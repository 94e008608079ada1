"""The method: one loop, and policies that say which masked cells each pass commits.

`loop.decode` decodes; `policies.build` makes a policy from its name or plain dict; `view` is what a policy
sees; `caches` say which positions a pass recomputes; `noise` is one stream per image.
It imports torch and base.
"""
