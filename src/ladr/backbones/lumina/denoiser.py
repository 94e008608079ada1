"""Guided passes of the transformer over the images of one decode call, with and without a cache."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ladr.backbones.lumina.attention import grouped
from ladr.backbones.lumina.compiled import Front
from ladr.backbones.lumina.llada import KV, LLaDA
from ladr.backbones.lumina.packing import Frame, Pack
from ladr.decoding.denoiser import Denoiser
from ladr.decoding.view import MASK


@dataclass
class Memory:
    """What a cached pass leaves behind, at every packed place.

    logits (total, K) are each branch's own, before guidance; peak (total,) is their maximum; ids (total,)
    what stood there when last computed; fresh (S,) marks sequences never computed; gap (B, N, K) is
    conditional minus unconditional.
    """

    kv: KV
    logits: Tensor
    peak: Tensor
    ids: Tensor
    fresh: Tensor
    gap: Tensor | None = None


class GuidedDenoiser(Denoiser):
    """Logits after guidance, (1 + s) cond - s uncond, packed (M, K) for the M masked cells.

    Both branches run in one batch. Without a cache the last layer and the head work at masked cells only.
    `conditional` (M, K) is the last call's conditional branch alone. With `everywhere` the answer is dense,
    (B, H, W, K), observed cells included.
    """

    def __init__(
        self,
        model: LLaDA,
        frame: Frame,
        texts: list[Tensor],
        blank: Tensor,
        guidance: float,
        exact: bool,
        front: Front | None = None,
    ):
        """texts: the id vector of each prompt; blank: the unconditional one; exact: guidance in float32;
        front: compiled layers for the passes without a cache."""
        self.model, self.frame, self.texts, self.blank = model, frame, texts, blank
        self.guidance, self.exact, self.front = guidance, exact, front
        self.branches = 2 if guidance > 0 else 1
        self.rows: list[int] = []
        self.memory: Memory | None = None
        self.conditional: Tensor | None = None
        self.everywhere = False

    @torch.no_grad()
    def logits(
        self, tokens: Tensor, rows: Tensor, *, t: Tensor | None = None, recompute: Any = None
    ) -> Tensor:
        """See `ladr.decoding.denoiser.Denoiser`; the model has no time input, so `t` is not read."""
        self.lay_out(rows.tolist())
        masked = tokens == MASK
        codes = torch.where(masked, self.frame.mask, tokens + self.frame.image_offset).flatten(1)
        ids = self.pack.fill(codes.repeat(self.branches, 1))
        asked = torch.ones_like(masked) if self.everywhere else masked
        if recompute is None:
            self.memory = None
            logits = self._plain(ids, asked.flatten(1))
        else:
            logits = self._cached(ids, asked.flatten(1), recompute)
        if not self.everywhere:
            return logits
        self.conditional = self.conditional[masked.flatten()]
        return logits.unflatten(0, masked.shape)

    def keep(self, live: Tensor) -> None:
        """Forget the rows that are not `live` (B,)."""
        self.lay_out([row for row, on in zip(self.rows, live.tolist(), strict=True) if on])

    def lay_out(self, rows: list[int]) -> None:
        """Pack the sequences of the prompts `rows`, conditional first; what is cached moves along."""
        if rows == self.rows:
            return
        old, was = getattr(self, "pack", None), self.rows
        texts = [self.texts[row] for row in rows] + [self.blank] * (len(rows) * (self.branches - 1))
        self.rows, self.pack = rows, Pack(texts, self.frame)
        self.turn = self.model.turn(self.pack.positions)
        self.full = grouped(self.pack.lengths, self.pack.lengths)
        if self.memory is not None:
            self._move(old, was)

    def _move(self, old: Pack, was: list[int]) -> None:
        from_row = [was.index(row) if row in was else None for row in self.rows]
        came_from = [None if b is None else b + j * len(was) for j in range(self.branches) for b in from_row]
        source, m = self.pack.source(old, came_from), self.memory
        fresh = torch.tensor([c is None or bool(m.fresh[c]) for c in came_from], device=source.device)
        gap = None if m.gap is None else m.gap[[b or 0 for b in from_row]]
        self.memory = Memory(m.kv.moved(source), m.logits[source], m.peak[source], m.ids[source], fresh, gap)

    def _plain(self, ids: Tensor, asked: Tensor) -> Tensor:
        pack, B = self.pack, len(asked)
        want, counts = pack.places(asked.repeat(self.branches, 1))
        ask = want, grouped(counts, pack.lengths)
        hidden = self.model.run(ids, self.turn, self.full, last=ask, front=self.front)
        parts = pack.unsorted(hidden.split(counts))
        cond, *uncond = (self._head(torch.cat(parts[b : b + B])) for b in range(0, len(parts), B))
        return self._guide(cond, *uncond)

    def _cells(self, asked: Tensor) -> list[Tensor]:
        """For each branch the packed places (M,) of the cells `asked` (B, N)."""
        return [cells[asked] for cells in self.pack.cells.split(len(asked))]

    def _head(self, hidden: Tensor) -> Tensor:
        lo = self.frame.image_offset
        logits = self.model.head(hidden, lo, lo + self.frame.codebook)
        return logits.float() if self.exact else logits

    def _guide(self, cond: Tensor, uncond: Tensor | None = None) -> Tensor:
        self.conditional = cond
        return cond if uncond is None else (1 + self.guidance) * cond - self.guidance * uncond

    def _cached(self, ids: Tensor, asked: Tensor, plan: Any) -> Tensor:
        pack, memory = self.pack, self._remember(ids)
        chosen = self._chosen(ids, plan)
        counts = pack.counts(chosen)
        at = chosen.nonzero()[:, 0]
        groups = grouped(counts, pack.lengths)
        if len(at):
            hidden = self.model.run(ids[at], self.turn.at(at), groups, kv=memory.kv, at=at)
            new = self._head(hidden)
            memory.logits[at], memory.peak[at] = new, new.amax(-1).float()
        logits = self._remembered(asked, plan)
        plan.cost = self._note(chosen, ids, counts)
        return logits

    def _remembered(self, asked: Tensor, plan: Any) -> Tensor:
        """The guided logits (M, K) of the cells asked for, as remembered, new or old."""
        if plan.uncond is not None and self.branches == 2:
            cond = self._guide(self.memory.logits[self._cells(asked)[0]])
            gap = self._gap(plan)
            if plan.strength is not None:
                gap = gap * plan.strength.to(gap)[:, None, None]
            return cond + self.guidance * gap[asked]
        cond, *uncond = (self.memory.logits[cells] for cells in self._cells(asked))
        return self._guide(cond, *uncond)

    def _remember(self, ids: Tensor) -> Memory:
        if self.memory is None:
            weight, total = self.model.body["wte"].weight, self.pack.total
            logits = weight.new_zeros(total, self.frame.codebook, dtype=torch.float32 if self.exact else None)
            fresh = torch.ones(len(self.pack.order), dtype=torch.bool, device=ids.device)
            kv = KV(self.model.config, total, weight)
            self.memory = Memory(kv, logits, logits.new_zeros(total, dtype=torch.float32), ids, fresh)
        return self.memory

    def _chosen(self, ids: Tensor, plan: Any) -> Tensor:
        """(total,) bool: the places to recompute."""
        pack, memory = self.pack, self.memory
        full = torch.ones_like(memory.fresh) if plan.full is None else plan.full.repeat(self.branches)
        chosen = pack.spread(full | memory.fresh)
        if plan.full is not None and plan.share > 0:
            chosen = chosen | self._lowest(plan.share)
        if plan.cells is not None:
            chosen[torch.cat(self._cells(plan.cells.flatten(1)))] = True
        if plan.changed:
            chosen = chosen | (ids != memory.ids)
        if plan.uncond is not None and self.branches == 2:
            uncond = plan.uncond.to(memory.fresh.device).expand(len(self.rows))
            runs = torch.cat((torch.ones_like(uncond), uncond)) | memory.fresh
            chosen = chosen & pack.spread(runs)
        return chosen

    def _lowest(self, share: float) -> Tensor:
        """Of each sequence the places whose peak is at most the `share` quantile (linear interpolation)."""
        peak, out = self.memory.peak, []
        for start, rows, length in self.pack.runs():
            part = peak[start : start + rows * length].view(rows, length)
            out.append((part <= torch.quantile(part, share, dim=1, keepdim=True)).flatten())
        return torch.cat(out)

    def _note(self, chosen: Tensor, ids: Tensor, counts: list[int]) -> Tensor:
        """Remember what was computed; (B,) the share of a full pass that each row came to."""
        pack, memory, B = self.pack, self.memory, len(self.rows)
        memory.ids = torch.where(chosen, ids, memory.ids)
        memory.fresh = torch.zeros_like(memory.fresh)
        share = [0.0] * len(counts)
        for s, count, length in zip(pack.order, counts, pack.lengths, strict=True):
            share[s] = count / length
        return torch.tensor([sum(share[b::B]) / self.branches for b in range(B)])

    def _gap(self, plan: Any) -> Tensor:
        """(B, N, K) conditional minus unconditional logits, renewed for the rows that ran both branches."""
        memory, B = self.memory, len(self.rows)
        cond, uncond = (memory.logits[cells] for cells in self.pack.cells.split(B))
        if memory.gap is None:
            memory.gap = cond - uncond
        else:
            ran = (plan.uncond.to(memory.fresh.device) | memory.fresh[:B])[:, None, None]
            memory.gap = torch.where(ran, cond - uncond, memory.gap)
        return memory.gap
