"""Do the masks that free riders leave surprise a network that was trained on random ones?

True images of a prompt are shown to a model under two kinds of mask: what the doubt budget leaves after its
first passes, and random ones, with as many known cells or with a few. The rule chooses by codes that it draws
itself, and then the true ones are written: beyond the known cells, a mask says nothing about the image (how
many cells a random one has can say a little, from the second pass on). The means of four differences tell
whether a model is surprised. Its surprise less its own entropy is zero where the model is right, whatever the
mask. Its surprise less that of the exact model on the same masks is never below zero. Its surprise less that
about the same cells of an empty grid, the change, is never above zero where the model is right: knowing more
helps. Its change less that of the exact model says how far it falls short of using what it is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ladr.backbones.exact.mixture import Mixture
from ladr.backbones.lumina.dimoo import shapes
from ladr.benchmarks import BENCHMARKS
from ladr.benchmarks.intervals import Estimate, PromptSums, contrast, ratio
from ladr.benchmarks.mini.prompts import spec_of
from ladr.decoding.checks import packed, settle
from ladr.decoding.denoiser import adopted
from ladr.decoding.loop import decode
from ladr.decoding.noise import derived
from ladr.decoding.policies import build
from ladr.decoding.policies.base import Policy
from ladr.decoding.view import MASK, Commit, View, times
from ladr.paper.theory.reliability import first_of_columns

PASSES = (1, 2, 3)  # of the doubt budget, after which its mask is looked at
STEPS = 16  # T of the doubt budget
RIDERS, RANDOM = "riders", "random"
FEW = (4, 8, 16)  # known cells of further random masks, which leave as much open as riders do
COUNTING, OTHERS = "Counting", "other columns"
PROMPTS = {COUNTING: 24, OTHERS: 8}  # of Counting, and of each other column
IMAGES = {"mixture": 6, "shapes": 3}  # of a prompt
WORLD = 8192  # scenes of a prompt: nearly every grid that it allows
SURE = 1e-6  # the exact model's chance of a wrong cell: the scenes have none
BATCH = 24
SEED = 7
AMOUNTS = ("surprise", "beyond", "above_exact", "change", "short")


@dataclass(frozen=True, eq=False)
class Truth:
    """True images of prompts: their codes (N, H, W), and which prompt each shows."""

    codes: Tensor
    of: list[int]


def truth(exact: Mixture, prompts: Sequence[Any], images: int) -> Truth:
    """So many scenes of each prompt's bank, drawn as often as the bank has them."""
    rng = np.random.default_rng(SEED)
    grids = []
    for prompt in prompts:
        bank = exact.banks[spec_of(prompt)]
        drawn = rng.choice(len(bank.counts), images, p=bank.counts / bank.counts.sum())
        grids.append(bank.codes[:, drawn].T.astype(np.int64).reshape(-1, *exact.grid))
    return Truth(torch.from_numpy(np.concatenate(grids)), [i for i in range(len(prompts)) for _ in drawn])


def rider_masks(backbone: Any, asked: Sequence[Any], true: Truth, policy: Policy) -> list[Tensor]:
    """What is masked (N, H, W) after each number of PASSES of the policy, the true codes being written."""
    masks = [torch.zeros_like(true.codes, dtype=torch.bool) for _ in PASSES]

    def showing(view: View) -> Commit:
        take = settle(policy, view).take
        for row, image in enumerate(view.images):
            masks[view.step[row]][image] = view.masked[row] & ~take[row]
        last = torch.tensor([step + 1 >= len(PASSES) for step in view.step])[:, None, None]
        return Commit(view.masked & (take | last), tokens=true.codes[list(view.images)])

    prompts = [asked[i] for i in true.of]
    seeds = list(range(SEED, SEED + len(prompts)))
    decode(backbone, prompts, showing, steps=STEPS, seeds=seeds, batch_size=BATCH)
    return masks


