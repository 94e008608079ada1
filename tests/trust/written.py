"""Hostile texts in everything that is written: CSV, Markdown, SVG, HTML, the judge's book, a terminal."""

import csv
import json
import re
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ladr.base.escape import UNSAFE, printable
from ladr.base.files import read_json, write_json
from ladr.benchmarks.compare import write_table
from ladr.benchmarks.official.ledger import Ledger
from ladr.benchmarks.official.sheet import write_sheet
from ladr.benchmarks.official.suite import Score, Scores, Suite
from ladr.benchmarks.prompt import Prompt
from ladr.figures import gallery
from ladr.figures.frame import index
from ladr.figures.frame.illustrations import Illustration
from ladr.figures.frame.save import Plot, Table
from trust.box import HARMLESS, Attempt, Box

TEXTS = {
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+SUM(1+1)",
    "minus": "-2+3+cmd|' /C calc'!A0",
    "at": "@SUM(A1:A9)",
    "tab": "\t=1+1",
    "return": "\r=1+1",
    "full-width formula": "\uff1d1+1",
    "link": '=HYPERLINK("http://example.invalid/?"&A1,"x")',
    "script": "<script>document.title = 'ran'</script>",
    "image": "<img src=x onerror=\"document.title = 'ran'\">",
    "closed attribute": '" onmouseover="document.title = \'ran\'" x="',
    "closed script": "</script><script>document.title = 'ran'</script>",
    "comment": "<!-- <script> -->",
    "vector": "<svg onload=\"document.title = 'ran'\">",
    "template": "{{data}} {{captions}} ${1+1}",
    "bar": "a | b |\n| --- |",
    "escape codes": "\x1b[2J\x1b]0;ran\x07\x9b31m",
    "NUL": "a\0b",
    "half a character": "a\ud800b",
    "turned around": "a\u202egpj.exe",
    "dollars": "$\\evil{$ and $x",
    "entity": "&lt;script&gt; &#60;script&#62;",
    "CDATA": "]]><script>1</script><![CDATA[",
}
NUMBERS = (-3.2, 0.0, -0.0, 1e-9, -12, float("inf"))
FORBIDDEN = {"script", "svg", "onload", "onerror", "onmouseover"}
TAGS = re.compile(r"<(?!/?u>|br>)")


def require(truth: object, what: str) -> None:
    if not truth:
        raise AssertionError(what)


def heading(text: str) -> str:
    """The text as a name of a column, which pandas keeps as UTF-8."""
    return text.replace("\ud800", "?")


def spreadsheet(text: str, box: Box) -> str:
    """CSV tables: no cell of text is a formula, numbers are numbers, and all is UTF-8."""
    names = pd.Series([text] * len(NUMBERS), dtype=object)
    frame = pd.DataFrame({"name": names, "value": NUMBERS, "printed": [f"{n:.1f}" for n in NUMBERS]})
    frame.insert(0, heading(text), names)
    write_table(frame, box.inside / "a.csv")
    Table("b", text, frame, frame, "A caption.").save(box.inside)
    for name in ("a.csv", "b.csv"):
        data = (box.inside / name).read_bytes().decode()
        require(not UNSAFE.search(data.replace("\r", "")), f"a control character in {name}")
        head, *rows = csv.reader(data.splitlines())
        for row, number in zip([dict(zip(head, row, strict=True)) for row in rows], NUMBERS, strict=True):
            require(
                abs(float(row["value"]) - number) < 1e-4 or float(row["value"]) == number, "a number changed"
            )
            require(row["printed"] == f"{number:.1f}", "a number that is a text was quoted")
            for cell in (row["name"], *row):
                require(not re.match(r"[=+\-@\t\r\uff1d]", cell), f"a formula: {cell!r}")
    return HARMLESS


def markdown(text: str, box: Box) -> str:
    """Markdown pages: one row per row, no HTML of others, no control characters."""
    frame = pd.DataFrame({"name": pd.Series([text, text], dtype=object)})
    frame.insert(1, heading(text), ["**1**", "<u>2</u>"])
    Table("t", text, frame, frame, text.replace("\n", " ")).save(box.inside)
    index.write(box.inside)
    page = (box.inside / "t.md").read_text()
    rows = [line for line in page.split("\n") if line.startswith("| ")]
    require(len(rows) == 4, f"{len(rows)} rows")
    require("<u>2</u>" in page, "our own mark was lost")
    for name in ("t.md", "README.md"):
        page = (box.inside / name).read_text()
        require(not UNSAFE.search(page), f"a control character in {name}")
        require(name == "README.md" or not TAGS.search(page), "HTML of others")
        seen = Tags.of(page)
        require(
            not seen & {"script", "svg", "!"} and "onerror" not in seen and "onload" not in seen, f"{seen}"
        )
        require("onmouseover" not in seen, f"{seen}")
    return HARMLESS


