"""Score finished cells from their tokens. The images are rendered here; nothing of the decoder is asked."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ladr import backbones
from ladr.base.errors import LadrError
from ladr.base.late import Tensor, torch
from ladr.benchmarks import BENCHMARKS
from ladr.benchmarks.mini.scoring import ceiling, score
from ladr.benchmarks.mini.suite import MiniSuite
from ladr.benchmarks.official.grid import OFFICIAL
from ladr.benchmarks.rows import Row, header, read_rows, write_rows
from ladr.experiment.cell import Cell, canonical
from ladr.experiment.cells import record as files
from ladr.experiment.cells.decode import Say, folder_of, images_of, read_tokens, tell
from ladr.experiment.cells.provenance import provenance
from ladr.experiment.cells.record import CELL, RESULTS, SCORE, SCORES, TOKENS
from ladr.shapes.reading import VERSION as EVALUATOR

SCORER = {"evaluator": EVALUATOR, "lines": 2}  # lines: grows with columns and values of `results.summary`
SHEET = "samples.png"
SHOWN_SIDE = 256  # pixels of an image in the sheet
CHUNK = 64  # images that are rendered at once


def grade(cells: Iterable[Cell], *, results: Path = RESULTS, processes: int = 1, say: Say = tell) -> None:
    """Write scores.jsonl of each cell, and score.json, which vouches for it, last."""
    cells = list(cells)
    official = [cell for cell in cells if cell.spec["benchmark"]["name"] in OFFICIAL]
    for cell in official:
        grade_official(cell, folder_of(cell.id, results), say)
    cells = [cell for cell in cells if cell not in official]
    loaded: dict[str, Any] = {}
    for cell in cells:
        folder = folder_of(cell.id, results)
        record = files.read_json(folder / CELL)
        if graded(folder):
            say(f"{cell.id}: scored already")
            continue
        backbone = loaded.get(key := canonical(cell.spec["backbone"])) or _loaded(cell)
        loaded = {key: backbone}
        tokens = read_tokens(folder)["tokens"].long()
        drawn = rendered(backbone, tokens)
        rows = judged(cell, folder, backbone, tokens, drawn, processes)
        suite, prompts = BENCHMARKS[cell.spec["benchmark"]["name"]], cell.prompts
        with files.appearing(folder / SCORES) as half:
            write_rows(half, _header(suite, prompts, cell), rows)
        with files.appearing(folder / SHEET) as half:
            first = drawn[:: cell.spec["benchmark"]["images"]]
            sheet(first[spread(len(first))]).save(half, format="png")
        content = {
            "id": cell.id,
            "tokens": record["files"][TOKENS]["sha256"],
            "scorer": SCORER,
            "lines": table_lines(suite, rows),
            "provenance": provenance(),
            "files": files.described(folder, [SCORES, SHEET]),
        }
        files.write_json(folder / SCORE, content)
        say(f"{cell.id}: {len(rows)} judgements")


def grade_official(cell: Cell, folder: Path, say: Say = tell, again: bool = False) -> None:
    """The same for one cell of an official benchmark; what has no scorer here is N/A, with the reason."""
    from ladr.experiment.cells import official

    record = files.read_json(folder / CELL)
    if graded(folder, cell) and not again:
        say(f"{cell.id}: scored already")
        return
    found = official.grade(cell, folder, say)
    head = _header(official.layout_of(cell), cell.prompts, cell)
    with files.appearing(folder / SCORES) as half:
        write_rows(half, head, found.rows)
    drawing = official.Rendered(cell, folder).backbone
    first = read_tokens(folder)["tokens"].long()[:: cell.spec["benchmark"]["images"]]
    with files.appearing(folder / SHEET) as half:
        sheet(rendered(drawing, first[spread(len(first))])).save(half, format="png")
    content = {
        "id": cell.id,
        "tokens": record["files"][TOKENS]["sha256"],
        "settings": official.settings_digest(cell),
        "parts": found.parts,
        "lines": found.lines,
        "provenance": provenance(),
        "files": files.described(folder, [SCORES, SHEET]),
    }
    files.write_json(folder / SCORE, content)
    official.clear_images(cell, folder)
    say(f"{cell.id}: {len(found.rows)} judgements")


def graded(folder: Path, cell: Cell | None = None) -> bool:
    """Has this cell scores, whole, of the tokens that are there now, and by this scorer? Given the cell of an
    official benchmark: and by what params.yaml now names to score it?"""
    if not files.done(folder / SCORE) or not files.done(folder / CELL):
        return False
    score = files.read_json(folder / SCORE)
    if "settings" not in score and score.get("scorer") != SCORER:
        return False
    if cell is not None and cell.spec["benchmark"]["name"] in OFFICIAL:
        from ladr.experiment.cells.official import settings_digest

        if score.get("settings") != settings_digest(cell):
            return False
    return score.get("tokens") == files.read_json(folder / CELL)["files"][TOKENS]["sha256"]


def _loaded(cell: Cell) -> Any:
    spec = cell.spec["backbone"]
    return backbones.load(spec["name"], **spec["settings"])


def _header(suite: Any, prompts: Any, cell: Cell) -> dict[str, object]:
    return {
        **header(suite, prompts, cell.spec["benchmark"]["images"]),
        "seed": cell.spec["benchmark"]["seed"],
    }


def judged(
    cell: Cell, folder: Path, backbone: Any, tokens: Tensor, drawn: np.ndarray, processes: int = 1
) -> tuple[Row, ...]:
    """Every judgement of every image of a finished cell, its `tokens` (N, H, W) `drawn` (N, h, w, 3); images
    are numbered from 0."""
    suite, prompts = BENCHMARKS[cell.spec["benchmark"]["name"]], cell.prompts
    first = cell.spec["benchmark"]["seed"]
    keys = [(prompt.id, number - first) for prompt, number in images_of(cell)]
    if len(keys) != len(tokens):
        raise LadrError(f"{folder / TOKENS}: {len(tokens)} images, {len(keys)} were asked for")
    if hasattr(suite, "judge_tokens"):
        return suite.judge_tokens(prompts, dict(zip(keys, tokens, strict=True)), backbone)
    return score(suite, prompts, dict(zip(keys, drawn, strict=True)), processes=processes)


def rendered(backbone: Any, tokens: Tensor) -> np.ndarray:
    """(N, h, w, 3) uint8."""
    parts = [np.asarray(backbone.render(tokens[i : i + CHUNK])) for i in range(0, len(tokens), CHUNK)]
    return np.concatenate(parts)


def spread(count: int, tiles: int = 24) -> Tensor:
    """Up to `tiles` of the numbers below `count`, evenly spread."""
    return torch.linspace(0, count - 1, min(tiles, count)).long()


def sheet(images: np.ndarray) -> Any:
    """Images (N, h, w, 3) as one picture, eight in a row; large ones are made smaller."""
    from PIL import Image

    shown = _small(images)
    n, h, w, _ = shown.shape
    rows = -(-n // 8)
    canvas = np.full((rows * h, min(n, 8) * w, 3), 255, np.uint8)
    for i, image in enumerate(shown):
        y, x = i // 8 * h, i % 8 * w
        canvas[y : y + h, x : x + w] = image
    return Image.fromarray(canvas)


def _small(images: np.ndarray) -> np.ndarray:
    """(N, h, w, 3) with every n-th pixel, so that no side is longer than SHOWN_SIDE."""
    step = -(-max(images.shape[1:3]) // SHOWN_SIDE)
    return images[:, ::step, ::step]


def table_lines(suite: Any, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The suite's table with intervals, as plain rows; a missing value is None."""
    from ladr.benchmarks.compare import summary

    return summary(suite, list(rows)).astype(object).where(lambda t: t.notna(), None).to_dict("records")