def random_masks(masked: Tensor, generator: torch.Generator) -> Tensor:
    """(N, H, W) bool: in each image as many cells as in `masked`, anywhere."""
    keys = torch.rand(masked.flatten(1).shape, generator=generator)
    place = keys.argsort(1).argsort(1)
    return (place < masked.flatten(1).sum(1, keepdim=True)).view_as(masked)


def log_marginals(backbone: Any, asked: Sequence[Any], tokens: Tensor) -> Tensor:
    """(M, K) float64: what the model believes before guidance about the masked cells of tokens (B, H, W)."""
    masked = tokens == MASK
    t = times(masked.flatten(1).sum(1).tolist(), masked[0].numel()).float()
    denoiser = adopted(backbone.bind(list(asked)))
    raw = denoiser.logits(tokens, torch.arange(len(tokens)), t=t)
    believed = raw if denoiser.conditional is None else denoiser.conditional
    return packed(believed, masked, masked, backbone.codes).double().log_softmax(-1)


def surprises(backbone: Any, asked: Sequence[Any], true: Truth, masked: Tensor) -> tuple[Tensor, Tensor]:
    """(N,) float64 each, over the masked cells (N, H, W) of an image: minus the log probability of the true
    codes, and the entropy. Zero where nothing is masked."""
    surprise, entropy = (torch.zeros(len(masked), dtype=torch.float64) for _ in range(2))
    for part in masked.flatten(1).any(1).nonzero()[:, 0].split(BATCH):
        at, codes = masked[part], true.codes[part]
        own = [asked[true.of[image]] for image in part.tolist()]
        log_p = log_marginals(backbone, own, codes.masked_fill(at, MASK))
        image = part[at.nonzero()[:, 0]]
        surprise.index_add_(0, image, -log_p.gather(1, codes[at][:, None])[:, 0])
        entropy.index_add_(0, image, -(log_p.exp() * log_p).sum(1))
    return surprise, entropy


def unprepared(backbone: Any, asked: Sequence[Any], true: Truth) -> Tensor:
    """(N, H, W) float64: the surprise of every cell where the grid is empty. One pass for each prompt."""
    out = torch.empty(true.codes.shape, dtype=torch.float64)
    for prompt, text in enumerate(asked):
        empty = torch.full_like(true.codes[:1], MASK)
        log_p = log_marginals(backbone, [text], empty)
        for image in (i for i, own in enumerate(true.of) if own == prompt):
            codes = true.codes[image].flatten()
            out[image] = -log_p.gather(1, codes[:, None]).view(out[image].shape)
    return out


def looked_at(riders: Sequence[Tensor]) -> list[tuple[int, str, Tensor]]:
    """(passes, kind, masks): the riders' masks, each with random ones of as many cells, and random masks with
    FEW known cells, after no pass."""
    generator = derived(SEED, "masks")
    out = []
    for passes, masked in zip(PASSES, riders, strict=True):
        out += [(passes, RIDERS, masked), (passes, RANDOM, random_masks(masked, generator))]
    for known in FEW:
        some = torch.ones_like(riders[0])
        some.flatten(1)[:, :known] = False
        out.append((0, f"random, {known} known", random_masks(some, generator)))
    return out


def measured(
    judge: Any,
    exact: Mixture,
    asked: Sequence[Any],
    prompts: Sequence[Any],
    true: Truth,
    riders: Sequence[Tensor],
) -> list[dict[str, Any]]:
    """For each of the masks the AMOUNTS of every image, (N,) each, and its masked cells.

    judge: the model that is asked, by `asked`; exact: the reference, by `prompts`.
    """
    alone = unprepared(judge, asked, true)
    least = alone if judge is exact else unprepared(exact, prompts, true)
    out = []
    for passes, kind, hidden in looked_at(riders):
        surprise, entropy = surprises(judge, asked, true, hidden)
        reference = surprise if judge is exact else surprises(exact, prompts, true, hidden)[0]
        change = surprise - (alone * hidden).flatten(1).sum(1)
        amounts = {
            "surprise": surprise,
            "beyond": surprise - entropy,
            "above_exact": surprise - reference,
            "change": change,
            "short": change - (reference - (least * hidden).flatten(1).sum(1)),
        }
        out.append({"passes": passes, "kind": kind, "masked": hidden.flatten(1).sum(1), **amounts})
    return out


