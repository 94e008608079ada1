"""Muon: a momentum optimizer that replaces each update by the nearest matrix with equal singular values.

`torch.optim.Muon` iterates in bfloat16 on any hardware; on a CPU that only emulates it that takes longer
than the rest of a training step. This one iterates in the given precision, equal shapes together.
"""

from collections import defaultdict

import torch
from torch import Tensor

# Jordan et al. 2024: with these, singular values in (0, 1] go to about 1 in five rounds.
QUINTIC = (3.4445, -4.7750, 2.0315)
ROUNDS = 5


def orthogonalise(matrices: Tensor) -> Tensor:
    """(n, rows, columns) -> the same shape, all singular values about 1 (Newton-Schulz)."""
    a, b, c = QUINTIC
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / torch.linalg.matrix_norm(x, keepdim=True).clamp(min=1e-7)
    for _ in range(ROUNDS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """For 2-D weights: Nesterov momentum, decoupled decay, tall matrices at a higher rate."""

    def __init__(self, params, lr: float, weight_decay: float, momentum: float = 0.95, dtype=torch.bfloat16):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            alike: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    alike[weight.shape].append(weight)
            for (rows, columns), weights in alike.items():
                updates = [self._momentum(w, group["momentum"]) for w in weights]
                turned = orthogonalise(torch.stack(updates).to(self.dtype))
                rate = group["lr"] * max(1.0, rows / columns) ** 0.5
                for weight, update in zip(weights, turned, strict=True):
                    weight.mul_(1 - group["lr"] * group["weight_decay"]).add_(
                        update.to(weight.dtype), alpha=-rate
                    )

    def _momentum(self, weight: Tensor, momentum: float) -> Tensor:
        buffer = self.state[weight].setdefault("momentum_buffer", torch.zeros_like(weight))
        buffer.lerp_(weight.grad, 1 - momentum)
        return weight.grad.lerp(buffer, momentum)
