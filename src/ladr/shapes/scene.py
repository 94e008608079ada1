"""The shape world: what an image can hold, aligned to the cells of the token grid.

A 64x64 canvas of 16x16 cells of 4 pixels. Things sit in nine slots of 4x4 cells with a gutter of one
cell between them; a big thing takes the middle of a 2x2 block of slots. A letter is 3x5 cells.
"""

from dataclasses import dataclass

CANVAS = 64
CELL = 4
GRID = CANVAS // CELL
SLOTS = (1, 6, 11)  # first cell of each slot, down and across

SHAPES = ("circle", "square", "triangle", "cross", "diamond")
COLORS = {
    "red": (214, 40, 40),
    "orange": (245, 130, 20),
    "yellow": (245, 215, 45),
    "green": (40, 155, 70),
    "blue": (40, 95, 215),
    "purple": (140, 60, 175),
}
INKS = {"black": (20, 20, 24), "white": (248, 248, 248)}
BACKGROUNDS = {"white": (248, 248, 248), "grey": (158, 158, 162), "black": (20, 20, 24)}
BLUEPRINT = (24, 52, 120)
SHADE = 0.42  # the second colour of a texture is the first, darkened to this share
SIZES = {"small": 3, "medium": 4, "big": 7}  # side of the bounding box, in cells
TEXTURES = ("solid", "striped", "checkered", "dotted")
STYLES = ("flat", "outline", "blueprint", "silhouette")

LETTERS = {
    "A": ("010", "101", "111", "101", "101"),
    "C": ("011", "100", "100", "100", "011"),
    "H": ("101", "101", "111", "101", "101"),
    "L": ("100", "100", "100", "100", "111"),
    "O": ("111", "101", "101", "101", "111"),
    "P": ("111", "101", "111", "100", "100"),
    "T": ("111", "010", "010", "010", "010"),
    "X": ("101", "010", "010", "010", "101"),
}
LETTER_HEIGHT, LETTER_WIDTH, LETTER_PITCH = 5, 3, 4
BANDS = {"top": 0, "middle": 6, "bottom": 11}  # first cell row of written letters

# Compositions that training never shows; every benchmark reports them apart.
HELD_OUT_PAIRS = frozenset(
    {("red", "diamond"), ("orange", "cross"), ("green", "triangle"), ("blue", "circle"), ("purple", "square")}
)
HELD_OUT_RELATIONS = frozenset(
    {
        ("circle", "left", "triangle"),
        ("square", "right", "cross"),
        ("cross", "above", "circle"),
        ("diamond", "below", "square"),
        ("triangle", "left", "diamond"),
        ("circle", "right", "diamond"),
        ("square", "above", "triangle"),
        ("triangle", "below", "cross"),
        ("cross", "left", "square"),
        ("diamond", "above", "circle"),
        ("square", "below", "circle"),
        ("triangle", "right", "circle"),
    }
)

Box = tuple[int, int, int, int]  # row, column, height, width, in cells


@dataclass(frozen=True)
class Thing:
    """One shape in the scene; `row`, `col` is the first cell of its bounding box."""

    shape: str
    color: str
    size: str
    texture: str
    row: int
    col: int

    @property
    def box(self) -> Box:
        return (self.row, self.col, SIZES[self.size], SIZES[self.size])


@dataclass(frozen=True)
class Writing:
    """Letters from left to right; `row`, `col` is the first cell of the first letter."""

    letters: str
    color: str
    row: int
    col: int

    @property
    def box(self) -> Box:
        return (self.row, self.col, LETTER_HEIGHT, letters_width(len(self.letters)))


@dataclass(frozen=True)
class Scene:
    """Everything that is drawn, later things over earlier ones."""

    things: tuple[Thing, ...] = ()
    writing: Writing | None = None
    background: str = "white"
    style: str = "flat"


def letters_width(count: int) -> int:
    """Cells across that `count` letters take."""
    return LETTER_PITCH * count - (LETTER_PITCH - LETTER_WIDTH)


def apart(a: Box, b: Box, gap: int = 1) -> bool:
    """Whether two boxes leave at least `gap` free cells between them."""
    return (
        a[0] + a[2] + gap <= b[0]
        or b[0] + b[2] + gap <= a[0]
        or a[1] + a[3] + gap <= b[1]
        or b[1] + b[3] + gap <= a[1]
    )
