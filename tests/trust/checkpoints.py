"""Checkpoint folders that mean harm or are broken: configs, heads, shards, links, pickles, foreign code."""

import json
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp

import torch

from ladr.backbones.amused.amused import Amused
from ladr.backbones.checkpoint import safetensors_folder
from ladr.backbones.lumina.dimoo import DiMOO
from ladr.backbones.random.blank import random_checkpoint
from ladr.backbones.random.blank_amused import random_amused
from trust.box import HARMLESS, Attempt, Box

VALUES = {
    "nothing": None,
    "true": True,
    "zero": 0,
    "minus one": -1,
    "one and a half": 1.5,
    "10^12": 10**12,
    "10^50": 10**50,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "a word": "three",
    "a number in quotes": "8",
    "no text": "",
    "a long text": "x" * 200_000,
    "an empty list": [],
    "a list": [5],
    "a list of lists": [[8, 8]],
    "a pair of zeros": [0, 0],
    "a huge pair": [10**9, 10**9],
    "words": ["a", "b"],
    "an object": {"a": 1},
    "half a character": "\ud800",
    "escape codes": "\x1b[2J\x1b]0;x\x07",
    "three": 3,
}
ABSENT = "absent"


@cache
def source(kind: str) -> Path:
    """A right checkpoint, made once."""
    import atexit

    folder = Path(mkdtemp(prefix="ladr-checkpoint-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return (random_checkpoint if kind == "lumina" else random_amused)(folder / kind)


def fresh(box: Box, kind: str = "lumina") -> Path:
    folder = box.inside / "model"
    shutil.copytree(source(kind), folder)
    return folder


def used(folder: Path, kind: str = "lumina") -> str:
    """Load the folder, ask it once and draw: HARMLESS if all of that works."""
    backbone = (DiMOO if kind == "lumina" else Amused).from_pretrained(folder)
    H, W = backbone.grid
    tokens = torch.full((1, H, W), -1)
    denoiser = backbone.bind(["a red circle"])
    denoiser.logits(tokens, torch.tensor([0]), t=torch.tensor([1.0]))
    backbone.render(tokens.clamp(min=0))
    return HARMLESS


def written(path: Path, content: object) -> None:
    path.write_text(json.dumps(content))


def variant(kind: str, file: str, section: str, key: str, value: object, box: Box) -> str:
    folder = fresh(box, kind)
    content = json.loads((folder / file).read_text())
    holder = content[section] if section else content
    if value is ABSENT:
        holder.pop(key)
    else:
        holder[key] = value
    written(folder / file, content)
    return used(folder, kind)


CONFIGS = (
    ("lumina", "config.json", ""),
    ("lumina", "config.json", "ladr"),
    ("lumina", "vqvae/config.json", ""),
    ("lumina", "model.safetensors.index.json", ""),
    ("amused", "transformer/config.json", ""),
    ("amused", "vqvae/config.json", ""),
    ("amused", "scheduler/scheduler_config.json", ""),
    ("amused", "text_encoder/config.json", ""),
    ("amused", "model_index.json", ""),
    ("amused", "tokenizer/tokenizer_config.json", ""),
)


def variants(kind: str, file: str, section: str) -> Iterator[Attempt]:
    content = json.loads((source(kind) / file).read_text())
    for key in content[section] if section else content:
        for name, value in {**VALUES, ABSENT: ABSENT}.items():
            shown = f"{kind} {file} {section}: {key} is {name}"
            yield Attempt(shown, partial(variant, kind, file, section, key, value))


JSONS = {
    "empty": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "null": b"null",
    "brackets": b"[" * 200_000,
    "UTF-16": "{}".encode("utf-16"),
    "a NUL": b'{"a": "\0"}',
    "twice the same key": b'{"a": 1, "a": 2}',
    "one long number": b'{"a": ' + b"9" * 100_000 + b"}",
    "20 MB": b'{"a": "' + b"x" * (20 << 20) + b'"}',
}


def file_is(kind: str, file: str, data: bytes, box: Box) -> str:
    folder = fresh(box, kind)
    (folder / file).write_bytes(data)
    return used(folder, kind)


# Of safetensors files: `head` is JSON, `body` what follows.


def packed(head: object, body: bytes = b"", length: int | None = None) -> bytes:
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def tensor(dtype: object = "F32", shape: object = (2,), at: object = (0, 8)) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": at}


TWICE = b'{"a":%s,"a":%s}' % ((json.dumps(tensor()).encode(),) * 2)
HEADS = {
    "nothing": b"",
    "seven bytes": b"\0" * 7,
    "a head of 2^63 bytes": packed({}, length=2**63),
    "a head of 2^64 - 1 bytes": packed({}, length=2**64 - 1),
    "a head longer than the file": packed({"a": tensor()}, b"\0" * 8, length=10_000),
    "a head of 200 MB": packed(b" " * 10, length=200 << 20),
    "no JSON": packed(b"\xff\xfe{}"),
    "brackets": packed(b"[" * 100_000),
    "a list": packed([]),
    "a text": packed("a"),
    "a number as a tensor": packed({"a": 3}),
    "the same name twice": packed(TWICE, b"\0" * 8),
    "overlapping tensors": packed({"a": tensor(), "b": tensor(at=(4, 12))}, b"\0" * 12),
    "the same bytes twice": packed({"a": tensor(), "b": tensor()}, b"\0" * 8),
    "a gap": packed({"a": tensor(), "b": tensor(at=(16, 24))}, b"\0" * 24),
    "bytes that nothing names": packed({"a": tensor()}, b"\0" * 80),
    "too few bytes": packed({"a": tensor()}, b"\0" * 4),
    "a place backwards": packed({"a": tensor(at=(8, 0))}, b"\0" * 8),
    "a place below zero": packed({"a": tensor(at=(-8, 0))}, b"\0" * 8),
    "a place in quotes": packed({"a": tensor(at=("0", "8"))}, b"\0" * 8),
    "a shape below zero": packed({"a": tensor(shape=(-2, -1))}, b"\0" * 8),
    "a shape beyond 2^64": packed({"a": tensor(shape=(2**32, 2**32, 0))}, b""),
    "a shape of 10^6 sides": packed({"a": tensor(shape=[1] * 10**6, at=(0, 4))}, b"\0" * 4),
    "a shape of halves": packed({"a": tensor(shape=(0.5, 4))}, b"\0" * 8),
    "an unknown dtype": packed({"a": tensor("F31")}, b"\0" * 8),
    "a dtype that is a list": packed({"a": tensor(["F32"])}, b"\0" * 8),
    "metadata alone": packed({"__metadata__": {"a": "b"}}),
    "metadata of the wrong kind": packed({"__metadata__": 3, "a": tensor()}, b"\0" * 8),
    "a pickle after a right length": packed(b"\x80\x04" + b"x" * 100),
}
LOOKS = {
    "a pickle": lambda box: box.payload(),
    "a zipped pickle": lambda box: zipped(box),
    "an ELF program": lambda box: b"\x7fELF" + b"\0" * 200,
    "a script": lambda box: f"#!/bin/sh\ntouch {box.marker}\n".encode(),
}


def zipped(box: Box) -> bytes:
    import io
    import zipfile

    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("archive/data.pkl", box.payload())
    return held.getvalue()


def head_is(data: bytes | Callable[[Box], bytes], door: Callable[[Path], object], box: Box) -> None:
    folder = fresh(box)
    for old in folder.glob("model*"):
        old.unlink()
    (folder / "model.safetensors").write_bytes(data(box) if callable(data) else data)
    door(folder)


def pickles_only(name: str, box: Box) -> None:
    folder = fresh(box)
    for old in folder.glob("model*"):
        old.unlink()
    (folder / name).write_bytes(box.payload())
    used(folder)


def index_names(names: object, box: Box) -> None:
    folder = fresh(box)
    shutil.copyfile(folder / "model-00001-of-00002.safetensors", box.outside / "x.safetensors")
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    keys = list(index["weight_map"])
    index["weight_map"] = dict.fromkeys(keys, names) if not isinstance(names, list) else names
    written(folder / "model.safetensors.index.json", index)
    try:
        used(folder)
    finally:
        (box.outside / "x.safetensors").unlink()


NAMES = (
    "../../outside/x.safetensors",
    "/etc/passwd",
    "..",
    ".",
    "",
    "a\0b",
    "x" * 5000,
    "vqvae/../../x.safetensors",
    "model-00001-of-00002.safetensors/..",
    3,
    None,
    [],
    ["a"],
    {"a": 1},
    "\ud800",
)


def linked(file: str, box: Box) -> None:
    """A file of the folder is a link to one outside it."""
    folder = fresh(box)
    shutil.move(folder / file, box.inside / "moved")
    (folder / file).symlink_to(box.inside / "moved")
    used(folder)


def placed(file: str, place: Callable[[Path], object], box: Box) -> None:
    folder = fresh(box)
    (folder / file).unlink()
    place(folder / file)
    used(folder)


def weights(change: Callable[[dict], dict], box: Box) -> None:
    """The tensors of the first shard, changed."""
    from safetensors.torch import load_file, save_file

    folder = fresh(box)
    path = folder / "model-00001-of-00002.safetensors"
    save_file(change(load_file(path)), path)
    used(folder)


def first(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[dict], dict]:
    def changed(state: dict) -> dict:
        name = sorted(state)[0]
        return {**state, name: change(state[name].clone()).contiguous()}

    return changed


def spoilt(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(weight: torch.Tensor) -> torch.Tensor:
        weight.view(-1)[3] = value
        return weight

    return change


WEIGHTS = {
    "one NaN": first(spoilt(float("nan"))),
    "one infinity": first(spoilt(float("inf"))),
    "one minus infinity": first(spoilt(float("-inf"))),
    "too large for float32": first(lambda w: w.double() * 1e300),
    **{
        f"of {kind}": first(lambda w, kind=kind: w.to(kind)) for kind in (torch.int8, torch.int64, torch.bool)
    },
    "of float8": first(lambda w: w.to(torch.float8_e4m3fn)),
    "turned": first(lambda w: w.T.contiguous() if w.ndim == 2 and w.shape[0] != w.shape[1] else w[:-1]),
    "without one": lambda state: dict(list(state.items())[1:]),
    "with one more": lambda state: {**state, "evil": torch.zeros(2)},
    "with a name of escape codes": lambda state: {**state, "\x1b[2J\n": torch.zeros(2)},
    "with a long name": lambda state: {**state, "x" * 100_000: torch.zeros(2)},
}
CODE = {"auto_map": {"AutoModel": "evil.Evil"}}
TOKENIZERS = {
    "no tokenizer": {},
    "no words": {"version": "1.0", "model": {"type": "WordLevel", "vocab": {}, "unk_token": "[UNK]"}},
    "ids beyond all": {
        "version": "1.0",
        "model": {"type": "WordLevel", "vocab": {"a": 2**32 - 1}, "unk_token": "a"},
    },
    "an id below zero": {
        "version": "1.0",
        "model": {"type": "WordLevel", "vocab": {"a": -1}, "unk_token": "a"},
    },
    "another kind": {"version": "1.0", "model": {"type": "Evil"}},
    "an open pattern": {
        "version": "1.0",
        "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"},
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "("}, "behavior": "Removed", "invert": False},
    },
}


