"""The LLaDA transformer (bidirectional, RoPE, RMSNorm, SwiGLU) under upstream's names, in torch alone."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ladr.backbones.checkpoint.ranges import IDS, NUMBER, SIZE, WHOLE, require
from ladr.backbones.lumina.attention import SameLength, Turn, attend
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


def _pure() -> bool:
    """Whether values must not be overwritten: a gradient wants them, or a compiler does that better."""
    return torch.is_grad_enabled() or torch.compiler.is_compiling()


class RMSNorm(nn.Module):
    """x / rms(x) * weight, statistics in float32."""

    def __init__(self, size: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        weight = self.weight
        if _pure() or x.is_cuda:
            return functional.rms_norm(wide, weight.shape, None, self.eps).to(x.dtype) * weight.to(x.dtype)
        scale = wide.square().mean(-1, keepdim=True).add_(self.eps).rsqrt_()
        return (wide * scale).to(x.dtype).mul_(weight)


# Rows of the wide layer that fit into the cache of a CPU core.
CHUNK = 576


class KV:
    """Keys (rotated) and values of every layer for `total` packed positions."""

    def __init__(self, config: LLaDAConfig, total: int, like: Tensor):
        shape = (config.n_layers, total, config.n_heads, config.head_dim)
        self.k, self.v = like.new_zeros(shape), like.new_zeros(shape)

    def put(self, layer: int, at: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Overwrite the positions `at` (n,) by k, v (n,heads,D); the whole layer comes back."""
        return self.k[layer].index_copy_(0, at, k), self.v[layer].index_copy_(0, at, v)

    def moved(self, source: Tensor) -> "KV":
        """Position i holds what position source[i] held."""
        new = object.__new__(KV)
        new.k, new.v = self.k[:, source], self.v[:, source]
        return new


class Block(nn.Module):
    """h = x + attention(norm x); h + swiglu(norm h)."""

    def __init__(self, config: LLaDAConfig, layer: int):
        super().__init__()
        d, m = config.d_model, config.mlp_hidden_size
        self.heads, self.head_dim, self.layer = config.n_heads, config.head_dim, layer
        self.attn_norm = RMSNorm(d, config.rms_norm_eps)
        self.ff_norm = RMSNorm(d, config.rms_norm_eps)
        self.q_proj, self.k_proj, self.v_proj, self.attn_out = (nn.Linear(d, d, bias=False) for _ in range(4))
        self.ff_proj, self.up_proj = nn.Linear(d, m, bias=False), nn.Linear(d, m, bias=False)
        self.ff_out = nn.Linear(m, d, bias=False)

    def forward(
        self, x: Tensor, turn: Turn, groups: Any, kv: KV | None = None, at: Any = None, want: Any = None
    ) -> Tensor:
        """x (n,d) -> (n,d). With `want` (indices into x) only these places query: -> (len(want),d)."""
        n = self.attn_norm(x)
        k, v = turn(self._heads(self.k_proj(n))), self._heads(self.v_proj(n))
        if kv is not None:
            k, v = kv.put(self.layer, at, k, v)
        if want is not None:
            x, n, turn = x[want], n[want], turn.at(want)
        mixed = self.attn_out(attend(turn(self._heads(self.q_proj(n))), k, v, groups))
        if _pure():
            x = x + mixed
            n = self.ff_norm(x)
            return x + self.ff_out(functional.silu(self.ff_proj(n)) * self.up_proj(n))
        x = mixed.add_(x)
        for part in x.split(len(x) if x.is_cuda else CHUNK):
            n = self.ff_norm(part)
            part.add_(self.ff_out(functional.silu(self.ff_proj(n), inplace=True).mul_(self.up_proj(n))))
        return x

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(len(x), self.heads, self.head_dim)


class LLaDA(nn.Module):
    """ids (B,L) -> hidden (B,L,d) after the last norm; `head` turns hidden states into logits."""

    def __init__(self, config: LLaDAConfig):
        super().__init__()
        self.config = config
        d, size = config.d_model, config.embedding_size
        body = nn.ModuleDict(
            {
                "wte": nn.Embedding(size, d),
                "blocks": nn.ModuleList(Block(config, layer) for layer in range(config.n_layers)),
                "ln_f": RMSNorm(d, config.rms_norm_eps),
                "ff_out": nn.Linear(d, size, bias=False),
            }
        )
        self.model = nn.ModuleDict({"transformer": body})

    @property
    def body(self) -> Any:
        """The layers by their names in a checkpoint: torch types what it looks up as a bare module."""
        return self.model["transformer"]

    @property
    def dtype(self) -> torch.dtype:
        return self.body["wte"].weight.dtype

    @property
    def device(self) -> torch.device:
        return self.body["wte"].weight.device

    def turn(self, positions: Tensor) -> Turn:
        """The rotation of absolute `positions` (n,), in float32."""
        half = torch.arange(0, self.config.head_dim, 2, dtype=torch.float32, device=positions.device)
        angle = positions[:, None, None] * (1.0 / self.config.rope_theta ** (half / self.config.head_dim))
        return Turn.by(angle)

    def forward(self, ids: Tensor, positions: Tensor | None = None) -> Tensor:
        """`positions` (B,L) are absolute RoPE positions where the sequence has gaps; else 0..L-1."""
        rows, length = ids.shape
        if positions is None:
            positions = torch.arange(length, device=ids.device).expand(rows, -1)
        groups = [SameLength(rows, length, length)]
        return self.run(ids.flatten(), self.turn(positions.flatten()), groups).unflatten(0, (rows, length))

    def run(
        self,
        ids: Tensor,
        turn: Turn,
        groups: Any,
        *,
        kv: KV | None = None,
        at: Any = None,
        last: Any = None,
        front: Any = None,
    ) -> Tensor:
        """The states (n,d) of packed `ids` (n,) after the last norm.

        With `kv`, `ids` stand at the packed positions `at` (n,) and see all that `kv` holds.
        `last` = (want, groups): the last layer answers at the indices `want` only. `front` (x, turn, groups)
        runs the layers before it.
        """
        x = self.body["wte"](ids)
        *blocks, final = self.body["blocks"]
        if front is not None:
            x = front(x, turn, groups)
            blocks = ()
        for block in blocks:
            x = block(x, turn, groups, kv, at)
        want, groups = last or (None, groups)
        return self.body["ln_f"](final(x, turn, groups, kv, at, want))

    def head(self, hidden: Tensor, lo: int = 0, hi: int | None = None) -> Tensor:
        """Logits (..., hi - lo) of the ids lo..hi-1."""
        return functional.linear(hidden, self.body["ff_out"].weight[lo:hi])
