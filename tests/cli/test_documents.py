"""Every `ladr ...` in the documents, the workflow and the package is a command with options that it has."""

import re
from pathlib import Path

import pytest
import typer

from ladr.cli.commands import COMMANDS, RENAMED
from ladr.cli.main import build

ROOT = Path(__file__).parents[2]
PLACES = (
    "README.md",
    "CONTRIBUTING.md",
    "Makefile",
    "dvc.yaml",
    "Snakefile",
    "docs/*.md",
    "models/*/*.md",
    "config/*.md",
)
PLACES += ("workflow/**/*.smk", "src/ladr/**/*.py")
LINE = re.compile(r"(?:`|^|/|&& |\{threads\} |\")ladr ([a-z][a-z0-9-]*)((?: [^`#|\n\"]*)?)", re.MULTILINE)


def lines():
    """(place, command, the rest of the line) of everything that looks like a call of the program."""
    for pattern in PLACES:
        for file in sorted(ROOT.glob(pattern)):
            if file.name == "commands.md" or file.parts[-2:-1] == ("figures",):
                continue
            for name, rest in LINE.findall(file.read_text(encoding="utf-8").replace('"ladr needs', "")):
                yield f"{file.relative_to(ROOT)}: ladr {name}{rest}", name, rest


CALLS = list(lines())


def test_the_search_finds_calls_everywhere():
    assert len(CALLS) > 60
    for place in ("README.md", "docs/speed.md", "workflow/rules/score.smk", "src/ladr/backbones"):
        assert any(where.startswith(place) for where, *_ in CALLS), place


@pytest.mark.parametrize("name", sorted({name for _, name, _ in CALLS}))
def test_a_call_names_a_command_and_options_that_it_has(name):
    assert name in COMMANDS, [where for where, other, _ in CALLS if other == name]
    command = typer.main.get_command(build(name)).commands[name]
    for where, other, rest in CALLS:
        if other != name:
            continue
        called = named_by(rest.split(), command)
        if called is None:
            assert re.fullmatch(r"[.A-Z]*|\W.*", rest.split()[0]), where
            continue
        known = {option for p in called.params for option in (*p.opts, *p.secondary_opts)} | {"--help", "-h"}
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest):
            assert option in known, where


def named_by(words, command):
    """The command below `command` that the words name, however deep; None where the first is no name."""
    for depth, word in enumerate(words):
        below = getattr(command, "commands", {})
        if not below:
            break
        if word not in below:
            return command if depth else None
        command = below[word]
    return command


def test_the_list_of_commands_is_whole():
    text = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    table = text[: text.index("**The experiment.**")]
    assert set(re.findall(r"`ladr ([a-z]+)`", table)) == set(COMMANDS)
    for family in {command.family for command in COMMANDS.values()}:
        names = [name for name, command in COMMANDS.items() if command.family == family]
        row = ", ".join(f"`ladr {name}`" for name in names)
        assert f"| {family.lower()} | {row} |" in table
    for old, new in RENAMED.items():
        assert f"`ladr {old}` is `ladr {new}`" in text