class Tags(HTMLParser):
    """The tags and attributes that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    @classmethod
    def of(cls, text: str) -> set[str]:
        parser = cls()
        parser.feed(text)
        parser.close()
        return parser.seen

    def handle_starttag(self, tag, attrs):
        self.seen |= {tag, *(name for name, _ in attrs)}


def picture(text: str, box: Box) -> str:
    """SVG figures: well-formed, without scripts, whatever stands on an axis."""
    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, 1], label=text)
    axes.set_xlabel(text)
    axes.legend()
    with plt.rc_context({"svg.fonttype": "none"}):
        Plot("p", text, figure, text).save(box.inside)
    tree = ElementTree.parse(box.inside / "p.svg")
    names = {element.tag.rpartition("}")[2] for element in tree.iter()}
    require("script" not in names and "foreignObject" not in names and "image" not in names, f"{names}")
    require(not any(key.startswith("on") for element in tree.iter() for key in element.attrib), "a handler")
    return HARMLESS


def illustration(text: str) -> Illustration:
    images = np.zeros((1, 1, 16, 16, 3), np.uint8)
    order = np.zeros((1, 1, 2, 2), int)
    asked = {"asked": text, "found": text, "value": 0.0}
    record = {
        "prompts": [{"id": text, "text": text, "column": text}],
        "samplers": [{"name": "a", "label": text, "cell": "a"}],
        "detected": [[{"things": [{"what": text, "box": [0, 0, 4, 4]}], "verdicts": [asked]}]],
    }
    arrays = {"images": images, "settled": order, "rescued": order.astype(bool)}
    arrays["passes"] = order.max((2, 3)) + 1
    benchmark = {"name": text, "version": 1, "count": 1, "seed": 0}
    return Illustration(text, record, arrays, text, benchmark)


def page_of(text: str) -> str:
    return gallery.page([gallery.content(illustration(text))])


PAGE = Tags.of(page_of("a"))


def gallery_page(text: str, box: Box) -> str:
    """The gallery: the same tags as with a plain text, and its data intact."""
    gallery.Page("g", page_of(text)).save(box.inside)
    page = (box.inside / "g.html").read_text()
    require(Tags.of(page) <= PAGE, f"new: {Tags.of(page) - PAGE}")
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    require(json.loads(data)[0]["prompts"][0]["text"] == text, "the data changed")
    return HARMLESS


def failures_page(text: str, box: Box) -> str:
    """The page of failures."""
    suite = Suite(text, 1, text, (text,), (Prompt("p", text),), 1, lambda i, j: text)
    scores = Scores(
        "b", 1, "0" * 64, text, {text: 0.5}, {text: 0.5}, rows=[Score("p", 0, text, 0.0, text)], notes=[text]
    )
    write_sheet(suite, scores, None, box.inside / "s.html")
    page = (box.inside / "s.html").read_text()
    require(not UNSAFE.search(page), "a control character")
    require(
        not Tags.of(page) & {"script", "img", "svg", "onload", "onerror", "onmouseover"}, f"{Tags.of(page)}"
    )
    return HARMLESS


def record(text: str, box: Box) -> str:
    """Records and the judge's book: read back as they were written."""
    write_json(box.inside / "r.json", {"a": text})
    require(read_json(box.inside / "r.json")["a"] == text, "a record changed")
    with Ledger(box.inside / "book") as book:
        book.add({"key": "k", "text": text})
    with Ledger(box.inside / "book") as book:
        require(book.answers["k"]["text"] == text, "the book changed")
    return HARMLESS


def terminal(text: str, box: Box) -> str:
    """A terminal gets no control character and nothing that cannot be encoded."""
    shown = printable(text)
    shown.encode()
    require(not UNSAFE.search(shown), "a control character")
    return HARMLESS


PLACES = {
    "CSV": spreadsheet,
    "Markdown": markdown,
    "SVG": picture,
    "gallery": gallery_page,
    "failures": failures_page,
    "record": record,
    "terminal": terminal,
}


def attempts() -> Iterator[Attempt]:
    for place, write in PLACES.items():
        for name, text in TEXTS.items():
            yield Attempt(f"written: {name} in {place}", partial(write, text))
