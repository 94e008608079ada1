"""Sequences of unequal length laid end to end: no padding, no mask, one attention call per run of equals."""

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

import torch
from torch import Tensor


class Frame(NamedTuple):
    """What every sequence has after its text: the ids `tail`, in which image cells stand at `cells` (N,)."""

    mask: int
    image_offset: int
    codebook: int
    tail: Tensor
    cells: Tensor


class Pack:
    """S sequences (text, then the image block and its marks), packed in order of length.

    ids (total,) with the mask id at image cells; positions (total,) count within each sequence; owner
    (total,) is the sequence of each place; cells (S, N) are the packed places of the image cells, row-major,
    sequence s in the order given; order and lengths are in packed order.
    """

    def __init__(self, texts: list[Tensor], frame: Frame):
        """texts: the S id vectors that stand before the frame."""
        tail = frame.tail
        self.order = sorted(range(len(texts)), key=lambda s: len(texts[s]))
        self.lengths = [len(texts[s]) + len(tail) for s in self.order]
        device = tail.device
        starts = [0] * len(texts)
        at = 0
        for s, length in zip(self.order, self.lengths, strict=True):
            starts[s], at = at, at + length
        self.starts, self.total = starts, at
        self.ids = torch.cat([part for s in self.order for part in (texts[s], tail)])
        self.positions = torch.cat([torch.arange(n, device=device) for n in self.lengths])
        offsets = [start + len(text) for start, text in zip(starts, texts, strict=True)]
        self.cells = torch.tensor(offsets, device=device)[:, None] + frame.cells
        self._order = torch.tensor(self.order, device=device)
        self._cells = self.cells[self._order]
        pairs = list(zip(self.order, self.lengths, strict=True))
        self.owner = torch.cat([torch.full((n,), s, device=device) for s, n in pairs])

    def fill(self, codes: Tensor) -> Tensor:
        """The packed ids (total,) with image ids `codes` (S, N) in place."""
        ids = self.ids.clone()
        ids[self.cells] = codes
        return ids

    def places(self, chosen: Tensor) -> tuple[Tensor, list[int]]:
        """(S, N) bool over image cells -> their packed places, ascending, and how many each sequence has, in
        packed order."""
        chosen = chosen[self._order]
        return self._cells[chosen], chosen.sum(1).tolist()

    def unsorted(self, parts: Sequence[Tensor]) -> list[Tensor]:
        """One part per sequence in packed order -> the parts in the order that the sequences were given."""
        return [part for _, part in sorted(zip(self.order, parts, strict=True), key=itemgetter(0))]

    def counts(self, flags: Tensor) -> list[int]:
        """How many flagged places each sequence has, in packed order."""
        per = torch.zeros(len(self.order), dtype=torch.int64, device=flags.device)
        per.index_add_(0, self.owner, flags.long())
        return per[self._order].tolist()

    def spread(self, per_sequence: Tensor) -> Tensor:
        """(S,) -> (total,): each place gets its sequence's value."""
        return per_sequence[self.owner]

    def runs(self) -> list[tuple[int, int, int]]:
        """(start, rows, length) of each run of equal lengths."""
        out: list[tuple[int, int, int]] = []
        at = 0
        for length in self.lengths:
            if out and out[-1][2] == length:
                start, rows, _ = out[-1]
                out[-1] = (start, rows + 1, length)
            else:
                out.append((at, 1, length))
            at += length
        return out

    def source(self, old: "Pack", came_from: list[int | None]) -> Tensor:
        """(total,): where in `old` each place was, sequence s being its came_from[s]; 0 for new ones."""
        where = []
        for s, length in zip(self.order, self.lengths, strict=True):
            was = came_from[s]
            where.append(torch.zeros(length, dtype=torch.int64))
            if was is not None:
                torch.arange(old.starts[was], old.starts[was] + length, out=where[-1])
        return torch.cat(where).to(self.ids.device)
