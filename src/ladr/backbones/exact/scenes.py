"""Seeded scenes of a prompt as codes.

A bank on disk is known by a hash of this file and of all that it imports.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ladr.backbones.exact.patches import PatchCodes
from ladr.shapes.place import realise
from ladr.shapes.practice import propose
from ladr.shapes.render import render
from ladr.shapes.scene import GRID, Scene
from ladr.shapes.spec import Spec
from ladr.shapes.spec_json import spec_to_json

CHUNK = 128  # scenes that are rendered and encoded at once


def token_grids(
    spec: Spec | None, patches: PatchCodes, scenes: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw, render and encode that many scenes: the D different token grids (N, D) uint16, and how often each
    was drawn, (D,) int64. Equal scenes are rendered once."""
    times = Counter(scenes_of(spec, scenes, seed))
    different = list(times)
    codes = np.concatenate(
        [
            patches.encode(np.stack([render(s) for s in different[a : a + CHUNK]])).reshape(-1, GRID * GRID)
            for a in range(0, len(different), CHUNK)
        ]
    )
    grids, which = np.unique(codes.astype(np.uint16), axis=0, return_inverse=True)
    weights = np.fromiter(times.values(), np.int64)
    counts = np.bincount(which.ravel(), weights, len(grids)).astype(np.int64)
    return np.ascontiguousarray(grids.T), counts


def scenes_of(spec: Spec | None, scenes: int, seed: int) -> Iterator[Scene]:
    text = json.dumps([seed, plain(spec)], sort_keys=True)
    digest = hashlib.sha256(text.encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    for _ in range(scenes):
        yield realise(propose(rng) if spec is None else spec, rng)


def stated(spec: Spec | None) -> Spec | None:
    """The spec without what no scene depends on."""
    return None if spec is None else replace(spec, kind="", name=None)


def plain(spec: Spec | None) -> dict | None:
    """What the spec states, as JSON; None for the world at large."""
    return None if spec is None else spec_to_json(stated(spec))
