"""How many prompts a size means, and the two halves of a size."""

from collections.abc import Iterable

from ladr.base.errors import LadrError, nearest
from ladr.benchmarks.prompt import Prompt

SIZES = {"smoke": 8, "default": 24, "full": None}  # prompts per column; None: all there are
HALVES = ("even", "odd")


def per_column(size: str | int) -> int | None:
    """The number of prompts of every column, or None for all of them."""
    if isinstance(size, int) and not isinstance(size, bool) and size > 0:
        return size
    if not isinstance(size, str) or size not in SIZES:
        raise LadrError(
            f"size: {size!r} is neither a positive number nor a known size{nearest(str(size), SIZES)}"
        )
    return SIZES[size]


def halved(size: str | int, half: str) -> str:
    """The size that means one half of another's prompts, as `parted` takes it apart: `100:even`."""
    return f"{size}:{half}"


def parted(size: str | int) -> tuple[str | int, str | None]:
    """A size and which half of its prompts is meant, None for all of them."""
    whole, _, half = str(size).partition(":")
    if half not in HALVES:
        return size, None
    return (int(whole) if whole.isdecimal() else whole), half


def in_half(prompts: Iterable[Prompt], half: str | None) -> tuple[Prompt, ...]:
    """The prompts with an even or an odd place, counted from 0 in each column: among those whose ids differ
    in the number at the end only. LadrError where no prompt has such a place."""
    seen: dict[str, int] = {}
    kept = []
    for prompt in prompts:
        stem = prompt.id.rstrip("0123456789")
        place = seen.get(stem, 0)
        seen[stem] = place + 1
        if half is None or HALVES[place % 2] == half:
            kept.append(prompt)
    if not kept:
        raise LadrError(f"half {half!r}: has no prompt; at least two prompts per column are wanted")
    return tuple(kept)
