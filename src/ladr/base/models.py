"""Where the models are that come with this package."""

from pathlib import Path

from ladr.base.errors import LadrError
from ladr.base.imports import PACKAGE

EMBEDDED = ("shapes", "pictures")


def embedded(name: str, marker: str = "config.json") -> Path:
    """The folder `models/NAME` that has the file `marker`: of the checkout, of the installed package, or of
    the folder one works in."""
    places = [base / "models" / name for base in (PACKAGE.parents[1], PACKAGE, Path())]
    for place in places:
        if (place / marker).is_file():
            return place
    raise LadrError(
        f"models: no {name}/{marker} in {', '.join(str(p.parent) for p in places)}; give its folder"
    )
