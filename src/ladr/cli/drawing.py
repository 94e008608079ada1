"""What the options of `ladr sample` come to: what to draw, samplers, cache, and settings of the backbone.

Options that contradict each other, and those that nothing would read, are refused here.
"""

from importlib.util import find_spec
from typing import Any

import typer

from ladr.backbones import kind
from ladr.backbones.settings import DTYPE
from ladr.base.errors import LadrError, install, shown
from ladr.cli.options import named_values, pixels_of
from ladr.cli.sampler import DEFAULT, NamedSampler, several
from ladr.decoding.caches import Named
from ladr.decoding.caches import cache as cache_named

AUTO = "auto"


def require_prompt(prompt: str) -> None:
    """LadrError where there is nothing to draw."""
    if not prompt.strip():
        raise LadrError(f"prompt: {shown(prompt)} names nothing to draw; a text such as 'a red circle'")


def samplers_of(sampler: str | None, compare: str | None, steps: int | None) -> list[NamedSampler]:
    """The samplers that `--sampler`, `--compare` and `--steps` name, each of which must be of use."""
    if sampler is not None and compare is not None:
        raise LadrError(
            f"--sampler {shown(sampler)} and --compare {shown(compare)}: leave one out, or name the sampler "
            "among those to compare"
        )
    if compare is None:
        samplers = [NamedSampler.parse(DEFAULT if sampler is None else sampler, steps)]
    else:
        samplers = several(compare, steps)
    if steps is not None and all(one.planned for one in samplers):
        option, text = ("--sampler", sampler) if compare is None else ("--compare", compare)
        raise LadrError(
            f"{option} {shown(text)} and --steps {steps}: both say how many passes; leave one out"
        )
    return samplers


def cache_of(cache: str | None, backbone: str) -> Named | None:
    """The cache of `--cache`, for a backbone that reads what it says."""
    if cache is None:
        return None
    plan, read = cache_named(cache), kind(backbone).caches
    if read is not None and cache not in read:
        other = f", or name {' or '.join(read)}, which it reads" if read else ""
        raise LadrError(
            f"--cache {cache} and --backbone {backbone}: an exact backbone has nothing to cache; "
            f"leave --cache out{other}"
        )
    return plan


def settings(
    backbone: str,
    model: str | None,
    revision: str | None,
    guidance: float | None,
    size: str | None,
    device: str,
    dtype: str | None,
    more: list[str],
) -> dict[str, Any]:
    """The settings of the backbone, from the options of the command."""
    options: dict[str, Any] = {}
    row = kind(backbone)
    if model is not None:
        if row.checkpoint is None:
            raise LadrError(f"model: {backbone} has no checkpoint; leave --model out")
        options[row.checkpoint] = model
    if size is not None:
        options["size"] = pixels_of(size)
    options |= {k: v for k, v in {"revision": revision, "guidance": guidance}.items() if v is not None}
    place = _device(device)
    if dtype is not None and not DTYPE.fits(dtype):
        raise LadrError(f"dtype: {dtype!r} is not allowed; {DTYPE.words}")
    named = named_values(more)
    _refuse_twice(backbone, {**options, "device": None if device == AUTO else device, "dtype": dtype}, named)
    if row.network:
        options["device"] = place
        options["dtype"] = dtype or ("bfloat16" if place.startswith("cuda") else "float32")
    return options | named


def _refuse_twice(backbone: str, options: dict[str, Any], named: dict[str, Any]) -> None:
    """LadrError where an option and `--with` say the same setting, or an option says what nothing reads."""
    row = kind(backbone)
    for name in named:
        if options.get(name) is not None:
            option = "model" if name == row.checkpoint else name
            raise LadrError(f"--{option} and --with {name}: both name this setting; leave one out")
    for name in ("device", "dtype"):
        if not row.network and options[name] not in (None, "cpu"):
            raise LadrError(
                f"--{name} {options[name]}: the backbone {backbone} has no such setting; leave --{name} out"
            )


def drawable(backbone: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options with `pixels: mosaic` for an embedded network where diffusers, which draws it, is not
    installed. One line on stderr says so."""
    row = kind(backbone)
    embedded = row.network and row.checkpoint == "folder"
    if not embedded or "pixels" in options or find_spec("diffusers") is not None:
        return options
    better = install("diffusers")
    typer.echo(f"Drawn with the mean patches of the codes; {better} draws with the VQ model.", err=True)
    return {**options, "pixels": "mosaic"}


def _device(name: str) -> str:
    import torch

    if name == AUTO:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise LadrError(
            f"device: {name!r} cannot be used ({reason}); `ladr devices` says what can be"
        ) from None
    return name
