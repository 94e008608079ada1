"""What a training run is made of."""

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ladr.backbones.lumina.dimoo import Layout
from ladr.backbones.lumina.sizes import LLaDAConfig
from ladr.base.errors import LadrError, shown
from ladr.shapes.scene import CELL, GRID
from ladr.training.codebook import CODEBOOK
from ladr.training.vocabulary import IMAGE_OFFSET, SPECIAL

SHARDS = 2  # the data order is fixed by this, not by how many processes share the work


def embedded_layout() -> Layout:
    """Lumina-DiMOO's layout with the shape world's ids and a short template."""
    ids = {name: SPECIAL.index(f"<{name}>") for name in ("mask", "newline", "boi", "eoi", "boa", "eoa")}
    return Layout(
        template="<user>{prompt}</user>",
        uncondition="<uncondition>",
        uncond=SPECIAL.index("<uncondition>"),
        image_offset=IMAGE_OFFSET,
        codebook=CODEBOOK,
        grid=(GRID, GRID),
        vq_factor=CELL,
        guidance=1.0,
        **ids,
    )


def embedded_config() -> LLaDAConfig:
    return LLaDAConfig(
        d_model=160,
        n_heads=5,
        n_layers=6,
        mlp_hidden_size=432,
        rope_theta=10000.0,
        rms_norm_eps=1e-5,
        embedding_size=IMAGE_OFFSET + CODEBOOK,
        max_sequence_length=384,
    )


@dataclass(frozen=True)
class Settings:
    """The settings of a run. `steps` may be raised when it is resumed, as long as its decay has not begun."""

    data: str = "shapes"  # the data set, a name that `data_set.py` knows
    seed: int = 0
    steps: int = 7000
    shard_batch: int = 32  # images per shard and step
    matrix_rate: float = 0.01  # Muon, for the matrices of the blocks
    other_rate: float = 1.5e-3  # AdamW, for embedding, head and norms
    warmup: int = 200
    decay_from: float = 0.4  # share of the run after which the rate falls linearly to 0
    early: float = 0.2  # share of the run in which images are nearly empty: what do the words decide?
    early_reach: float = 0.4  # of the masks then (`objective.mask_cells`): ratios from 0.97
    early_keep: int = 40  # image cells in the sequence then
    average: float = 0.996  # of the moving average of the weights that is shipped
    keep: int | None = 112  # image cells in the sequence after that ...
    keep_until: float = 0.93  # ... up to this share of the run, all of them after it
    config: LLaDAConfig = field(default_factory=embedded_config)
    layout: Layout = field(default_factory=embedded_layout)

    def rate(self, step: int) -> float:
        """The learning rates' common factor: warm-up, plateau, linear decay to 0."""
        start = self.decay_from * self.steps
        return min((step + 1) / self.warmup, 1.0, (self.steps - step) / max(1.0, self.steps - start))

    def early_samples(self) -> int:
        """How many samples of a stream belong to the early part."""
        return round(self.early * self.steps) * SHARDS * self.shard_batch

    def reach(self, step: int) -> float:
        return self.early_reach if step < self.early * self.steps else 1.0

    def cells(self, step: int) -> int | None:
        """Image cells in the sequence; None: all."""
        if step < self.early * self.steps:
            return self.early_keep
        return self.keep if step < self.keep_until * self.steps else None


def read_settings(path: Path) -> Settings:
    """The settings of a run, from the settings.json that `train` wrote."""
    try:
        stored = json.loads(path.read_text())
        known = {name: stored[name] for name in (f.name for f in fields(Settings)) if name in stored}
        known["config"] = LLaDAConfig(**stored["config"])
        layout = stored["layout"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LadrError(f"{path}: no settings of a training run can be read ({error})") from error
    return Settings(**{**known, "layout": Layout.of(layout, path)})


def with_codes(settings: Settings, codes: int) -> Settings:
    """The settings for a codebook of so many codes, which have ids of their own after the words."""
    layout = replace(settings.layout, codebook=codes)
    config = replace(settings.config, embedding_size=layout.image_offset + codes)
    return replace(settings, layout=layout, config=config)


def require_same(path: Path, settings: Settings, step: int) -> None:
    """LadrError unless the run whose settings.json is at `path` can go on from `step` with these settings:
    they are its own, or have another number of steps before the rates fall under either."""
    own = read_settings(path)
    steps, asked = own.steps, settings.steps
    before, after = _flat(own), _flat(replace(settings, steps=steps))
    for name in (name for name in after if before.get(name) != after[name]):
        raise LadrError(
            f"{path}: this run has {name} {shown(before.get(name))}, and {shown(after[name])} is asked for; "
            "go on with the options that it began with, or choose another folder"
        )
    if steps != asked and step > settings.decay_from * min(steps, asked):
        raise LadrError(
            f"{path}: this run has {steps} steps, and {asked} are asked for; after step {step} that would "
            "change rates that fall already: go on with its own number, or choose another folder"
        )


def _flat(settings: Settings) -> dict[str, Any]:
    """The settings by their names, those of the model and of the layout with a dot."""
    flat: dict[str, Any] = {}
    for name, value in asdict(settings).items():
        flat |= {f"{name}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {name: value}
    return flat
