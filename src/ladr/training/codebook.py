"""The codebook: the distinct patches of the shape world, merged until K clusters are left."""

import numpy as np
from scipy.cluster.hierarchy import fcluster, ward

from ladr.backbones.exact.patches import PatchCodes, cut
from ladr.shapes.place import realise
from ladr.shapes.practice import propose
from ladr.shapes.render import render

CODEBOOK = 512
SCENES = 60_000


def distinct_patches(scenes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """All different patches of `scenes` random scenes, (n, 48) uint8, and how many scenes hold each."""
    rng = np.random.default_rng([seed, 0])
    scenes_with: dict[bytes, int] = {}
    for _ in range(scenes):
        image = render(realise(propose(rng), rng, unseen=True))
        for patch in {p.tobytes() for p in cut(image[None])[0].reshape(-1, 48)}:
            scenes_with[patch] = scenes_with.get(patch, 0) + 1
    order = sorted(scenes_with)
    patches = np.frombuffer(b"".join(order), np.uint8).reshape(len(order), -1)
    return patches, np.array([scenes_with[p] for p in order], float)


def learn_codebook(scenes: int = SCENES, codes: int = CODEBOOK, seed: int = 0) -> PatchCodes:
    """Ward clusters of the distinct patches; each code is the mean of its cluster, weighted by frequency.

    Patches of one flat colour (backgrounds, letters, the inside of things) keep a code of their own.
    """
    patches, weight = distinct_patches(scenes, seed)
    pixels = patches.reshape(len(patches), -1, 3)
    flat = (pixels == pixels[:, :1]).all((1, 2))
    label = np.empty(len(patches), int)
    label[flat] = np.arange(flat.sum())
    edges = fcluster(ward(patches[~flat].astype(float)), codes - flat.sum(), "maxclust")
    label[~flat] = flat.sum() + edges - 1
    means = np.zeros((codes, patches.shape[1]))
    for k in range(label.max() + 1):
        means[k] = np.average(patches[label == k], axis=0, weights=weight[label == k])
    common = np.argsort(-np.bincount(label, weight, minlength=codes), kind="stable")
    return PatchCodes(means[common])


def latents(patches: PatchCodes, channels: int) -> np.ndarray:
    """The codes as (K, channels) vectors: leading principal components, scaled to unit spread."""
    centred = patches.means - patches.means.mean(0)
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    vectors = centred @ axes[:channels].T
    return (vectors / (spread[0] / np.sqrt(len(centred)))).astype(np.float32)
