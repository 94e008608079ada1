"""What fuzzed input is made of: values of every kind, keys of params.yaml, mutations of what is right."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from hypothesis import strategies as st

import tiny
from ladr.decoding.policies import POLICIES

RIGHT = yaml.safe_load(tiny.TEXT)
NUMBERS = [-1, 0, 1, 2, 3, 8, 10**11, 10**22, -(10**30), 0.5, -0.0, 1.5, 1e308, float("nan"), float("inf")]
NAMES = [
    *POLICIES,
    "then",
    "union",
    "field",
    "field-exact",
    "mini-geneval",
    "feild",
    "replay:ladr",
    "replay:",
    "tokens:ladr",
    "tokens:",
]
NAMES += ["cosine@8", "cosine@", "0.3", "1e5", "frontier", "non-frontier-first", "ml", "log", "smoke", "auto"]
KEYS = ["policy", "first", "second", "cache", "name", "ratio", "steps", "budget", "match", "noise", "where"]
KEYS += [
    "phases",
    "structure",
    "alpha",
    "tau",
    "rank",
    "settings",
    "kind",
    "benchmarks",
    "backbones",
    "label",
]
KEYS += ["images", "seed", "temperature", "use", "part", "grid", "base", "rows", "sizes", "latency", "theory"]
ODD = [
    "\x1b[31m",
    "\u202e",
    "../..",
    "~",
    "*",
    "&a",
    "!!python/object:os.system",
    "é",
    "名",
    "🙂",
    "a\nb",
    "²",
]

texts = st.sampled_from([*NAMES, *KEYS, *ODD, "", "x" * 2000]) | st.text(max_size=12)
leaves = st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.integers() | st.floats() | texts
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | texts, inner, max_size=4)
    ),
    max_leaves=8,
)


def paths(content: Any, before: tuple = ()) -> Iterator[tuple]:
    """The path of every value inside nested mappings and lists."""
    inside = content.items() if isinstance(content, Mapping) else enumerate(content)
    for key, value in inside:
        yield (*before, key)
        if isinstance(value, dict | list):
            yield from paths(value, (*before, key))


DOTTED = sorted({".".join(map(str, path)) for path in paths(RIGHT)})


@st.composite
def mutated(draw: st.DrawFn, content: Any) -> Any:
    """The content with one to three places replaced, removed, renamed, or added to."""
    content = copy.deepcopy(content)
    for _ in range(draw(st.integers(1, 3))):
        places = list(paths(content))
        if not places:
            return content
        *above, last = draw(st.sampled_from(places))
        holder = content
        for key in above:
            holder = holder[key]
        _change(draw, holder, last)
    return content


def _change(draw: st.DrawFn, holder: Any, last: Any) -> None:
    way = draw(st.sampled_from(["replace", "remove", "rename", "add", "copy"]))
    if way == "replace":
        holder[last] = draw(values)
    elif way == "remove":
        del holder[last]
    elif isinstance(holder, list):
        holder.append(draw(values) if way == "add" else copy.deepcopy(holder[last]))
    elif way == "rename":
        holder[draw(texts)] = holder.pop(last)
    else:
        name = draw(st.sampled_from(KEYS) | texts)
        holder[name] = draw(values) if way == "add" else copy.deepcopy(holder[last])


@st.composite
def cut(draw: st.DrawFn, text: str) -> str:
    """The text with a piece cut out, doubled, or another one put in."""
    at = draw(st.integers(0, len(text)))
    end = min(len(text), at + draw(st.sampled_from([0, 1, 2, 10, 100, 10**6])))
    piece = draw(
        st.sampled_from(["", text[at:end] * 2, "\0", "\x85", "{", "]", ": ", "'", '"', "\t"]) | texts
    )
    return text[:at] + piece + text[end:]


def dumped(content: Any) -> str:
    return json.dumps(content)


changes = st.builds(
    "{}{}{}".format,
    st.sampled_from(DOTTED)
    | st.lists(st.sampled_from([*KEYS, *NAMES]), min_size=1, max_size=4).map(".".join)
    | texts,
    st.sampled_from(["=", "=", "=", "", "=="]),
    values.map(dumped) | texts,
).map(lambda text: text.replace("\0", ""))
