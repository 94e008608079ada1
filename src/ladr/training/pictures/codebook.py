"""The codebook of the picture world: k-means of the distinct patches, plain backgrounds kept exactly."""

import warnings

import numpy as np
from scipy.cluster.vq import kmeans2

from ladr.backbones.exact.patches import PatchCodes, cut, distinct_patches
from ladr.base.errors import LadrError
from ladr.benchmarks.mini.pictures.words import BACKGROUNDS

SAMPLE = 120_000  # distinct patches that the clusters are made of
ROUNDS = 12


def learn_codebook(images: np.ndarray, codes: int, rng: np.random.Generator) -> PatchCodes:
    """Means of `codes` clusters of patches, a frequent patch weighing as the root of its number.

    Each plain background has a code of its own, so that nothing but the background is drawn there.
    """
    flat = cut(images).reshape(-1, cut(images[:1]).shape[-1])
    distinct, place = distinct_patches(flat)
    weight = np.sqrt(np.bincount(place))
    patches = np.frombuffer(b"".join(distinct), np.uint8).reshape(len(distinct), -1).astype(np.float32)
    if len(patches) < codes:
        raise LadrError(f"codes: {codes} are asked for; the pictures have {len(patches)} different patches")
    size = min(SAMPLE, len(patches))
    chosen = rng.choice(len(patches), size, replace=False, p=weight / weight.sum())
    plain = np.tile(np.array([*BACKGROUNDS.values()], np.float32), flat.shape[1] // 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an empty cluster keeps its centre
        means, _ = kmeans2(patches[chosen], codes - len(plain), ROUNDS, minit="points", rng=rng)
    return PatchCodes(np.concatenate([plain, means]))
