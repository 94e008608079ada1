"""A YAML file that knows on which line each of its keys stands."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ladr.base.errors import LadrError

Path_ = tuple[str | int, ...]


class Source:
    """`data`: the file as plain dicts, lists and scalars; `line(path)`: where a key of it stands, from 1."""

    def __init__(self, text: str, name: str):
        self.name = name
        try:
            self._tree = YAML(typ="rt").load(io.StringIO(text))
        except DuplicateKeyError as error:
            raise LadrError(f"{name}:{error.problem_mark.line + 1}: {error.problem}") from None
        except MarkedYAMLError as error:
            line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
            raise LadrError(f"{name}{line}: not valid YAML ({error.problem})") from None
        except YAMLError as error:
            raise LadrError(f"{name}: not valid YAML ({error})") from None
        if not isinstance(self._tree, CommentedMap):
            raise LadrError(
                f"{name}: holds no mapping; see params.yaml of the repository for what is expected"
            )
        self.data = plain(self._tree)

    @classmethod
    def read(cls, path: str | Path) -> "Source":
        try:
            return cls(Path(path).read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise LadrError(f"{path}: cannot be read ({error})") from None

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


def plain(node: Any) -> Any:
    """The tree without the classes that carry comments and line numbers."""
    if isinstance(node, CommentedMap):
        return {plain(k): plain(v) for k, v in node.items()}
    if isinstance(node, CommentedSeq):
        return [plain(v) for v in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def at(data: Any, path: Sequence[str | int]) -> Any:
    """The value at `path`, None where there is none."""
    for key in path:
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            return None
    return data
