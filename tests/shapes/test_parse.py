"""Reading a caption gives back what it was written from."""

from dataclasses import replace

import numpy as np
import pytest

from ladr.base.errors import LadrError
from ladr.benchmarks.mini import SUITES
from ladr.benchmarks.mini.prompts import spec_of
from ladr.shapes.caption import caption
from ladr.shapes.parse import parse
from ladr.shapes.practice import TRAINING
from ladr.shapes.propose import composite_named
from ladr.shapes.spec import Item, Relation, Spec, Word
from ladr.shapes.words import COMPOSITES, SIDES


def same(read, written):
    """Equal, but that a list of three coloured things is one kind whatever it was drawn for."""
    alike = {"compound": "attribute"}
    kinds = {alike.get(s.kind, s.kind) for s in (read, written)}
    return len(kinds) == 1 and replace(read, kind="") == replace(written, kind="")


@pytest.mark.parametrize("draw", TRAINING, ids=lambda draw: draw.__name__)
def test_a_caption_reads_as_the_spec_it_was_written_from(draw):
    rng = np.random.default_rng(0)
    for _ in range(60):
        spec = draw(rng)
        text = caption(spec, rng)
        assert same(parse(text), spec), text


@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
def test_every_frozen_mini_prompt_reads_as_its_spec(suite):
    for prompt in suite.prompts("full")[::7]:
        assert same(parse(prompt.text), spec_of(prompt)), prompt.text


def test_sentences_that_a_person_types():
    assert parse("Two big red Circles.") == Spec("counting", (Item("circle", "red", "big", count=2),))
    cross, square = Item("cross"), Item("square", "blue")
    above = Spec("position", (cross, square), (Relation("above", 0, 1),), background="grey")
    assert parse("A  cross above the blue square on a grey background") == above
    assert parse('"HAT" is a sign that says "HAT"'.partition("is ")[2]) == Spec("text", word=Word("HAT"))
    assert parse('a red circle and the word "HAT"').word == Word("HAT")
    assert parse("the background is black. a red cross is there too. you can see a circle").items == (
        Item("cross", "red"),
        Item("circle"),
    )
    assert [parse(f"a {name}") for name in COMPOSITES] == [composite_named(name) for name in COMPOSITES]
    assert SIDES["square"] == parse("as many crosses as a square has sides").items[0].count


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a red circel", r"'circel' is not a known word \(did you mean 'circle'\?\)"),
        ("a gray circle", "'gray' .*'grey'"),
        ("red circle the of left a", "the sentence is not"),
        ("", "the sentence is not"),
        ("a red circle a blue square", "the sentence is not"),
        ('the word "BAT"', "'B' cannot be written; letters are A, C"),
        ('the word "HATTA"', "5 letters are not allowed"),
        ('the word ""', "0 letters are not allowed"),
        ('the word "HAT', "'\"' is not a known word"),
        ("six circles and six squares", "room for 9"),
        ("a red blue circle", "'red blue' .* one color is wanted"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(text, message):
    with pytest.raises(LadrError, match=message):
        parse(text)
