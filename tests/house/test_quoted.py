"""Numbers in the documents are those of the committed tables: whoever redraws these must rewrite those."""

import csv
import io
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NUMBER = r"(-?\d+(?:\.\d+)?)"
QUOTED = re.compile(rf"{NUMBER}\s+\[{NUMBER},\s+{NUMBER}\]")


def here():
    """The text of every published table."""
    return [path.read_text(encoding="utf-8") for path in sorted((ROOT / "figures/published").rglob("*.csv"))]


def committed():
    """The same as of the last commit: another experiment may have redrawn the files. None outside git."""

    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    try:
        tree = git("ls-tree", "-r", "--name-only", "HEAD", "figures/published/").split()
        names = [name for name in tree if name.endswith(".csv")]
        return [git("show", f"HEAD:{name}") for name in names]
    except (OSError, subprocess.CalledProcessError):
        return []


def measured(texts):
    """(value, low, high) of every line of these tables."""
    found = []
    for text in texts:
        for row in csv.DictReader(io.StringIO(text)):
            for names in (("value", "low", "high"), ("difference", "difference_low", "difference_high")):
                if all(row.get(name) for name in names):
                    found.append(tuple(float(row[name]) for name in names))
    return found


def strangers(quoted, texts):
    """What is quoted and in none of the tables."""
    known = measured(texts)
    return [q for q in quoted if not any(rounded(numbers, q) for numbers in known)]


def rounded(numbers, texts):
    """Would these numbers be written like that?"""
    places = [len(text.partition(".")[2]) for text in texts]
    return all(
        abs(n - float(t)) <= 0.5 * 10**-p + 1e-4 for n, t, p in zip(numbers, texts, places, strict=True)
    )


@pytest.mark.parametrize("name", ["README.md", "docs/results.md", "docs/answers.md"])
def test_intervals_in_the_text_are_in_a_table(name):
    quoted = [match.groups() for match in QUOTED.finditer((ROOT / name).read_text(encoding="utf-8"))]
    assert len(quoted) > 5
    assert not strangers(quoted, here()) or strangers(quoted, committed()) == []


def test_a_changed_number_is_found():
    assert rounded((-6.26, -7.44, -5.11), ("-6.3", "-7.4", "-5.1"))
    assert not rounded((-6.26, -7.44, -5.11), ("-6.2", "-7.4", "-5.1"))
    assert not rounded((91.2, 90.1, 92.3), ("91.2", "90.1", "92.4"))