def ceiling_file(cell: Cell, results: Path = RESULTS) -> Path | None:
    """Where scores of ground truth through this cell's tokenizer lie; None for a suite without pixels."""
    if not isinstance(BENCHMARKS[cell.spec["benchmark"]["name"]], MiniSuite):
        return None
    import hashlib

    wanted = {k: v for k, v in cell.spec["benchmark"].items() if k not in ("images", "seed")}
    text = canonical([cell.spec["backbone"], wanted])
    name = f"{cell.spec['backbone']['name']}-{wanted['name']}"
    return results / "ceilings" / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.jsonl"


def grade_ceiling(cell: Cell, results: Path = RESULTS) -> None:
    """Score ground truth through the tokenizer of this cell's backbone, once for all its samplers."""
    path = ceiling_file(cell, results)
    if path is None or path.is_file():
        return
    suite, prompts = BENCHMARKS[cell.spec["benchmark"]["name"]], cell.prompts
    rows = ceiling(suite, prompts, through(_loaded(cell)))
    with files.appearing(path) as half:
        write_rows(half, header(suite, prompts, 1), rows)


def through(backbone: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Images to tokens and back."""
    encoder = getattr(backbone, "patches", None) or backbone.pixels

    def both_ways(images: np.ndarray) -> np.ndarray:
        given = images if hasattr(backbone, "patches") else torch.from_numpy(images)
        return np.asarray(backbone.render(torch.as_tensor(encoder.encode(given))))

    return both_ways


def read_scores(folder: Path) -> tuple[Mapping[str, object], tuple[Row, ...]]:
    """Header and judgements of a scored cell."""
    if not graded(folder):
        raise LadrError(
            f"{folder / SCORE}: no scores, by this version of ladr, of the tokens that are there; "
            f"run `ladr score {folder.name}`"
        )
    return read_rows(folder / SCORES)
