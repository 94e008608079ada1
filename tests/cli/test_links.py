"""Every link of the documents leads somewhere, every anchor to a heading; `make docs` builds a site."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("models/*/*.md"), *ROOT.glob("config/*.md"),
    ROOT / "notebooks/ladr_step_by_step.ipynb",
]  # fmt: skip
LINK = re.compile(r"\]\(\s*([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
CODE = re.compile(r"```.*?```", re.DOTALL)
NAMED = re.compile(r"`((?:docs|figures/published|models|notebooks|config|profiles|workflow)/[\w./-]+)`")


def prose(file):
    """The text of a document without its blocks of code."""
    return CODE.sub("", file.read_text(encoding="utf-8"))


def links(file):
    return [one or other for one, other in LINK.findall(prose(file))]


def anchors(file):
    """What the headings of a document are called in a link."""
    headings = re.findall(r"^#+ (.+)$", prose(file), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {text.strip().replace(" ", "-") for text in plain}


def broken(file, link):
    """What is wrong with a link of this document, or None."""
    if link.startswith(("http://", "https://", "mailto:")):
        return None
    path, _, anchor = link.partition("#")
    target = (file.parent / path).resolve() if path else file
    if not target.exists():
        return f"{file.relative_to(ROOT)}: {link} leads nowhere"
    if anchor and target.suffix == ".md" and anchor not in anchors(target):
        return f"{file.relative_to(ROOT)}: {target.name} has no heading for #{anchor}"
    return None


def test_the_search_finds_links():
    assert sum(len(links(file)) for file in DOCUMENTS) > 40
    assert any("#" in link for file in DOCUMENTS for link in links(file))


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_and_anchors_lead_somewhere(file):
    assert [text for link in links(file) if (text := broken(file, link))] == []


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_files_that_the_text_names_exist(file):
    names = [name for name in NAMED.findall(prose(file)) if "*" not in name]
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_a_broken_link_and_a_broken_anchor_are_seen():
    readme = ROOT / "README.md"
    assert "leads nowhere" in broken(readme, "docs/nothing.md")
    assert "no heading" in broken(readme, "docs/backbones.md#nothing")
    assert broken(readme, "docs/backbones.md#shapes-in-bfloat16") is None


def test_the_site_lists_every_page():
    named = re.findall(r"^ +- [^:\n]+: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.M)
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")]
    assert sorted(named) == sorted(pages)


@pytest.mark.slow
def test_the_site_builds_and_loads_nothing_from_elsewhere(tmp_path):
    tools = ROOT / "build" / "docs-tools"
    if not tools.is_dir() and importlib.util.find_spec("mkdocstrings") is None:
        pytest.skip("mkdocs-material and mkdocstrings are not installed: `make docs` installs them")
    surroundings = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": f"{tools}:{ROOT / 'src'}"}
    command = [sys.executable, "-m", "mkdocs", "build", "-q", "--strict", "--site-dir", tmp_path]
    done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = [page.read_text(encoding="utf-8") for page in tmp_path.rglob("*.html")]
    assert not [
        tag for page in pages for tag in re.findall(r"<(?:script|img|link)[^>]*https?://[^>]*>", page)
    ]
    assert "Decode one image per prompt" in (tmp_path / "api/decoding/index.html").read_text(encoding="utf-8")
