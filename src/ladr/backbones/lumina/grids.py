"""Grids of cells: of which size in pixels, and how many cells fit beside a text."""

from math import isqrt

from ladr.base.errors import LadrError


def cells_of(size: tuple[int, int] | None, own: tuple[int, int], factor: int) -> tuple[int, int]:
    """The grid of a picture of `size` (height, width) in pixels, `factor` of them a cell's side; None is the
    model's `own` grid."""
    if size is None:
        return own
    for name, pixels in zip(("height", "width"), size, strict=True):
        if pixels < factor or pixels % factor:
            raise LadrError(f"size: {name} {pixels} is not allowed; a multiple of {factor} pixels")
    return size[0] // factor, size[1] // factor


def require_room(grid: tuple[int, int], factor: int, around: int, limit: int) -> None:
    """LadrError where a grid, a newline for each of its rows and `around` other tokens are more than `limit`.

    The message names the largest square that fits; a cell has `factor` pixels in each direction.
    """
    H, W = grid
    if H * (W + 1) + around <= limit:
        return
    side = (
        isqrt(4 * max(limit - around, 0) + 1) - 1
    ) // 2  # the largest n with n * (n + 1) <= limit - around
    largest = f"at most {side * factor}x{side * factor} pixels fit as a square" if side else "no grid fits"
    raise LadrError(
        f"size: {H * factor}x{W * factor} pixels are {H}x{W} cells, too many beside {around} other tokens; "
        f"{largest} (max_sequence_length {limit})"
    )
