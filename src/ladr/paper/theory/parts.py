"""What each part of the doubt budget does on exact fields, and whether the order of rules depends on size.

The order in which unsure cells decide, how many decide in a pass, and the free riders are changed one at a
time. The same rules run on grids of several sizes, up to the largest that the transfer matrix holds.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ladr.backbones.exact.field import Field
from ladr.decoding.policies import LADR, Policy, build
from ladr.paper.theory.divergence import kl
from ladr.paper.theory.teacher import counterpart

COUPLINGS = (0.6, 0.9, 1.2)
STEPS = 8
BUDGET = 0.3
BOUND = 3 / (36 * math.log(3))  # of the entropy bound, as a share of the largest entropy of the whole grid
OPPONENTS = ("cosine", "LADR", "entropy bound")
SPREAD, CONFIDENT = "doubt, Halton, power 1", "doubt, top-1, power 2"


class Size(NamedTuple):
    """One grid, the number of its codes, the samples of the truth for each rule, and the couplings."""

    grid: tuple[int, int]
    codes: int
    samples: int
    couplings: Sequence[float] = COUPLINGS


class Rule(NamedTuple):
    """A policy under the name that the tables show, and its number of steps T."""

    name: str
    policy: Policy
    steps: int = STEPS


QUICK = (Size((4, 4), 3, 8, (0.9,)),)
SMALL = (Size((6, 6), 3, 128), Size((8, 8), 3, 64))
LARGE = (Size((10, 10), 3, 24), Size((16, 16), 2, 24, (0.9,)))  # nothing larger is exact


def rows(quick: bool = False) -> list[dict]:
    """`kl` of every rule on 6x6 and 8x8 grids at three couplings (4x4 and one coupling when quick)."""
    return [row for size in (QUICK if quick else SMALL) for row in _rows(size, compared(size) + alone(size))]


def large_rows(quick: bool = False) -> list[dict]:
    """The same of the rules that are compared, on 10x10 grids, and on one of 16x16 with 2 codes: minutes."""
    return [row for size in (QUICK if quick else LARGE) for row in _rows(size, compared(size))]


def _rows(size: Size, rules: Sequence[Rule]) -> Iterator[dict]:
    for coupling in size.couplings:
        backbone = Field(size.grid, size.codes, coupling=coupling)
        place = {"size": f"{size.grid[0]}x{size.grid[1]}", "codes": size.codes, "coupling": coupling}
        for rule in rules:
            estimate = kl(backbone, rule.policy, rule.steps, size.samples, seed=0)
            yield {**place, "rule": rule.name, "steps": rule.steps, **estimate}


def compared(size: Size) -> list[Rule]:
    """The opponents, and the doubt budget with deciding cells that are near each other or spread out."""
    return [
        Rule("cosine, top-1", counterpart(build("cosine"))),
        Rule("Halton", build({"policy": "halton", "schedule": "fixed"})),
        Rule("LADR, top-1", LADR(select="top1", noise=0), 16),
        _entropy_bound(size, 1.0),
        Rule(CONFIDENT, _doubt(rank="top1", power=2)),
        Rule(SPREAD, _doubt(rank="halton", power=1)),
        Rule("doubt, independent, power 1", _doubt(rank="top1", power=1, where="independent")),
    ]


def alone(size: Size) -> list[Rule]:
    """One change at a time, and the opponents with more passes."""
    return [
        Rule("LADR, top-1", LADR(select="top1", noise=0), 48),
        _entropy_bound(size, 2 / 3),
        Rule("doubt, top-1, power 1", _doubt(rank="top1", power=1)),
        Rule("doubt, Halton, power 2", _doubt(rank="halton", power=2)),
        Rule("doubt, independent, power 2", _doubt(rank="top1", power=2, where="independent")),
        Rule("doubt, Halton, power 1", _doubt(rank="halton", power=1), 6),
        Rule("doubt, top-1, power 2, no riders", _doubt(rank="top1", power=2, budget=0.0)),
        Rule("doubt, Halton, power 1, no riders", _doubt(rank="halton", power=1, budget=0.0)),
    ]


def _entropy_bound(size: Size, share: float) -> Rule:
    """Its bound grows with the largest entropy of the grid, so that it takes about as many passes on each."""
    most = math.prod(size.grid) * math.log(size.codes)
    bound = round(share * BOUND * most, 1)
    return Rule(
        f"entropy bound {bound:g}", build({"policy": "entropy_bound", "bound": bound, "schedule": "none"})
    )


def _doubt(**fields: Any) -> Policy:
    return build({"policy": "doubt", "budget": BUDGET, "noise": 0.0, "likeliest": False, **fields})


def verdict(rows: Sequence[dict]) -> str:
    """On how many fields the doubt budget is closer to the truth than all opponents, by its order."""
    fields = dict.fromkeys((row["size"], row["coupling"]) for row in rows)
    of_field = [[row for row in rows if (row["size"], row["coupling"]) == at] for at in fields]
    counts = (f"{name}: {sum(_ahead(own, name) for own in of_field)}" for name in (SPREAD, CONFIDENT))
    return (
        f"Of {len(fields)} fields, those with a KL below cosine, LADR and the entropy bound by two errors: "
        f"{'; '.join(counts)}."
    )


def _ahead(rows: Sequence[dict], name: str) -> bool:
    """Is this rule in STEPS steps below every row of its opponents by two errors of the difference?"""
    own = next(row for row in rows if row["rule"] == name and row["steps"] == STEPS)
    others = [row for row in rows if row["rule"].startswith(OPPONENTS)]
    return all(row["kl"] - own["kl"] > 2 * math.hypot(row["se"], own["se"]) for row in others)
