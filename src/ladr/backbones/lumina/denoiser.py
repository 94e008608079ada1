"""Guided passes of the transformer over the images of one decode call, with and without a cache."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ladr.backbones.lumina.attention import grouped
from ladr.backbones.lumina.between import LastLayer, between
from ladr.backbones.lumina.compiled import Compiled
from ladr.backbones.lumina.llada import KV, LLaDA
from ladr.backbones.lumina.packing import Frame, Pack
from ladr.decoding.caches import Recompute
from ladr.decoding.denoiser import Denoiser
from ladr.decoding.view import MASK


@dataclass
class CachedPass:
    """What a cached pass leaves behind, at every packed place.

    logits (total, K) are each branch's own, before guidance; peak (total,) is their maximum; ids (total,)
    what stood there when last computed; fresh (S,) marks sequences never computed; gap (B, N, K) is
    conditional minus unconditional; queries (total, heads, D) are the last layer's, if they are asked for.
    """

    kv: KV
    logits: Tensor
    peak: Tensor
    ids: Tensor
    fresh: Tensor
    gap: Tensor | None = None
    queries: Tensor | None = None


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
        compiled: Compiled | None = None,
    ):
        """texts: the id vector of each prompt; blank: the unconditional one; exact: guidance in float32;
        compiled: what of a pass is compiled."""
        self.model, self.frame, self.compiled = model, frame, compiled
        self.texts, self.blank = texts, blank
        self.guidance, self.exact = guidance, exact
        self.branches = 2 if guidance > 0 else 1
        self.rows: list[int] = []
        self.cached: CachedPass | None = None
        self.conditional: Tensor | None = None
        self.everywhere = self.attends = False
        self.attention: Tensor | None = None

    @torch.no_grad()
    def logits(
        self, tokens: Tensor, rows: Tensor, *, t: Tensor | None = None, recompute: Any = None
    ) -> Tensor:
        """See `ladr.decoding.denoiser.Denoiser`; the model has no time input, so `t` is not read."""
        self.lay_out(rows.tolist())
        masked = tokens == MASK
        codes = torch.where(masked, self.frame.mask, tokens + self.frame.image_offset).flatten(1)
        ids = self.pack.fill(codes.repeat(self.branches, 1))
        cells = torch.ones_like(masked) if self.everywhere else masked
        if recompute is None:
            self.cached = None
            logits = self._full_pass(ids, cells.flatten(1))
        else:
            logits = self._cached_pass(ids, cells.flatten(1), recompute)
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
        before = self.rows
        old = getattr(self, "pack", None)
        texts = [self.texts[row] for row in rows] + [self.blank] * (len(rows) * (self.branches - 1))
        self.rows = rows
        self.pack = Pack(texts, self.frame)
        self.turn = self.model.turn(self.pack.positions)
        self.full = grouped(self.pack.lengths, self.pack.lengths)
        if self.cached is not None and old is not None:
            self.cached = self._moved(self.cached, old, before)

    def _moved(self, cached: CachedPass, old: Pack, before: list[int]) -> CachedPass:
        """What was cached for the rows `before`, packed as `old`, in the places of the rows now."""
        from_row = [before.index(row) if row in before else None for row in self.rows]
        came_from = [
            None if b is None else b + j * len(before) for j in range(self.branches) for b in from_row
        ]
        source = self.pack.source(old, came_from)
        return CachedPass(
            kv=cached.kv.moved(source),
            logits=cached.logits[source],
            peak=cached.peak[source],
            ids=cached.ids[source],
            fresh=torch.tensor([c is None or bool(cached.fresh[c]) for c in came_from], device=source.device),
            gap=None if cached.gap is None else cached.gap[[b or 0 for b in from_row]],
            queries=None if cached.queries is None else cached.queries[source],
        )

    def _full_pass(self, ids: Tensor, cells: Tensor) -> Tensor:
        """The guided logits (M, K) of the cells (B, N) bool, everything computed anew."""
        B = len(cells)
        want, counts = self.pack.places(cells.repeat(self.branches, 1))
        last = want, grouped(counts, self.pack.lengths)
        seen = LastLayer() if self.attends else None
        hidden = self.model.run(ids, self.turn, self.full, last=last, compiled=self.compiled, watch=seen)
        parts = self.pack.unsorted(hidden.split(counts))
        if seen is not None:
            asking = self.pack.unsorted(seen.q.split(counts))[:B]
            self.attention = between(asking, seen.k, self.pack, cells)
        cond, *uncond = (self._head(torch.cat(parts[b : b + B])) for b in range(0, len(parts), B))
        return self._guide(cond, *uncond)

    def _head(self, hidden: Tensor) -> Tensor:
        lo = self.frame.image_offset
        logits = self.model.head(hidden, lo, lo + self.frame.codebook)
        return logits.float() if self.exact else logits

    def _guide(self, cond: Tensor, uncond: Tensor | None = None) -> Tensor:
        self.conditional = cond
        return cond if uncond is None else (1 + self.guidance) * cond - self.guidance * uncond

    def _cached_pass(self, ids: Tensor, cells: Tensor, plan: Recompute) -> Tensor:
        """The guided logits (M, K) of the cells (B, N) bool, where only a part of the places is computed."""
        cached = self._cache_of(ids)
        chosen = self._chosen(ids, plan)
        counts = self.pack.counts(chosen)
        at = chosen.nonzero()[:, 0]
        groups = grouped(counts, self.pack.lengths)
        if len(at):
            turn = self.turn.at(at)
            seen = LastLayer() if self.attends else None
            hidden = self.model.run(
                ids[at], turn, groups, kv=cached.kv, at=at, compiled=self.compiled, watch=seen
            )
            if seen is not None:
                self._remember(cached, seen.q, at)
            logits = self._head(hidden)
            cached.logits[at] = logits
            cached.peak[at] = logits.amax(-1).float()
        if self.attends and cached.queries is not None:
            places = zip(self.pack.cells, cells, strict=False)  # the conditional sequences stand first
            asking = [cached.queries[all_of[chosen]] for all_of, chosen in places]
            self.attention = between(asking, cached.kv.k[-1], self.pack, cells)
        guided = self._guided_from(cached, cells, plan)
        plan.cost = self._note(cached, chosen, ids, counts)
        return guided

    @staticmethod
    def _remember(cached: CachedPass, q: Tensor, at: Tensor) -> None:
        """Keep the queries q (n, heads, D) that were computed at the places `at` (n,)."""
        if cached.queries is None:
            cached.queries = torch.zeros_like(cached.kv.k[-1])
        cached.queries[at] = q

    def _guided_from(self, cached: CachedPass, cells: Tensor, plan: Recompute) -> Tensor:
        """The guided logits (M, K) of the cells (B, N) bool from what is cached, computed now or earlier."""
        branches = self._places(cells)
        if plan.uncond is not None and self.branches == 2:
            cond = self._guide(cached.logits[branches[0]])
            gap = self._gap(cached, plan.uncond)
            if plan.strength is not None:
                gap = gap * plan.strength.to(gap)[:, None, None]
            return cond + self.guidance * gap[cells]
        cond, *uncond = (cached.logits[places] for places in branches)
        return self._guide(cond, *uncond)

    def _places(self, cells: Tensor) -> list[Tensor]:
        """For each branch the packed places (M,) of the cells (B, N) bool."""
        return [places[cells] for places in self.pack.cells.split(len(cells))]

    def _cache_of(self, ids: Tensor) -> CachedPass:
        """What is cached; before the first cached pass, room for it."""
        if self.cached is None:
            weight, total = self.model.body["wte"].weight, self.pack.total
            logits = weight.new_zeros(total, self.frame.codebook, dtype=torch.float32 if self.exact else None)
            fresh = torch.ones(len(self.pack.order), dtype=torch.bool, device=ids.device)
            kv = KV(self.model.config, total, weight)
            self.cached = CachedPass(kv, logits, logits.new_zeros(total, dtype=torch.float32), ids, fresh)
        return self.cached

    def _chosen(self, ids: Tensor, plan: Recompute) -> Tensor:
        """(total,) bool: the places to recompute."""
        pack, cached = self.pack, self._cache_of(ids)
        full = torch.ones_like(cached.fresh) if plan.full is None else plan.full.repeat(self.branches)
        chosen = pack.spread(full | cached.fresh)
        if plan.full is not None and plan.share > 0:
            chosen = chosen | self._lowest(cached.peak, plan.share)
        if plan.cells is not None:
            chosen[torch.cat(self._places(plan.cells.flatten(1)))] = True
        if plan.changed:
            chosen = chosen | (ids != cached.ids)
        if plan.uncond is not None and self.branches == 2:
            uncond = plan.uncond.to(cached.fresh.device).expand(len(self.rows))
            runs = torch.cat((torch.ones_like(uncond), uncond)) | cached.fresh
            chosen = chosen & pack.spread(runs)
        return chosen

    def _lowest(self, peak: Tensor, share: float) -> Tensor:
        """(total,) bool: of each sequence the places whose peak is at most the `share` quantile (linear
        interpolation)."""
        parts = []
        for start, rows, length in self.pack.runs():
            part = peak[start : start + rows * length].view(rows, length)
            parts.append((part <= torch.quantile(part, share, dim=1, keepdim=True)).flatten())
        return torch.cat(parts)

    def _note(self, cached: CachedPass, chosen: Tensor, ids: Tensor, counts: list[int]) -> Tensor:
        """Note which places were computed; (B,) the share of a full pass that each row came to."""
        pack, B = self.pack, len(self.rows)
        cached.ids = torch.where(chosen, ids, cached.ids)
        cached.fresh = torch.zeros_like(cached.fresh)
        share = [0.0] * len(counts)
        for s, count, length in zip(pack.order, counts, pack.lengths, strict=True):
            share[s] = count / length
        return torch.tensor([sum(share[b::B]) / self.branches for b in range(B)])

    def _gap(self, cached: CachedPass, uncond: Tensor) -> Tensor:
        """(B, N, K) conditional minus unconditional logits, renewed for the rows that ran both branches."""
        B = len(self.rows)
        conditional, unconditional = (cached.logits[places] for places in self.pack.cells.split(B))
        gap = conditional - unconditional
        if cached.gap is not None:
            ran = (uncond.to(cached.fresh.device) | cached.fresh[:B])[:, None, None]
            gap = torch.where(ran, gap, cached.gap)
        cached.gap = gap
        return gap
