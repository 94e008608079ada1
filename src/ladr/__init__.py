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
