"""What a judge answers: the body of a chat completion, every part of it checked."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

MOST_TEXT = 1 << 18  # characters of an answer's text
SHOWN = 200  # characters of a body that a message repeats


class AskAgainError(Exception):
    """A failure that another attempt may cure. `after`: seconds that the server asked to wait."""

    def __init__(self, why: str, after: float = 0.0):
        super().__init__(why)
        self.after = after


@dataclass(frozen=True)
class Reply:
    """The text of an answer, and how many tokens the server counted."""

    text: str
    usage: Mapping[str, int]


def reply_of(data: bytes) -> Reply:
    """The answer in the body of a chat completion; every part of it has the type that it must have."""
    with _formed():
        content = json.loads(data)
        message = _entry(_entry(_entry(content, "choices", list), 0, dict), "message", dict)
        text = _entry(message, "content", str)
    if not text.strip():
        raise AskAgainError("an answer without text")
    if len(text) > MOST_TEXT:
        raise AskAgainError(f"an answer of {len(text)} characters; at most {MOST_TEXT} are read")
    counts = content.get("usage")
    names = ("prompt_tokens", "completion_tokens")
    counts = counts if isinstance(counts, dict) else {}
    usage = {name: counts[name] for name in names if type(counts.get(name)) is int}
    return Reply(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), usage)


@contextmanager
def _formed() -> Iterator[None]:
    try:
        yield
    except (ValueError, RecursionError) as error:  # no JSON, or JSON that is nested without end
        raise AskAgainError(f"an answer that is no JSON ({str(error)[:SHOWN]})") from None


def _entry(holder: Any, key: Any, kind: type) -> Any:
    """The entry `key` of an object or list; AskAgainError unless it is there and of that kind."""
    try:
        value = holder[key]
    except (KeyError, IndexError, TypeError):
        value = None
    if not isinstance(value, kind):
        raise AskAgainError(f"an answer without text ({key!r} is no {kind.__name__})")
    return value


def reason_of(data: bytes) -> str:
    """What the body of an error says, in one short line."""
    try:
        text = json.loads(data)["error"]["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        text = data[: 4 * SHOWN].decode("utf-8", "replace")
    return " ".join(str(text).split())[:SHOWN]
