"""Numbers in the documents are those of the committed tables: whoever redraws these must rewrite those."""

import csv
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NUMBER = r"(-?\d+(?:\.\d+)?)"
QUOTED = re.compile(rf"{NUMBER}\s+\[{NUMBER},\s+{NUMBER}\]")


def measured():
    """(value, low, high) of every line of every table in figures/."""
    found = []
    for path in sorted((ROOT / "figures").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                for names in (("value", "low", "high"), ("difference", "difference_low", "difference_high")):
                    if all(row.get(name) for name in names):
                        found.append(tuple(float(row[name]) for name in names))
    return found


def rounded(numbers, texts):
    """Would these numbers be written like that?"""
    places = [len(text.partition(".")[2]) for text in texts]
    return all(
        abs(n - float(t)) <= 0.5 * 10**-p + 1e-4 for n, t, p in zip(numbers, texts, places, strict=True)
    )


@pytest.mark.parametrize("name", ["README.md", "docs/results.md"])
def test_intervals_in_the_text_are_in_a_table(name):
    text, known = (ROOT / name).read_text(encoding="utf-8"), measured()
    quoted = [match.groups() for match in QUOTED.finditer(text)]
    assert len(quoted) > 5
    assert [q for q in quoted if not any(rounded(numbers, q) for numbers in known)] == []


def test_a_changed_number_is_found():
    assert rounded((-6.26, -7.44, -5.11), ("-6.3", "-7.4", "-5.1"))
    assert not rounded((-6.26, -7.44, -5.11), ("-6.2", "-7.4", "-5.1"))
    assert not rounded((91.2, 90.1, 92.3), ("91.2", "90.1", "92.4"))
