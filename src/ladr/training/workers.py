"""Training samples made ahead of time in other processes, so that an accelerator need not wait for them."""

import multiprocessing
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from ladr.base.errors import FailedError
from ladr.training.data import Sample

CHUNK = 64  # samples per message
AHEAD = 4  # chunks per process on their way
LOOK = 1.0  # seconds between two looks at whether the processes are still there
Make = Callable[[int, int, int], Sample]


class Workers(AbstractContextManager):
    """`count` processes that make samples with `make`, a function of (seed, number, early).

    With 0 of them the samples are made where they are asked for.
    """

    def __init__(self, count: int, make: Make):
        self.count, self.make = count, make
        self.pool, self.processes = pool_of(count) if count else (None, [])

    def __exit__(self, *_: object) -> None:
        if self.pool is not None:
            self.pool.terminate()
            self.pool.join()

    def source(self, seed: int, stride: int, early: int = 0) -> Callable[[int], Sample] | None:
        """What makes the samples of a stream that asks for every `stride`-th number; None: it does itself."""
        if self.pool is None:
            return None
        chunk, chunks = partial(chunk_of, self.make, seed, early), AHEAD * self.count
        return Ahead(self.pool, chunk, stride, chunks, self.processes)


class Ahead:
    """Sample by number. After each number asked for, the ones that come next are on their way already.

    `chunk` makes the samples of a range of numbers, in one of the `processes` of the pool.
    """

    def __init__(
        self,
        pool: Any,
        chunk: Callable[[range], list],
        stride: int,
        chunks: int,
        processes: Sequence[Any] = (),
    ):
        self.pool, self.chunk, self.stride, self.chunks = pool, chunk, stride, chunks
        self.processes = processes
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
            self.coming.append(self.pool.apply_async(self.chunk, (numbers,)))
            self.end = numbers.stop
        while number not in self.here:
            self.here.update(awaited(self.coming.popleft(), self.processes))
        return self.here.pop(number)


def chunk_of(make: Make, seed: int, early: int, numbers: range) -> list[tuple[int, Sample]]:
    """The samples of these numbers with their numbers, as a worker process makes them."""
    return [(number, make(seed, number, early)) for number in numbers]


def pool_of(count: int) -> tuple[Any, list[Any]]:
    """A pool and its processes, so many that an interrupt does not reach, from their first line on: it is for
    the process that started them, which ends the others."""
    others = multiprocessing.active_children()
    with _deaf():
        pool = multiprocessing.get_context("spawn").Pool(count)
    return pool, [one for one in multiprocessing.active_children() if one not in others]


@contextmanager
def _deaf() -> Iterator[None]:
    """What is started here ignores interrupts. The main thread alone may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def awaited(answer: Any, processes: Sequence[Any]) -> Any:
    """What a pool answers; FailedError once one of its processes was killed. The pool itself would wait for
    ever."""
    while not answer.ready():
        answer.wait(LOOK)
        if not all(process.is_alive() for process in processes) and not answer.ready():
            raise FailedError("a process was killed, perhaps as memory was short; use fewer processes")
    return answer.get()
