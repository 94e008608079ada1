"""KL(truth || sampler) on exact fields: how far parallel decoding is from the model's own distribution.

For a choose-then-sample rule, the KL is the sum of the entropies that the cells have when they are committed,
minus the entropy of the truth. So a rule is as good as the context that its cells have by then. Only the mean
over exact samples of the truth is approximate, and it comes with its standard error.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ladr.backbones.exact.field import Field
from ladr.backbones.exact.transfer import Transfer
from ladr.decoding.loop import decode
from ladr.decoding.noise import derived, seed_of
from ladr.decoding.policies import LADR, Policy, build
from ladr.decoding.policies.orders import ORDERS
from ladr.paper.theory.teacher import READS, Likelihood, counterpart, drawn_step, likelihood

KINDS = {"nothing random": "exact", "its own noise": "upper bound", "drawn tokens": "upper bound"}


def kl(
    backbone: Field, policy: Policy, steps: int, samples: int, seed: int, *, prompt: str = "", paths: int = 1
) -> dict:
    """KL(truth || sampler) in nats for the whole grid, and the mean number of forward passes.

    `kind` is `exact` for an unbiased estimate with standard error `se`. It is `upper bound` where the choice
    of cells uses noise, or tokens that are thrown away: then the sampler is a mixture over these, and the
    estimate is unbiased for a bound that falls towards the KL as `paths` grows (with 1 path, it is the KL of
    the average path).
    """
    truth = backbone.truth([prompt])
    x = truth.sample(torch.rand(samples, *backbone.grid, generator=derived(seed, "truth")))
    seeds = [seed_of("kl", str(seed), i) for i in range(samples * paths)]
    prompts = [prompt] * len(seeds)
    many = x.repeat_interleave(paths, 0)
    forced = likelihood(backbone, prompts, policy, many, steps=steps, seeds=seeds)
    values = _per_sample(truth, x, forced, paths)
    return {
        "nfe": float(forced.passes.mean()),
        "kl": float(values.mean()),
        "se": float(values.std() / samples**0.5),
        "kind": KINDS[forced.reads],
        "reads": forced.reads,
        "samples": samples,
        "paths": paths,
    }


def _per_sample(truth: Transfer, x: Tensor, forced: Likelihood, paths: int) -> Tensor:
    """(n,): log p(x) - log q(x) of each sample, minus terms that are known to average to zero."""
    log_p = truth.score(x) - truth.log_partition()
    nll, entropy = forced.nll.view(-1, paths), forced.entropy.view(-1, paths)
    log_q = torch.logsumexp(-nll, 1) - torch.log(torch.tensor(float(paths)))
    zero = [-log_p - truth.entropy()]
    if forced.reads != READS[2]:  # then the cells were chosen before their tokens were known
        zero.append((nll - entropy).mean(1))
    return adjusted(log_p - log_q, torch.stack(zero, 1))


def adjusted(values: Tensor, zero: Tensor) -> Tensor:
    """Values (n,) minus their regression on control variates (n,c) whose mean is zero.

    The coefficients for each half of the values are fitted on the other half, so the mean stays unbiased.
    """
    out = values.clone()
    even = torch.arange(len(values)) % 2 == 0
    for half, rest in ((even, ~even), (~even, even)):
        centred = zero[rest] - zero[rest].mean(0)
        fit = torch.linalg.lstsq(centred, (values[rest] - values[rest].mean())[:, None], driver="gelsd")
        out[half] = values[half] - (zero[half] @ fit.solution)[:, 0]
    return out


def unbiased_kl(
    backbone: Field, policy: Policy, steps: int, samples: int, seed: int, *, prompt: str = "", paths: int = 4
) -> dict:
    """`kl` of a rule that is a mixture over its own noise: without the bias of the bound, with more spread.

    `debiased` explains the method: each sample takes `paths` paths, and a few samples take many more.
    """
    truth = backbone.truth([prompt])
    x = truth.sample(torch.rand(samples, *backbone.grid, generator=derived(seed, "truth")))
    levels = random_levels(samples, derived(seed, "levels"))
    counts = paths * (1 + 2**levels)
    many = x.repeat_interleave(counts, 0)
    seeds = [seed_of("kl", str(seed), i) for i in range(len(many))]
    forced = likelihood(backbone, [prompt] * len(many), policy, many, steps=steps, seeds=seeds)
    logs = (-forced.nll).split(counts.tolist())
    log_q = torch.stack([debiased(w, paths, int(n)) for w, n in zip(logs, levels, strict=True)])
    log_p = truth.score(x) - truth.log_partition()
    values = adjusted(log_p - log_q, (-log_p - truth.entropy())[:, None])
    return {
        "nfe": float(forced.passes.mean()), "kl": float(values.mean()),
        "se": float(values.std() / samples**0.5), "kind": "unbiased", "reads": forced.reads,
        "samples": samples, "paths": len(many) / samples,
    }  # fmt: skip


SHRINK = 2**-1.5  # each level is so many times as likely as the last: spread and mean cost stay finite


def random_levels(samples: int, generator: torch.Generator) -> Tensor:
    """(samples,) int64 from 1 up, each level SHRINK times as likely as the one before."""
    u = torch.rand(samples, generator=generator, dtype=torch.float64)
    return 1 + (u.log() / torch.tensor(SHRINK).double().log()).floor().long()


def debiased(logs: Tensor, paths: int, level: int) -> Tensor:
    """An unbiased estimate of log E[w] from log w of `paths * (1 + 2 ** level)` independent draws.

    The log of a mean is too low, and less so the more draws there are. The first `paths` draws give a coarse
    value. The others give one randomly chosen term of the telescoping sum of what each doubling of the draws
    adds, divided by that term's probability.
    """
    coarse, fine = logs[:paths], logs[paths:]
    halves = fine.view(2, -1)
    gain = _log_mean(fine) - (_log_mean(halves[0]) + _log_mean(halves[1])) / 2
    return _log_mean(coarse) + gain / ((1 - SHRINK) * SHRINK ** (level - 1))


def _log_mean(logs: Tensor) -> Tensor:
    return torch.logsumexp(logs, 0) - torch.log(torch.tensor(float(len(logs)), dtype=logs.dtype))


def fidelity(
    backbone: Field, policy: Policy, steps: int, samples: int, seed: int, *, prompt: str = ""
) -> dict:
    """Free-running decodes of any policy compared with the truth: unbiased, but not a divergence.

    likelier: mean log p(decoded) minus the truth's own mean, in nats (above 0: too typical, as if sampled
    colder). agreement: share of equal 4-neighbours minus that of the truth, estimated from as many samples.
    """
    truth = backbone.truth([prompt])
    x = truth.sample(torch.rand(samples, *backbone.grid, generator=derived(seed, "truth")))
    seeds = [seed_of("fidelity", str(seed), i) for i in range(samples)]
    done = decode(backbone, [prompt] * samples, policy, steps=steps, seeds=seeds, batch_size=64)
    likelier = truth.score(done.tokens) - truth.log_partition() + truth.entropy()
    excess = agreement(done.tokens) - agreement(x)
    return {
        "nfe": sum(image.passes for image in done.trace.images) / samples,
        "likelier": float(likelier.mean()),
        "likelier_se": float(likelier.std() / samples**0.5),
        "agreement": float(excess.mean()),
        "agreement_se": float(excess.std() / samples**0.5),
    }


def agreement(x: Tensor) -> Tensor:
    """(n,): share of 4-neighbour pairs with equal codes in grids (n,H,W)."""
    down, right = x[:, 1:] == x[:, :-1], x[:, :, 1:] == x[:, :, :-1]
    return torch.cat([down.flatten(1), right.flatten(1)], 1).double().mean(1)


def _rules(quick: bool) -> list[tuple[str, Policy, Sequence[int]]]:
    """Name, policy, and the numbers of steps T to run it with.

    For a rule that ranks by the drawn token, the list has its choose-then-sample counterpart, named top-1,
    and later the rule itself, as the backbones run it.
    """
    top1 = {"select": "top1", "noise": 0}
    fixed, few = ([4, 8], [8]) if quick else ([4, 6, 8], [8, 16])
    exact = [
        ("cosine, top-1", counterpart(build("cosine")), fixed),
        *((name, _order(name), [8] if name == "raster" else fixed) for name in ORDERS),
        ("LADR, top-1", LADR(**top1), few if quick else [8, 16, 48]),
        ("LADR, top-1, independent", LADR(**top1, where="independent"), few),
        ("LADR, top-1, independent, thin", LADR(**top1, where="independent", thin=True), few),
        ("LADR, top-1, parity", LADR(**top1, where="parity"), few),
        ("LADR, top-1, not the frontier", LADR(**top1, where="non-frontier-first"), few),
        ("entropy bound 1", build({"policy": "entropy_bound", "bound": 1.0, "schedule": "none"}), [8]),
        ("entropy bound 2", build({"policy": "entropy_bound", "bound": 2.0, "schedule": "none"}), [8]),
        ("threshold 0.7", build({"policy": "threshold", "level": 0.7, "schedule": "none"}), [8]),
        ("doubt, top-1", _doubt(rank="top1"), fixed[-1:]),
        ("doubt, Halton", _doubt(rank="halton", power=1), fixed[-2:]),
        ("doubt, top-1, independent", _doubt(rank="top1", power=1, where="independent"), fixed[-1:]),
    ]
    drawn = [("cosine", build("cosine"), [8]), ("LADR", LADR(), few), ("MaskGIT", build("maskgit"), [8])]
    return exact + ([] if quick else drawn)


def _order(name: str) -> Policy:
    return build({"policy": name, "schedule": "fixed"})


def _doubt(**fields: Any) -> Policy:
    return build({"policy": "doubt", "budget": 0.3, "noise": 0.0, "likeliest": False, **fields})


def rows(quick: bool = False) -> list[dict]:
    """`kl` of every rule on 6x6 grids with 3 codes at three couplings (5x5 and one coupling when quick)."""
    grid, samples, paths = ((5, 5), 8, 2) if quick else ((6, 6), 128, 8)
    out = []
    for coupling in (0.9,) if quick else (0.6, 0.9, 1.2):
        backbone = Field(grid, 3, coupling=coupling)
        for name, policy, many in _rules(quick):
            mixture = name == "random" or drawn_step(policy) is not None
            size = {"samples": samples // 2, "paths": paths} if mixture else {"samples": samples}
            for steps in many:
                field = {"grid": list(grid), "codes": backbone.codes, "coupling": coupling}
                estimate = kl(backbone, policy, steps, seed=0, **size)
                out.append({**field, "rule": name, "steps": steps, **estimate})
    return out


def convergence_rows(quick: bool = False) -> list[dict]:
    """How the upper bounds fall with the number of paths, on a 4x4 grid, where they settle."""
    backbone = Field((4, 4), 3, coupling=0.9)
    rules = [("halton", _order("halton"), 4), ("random", _order("random"), 4), ("LADR", LADR(), 8)]
    rules += [("LADR, top-1", counterpart(LADR()), 8), ("cosine", build("cosine"), 6)]
    out = []
    for name, policy, steps in rules:
        for paths in (1, 4) if quick else (1, 8, 64):
            row = {"rule": name, "steps": steps} | kl(
                backbone, policy, steps, 8 if quick else 64, 0, paths=paths
            )
            out.append(row)
            if row["kind"] == "exact":
                break
        else:
            free = unbiased_kl(backbone, policy, steps, 8 if quick else 256, 0)
            out.append({"rule": name, "steps": steps} | free)
    return out


def fidelity_rows(quick: bool = False) -> list[dict]:
    """`fidelity` of rules at their true selection, on the same grids."""
    backbone = Field((5, 5) if quick else (6, 6), 3, coupling=0.9)
    rules = [("cosine", build("cosine")), ("MaskGIT", build("maskgit")), ("LADR", LADR())]
    rules += [("cosine, top-1", counterpart(build("cosine"))), ("Halton", build("halton"))]
    rules += [("doubt", build("doubt"))]
    return [
        {"rule": name, "steps": 8} | fidelity(backbone, policy, 8, 64 if quick else 512, 0)
        for name, policy in rules
    ]
