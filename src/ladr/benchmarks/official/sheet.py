"""One self-contained HTML page of the images that failed, with the reasons, for a person to look at."""

import base64
import html
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from ladr.base.errors import LadrError
from ladr.base.escape import printable
from ladr.base.files import appearing
from ladr.benchmarks.image_files import read_image
from ladr.benchmarks.official.suite import Score, Scores, Suite

THUMBNAIL = 192
STYLE = """
body{font:14px/1.4 system-ui,sans-serif;margin:2em;max-width:80em}
table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:right}
th:first-child,td:first-child{text-align:left}
figure{display:inline-block;vertical-align:top;width:200px;margin:.5em}img{width:192px;background:#eee}
figcaption{font-size:12px}h2{margin-top:2em}
"""


def write_sheet(suite: Suite, scores: Scores, folder: Path | None, out: Path, most: int = 500) -> int:
    """Write the page with at most `most` failures; returns how many failures there are in all. Thumbnails are
    made one at a time.

    Without `folder`, or where an image is missing, the reason stands alone.
    """
    failures = [row for row in scores.rows if row.reason]
    with appearing(out) as half, half.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(
            f'<!doctype html><meta charset="utf-8"><title>{escaped(suite.name)}</title>\n'
            f"<style>{STYLE}</style>\n"
        )
        file.writelines(_head(suite, scores, len(failures), most))
        file.writelines(_figures(suite, failures[:most], folder))
    return len(failures)


def escaped(text: str) -> str:
    """The text as HTML."""
    return html.escape(printable(text))


def _head(suite: Suite, scores: Scores, failures: int, most: int) -> Iterator[str]:
    yield f"<h1>{escaped(suite.name)}, scored by {escaped(scores.scorer)}</h1>\n"
    yield f"<p>{escaped(suite.source)}; prompts {scores.prompts_sha256[:12]}</p>\n"
    yield "<table><tr><th>column<th>score<th>official script</tr>\n"
    for name, value in scores.columns.items():
        official = scores.official.get(name, float("nan"))
        yield f"<tr><td>{escaped(name)}<td>{100 * value:.2f}<td>{100 * official:.2f}</tr>\n"
    yield "</table>\n<ul>" + "".join(f"<li>{escaped(note)}" for note in scores.notes) + "</ul>\n"
    shown = f", the first {most} of them here" if failures > most else ""
    yield f"<p>{failures} judgements are not full{shown}.</p>\n"


def _figures(suite: Suite, rows: Iterable[Score], folder: Path | None) -> Iterator[str]:
    column = ""
    for row in sorted(rows, key=lambda row: (row.column, row.prompt, row.image)):
        if row.column != column:
            column = row.column
            yield f"<h2>{escaped(column)}</h2>\n"
        prompt = suite.prompts[suite.index[row.prompt]].text
        path = suite.place(suite.index[row.prompt], row.image)
        picture = _thumbnail(Path(folder) / path) if folder else ""
        caption = f"<b>{escaped(path)}</b><br>{escaped(prompt)}<br><i>{escaped(row.reason)}</i>"
        yield f"<figure>{picture}<figcaption>{caption}</figcaption></figure>\n"


def _thumbnail(path: Path) -> str:
    try:
        small = read_image(path).convert("RGB")
    except LadrError:
        return ""
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    small.save(buffer, format="JPEG", quality=80)
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}">'
