"""Which printed percentages can be a whole number of successes out of a known number of trials."""

from collections.abc import Iterator, Sequence
from math import ceil, floor, prod

from ladr.paper import Printed

EXACT = 1e-9


def slack(printed: Printed) -> float:
    """How far the true value may lie from the printed one."""
    return 0.5 * 10**-printed.digits + EXACT


def successes(printed: Printed, trials: int) -> int | None:
    """The k for which 100 k / trials is printed as this number; None if there is none."""
    k = round(printed.value * trials / 100)
    return k if 0 <= k <= trials and abs(100 * k / trials - printed.value) <= slack(printed) else None


def by_chance(printed: Printed, trials: int) -> float:
    """The share of all numbers with as many digits that would be possible, too."""
    return min(1.0, trials * 2 * slack(printed) / 100)


def neighbours(printed: Printed, trials: int) -> tuple[float, float]:
    """The nearest possible values below and above the printed one."""
    place = printed.value * trials / 100
    return 100 * floor(place) / trials, 100 * ceil(place) / trials


def missing(printed: Printed, trials: int, most: int = 60) -> list[int]:
    """The numbers of lost trials, up to `most`, with which the printed number is possible."""
    return [m for m in range(most + 1) if successes(printed, trials - m) is not None]


def shared(cells: Sequence[Printed], most: int) -> list[int]:
    """All numbers of trials up to `most` for which every cell is possible."""
    return [n for n in range(1, most + 1) if all(successes(c, n) is not None for c in cells)]


def accidents(cells: Sequence[Printed], most: int) -> float:
    """How many numbers of trials up to `most` would fit all cells by chance."""
    return sum(prod(by_chance(c, n) for c in cells) for n in range(1, most + 1))


def values(trials: int) -> Iterator[float]:
    """All percentages that `trials` trials can give."""
    return (100 * k / trials for k in range(trials + 1))