def summary(about: dict[str, Any], parts: Sequence[dict[str, Any]], of: Tensor) -> list[dict[str, Any]]:
    """One row per mask, and one for riders less random masks of as many cells: nats per image, with 95 %
    intervals over prompts. Images that are finished have no mask and do not count.

    of: (N,) the prompt of each image that counts among these rows, -1 for the others.
    """
    out = []
    for part, before in zip(parts, [None, *parts], strict=False):
        own = (of >= 0) & (part["masked"] > 0)
        if not own.any():
            continue
        masked = _sums(part["masked"], of, own)
        row = {
            **about, "passes": part["passes"], "mask": part["kind"], "prompts": len(masked.sums),
            "images": int(own.sum()), "masked": masked.mean,
        }  # fmt: skip
        sums = {name: _sums(part[name], of, own) for name in AMOUNTS}
        out.append(row | _estimates({name: ratio(one) for name, one in sums.items()}))
        if part["kind"] == RANDOM and before is not None:
            less = {name: contrast(_sums(before[name], of, own), one) for name, one in sums.items()}
            out.append({**row, "mask": "difference"} | _estimates(less))
    return out


def _estimates(values: dict[str, Estimate]) -> dict[str, float]:
    """Each value with the ends of its interval."""
    return {
        f"{name}{end}": number
        for name, one in values.items()
        for end, number in (("", one.value), ("_low", one.low), ("_high", one.high))
    }


def _sums(values: Tensor, of: Tensor, own: Tensor) -> PromptSums:
    """What each prompt adds: the sum over its images, and their number."""
    _, prompt = of[own].unique(return_inverse=True)
    sums = torch.zeros(int(prompt.max()) + 1, dtype=torch.float64).index_add_(0, prompt, values[own].double())
    return PromptSums(sums.numpy(), np.bincount(prompt.numpy()).astype(float))


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """The embedded backbones on the masks of their own decodes: Counting, and the other columns together."""
    prompts = few(1, 1) if quick else few(*PROMPTS.values())
    exact = Mixture(WORLD // 64 if quick else WORLD, epsilon=SURE)
    guided, network = Mixture(exact.banks.scenes, epsilon=1e-3, guidance=3.0), shapes(guidance=1.0)
    column = [prompt.meta["column"] for prompt in prompts]
    texts = [prompt.text for prompt in prompts]
    out = []
    for name, decoder, judge, asked in (
        ("mixture", guided, exact, prompts), ("shapes", network, network, texts)
    ):  # fmt: skip
        true = truth(exact, prompts, 1 if quick else IMAGES[name])
        riders = rider_masks(decoder, asked, true, build("doubt"))
        parts = measured(judge, exact, asked, prompts, true, riders)
        for group in (COUNTING, OTHERS):
            of = torch.tensor([i if (column[i] == COUNTING) == (group == COUNTING) else -1 for i in true.of])
            out += summary({"backbone": name, "guidance": decoder.guidance, "column": group}, parts, of)
    return out


def few(counting: int, others: int) -> list[Any]:
    """The first prompts of every column that ask for what training showed: so many of Counting, and of each
    other one."""
    seen = [prompt for prompt in BENCHMARKS["mini-geneval"].prompts("full") if prompt.meta["seen"]]
    own = [prompt for prompt in seen if prompt.meta["column"] == COUNTING]
    rest = [prompt for prompt in seen if prompt.meta["column"] != COUNTING]
    return own[:counting] + first_of_columns(rest, others)
