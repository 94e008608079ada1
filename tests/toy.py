"""A backbone without weights for tests: seeded random logits that depend on the prompt, the cell, and on
what the cell's neighbours are, so that what is committed where changes what comes next."""

import torch
from torch import Tensor

from ladr.decoding.policies import build
from ladr.decoding.view import MASK


class ToyBackbone:
    """sharpness scales the logits; packed: return (M, K) instead of (B, H, W, K)."""

    def __init__(self, grid=(6, 5), codes=7, sharpness=1.5, packed=False):
        self.grid, self.codes, self.sharpness, self.packed = grid, codes, sharpness, packed
        g = torch.Generator().manual_seed(5)
        self.bias = torch.randn(8, *grid, codes, generator=g)
        self.pull = torch.randn(codes + 1, codes, generator=g)
        self.looks = torch.rand(8, grid[0] * grid[1], grid[0] * grid[1], generator=g).square()
        self.calls = 0

    def bind(self, prompts):
        return ToyDenoiser(self, [sum(map(ord, p)) % 8 for p in prompts])


class ToyDenoiser:
    def __init__(self, backbone: ToyBackbone, kinds: list[int]):
        self.backbone, self.kinds = backbone, torch.tensor(kinds)
        self.seen: list[tuple[Tensor, Tensor]] = []
        self.kept: list[Tensor] = []
        self.attends = False
        self.attention: Tensor | None = None

    def logits(self, tokens, rows, *, t=None, recompute=None):
        b = self.backbone
        b.calls += 1
        self.seen.append((rows.clone(), t.clone()))
        pull = b.pull[torch.where(tokens == MASK, b.codes, tokens)]
        around = torch.zeros_like(pull)
        around[:, 1:] += pull[:, :-1]
        around[:, :, 1:] += pull[:, :, :-1]
        around[:, :, :-1] += pull[:, :, 1:]
        if self.attends:
            self.attention = b.looks[self.kinds[rows]] * (tokens == MASK).flatten(1)[:, :, None]
        out = b.sharpness * (b.bias[self.kinds[rows]] + 0.5 * around)
        return out[tokens == MASK] if b.packed else out

    def keep(self, live):
        self.kept.append(live.clone())


def knowing(spec, slow):
    """The policy, with the tokens of the decode slow(NAME) where it knows those of a run NAME."""
    policy = build(spec)
    return policy.with_tokens(slow(policy.foretold).tokens) if policy.foretold else policy
