"""How `ladr grid` prints rows and cells: for a person in a terminal, and with tabs for another program."""

import shutil
import textwrap
from collections import Counter
from collections.abc import Iterable
from typing import Any

import typer

from ladr.base.escape import printable

Entry = dict[str, Any]
NAMES = {"CPU": "core", "GPU": "GPU"}
SOURCES = 3  # sources of times that are named
ID = 8  # digits that are enough to name a cell
DECIMALS = {"passes": 2, "score": 2, "seconds": 1, "hours": 3, "wall": 1}
HEAD = f"{'id':8} {{:{{}}}} state    images passes score {{}} time     wall"


def rounded(entries: Iterable[Entry]) -> list[Entry]:
    """The entries with as many decimals as their numbers are good for."""
    return [{key: _rounded(key, value) for key, value in entry.items()} for entry in entries]


def _rounded(key: str, value: Any) -> Any:
    return value if value is None or key not in DECIMALS else round(value, DECIMALS[key])


def print_table(entries: Iterable[Entry]) -> None:
    """One line per entry, fields between tabs, lists with commas; the first line names the fields."""
    for n, entry in enumerate(entries):
        if n == 0:
            typer.echo("\t".join(entry))
        typer.echo("\t".join(_field(value) for value in entry.values()))


def _field(value: Any) -> str:
    if value is None:
        return ""
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return printable(" ".join(text.split()))


def print_rows(rows: list[Entry], cells: list[Entry]) -> None:
    """One line per row, under the backbone and the benchmark that it runs on."""
    width = _name_width(row["row"] for row in rows)
    place = None
    for row in rows:
        if place != (row["backbone"], row["benchmark"]):
            place = row["backbone"], row["benchmark"]
            typer.echo(f"\n{' on '.join(place[::-1])}\n{HEAD.format('row', width, row['device'])}")
        many = len(row["cells"])
        short = row["cells"][0][-ID:] if many == 1 else f"{many} cells"
        state = row["state"] if many == 1 or row["done"] in (0, many) else f"{row['done']}/{many}"
        typer.echo(_line(short, row["row"], width, {**row, "state": state}))
    _print_sum(cells)


def print_cells(cells: list[Entry], all_cells: list[Entry]) -> None:
    """One line per cell, with the rows that name it."""
    width = _name_width(", ".join(cell["rows"]) for cell in cells)
    typer.echo(HEAD.format("rows", width, "CPU" if all(cell["device"] == "CPU" for cell in cells) else "GPU"))
    for cell in cells:
        names = ", ".join(cell["rows"]) or "(another cell needs it)"
        typer.echo(_line(cell["cell"][-ID:], names, width, cell))
    _print_sum(all_cells)


def _name_width(names: Iterable[str]) -> int:
    """Columns for the names: as many as the longest has, in a line as wide as the terminal."""
    free = shutil.get_terminal_size().columns - len(HEAD.format("", 0, "CPU"))
    return max(20, min(free, max(map(len, names), default=0)))


def _line(short: str, name: str, width: int, entry: Entry) -> str:
    name = printable(name)
    name = name if len(name) <= width else f"{name[: width - 3]}..."
    passes = "" if entry["passes"] is None else f"{entry['passes']:.1f}"
    score = "" if entry["score"] is None else f"{entry['score']:.1f}"
    times = f"{duration(3600 * entry['hours']):>8} {duration(entry['wall']):>8}"
    return f"{short:8} {name:{width}} {entry['state']:8} {entry['images']:6} {passes:>6} {score:>5} {times}"


def _print_sum(cells: list[Entry]) -> None:
    """What is decoded, what the rest costs, and what that is taken from."""
    left = [cell for cell in cells if cell["state"] in ("missing", "partial", "stale")]
    images = sum(cell["images"] for cell in left)
    costs = []
    for device in dict.fromkeys(cell["device"] for cell in left):
        own = [cell for cell in left if cell["device"] == device]
        hours, wall = (sum(cell[key] for cell in own) for key in ("hours", "wall"))
        costs.append(f"{duration(3600 * hours)} of one {NAMES[device]}, {duration(wall)} on the clock")
    left_over = ", ".join([f"{images} images", *costs])
    _say(f"{len(cells)} cells, {len(cells) - len(left)} decoded; left: {left_over}")
    counts = Counter(cell["source"] for cell in left)
    for source, count in counts.most_common(SOURCES):
        _say(f"time of {count} cells: {source}")
    if len(counts) > SOURCES:
        _say(f"and {len(counts) - SOURCES} more sources; --json lists them")


def _say(text: str) -> None:
    """One paragraph as wide as the terminal."""
    for line in textwrap.wrap(text, shutil.get_terminal_size().columns, subsequent_indent="  "):
        typer.echo(line)


def duration(seconds: float) -> str:
    """Seconds, minutes, hours or days, whichever a person reads best."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 360_000 else f"{seconds / 86400:.0f} days"
