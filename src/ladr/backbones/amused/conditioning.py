"""What the network of aMUSEd is told beside the prompt, as settings of the backbone."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ladr.base.errors import LadrError, nearest

LOADING = ("network", "size", "dtype", "device", "revision", "adapter")


@dataclass(frozen=True)
class Conditioning:
    """What the network is told beside the prompt.

    guidance g: uncond + g (cond - uncond), from 1, which is none. negative: the text of the unconditional
    branch. aesthetic, crop: the rest of the micro-conditioning.
    """

    guidance: float = 10.0
    negative: str = ""
    aesthetic: float = 6.0
    crop: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if not self.guidance >= 1:
            raise LadrError(f"guidance: {self.guidance!r} is not allowed; a number from 1 (no guidance) up")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Conditioning":
        """From the settings of a backbone; an unknown one is refused."""
        known = [field.name for field in fields(cls)]
        for name in settings:
            if name not in known:
                raise LadrError(f"backbone: no setting {name!r}{nearest(name, [*known, *LOADING])}")
        return cls(**settings)
