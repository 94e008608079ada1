"""YAML that a person wrote: read within bounds, as plain values that know on which line their keys stand."""

import io
import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarbool import ScalarBoolean
from ruamel.yaml.scanner import RoundTripScanner

from ladr.base.errors import LadrError

Path_ = tuple[str | int, ...]
LARGEST = 256 * 1024  # characters of a file
DEEPEST = 32  # levels of mappings and lists
MOST = 100_000  # values, counted each time that an alias repeats them


class BoundedScanner(RoundTripScanner):
    """Refuses what is nested more than DEEPEST levels deep before anything descends into it."""

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: Any) -> Any:
        self._bounded()
        return super().fetch_flow_collection_start(TokenClass, to_push)

    def add_indent(self, column: int) -> bool:
        self._bounded()
        return super().add_indent(column)

    def _bounded(self) -> None:
        if self.flow_level + len(self.indents) > DEEPEST:
            raise MarkedYAMLError(
                problem=f"nested more than {DEEPEST} levels deep", problem_mark=self.reader.get_mark()
            )


def tree_of(text: str, name: str) -> Any:
    """The text as ruamel's tree, which knows lines. `name` says in errors where the text stands."""
    if len(text) > LARGEST:
        raise LadrError(f"{name}: {len(text)} characters are not allowed; at most {LARGEST}")
    yaml = YAML(typ="rt")
    yaml.Scanner = BoundedScanner
    try:
        return yaml.load(io.StringIO(text))
    except MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = " ".join(str(error.problem).split())
        twice = isinstance(error, DuplicateKeyError)
        raise LadrError(f"{name}{line}: {problem if twice else f'not valid YAML ({problem})'}") from None
    except (YAMLError, ValueError, ArithmeticError, LookupError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise LadrError(f"{name}: not valid YAML ({reason})") from None


def value_of(text: str, name: str) -> Any:
    """The value that a YAML text on a command line stands for."""
    return plain(tree_of(text, name), name)


def words_of(text: str, name: str) -> list[str]:
    """The words of a text, which quotes keep together as in a shell. `name` says where it stands."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise LadrError(f"{name}: {text[:80]!r} is not allowed ({error}); KEY='A VALUE' KEY=VALUE") from None


class Source:
    """`data`: the file as plain dicts, lists and scalars, with `changes` to it: path -> what a person typed.

    `line(path)`: where a key of the file stands, from 1; `place(path)`: the same or the change, in words.
    """

    def __init__(self, text: str, name: str):
        self.name = name
        self._tree = tree_of(text, name)
        if not isinstance(self._tree, CommentedMap):
            raise LadrError(
                f"{name}: holds no mapping; see params.yaml of the repository for what is expected"
            )
        self.data = plain(self._tree, name)
        self.changes: dict[Path_, str] = {}

    @classmethod
    def read(cls, path: str | Path) -> "Source":
        try:
            if Path(path).exists() and not Path(path).is_file():
                raise LadrError(f"{path}: is no regular file; name the file of an experiment")
            with open(path, encoding="utf-8") as file:
                return cls(file.read(LARGEST + 1), str(path))
        except UnicodeDecodeError as error:
            raise LadrError(f"{path}: cannot be read (it is not UTF-8 text: {error.reason})") from None
        except OSError as error:
            raise LadrError(f"{path}: cannot be read ({error.strerror})") from None
        except ValueError as error:
            if isinstance(error, LadrError):
                raise
            raise LadrError(f"{str(path)!r}: cannot be read ({error})") from None

    def line(self, path: Sequence[str | int]) -> int:
        """The line of the key at `path`, or of the deepest key above it that the file has."""
        node, line = self._tree, 1
        for key in path:
            try:
                line = 1 + (node.lc.key(key) if isinstance(node, CommentedMap) else node.lc.item(key))[0]
                node = node[key]
            except (KeyError, IndexError, TypeError, AttributeError):
                break
        return line

    def place(self, path: Sequence[str | int]) -> str:
        """file:line of the key at `path`, or the change that set it or a key around it. A change of a key
        inside stands beside the line."""
        if change := self._change(path):
            return f"{self.name}, {change}"
        within = [said for key, said in self.changes.items() if path and key[: len(path)] == tuple(path)]
        return f"{self.name}:{self.line(path)}{f' with {within[-1]}' if within else ''}"

    def order(self, path: Sequence[str | int]) -> float:
        """The line of the key at `path`; changes come after all lines."""
        return math.inf if self._change(path) else self.line(path)

    def _change(self, path: Sequence[str | int]) -> str | None:
        words = tuple(map(str, path))
        around = [key for key in self.changes if words[: len(key)] == key]
        touching = [key for key in self.changes if key in around or key[: len(words)] == words]
        return self.changes[touching[-1]] if around else None


def plain(tree: Any, name: str) -> Any:
    """The tree as dicts with texts as keys, lists, texts, numbers, true, false and null. Anything else is
    refused."""
    return _Plain(name).of(tree, ())


class _Plain:
    """Counts the values of one tree while it makes them plain."""

    def __init__(self, name: str):
        self.name = name
        self.count = 0

    def of(self, node: Any, path: Path_) -> Any:
        self.count += 1
        if self.count > MOST or len(path) > DEEPEST:
            raise LadrError(
                f"{self.name}: {_dotted(path)} repeats too much; at most {MOST} values, {DEEPEST} levels deep"
            )
        if node is None or type(node) in (bool, int, float, str):
            return node
        if isinstance(node, ScalarBoolean):
            return bool(node)
        for kind in (int, float, str):
            if isinstance(node, kind):
                return kind(node)
        tag = getattr(getattr(node, "tag", None), "value", None)
        if tag is None and type(node) is CommentedMap:
            return {self._key(key, path): self.of(value, (*path, key)) for key, value in node.items()}
        if tag is None and type(node) is CommentedSeq:
            return [self.of(value, (*path, i)) for i, value in enumerate(node)]
        what = f"the tag {tag}" if tag else f"a value of the kind {type(node).__name__.lower()}"
        raise LadrError(
            f"{self.name}: {_dotted(path)}: {what} is not allowed; put the value in quotes to make it a text"
        )

    def _key(self, key: Any, path: Path_) -> str:
        if not isinstance(key, str):
            where = _dotted((*path, str(key)))
            raise LadrError(f"{self.name}: {where}: the key {key!r} is no text; put it in quotes")
        return str(key)


def _dotted(path: Path_) -> str:
    return ".".join(map(str, path)) or "file"


def at(data: Any, path: Sequence[str | int]) -> Any:
    """The value at `path`, None where there is none."""
    for key in path:
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            return None
    return data
