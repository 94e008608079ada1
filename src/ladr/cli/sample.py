"""`ladr sample`: one prompt, one picture, with the passes that it took."""

import json as jsonlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ladr.backbones import BACKBONES, kind, load
from ladr.base.errors import LadrError
from ladr.cli.options import Json

ERR = Console(stderr=True)


@dataclass(frozen=True)
class Sampler:
    """A policy and its number of planned passes T."""

    label: str
    spec: str | dict[str, Any]
    steps: int

    @classmethod
    def parse(cls, words: str, steps: int) -> "Sampler":
        """`ladr`, `cosine@15` (T = 15), or a JSON object {"policy": "ladr", "rank": "confidence"}."""
        from ladr.decoding.policies import build

        if words.lstrip().startswith("{"):
            try:
                spec = jsonlib.loads(words)
            except ValueError as error:
                raise LadrError(f"sampler: {words!r} is not valid JSON ({error})") from None
            return cls(build(spec).name, spec, steps)
        name, _, own = words.strip().partition("@")
        if own and not own.isdecimal():
            raise LadrError(f"sampler: {words!r} is not allowed; a name, or NAME@STEPS")
        build(name)
        return cls(words.strip(), name, int(own or steps))


def sample(
    prompt: Annotated[str, typer.Argument(help="What to draw.")],
    backbone: Annotated[str, typer.Option(help=f"{', '.join(BACKBONES)}, or MODULE:FACTORY")] = "shapes",
    model: Annotated[str | None, typer.Option(help="checkpoint folder, or owner/name of the hub")] = None,
    revision: Annotated[str | None, typer.Option(help="branch, tag or commit on the hub")] = None,
    sampler: Annotated[str, typer.Option(help="policy: NAME, NAME@STEPS, or a JSON object")] = "ladr",
    compare: Annotated[
        str | None, typer.Option(help="several samplers in one picture: cosine,cosine@15,ladr")
    ] = None,
    steps: Annotated[int, typer.Option(help="planned passes T")] = 64,
    seed: Annotated[int, typer.Option(help="of the noise; all samplers of a comparison share it")] = 0,
    out: Annotated[Path, typer.Option(help="picture to write")] = Path("sample.png"),
    guidance: Annotated[float | None, typer.Option(help="default: the backbone's own")] = None,
    size: Annotated[str | None, typer.Option(help="HEIGHTxWIDTH in pixels")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps")] = "auto",
    dtype: Annotated[str | None, typer.Option(help="float32 or bfloat16 (default: bfloat16 on cuda)")] = None,
    cache: Annotated[
        str | None, typer.Option(help="ml or branch: recompute only a part of most passes")
    ] = None,
    temperature: Annotated[float, typer.Option(help="of the drawn codes")] = 1.0,
    setting: Annotated[
        list[str] | None, typer.Option("--with", help="NAME=VALUE, a setting of the backbone")
    ] = None,
    watch: Annotated[bool, typer.Option(help="show the mask filling")] = False,
    json: Json = False,
) -> None:
    """Draw a prompt and say how many forward passes and seconds that took."""
    from ladr.cli.show import save
    from ladr.decoding.caches import cache as cache_named

    chosen = [Sampler.parse(words, steps) for words in (compare.split(",") if compare else [sampler])]
    plan = cache_named(cache) if cache else None
    given = settings(backbone, model, revision, guidance, size, device, dtype, setting or [])
    loaded = _load(backbone, given)
    if len(chosen) > 1:
        _decode(loaded, prompt, Sampler("", {"policy": "all_in", "at": 0.0}, 1), seed, None, temperature)
    rows, pictures = [], []
    for one in chosen:
        with following(one, loaded.grid, watch, quiet=json) as on_step:
            row, picture = _decode(loaded, prompt, one, seed, plan, temperature, on_step)
        rows, pictures = [*rows, row], [*pictures, picture]
        if not json:
            typer.echo(f"{one.label}: {row['passes']} passes, {row['seconds']:.2f} s")
    save(out, pictures, [f"{r['sampler']}: {r['passes']} passes, {r['seconds']:.2f} s" for r in rows])
    found = {"backbone": backbone, "prompt": prompt, "seed": seed, "out": str(out), "samplers": rows}
    typer.echo(jsonlib.dumps(found) if json else f"{out}")


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
    """What the backbone is built with, from the options that were given."""
    given: dict[str, Any] = {}
    row = kind(backbone)
    if model is not None:
        if row.checkpoint is None:
            raise LadrError(f"model: {backbone} has no checkpoint; leave --model out")
        given[row.checkpoint] = model
    if size is not None:
        height, _, width = size.lower().partition("x")
        if not (height.isdecimal() and width.isdecimal()):
            raise LadrError(f"size: {size!r} is not allowed; HEIGHTxWIDTH in pixels, such as 1024x1024")
        given["size"] = (int(height), int(width))
    given |= {k: v for k, v in {"revision": revision, "guidance": guidance}.items() if v is not None}
    if row.network:
        given["device"] = _device(device)
        given["dtype"] = dtype or ("bfloat16" if given["device"].startswith("cuda") else "float32")
    for pair in more:
        name, equals, value = pair.partition("=")
        if not equals:
            raise LadrError(f"with: {pair!r} is not allowed; NAME=VALUE")
        given[name.strip()] = _value(value.strip())
    return given


def _value(text: str) -> Any:
    try:
        return jsonlib.loads(text)
    except ValueError:
        return text


def _device(name: str) -> str:
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise LadrError(
            f"device: {name!r} cannot be used ({reason}); `ladr devices` says what can be"
        ) from None
    return name


def _load(backbone: str, given: dict[str, Any]) -> Any:
    try:
        with ERR.status(f"loading {backbone}"):
            return load(backbone, **given)
    except TypeError as error:
        raise LadrError(f"backbone {backbone}: {error}") from None


def following(one: Sampler, grid: tuple[int, int], watch: bool, quiet: bool) -> Any:
    """A context whose value is the `on_step` that shows how far the decode is."""
    from ladr.cli.show import Bar, Silent, Watch

    if quiet:
        return Silent()
    return Watch(ERR, one.label) if watch else Bar(ERR, one.label, grid[0] * grid[1])


def _decode(
    backbone: Any,
    prompt: str,
    one: Sampler,
    seed: int,
    plan: Any,
    temperature: float,
    on_step: Callable | None = None,
) -> tuple[dict[str, Any], Any]:
    """One image: its row of figures, and its pixels (h, w, 3). Seconds are the decode's, pixels left out."""
    from ladr.decoding.loop import decode

    began = time.perf_counter()
    result = decode(
        backbone,
        [prompt],
        one.spec,
        steps=one.steps,
        seeds=[seed],
        cache=plan,
        temperature=temperature,
        on_step=on_step,
    )
    took, image = time.perf_counter() - began, result.trace.images[0]
    row = {
        "sampler": one.label,
        "steps": one.steps,
        "passes": image.passes,
        "equivalents": image.equivalents,
        "seconds": took,
    }
    return row, backbone.render(result.tokens)[0]
