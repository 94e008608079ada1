"""Training samples made ahead of time in other processes, so that an accelerator need not wait for them."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ladr.training.data import Sample, finished

CHUNK = 64  # samples per message
AHEAD = 4  # chunks per process on their way


class Workers(AbstractContextManager):
    """`count` processes that make samples; with 0 of them they are made where they are asked for."""

    def __init__(self, count: int):
        self.count = count
        self.pool = multiprocessing.get_context("spawn").Pool(count, _deaf) if count else None

    def __exit__(self, *_: object) -> None:
        if self.pool is not None:
            self.pool.terminate()
            self.pool.join()

    def source(self, seed: int, stride: int, early: int = 0) -> Callable[[int], Sample] | None:
        """What makes the samples of a stream that asks for every `stride`-th number; None: it does itself."""
        return Ahead(self.pool, seed, stride, AHEAD * self.count, early) if self.pool is not None else None


class Ahead:
    """Sample by number. After each number asked for, the ones that come next are on their way already."""

    def __init__(self, pool: Any, seed: int, stride: int, chunks: int, early: int = 0):
        self.pool, self.seed, self.stride, self.chunks, self.early = pool, seed, stride, chunks, early
        self.coming: deque[Any] = deque()  # chunks in the order of their numbers
        self.here: dict[int, Sample] = {}
        self.ask, self.end = 0, 0  # the number that is expected, and the first one not on its way

    def __call__(self, number: int) -> Sample:
        if number != self.ask:  # a stream begins, or goes on from a checkpoint
            self.coming.clear()
            self.here, self.end = {}, number
        self.ask = number + self.stride
        while len(self.coming) < self.chunks:
            numbers = range(self.end, self.end + CHUNK * self.stride, self.stride)
            self.coming.append(self.pool.apply_async(_chunk, (self.seed, numbers, self.early)))
            self.end = numbers.stop
        while number not in self.here:
            self.here.update(self.coming.popleft().get())
        return self.here.pop(number)


def _chunk(seed: int, numbers: range, early: int) -> list[tuple[int, Sample]]:
    return [(number, finished(seed, number, early)) for number in numbers]


def _deaf() -> None:
    """An interrupt is for the process that trains; it ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
