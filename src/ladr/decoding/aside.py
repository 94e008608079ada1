"""Complete pictures that are put aside while their images are decoded once more."""

from dataclasses import replace

from ladr.base.errors import LadrError
from ladr.base.late import Tensor, torch
from ladr.decoding.view import MASK, Commit, View


class Aside:
    """One picture of an image at most: its tokens, when its cells settled, and which a rescue committed.

    anew: the images that the last pass wiped.
    """

    def __init__(self) -> None:
        self.anew: set[int] = set()
        self._held: dict[int, tuple[Tensor, Tensor, Tensor]] = {}
        self._since: dict[int, int] = {}  # the passes of an image before it was last wiped

    def turn(
        self, view: View, commit: Commit, known: Tensor, tokens: Tensor, settled: Tensor, rescued: Tensor
    ) -> list[int]:
        """Put aside, wipe and take back what the commit says; return how many cells of each image are thrown
        away by it.

        tokens (B, H, W) of the live rows after the pass, settled and rescued (N, H, W) of all images are
        changed in place; known (N, H, W) bool stays.
        """
        self.anew = set()
        flags = (commit.best, commit.again, commit.over)
        if all(which is None for which in flags):
            return [0] * len(view.images)
        best, again, over = (
            [False] * len(view.images) if which is None else which.tolist() for which in flags
        )
        thrown = []
        for row, i in enumerate(view.images):
            committed = view.initial[row] - int((tokens[row] == MASK).sum())
            thrown.append(committed if again[row] or over[row] else 0)
            if best[row]:
                thrown[row] = view.initial[row] if i in self._held else 0
                self._held[i] = tokens[row].clone(), settled[i].clone(), rescued[i].clone()
            if again[row]:
                tokens[row] = tokens[row].masked_fill(~known[i], MASK)
                settled[i], rescued[i] = -1, False
                self.anew.add(i)
                self._since[i] = view.step[row] + 1
            elif over[row] and not best[row]:
                tokens[row], settled[i], rescued[i] = self._taken(i)
            if not bool((tokens[row] == MASK).any()):
                self._held.pop(i, None)
        return thrown

    def rebased(self, previous: View | None, tokens: Tensor) -> View | None:
        """The previous view as a cache is to see it, tokens (B, H, W) being those of the coming pass.

        The passes of an image are counted from where it was last wiped, and one just wiped has had none.
        """
        if previous is None or not self._since:
            return previous
        step = [s - self._since.get(i, 0) for s, i in zip(previous.step, previous.images, strict=True)]
        rows = torch.tensor([i in self.anew for i in previous.images], device=tokens.device)[:, None, None]
        return replace(
            previous,
            step=step,
            tokens=torch.where(rows, tokens, previous.tokens),
            began=torch.where(rows, tokens == MASK, previous.began),
            just_committed=previous.just_committed & ~rows,
        )

    def _taken(self, image: int) -> tuple[Tensor, Tensor, Tensor]:
        if image not in self._held:
            raise LadrError(f"policy: over ends image {image} with the picture put aside, and there is none")
        return self._held.pop(image)
