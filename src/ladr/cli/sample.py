"""`ladr sample`: one prompt, one picture, with the passes that it took."""

import shutil
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from ladr.backbones import BACKBONES, kind, load
from ladr.base.errors import LadrError
from ladr.base.escape import printable
from ladr.cli.drawing import cache_of, drawable, require_prompt, samplers_of, settings
from ladr.cli.options import (
    LARGEST_SEED,
    MOST_STEPS,
    MOST_THREADS,
    Json,
    print_json,
)
from ladr.cli.sampler import DEFAULT, NamedSampler, listing
from ladr.cli.show import Bar, Silent, Watch, require_picture, save
from ladr.speed.threads import free_cores, parameters_of, threads_for
from ladr.speed.threads import threads as limited_threads

ERR = Console(stderr=True)


def _list_samplers(sampler: str | None) -> str | None:
    """`--sampler help` prints the samplers and ends the command."""
    if sampler == "help":
        typer.echo(listing(shutil.get_terminal_size().columns))
        raise typer.Exit
    return sampler


def sample(
    prompt: Annotated[str, typer.Argument(help="What to draw.")],
    backbone: Annotated[str, typer.Option(help=f"{', '.join(BACKBONES)}, or MODULE:FACTORY.")] = "shapes",
    model: Annotated[str | None, typer.Option(help="A checkpoint folder, or owner/name of the hub.")] = None,
    revision: Annotated[str | None, typer.Option(help="A branch, tag or commit on the hub.")] = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            callback=_list_samplers,
            is_eager=True,
            help=f"NAME, NAME@STEPS, or a JSON object; `help` lists them; default: {DEFAULT}.",
        ),
    ] = None,
    compare: Annotated[
        str | None, typer.Option(help="Several samplers in one picture: cosine,cosine@15,ladr.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_STEPS, help="Planned passes T; default: the sampler's own, 64 of most."),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="The seed of the noise, the same for all samplers.")
    ] = 0,
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("sample.png"),
    scale: Annotated[
        int | None, typer.Option(min=1, max=64, help="Enlarge each pixel; default: to at least 256 in all.")
    ] = None,
    guidance: Annotated[
        float | None, typer.Option(min=0.0, max=1000.0, help="Default: the backbone's own.")
    ] = None,
    size: Annotated[str | None, typer.Option(help="HEIGHTxWIDTH in pixels.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, max=MOST_THREADS, help="CPU threads; default: by the model's size and the free cores."
        ),
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="float32, bfloat16 or auto; default: bfloat16 on cuda.")
    ] = None,
    cache: Annotated[
        str | None, typer.Option(help="ml or branch: recompute only a part of most passes.")
    ] = None,
    temperature: Annotated[
        float, typer.Option(min=0.0, max=1000.0, help="The temperature of the drawn codes.")
    ] = 1.0,
    setting: Annotated[
        list[str] | None, typer.Option("--with", metavar="NAME=VALUE", help="A setting of the backbone.")
    ] = None,
    watch: Annotated[bool, typer.Option(help="Show the mask as it fills.")] = False,
    json: Json = False,
) -> None:
    require_prompt(prompt)
    samplers = samplers_of(sampler, compare, steps)
    require_picture(out)
    plan = cache_of(cache, backbone)
    options = settings(backbone, model, revision, guidance, size, device, dtype, setting or [])
    options = kind(backbone).resolved(drawable(backbone, options))
    loaded = _load(backbone, options)
    count = threads or threads_for(parameters_of(loaded), free_cores())
    rows = []
    pictures = []
    with limited_threads(count):
        _decode(loaded, prompt, NamedSampler("", "cosine", 2), seed, plan, temperature)  # warms up
        for chosen in samplers:
            with following(chosen, loaded.grid, watch, quiet=json) as on_step:
                row, picture = _decode(loaded, prompt, chosen, seed, plan, temperature, on_step)
            rows.append(row)
            pictures.append(picture)
            if not json:
                typer.echo(f"{chosen.label}: {row['passes']} passes, {row['seconds']:.2f} s")
    save(out, pictures, [f"{r['sampler']}: {r['passes']} passes, {r['seconds']:.2f} s" for r in rows], scale)
    about = {"backbone": backbone, "prompt": prompt, "seed": seed, "threads": count, "out": str(out)}
    about |= {"dtype": options["dtype"]} if "dtype" in options else {}
    if json:
        print_json({**about, "samplers": rows}, indent=None)
    else:
        typer.echo(printable(str(out)))


sample.__doc__ = f"""Draw a prompt and say how many forward passes and seconds that took.

Seconds are those of the decode after a warm-up, without the pixels.

\b
Samplers:
{escape(listing(76))}
"""


def _load(backbone: str, options: dict[str, Any]) -> Any:
    try:
        with ERR.status(escape(f"loading {printable(backbone)}")) if ERR.is_terminal else nullcontext():
            return load(backbone, **options)
    except TypeError as error:
        raise LadrError(f"backbone {backbone}: {error}") from None


def following(sampler: NamedSampler, grid: tuple[int, int], watch: bool, quiet: bool) -> Any:
    """A context whose value is the `on_step` that shows how far the decode is. A log gets no bar."""
    if quiet or not ERR.is_terminal:
        return Silent()
    return Watch(ERR, sampler.label) if watch else Bar(ERR, sampler.label, grid[0] * grid[1])


def _decode(
    backbone: Any,
    prompt: str,
    sampler: NamedSampler,
    seed: int,
    plan: Any,
    temperature: float,
    on_step: Callable | None = None,
) -> tuple[dict[str, Any], Any]:
    """One image: its numbers, and its pixels (h, w, 3). Seconds are the decode's, without the pixels."""
    from ladr.decoding.loop import decode

    began = time.perf_counter()
    result = decode(
        backbone,
        [prompt],
        sampler.spec,
        steps=sampler.steps,
        seeds=[seed],
        cache=plan,
        temperature=temperature,
        on_step=on_step,
    )
    seconds = time.perf_counter() - began
    image = result.trace.images[0]
    row = {
        "sampler": sampler.label,
        "steps": sampler.steps,
        "passes": image.passes,
        "equivalents": image.equivalents,
        "seconds": seconds,
    }
    return row, backbone.render(result.tokens)[0]
