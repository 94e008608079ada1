"""Count what the house is made of: `make count`, or `PYTHONPATH=tests python -m house.count PACKAGE...`."""

import sys
from pathlib import Path

from house import imports, limits
from house.layout import circular


def counts(package: Path) -> dict[str, int]:
    """How many of each there are in one package folder. A room is a folder or a module at its root."""
    entries = [entry for entry in package.iterdir() if entry.name != "__pycache__"]
    return {
        "entries at the root": len(entries),
        "rooms": len(imports.rooms(package)),
        "arrows between rooms": len(imports.room_arrows(package)),
        "circles of rooms": len(imports.circles(imports.room_arrows(package))),
        "circles of files": len(circular(package)),
        **{rule: len(offenders(package)) for rule, offenders in limits.RULES.items()},
    }


def table(packages: list[Path]) -> str:
    """One line per kind, one column per package."""
    columns = [counts(package) for package in packages]
    lines = [f"{kind:22}" + "".join(f"{column[kind]:>8}" for column in columns) for kind in columns[0]]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table([Path(word) for word in sys.argv[1:]] or [imports.PACKAGE]))
