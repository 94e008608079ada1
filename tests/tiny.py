"""An experiment of seconds: the exact field on a 4x4 grid."""

import json
from pathlib import Path

from ladr.experiment.grid import grid
from ladr.experiment.params import load

TEXT = """\
use: [field]
part: 4
tracking: false
steps: 8
backbones:
  field:
    settings: {grid: [4, 4], codes: 3}
    batch_size: 4
    benchmarks: {field-exact: 3}
samplers:
  cosine: {policy: cosine}
  matched: {policy: cosine, match: ladr}
  ladr:
    policy: ladr
    phases:
      structure: {alpha: 0.3}
  halton: {policy: halton}
ablations:
  fig:
    benchmarks: [field-exact]
    rows:
      near: {policy: ladr, budget: "replay:ladr"}
      far: {policy: ladr, where: non-frontier-first, budget: "replay:ladr"}
sweeps:
  alpha:
    base: ladr
    benchmarks: [field-exact]
    grid: {phases.structure.alpha: [0.3, 0.6]}
"""


def write(folder: Path, text: str = TEXT) -> Path:
    path = Path(folder) / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def tiny(folder: Path, text: str = TEXT):
    """(params, grid) of that text."""
    params = load(write(folder, text))
    return params, grid(params)


def measured(folder: Path, asked: dict) -> Path:
    """results/ of these params with everything that figures read, made the way real ones are."""
    from ladr.experiment.cells.decode import run
    from ladr.experiment.cells.score import score
    from ladr.experiment.cells.table import write as write_table

    params, made = tiny(folder, json.dumps(asked))
    place = folder / "results"
    run(made.cells.values(), results=place, say=lambda text: None)
    score(made.cells.values(), results=place, say=lambda text: None)
    write_table(made, params.baseline, place, place)
    write_grid(made, place / "grid.json")
    return place


def write_grid(grid, path: Path) -> None:
    """Write the grid as the workflow does."""
    from ladr.experiment.cells.record import write

    write(path, json.loads(grid.json()))


def cell_of(grid, name: str):
    """The cell of the first row of that name."""
    return grid.cells[next(line.cell for line in grid.lines if line.name == name)]


def damage(path: Path, at: int = -20) -> None:
    """Flip one byte, keeping size and time of change."""
    import os

    stat = path.stat()
    data = bytearray(path.read_bytes())
    data[at] ^= 255
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def record(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def resealed(path: Path, **changes) -> dict:
    """Write a record again with other values and a digest that holds; return what it was before."""
    from ladr.experiment.cells.record import write

    before = record(path)
    write(path, {**before, **changes})
    return before


def redecoded(folder: Path) -> None:
    """Put other tokens into the folder of a cell, as another decode would: the record vouches for them."""
    from safetensors.torch import load_file, save_file

    from ladr.experiment.cells.record import CELL, TOKENS, TRACE, described

    tensors = load_file(folder / TOKENS)
    tensors["tokens"] = tensors["tokens"].flip(2).contiguous()
    save_file(tensors, folder / TOKENS, metadata={"cell": folder.name})
    resealed(folder / CELL, files=described(folder, [TOKENS, TRACE]))


def rescored(results: Path, scores) -> None:
    """Write other scores into the table, and vouch for them."""
    from ladr.experiment.cells.record import BESIDE, TABLE, described

    scores.to_parquet(results / "scores.parquet")
    resealed(results / TABLE, files=described(results, list(BESIDE)))
