"""The paper's theory, section 3.2, as experiments on exact models.

`report.results` runs them all; each other file holds the experiments on one claim. Other rooms may call
`results`, and `teacher.bits_per_token` on any backbone.
"""

from ladr.paper.theory.report import results

__all__ = ["results"]
