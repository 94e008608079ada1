"""The lines that the documents tell a reader to type: make, snakemake, dvc, and the examples of README."""

import contextlib
import io
import re
import shutil

import pytest

from ladr.cli.main import answer
from typed_lines import ROOT, blocks, typed


def test_the_search_finds_calls():
    for program, least in (("make", 15), ("snakemake", 5), ("dvc", 5), ("ladr", 20)):
        assert len(list(typed(program))) >= least, program


def test_make_has_every_target_and_variable():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    for where, words, _ in typed("make"):
        for word in words[1:]:
            name, equals, _ = word.partition("=")
            assert f"$({name}" in text if equals else name in targets, f"{where}: {' '.join(words)}"


def exit_code(parser, words):
    """What a program would end with that cannot read these words; 0 where it can, and for its help."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            parser.parse_args(words)
    except SystemExit as ended:
        return ended.code
    return 0


def test_snakemake_understands_every_call():
    from snakemake.cli import get_argument_parser

    parser = get_argument_parser()
    for where, words, _ in typed("snakemake"):
        assert exit_code(parser, words[1:]) == 0, f"{where}: {' '.join(words)}"


def test_dvc_understands_every_call():
    from dvc.cli.parser import get_main_parser

    parser = get_main_parser()
    for where, words, whole in typed("dvc"):
        asked = words[1:] if whole else [*words[1:], "--help"]
        assert exit_code(parser, asked) == 0, f"{where}: {' '.join(words)}"


def examples():
    """The blocks of Python in README and Answers that need no pipeline and no checkpoint."""
    for name in ("README.md", "docs/index.md", "docs/answers.md"):
        for number, block in enumerate(blocks(ROOT / name, "python")):
            if "pipe" not in block:
                yield pytest.param(block, id=f"{name}-{number}")


@pytest.mark.slow
@pytest.mark.parametrize("block", examples())
def test_an_example_in_python_runs(block):
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(block.replace("steps=64", "steps=4"), "example", "exec"), {})


def drawings():
    """The words of every `ladr sample` that needs no weights of others."""
    for _, words, _ in typed("ladr"):
        others = {"lumina-dimoo", "amused", "--model"} & set(words)
        if words[1:2] == ["sample"] and len(words) > 2 and not words[2].isupper() and not others:
            yield tuple(words[1:])


@pytest.mark.slow
@pytest.mark.parametrize("words", sorted(set(drawings())), ids=" ".join)
def test_a_drawing_is_drawn(words, tmp_path, monkeypatch):
    """With few passes, where the line does not say how many."""
    monkeypatch.chdir(tmp_path)
    assert answer([*words, *(() if "--steps" in words else ("--steps", "6"))]) == 0


BARE = (["run"], ["prompts"])  # named in a sentence: they need an argument
SHORT = {"params", "grid", "run", "prompts", "doctor", "audit", "devices", "theory"}


def short_calls():
    """The words of every other call that takes seconds and needs no finished run, no weights of others, no
    network. `theory` is asked for its small samples."""
    for _, words, _ in typed("ladr"):
        names = {"1a2b3c4d", "paper.yaml"} | {word for word in words if word.isupper()}
        if words[1:2] and words[1] in SHORT and not names & set(words) and words[1:] not in BARE:
            yield (*words[1:], *(["--quick"] if words[1] == "theory" and "--quick" not in words else ()))


def test_short_calls_of_every_kind_are_among_the_documents():
    assert {words[0] for words in short_calls()} == SHORT


@pytest.mark.slow
@pytest.mark.parametrize("words", sorted(set(short_calls())), ids=" ".join)
def test_a_short_call_does_what_it_says(words, tmp_path, monkeypatch, capsys):
    """In a folder with the experiment of `make smoke`."""
    shutil.copy(ROOT / "smoke.yaml", tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    assert answer(list(words)) == 0, capsys.readouterr().err
