"""The LLaDA transformer (bidirectional, RoPE, RMSNorm, SwiGLU) under upstream's names, in torch alone."""

import json
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from ladr.errors import LadrError


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
    def from_json(cls, path: str | Path) -> "LLaDAConfig":
        """The fields of `path` that this class has; refuses a config whose architecture is another one."""
        found = json.loads(Path(path).read_text())
        _refuse_other_architectures(found, path)
        missing = sorted({f.name for f in fields(cls)} - found.keys())
        if missing:
            raise LadrError(f"{path}: no {', '.join(missing)}; a LLaDA config.json must give them")
        return cls(**{f.name: found[f.name] for f in fields(cls)})


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


def _refuse_other_architectures(found: dict, path) -> None:
    for name, only in _ONLY.items():
        if found.get(name, only) not in (only, None):
            raise LadrError(f"{path}: {name} is {found[name]!r}; this implementation has {only!r} only")
    heads, kv = found.get("n_heads"), found.get("n_kv_heads")
    if kv not in (None, heads):
        raise LadrError(f"{path}: n_kv_heads is {kv}; it must equal n_heads ({heads})")


class RMSNorm(nn.Module):
    """x / rms(x) * weight, statistics in float32."""

    def __init__(self, size: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x.float(), self.weight.shape, None, self.eps).to(x.dtype) * self.weight.to(
            x.dtype
        )


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Half-split RoPE of x (..., heads, D) by cos, sin (..., 1, D/2)."""
    a, b = x.float().chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


class Block(nn.Module):
    """h = x + attention(norm x); h + swiglu(norm h)."""

    def __init__(self, config: LLaDAConfig):
        super().__init__()
        d, m = config.d_model, config.mlp_hidden_size
        self.heads = config.n_heads
        self.attn_norm = RMSNorm(d, config.rms_norm_eps)
        self.ff_norm = RMSNorm(d, config.rms_norm_eps)
        self.q_proj, self.k_proj, self.v_proj, self.attn_out = (nn.Linear(d, d, bias=False) for _ in range(4))
        self.ff_proj, self.up_proj = nn.Linear(d, m, bias=False), nn.Linear(d, m, bias=False)
        self.ff_out = nn.Linear(m, d, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x (B,L,d) -> (B,L,d)."""
        n = self.attn_norm(x)
        q, k, v = (p(n).unflatten(-1, (self.heads, -1)) for p in (self.q_proj, self.k_proj, self.v_proj))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        mixed = functional.scaled_dot_product_attention(
            q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        )
        x = x + self.attn_out(mixed.transpose(1, 2).flatten(-2))
        n = self.ff_norm(x)
        return x + self.ff_out(functional.silu(self.ff_proj(n)) * self.up_proj(n))


class LLaDA(nn.Module):
    """ids (B,L) -> hidden (B,L,d) after the last norm; `head` turns hidden states into logits."""

    def __init__(self, config: LLaDAConfig):
        super().__init__()
        self.config = config
        d, size = config.d_model, config.embedding_size
        body = nn.ModuleDict(
            {
                "wte": nn.Embedding(size, d),
                "blocks": nn.ModuleList(Block(config) for _ in range(config.n_layers)),
                "ln_f": RMSNorm(d, config.rms_norm_eps),
                "ff_out": nn.Linear(d, size, bias=False),
            }
        )
        self.model = nn.ModuleDict({"transformer": body})
        self._tables: tuple[Tensor, Tensor] | None = None

    @property
    def body(self) -> nn.ModuleDict:
        return self.model["transformer"]

    def tables(self, length: int, device) -> tuple[Tensor, Tensor]:
        """cos and sin (length, D/2) in float32, grown when a longer sequence comes."""
        if self._tables is None or len(self._tables[0]) < length or self._tables[0].device != device:
            half = torch.arange(0, self.config.head_dim, 2, dtype=torch.float32, device=device)
            turn = 1.0 / (self.config.rope_theta ** (half / self.config.head_dim))
            angle = torch.arange(length, dtype=torch.float32, device=device)[:, None] * turn
            self._tables = angle.cos(), angle.sin()
        return self._tables

    def forward(self, ids: Tensor, positions: Tensor | None = None) -> Tensor:
        """`positions` (B,L) are absolute RoPE positions where the sequence has gaps; else 0..L-1."""
        if positions is None:
            cos, sin = (t[: ids.shape[1], None] for t in self.tables(ids.shape[1], ids.device))
        else:
            length = self.config.max_sequence_length
            cos, sin = (t[positions][:, :, None] for t in self.tables(length, ids.device))
        x = self.body["wte"](ids)
        for block in self.body["blocks"]:
            x = block(x, cos, sin)
        return self.body["ln_f"](x)

    def head(self, hidden: Tensor, lo: int = 0, hi: int | None = None) -> Tensor:
        """Logits (..., hi - lo) of the ids lo..hi-1."""
        return functional.linear(hidden, self.body["ff_out"].weight[lo:hi])
