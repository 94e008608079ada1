"""The paper's printed numbers, checked against each other: means, denominators, precision, claims."""
