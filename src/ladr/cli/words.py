"""The words of a command before typer reads them: commands below commands, and options without a value."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ladr.base.errors import LadrError, nearest, shown


def require_values(command: Any, words: Sequence[str]) -> None:
    """LadrError at a command that is not there, and at an option whose value is an empty text.

    An empty text as a path would be the folder one works in.
    """
    path, left = ["ladr"], list(words)
    while below := getattr(command, "commands", None):
        if not left or left[0].startswith("-"):
            return
        path.append(left.pop(0))
        if path[-1] not in below:
            raise LadrError(
                f"there is no command {' '.join(path[1:])[:80]!r}{nearest(path[-1][:80], below)}; "
                f"`{' '.join(path[:-1])} --help` lists them"
            )
        command = below[path[-1]]
    for option in _with_values(command.params):
        if "" in _values(option, left):
            raise LadrError(f"{option}: is empty; give a value, or leave {option} out")


def with_value(error: Any, words: Sequence[str]) -> str:
    """` = VALUE` of the option that typer complains about, as it was typed; empty for anything else."""
    options = getattr(getattr(error, "param", None), "opts", ())
    values = [value for option in options for value in _values(option, words)]
    return f" = {shown(values[-1])}" if values else ""


def _with_values(params: Sequence[Any]) -> list[str]:
    """The options among the parameters that take a value."""
    return [
        option
        for param in params
        if param.param_type_name == "option" and not param.is_flag and not getattr(param, "count", False)
        for option in param.opts
    ]


def _values(option: str, words: Sequence[str]) -> list[str]:
    """What stands after the option, as `--option VALUE` or `--option=VALUE`."""
    ahead = words[: words.index("--")] if "--" in words else words
    after = [value for word, value in pairwise(ahead) if word == option]
    return after + [word.partition("=")[2] for word in ahead if word.startswith(f"{option}=")]
