"""`snakemake --report` in a real browser: what a reader sees, not what is in the file."""

import pytest

import browser
from workflow_runs import laid_out, snakemake

CHROMIUM = browser.found()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")]
SEEN = """(() => {
  const about = document.querySelector(%r), box = about.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + Math.min(box.width / 2, 20), box.y + box.height / 2);
  return box.top >= 0 && box.bottom <= innerHeight && (about === top || about.contains(top));
})()"""  # does an element lie in the window, and does nothing lie over it?


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The report of a small finished experiment."""
    folder = laid_out(tmp_path_factory.mktemp("report") / "w")
    snakemake(folder)
    snakemake(folder, "--report", "results/report.html")
    return folder / "results/report.html"


@pytest.fixture
def tab(tmp_path):
    one = browser.Browser(CHROMIUM, tmp_path / "profile")
    yield one
    one.close()


@pytest.mark.parametrize(("width", "height", "phone"), [(1280, 900, False), (390, 844, True)])
def test_it_is_read_from_its_top(page, tab, width, height, phone):
    tab.open(page.as_uri(), width, height, phone)
    tab.wait("document.querySelectorAll('.prose li').length > 0")
    assert tab.js(SEEN % ".prose li")
    assert tab.js("document.querySelectorAll('.prose li').length") == 4  # of five: it has no Figure 6
    assert tab.js("document.querySelector('.prose li').innerText").startswith("LADR takes fewer passes: ")
    assert tab.js(SEEN % ".prose li:last-child")
    assert tab.js(SEEN % ".prose thead th")
    assert tab.js("document.querySelector('.prose thead th').innerText").startswith("Claim")
    assert tab.js("document.documentElement.scrollWidth") <= width
    assert tab.js("document.querySelector('.prose table').getBoundingClientRect().right") <= width


def test_a_page_without_the_stylesheet_is_not(page, tab):
    """What this guards against: the first lines lie above the window, where nobody can scroll."""
    tab.open(page.as_uri(), 1280, 500)
    tab.wait("document.querySelectorAll('.prose li').length > 0")
    assert tab.js(SEEN % ".prose li")
    css = "Array.from(document.styleSheets).find(s => s.cssRules[0].cssText.includes('safe center'))"
    tab.js(f"{css}.disabled = true")
    assert not tab.js(SEEN % ".prose li")
