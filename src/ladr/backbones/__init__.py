"""Backbones by name. Each is imported when it is first asked for, so that a decode loads only its own.

A version is part of every cell's spec: raise it when the same settings and noise give other tokens. For the
mixture scenes count: its 2 proposes the unconditional ones with the shares that training has, in its 3 a
word begins at a multiple of its length.
"""

from importlib import import_module

from ladr.base.errors import LadrError, missing, nearest

BACKBONES = {
    "field": "ladr.backbones.exact.field:Field",
    "mixture": "ladr.backbones.exact.mixture:Mixture",
    "shapes": "ladr.backbones.lumina.dimoo:shapes",
    "lumina-dimoo": "ladr.backbones.lumina.dimoo:lumina",
    "amused": "ladr.backbones.amused.amused:load",
}
VERSIONS = {"field": 1, "mixture": 3, "shapes": 1, "lumina-dimoo": 1, "amused": 1}


def load(name: str, **settings):
    """The backbone of that name with its own settings."""
    if name not in BACKBONES:
        raise LadrError(f"backbone: {name!r} is not known{nearest(name, BACKBONES)}")
    module, attribute = BACKBONES[name].split(":")
    try:
        return getattr(import_module(module), attribute)(**settings)
    except ModuleNotFoundError as error:
        raise LadrError(f"backbone {name}: {missing(error)}") from None
