"""The data of illustrations, computed once from finished cells.

They show images, the order in which their cells settled, one run seen from inside, and how far a token and a
commit reach.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ladr import backbones
from ladr.backbones.checkpoint.identity import loaded_from
from ladr.base import files
from ladr.base.errors import LadrError
from ladr.benchmarks.prompt import Prompt
from ladr.decoding import frontier
from ladr.decoding.loop import decode
from ladr.decoding.noise import derived, seed_of
from ladr.experiment.cell import Cell, Grid
from ladr.experiment.cells import record
from ladr.experiment.cells.decode import Decoder, Say, folder_of, images_of, tell
from ladr.experiment.cells.decoded import counts_of, read_tokens
from ladr.experiment.cells.provenance import provenance
from ladr.experiment.cells.record import CELL, RESULTS, described, done
from ladr.experiment.illustrations.reach import IMAGES, OFTEN, SHARES, dependence, perturbation
from ladr.experiment.illustrations.verdicts import verdicts
from ladr.experiment.lines import illustrated
from ladr.experiment.plan.records import ILLUSTRATIONS, VERSION

ARRAYS, RECORD = "pictures.npz", "pictures.json"
SHOWN = 6  # prompts


def measurable(grid: Grid) -> dict[str, list[tuple[str, str, Cell]]]:
    """Backbone -> name, label and cell of its samplers on its first benchmark that has true images."""
    return {
        backbone: [(line.name, line.label, grid.cells[line.cell]) for line in lines]
        for backbone, lines in illustrated(grid.lines).items()
    }


def write(grid: Grid, results: Path = RESULTS, say: Say = tell) -> list[Path]:
    """Write results/pictures/BACKBONE/ for each backbone that draws; return the record of each."""
    missing = [c.id for rows in measurable(grid).values() for *_, c in rows
               if not done(folder_of(c.id, results) / CELL)]  # fmt: skip
    if missing:
        raise LadrError(f"{len(missing)} cells are not decoded: {', '.join(missing)}; run `snakemake`")
    out = []
    for backbone, rows in measurable(grid).items():
        out.append(_write_one(rows, results / ILLUSTRATIONS / backbone, results))
        say(f"{backbone}: {out[-1]}")
    return out


def _write_one(rows: Sequence[tuple[str, str, Cell]], folder: Path, results: Path) -> Path:
    began, first = _now(), rows[0][2]
    torch.set_num_threads(first.row.threads)
    backbone = backbones.load(first.spec["backbone"]["name"], **first.spec["backbone"]["settings"])
    places = chosen(first)
    images = [_final(cell, places, backbone, results) for *_, cell in rows]
    arrays = {key: np.stack([f[key] for f in images], 1) for key in images[0]}
    prompts = [images_of(first)[i] for i in places]
    longest = max(range(len(prompts)), key=lambda i: len(prompts[i][0].text))
    seen, inside = _inside(rows, prompts[longest], backbone, results)
    measured, reach = _reach(first, backbone, results)
    files.write_bytes(folder / ARRAYS, _packed(arrays | seen | measured))
    weights = first.spec["backbone"]["weights"]
    content = {
        "version": VERSION,
        "prompts": [{"id": p.id, "text": p.text, "column": p.meta["column"]} for p, _ in prompts],
        "samplers": [{"name": n, "label": label, "cell": c.id} for n, label, c in rows],
        "detected": [[_detected(first, p, image) for image in row]
                     for (p, _), row in zip(prompts, arrays["images"], strict=True)],
        "longest": longest,
        "pair": pair_of([prompt for prompt, _ in prompts]),
        "inside": inside,
        "reach": reach,
        "provenance": {"began": began, "ended": _now(), **provenance(loaded_from(weights))},
        "files": described(folder, [ARRAYS]),
    }  # fmt: skip
    record.write(folder / RECORD, content)
    return folder / RECORD


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _reach(cell: Cell, backbone: Any, results: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """How far commits and changed tokens reach in a cell's images, one of each prompt.

    Return arrays and a summary of each. Arrays: `dependence` (shares, 2M+1, 2M+1) by offset and, unless the
    backbone draws a mosaic, `pixels` by offset and the example of `perturbation`.
    """
    images = images_of(cell)
    each = cell.spec["benchmark"]["images"]
    places = np.linspace(0, len(cell.prompts) - 1, min(IMAGES, len(cell.prompts))).round().astype(int) * each
    held = read_tokens(folder_of(cell.id, results))
    tokens, settled = (held[key][places].long() for key in ("tokens", "settled"))
    kind = backbones.kind(cell.spec["backbone"]["name"])
    asked = [kind.reading(images[i][0]) for i in places]
    often = 1 if kind.network else OFTEN
    stream, batch = derived(0, "dependence"), cell.row.batch_size
    spreads = dependence(backbone, asked, tokens, settled, stream, batch, often)
    arrays = {"dependence": np.stack([s.offsets for s in spreads]).astype(np.float32)}
    dependent = [{"share": a, **s.summary()} for a, s in zip(SHARES, spreads, strict=True)]
    measured: dict[str, Any] = {"cell": cell.id, "dependence": dependent, "pixels": None}
    perturbed = perturbation(backbone, tokens, derived(0, "perturbation"))
    if perturbed is not None:
        spread, example = perturbed
        arrays |= {"pixels": spread.offsets.astype(np.float32), **example}
        measured["pixels"] = {"side": spread.side, **spread.summary()}
    return arrays, measured


def chosen(cell: Cell) -> list[int]:
    """The places of the first image of each column, then of other prompts, at most SHOWN in all."""
    columns: dict[str, int] = {}
    prompts: dict[str, int] = {}
    for i, (prompt, _) in enumerate(images_of(cell)):
        columns.setdefault(prompt.meta["column"], i)
        prompts.setdefault(prompt.id, i)
    return list(dict.fromkeys([*columns.values(), *prompts.values()]))[:SHOWN]


def pair_of(prompts: Sequence[Prompt]) -> int | None:
    """The place of the first prompt that asks for two things; None if none does."""
    stated = [len(prompt.meta.get("spec", {}).get("items", ())) for prompt in prompts]
    return stated.index(2) if 2 in stated else None


def _final(cell: Cell, places: Sequence[int], backbone: Any, results: Path) -> dict[str, np.ndarray]:
    folder = folder_of(cell.id, results)
    held, counts = read_tokens(folder), counts_of(folder)
    tokens = held["tokens"].long()[places]
    return {
        "images": np.asarray(backbone.render(tokens)),
        "tokens": tokens.numpy(),
        "settled": held["settled"][places].numpy().astype(np.int16),
        "rescued": held["rescued"][places].numpy(),
        "passes": np.array([len(counts[i]) for i in places], dtype=np.int16),
    }


def _inside(
    rows: Sequence[tuple[str, str, Cell]], image: tuple[Prompt, int], backbone: Any, results: Path
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """One decode of the first row that rescues, pass by pass: the arrays masked, gap, scheduled, frontier and
    rescued (S, H, W), and its times. Both are empty where no row rescues."""
    rescuing = [(label, c) for _, label, c in rows if c.spec["sampler"]["policy"].get("phases")]
    if not rescuing:
        return {}, {}
    label, cell = rescuing[0]
    one = Decoder(cell, backbone, [image], results / "cells")
    prompt, number = image
    seen: list[dict[str, Any]] = []

    def look(view: Any, take: Any) -> None:
        gap = torch.where(view.masked, view.gap.float(), torch.nan)
        seen.append({"masked": view.masked[0], "gap": gap[0], "take": take[0], "t": float(view.t[0])})

    seed = seed_of(cell.spec["benchmark"]["name"], prompt.id, number)
    asked = [backbones.kind(cell.spec["backbone"]["name"]).reading(prompt)]
    decoded = decode(
        backbone, asked, one.policy, steps=one.steps, seeds=[seed], temperature=one.temperature, on_step=look
    )
    rescued = [decoded.rescued[0] & (decoded.settled[0] == s) for s in range(len(seen))]
    after = [s["masked"] & ~(s["take"] & ~r) for s, r in zip(seen, rescued, strict=True)]
    arrays = {
        "inside_masked": _stack(s["masked"] for s in seen),
        "inside_gap": _stack(s["gap"] for s in seen).astype(np.float32),
        "inside_scheduled": _stack(s["take"] & ~r for s, r in zip(seen, rescued, strict=True)),
        "inside_frontier": _stack(frontier.frontier(a[None], 3)[0] for a in after),
        "inside_rescued": _stack(rescued),
    }
    return arrays, {"t": [s["t"] for s in seen], "label": label, "cell": cell.id, "prompt": prompt.text}


def _stack(parts: Iterable[torch.Tensor]) -> np.ndarray:
    return torch.stack(list(parts)).cpu().numpy()


def _detected(cell: Cell, prompt: Prompt, image: np.ndarray) -> dict[str, Any]:
    """What the evaluator sees in an image, and its verdicts."""
    reading = cell.benchmark.read(image)
    points = cell.benchmark.judgements(prompt, reading)
    seen = (*reading.things, *reading.letters) if "spec" in prompt.meta else ()
    things = [
        {"what": f"{d.color} {d.shape or d.letter or 'unknown'}", "box": [int(v) for v in d.box]}
        for d in seen
    ]
    return {"things": things, "verdicts": verdicts(prompt, reading, points)}


def _packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The arrays as npz; the same bytes for the same arrays."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{key: arrays[key] for key in sorted(arrays)})
    return buffer.getvalue()
