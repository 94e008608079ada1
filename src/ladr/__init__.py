"""LADR: training-free acceleration of masked text-to-image models."""

from ladr import policies
from ladr.decode import Decoded, decode
from ladr.errors import LadrError
from ladr.policies import LADR, POLICIES, build
from ladr.view import MASK, Commit, View

__all__ = [
    "LADR",
    "MASK",
    "POLICIES",
    "Commit",
    "Decoded",
    "LadrError",
    "View",
    "build",
    "decode",
    "policies",
]


def __getattr__(name: str):
    """`LADRScheduler` is imported when asked for: it needs diffusers, which takes seconds to load."""
    if name == "LADRScheduler":
        from ladr.scheduler import LADRScheduler

        return LADRScheduler
    raise AttributeError(f"module 'ladr' has no attribute {name!r}")