def tokenizer(content: object, box: Box) -> str:
    folder = fresh(box)
    written(folder / "tokenizer.json", content)
    return used(folder)


def code(kind: str, file: str, more: dict, box: Box) -> str:
    """Code beside a config that asks for it."""
    folder = fresh(box, kind)
    path = folder / file
    written(path, {**json.loads(path.read_text()), **more})
    for place in (folder, path.parent):
        for name in ("evil.py", "modeling.py", "pipeline.py", "__init__.py", "sitecustomize.py"):
            (place / name).write_text(f"open({str(box.marker)!r}, 'w')\nclass Evil: pass\n")
    return used(folder, kind)


CODES = (
    ("lumina", "config.json", CODE),
    ("lumina", "vqvae/config.json", CODE),
    ("lumina", "vqvae/config.json", {"_class_name": ["evil", "Evil"]}),
    ("amused", "model_index.json", {"_class_name": ["evil", "Evil"]}),
    ("amused", "model_index.json", {"transformer": ["evil", "Evil"]}),
    ("amused", "model_index.json", {"extra": ["evil", "Evil"]}),
    ("amused", "transformer/config.json", CODE),
    ("amused", "text_encoder/config.json", CODE),
    ("amused", "text_encoder/config.json", {"attn_implementation": "evil/kernels"}),
    ("amused", "tokenizer/tokenizer_config.json", CODE),
    ("amused", "tokenizer/tokenizer_config.json", {"tokenizer_class": "Evil", **CODE}),
)


