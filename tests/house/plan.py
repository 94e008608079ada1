"""Draw the floor plan of the package from its imports: `make plan` writes docs/images/house.svg.

A box is a room, a row is a floor, and an arrow says that one room imports another. An arrow that follows from
others is left out: cli imports base, but also figures, which imports base as well.
"""

from pathlib import Path

from house.imports import PACKAGE, room_arrows
from house.layout import FLOORS

TARGET = Path(__file__).parents[2] / "docs" / "images" / "house.svg"
CONTENTS = {
    "cli": ("the commands, one file", "per family"),
    "figures": ("one module per table", "or figure"),
    "paper": ("printed numbers,", "their audit, theory"),
    "speed": ("everything that", "ladr speed measures"),
    "experiment": ("params.yaml, cells,", "the plan, their results"),
    "training": ("trains the tokenizer", "and the embedded model"),
    "benchmarks": ("prompts, and how", "images are scored"),
    "backbones": ("the models", "and their checkpoints"),
    "integrations": ("ladr inside", "other libraries"),
    "shapes": ("the shape world:", "scenes, captions, pixels"),
    "decoding": ("the method: the loop", "and its policies"),
    "base": ("errors, late imports,", "safe files"),
}
WIDTH, BOX, STEP, MARGIN = 900, (220, 78), 130, 20
COLUMNS = {1: (450,), 2: (150, 750), 3: (150, 450, 750)}
PAPER, INK, LINE, FLOOR = "#ffffff", "#1f2933", "#52606d", "#eef2f6"

Point = tuple[float, float]


def needed(arrows: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """The arrows that do not follow from others (the transitive reduction of a graph without circles)."""
    after: dict[str, set[str]] = {}
    for here, there in arrows:
        after.setdefault(here, set()).add(there)

    def reaches(start: str, goal: str) -> bool:
        return goal in after.get(start, ()) or any(reaches(room, goal) for room in after.get(start, ()))

    return sorted(
        (here, there)
        for here, there in arrows
        if not any(reaches(room, there) for room in after[here] - {there})
    )


def places() -> dict[str, Point]:
    """The middle of each room's upper edge; the ground floor is at the bottom."""
    return {
        room: (float(COLUMNS[len(floor)][k]), float(MARGIN + STEP * (len(FLOORS) - 1 - number)))
        for number, floor in enumerate(FLOORS)
        for k, room in enumerate(floor)
    }


def box(room: str, top: Point) -> str:
    x, y = top
    lines = [f'<text x="{x:g}" y="{y + 24:g}" class="name">{room}</text>']
    lines += [
        f'<text x="{x:g}" y="{y + 44 + 17 * k:g}" class="what">{text}</text>'
        for k, text in enumerate(CONTENTS[room])
    ]
    left = x - BOX[0] / 2
    frame = f'<rect x="{left:g}" y="{y:g}" width="{BOX[0]}" height="{BOX[1]}" rx="6" class="room"/>'
    return "\n".join([frame, *lines])


def route(start: Point, end: Point) -> list[Point]:
    """From a room's lower edge to another's upper edge; past the floors between them beside their rooms."""
    below = (start[0], start[1] + BOX[1])
    if end[1] - start[1] <= STEP:
        return [below, end]
    beside = end[0] + (150 if start[0] >= end[0] else -150)
    return [below, (beside, start[1] + STEP - 8), (beside, end[1] - STEP + BOX[1] + 8), end]


def arrow(start: Point, end: Point) -> str:
    points = " ".join(f"{x:g},{y:g}" for x, y in route(start, end))
    return f'<polyline points="{points}" class="arrow" marker-end="url(#tip)"/>'


def draw(package: Path) -> str:
    """The floor plan of a package folder as the text of an SVG file."""
    tops = places()
    height = MARGIN * 2 + STEP * (len(FLOORS) - 1) + BOX[1]
    size = f'width="{WIDTH - 20}" height="{BOX[1] + 20}"'
    floors = [f'<rect x="10" y="{MARGIN - 10 + STEP * k}" {size} class="floor"/>' for k in range(len(FLOORS))]
    style = (
        "text{font-family:Helvetica,Arial,sans-serif;text-anchor:middle;fill:" + INK + "}"
        ".name{font-size:16px;font-weight:bold}.what{font-size:13px}"
        f".room{{fill:{PAPER};stroke:{INK};stroke-width:1.4}}.floor{{fill:{FLOOR}}}"
        f".arrow{{fill:none;stroke:{LINE};stroke-width:1.6}}"
    )
    tip = (
        '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0,0 L8,4 L0,8 z" fill="{LINE}"/></marker>'
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>The twelve rooms of ladr and what they import</title>",
        f"<style>{style}</style><defs>{tip}</defs>",
        f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>',
        *floors,
        *(arrow(tops[here], tops[there]) for here, there in needed(room_arrows(package))),
        *(box(room, top) for room, top in sorted(tops.items())),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    TARGET.write_text(draw(PACKAGE), encoding="utf-8")
