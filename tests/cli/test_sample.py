"""`ladr sample`: pictures, passes, the mask in the terminal, and what it says to wrong options."""

import io
import json

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from ladr import LadrError, decode
from ladr.backbones.exact.field import Field
from ladr.backbones.random.blank import random_checkpoint
from ladr.cli.sample import Sampler, sample, settings
from ladr.cli.show import Bar, Watch, cells, side_by_side

PROMPT = "a red cup on a table"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return random_checkpoint(tmp_path_factory.mktemp("dimoo"))


def run(*words):
    app = typer.Typer()
    app.command()(sample)
    return CliRunner().invoke(app, [*map(str, words)], catch_exceptions=True)


def told(*words):
    """What `ladr sample ... --json` says."""
    done = run(*words, "--json")
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout.splitlines()[-1])


def test_a_picture_and_its_passes(tmp_path):
    out = tmp_path / "new" / "x.png"
    done = run(PROMPT, "--backbone", "field", "--out", out, "--steps", 12)
    assert done.exit_code == 0, done.exception
    picture = np.asarray(Image.open(out))
    result = decode(Field(), [PROMPT], "ladr", steps=12, seeds=[0])
    assert np.array_equal(picture, Field().render(result.tokens)[0])
    assert f"ladr: {result.trace.images[0].passes} passes, " in done.stdout
    assert str(out) in done.stdout


def test_seeds_settings_and_samplers_reach_the_decode(tmp_path):
    words = PROMPT, "--backbone", "field", "--out", tmp_path / "x.png", "--steps", 9
    sampler = '{"policy": "ladr", "schedule": "fixed"}'
    found = told(*words, "--with", "grid=[4, 5]", "--with", "coupling=1.2", "--seed", 7, "--sampler", sampler)
    wanted = decode(
        Field((4, 5), coupling=1.2), [PROMPT], {"policy": "ladr", "schedule": "fixed"}, steps=9, seeds=[7]
    )
    (row,) = found["samplers"]
    assert row["passes"] == wanted.trace.images[0].passes
    assert (row["steps"], found["seed"]) == (9, 7)
    picture = np.asarray(Image.open(tmp_path / "x.png"))
    assert np.array_equal(picture, Field((4, 5), coupling=1.2).render(wanted.tokens)[0])


def test_a_comparison_is_one_labelled_picture(tmp_path):
    out = tmp_path / "x.png"
    found = told(
        PROMPT, "--backbone", "field", "--compare", "cosine,cosine@5,ladr", "--steps", 16, "--out", out
    )
    assert [row["sampler"] for row in found["samplers"]] == ["cosine", "cosine@5", "ladr"]
    assert [row["passes"] for row in found["samplers"][:2]] == [16, 5]
    picture = Image.open(out)
    assert picture.size == (3 * (96 * 3 + 4) - 4, 96 * 3 + 18)
    strip = np.asarray(picture.convert("L"))[:18]
    for i in range(3):
        assert strip[:, i * 292 : i * 292 + 288].min() < 128, "a label is missing"


def test_side_by_side_keeps_pixels():
    colours = [np.full((8, 8, 3), value, np.uint8) for value in (10, 200)]
    sheet = np.asarray(side_by_side(colours, ["one", "two"]))
    assert (sheet[18:, :256] == 10).all()
    assert (sheet[18:, 260:] == 200).all()


def test_a_checkpoint_folder_generates_through_the_same_command(folder, tmp_path):
    words = "--backbone", "lumina-dimoo", "--model", folder, "--steps", 8, "--out", tmp_path / "x.png"
    found = told("a red circle", *words, "--device", "cpu", "--guidance", 2, "--size", "16x24")
    assert Image.open(tmp_path / "x.png").size == (24, 16)
    assert found["samplers"][0]["passes"] <= 8
    cached = told("a red circle", *words, "--cache", "ml", "--sampler", "cosine")
    assert cached["samplers"][0]["equivalents"] < cached["samplers"][0]["passes"] == 8


