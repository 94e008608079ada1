"""Score cells of the official benchmarks: render, lay out, judge part by part. What cannot be scored here is
N/A with its reason, and stays so until an official result is imported or a setting changes."""

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ladr import backbones
from ladr.base.errors import LadrError
from ladr.benchmarks.official.asked import Asked, Judged
from ladr.benchmarks.official.folder import export, manifest_of, manifest_path
from ladr.benchmarks.official.grid import OFFICIAL
from ladr.benchmarks.official.named import named
from ladr.benchmarks.official.scorers import PARTS, judged
from ladr.benchmarks.official.suite import Suite
from ladr.benchmarks.rows import Row
from ladr.experiment.cell import Cell, canonical
from ladr.experiment.cells import record as files
from ladr.experiment.cells.decode import Say, read_tokens, tell
from ladr.experiment.cells.record import CELL, TOKENS

IMAGES, IMPORTED, WHOSE = "images", "official", "import.json"
CHUNK = 16  # images that are rendered at once
RELEVANT = {  # benchmark -> the settings that its scores depend on
    "geneval": ("detector", "colors", "allow_few_detections"),
    "unigen": ("judge",),
    "dpg": ("dpg", "judge", "questions"),
    "t2i": ("blip", "clip", "chunks", "spatial"),
}


def is_official(cell: Cell) -> bool:
    return cell.spec["benchmark"]["name"] in OFFICIAL


def settings_digest(cell: Cell) -> str:
    """A hash of what would score this cell: scores of other settings are made anew."""
    held = cell.official.model_dump()
    wanted = {key: held[key] for key in RELEVANT[cell.spec["benchmark"]["name"]]}
    if wanted.get("judge"):
        wanted["judge"] = {key: wanted["judge"][key] for key in ("model", "weights")}
    return hashlib.sha256(canonical(wanted).encode()).hexdigest()[:16]


def layout_of(cell: Cell) -> Suite:
    """The cell's prompts and images as the official scorer wants them."""
    asked = cell.spec["benchmark"]
    return OFFICIAL[asked["name"]].of(cell.prompts, asked["images"])


def record_of(cell: Cell, folder: Path) -> dict[str, Any]:
    """What an exported folder says about where its images come from."""
    spec = cell.spec
    return {
        "cell": cell.id,
        "tokens": files.read_json(folder / CELL)["files"][TOKENS]["sha256"],
        "sampler": dict(spec["sampler"]),
        "backbone": dict(spec["backbone"]),
        "seed": spec["benchmark"]["seed"],
    }


class Rendered:
    """A cell's images, drawn from its tokens when they are asked for, by the weights that draw alone."""

    def __init__(self, cell: Cell, folder: Path):
        self.count = cell.spec["benchmark"]["images"]
        self.tokens = read_tokens(folder)["tokens"].long()
        if len(self.tokens) != (due := self.count * len(cell.prompts)):
            raise LadrError(f"{folder / TOKENS}: {len(self.tokens)} images, {due} were asked for")
        self.spec = cell.spec["backbone"]
        self.start, self.held = -1, np.empty(0)

    @cached_property
    def backbone(self) -> Any:
        """What draws, loaded when the first image is drawn."""
        return backbones.kind(self.spec["name"]).drawing(self.spec["settings"])

    def __call__(self, i: int, j: int) -> np.ndarray:
        """Image j of prompt i, (h, w, 3) uint8; neighbours are drawn together."""
        place = i * self.count + j
        start = place // CHUNK * CHUNK
        if start != self.start:
            self.held = np.asarray(self.backbone.render(self.tokens[start : start + CHUNK]))
            self.start = start
        return self.held[place - start]


