"""Draws scenes: anti-aliased, deterministic, numpy only."""

from functools import lru_cache

import numpy as np

from ladr.shapes.scene import (
    BACKGROUNDS,
    BLUEPRINT,
    CANVAS,
    CELL,
    COLORS,
    INKS,
    LETTER_PITCH,
    LETTERS,
    SHADE,
    SIZES,
    Scene,
    Thing,
    Writing,
)

STROKE = 2.5  # pixels, of the outline style


def render(scene: Scene) -> np.ndarray:
    """The scene as (64, 64, 3) uint8."""
    image = np.empty((CANVAS, CANVAS, 3), np.float32)
    image[:] = background_rgb(scene)
    for thing in scene.things:
        _draw(image, thing, scene.style)
    if scene.writing is not None:
        _write(image, scene.writing)
    return np.rint(image).astype(np.uint8)


def background_rgb(scene: Scene) -> tuple[int, int, int]:
    """The colour behind everything."""
    return BLUEPRINT if scene.style == "blueprint" else BACKGROUNDS[scene.background]


def palette_rgb(name: str) -> tuple[int, int, int]:
    """A colour of things or letters by its name."""
    return COLORS.get(name) or INKS[name]


@lru_cache(maxsize=256)
def coverage(shape: str, side: int, outline: bool = False) -> np.ndarray:
    """How much of each pixel a shape of `side` pixels covers, (side, side) in [0, 1]."""
    distance = _distance(shape, side)
    inside = np.clip(0.5 - distance, 0, 1)
    if outline:
        inside = inside * np.clip(0.5 + distance + STROKE, 0, 1)
    inside = inside.astype(np.float32)
    inside.setflags(write=False)
    return inside


def _distance(shape: str, side: int) -> np.ndarray:
    """Signed distance in pixels to the outline, negative inside."""
    radius = side / 2
    axis = np.arange(side) + 0.5 - radius
    y, x = axis[:, None], axis[None, :]
    if shape == "circle":
        return np.hypot(x, y) - radius
    if shape == "square":
        return np.maximum(abs(x), abs(y)) - radius
    if shape == "diamond":
        return (abs(x) + abs(y) - radius) / np.sqrt(2)
    if shape == "triangle":  # apex up, base as wide as the box
        slope = (2 * abs(x) - (y + radius)) / np.sqrt(5)
        return np.maximum(slope, y - radius)
    if shape == "cross":
        arm = radius / 3
        upright = np.maximum(abs(x) - arm, abs(y) - radius)
        across = np.maximum(abs(y) - arm, abs(x) - radius)
        return np.minimum(upright, across)
    raise KeyError(shape)


@lru_cache(maxsize=64)
def shaded(texture: str, side: int) -> np.ndarray:
    """Which pixels of a box of `side` cells take the darker colour of the texture, (4 side, 4 side) bool."""
    r, c = np.indices((side, side))
    cells = {
        "solid": np.zeros((side, side), bool),
        "striped": r % 2 == 1,
        "checkered": (r + c) % 2 == 1,
        "dotted": (r % 2 == 1) & (c % 2 == 1),
    }[texture]
    return cells.repeat(CELL, 0).repeat(CELL, 1)


@lru_cache(maxsize=1024)
def _sprite(shape: str, size: str, texture: str, color: str, style: str) -> tuple[np.ndarray, np.ndarray]:
    """Coverage (side, side, 1) and colour (side, side, 3) of one thing."""
    side = SIZES[size]
    alpha = coverage(shape, side * CELL, style in ("outline", "blueprint"))[..., None]
    name = {"blueprint": "white", "silhouette": "black"}.get(style, color)
    rgb = np.broadcast_to(np.float32(palette_rgb(name)), (side * CELL, side * CELL, 3)).copy()
    if style == "flat":
        rgb[shaded(texture, side)] *= SHADE
    return alpha, rgb


def _draw(image: np.ndarray, thing: Thing, style: str) -> None:
    alpha, rgb = _sprite(thing.shape, thing.size, thing.texture, thing.color, style)
    y, x, side = thing.row * CELL, thing.col * CELL, alpha.shape[0]
    patch = image[y : y + side, x : x + side]
    patch += alpha * (rgb - patch)


def _write(image: np.ndarray, writing: Writing) -> None:
    ink = np.float32(palette_rgb(writing.color))
    for place, letter in enumerate(writing.letters):
        cells = np.array([[bit == "1" for bit in row] for row in LETTERS[letter]])
        pixels = cells.repeat(CELL, 0).repeat(CELL, 1)
        y, x = writing.row * CELL, (writing.col + place * LETTER_PITCH) * CELL
        image[y : y + pixels.shape[0], x : x + pixels.shape[1]][pixels] = ink
