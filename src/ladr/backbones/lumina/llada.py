"""The LLaDA transformer (bidirectional, RoPE, RMSNorm, SwiGLU) under upstream's names, in torch alone."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ladr.backbones.lumina.attention import SameLength, Stages, Turn, attend, pure
from ladr.backbones.lumina.products import Linear, product
from ladr.backbones.lumina.sizes import LLaDAConfig


class RMSNorm(nn.Module):
    """x / rms(x) * weight, statistics in float32."""

    def __init__(self, size: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        weight = self.weight
        if pure() or x.is_cuda:
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
        self.q_proj, self.k_proj, self.v_proj, self.attn_out = (Linear(d, d) for _ in range(4))
        self.ff_proj, self.up_proj, self.ff_out = Linear(d, m), Linear(d, m), Linear(m, d)

    def forward(
        self,
        x: Tensor,
        turn: Turn,
        groups: Any,
        kv: KV | None = None,
        at: Any = None,
        want: Any = None,
        stages: Stages | None = None,
        watch: Callable[[Tensor, Tensor], None] | None = None,
    ) -> Tensor:
        """x (n,d) -> (n,d). With `want` (indices into x) only these places query: -> (len(want),d). watch: is
        told the rotated queries and keys."""
        if stages is not None:
            return self._staged(stages, x, turn, groups, kv, at, want, watch)
        n = self.attn_norm(x)
        k, v = turn(self._heads(self.k_proj(n))), self._heads(self.v_proj(n))
        if kv is not None:
            k, v = kv.put(self.layer, at, k, v)
        if want is not None:
            x, n, turn = x[want], n[want], turn.at(want)
        q = turn(self._heads(self.q_proj(n)))
        if watch is not None:
            watch(q, k)
        mixed = self.attn_out(attend(q, k, v, groups))
        if pure():
            x = x + mixed
            n = self.ff_norm(x)
            return x + self.ff_out(functional.silu(self.ff_proj(n)) * self.up_proj(n))
        x = mixed.add_(x)
        for part in x.split(len(x) if x.is_cuda else CHUNK):
            n = self.ff_norm(part)
            part.add_(self.ff_out(functional.silu(self.ff_proj(n), inplace=True).mul_(self.up_proj(n))))
        return x

    def _staged(
        self,
        stages: Stages,
        x: Tensor,
        turn: Turn,
        groups: Any,
        kv: KV | None,
        at: Any,
        want: Any,
        watch: Any,
    ) -> Tensor:
        """The same, its two stages as given."""
        projections = (self.q_proj.weight, self.k_proj.weight, self.v_proj.weight)
        q, k, v = stages.before(x, self.attn_norm.weight, self.attn_norm.eps, projections, turn)
        if kv is not None:
            k, v = kv.put(self.layer, at, k, v)
        if want is not None:
            x, q = x[want], q[want]
        if watch is not None:
            watch(q, k)
        products = (self.attn_out.weight, self.ff_proj.weight, self.up_proj.weight, self.ff_out.weight)
        return stages.after(x, attend(q, k, v, groups), self.ff_norm.weight, self.ff_norm.eps, products)

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
                "ff_out": Linear(d, size),
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
        compiled: Any = None,
        watch: Any = None,
    ) -> Tensor:
        """The states (n,d) of packed `ids` (n,) after the last norm.

        With `kv`, `ids` stand at the packed positions `at` (n,) and see all that `kv` holds.
        `last` = (want, groups): the last layer answers at the indices `want` only. `compiled`: what of the
        pass is compiled (`compiled.Compiled`). `watch`: is told the last layer's queries and keys.
        """
        stages, front = compiled or (None, None)
        x = self.body["wte"](ids)
        *blocks, final = self.body["blocks"]
        if front is not None and kv is None:
            x = front(x, turn, groups)
            blocks = ()
        for block in blocks:
            x = block(x, turn, groups, kv, at, stages=stages)
        want, groups = last or (None, groups)
        return self.body["ln_f"](final(x, turn, groups, kv, at, want, stages, watch))

    def head(self, hidden: Tensor, lo: int = 0, hi: int | None = None) -> Tensor:
        """Logits (..., hi - lo) of the ids lo..hi-1."""
        return product(hidden, self.body["ff_out"].weight[lo:hi])
