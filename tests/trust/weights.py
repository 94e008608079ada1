"""Weights of scorers and checkpoints of training that mean harm or were changed."""

import json
import shutil
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp

import torch
from safetensors import safe_open
from safetensors.torch import save_file

import tiny_scorers
from ladr.benchmarks.official.blip import BlipVqa
from ladr.benchmarks.official.clip import Clip
from ladr.benchmarks.official.mmdet import convert_file
from ladr.training import checkpoints
from trust.box import Attempt, Box
from trust.checkpoints import CODE, HEADS, LOOKS

KINDS = {"clip": (tiny_scorers.save_clip, Clip), "blip": (tiny_scorers.save_blip, BlipVqa)}


@cache
def source(kind: str) -> Path:
    """A right folder of a scorer, made once."""
    import atexit

    folder = Path(mkdtemp(prefix="ladr-scorer-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return KINDS[kind][0](folder / kind)


def scorer(kind: str, harm: Callable[[Path, Box], object], box: Box) -> None:
    folder = box.inside / kind
    shutil.copytree(source(kind), folder)
    harm(folder, box)
    KINDS[kind][1].load(folder)


def pickled(name: str, folder: Path, box: Box) -> None:
    """Pickles in the place of the weights: one that runs, or one with the right tensors."""
    if name == "pytorch_model.bin":
        torch.save(dict(_tensors(folder)), folder / name)
    else:
        (folder / name).write_bytes(box.payload())
    (folder / "model.safetensors").unlink()


def _tensors(folder: Path) -> Iterator[tuple[str, torch.Tensor]]:
    with safe_open(folder / "model.safetensors", "pt") as file:
        for name in file.keys():  # noqa: SIM118 (not a mapping)
            yield name, file.get_tensor(name)


def weights_are(data: bytes | Callable[[Box], bytes], folder: Path, box: Box) -> None:
    (folder / "model.safetensors").write_bytes(data(box) if callable(data) else data)


def config_says(file: str, more: dict, folder: Path, box: Box) -> None:
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))
    (folder / "evil.py").write_text(f"open({str(box.marker)!r}, 'w')\nclass Evil: pass\n")


def linked(folder: Path, box: Box) -> None:
    shutil.move(folder / "model.safetensors", box.inside / "moved")
    (folder / "model.safetensors").symlink_to(box.inside / "moved")


def sharded(folder: Path, box: Box) -> None:
    shutil.move(folder / "model.safetensors", box.inside / "moved.safetensors")
    save_file({"a": torch.zeros(1)}, folder / "other.safetensors")
    index = {"metadata": {}, "weight_map": {"a": "../moved.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


SCORERS = {
    **{f"only {name}": partial(pickled, name) for name in ("pytorch_model.bin", "model.pt", "model.pkl")},
    **{f"safetensors: {name}": partial(weights_are, data) for name, data in HEADS.items()},
    **{f"{name} as safetensors": partial(weights_are, make) for name, make in LOOKS.items()},
    "code in config.json": partial(config_says, "config.json", CODE),
    "kernels in config.json": partial(config_says, "config.json", {"attn_implementation": "evil/kernels"}),
    "code in tokenizer_config.json": partial(config_says, "tokenizer_config.json", CODE),
    "a link out": linked,
    "a shard outside": sharded,
}


def converted(make: Callable[[Box], bytes], box: Box) -> None:
    """`convert-detector` of a file that is no safetensors."""
    (box.inside / "detector.safetensors").write_bytes(make(box))
    convert_file(box.inside / "detector.safetensors", box.inside / "out")


STATE = {"step": 3, "seconds": 1.5}


def training(harm: Callable[[Path, Box], object], box: Box) -> None:
    tensors = {"a": torch.arange(64.0), "b": torch.ones(3, 4, dtype=torch.bfloat16), "c": torch.tensor(7)}
    checkpoints.write(box.inside, tensors, STATE)
    assert checkpoints.read(box.inside)[1] == STATE
    harm(box.inside / checkpoints.NAME, box)
    checkpoints.read(box.inside)


def flipped(share: float, path: Path, box: Box) -> None:
    """One bit of one byte changed."""
    data = bytearray(path.read_bytes())
    data[int(share * (len(data) - 1))] ^= 1
    path.write_bytes(data)


def rewritten(change: Callable[[dict, dict], object], path: Path, box: Box) -> None:
    """A right safetensors file with other content."""
    with safe_open(path, "pt") as file:
        notes = dict(file.metadata())
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(tensors, notes)
    save_file(tensors, path, notes)


CHECKPOINTS = {
    **{f"byte {share:.0%} flipped": partial(flipped, share) for share in (0.02 * k for k in range(51))},
    "half of it": lambda path, box: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "another number": partial(rewritten, lambda tensors, notes: tensors["a"].add_(1)),
    "another shape": partial(rewritten, lambda tensors, notes: tensors.update(a=tensors["a"].view(8, 8))),
    "another name": partial(rewritten, lambda tensors, notes: tensors.update(d=tensors.pop("a"))),
    "one tensor fewer": partial(rewritten, lambda tensors, notes: tensors.pop("c")),
    "one tensor more": partial(rewritten, lambda tensors, notes: tensors.update(d=torch.zeros(1))),
    "another step": partial(rewritten, lambda tensors, notes: notes.update(state='{"step": 4}')),
    "no digest": partial(rewritten, lambda tensors, notes: notes.pop("digest")),
    "no state": partial(rewritten, lambda tensors, notes: notes.pop("state")),
    **{name: (lambda path, box, make=make: path.write_bytes(make(box))) for name, make in LOOKS.items()},
}


def attempts() -> Iterator[Attempt]:
    for kind in KINDS:
        for name, harm in SCORERS.items():
            yield Attempt(f"scorer {kind}: {name}", partial(scorer, kind, harm))
    for name, make in LOOKS.items():
        yield Attempt(f"convert-detector: {name}", partial(converted, make))
    for name, harm in CHECKPOINTS.items():
        yield Attempt(f"training checkpoint: {name}", partial(training, harm))
