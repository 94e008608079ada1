"""Every command that the help lists can be imported and explains itself; what was renamed says so."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ladr.cli.commands import COMMANDS, RENAMED
from ladr.cli.main import answer, build, requested, without_debug

LADR = [sys.executable, "-c", "from ladr.cli.main import main; main()"]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_explains_itself(name):
    for option in ("--help", "-h"):
        shown = CliRunner().invoke(build(name), [name, option])
        assert shown.exit_code == 0, shown.output
        assert "Usage" in shown.output


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_all_says_what_the_commands_own_help_says(name):
    command = typer.main.get_command(build(name)).commands[name]
    assert COMMANDS[name].help == command.get_short_help_str(200)


def parameters(command, path=()):
    """(path of a command, its parameter) of the command and all commands below it."""
    for name, below in getattr(command, "commands", {}).items():
        yield from parameters(below, (*path, name))
    yield from ((" ".join(path), parameter) for parameter in command.params)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_and_shared_ones_are_declared_once(name):
    shared = {}
    for path, parameter in parameters(typer.main.get_command(build(name))):
        if parameter.param_type_name == "option" and not getattr(parameter, "hidden", False):
            assert parameter.help, f"ladr {path}: {parameter.opts} has no help"
            shared.setdefault(parameter.opts[0], set()).add(parameter.help)
    for option in ("--params", "--set", "--json"):
        assert len(shared.get(option, ())) <= 1, option
    sources = [file.read_text() for file in (ROOT / "src/ladr/cli").glob("*.py")]
    for option in ('"--params"', '"--set"', '"--json"'):
        assert sum(text.count(option) for text in sources) == 1, option


def test_help_groups_every_command_by_family():
    shown = CliRunner().invoke(build(), ["--help"])
    assert shown.exit_code == 0
    lines = shown.output.splitlines()
    families = list(dict.fromkeys(command.family for command in COMMANDS.values()))
    assert len(families) == 7
    place = {family: next(i for i, x in enumerate(lines) if f"─ {family} ─" in x) for family in families}
    assert list(place.values()) == sorted(place.values())
    for name, command in COMMANDS.items():
        line = next(i for i, x in enumerate(lines) if x.startswith(f"│ {name} "))
        assert max((f for f in families if place[f] < line), key=place.get) == command.family


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_name_answers_with_the_new_one(old, capsys):
    assert answer([old, "whatever"]) == 2
    assert capsys.readouterr().err == f"ladr: `ladr {old}` is now `ladr {RENAMED[old]}`\n"
    assert answer(["benchmark", "score", "a-cell", "--set", "x=1"]) == 2
    assert "is now `ladr score CELL --again`" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys):
    from importlib.metadata import version

    assert answer(["--version"]) == 0
    assert capsys.readouterr().out == f"ladr {version('ladr')}\n"


def test_no_words_show_the_help_and_are_a_mistake(capsys):
    assert answer([]) == 2
    assert "Usage: ladr" in capsys.readouterr().out


def test_debug_is_taken_from_anywhere_before_two_dashes():
    assert without_debug(["run", "--debug", "x"]) == (["run", "x"], True)
    assert without_debug(["--debug"]) == ([], True)
    assert without_debug(["sample", "--", "--debug"]) == (["sample", "--", "--debug"], False)
    assert requested(["--version"]) is None
    assert requested(["grid", "--nonsense"]) == "grid"


def completed(words):
    """What bash completion answers to these words, and whether torch was imported for it."""
    code = (
        "import atexit, sys; from ladr.cli.main import main\n"
        "atexit.register(lambda: print('torch' in sys.modules, file=sys.stderr))\n"
        "sys.argv = ['ladr']; main()"
    )
    told = {"_LADR_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | told, capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == "False", done.stderr
    return done.stdout.split()


def test_a_shell_completes_commands_and_options_without_torch():
    assert completed("ladr sc") == ["score"]
    assert set(completed("ladr s")) == {"sample", "score", "search", "speed", "sweep"}
    for name, option in (("sample", "--temp"), ("benchmark", "gene"), ("theory", "--qu"), ("speed", "mixt")):
        (found,) = completed(f"ladr {name} {option}")
        assert found.startswith(option)


def test_every_command_that_lists_prints_json(capsys, tmp_path, monkeypatch):
    (tmp_path / "params.yaml").write_text((ROOT / "smoke.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    for words in (["params"], ["grid"], ["prompts", "mini-geneval"], ["doctor"], ["prune"], ["devices"]):
        assert answer([*words, "--json"]) == 0
        json.loads(capsys.readouterr().out)
    with_json = {
        path
        for name in COMMANDS
        for path, parameter in parameters(typer.main.get_command(build(name)))
        if "--json" in parameter.opts
    }
    assert {"audit", "evaluate", "latency", "sample", "score", "search", "theory"} <= with_json
