"""How many threads torch gets, and how many are best for a model on this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Below SMALL parameters one thread is best. Threads wait for each other: on a machine whose cores are busy,
# a small model takes ten times as long with all cores as with one. Below MEDIUM a few threads are enough.
SMALL = 20_000_000
MEDIUM = 200_000_000
FEW = 4


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch use `count` threads, and as many as before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def threads_for(parameters: int, free: int) -> int:
    """The threads for a model with that many parameters where `free` cores have nothing to do."""
    if parameters < SMALL:
        return 1
    return max(1, min(free, FEW) if parameters < MEDIUM else free)


def free_cores() -> int:
    """The cores that this process may use, less those that had work in the last minute; at least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1, cores - round(busy))


def parameters_of(backbone: Any) -> int:
    """The number of a backbone's weights; 0 for an exact model."""
    from torch.nn import Module

    modules = [value for value in vars(backbone).values() if isinstance(value, Module)]
    return sum(weight.numel() for module in modules for weight in module.parameters())