def frames(shower):
    """Run a decode under a shower, and what it wrote."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=60, color_system="truecolor")
    with shower(console) as on_step:
        result = decode(Field((4, 4)), ["x"], "cosine", steps=4, on_step=on_step)
    return text.getvalue(), result


def test_watch_shows_every_pass():
    text, result = frames(lambda console: Watch(console, "cosine"))
    left = 16
    for i, n in enumerate(result.trace.committed()[0], 1):
        left -= n
        assert f"cosine: pass {i}, {n} committed, {left} masked" in text
    bar, _ = frames(lambda console: Bar(console, "cosine", 16))
    assert "4 passes" in bar


def test_cells_are_masked_known_or_new():
    masked = np.array([[True, True], [False, True], [False, False]])
    take = np.array([[True, False], [False, False], [False, False]])
    text = cells(masked, take)
    assert text.plain == "▀▀\n▀▀\n"
    styles = [str(span.style) for span in text.spans]
    assert styles == ["bright_yellow on dodger_blue2", "grey23 on grey23", "dodger_blue2", "dodger_blue2"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--backbone", "feild"], "backbone: 'feild' is not known .did you mean 'field'"),
        (["--backbone", "field", "--model", "x"], "model: field has no checkpoint"),
        (
            ["--backbone", "field", "--sampler", "ladder"],
            "policy: 'ladder' is not known .did you mean 'ladr'",
        ),
        (["--backbone", "field", "--sampler", "cosine@x"], "NAME@STEPS"),
        (["--backbone", "field", "--sampler", '{"policy"'], "not valid JSON"),
        (["--backbone", "field", "--with", "coupling"], "'coupling' is not allowed; NAME=VALUE"),
        (["--backbone", "field", "--with", "couplign=1"], "no setting 'couplign' .did you mean 'coupling'"),
        (["--backbone", "field", "--cache", "mll"], "cache: 'mll' is not known"),
        (["--backbone", "field", "--revision", "v1"], "field: no setting 'revision'"),
        (["--backbone", "field", "--out", "x.nope"], "out: 'x.nope' cannot be written"),
        (["--backbone", "lumina-dimoo", "--size", "big"], "HEIGHTxWIDTH"),
        (["--backbone", "lumina-dimoo", "--model", "./no"], "'./no' is neither a folder here nor a hub name"),
        (
            ["--backbone", "lumina-dimoo", "--device", "abacus"],
            "device: 'abacus' cannot be used .*ladr devices",
        ),
    ],
)
def test_wrong_options_are_named(words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(PROMPT, *words)
    assert isinstance(done.exception, LadrError)
    assert done.exit_code == 1
    with pytest.raises(LadrError, match=says):
        raise done.exception


def test_unknown_settings_of_a_checkpoint_are_named(folder):
    done = run(PROMPT, "--backbone", "shapes", "--model", folder, "--with", "guidence=3")
    with pytest.raises(LadrError, match=r"no setting 'guidence' .did you mean 'guidance'"):
        raise done.exception


def test_devices_choose_the_precision():
    given = settings("shapes", None, None, None, None, "cpu", None, [])
    assert given == {"device": "cpu", "dtype": "float32"}
    given = settings(
        "amused", "me/tiny", "v1", 3.0, "32x64", "meta", "bfloat16", ["negative=a b", "crop=[1,2]"]
    )
    assert given == {
        "source": "me/tiny", "revision": "v1", "guidance": 3.0, "size": (32, 64), "device": "meta",
        "dtype": "bfloat16", "negative": "a b", "crop": [1, 2],
    }  # fmt: skip
    assert settings("field", None, None, None, None, "auto", None, []) == {}
    assert Sampler.parse("cosine@15", 64) == Sampler("cosine@15", "cosine", 15)
    assert torch.get_default_dtype() == torch.float32
