"""How `ladr grid` prints rows and cells: for a person in a terminal, and with tabs for another program."""

import shutil
from collections.abc import Iterable
from typing import Any

import typer

from ladr.base.escape import printable

Entry = dict[str, Any]
ID = 8  # digits that are enough to name a cell
HEAD = f"{'id':8}  {{:{{}}}}  state     images  passes  score  CPU time"


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
            typer.echo(f"\n{' on '.join(place[::-1])}\n{HEAD.format('row', width)}")
        many = len(row["cells"])
        short = row["cells"][0][-ID:] if many == 1 else f"{many} cells"
        state = row["state"] if many == 1 or row["done"] in (0, many) else f"{row['done']}/{many}"
        typer.echo(_line(short, row["row"], width, {**row, "state": state}))
    _print_sum(cells)


def print_cells(cells: list[Entry], all_cells: list[Entry]) -> None:
    """One line per cell, with the rows that name it."""
    width = _name_width(", ".join(cell["rows"]) for cell in cells)
    typer.echo(HEAD.format("rows", width))
    for cell in cells:
        names = ", ".join(cell["rows"]) or "(another cell needs it)"
        typer.echo(_line(cell["cell"][-ID:], names, width, cell))
    _print_sum(all_cells)


def _name_width(names: Iterable[str]) -> int:
    """Columns for the names: as many as the longest has, in a line as wide as the terminal."""
    free = shutil.get_terminal_size().columns - len(HEAD.format("", 0))
    return max(20, min(free, max(map(len, names), default=0)))


def _line(short: str, name: str, width: int, entry: Entry) -> str:
    name = printable(name)
    name = name if len(name) <= width else f"{name[: width - 3]}..."
    passes = "" if entry["passes"] is None else f"{entry['passes']:.1f}"
    score = "" if entry["score"] is None else f"{entry['score']:.1f}"
    numbers = f"{entry['images']:6}  {passes:>6}  {score:>5}  {duration(entry['seconds']):>8}"
    return f"{short:8}  {name:{width}}  {entry['state']:8}  {numbers}"


def _print_sum(cells: list[Entry]) -> None:
    """How many cells are decoded, and how long the rest may take."""
    left = [cell for cell in cells if cell["state"] in ("missing", "partial", "stale")]
    known = [cell["seconds"] for cell in left if cell["seconds"] is not None]
    about = f", about {duration(sum(known))} of one core" if known else ""
    more = f" ({len(left) - len(known)} cells cannot be guessed yet)" if len(known) < len(left) else ""
    images = sum(cell["images"] for cell in left)
    typer.echo(f"\n{len(cells)} cells, {len(cells) - len(left)} decoded; left: {images} images{about}{more}")


def duration(seconds: float | None) -> str:
    """Seconds, minutes or hours, whichever a person reads best."""
    if seconds is None:
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
