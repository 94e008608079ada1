"""The training objective: predict the masked cells of an image from its prompt and the other cells."""

import math

import numpy as np
import torch
from torch import Tensor

from ladr.backbones.lumina.dimoo import Layout
from ladr.backbones.lumina.llada import LLaDA
from ladr.training.data import TrainingBatch
from ladr.training.forward import forward


def mask_cells(shape: tuple[int, int, int], seed: list[int], reach: float = 1.0) -> np.ndarray:
    """(B, H, W) bool: each image is masked at random to a ratio cos(pi u^2 / 2), with u stratified over the
    batch between 0 and `reach`.

    Half of all ratios are above 0.92, since there the prompt decides; at lower ratios the image does.
    """
    rng = np.random.default_rng(seed)
    b, n = shape[0], shape[1] * shape[2]
    u = reach * (np.arange(b) + rng.random(b)) / b
    count = np.ceil(n * np.cos(u**2 * math.pi / 2)).astype(int)
    rank = np.argsort(rng.random((b, n)), 1).argsort(1)
    return (rank < count[:, None]).reshape(shape)


def posterior(batch: TrainingBatch, masked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes (B, 1 + others, H, W) and weights (B, 1 + others) of the images that the visible cells allow.

    Images of one spec are draws from the same distribution. So those that agree with all visible cells are
    draws from the posterior that the model should learn. Their mean has the same expectation as one image,
    and less noise.
    """
    images = np.concatenate([batch.codes[:, None], batch.others], 1)
    agree = ((images == batch.codes[:, None]) | masked[:, None]).all((2, 3)) & (images[:, :, 0, 0] >= 0)
    return images, agree / agree.sum(1, keepdims=True)


def sequence(batch: TrainingBatch, masked: np.ndarray, layout: Layout) -> tuple[np.ndarray, int]:
    """Ids (B, L) in the backbone's layout, and where the image block starts."""
    b, h, _ = batch.codes.shape
    cells = np.where(masked, layout.mask, batch.codes + layout.image_offset)
    image = np.concatenate([cells, np.full((b, h, 1), layout.newline)], 2).reshape(b, -1)
    before = np.tile([layout.boa, layout.boi], (b, 1))
    after = np.tile([layout.eoi, layout.eoa], (b, 1))
    return np.concatenate([batch.text, before, image, after], 1), batch.text.shape[1] + 2


def kept_positions(masked: np.ndarray, start: int, length: int, keep: int, seed: list[int]) -> np.ndarray:
    """(B, L') sorted positions of a shortened sequence in which `keep` cells stay.

    Masked cells leave first, but half of them always stay: a sample without masked cells teaches nothing.
    """
    b, h, w = masked.shape
    hidden, drop = masked.reshape(b, -1), h * w - keep
    count = hidden.sum(1, keepdims=True)
    leaving = np.maximum(np.minimum(drop, count // 2), drop - (h * w - count))
    rank = (np.random.default_rng(seed).random((b, h * w)) - hidden).argsort(1).argsort(1)
    leaves = np.where(hidden, rank < leaving, rank - count < drop - leaving)
    cells = start + np.arange(h * w) + np.arange(h * w) // w
    alive = np.ones((b, length), bool)
    alive[:, cells] = ~leaves
    return np.nonzero(alive)[1].reshape(b, -1)


def loss(
    model: LLaDA,
    batch: TrainingBatch,
    layout: Layout,
    seed: list[int],
    keep: int | None = None,
    reach: float = 1.0,
    compiled: bool = False,
) -> Tensor:
    """Mean cross-entropy in nats over the masked cells that are in the sequence."""
    device = model.body["wte"].weight.device
    masked = mask_cells(batch.codes.shape, [*seed, 0], reach)
    ids, start = sequence(batch, masked, layout)
    b, h, w = masked.shape
    cell = np.full(ids.shape, -1)
    cell[:, start : start + h * (w + 1)] = np.concatenate(
        [np.where(masked, np.arange(h * w).reshape(h, w), -1), np.full((b, h, 1), -1)], 2
    ).reshape(b, -1)
    positions = None
    if keep is not None and keep < h * w:
        positions = kept_positions(masked, start, ids.shape[1], keep, [*seed, 1])
        ids, cell = (np.take_along_axis(x, positions, 1) for x in (ids, cell))
        positions = _on(device, positions)
    row, place = np.nonzero(cell >= 0)
    images, weights = posterior(batch, masked)
    target = images.reshape(b, -1, h * w)[row, :, cell[row, place]]
    predicted = _on(device, row * ids.shape[1] + place)
    hidden = forward(model, _on(device, ids), positions, compiled).flatten(0, 1)[predicted]
    logits = model.head(hidden, layout.image_offset, layout.image_offset + layout.codebook)
    log_p = logits.float().log_softmax(-1).gather(1, _on(device, target.clip(0)))
    return -(log_p * _on(device, weights.astype(np.float32)[row])).sum(1).mean()


def _on(device: torch.device, array: np.ndarray) -> Tensor:
    """The array on the device, without waiting for the work that the device still has to do."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
