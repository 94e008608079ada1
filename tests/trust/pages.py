"""Hostile texts on pages and pictures, opened in a headless browser: nothing runs, and the text is seen."""

import atexit
import json
import tempfile
from collections.abc import Iterator
from functools import cache, partial

import browser
from ladr.figures import gallery
from trust.box import HARMLESS, Attempt, Box
from trust.written import TEXTS, failures_page, page_of, picture, require

RAN = "document.title === 'ran' || document.querySelector('[onerror], [onload], [onmouseover]') !== null"


@cache
def opened() -> browser.Browser:
    one = browser.Browser(browser.found(), tempfile.mkdtemp(prefix="ladr-browser-"))
    atexit.register(one.close)
    return one


def shown(name: str, box: Box) -> str:
    """Open the file; the text that the page has."""
    tab = opened()
    tab.complaints.clear()
    tab.open((box.inside / name).as_uri())
    require(not tab.js(RAN), "a script of the text ran, or a handler came into the page")
    require(not tab.complaints, str(tab.complaints))
    return tab.js("document.documentElement.textContent")


def in_gallery(text: str, box: Box) -> str:
    gallery.Page("g", page_of(text)).save(box.inside)
    shown("g.html", box)
    opened().wait("shown.length === 1")
    held = opened().js("JSON.parse(document.getElementById('data').textContent)[0].prompts[0].text")
    require(json.dumps(held) == json.dumps(text), f"the page has {held!r}")
    return HARMLESS


def in_failures(text: str, box: Box) -> str:
    failures_page(text, box)
    shown("s.html", box)
    return HARMLESS


def in_svg(text: str, box: Box) -> str:
    picture(text, box)
    shown("p.svg", box)
    return HARMLESS


def attempts() -> Iterator[Attempt]:
    if browser.found() is None:
        print("pages: skipped, no Chromium or Chrome is installed (LADR_CHROMIUM may name one)", flush=True)
        return
    for place, show in (("gallery", in_gallery), ("failures", in_failures), ("SVG", in_svg)):
        for name, text in TEXTS.items():
            yield Attempt(f"browser: {name} in {place}", partial(show, text))
