"""The twelve rooms and their floors, and the rules that follow from them.

Every rule takes a package folder (and the tests beside it) and gives its violations as lines of text.
"""

from pathlib import Path

from house.imports import arrows, circles, room_of

FLOORS = (
    ("base",),
    ("shapes", "decoding"),
    ("benchmarks", "backbones", "integrations"),
    ("experiment", "training"),
    ("paper", "speed"),
    ("figures",),
    ("cli",),
)
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}
IGNORED = {"__pycache__"}
OTHER_TESTS = {"house", "trust", "workflow"}


def misplaced(package: Path) -> list[str]:
    """What is at the root of the package and should not be, or should be and is not."""
    expected = {*FLOOR_OF, "__init__.py", "py.typed"}
    present = {entry.name for entry in package.iterdir()} - IGNORED
    doors = {room for room in FLOOR_OF if not (package / room / "__init__.py").is_file()}
    return [
        *(f"{name} is at the root of the package" for name in sorted(present - expected)),
        *(f"{name} is missing at the root of the package" for name in sorted(expected - present)),
        *(f"{room}/__init__.py is missing" for room in sorted(doors & present)),
    ]


def upward(package: Path) -> list[str]:
    """Imports of the package's own `__init__.py`, of a higher floor, or of another room on the same floor.

    A string that names a module of a higher floor counts as well: a registry may import it later.
    """
    plain = set(arrows(package))
    lines = []
    for arrow in arrows(package, strings=True):
        here, there = room_of(arrow.file), room_of(arrow.target)
        rise = FLOOR_OF.get(there, len(FLOORS)) - FLOOR_OF.get(here, len(FLOORS))
        beside = rise == 0 and here != there and arrow in plain
        if here and (rise > 0 or beside):
            lines.append(f"{arrow.file}:{arrow.line} imports {arrow.target}")
    return sorted(set(lines))


def circular(package: Path) -> list[list[str]]:
    """Groups of files that import each other."""
    return circles({(arrow.file, arrow.target) for arrow in arrows(package)})


def unmirrored(package: Path, tests: Path) -> list[str]:
    """Rooms without a folder of tests, folders of tests without a room, and tests outside the folders."""
    folders = {entry.name for entry in tests.iterdir() if entry.is_dir()} - IGNORED
    expected = {entry.name for entry in package.iterdir() if entry.is_dir()} - IGNORED | OTHER_TESTS
    return [
        *(f"tests/{name} is missing" for name in sorted(expected - folders)),
        *(f"tests/{name} is no room" for name in sorted(folders - expected)),
        *(f"tests/{file.name} belongs in a room" for file in sorted(tests.glob("test_*.py"))),
    ]
