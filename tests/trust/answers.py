"""Judges and experiment files that mean harm."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

from benchmarks import test_endpoint as judge
from ladr.base.errors import LadrError
from ladr.benchmarks.official.dpg_judge import parse as yes_or_no
from ladr.benchmarks.official.reply import AskAgainError, reply_of
from ladr.benchmarks.official.unigen_judge import parse_scores
from ladr.experiment.params import load
from trust.box import HARMLESS, Attempt, Box

PATIENCE = 2.0  # seconds that an answer may take beyond its deadline


def refusal(ask: Callable[[], object]) -> None:
    """What the judge raises inside becomes the one line that its question fails with."""
    started = time.monotonic()
    try:
        ask()
    except (AskAgainError, ValueError) as error:
        if time.monotonic() - started > PATIENCE:
            raise AssertionError(f"took {time.monotonic() - started:.1f} s") from None
        raise LadrError(" ".join(str(error).split())) from None


def asked(talk: Callable, box: Box) -> None:
    server = judge.Talker(talk)
    try:
        refusal(lambda: judge.ask(server, 0.3))
    finally:
        server.listener.close()


def redirected(status: int, box: Box) -> None:
    elsewhere = judge.Talker(judge.says(judge.answer(judge.body_of("stolen"))))
    moved = f"HTTP/1.1 {status} Moved\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n"
    try:
        asked(judge.says(moved.encode()), box)
    finally:
        elsewhere.listener.close()
        if elsewhere.requests:
            raise AssertionError("the image and the prompt went elsewhere")


def replied(data: bytes, box: Box) -> None:
    refusal(lambda: reply_of(data))


def parsed(parse: Callable[[str], object], text: str, box: Box) -> None:
    refusal(lambda: parse(text))


YAML = {
    "object": "a: !!python/object:os.system {}\n",
    "apply": "a: !!python/object/apply:os.system ['touch MARKER']\n",
    "new": "a: !!python/object/new:subprocess.Popen [['touch', 'MARKER']]\n",
    "name": "a: !!python/name:os.system\n",
    "module": "a: !!python/module:os\n",
    "own tag": "a: !evil {}\n",
    "binary": "a: !!binary =\n",
    "aliases": "a: &a [x, x]\n" + "".join(
        f"{one}: &{one} [*{last}, *{last}, *{last}]\n" for last, one in pairwise("abcdefghijkl")
    ),
    "an alias of itself": "a: &a [*a]\n",
    "brackets": "a: " + "[" * 100_000 + "\n",
    "a merge of itself": "a: &a {<<: *a}\n",
    "two documents": "a: 1\n---\nb: 2\n",
    "a key twice": "use: []\nuse: []\n",
    "a list as a key": "? [a]\n: b\n",
    "a NUL": "a: \0\n",
    "a tabulator": "a:\n\t- b\n",
}  # fmt: skip


def experiment(text: str, box: Box) -> None:
    (box.inside / "params.yaml").write_text(text.replace("MARKER", str(box.marker)))
    try:
        load(box.inside / "params.yaml")
    except LadrError as error:  # it lists all mistakes, one a line
        raise LadrError(str(error).partition("\n")[0]) from None


def half_a_character(box: Box) -> str | None:
    text = reply_of(b'{"choices": [{"message": {"content": "yes \\ud800"}}]}').text
    text.encode()
    return HARMLESS


def attempts() -> Iterator[Attempt]:
    for part, talk in judge.SLOW.items():
        yield Attempt(f"judge: slow {part}", partial(asked, talk))
    for status in (301, 302, 303, 307, 308):
        yield Attempt(f"judge: redirect {status}", partial(redirected, status))
    for number, data in enumerate(judge.WRONG):
        yield Attempt(f"judge: wrong answer {number}", partial(replied, data))
    for name, text in judge.LONG.items():
        for kind, parse in (("scores", partial(parse_scores, points=2)), ("yes or no", yes_or_no)):
            yield Attempt(f"judge: {name} as {kind}", partial(parsed, parse, text))
    yield Attempt("judge: half a character", half_a_character)
    for name, text in YAML.items():
        yield Attempt(f"YAML: {name}", partial(experiment, text))
