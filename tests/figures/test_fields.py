"""The table of the doubt budget's parts on fields: one line per rule, one column per coupling."""

import csv

import pytest

from ladr.base.errors import LadrError
from ladr.figures import fields
from ladr.figures.frame.results import NotAskedError, Results

PROVENANCE = {"began": "2031-01-02T03:04:05", "ended": "2031-01-02T04:04:05", "cpu": "a", "threads": 1,
              "torch": "9"}  # fmt: skip


def row(size, coupling, kl, steps=8):
    return {"size": size, "codes": 3, "coupling": coupling, "rule": "cosine, top-1", "steps": steps,
            "nfe": 7.96, "kl": kl, "se": 0.125, "samples": 9}  # fmt: skip


def section(title, *rows):
    return {"title": title, "verdict": "So.", "rows": list(rows)}


@pytest.fixture
def place(tmp_path):
    made = Results.__new__(Results)
    made.root = tmp_path
    return made


def test_every_coupling_is_a_column_and_a_field_without_it_has_none(place, tmp_path, monkeypatch):
    (tmp_path / "theory.json").write_text("{}", encoding="utf-8")
    small = section("Parts", row("6x6", 0.6, 0.5), row("6x6", 0.9, 1.5), row("6x6", 0.9, 1.25, steps=6))
    record = {
        "parts": small,
        "parts_large": section("Large", row("10x10", 0.9, 4.0)),
        "provenance": PROVENANCE,
    }
    monkeypatch.setattr(Results, "theory", lambda self: record)
    (table,) = fields.draw(place)
    _, page = table.save(tmp_path)
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert lines[2:] == [
        "| 6x6, 3 codes | cosine, top-1 | 8 | 8.0, 0.50 ± 0.12 | 8.0, 1.50 ± 0.12 |",
        "| 6x6, 3 codes | cosine, top-1 | 6 | N/A | 8.0, 1.25 ± 0.12 |",
        "| 10x10, 3 codes | cosine, top-1 | 8 | N/A | 8.0, 4.00 ± 0.12 |",
    ]
    for words in ("Large: So.", "9 samples on 6x6, 9 samples on 10x10", "Results of 2031-01-02"):
        assert words in table.caption
    with (tmp_path / "divergence-parts.csv").open(encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    assert [(line["size"], line["steps"], float(line["kl"])) for line in written] == [
        ("6x6", "8", 0.5), ("6x6", "8", 1.5), ("6x6", "6", 1.25), ("10x10", "8", 4.0),
    ]  # fmt: skip


def test_it_is_drawn_from_the_theory_record_alone(place, tmp_path, monkeypatch):
    with pytest.raises(NotAskedError, match="ladr theory --json"):
        next(fields.draw(place))
    (tmp_path / "theory.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(Results, "theory", lambda self: {"provenance": PROVENANCE})
    with pytest.raises(LadrError, match="no parts"):
        next(fields.draw(place))
