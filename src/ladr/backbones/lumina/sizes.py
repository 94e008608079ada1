"""The sizes of a LLaDA checkpoint, read from its config.json and checked."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ladr.backbones.checkpoint.ranges import IDS, NUMBER, SIZE, WHOLE, require
from ladr.base.errors import LadrError


@dataclass(frozen=True)
class LLaDAConfig:
    """The sizes of a LLaDA checkpoint under upstream's field names (defaults: the public 8B model)."""

    d_model: int = 4096
    n_heads: int = 32
    n_layers: int = 32
    mlp_hidden_size: int = 12288
    rope_theta: float = 500000.0
    rms_norm_eps: float = 1e-5
    embedding_size: int = 134548
    max_sequence_length: int = 8192

    @property
    def head_dim(self) -> int:
        return self.d_model // self.n_heads

    @classmethod
    def of(cls, content: Mapping[str, Any], path: Path) -> "LLaDAConfig":
        """The sizes in the content of the config.json at `path`; another architecture is refused."""
        _refuse_other_architectures(content, path)
        missing = sorted({f.name for f in fields(cls)} - content.keys())
        if missing:
            raise LadrError(f"{path}: no {', '.join(missing)}; a LLaDA config.json must give them")
        _refuse_sizes(content, path)
        return cls(**{f.name: content[f.name] for f in fields(cls)})

    def to_json(self) -> dict[str, Any]:
        """The config.json of a checkpoint of these sizes."""
        sizes = {**asdict(self), "n_kv_heads": self.n_heads, "vocab_size": self.embedding_size}
        return {"model_type": "llada", **sizes, **_ONLY}


_ONLY = {
    "block_type": "llama",
    "activation_type": "silu",
    "layer_norm_type": "rms",
    "rope": True,
    "include_bias": False,
    "include_qkv_bias": False,
    "weight_tying": False,
    "attention_layer_norm": False,
    "input_emb_norm": False,
    "scale_logits": False,
    "alibi": False,
}


def _refuse_other_architectures(content: Mapping[str, Any], path: Path) -> None:
    for name, only in _ONLY.items():
        if content.get(name, only) not in (only, None):
            raise LadrError(f"{path}: {name} is {content[name]!r}; this implementation has {only!r} only")
    heads, kv = content.get("n_heads"), content.get("n_kv_heads")
    if kv not in (None, heads):
        raise LadrError(f"{path}: n_kv_heads is {kv}; it must equal n_heads ({heads})")


def _refuse_sizes(content: Mapping[str, Any], path: Path) -> None:
    for name in ("d_model", "n_heads", "n_layers", "mlp_hidden_size"):
        require(content, name, WHOLE, path, *SIZE)
    for name in ("embedding_size", "max_sequence_length"):
        require(content, name, WHOLE, path, 1, IDS[1])
    require(content, "rope_theta", NUMBER, path, 1, 1e12)
    require(content, "rms_norm_eps", NUMBER, path, 1e-12, 0.1)
    if content["d_model"] % (2 * content["n_heads"]):
        raise LadrError(
            f"{path}: d_model is {content['d_model']}, must be a multiple of twice n_heads "
            f"({content['n_heads']})"
        )
