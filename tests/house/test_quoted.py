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


QUOTING = [
    name
    for name in ("README.md", "docs/results.md", "docs/answers.md", "docs/findings.md")
    if (ROOT / name).is_file()
]


@pytest.mark.parametrize("name", QUOTING)
def test_intervals_in_the_text_are_in_a_table(name):
    quoted = [match.groups() for match in QUOTED.finditer((ROOT / name).read_text(encoding="utf-8"))]
    assert len(quoted) > 5
    assert not strangers(quoted, here()) or strangers(quoted, committed()) == []


def test_a_changed_number_is_found():
    assert rounded((-6.26, -7.44, -5.11), ("-6.3", "-7.4", "-5.1"))
    assert not rounded((-6.26, -7.44, -5.11), ("-6.2", "-7.4", "-5.1"))
    assert not rounded((91.2, 90.1, 92.3), ("91.2", "90.1", "92.4"))


def of_rows(folder):
    """(backbone, label of a row) -> every (value, low, high) published about it, and its passes; label "" is
    every row of the backbone."""
    triples, passes = {}, {}
    for path in sorted(folder.glob("*/table-*.csv")) + sorted(folder.glob("*/findings-*.csv")):
        for line in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))):
            label = line.get("label") or line["ours"]
            for key in ((path.parent.name, label), (path.parent.name, "")):
                triples.setdefault(key, []).extend(triples_of(line))
                passes.setdefault(key, []).append(
                    float(line.get("passes") or line.get("ours_passes") or "nan")
                )
    return triples, passes


def triples_of(line):
    for names in (("value", "low", "high"), ("difference", "difference_low", "difference_high")):
        if all(line.get(name) for name in names):
            yield tuple(float(line[name]) for name in names)


def wrong_cells(text, triples, passes):
    """(line of the document, what is quoted) of each number that is not of its row.

    A table counts that stands below a heading with the name of a backbone, or below a heading under that one.
    Where the first cell of a line is the label of a row, its intervals must be of that row, and so must the
    numbers below "passes"; in other lines intervals must be of that backbone.
    """
    backbones, current, depth, header = {backbone for backbone, _ in triples}, None, 0, []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            level = len(line) - len(line.lstrip("#"))
            named = next((name for name in backbones if re.search(rf"\b{name}\b", line)), None)
            if named or level <= depth:
                current, depth = named, level
        cells = [cell.strip().strip("*_ ") for cell in line.strip().strip("|").split("|")]
        if not line.lstrip().startswith("|"):
            header = []
        elif not header:
            header = [cell.lower() for cell in cells]
        elif current is not None and not set(line) <= set("|:- "):
            key = (current, cells[0]) if (current, cells[0]) in triples else (current, "")
            quoted = [match.groups() for match in QUOTED.finditer(line)]
            yield from ((number, q) for q in quoted if not any(rounded(t, q) for t in triples[key]))
            own = dict(zip(header, cells, strict=False)).get("passes", "") if key[1] else ""
            for one in re.findall(NUMBER, own):
                if not any(rounded((p,), (one,)) for p in passes[key]):
                    yield number, (one,)


@pytest.mark.parametrize("name", QUOTING)
def test_numbers_in_a_table_about_a_backbone_are_those_of_their_row(name):
    triples, passes = of_rows(ROOT / "figures/published")
    assert len(triples) > 10
    assert list(wrong_cells((ROOT / name).read_text(encoding="utf-8"), triples, passes)) == []


def test_a_number_of_another_row_or_backbone_is_wrong():
    triples = {("mixture", "LADR"): [(91.66, 90.7, 92.7)], ("mixture", "Cosine"): [(100.0, 99.8, 100.0)]}
    triples |= {("mixture", ""): [one for own in triples.values() for one in own], ("shapes", ""): []}
    passes = {("mixture", "LADR"): [10.37], ("mixture", "Cosine"): [64.0]}
    table = "# On `{0}`\n\n| | passes | Overall |\n|:--|--:|--:|\n| {1} | {2} | {3} [{4}, 92.7] |\n"

    def wrong(*words):
        return [what for _, what in wrong_cells(table.format(*words), triples, passes)]

    assert wrong("mixture", "LADR", "10.4", "91.7", "90.7") == []
    assert wrong("mixture", "**LADR**", "10.4", "91.7", "90.7") == []
    assert wrong("mixture", "LADR less Cosine", "", "91.7", "90.7") == []
    assert wrong("mixture", "Cosine", "64", "91.7", "90.7") == [("91.7", "90.7", "92.7")]
    assert wrong("mixture", "LADR", "10.4", "91.8", "90.7") == [("91.8", "90.7", "92.7")]
    assert wrong("mixture", "LADR", "10.2", "91.7", "90.7") == [("10.2",)]
    assert wrong("shapes", "LADR", "", "91.7", "90.7") == [("91.7", "90.7", "92.7")]
    assert wrong("nothing", "LADR", "", "91.9", "90.7") == []
    deeper = table.replace("`\n", "`\n\n## In all\n")
    assert len(list(wrong_cells(deeper.format("mixture", "LADR", "10", "1", "0"), triples, passes))) == 1
    beside = table.replace("`\n", "`\n\n# In all\n")
    assert list(wrong_cells(beside.format("mixture", "LADR", "10", "1", "0"), triples, passes)) == []


FIELD = re.compile(r"\| (\d+) x (\d+), (\d) codes \| T \| coupling (.+) \|")


def of_fields(text):
    """(size, coupling, rule, T, passes and divergence) of each cell of a table whose head names a field."""
    field = None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if match := FIELD.fullmatch(line):
            field = f"{match[1]}x{match[2]}", [cell.split(":")[0] for cell in match[4].split(" | ")]
        elif not line.startswith("|"):
            field = None
        elif field and not set(line) <= set("|-"):
            rule, steps, *values = cells
            for coupling, value in zip(field[1], values, strict=True):
                yield field[0], coupling, rule, steps, value


def test_the_tables_of_fields_are_the_published_ones():
    path = ROOT / "figures/published/theory/divergence-parts.csv"
    published = set()
    for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))):
        steps = "" if row["rule"].startswith("entropy") else row["steps"]
        value = f"{float(row['nfe']):.1f}, {float(row['kl']):.2f} ± {float(row['se']):.2f}"
        published.add((row["size"], f"{float(row['coupling']):g}", row["rule"], steps, value))
    quoted = set(of_fields((ROOT / "docs/theory.md").read_text(encoding="utf-8")))
    assert {size for size, *_ in quoted} == {size for size, *_ in published}
    assert quoted <= published, sorted(quoted - published)