def export_cell(cell: Cell, folder: Path, to: Path, say: Say = tell) -> int:
    """Write the images of a finished cell below `to` in the official layout; how many files were new. What an
    earlier export beside `to`, or the cell's own folder, holds is linked; the rest is rendered."""
    if not files.done(folder / CELL):
        raise LadrError(f"cell {cell.id}: not decoded; run `ladr run {cell.id}`")
    suite = layout_of(cell)
    total = sum(1 for _ in suite.files())

    def progress(done: int) -> None:
        if done % max(1, total // 10) == 0:
            say(f"{cell.id}: {done}/{total} image files")

    return export(suite, to, Rendered(cell, folder), record_of(cell, folder), progress, [folder / IMAGES])


def imported_of(folder: Path) -> Path:
    """The folder of official results of these tokens; one that is not there if they are of others."""
    place, tokens = folder / IMPORTED, files.read_json(folder / CELL)["files"][TOKENS]["sha256"]
    whose = place / WHOSE
    same = whose.is_file() and files.read_json(whose).get("tokens") == tokens
    return place if same else place / "none"


@dataclass
class Graded:
    """Every judgement, the table's lines, and what scored which part or why nothing did."""

    rows: list[Row]
    lines: list[dict[str, Any]]
    parts: dict[str, dict[str, Any]]


def grade(cell: Cell, folder: Path, say: Say = tell, only: Iterable[str] | None = None) -> Graded:
    """All parts of a cell's benchmark, or those of `only`; one that cannot be scored does not stop others."""
    images = folder / IMAGES
    suite = layout_of(cell)

    def rendered() -> Path:
        if manifest_of(images).get("tokens") != record_of(cell, folder)["tokens"]:
            remove_images(folder)
        export_cell(cell, folder, images, say)
        return images

    def told(text: str) -> None:
        say(f"{cell.id}: {text}")

    asked = Asked(suite, cell.official, imported_of(folder), folder, rendered, told)
    out = Graded([], [], {})
    for part, columns in PARTS[suite.name].items():
        if not _present(suite, part) or (only is not None and part not in only):
            continue
        try:
            _add(out, suite.name, columns, part, judged(part, asked))
        except LadrError as error:
            out.parts[part] = {"scorer": None, "reason": str(error)}
            out.lines += [absent(column, str(error)) for column in columns]
            say(f"{cell.id}: {part}: not scored: {error}")
    return out


def clear_images(cell: Cell, folder: Path) -> None:
    """Remove the rendered images of a scored cell, unless params.yaml keeps them."""
    if not cell.official.keep_images:
        remove_images(folder)


def remove_images(folder: Path) -> None:
    shutil.rmtree(folder / IMAGES, ignore_errors=True)
    manifest_path(folder / IMAGES).unlink(missing_ok=True)


def _present(suite: Suite, part: str) -> bool:
    """Does this cell ask for the part at all? A small size may leave a category out, another suite never."""
    return suite.name != "t2i" or any(p.meta["category"] == part for p in suite.prompts)


def _add(out: Graded, benchmark: str, columns: Iterable[str], part: str, found: Judged) -> None:
    from ladr.experiment.cells.mini import table_lines

    suite = OFFICIAL[benchmark]
    known = {row.column for row in found.rows}
    own = replace(
        suite,
        columns=tuple(c for c in suite.columns if c in known),
        overall=suite.overall if set(suite.overall) <= known else (),
    )
    lines = [line for line in table_lines(own, found.rows) if line["note"] != "not a score"]
    for line in lines:
        line["column"] = named(line["column"], found.scorer, found.exact)
        line["note"] = "; ".join(x for x in (line["note"], *_said(found)) if x)
    if not found.exact:
        reason = f"scored by {found.scorer}, which is not the official scorer: see the column of that name"
        out.lines += [absent(column, reason) for column in columns]
    out.lines += lines
    out.rows += [replace(row, column=named(row.column, found.scorer, found.exact)) for row in found.rows]
    out.parts[part] = {"scorer": found.scorer, "exact": found.exact, "notes": list(found.notes)}


def _said(found: Judged) -> tuple[str, ...]:
    return found.lacks if found.scorer == "official" else (f"scored by {found.scorer}", *found.notes)


def absent(column: str, why: str) -> dict[str, Any]:
    """The line of a column that has no value."""
    empty = dict.fromkeys(("value", "low", "high", "floor", "ceiling"))
    return {"column": column, **empty, "n": 0, "note": f"N/A: {why}"}
