"""Variances of printed proportions and of their differences, for independent and for correlated images."""

from collections.abc import Mapping
from math import sqrt
from statistics import NormalDist

CONFIDENCE = 0.95
LEVEL = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)  # two-sided
ALIKE = 0.4  # assumed correlation between the images of one prompt


def variance(percent: float, trials: int) -> float:
    """Variance of a percentage, in squared points, for independent trials.

    Where all or none succeeded, it is so large that LEVEL standard errors are as wide as Wilson's interval.
    """
    if percent in (0.0, 100.0):
        return (100 * LEVEL / (trials + LEVEL**2)) ** 2
    return percent * (100 - percent) / trials


def inflation(images: int, alike: float = ALIKE) -> float:
    """The factor by which the variance grows when `images` images of a prompt are correlated (Kish)."""
    return 1 + (images - 1) * alike


def mean_variance(cells: Mapping[str, tuple[float, int]]) -> float:
    """Variance of the unweighted mean of independent columns (percent, trials)."""
    return sum(variance(value, trials) for value, trials in cells.values()) / len(cells) ** 2


def z(difference: float, first: float, second: float, factor: float = 1.0) -> float:
    """The difference in standard errors, given both variances and their inflation."""
    return difference / sqrt((first + second) * factor)
