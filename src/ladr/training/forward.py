"""The transformer's forward pass in the form that trains fast; equal to `LLaDA.forward` by test.

The backward pass of fused attention kernels is slow on CPUs in bfloat16. So attention is written out here,
and a block is one function of tensors, which a compiler can fuse.
"""

import torch
from torch import Tensor
from torch.nn import functional

from ladr.backbones.lumina.llada import Block, LLaDA


def turns(model: LLaDA, positions: Tensor) -> tuple[Tensor, Tensor]:
    """cos and sin (B, 1, L, D/2) of absolute positions (B, L)."""
    config = model.config
    half = torch.arange(0, config.head_dim, 2, dtype=torch.float32, device=positions.device)
    angle = positions[:, None, :, None] / config.rope_theta ** (half / config.head_dim)
    return angle.cos(), angle.sin()


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


def _norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    wide = x.float()
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps) * weight).to(x.dtype)


def block_forward(block: Block, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x (B, L, d) -> (B, L, d)."""
    n = _norm(x, block.attn_norm.weight, block.attn_norm.eps)
    weights = torch.cat((block.q_proj.weight, block.k_proj.weight, block.v_proj.weight))
    q, k, v = functional.linear(n, weights).unflatten(-1, (3 * block.heads, -1)).transpose(1, 2).chunk(3, 1)
    q, k = _rotate(q, cos, sin), _rotate(k, cos, sin)
    score = torch.matmul(q * q.shape[-1] ** -0.5, k.transpose(-1, -2))
    mixed = torch.matmul(score.softmax(-1), v).transpose(1, 2).flatten(2)
    x = x + block.attn_out(mixed)
    n = _norm(x, block.ff_norm.weight, block.ff_norm.eps)
    gate, up = functional.linear(n, torch.cat((block.ff_proj.weight, block.up_proj.weight))).chunk(2, -1)
    return x + block.ff_out(functional.silu(gate) * up)


_compiled = torch.compile(block_forward, dynamic=True)


def forward(model: LLaDA, ids: Tensor, positions: Tensor | None = None, compiled: bool = False) -> Tensor:
    """ids (B, L) -> hidden (B, L, d) after the last norm."""
    if positions is None:
        positions = torch.arange(ids.shape[1], device=ids.device).expand(len(ids), -1)
    cos, sin = turns(model, positions)
    step = _compiled if compiled else block_forward
    x = model.body["wte"](ids)
    for block in model.body["blocks"]:
        x = step(block, x, cos, sin)
    norm = model.body["ln_f"]
    return _norm(x, norm.weight, norm.eps)
