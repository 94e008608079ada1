"""torch, imported when one of its names is first used: reading params and listing cells must not wait for it.

The modules that a policy's fields are checked with say `from ladr.base.late import torch`; all others
import torch itself. `Late` does the same for other heavy modules.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any


class Late:
    """A module that need not be imported yet: each of its names is looked up when it is asked for."""

    def __init__(self, module: str):
        self.__name__ = module

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.modules.get(self.__name__) or import_module(self.__name__), name)

    def __repr__(self) -> str:
        return f"<{self.__name__}, when it is used>"


if TYPE_CHECKING:
    import torch
    import torch.nn.functional as functional
    from torch import Tensor
else:
    torch, functional = Late("torch"), Late("torch.nn.functional")
    Tensor = Any  # in annotations only

__all__ = ["Late", "Tensor", "functional", "torch"]
