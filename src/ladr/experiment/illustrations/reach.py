"""How far things reach on the grid, measured: a committed cell in the predictions of the cells still masked,
a changed token in the decoded picture. One observation is one cell of one image."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ladr.decoding import schedule
from ladr.decoding.view import MASK
from ladr.experiment.illustrations.spread import Spread

MARGIN = 5  # cells around the middle of a map
SHARES = (1 / 16, 1 / 4, 1 / 2)  # of an image's cells that are observed when one more is committed
IMAGES = 128  # at most, each of another prompt
MOST = 6  # observations in one image
COMMITS = 512  # observations of a share, as many in each image ...
OFTEN = 4  # ... times this, and MOST too, with a backbone that counts scenes instead of running a network
CHANGES = 256  # observations, as many in each image
TOGETHER = 3  # tokens that are changed at once in the example


@torch.no_grad()
def dependence(
    backbone: Any,
    prompts: Sequence[Any],
    tokens: Tensor,
    settled: Tensor,
    generator: torch.Generator,
    batch: int = 16,
    often: int = 1,
) -> list[Spread]:
    """How much committing one cell changes the predictions of the others: one Spread for each of SHARES.

    tokens, settled (N, H, W): decoded images, one per prompt. Cells that settled in the first passes of an
    image are observed, until they are at least the share. COMMITS times `often` masked cells, over all images
    and at most MOST times `often` in one, are drawn evenly; each in turn gets a token drawn from the model's
    own prediction for it. At every cell that stays masked, the change is the divergence KL(after || before)
    of its prediction, in nats. Where predictions are the conditionals of one distribution, its mean over such
    tokens is the mutual information of the two cells: what is lost when both are committed in the same pass.
    """
    grid = tuple(tokens.shape[1:])
    spreads = [Spread(len(tokens), grid, MARGIN) for _ in SHARES]
    each = min(MOST * often, -(-COMMITS * often // len(tokens)))
    denoiser, device = backbone.bind(list(prompts)), getattr(backbone, "device", "cpu")
    for i, (image, when) in enumerate(zip(tokens, settled, strict=True)):
        for spread, share in zip(spreads, SHARES, strict=True):
            start = torch.where(when < _passes(when, share), image, MASK).to(device)
            if int((start == MASK).sum()) < 2:
                continue
            before = next(_predictions(denoiser, start[None], i, batch))
            cells, states = _committed(start, before, each, generator)
            predictions = _predictions(denoiser, states, i, batch)
            for cell, state, after in zip(cells, states, predictions, strict=True):
                y, x = divmod(int(cell), grid[1])
                spread.add(i, _divergences(start, state, before, after), y, x)
    return spreads


def _passes(settled: Tensor, share: float) -> int:
    """The number of passes after which at least this share of an image's cells is observed."""
    done = settled.flatten().bincount().cumsum(0)
    return int((done < share * settled.numel()).sum()) + 1


def _committed(
    start: Tensor, before: Tensor, count: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Flat places (n,) of masked cells, and the states (n, H, W) in which one of them has its token."""
    masked = (start.flatten() == MASK).nonzero()[:, 0]
    order = torch.randperm(len(masked), generator=generator)[:count].to(start.device)
    drawn = torch.multinomial(before[order].exp().cpu(), 1, generator=generator).to(start.device)
    states = start.flatten().repeat(len(order), 1).scatter_(1, masked[order, None], drawn)
    return masked[order], states.view(-1, *start.shape)


def _predictions(denoiser: Any, states: Tensor, row: int, batch: int):
    """For each state (H, W) of one prompt, the log probabilities (M, K) of its masked cells, float64."""
    for part in states.split(batch):
        masked = part == MASK
        t = [schedule.inverse(float(share)) for share in masked.flatten(1).double().mean(1)]
        rows = torch.full((len(part),), row, device=part.device)
        raw = denoiser.logits(part, rows, t=torch.tensor(t, device=part.device))
        packed = raw[masked] if raw.dim() == 4 else raw
        for one in packed.split(masked.flatten(1).sum(1).tolist()):
            yield one.double().log_softmax(-1)


def _divergences(start: Tensor, state: Tensor, before: Tensor, after: Tensor) -> np.ndarray:
    """Divergence of each masked cell, (H, W) float64. NaN where nothing is masked; at least 0."""
    still = state[start == MASK] == MASK
    nats = (after.exp() * (after - before[still])).nan_to_num(0).sum(-1).clamp_min(0)
    out = np.full(state.shape, np.nan)
    out[(state == MASK).cpu().numpy()] = nats.cpu().numpy()
    return out


def perturbation(
    backbone: Any, tokens: Tensor, generator: torch.Generator
) -> tuple[Spread, dict[str, np.ndarray]] | None:
    """How far one changed token shows: the mean change of a pixel over its colours, 0..255. None where it
    shows within its own cell alone, as in a mosaic.

    tokens (N, H, W): CHANGES cells drawn evenly get, one at a time, another code, all others as likely. Also
    an example: `perturb_images` (2, h, w, 3), the first image and the same with TOGETHER tokens changed, and
    `perturb_places` (n, 2), their cells.
    """
    base = np.asarray(backbone.render(tokens))
    side, each = base.shape[1] // tokens.shape[1], min(MOST, -(-CHANGES // len(tokens)))
    spread = Spread(len(tokens), base.shape[1:3], MARGIN * side, side)
    for i, image in enumerate(tokens):
        places = torch.randperm(image.numel(), generator=generator)[:each]
        states = image.flatten().repeat(len(places), 1)
        states.scatter_(
            1, places[:, None], others(image.flatten()[places], backbone.codes, generator)[:, None]
        )
        change = _change(backbone.render(states.view(-1, *image.shape)), base[i])
        for place, values in zip(places.tolist(), change, strict=True):
            y, x = divmod(place, image.shape[1])
            spread.add(i, values, y * side, x * side)
    if not spread.sums[:, 1:].any():
        return None
    return spread, _example(backbone, tokens[0], base[0], generator)


def others(codes: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """For each code, another code, all others equally likely."""
    return (codes + torch.randint(1, count, codes.shape, generator=generator)) % count


def _change(images: Any, base: np.ndarray) -> np.ndarray:
    return np.abs(np.asarray(images).astype(np.int16) - base.astype(np.int16)).mean(-1)


def _example(
    backbone: Any, image: Tensor, base: np.ndarray, generator: torch.Generator
) -> dict[str, np.ndarray]:
    places = _apart(image.shape, generator)
    y, x = torch.tensor(places).T
    changed = image.clone()
    changed[y, x] = others(image[y, x], backbone.codes, generator)
    after = np.asarray(backbone.render(changed[None]))[0]
    return {"perturb_images": np.stack([base, after]), "perturb_places": np.array(places)}


def _apart(grid: Sequence[int], generator: torch.Generator) -> list[tuple[int, int]]:
    """TOGETHER random cells, a third of the shorter side apart as long as such are found."""
    height, width = grid
    drawn = [divmod(i, width) for i in torch.randperm(height * width, generator=generator).tolist()]
    chosen: list[tuple[int, int]] = []
    for y, x in drawn:
        if all(max(abs(y - a), abs(x - b)) >= min(grid) // 3 for a, b in chosen):
            chosen.append((y, x))
    return chosen[:TOGETHER]
