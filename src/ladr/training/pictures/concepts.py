"""The concepts: what a picture can show, joined over the packages by code point."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ladr.base.errors import LadrError, nearest
from ladr.benchmarks.mini.pictures.words import STYLES
from ladr.training.pictures import packages
from ladr.training.pictures.render import picture_of_svg, picture_of_webp

GROUPS = ("animals-nature", "food-drink")  # of emojibase, the ones that a run has unless it names others
CLOCK = re.compile(r"o.clock|thirty")


@dataclass(frozen=True)
class Concept:
    """One thing to draw. `code` is its Unicode sequence in hexadecimal, without variation selectors."""

    name: str
    code: str
    group: str


def code_of(hexcode: str) -> str:
    """A sequence of code points in one spelling: lower case, joined by hyphens, no variation selector."""
    return "-".join(point for point in hexcode.lower().split("-") if point != "fe0f")


def plain(label: str) -> str:
    """A label in small ASCII letters, digits and blanks: the words that a prompt uses."""
    ascii_only = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    return " ".join(re.sub(r"[^a-z0-9]+", " ", ascii_only.replace("'", "").lower()).split())


def concepts(folder: Path, groups: tuple[str, ...] = GROUPS) -> list[Concept]:
    """Every emoji of these groups without skin tones and clock faces, in Unicode's order."""
    known = packages.read_json(folder, packages.NAMES, "en/messages.json")["groups"]
    keys = {group["order"]: group["key"] for group in known}
    for group in groups:
        if group not in keys.values():
            raise LadrError(f"groups: {group!r} is unknown{nearest(group, keys.values())}")
    rows = packages.read_json(folder, packages.NAMES, "en/data.json")
    chosen = [row for row in rows if keys.get(row.get("group")) in groups and not CLOCK.search(row["label"])]
    return [
        Concept(plain(row["label"]), code_of(row["hexcode"]), keys[row["group"]])
        for row in sorted(chosen, key=lambda row: row["order"])
    ]


def drawings(folder: Path, listed: list[Concept]) -> tuple[list[Concept], np.ndarray]:
    """The concepts that every style has, and their pictures (concepts, styles, 64, 64, 4) float32."""
    codes = {concept.code: concept for concept in listed}
    webp = packages.files(folder, packages.RENDERED, ".webp")
    rendered = {code_of(name): data for name, data in webp if code_of(name) in codes}
    noto = packages.read_json(folder, packages.NOTO, "icons.json")
    letters = packages.read_json(folder, packages.NOTO, "chars.json")
    noto_names = {code_of(code): name for code, name in letters.items()}
    flat = packages.read_json(folder, packages.FLAT, "icons.json")
    flat_names = {
        code: _flat_name(flat["icons"], concept, noto_names.get(code)) for code, concept in codes.items()
    }
    drawn = {
        "3D": {code: picture_of_webp(data) for code, data in rendered.items()},
        "flat": _icons(flat, flat_names, codes),
        "Noto": _icons(noto, noto_names, codes),
    }
    kept = [concept for concept in listed if all(concept.code in drawn[style] for style in STYLES)]
    return kept, np.stack([[drawn[style][concept.code] for style in STYLES] for concept in kept])


def _flat_name(icons: Mapping[str, object], concept: Concept, other: str | None) -> str | None:
    """The package has names and no code points: the emoji's label, or the name that Noto gives it."""
    return next((name for name in (concept.name.replace(" ", "-"), other) if name in icons), None)


def _icons(
    collection: dict, names: Mapping[str, str | None], codes: Mapping[str, Concept]
) -> dict[str, np.ndarray]:
    """Code -> picture of those concepts that an Iconify collection has."""
    icons = collection["icons"]
    present = [code for code in codes if names.get(code) in icons]
    return {code: picture_of_svg(collection, names[code]) for code in present}
