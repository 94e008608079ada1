"""The models, one row each: how a backbone is loaded, its version, its weights, what it reads and who draws.

Call `load(name, **settings)` for a backbone and `kind(name)` for its row. A name is one of `BACKBONES`, or
`package.module:factory` for one from outside this package: no line of this package need change for it.
The folders hold the models: `lumina`, `amused`, `exact`, `random` (tiny, for tests), and `checkpoint`, which
reads checkpoint folders; training and speed may call into them. They import shapes, decoding and base. This
file imports no model and no torch.
"""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import Any, Literal

from ladr.backbones import dtypes
from ladr.backbones import settings as allowed
from ladr.backbones.checkpoint.hub import AMUSED, LUMINA
from ladr.base import outside
from ladr.base.errors import LadrError, missing, nearest, shown

Reads = Literal["text", "scene", "field"]


@dataclass(frozen=True)
class Kind:
    """One kind of backbone. A text `module:name` is imported when it is first used.

    load: the factory, called with the settings. version: part of every cell's spec; raise it when the same
    settings and noise give other tokens. reads: what the model reads of a prompt: its `text`, the `scene` in
    its meta, or the words of a Potts `field`. network: a network with trained weights, which takes the
    settings `device` and `dtype`.
    checkpoint: the setting that names a checkpoint folder (None: there is none). hub: the repository that is
    loaded when that setting is left out. marker: the file that a complete checkpoint has. weights: a function
    of this row and the settings, whose text changes with the weights (None: no weights). hashed: what that
    text is a hash of. renderer: a function of this row and the settings that draws tokens without loading
    what only decodes (None: the backbone draws).
    packages: what it needs beside torch. memory: gigabytes that it needs, or a function that tells them.
    settings: what each setting may be; None: whatever the factory has parameters for. caches: the caches that
    change what it computes; None: perhaps all.
    work: a function of this row and the settings that counts the operations of one guided pass.
    """

    name: str
    load: str
    version: int | str = 1
    reads: Reads = "text"
    network: bool = False
    checkpoint: str | None = None
    hub: str | None = None
    marker: str = "config.json"
    weights: str | None = None
    hashed: str = "weights"
    renderer: str | None = None
    packages: tuple[str, ...] = ()
    memory: float | str = 0.1
    settings: Mapping[str, allowed.Setting] | None = None
    caches: tuple[str, ...] | None = None
    work: str | None = None

    def reading(self, prompt: Any) -> Any:
        """What `bind` is handed for a prompt of a benchmark: the whole prompt, or its text."""
        return prompt if self.reads == "scene" else prompt.text

    def resolved(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings as they are on this machine: `dtype: auto` of a network is a dtype."""
        return dtypes.resolved(settings) if self.network else dict(settings)

    def identity(self, settings: Mapping[str, Any]) -> str | None:
        """A text that changes with the weights that these settings name, None for a backbone without."""
        return None if self.weights is None else _imported(self.weights)(self, settings)

    def drawing(self, settings: Mapping[str, Any]) -> Any:
        """Something whose `render(tokens)` draws as this backbone with these settings does."""
        if self.renderer is None:
            return load(self.name, **settings)
        return _imported(self.renderer)(self, settings)

    def mistakes(self, settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """(setting, what is wrong with it), without loading anything of this package's own."""
        if self.settings is None:
            return allowed.signature_mistakes(_imported(self.load), settings)
        return allowed.mistakes(self.settings, settings)

    def operations(self, settings: Mapping[str, Any]) -> float | None:
        """Floating-point operations of one guided pass over one image; None where nobody counted them."""
        return None if self.work is None else _imported(self.work)(self, settings)

    def gigabytes(self) -> float:
        """Memory that loading and one guided image need."""
        return _imported(self.memory)() if isinstance(self.memory, str) else self.memory


_CHECKPOINT = "ladr.backbones.checkpoint"
# The version of `mixture` counts its scenes: in version 2 it proposes the unconditional ones with the shares
# that training has, in version 3 a word begins at a multiple of its length.
BACKBONES: dict[str, Kind] = {
    row.name: row
    for row in (
        Kind("field", "ladr.backbones.exact.field:Field", reads="field", settings=allowed.FIELD, caches=()),
        Kind(
            "mixture",
            "ladr.backbones.exact.mixture:Mixture",
            version=3,
            reads="scene",
            checkpoint="folder",
            marker="patches.safetensors",
            weights=f"{_CHECKPOINT}.identity:of_codebook",
            hashed="codebook",
            memory=0.5,
            settings=allowed.MIXTURE,
            caches=("ramp",),
        ),
        Kind(
            "shapes",
            "ladr.backbones.lumina.dimoo:shapes",
            network=True,
            checkpoint="folder",
            weights=f"{_CHECKPOINT}.identity:of_embedded",
            renderer=f"{_CHECKPOINT}.renderer:of_dimoo",
            packages=("diffusers",),
            memory=0.5,
            settings=allowed.EMBEDDED,
            work=f"{_CHECKPOINT}.operations:of_embedded",
        ),
        Kind(
            "pictures",
            "ladr.backbones.lumina.dimoo:pictures",
            network=True,
            checkpoint="folder",
            weights=f"{_CHECKPOINT}.identity:of_embedded",
            renderer=f"{_CHECKPOINT}.renderer:of_dimoo",
            packages=("diffusers",),
            memory=0.5,
            settings=allowed.EMBEDDED,
            work=f"{_CHECKPOINT}.operations:of_embedded",
        ),
        Kind(
            "lumina-dimoo",
            "ladr.backbones.lumina.dimoo:lumina",
            network=True,
            checkpoint="source",
            hub=LUMINA,
            weights=f"{_CHECKPOINT}.identity:of_hub",
            renderer=f"{_CHECKPOINT}.renderer:of_dimoo",
            packages=("diffusers",),
            memory="ladr.backbones.lumina.dimoo:public_gigabytes",
            settings=allowed.LUMINA,
            work=f"{_CHECKPOINT}.operations:of_public",
        ),
        Kind(
            "amused",
            "ladr.backbones.amused.amused:load",
            network=True,
            checkpoint="source",
            hub=AMUSED,
            marker="model_index.json",
            weights=f"{_CHECKPOINT}.identity:of_hub",
            packages=("diffusers", "transformers"),
            memory=f"{_CHECKPOINT}.fits:amused_gigabytes",
            settings=allowed.AMUSED,
            work=f"{_CHECKPOINT}.operations:of_amused",
        ),
    )
}


def kind(name: str) -> Kind:
    """The row of that name: one of `BACKBONES`, or of a factory (or a `Kind`) at `package.module:name`."""
    if not isinstance(name, str):
        raise LadrError(f"backbone: {shown(name)} is not allowed; a name such as shapes")
    if name in BACKBONES:
        return BACKBONES[name]
    if outside.is_address(name):
        return _from_outside(name)
    raise LadrError(f"backbone: {name!r} is not known{nearest(name, BACKBONES)}, or package.module:factory")


@cache
def _from_outside(name: str) -> Kind:
    """A `Kind` at that address keeps what it says, but for its name; a factory gets a row of defaults."""
    held = outside.imported(name, "backbone")
    if isinstance(held, Kind):
        return replace(held, name=name)
    if not callable(held):
        raise LadrError(f"backbone {name!r}: a {type(held).__name__} is not allowed; a function or class")
    return Kind(name, name, outside.version_of(held, name), weights=f"{_CHECKPOINT}.identity:of_folder")


def _imported(address: str) -> Any:
    module, _, attribute = address.partition(":")
    return getattr(import_module(module), attribute)


def load(name: str, **settings: Any) -> Any:
    """The backbone of that name with its own settings."""
    row = kind(name)
    try:
        allowed.refuse(name, row.mistakes(settings))
        settings = row.resolved(settings)
        with outside.called("backbone", name) if outside.is_address(name) else nullcontext():
            return _imported(row.load)(**settings)
    except ModuleNotFoundError as error:
        raise LadrError(f"backbone {name}: {missing(error)}") from None
