"""Seeded scenes of a prompt as codes: drawn once, each different grid kept once, cached on disk."""

import contextlib
import hashlib
import json
import os
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ladr.backbones.exact.patches import PatchCodes
from ladr.backbones.exact.scenes import plain, stated, token_grids
from ladr.base.errors import LadrError
from ladr.base.files import write_bytes
from ladr.base.imports import PACKAGE, sha256_of
from ladr.shapes.spec import Spec

KEPT = 256 << 20  # bytes of banks held in memory


@dataclass(frozen=True, eq=False)
class Bank:
    """The D different token grids of M drawn scenes: codes (N, D) uint16, one row per cell, and how often
    each was drawn, counts (D,) int64."""

    codes: np.ndarray
    counts: np.ndarray

    @cached_property
    def shown(self) -> "Shown":
        return Shown.of(self.codes)

    def weights(self, tokens: np.ndarray, penalty: float) -> np.ndarray:
        """Posterior probability (D,) of each scene given the observed cells of tokens (N,), where a cell that
        differs costs `penalty` nats."""
        seen = np.flatnonzero(tokens >= 0)
        wrong = (self.codes[seen] != tokens[seen, None]).sum(0, dtype=np.int32)
        log_weights = np.log(self.counts) - penalty * wrong
        weights = np.exp(log_weights - log_weights.max())
        return weights / weights.sum()


@dataclass(frozen=True, eq=False)
class Shown:
    """Which codes a bank's scenes show: pair p is code `code[p]` at cell `cell[p]`, (P,) each, in cell order.

    Most cells are background in most scenes. So scenes are listed only where they depart from the cell's
    commonest code, whose pair is `common` (N,): `scene` shows `pair`.
    """

    cell: np.ndarray
    code: np.ndarray
    common: np.ndarray
    pair: np.ndarray
    scene: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray) -> "Shown":
        K = int(codes.max()) + 1
        place = codes + K * np.arange(len(codes))[:, None]
        times = np.bincount(place.ravel(), minlength=K * len(codes))
        pairs = np.flatnonzero(times)
        number = np.cumsum(times > 0) - 1
        common = times.reshape(-1, K).argmax(1)
        cell, scene = np.nonzero(codes != common[:, None])
        return cls(
            pairs // K,
            pairs % K,
            number[place[:, 0] - codes[:, 0] + common],
            number[place[cell, scene]],
            scene,
        )

    def mass(self, weights: np.ndarray) -> np.ndarray:
        """Probability of each pair (P,) when scenes have these probabilities (D,)."""
        mass = np.bincount(self.pair, weights[self.scene], len(self.cell))
        mass[self.common] = np.maximum(0, 1 - np.bincount(self.cell, mass))
        return mass


class Banks:
    """The banks of one codebook, number of scenes and seed, by spec; `None` is the world at large.

    A bank depends on what the spec states and on nothing else: not on the order in which banks are asked
    for, nor on the kind or the name of the prompt. `folder`: where banks are cached, None for memory only.
    """

    def __init__(self, patches: PatchCodes, scenes: int, seed: int, folder: Path | None):
        self.patches, self.scenes, self.seed, self.folder = patches, scenes, seed, folder
        self.codebook = hashlib.sha256(patches.means.tobytes()).hexdigest()
        self._held: OrderedDict[Spec | None, Bank] = OrderedDict()
        self._bytes = 0

    def __getitem__(self, spec: Spec | None) -> Bank:
        spec = stated(spec)
        if spec in self._held:
            self._held.move_to_end(spec)
            return self._held[spec]
        bank = self._cached(spec)
        self._held[spec] = bank
        self._bytes += bank.codes.nbytes
        while self._bytes > KEPT and len(self._held) > 1:
            self._bytes -= self._held.popitem(last=False)[1].codes.nbytes
        return bank

    def key(self, spec: Spec | None) -> str:
        """Everything that decides what is in the bank, hashed."""
        what = [plain(spec), self.scenes, self.seed, self.codebook, world_sha256()]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()

    def _cached(self, spec: Spec | None) -> Bank:
        if self.folder is None:
            return self.make(spec)
        key = self.key(spec)
        path = self.folder / "scenes" / key[:2] / f"{key}.bank"
        bank = read(path)
        if bank is None:
            bank = self.make(spec)
            write(path, bank)
        return bank

    def make(self, spec: Spec | None) -> Bank:
        return Bank(*token_grids(spec, self.patches, self.scenes, self.seed))


@lru_cache(maxsize=2)
def world_sha256(package: Path = PACKAGE) -> str:
    """A hash of the code that decides what is in a bank: when that code changes, banks are made anew."""
    return sha256_of("ladr.backbones.exact.scenes", package=package)


def cache_folder() -> Path:
    """LADR_CACHE, or `ladr` in the user's cache folder."""
    named = os.environ.get("LADR_CACHE")
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ladr"


def write(path: Path, bank: Bank) -> None:
    """Store a bank behind its own sha256, atomically; where nothing can be written, nothing is."""
    packed = zlib.compress(save({"codes": bank.codes, "counts": bank.counts}), 6)
    with contextlib.suppress(LadrError):
        write_bytes(path, hashlib.sha256(packed).digest() + packed)


def read(path: Path) -> Bank | None:
    """The bank stored there; None if there is none or if a byte of it has changed."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(data[32:]).digest() != data[:32]:
        return None
    try:
        parts = load(zlib.decompress(data[32:]))
        return Bank(parts["codes"], parts["counts"])
    except (zlib.error, SafetensorError, KeyError):
        return None
