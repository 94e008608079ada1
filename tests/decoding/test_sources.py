"""Whoever reads a rule or a cache finds whose idea it is, and under which licence their code stands."""

import re
from functools import partial

import pytest

from ladr import POLICIES
from ladr.decoding.caches import CACHES

OWN = {
    "all_in": "a control that shows how much of a decoder is an early end",
    "careful": "`tries` with its own number of passes",
    "doubt": "the doubt budget of this project",
    "free_riders": "a part of the doubt budget",
    "tries": "the choice among several decodes is this project's",
    "unsure": "a part of the doubt budget",
}
PAPER = r"arXiv \d{4}\.\d{5}"
SOURCE = rf"\((?:{PAPER}|https://[^\s;]+); ([^()]+)\)"
LICENCE = r"its code|[Nn]o code (?:by its authors|of it) was found|no code was published|licence of its code"
NAMED = {**POLICIES, **CACHES}


def said(name):
    """The docstring of the class behind a name, in one line."""
    held = NAMED[name]
    return " ".join(((held.func if isinstance(held, partial) else held).__doc__ or "").split())


@pytest.mark.parametrize("name", [name for name in NAMED if name not in OWN])
def test_a_rule_or_cache_of_others_names_its_paper_and_the_licence_of_their_code(name):
    sources = re.findall(SOURCE, said(name))
    assert sources, f"{name}: its docstring has no (arXiv 0000.00000; its code: LICENCE)"
    assert len(re.findall(PAPER, said(name))) <= len(sources), f"{name}: a paper stands without a licence"
    assert [words for words in sources if not re.match(LICENCE, words)] == []


@pytest.mark.parametrize("name", OWN)
def test_a_rule_of_this_project_names_no_source(name):
    assert name in NAMED
    assert not re.search(f"{PAPER}|https?://", said(name)), f"{name}: it has a source, take it off the list"
