"""LADR: training-free acceleration of masked text-to-image models.

Names are imported when they are first used: torch takes seconds, and most commands do without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ladr.base.version import VERSION

if TYPE_CHECKING:
    from ladr.base.errors import LadrError
    from ladr.decoding import policies
    from ladr.decoding.loop import Decoded, decode
    from ladr.decoding.policies import LADR, POLICIES, build
    from ladr.decoding.view import MASK, Commit, View
    from ladr.integrations.diffusers import LADRScheduler
    from ladr.integrations.diffusers.lumina import LuminaDiMOOPipeline

__version__ = VERSION
__all__ = [
    "LADR",
    "MASK",
    "POLICIES",
    "Commit",
    "Decoded",
    "LADRScheduler",
    "LadrError",
    "LuminaDiMOOPipeline",
    "View",
    "__version__",
    "build",
    "decode",
    "policies",
]
HOMES = {
    "Decoded": "ladr.decoding.loop",
    "decode": "ladr.decoding.loop",
    "LadrError": "ladr.base.errors",
    "LADR": "ladr.decoding.policies",
    "POLICIES": "ladr.decoding.policies",
    "build": "ladr.decoding.policies",
    "LADRScheduler": "ladr.integrations.diffusers",
    "LuminaDiMOOPipeline": "ladr.integrations.diffusers.lumina",
    "MASK": "ladr.decoding.view",
    "Commit": "ladr.decoding.view",
    "View": "ladr.decoding.view",
}


def __getattr__(name: str) -> Any:
    if name == "policies":
        return import_module("ladr.decoding.policies")
    if name not in HOMES:
        raise AttributeError(f"module 'ladr' has no attribute {name!r}")
    globals()[name] = getattr(import_module(HOMES[name]), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
