"""README as a page in a real browser, in the window of a phone and of a laptop."""

from pathlib import Path

import pytest
from markdown_it import MarkdownIt

import browser

ROOT = Path(__file__).parents[2]
STYLE = """
* {box-sizing: border-box} body {margin: 0; font: 16px/1.5 sans-serif}
main {max-width: 896px; margin: auto; padding: 16px; overflow-wrap: break-word}
img {max-width: 100%} pre {overflow: auto}
table {display: block; width: max-content; max-width: 100%; overflow: auto; border-collapse: collapse}
td, th {padding: 6px 13px; border: 1px solid}
"""  # what the hub's own stylesheet does with widths
BOXES = "Array.from(document.querySelectorAll('{}')).map(e => [e.clientWidth, e.scrollWidth])"

pytestmark = pytest.mark.skipif(browser.found() is None, reason="no Chromium is installed")


@pytest.fixture
def opened(tmp_path):
    """A tab, and the address of README's page."""
    body = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render((ROOT / "README.md").read_text())
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><style>{STYLE}</style>"
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html>{head}<base href='{ROOT.as_uri()}/'><main>{body}</main>")
    tab = browser.Browser(browser.found(), tmp_path / "profile")
    yield tab, page.as_uri()
    tab.close()


@pytest.mark.parametrize(
    ("width", "height", "phone"), [(1280, 900, False), (390, 844, True), (320, 568, True)]
)
def test_pictures_are_as_wide_as_they_can_be_and_no_table_is_wider_than_the_page(
    opened, width, height, phone
):
    tab, address = opened
    tab.open(address, width, height, phone)
    assert tab.js("document.documentElement.scrollWidth") <= width
    pictures = tab.js(BOXES.format("img"))
    assert len(pictures) >= 3
    assert all(shown >= min(400, width - 40) for shown, _ in pictures)
    tables = tab.js(BOXES.format("table"))
    assert tables
    assert all(whole <= shown for shown, whole in tables)


def test_the_first_screen_of_a_laptop_says_what_was_found_and_shows_it(opened):
    tab, address = opened
    tab.open(address, 1280, 900)
    bottom = "document.querySelector('{}').getBoundingClientRect().bottom"
    assert tab.js(bottom.format("strong")) < 400
    assert tab.js(bottom.format("img")) < 900
