"""How a change spreads on a grid: by offset from its place and by distance, with intervals over images."""

from typing import Any

import numpy as np
from scipy.stats import multinomial

from ladr.benchmarks.intervals import CONFIDENCE, RESAMPLES, SEED

RADII = (0.5, 0.95)  # shares of the whole change that a radius holds


class Spread:
    """Values on grids (h, w), each about one square of `side` of its grid; NaN where there is none.

    Distance is along the longer axis, from the edge of the square: 0 inside it, 1 next to it, corners
    included. What images contribute is kept apart, for they, not places, are independent.
    """

    def __init__(self, images: int, shape: tuple[int, int], margin: int, side: int = 1):
        """margin: how far `offsets` reaches around the square."""
        self.margin, self.side, self.observations = margin, side, 0
        self.sums, self.counts = np.zeros((2, images, max(shape)))
        self._sum, self._count = np.zeros((2, 2 * margin + side, 2 * margin + side))

    def add(self, image: int, values: np.ndarray, y: int, x: int) -> None:
        """One observation: values (h, w) around the square whose first place is (y, x)."""
        known = np.isfinite(values)
        apart = [np.maximum(np.maximum(a - np.arange(n), np.arange(n) - (a + self.side - 1)), 0)
                 for a, n in zip((y, x), values.shape, strict=True)]  # fmt: skip
        far = np.maximum(apart[0][:, None], apart[1])[known]
        self.sums[image] += np.bincount(far, values[known], self.sums.shape[1])
        self.counts[image] += np.bincount(far, minlength=self.counts.shape[1])
        wide = np.pad(values.astype(float), self.margin, constant_values=np.nan)
        near = wide[y : y + len(self._sum), x : x + len(self._sum)]
        self._sum += np.nan_to_num(near)
        self._count += np.isfinite(near)
        self.observations += 1

    @property
    def offsets(self) -> np.ndarray:
        """Mean by offset, the square in the middle; NaN where nothing was seen."""
        return np.where(self._count > 0, self._sum / np.where(self._count > 0, self._count, 1), np.nan)

    def summary(self) -> dict[str, Any]:
        """The spread as plain values; without observations, only their number.

        mean: the mean change at each distance. within: the share of the whole change within it. Both have the
        ends of their intervals. radius: the least distance that holds each share of RADII.
        """
        seen = self.counts.sum(1) > 0
        sums, counts = self.sums[seen], self.counts[seen]
        n, known = len(sums), counts.sum(0) > 0
        out = {"images": n, "observations": self.observations, "distance": np.flatnonzero(known).tolist()}
        if not n:
            return out
        rng = np.random.default_rng(SEED)
        drawn = multinomial.rvs(n, np.full(n, 1 / n), size=RESAMPLES, random_state=rng)
        whole, draws = (_shares(w @ sums, w @ counts) for w in (np.ones((1, n)), drawn))
        for name, value, resampled in zip(("mean", "within"), whole, draws, strict=True):
            low, high = (ends.tolist() for ends in _ends(resampled[:, known]))
            out |= {name: value[0, known].tolist(), f"{name}_low": low, f"{name}_high": high}
        even = np.cumsum(counts.sum(0))[None] / counts.sum()
        out["radius"] = [_radius(share, whole[1], draws[1], even) for share in RADII]
        return out


def _shares(sums: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean at each distance (NaN where nothing was seen), and the share of the row's sum within it (0 if the
    sum is 0)."""
    total = sums.sum(1, keepdims=True)
    mean = np.where(counts > 0, sums / np.where(counts > 0, counts, 1), np.nan)
    return mean, np.cumsum(sums, 1) / np.where(total > 0, total, 1)


def _ends(values: np.ndarray, **how: Any) -> np.ndarray:
    tail = 50 * (1 - CONFIDENCE)
    return np.nanpercentile(values, [tail, 100 - tail], axis=0, **how)


def _radius(share: float, whole: np.ndarray, draws: np.ndarray, even: np.ndarray) -> dict[str, Any]:
    """`even`: were the change the same in every place that was seen."""
    low, high = _ends(_least(draws, share), method="nearest")
    radii = {"value": _least(whole, share)[0], "low": low, "high": high, "even": _least(even, share)[0]}
    return {"share": share} | {name: int(value) for name, value in radii.items()}


def _least(within: np.ndarray, share: float) -> np.ndarray:
    """The first distance of each row that holds the share; rounding does not count."""
    return (within >= share - 1e-9).argmax(1)
