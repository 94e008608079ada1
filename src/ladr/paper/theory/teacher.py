"""Teacher forcing: the real decoding loop commits the tokens of a grid, and this measures their probability.

Every cell that the policy commits gets its code from a grid x, and log q(x) is the sum of log p(x_i |
the cells observed when i was committed). This is the exact likelihood of a rule that chooses cells before it
looks at tokens. If the choice also uses noise of its own, q is a mixture over that noise, and the sum is one
path of the mixture. A rule that ranks by the drawn token is handled in the same way, with a weight for each
step: the probability of its choice, averaged over the discarded tokens (see `selection`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from ladr.base.errors import LadrError
from ladr.decoding.checks import settle
from ladr.decoding.loop import decode
from ladr.decoding.marginals import Marginals
from ladr.decoding.noise import ImageStreams, derived, gumbel_of
from ladr.decoding.policies import LADR, Policy, Rescue, Scheduled, Then
from ladr.decoding.view import Commit, Predictions, View
from ladr.paper.theory.selection import log_weight

# What a choice of cells reads besides the state.
READS = ("nothing random", "its own noise", "drawn tokens")


class Teacher:
    """A source of noise whose tokens are those of x (N,H,W): decoding with it commits x."""

    def __init__(self, seeds: Sequence[int], x: Tensor):
        self.streams, self.x = ImageStreams(seeds), x
        self.gumbel, self.keys = self.streams.gumbel, self.streams.keys

    def tokens(self, images, masked, marginals, temperature):
        self.streams.gumbel(images, masked)  # skips the uniforms that this pass would draw tokens with
        return self.x.to(masked.device)[list(images)][masked]


@dataclass
class Likelihood:
    """What teacher forcing measures on N grids, each a tensor (N,).

    nll: minus log q in nats along one path. entropy: sum of the entropies of the cells when they were
    committed. passes: forward passes. reads: what the choice of cells reads (one of READS).
    """

    nll: Tensor
    entropy: Tensor
    passes: Tensor
    reads: str


def likelihood(
    backbone, prompts, policy, x: Tensor, *, steps: int, seeds: Sequence[int], batch_size=64, average=True
) -> Likelihood:
    """Teacher-force the grids x (N,H,W), with one prompt and one noise seed each.

    A policy whose choice reads drawn tokens needs `average`, and its discarded tokens must be such that they
    can be averaged out: `scheduled` with noise, alone or before a rescue. Any other raises LadrError.
    """
    x = x.cpu()
    record = _Recorder(policy, x, seeds[0], average)
    noise = Teacher(seeds, x)
    done = decode(
        backbone, list(prompts), policy, steps=steps, noise=noise, batch_size=batch_size, on_step=record
    )
    passes = torch.tensor([float(image.passes) for image in done.trace.images])
    nll = record.nll - record.weight if record.drawn else record.nll
    return Likelihood(nll, record.entropy, passes, READS[2 if record.drawn else int(record.own_noise)])


def bits_per_token(
    backbone, prompts, policy, tokens: Tensor, *, steps: int, seeds=None, batch_size: int = 8
) -> list[dict]:
    """Teacher-forced bits per token of real grids (N,H,W) under a choose-then-sample policy, a dict per grid.

    It works with any backbone and needs neither samples nor a judge: lower is better at equal passes. The
    default seeds are 0, 1, ...
    """
    seeds = list(range(len(tokens))) if seeds is None else seeds
    forced = likelihood(
        backbone, prompts, policy, tokens, steps=steps, seeds=seeds, batch_size=batch_size, average=False
    )
    per_bit = tokens[0].numel() * torch.log(torch.tensor(2.0)).item()
    return [
        {"image": i, "passes": int(p), "bits_per_token": n / per_bit, "reads": forced.reads}
        for i, (p, n) in enumerate(zip(forced.passes.tolist(), forced.nll.tolist(), strict=True))
    ]


def counterpart(policy: Policy, noise: float = 0.0) -> Policy:
    """The nearest choose-then-sample rule to one that ranks by the drawn token.

    It ranks by the top-1 probability instead (plus `noise`).
    """
    changes: dict = {}
    for f in fields(policy):
        value = getattr(policy, f.name)
        if f.name in ("rank", "select") and value == "sampled":
            changes |= {f.name: "top1", "noise": noise}
        elif isinstance(value, Policy):
            changes[f.name] = counterpart(value, noise)
    return replace(policy, **changes) if changes else policy


def drawn_step(policy: Policy) -> Scheduled | None:
    """The standard step of a rule that ranks by the drawn token, if its discarded tokens can be averaged out.

    None for any other rule.
    """
    parts = policy.parts if isinstance(policy, LADR) else policy
    first = parts.first if isinstance(parts, Then) and isinstance(parts.second, Rescue) else parts
    drawn = isinstance(first, Scheduled) and first.rank == "sampled"
    return first if drawn and first.noise > 0 and not first.independent else None


def _noise_scale(first: Scheduled, view: View) -> Tensor:
    """(B,1,1,1): the scale of the Gumbel noise in this pass."""
    left = [1.0 if first.anneal == "constant" else max(1e-3, 1 - (s + 1) / view.steps) for s in view.step]
    return first.noise * torch.tensor(left, dtype=torch.float64).view(-1, 1, 1, 1)


class _Recorder:
    """Listens to a teacher-forced decode and adds up the cost of the commits of each image."""

    def __init__(self, policy: Policy, x: Tensor, seed: int, average: bool):
        self.policy, self.average = policy, average
        self.stream = derived(seed, "probe")
        self.other = ImageStreams([seed ^ 1] * len(x))
        self.nll, self.entropy, self.weight = (torch.zeros(len(x), dtype=torch.float64) for _ in range(3))
        self.own_noise = False
        self.drawn = average and drawn_step(policy) is not None

    def __call__(self, view: View, take: Tensor) -> None:
        commit = settle(self.policy, view)
        if any(part is not None for part in (commit.drop, commit.rewrite, commit.tokens, commit.again)):
            raise LadrError(
                f"{self.policy!r}: it has no likelihood, because it masks cells again, overwrites tokens or "
                "commits the arg-max"
            )
        taken = take[view.masked]
        log_p = view.predictions.marginals.logits[taken].double().log_softmax(-1)
        own = log_p.gather(1, view.predictions.codes[taken, None])[:, 0]
        images = torch.tensor(list(view.images))[take.nonzero()[:, 0].cpu()]
        self.nll.index_add_(0, images, -own.cpu())
        self.entropy.index_add_(0, images, -(log_p.exp() * log_p).sum(1).cpu())
        if self.drawn:
            self._reweigh(view, commit)
        else:
            self._probe(view, commit)

    def _probe(self, view: View, commit: Commit) -> None:
        """Check whether other noise, or other drawn tokens, would have led to another choice of cells."""
        device = view.tokens.device
        if not self.own_noise:
            noise = gumbel_of(torch.rand(view.gumbel.shape, generator=self.stream)).to(device)
            noisy = replace(view, gumbel=noise, draw_keys=self.other.keys)
            self.own_noise = not torch.equal(settle(self.policy, noisy).take, commit.take)
        predictions = view.predictions
        marginals = Marginals(predictions.marginals.logits)
        uniform = torch.rand(len(marginals.logits), generator=self.stream).to(device)
        redrawn = Predictions(predictions.at, marginals, marginals.draw(uniform), predictions.before)
        if not torch.equal(settle(self.policy, replace(view, predictions=redrawn)).take, commit.take):
            raise LadrError(
                f"{self.policy!r}: its choice reads the drawn tokens, so its likelihood cannot be computed; "
                "counterpart(policy) ranks by the top-1 probability instead"
            )

    def _reweigh(self, view: View, commit: Commit) -> None:
        scale = _noise_scale(drawn_step(self.policy), view)
        log_p = view.predictions.marginals.logits.double().log_softmax(-1)
        rescued = torch.zeros_like(commit.take) if commit.rescued is None else commit.rescued
        table = torch.zeros(*view.tokens.shape, log_p.shape[1], dtype=log_p.dtype)
        table[view.masked] = log_p
        weight = log_weight(table, view.drawn, commit.take & ~rescued, rescued, view.masked, scale)
        self.weight.index_add_(0, torch.tensor(list(view.images)), weight)