def attempts() -> Iterator[Attempt]:
    for name, data in HEADS.items():
        for door_name, door in (("loaded", used), ("counted", safetensors_folder.numbers)):
            yield Attempt(f"safetensors: {name}, {door_name}", partial(head_is, data, door))
    for name, make in LOOKS.items():
        yield Attempt(f"safetensors: {name}", partial(head_is, make, used))
    for suffix in ("model.bin", "pytorch_model.bin", "model.pt", "model.pth", "model.ckpt", "model.pkl"):
        yield Attempt(f"pickle: {suffix}", partial(pickles_only, suffix))
    for names in NAMES:
        yield Attempt(f"shards: {str(names)[:30]!r}", partial(index_names, names))
    for file in (
        "config.json",
        "model-00001-of-00002.safetensors",
        "tokenizer.json",
        "vqvae/config.json",
        "vqvae/diffusion_pytorch_model.safetensors",
        "model.safetensors.index.json",
    ):
        yield Attempt(f"link out: {file}", partial(linked, file))
        for name, place in (
            ("pipe", os.mkfifo),
            ("folder", os.mkdir),
            ("device", lambda p: p.symlink_to("/dev/zero")),
        ):
            yield Attempt(f"{name}: {file}", partial(placed, file, place))
    for name, change in WEIGHTS.items():
        yield Attempt(f"weights: {name}", partial(weights, change))
    for name, content in TOKENIZERS.items():
        yield Attempt(f"tokenizer: {name}", partial(tokenizer, content))
    for kind, file, more in CODES:
        yield Attempt(f"code: {kind} {file} {next(iter(more))}", partial(code, kind, file, more))
    for kind, file, _ in dict.fromkeys((k, f, "") for k, f, _ in CONFIGS):
        for name, data in JSONS.items():
            yield Attempt(f"{kind} {file}: {name}", partial(file_is, kind, file, data))
    for place in CONFIGS:
        yield from variants(*place)
