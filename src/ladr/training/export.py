"""From a training run to a checkpoint folder in the hub layout."""

import shutil
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import save_file

from ladr.backbones.checkpoint.safetensors_folder import dtype_of
from ladr.base.errors import LadrError
from ladr.base.files import appearing, write_json
from ladr.training import checkpoints
from ladr.training.data_set import data_set
from ladr.training.settings import read_settings


def export(run: Path, to: Path, dtype: str = "float32") -> dict:
    """Write config.json, model.safetensors (averaged weights), tokenizer.json, vqvae/, patches.safetensors,
    the files of the data set and training.jsonl into `to`; says at which step the run was.

    `dtype` is that of the weights on disk; "bfloat16" takes half the space, and every loader widens it.
    """
    stored = checkpoints.read(run / "model")
    if stored is None:
        raise LadrError(f"{run / 'model'}: no checkpoint; run `ladr train model --folder {run}` first")
    tensors, state = stored
    settings = read_settings(run / "model" / "settings.json")
    data = data_set(settings.data, run)
    _require_own_decoder(run, to)
    to.mkdir(parents=True, exist_ok=True)
    average = {k.removeprefix("average."): v for k, v in tensors.items() if k.startswith("average.")}
    weights = {name: weight.to(dtype_of("dtype", dtype)) for name, weight in average.items()}
    with appearing(to / "model.safetensors") as half:
        save_file(weights, half, {"format": "pt"})
    config = {"model_type": "llada", **asdict(settings.config), "ladr": asdict(settings.layout)}
    write_json(to / "config.json", config, indent=2)
    data.tokenizer().save(str(to / "tokenizer.json"))
    for name in ("patches.safetensors", *data.files):
        shutil.copy(run / name, to / name)
    shutil.copy(run / "model" / "log.jsonl", to / "training.jsonl")
    if (run / "vqvae").exists():
        shutil.copytree(run / "vqvae", to / "vqvae", dirs_exist_ok=True)
        if (run / "vq.jsonl").exists():  # a short training has no line
            shutil.copy(run / "vq.jsonl", to / "training-vq.jsonl")
    return {"step": state["step"], "of": state["steps"], "seconds": round(state["seconds"])}


def _require_own_decoder(run: Path, to: Path) -> None:
    """LadrError where a decoder of other codes would stay beside the weights: a run without one, such as one
    that began with weights, goes on with the decoder of its own codes."""
    codes = [folder / "patches.safetensors" for folder in (run, to)]
    if not (to / "vqvae").exists() or (run / "vqvae").exists():
        return
    if not codes[1].exists() or codes[0].read_bytes() != codes[1].read_bytes():
        raise LadrError(
            f"{to / 'vqvae'}: draws other codes than those of {run}; call `ladr train vq --folder {run}` "
            "first, or choose another folder"
        )
