"""What may happen to a cell between two passes of a decode."""

import torch
from torch import Tensor

from ladr.decoding.checks import settle
from ladr.decoding.policies import Policy
from ladr.decoding.view import MASK, View

ANY = -2  # any code at all


class Staying:
    """An `on_step` that expects every image to begin a pass as the pass before left it.

    A cell that was committed keeps its code, one that was not stays masked, and one that is taken has a code.
    Exceptions are what the policy's commit says: cells that it drops are masked, those that it rewrites have
    any code, an image that it begins anew is `start` (N, H, W) again, and one that it ends may be any whole
    picture. `kept` counts how often a cell that was committed was expected to keep its code, `dropped`,
    `rewritten` and `begun` the exceptions.
    """

    def __init__(self, policy: Policy, start: Tensor):
        self.policy, self.start = policy, start
        self.expected: dict[int, Tensor] = {}
        self.kept = self.dropped = self.rewritten = self.begun = 0

    def __call__(self, view: View, take: Tensor) -> None:
        commit = settle(self.policy, view, (self.start != MASK)[view.images])
        assert torch.equal(commit.take, take)
        after = view.tokens.masked_fill(take, ANY)
        if commit.rewrite is not None:
            after = after.masked_fill(commit.rewrite, ANY)
            self.rewritten += int(commit.rewrite.sum())
        if commit.drop is not None:
            after = after.masked_fill(commit.drop, MASK)
            self.dropped += int(commit.drop.sum())
        for row, image in enumerate(view.images):
            self.check(image, view.tokens[row])
            self.expected[image] = after[row]
            if commit.again is not None and commit.again[row]:
                self.expected[image] = self.start[image]
                self.begun += 1
            elif commit.over is not None and commit.over[row]:
                self.expected[image] = torch.full_like(after[row], ANY)

    def check(self, image: int, tokens: Tensor) -> None:
        """Are the tokens (H, W) of an image what the pass before left?"""
        expected = self.expected.get(image, self.start[image])
        free = expected == ANY
        assert torch.equal(tokens[~free], expected[~free]), f"image {image}"
        assert bool((tokens[free] >= 0).all()), f"image {image}"
        self.kept += int((expected >= 0)[self.start[image] == MASK].sum())

    def end(self, tokens: Tensor) -> None:
        """Are the tokens (N, H, W) of the result what the last pass of each image left?"""
        for image, own in enumerate(tokens):
            self.check(image, own)
