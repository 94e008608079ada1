"""The doors of the fuzz suite: files, options, words after commands, the Python API, records, checkpoints."""

import json
import os
import shlex
import shutil
from contextlib import chdir
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from unittest.mock import patch

import typer
from hypothesis import strategies as st

import ladr
import tiny
from ladr.backbones import load
from ladr.cli.commands import COMMANDS
from ladr.cli.main import build
from toy import ToyBackbone
from trust import bodies, checkpoints, official
from trust.box import Box
from trust.faulty import World
from trust.fuzzed import Door, fault_of, fault_of_call
from trust.grammar import NAMES, RIGHT, changes, cut, dumped, leaves, mutated, texts, values

READS = [["params"], ["params", "--json"], ["grid"], ["grid", "--cells"], ["grid", "--missing", "--json"]]
READS += [["table"], ["prune"], ["join", "cosine"], ["run", "nobody"], ["ceiling", "x"], ["latency"]]
READS += [["score", "cosine"], ["track"], ["search", "--size", "0"], ["calibrate", "ladr", "--field", "x"]]


def call(words: list[str], text: str | None = None, variable: str | None = None) -> str:
    """Call ladr beside a params.yaml of this text, with LADR_SET where `variable` is a text."""
    (Path() / "params.yaml").write_text(text or tiny.TEXT, encoding="utf-8", errors="surrogatepass")
    environment = {name: value for name, value in os.environ.items() if name != "LADR_SET"}
    if variable is not None:
        environment["LADR_SET"] = variable
    with patch.dict(os.environ, environment, clear=True):
        return fault_of_call(words)


params_files = st.tuples(
    st.sampled_from(READS[:5]), mutated(RIGHT).map(dumped) | cut(tiny.TEXT) | cut(tiny.TEXT).flatmap(cut)
)
options = st.tuples(st.sampled_from(READS), st.lists(changes, min_size=1, max_size=3))
variables = st.tuples(
    st.sampled_from(READS[:5]),
    st.lists(changes, max_size=3).map(shlex.join) | changes | texts.map(lambda text: text.replace("\0", "")),
)


# Commands that would serve, train, measure or fetch: one word that is always wrong keeps them from it.
ENDLESS = {"demo", "ui", "sweep", "train", "speed", "theory", "audit", "track", "benchmark", "devices"}
WORDS = ["x", "params.yaml", "nowhere.yaml", ".", "out", "out/a.png", "no/such/place", "results", "x" * 300]
WORDS += ["cosine", "ladr", "fig/near", "nobody", "12345678", "field", "field-exact", "mini-geneval", "feild"]
WORDS += [
    "-1",
    "0",
    "1",
    "2",
    "3",
    "8",
    "nan",
    "inf",
    "1e400",
    "100000000000",
    "9" * 5000,
    "0.5",
    "²",
    "true",
]
WORDS += [
    "smoke",
    "3x3",
    "4x",
    "0:2",
    "2-1",
    "0-2",
    "noise=0:1:0.5",
    "noise=",
    "steps=4",
    "=",
    "a=b=c",
    "grid=[5]",
]
WORDS += [
    "cosine@4",
    "cosine@0",
    "cosine,ladr",
    '{"policy": "ladr"}',
    '{"policy": ["ladr"]}',
    "[",
    "even",
    "odd",
]
SLOW = {
    "--backbone": ["field", "feild", "", "nope"],
    "--sampler": NAMES,
    "--processes": ["1", "0", "-1", "x"],
}
SLOW |= {"--threads": ["1", "0", "-1", "x"], "--trials": ["1", "0", "-1", "x"], "--model": ["x", ""]}


def plain(text: str) -> str:
    """A text that can be a word and, as a path, stays in the working folder."""
    return text.replace("\0", "").replace("..", ".").lstrip("/").encode("utf-8", "replace").decode()


@cache
def options_of(name: str) -> dict[tuple[str, ...], list]:
    """The options and arguments of a command and of the commands below it."""
    group: Any = typer.main.get_command(build(name))
    command = group.commands[name]
    below = getattr(command, "commands", None)
    return {(name, sub): c.params for sub, c in below.items()} if below else {(name,): command.params}


