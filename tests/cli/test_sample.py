"""`ladr sample`: pictures, passes, the mask in the terminal, and what it says to wrong options."""

import io
import json
import time

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
from ladr.cli.drawing import settings
from ladr.cli.main import answer
from ladr.cli.sample import sample
from ladr.cli.sampler import NamedSampler, split
from ladr.cli.show import Bar, Watch, cells, require_picture, side_by_side
from ladr.decoding.policies import POLICIES
from ladr.speed.threads import free_cores, parameters_of, threads_for

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
    result = decode(Field(), [PROMPT], "careful", steps=12, seeds=[0])
    small = Field().render(result.tokens)[0]
    factor = -(-256 // small.shape[1])
    assert np.array_equal(picture, small.repeat(factor, 0).repeat(factor, 1))
    assert run(PROMPT, "--backbone", "field", "--out", out, "--steps", 12, "--scale", 1).exit_code == 0
    assert np.array_equal(np.asarray(Image.open(out)), small)
    assert f"careful: {result.trace.images[0].passes} passes, " in done.stdout
    assert str(out) in done.stdout


def test_seeds_settings_and_samplers_reach_the_decode(tmp_path):
    words = PROMPT, "--backbone", "field", "--out", tmp_path / "x.png", "--steps", 9
    sampler = '{"policy": "ladr", "schedule": "fixed"}'
    more = "--with", "grid=[4, 5]", "--with", "coupling=1.2", "--scale", 1
    found = told(*words, *more, "--seed", 7, "--sampler", sampler)
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
    sheet = np.asarray(side_by_side(colours, ["one", "two"], 32))
    assert (sheet[18:, :256] == 10).all()
    assert (sheet[18:, 260:] == 200).all()


def test_a_checkpoint_folder_generates_through_the_same_command(folder, tmp_path):
    words = "--backbone", "lumina-dimoo", "--model", folder, "--steps", 8, "--out", tmp_path / "x.png"
    found = told("a red circle", *words, "--device", "cpu", "--guidance", 2, "--size", "16x24")
    assert Image.open(tmp_path / "x.png").size == (24 * 11, 16 * 11)
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
        (
            ["--backbone", "field", "--with", "couplign=1"],
            "couplign: no such setting .did you mean 'coupling'",
        ),
        (["--backbone", "field", "--cache", "mll"], "cache: 'mll' is not known"),
        (["--backbone", "field", "--revision", "v1"], "field: revision: no such setting"),
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
    with pytest.raises(LadrError, match=r"guidence: no such setting .did you mean 'guidance'"):
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
    assert NamedSampler.parse("cosine@15", 64) == NamedSampler("cosine@15", "cosine", 15, True)
    assert torch.get_default_dtype() == torch.float32


def test_threads_grow_with_the_model_and_never_above_the_free_cores(folder):
    assert [threads_for(n, 8) for n in (0, 2_000_000, 50_000_000, 8_000_000_000)] == [1, 1, 4, 8]
    assert [threads_for(n, 1) for n in (0, 50_000_000, 8_000_000_000)] == [1, 1, 1]
    assert free_cores() >= 1
    assert parameters_of(Field()) == 0
    from ladr.backbones import load

    model = load("lumina-dimoo", source=str(folder), device="cpu", dtype="float32")
    assert parameters_of(model) >= sum(weight.numel() for weight in model.model.parameters()) > 0


def test_threads_can_be_chosen_and_are_put_back(tmp_path):
    before = torch.get_num_threads()
    words = PROMPT, "--backbone", "field", "--out", tmp_path / "x.png", "--steps", 3
    assert told(*words)["threads"] == 1
    assert told(*words, "--threads", 2)["threads"] == 2
    assert torch.get_num_threads() == before


def test_seconds_are_measured_after_a_warm_up(tmp_path, monkeypatch):
    """The first pass of a process is slow, here by a second: no printed second contains it."""
    slow = [1.0]
    denoiser = type(Field().bind([PROMPT]))
    logits = denoiser.logits

    def first_slow(self, *args, **kwargs):
        time.sleep(slow.pop() if slow else 0)
        return logits(self, *args, **kwargs)

    monkeypatch.setattr(denoiser, "logits", first_slow)
    found = told(PROMPT, "--backbone", "field", "--out", tmp_path / "x.png", "--steps", 2)
    assert not slow
    assert found["samplers"][0]["seconds"] < 1.0


def test_help_lists_every_sampler_with_one_line(capsys):
    assert answer(["sample", "--sampler", "help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(POLICIES)
    assert all(len(line.split()) > 3 for line in lines)
    assert not [line for line in lines if "..." in line]
    assert answer(["sample", "--help"]) == 0
    shown = capsys.readouterr().out.splitlines()
    for name in POLICIES:
        assert [line for line in shown if line.split()[:1] == [name]], name


def test_a_sampler_plans_its_own_passes_unless_others_are_asked_for():
    planned = {text: NamedSampler.parse(text).steps for text in ("careful", "doubt", "ladr", "careful@5")}
    assert planned == {"careful": 20, "doubt": 16, "ladr": 64, "careful@5": 5}
    assert NamedSampler.parse('{"policy": "doubt", "budget": 0.2}').steps == 16
    assert NamedSampler.parse("careful", 16).steps == 16
    with pytest.raises(LadrError, match=r"'carefull' is not known \(did you mean 'careful'"):
        NamedSampler.parse("carefull@5")


def test_a_comparison_takes_json_and_wrong_samplers_are_named():
    assert split('cosine@5,{"policy": "ladr", "rank": "gap"},halton') == [
        "cosine@5",
        '{"policy": "ladr", "rank": "gap"}',
        "halton",
    ]
    for text in ("cosine@" + "9" * 5000, "cosine@0", "cosine@", '{"policy": ["ladr"]}', "[" * 9, "{" * 9):
        with pytest.raises(LadrError) as refused:
            NamedSampler.parse(text, 64)
        assert len(str(refused.value)) < 500


def test_a_log_gets_one_line_per_sampler_and_no_bar(tmp_path, capfd):
    words = ["sample", PROMPT, "--backbone", "field", "--out", str(tmp_path / "x.png"), "--steps", "3"]
    assert answer(words) == 0
    shown = capfd.readouterr()
    assert shown.err == ""
    assert len(shown.out.splitlines()) == 2


def test_a_folder_that_takes_no_file_is_told_before_anything_is_decoded(tmp_path, capsys):
    (tmp_path / "x.png").write_text("as it was")
    for out in ("/proc/x.png", "/proc/new/x.png"):
        assert answer(["sample", PROMPT, "--backbone", "field", "--out", out]) == 2
        shown = capsys.readouterr()
        assert shown.err.startswith("ladr: /proc: no file can be written there (")
        assert shown.out == ""
    require_picture(tmp_path / "x.png")
    require_picture(tmp_path / "new" / "x.png")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x.png", "as it was")]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            "--compare cosine,ladr --sampler doubt",
            "--sampler 'doubt' and --compare 'cosine,ladr': leave one out",
        ),
        ("--compare cosine,ladr --sampler careful", "--sampler 'careful' and --compare 'cosine,ladr': "),
        ("--sampler cosine@8 --steps 4", "--sampler 'cosine@8' and --steps 4: both say how many passes"),
        ("--compare cosine@8,ladr@9 --steps 4", "--compare 'cosine@8,ladr@9' and --steps 4: both say"),
        ("--guidance 2 --with guidance=5", "--guidance and --with guidance: both name this setting"),
        ("--model . --with folder=x", "--model and --with folder: both name this setting"),
        ("--device cpu --with device=cpu", "--device and --with device: both name this setting"),
        (
            "--backbone mixture --cache ml",
            "--cache ml and --backbone mixture: an exact backbone has nothing to cache; leave --cache out, "
            "or name ramp, which it reads",
        ),
        (
            "--backbone field --cache ramp",
            "--cache ramp and --backbone field: an exact backbone has nothing to cache; leave --cache out",
        ),
        ("--backbone field --dtype bfloat16", "--dtype bfloat16: the backbone field has no such setting"),
        ("--backbone field --device meta", "--device meta: the backbone field has no such setting"),
    ],
)
def test_options_that_nothing_would_read_are_named(words, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert answer(["sample", PROMPT, *words.split()]) == 2
    assert f"ladr: {says}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("prompt", ["", " \t "])
def test_a_prompt_of_blanks_names_nothing_to_draw(prompt, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert answer(["sample", prompt]) == 2
    assert f"ladr: prompt: {prompt!r} names nothing to draw; a text such as" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
