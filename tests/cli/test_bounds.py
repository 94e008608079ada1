"""Every number that a command takes has bounds, and one line refuses what lies outside or is no number."""

import typing
from importlib import import_module

import pytest
import typer

from ladr.cli.commands import COMMANDS
from trust.refusals import refused


def functions():
    """(words, function) of every command."""
    for name, command in COMMANDS.items():
        module, _, attribute = command.home.partition(":")
        yield from below((name,), getattr(import_module(module), attribute))


def below(words, held):
    if not isinstance(held, typer.Typer):
        yield words, held
        return
    for command in held.registered_commands:
        yield (*words, command.name or command.callback.__name__), command.callback
    for group in held.registered_groups:
        yield from below((*words, group.name or group.typer_instance.info.name), group.typer_instance)


def numbers():
    """(words, name, int or float, what typer is told) of every parameter that is a number."""
    for words, function in functions():
        for name, hint in typing.get_type_hints(function, include_extras=True).items():
            kinds = {float, int} & {hint, *parts(hint)}
            if kinds:
                (kind,) = kinds
                yield words, name, kind, next(iter(getattr(hint, "__metadata__", ())), None)


def parts(hint):
    for inner in typing.get_args(hint):
        yield inner
        yield from parts(inner) if typing.get_origin(inner) else ()


NUMBERS = list(numbers())


def test_every_number_has_a_least_and_a_greatest_value():
    unbounded = [
        f"{' '.join(words)} {name}"
        for words, name, _, info in NUMBERS
        if info is None or info.min is None or info.max is None
    ]
    assert unbounded == []
    assert len(NUMBERS) > 40


FLOATS = [(words, name, info) for words, name, kind, info in NUMBERS if kind is float]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400", "-1", "x", "1e9"])
@pytest.mark.parametrize(("words", "name", "info"), FLOATS, ids=lambda x: x if isinstance(x, str) else "")
def test_what_is_no_number_within_the_bounds_is_refused(
    words, name, info, value, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    option = next(iter(info.param_decls), None) or f"--{name.replace('_', '-')}"
    assert f"'{option}'" in refused([*words, option, value], capsys)
