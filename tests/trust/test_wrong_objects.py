"""Wrong objects handed to the Python API: one LadrError that names them, whatever they are."""

import os
from pathlib import Path

import pytest

import ladr
from ladr.backbones import load
from ladr.base.errors import LadrError
from ladr.experiment.cells import doctor
from toy import ToyBackbone
from trust.refusals import answer


def holds_itself():
    spec = {"policy": "then", "second": "cosine"}
    spec["first"] = spec
    return spec


def deep():
    spec = {"policy": "cosine"}
    for _ in range(3000):
        spec = {"policy": "then", "first": spec, "second": "cosine"}
    return spec


@pytest.fixture(scope="module")
def decoded():
    return ladr.decode(ToyBackbone(), ["a", "b"], "cosine", steps=4)


CALLS = {
    "a temperature of 400 digits": (lambda _: decode(temperature=10**400), "temperature: a number of more"),
    "a policy that holds itself": (lambda _: ladr.build(holds_itself()), "policy: is nested too deeply"),
    "a policy of 3000 levels": (lambda _: ladr.build(deep()), "policy: is nested too deeply"),
    "a set for a backbone": (lambda _: load({3}), "backbone: {3} is not allowed"),
    "no name for a backbone": (lambda _: load(None), "backbone: None is not allowed"),
    "a frame of a text": (lambda out: out.film.frame("a", 0), "image: 'a' is not allowed; a whole number"),
    "a frame that is not there": (lambda out: out.film.frame(2, 0), "image: 2 is not allowed; a whole"),
    "a frame after a text": (lambda out: out.film.frame(0, "a"), "done: 'a' is not allowed; a whole number"),
    "a strip of a truth": (lambda out: out.film.strip(True), "image: True is not allowed"),
    "a note of a list": (lambda out: out.trace.note(["cost"]), "note: ['cost'] is not allowed"),
    "a mask elsewhere": (lambda _: decode(policy=lambda view: view.masked.to("meta")), "take has the device"),
    "a sparse mask": (lambda _: decode(policy=lambda view: view.masked.to_sparse()), "take has the layout"),
}  # fmt: skip


def decode(**options):
    return ladr.decode(ToyBackbone(), ["a"], **{"policy": "cosine", "steps": 4, **options})


@pytest.mark.parametrize(("call", "says"), CALLS.values(), ids=CALLS)
def test_a_wrong_object_is_one_line(decoded, call, says):
    with pytest.raises(LadrError) as caught:
        call(decoded)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("kind", ["a file", "no regular file", "a broken link", "a link to itself"])
def test_the_doctor_names_what_stands_in_the_place_of_all_results(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    place = Path("results")
    if kind == "a file":
        place.write_text("years of work")
    elif kind == "no regular file":
        os.mkfifo(place)
    else:
        place.symlink_to(place if kind == "a link to itself" else "nowhere")
    (finding,) = doctor.examine()
    assert finding.message.startswith("results: is ")
    assert finding.remove == ()
    assert answer(["doctor"]) == 1
    assert answer(["doctor", "--mend"]) == 2
    assert os.path.lexists(place)
