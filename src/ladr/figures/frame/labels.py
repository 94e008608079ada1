"""Names beside points that lie close together, with a line from each name to its point."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

GAP = 0.5  # share of the panel's width that the names need
MORE = 1.8  # a panel without such a gap becomes so many times as wide
AWAY = 0.05  # share of the panel's width between the points' bars and the names
LINE = 0.2  # inches per line of names
EDGE = 0.04  # share of the panel's height that is kept free


class Point(NamedTuple):
    """A point of a plot, the ends of its horizontal bar, its name and its colour."""

    x: float
    y: float
    low: float
    high: float
    name: str
    colour: str


def spread(places: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """The places, moved as little as possible so that they are `apart`, in order, and from low to high."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    pools: list[list[float]] = []
    for rank, i in enumerate(order):
        pools.append([places[i] - rank * apart, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, n), (b, m) = pools[-2:]
            pools[-2:] = [[(a * n + b * m) / (n + m), n + m]]
    flat = [mean for mean, count in pools for _ in range(count)]
    top = max(high - (len(places) - 1) * apart, low)
    out = [0.0] * len(places)
    for rank, i in enumerate(order):
        out[i] = min(max(flat[rank], low), top) + rank * apart
    return out


def gap(points: Iterable[Point], left: float, right: float) -> tuple[float, float]:
    """The widest interval between left and right into which no point's bar reaches."""
    end = left
    best = (left, left)
    for low, high in [*sorted((p.low, p.high) for p in points), (right, right)]:
        best = max(best, (end, low), key=lambda ends: ends[1] - ends[0])
        end = max(end, high)
    return best


def name(panel: Any, points: Sequence[Point], others: Sequence[Point] = ()) -> None:
    """Write the points' names where there is most room across, away from the other points.

    Call it when the limits of the panel are final; they grow to the right if there is no room.
    """
    left, right = panel.get_xlim()
    start, end = gap([*points, *others], left, right)
    if end - start < GAP * (right - left):
        start, end = max(p.high for p in [*points, *others]), left + MORE * (right - left)
        panel.set_xlim(left, end)
    away = AWAY * (panel.get_xlim()[1] - left)
    bottom, top = panel.get_ylim()
    apart = LINE / (panel.figure.get_figheight() * panel.get_position().height)
    for side in (True, False):
        mine = [p for p in points if (p.x <= start) == side]
        heights = spread([(p.y - bottom) / (top - bottom) for p in mine], apart, EDGE, 1 - EDGE)
        for point, height in zip(mine, heights, strict=True):
            at = (start + away if side else end - away, bottom + height * (top - bottom))
            line = {"arrowstyle": "-", "color": point.colour, "lw": 0.9, "shrinkB": 4}
            look = {"ha": "left" if side else "right", "va": "center", "arrowprops": line}
            panel.annotate(point.name, (point.x, point.y), at, **look)
