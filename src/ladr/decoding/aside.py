"""Complete pictures that are put aside while their images are decoded once more."""

from ladr.base.errors import LadrError
from ladr.base.late import Tensor
from ladr.decoding.view import MASK, Commit, View


class Aside:
    """One picture of an image at most: its tokens, when its cells settled, and which a rescue committed."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[Tensor, Tensor, Tensor]] = {}

    def turn(
        self, view: View, commit: Commit, known: Tensor, tokens: Tensor, settled: Tensor, rescued: Tensor
    ) -> list[int]:
        """Put aside, wipe and take back what the commit says; return how many cells of each image are thrown
        away by it.

        tokens (B, H, W) of the live rows after the pass, settled and rescued (N, H, W) of all images are
        changed in place; known (N, H, W) bool stays.
        """
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
            elif over[row] and not best[row]:
                tokens[row], settled[i], rescued[i] = self._taken(i)
        return thrown

    def _taken(self, image: int) -> tuple[Tensor, Tensor, Tensor]:
        if image not in self._held:
            raise LadrError(f"policy: over ends image {image} with the picture put aside, and there is none")
        return self._held.pop(image)
