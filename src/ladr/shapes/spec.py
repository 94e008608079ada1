"""What a prompt states about a scene, and nothing more: the unstated is drawn at random."""

from dataclasses import dataclass

RELATIONS = ("left", "right", "above", "below", "near", "inside", "touching")
PLACES = {  # slot (down, across)
    "top left": (0, 0),
    "top": (0, 1),
    "top right": (0, 2),
    "left": (1, 0),
    "center": (1, 1),
    "right": (1, 2),
    "bottom left": (2, 0),
    "bottom": (2, 1),
    "bottom right": (2, 2),
}
LAYOUTS = ("row", "column", "diagonal", "corners")


@dataclass(frozen=True)
class Item:
    """`count` things that share every attribute; None is unstated.

    A size is never unstated in the picture: unless a size is asked for, things are medium.
    """

    shape: str | None = None
    color: str | None = None
    size: str | None = None
    texture: str | None = None
    count: int = 1
    place: str | None = None


@dataclass(frozen=True)
class Relation:
    """Item `a` stands in relation `kind` to item `b` (places in the list of items)."""

    kind: str
    a: int
    b: int


@dataclass(frozen=True)
class Word:
    """Letters to be written, and where."""

    letters: str
    color: str | None = None
    where: str | None = None


@dataclass(frozen=True)
class Spec:
    """Everything that a prompt of kind `kind` promises about the image."""

    kind: str
    items: tuple[Item, ...] = ()
    relations: tuple[Relation, ...] = ()
    word: Word | None = None
    background: str | None = None
    style: str | None = None
    layout: str | None = None  # of the things of item 0
    same: tuple[str, ...] = ()  # attributes in which all things agree: "color", "shape"
    absent: tuple[Item, ...] = ()  # things that must not be there
    name: str | None = None  # of a composite, or of the sentence frame that a kind needs
