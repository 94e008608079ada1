"""How many prompts a size means."""

from ladr.base.errors import LadrError, nearest

SIZES = {"smoke": 8, "default": 24, "full": None}  # prompts per column; None: all there are


def per_column(size: str | int) -> int | None:
    """The number of prompts of every column, or None for all of them."""
    if isinstance(size, int) and not isinstance(size, bool) and size > 0:
        return size
    if not isinstance(size, str) or size not in SIZES:
        raise LadrError(
            f"size: {size!r} is neither a positive number nor a known size{nearest(str(size), SIZES)}"
        )
    return SIZES[size]
