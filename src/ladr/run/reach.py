"""How far things reach on the grid: a changed token in the picture, a committed cell in the predictions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ladr.view import MASK

RADIUS = 5  # cells
TRIES = 96
OBSERVED = 1 / 8


def drawn_cells(settled: Tensor, generator: torch.Generator, count: int) -> list[tuple[int, int, int]]:
    """`count` random (image, row, column)."""
    n, h, w = settled.shape
    flat = torch.randint(n * h * w, (count,), generator=generator).tolist()
    return [(i // (h * w), i % (h * w) // w, i % w) for i in flat]


def perturbation(backbone: Any, tokens: Tensor, generator: torch.Generator) -> dict[str, np.ndarray]:
    """tokens (N,H,W): change one at a time to a random code and render again.

    reach (2R+1, 2R+1): mean absolute change of a pixel (0..255), by offset in cells; perturb_example
    (3, h, w, 3): an image, the same with three tokens changed, and the change.
    """
    places = drawn_cells(tokens, generator, TRIES)
    changed = tokens[[i for i, *_ in places]].clone()
    codes = torch.randint(backbone.codes, (TRIES,), generator=generator)
    for k, (_, y, x) in enumerate(places):
        changed[k, y, x] = codes[k]
    base = np.asarray(backbone.render(tokens)).astype(np.int16)
    found = np.abs(np.asarray(backbone.render(changed)).astype(np.int16) - base[[i for i, *_ in places]])
    height = found.shape[1] // tokens.shape[1]
    cells = found.mean(-1).reshape(TRIES, tokens.shape[1], height, tokens.shape[2], -1).mean((2, 4))
    return {
        "reach": by_offset(cells, [(y, x) for _, y, x in places]),
        **_example(backbone, tokens[:1], places, codes),
    }


def _example(backbone: Any, tokens: Tensor, places: Sequence[tuple[int, int, int]], codes: Tensor) -> dict:
    changed = tokens.clone()
    for k, (_, y, x) in enumerate(places[:3]):
        changed[0, y, x] = codes[k]
    before, after = (np.asarray(backbone.render(t))[0] for t in (tokens, changed))
    apart = np.abs(before.astype(np.int16) - after.astype(np.int16)).astype(np.uint8)
    return {"perturb_example": np.stack([before, after, apart])}


def dependence(
    backbone: Any, prompts: Sequence[Any], tokens: Tensor, settled: Tensor, generator: torch.Generator
) -> dict[str, np.ndarray]:
    """KL of every masked cell's prediction, before against after one other cell is committed.

    dependence (2R+1, 2R+1): mean in nats by offset from the committed cell. Observed is a share OBSERVED of
    the cells, those that settled first.
    """
    last = settled.flatten(1).double().quantile(OBSERVED, 1)[:, None, None]
    start = torch.where(settled < last, tokens, MASK)
    found, centres = [], []
    for i, y, x in drawn_cells(settled, generator, TRIES):
        if start[i, y, x] != MASK:
            continue
        after = start[i : i + 1].clone()
        after[0, y, x] = tokens[i, y, x]
        denoiser, rows = backbone.bind([prompts[i]]), torch.zeros(1, dtype=torch.long)
        p, q = (_log_probs(denoiser, state, rows) for state in (start[i : i + 1], after))
        kl = torch.full(after.shape[1:], torch.nan, dtype=torch.float64)
        both = after[0] == MASK
        kl[both] = (p[both].exp() * (p[both] - q[both])).sum(-1)
        found.append(kl.numpy())
        centres.append((y, x))
    return {"dependence": by_offset(np.array(found), centres), "dependence_count": np.array(len(found))}


def _log_probs(denoiser: Any, state: Tensor, rows: Tensor) -> Tensor:
    """(H, W, K) float64; only masked cells are told."""
    from ladr import schedule

    masked = state == MASK
    t = torch.tensor([schedule.inverse(float(masked.double().mean()))])
    raw = denoiser.logits(state, rows, t=t).double()
    if raw.dim() == 4:
        return raw[0].log_softmax(-1)
    out = torch.zeros(*state.shape[1:], raw.shape[-1], dtype=torch.float64)
    out[masked[0]] = raw.log_softmax(-1)
    return out


def by_offset(maps: np.ndarray, centres: Sequence[tuple[int, int]]) -> np.ndarray:
    """Mean over maps (n, H, W) shifted so that each one's centre lies in the middle of (2R+1, 2R+1)."""
    wide = np.pad(maps, ((0, 0), (RADIUS, RADIUS), (RADIUS, RADIUS)), constant_values=np.nan)
    cut = [m[y : y + 2 * RADIUS + 1, x : x + 2 * RADIUS + 1] for m, (y, x) in zip(wide, centres, strict=True)]
    cut = np.array(cut)
    count = np.isfinite(cut).sum(0)
    return np.where(count > 0, np.nansum(cut, 0) / np.maximum(count, 1), np.nan)
