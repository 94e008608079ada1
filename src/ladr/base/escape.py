"""Texts of others on their way out: to a terminal, a table, a page or a picture."""

import re
from typing import Any

# What a terminal would obey, or what would turn the order of the text around, and lone surrogates.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
FORMULA = re.compile(r"[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]")  # how a spreadsheet's formula begins
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?%?|[+-]?(inf|nan)")
TAG = re.compile(r"<(?!/?u>|br>)")  # of HTML, except those that tables are written with


def printable(text: str) -> str:
    """The text with every character that could control a terminal written as an escape."""
    return UNSAFE.sub(lambda unsafe: ascii(unsafe[0])[1:-1], text)


def cell(value: Any) -> Any:
    """A cell of a CSV file. A text that a spreadsheet would take for a formula begins with an apostrophe; a
    number stays a number."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if FORMULA.match(value) and not NUMBER.fullmatch(value.strip()) else text


def cells(table: Any) -> Any:
    """A pandas table with its texts, and the names of its columns, as cells of a CSV file."""
    columns = {name: table[name] for name in table}
    texts = {name: column.map(cell) for name, column in columns.items() if column.dtype.kind not in "biufcmM"}
    return table.assign(**texts).rename(columns=cell) if texts else table.rename(columns=cell)


def markup(text: str) -> str:
    """A line of Markdown in which no HTML of others counts, and no control character is left."""
    return TAG.sub("&lt;", printable(text))
