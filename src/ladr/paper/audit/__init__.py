"""The paper's printed numbers, checked against each other: means, denominators, precision, claims.

`audit.audit` runs every check. `printed` holds the numbers and the class `Finding`; each other file holds
checks, and lists them in `CHECKS`.
"""
