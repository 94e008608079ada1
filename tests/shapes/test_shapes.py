"""The shape world keeps its promises: what a spec states is in the scene, and in the pixels."""

import numpy as np
import pytest

from ladr.shapes import practice, propose
from ladr.shapes.caption import caption
from ladr.shapes.place import UnsatisfiableError, placements, realise, related
from ladr.shapes.render import palette_rgb, render
from ladr.shapes.scene import BANDS, GRID, HELD_OUT_PAIRS, HELD_OUT_RELATIONS, LETTERS, apart
from ladr.shapes.spec import Item, Relation, Spec, Word

KINDS = list(practice.FIRST | practice.TRAINING)


def samples(kind, count=40, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        spec = kind(rng)
        yield spec, realise(spec, rng), rng


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_a_scene_holds_what_its_spec_states(kind):
    for spec, scene, _ in samples(kind):
        assert len(scene.things) == sum(item.count for item in spec.items)
        for item in spec.items:
            alike = [
                t
                for t in scene.things
                if item.shape in (None, t.shape)
                and item.color in (None, t.color)
                and t.size == (item.size or "medium")
                and t.texture == (item.texture or "solid")
            ]
            assert len(alike) >= item.count
        if spec.word:
            assert scene.writing.letters == spec.word.letters
        for gone in spec.absent:
            assert not any(
                gone.shape in (None, t.shape) and gone.color in (None, t.color) for t in scene.things
            )


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_things_keep_apart_and_inside_the_canvas(kind):
    for spec, scene, _ in samples(kind):
        boxes = [t.box for t in scene.things] + ([scene.writing.box] if scene.writing else [])
        for row, col, height, width in boxes:
            assert row >= 0
            assert col >= 0
            assert row + height <= GRID
            assert col + width <= GRID
        if not any(r.kind in ("inside", "touching") for r in spec.relations):
            assert all(apart(a, b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_training_never_shows_what_is_held_out(kind):
    for spec, scene, _ in samples(kind, 80):
        assert not {(t.color, t.shape) for t in scene.things} & HELD_OUT_PAIRS
        named = {(spec.items[r.a].shape, r.kind, spec.items[r.b].shape) for r in spec.relations}
        assert not named & HELD_OUT_RELATIONS


def test_drawn_relations_hold():
    for spec, scene, _ in samples(propose.position, 100):
        a, b = scene.things
        if (a.shape, b.shape) != tuple(i.shape for i in spec.items):
            a, b = b, a
        assert related(spec.relations[0].kind, (a.row, a.col), a.size, (b.row, b.col), b.size)


def test_every_arrangement_of_alike_things_counts_once():
    spots = placements((("medium",) * 3, (None,) * 3, (0, 0, 0), (), None, 0), None)
    assert len(spots) == 84  # 9 choose 3
    assert len(set(map(frozenset, spots))) == 84


def test_a_promise_that_cannot_be_kept_is_refused():
    both = (Relation("left", 0, 1), Relation("right", 0, 1))
    with pytest.raises(UnsatisfiableError, match="no placement"):
        realise(Spec("position", (Item("circle"), Item("square")), both), np.random.default_rng(0))


def test_same_stream_same_scene():
    spec = Spec("two", (Item("circle"), Item("square")), word=Word("CAT"))
    first, second = (realise(spec, np.random.default_rng(7)) for _ in range(2))
    assert first == second
    assert (render(first) == render(second)).all()


def test_things_have_their_colour_in_the_middle():
    for _, scene, _ in samples(propose.attribute, 30):
        image = render(scene)
        for thing in scene.things:
            row, col, height, width = (4 * n for n in thing.box)
            middle = image[row + height // 2, col + width // 2]
            assert tuple(middle) == palette_rgb(thing.color)


def test_letters_differ_in_at_least_three_cells():
    bits = {letter: "".join(rows) for letter, rows in LETTERS.items()}
    for a in bits:
        for b in bits:
            if a < b:
                assert sum(x != y for x, y in zip(bits[a], bits[b], strict=True)) >= 3, (a, b)


def test_a_place_for_letters_holds_the_same_letter_of_a_word_wherever_it_is():
    rng = np.random.default_rng(0)
    starts = {1: {0, 4, 8, 12}, 2: {0, 8}, 3: {0}}
    for letters, expected in zip(("A", "CA", "HAT"), starts.values(), strict=True):
        writings = [realise(Spec("text", word=Word(letters)), rng).writing for _ in range(200)]
        assert {writing.col for writing in writings} == expected
        assert {writing.row for writing in writings} == set(BANDS.values())


def test_captions_say_all_that_is_stated():
    for kind in (propose.attribute, propose.texture, propose.size, propose.compound):
        for spec, _, rng in samples(kind):
            words = caption(spec, rng)
            for item in spec.items:
                stated = [w for w in (item.size, item.texture, item.color, item.shape) if w]
                assert " ".join(stated) in words