@st.composite
def calls(draw: st.DrawFn) -> list[str]:
    """A command with some of its own options and words of every kind behind them."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    table = options_of(name)
    start = draw(st.sampled_from(sorted(table)))
    free = st.sampled_from(WORDS) | texts.map(plain) | changes.map(plain)
    words = []
    for option in table[start]:
        chance = 0.9 if option.required else 0.3
        if draw(st.floats(0, 1)) > chance:
            continue
        value = draw(st.sampled_from(SLOW[option.opts[0]]) if option.opts[0] in SLOW else free)
        if option.param_type_name == "argument":
            words.append(value)
        else:
            words += [draw(st.sampled_from(option.opts))] + ([] if option.is_flag else [value])
    if draw(st.integers(0, 9)) == 0:
        words.append(draw(free))
    if name in ENDLESS:
        words.insert(draw(st.integers(0, len(words))), "--nope")
    return [*start, *words]


def ask(example: tuple[str, dict]) -> str:
    name, wrong = example
    if name == "build":
        return fault_of(partial(ladr.build, wrong["policy"]))
    if name == "load":
        return fault_of(partial(load, wrong.pop("name"), **wrong))
    right = {"backbone": ToyBackbone(), "prompts": ["a", "b"], "policy": "cosine", "steps": 4}
    return fault_of(partial(ladr.decode, **{**right, **wrong}))


rules = mutated({"policy": "ladr", "noise": 0.5, "phases": {"structure": {"alpha": 0.3}}}) | mutated(
    {"policy": "then", "first": {"policy": "cosine"}, "second": {"policy": "ladr", "rank": "gap"}}
)
ARGUMENTS = ["steps", "seeds", "noise", "batch_size", "cache", "temperature", "start", "backbone"]
ARGUMENTS += ["on_step", "stopped"]
api = (
    st.tuples(st.just("build"), st.fixed_dictionaries({"policy": rules | values}))
    | st.tuples(st.just("decode"), st.dictionaries(st.sampled_from(ARGUMENTS), values, max_size=2))
    # What a prompt is, the backbone says: this one reads texts.
    | st.tuples(st.just("decode"), st.fixed_dictionaries({"prompts": leaves | st.lists(texts, max_size=3)}))
    | st.tuples(st.just("decode"), st.fixed_dictionaries({"policy": rules | values}))
    | st.tuples(
        st.just("load"),
        st.fixed_dictionaries(
            {"name": st.sampled_from(["field", "feild", "mixture", ""]) | texts},
            optional={"grid": values, "codes": values, "coupling": values, "scenes": values, "size": values},
        ),
    )
)  # fmt: skip


@cache
def world() -> World:
    """A finished experiment, made once."""
    import atexit

    folder = Path(mkdtemp(prefix="ladr-world-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    whole = World(folder)
    with chdir(folder):
        whole.complete()
    return whole


@st.composite
def records(draw: st.DrawFn) -> tuple[str, bytes, list[str]]:
    """A file below results, its spoilt content, and a command that reads it."""
    folder = world().folder
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("results/**/*.json*") if p.is_file())
    name = draw(st.sampled_from(names))
    text = (folder / name).read_text(encoding="utf-8")
    whole = mutated(json.loads(text)).map(dumped) if name.endswith(".json") else cut(text)
    spoilt = draw(whole | cut(text) | values.map(dumped))
    reads = [
        ["doctor"],
        ["doctor", "--json"],
        ["doctor", "--mend"],
        ["grid"],
        ["grid", "--missing", "--json"],
    ]
    reads += [["table"], ["score", "ladr"], ["run", "matched"], ["prune"], ["join", "cosine"], ["latency"]]
    return name, spoilt.encode("utf-8", "surrogatepass"), draw(st.sampled_from(reads))


def read_spoilt(example: tuple[str, bytes, list[str]]) -> str:
    name, data, words = example
    shutil.copytree(world().folder, Path(), dirs_exist_ok=True)
    Path(name).write_bytes(data)
    return fault_of_call(words)


@st.composite
def configs(draw: st.DrawFn) -> tuple:
    kind, file, section = draw(st.sampled_from(checkpoints.CONFIGS))
    content = json.loads((checkpoints.source(kind) / file).read_text())
    key = draw(st.sampled_from(sorted(content[section] if section else content)))
    return kind, file, section, key, draw(leaves | values)


def read_config(example: tuple) -> str:
    box = Box.at(Path().resolve())
    return fault_of(partial(checkpoints.variant, *example, box))


@st.composite
def foreign(draw: st.DrawFn) -> tuple[str, Any]:
    """An official reader and what its file holds instead of the right text."""
    return draw(st.sampled_from(sorted(official.READERS))), draw(st.randoms(use_true_random=False))


def read_foreign(example: tuple[str, Any]) -> str:
    name, random = example
    reader = official.READERS[name]
    reader.make(folder := Path().resolve())
    path = folder / reader.name
    data = bytearray(path.read_bytes())
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(data) + 1)
        end = at + random.choice([0, 1, 5, 50, 5000])
        data[at:end] = random.choice(
            [b"", b"\0", b"\xff", b",", b'"', b"\n", b"{", b"]", b"null", b"1e999", b"-1", data[at:end] * 2]
        )
    path.write_bytes(bytes(data))
    return fault_of(partial(reader.read, folder))


DOORS = {
    "params files": Door(1000, 20, params_files, lambda example: call(example[0], text=example[1])),
    "--set": Door(
        900, 15, options, lambda e: call(e[0] + [word for change in e[1] for word in ("--set", change)])
    ),
    "LADR_SET": Door(400, 10, variables, lambda example: call(example[0], variable=example[1])),
    "commands": Door(1000, 15, calls(), call),
    "bodies of commands": Door(300, 4, bodies.calls(), lambda words: bodies.call(words, world())),
    "Python API": Door(900, 20, api, ask),
    "records": Door(400, 5, records(), read_spoilt),
    "checkpoints": Door(250, 3, configs(), read_config),
    "prompts and results of others": Door(400, 10, foreign(), read_foreign),
}
