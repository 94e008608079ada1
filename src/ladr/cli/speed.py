"""`ladr speed loop`, `policies`, `backbone`, `mixture`, `device`: how fast this package runs here."""

from pathlib import Path
from typing import Annotated

import typer

from ladr.cli.drawing import samplers_of
from ladr.cli.options import MOST, MOST_STEPS, MOST_THREADS, Json, pixels_of, print_json

app = typer.Typer(no_args_is_help=True, help="Measure how fast this package runs on this machine.")
PLANNED = 64  # passes of a decode that is timed
Repeat = Annotated[int, typer.Option(min=1, max=MOST, help="Rounds after a warm-up; medians count.")]
Threads = Annotated[int, typer.Option(min=1, max=MOST_THREADS, help="Threads of torch.")]


@app.command("loop")
def loop(
    height: Annotated[int, typer.Option(min=1, max=1024, help="Rows of cells.")] = 64,
    width: Annotated[int, typer.Option(min=1, max=1024, help="Columns of cells.")] = 64,
    codes: Annotated[int, typer.Option(min=2, max=1 << 20, help="Size of the codebook.")] = 8192,
    policy: Annotated[str, typer.Option(help="The policy that chooses cells.")] = "ladr",
    repeat: Repeat = 5,
    threads: Threads = 1,
    json: Json = False,
) -> None:
    """What a pass costs besides the network, against a plain softmax and arg-max."""
    from ladr.speed.loop import loop_speed

    r = loop_speed((height, width), codes, policy, repeat=repeat, threads=threads)
    if json:
        print_json(r, indent=None)
        return
    typer.echo(
        f"{policy}, {height}x{width} cells, {codes} codes, {threads} thread(s), median of {repeat}\n"
        f"plain softmax + arg-max  {r['plain_ms']:8.1f} ms\n"
        f"pass without network     {r['pass_ms']:8.1f} ms  {r['ratio']:.2f} x (goal <= 4); "
        f"over all {r['passes']} passes {r['ratio_whole']:.2f} x\n"
        f"policy alone             {r['policy_ms']:8.2f} ms  {r['policy_share']:.1%} of the pass "
        f"(goal <= 5 %); over all passes {r['policy_share_whole']:.1%}"
    )


@app.command("policies")
def policies(
    height: Annotated[int, typer.Option(min=1, max=1024, help="Rows of cells.")] = 64,
    width: Annotated[int, typer.Option(min=1, max=1024, help="Columns of cells.")] = 64,
    codes: Annotated[int, typer.Option(min=2, max=1 << 20, help="Size of the codebook.")] = 8192,
    steps: Annotated[int, typer.Option(min=1, max=MOST_STEPS, help="Passes that are timed at most.")] = 8,
    repeat: Annotated[int, typer.Option(min=1, max=MOST, help="Decodes of each; medians count.")] = 3,
    threads: Threads = 1,
    json: Json = False,
) -> None:
    """What every policy adds to a pass: beside the loop alone, and beside the 8B model's operations."""
    from ladr.speed.policies import policies_speed

    r = policies_speed((height, width), codes, steps, repeat=repeat, threads=threads)
    if json:
        print_json(r, indent=None)
        return
    typer.echo(
        f"{height}x{width} cells, {codes} codes, {threads} thread(s), median of {repeat}.\n"
        f"A guided pass of the 8B model at 64x64 cells is {r['pass_s']:.3g} s of {r['dtype']} products\n"
        f"at this machine's {r['matrix_tflops']:.3g} Tflop/s; it was not run.\n\n"
        f"{'policy':16} {'ms a pass':>10} {'of the loop':>12} {'of an 8B pass':>14}"
    )
    for row in r["rows"]:
        typer.echo(
            f"{row['policy']:16} {row['policy_ms']:10.2f} {row['of_loop']:12.1%} {row['of_pass']:14.4%}"
        )


@app.command("backbone")
def backbone(
    folder: Annotated[Path | None, typer.Option(help="A checkpoint folder; default: random weights.")] = None,
    batch: Annotated[int, typer.Option(min=1, max=MOST, help="Images at once.")] = 8,
    steps: Annotated[
        int, typer.Option(min=1, max=MOST_STEPS, help="Planned passes T of whole decodes.")
    ] = 64,
    threads: Threads = 2,
    repeat: Repeat = 3,
) -> None:
    """The transformer's rate beside the matrix rate of the same process; caches; masked cells against all."""
    from ladr.speed.backbone import backbone_speed

    print_json(backbone_speed(folder, batch=batch, steps=steps, threads=threads, repeat=repeat))


@app.command("mixture")
def mixture(
    repeat: Repeat = 10,
    scenes: Annotated[int, typer.Option(min=1, max=1 << 20, help="Scenes of the mixture.")] = 1024,
) -> None:
    """One pass of the exact scene mixture, and the making of its scenes."""
    from ladr.speed.mixture import mixture_speed

    print_json(mixture_speed(repeat, scenes=scenes))


@app.command("device")
def device(
    shape: Annotated[
        str | None, typer.Option(help="The model's sizes; default: 8b on cuda, medium on cpu.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cuda, cuda:1 or cpu.")] = "auto",
    dtype: Annotated[
        str | None, typer.Option(help="float32, bfloat16 or auto; default: bfloat16 on cuda and for lumina.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_STEPS, help=f"Planned passes T of whole decodes; default: {PLANNED}."),
    ] = None,
    repeat: Repeat = 3,
    upstream: Annotated[Path | None, typer.Option(help="A checkout of Alpha-VLLM/Lumina-DiMOO.")] = None,
    compile: Annotated[
        str | None, typer.Option(help="Also a mode of torch.compile: default, reduce-overhead.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="For lumina: HEIGHTxWIDTH in pixels; default: 256x256.")
    ] = None,
    sampler: Annotated[
        str | None, typer.Option(help="For lumina: NAME, NAME@STEPS or a JSON object; default: cosine@2.")
    ] = None,
    layers: Annotated[
        int | None, typer.Option(min=1, max=32, help="For lumina: the first layers only.")
    ] = None,
    scratch: Annotated[
        Path | None,
        typer.Option(help="For lumina: where the checkpoint stands for the while; default: .cache."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also write the result into this JSON file.")] = None,
) -> None:
    """Seconds per full and cached pass and per image on this device, upstream beside it if you have it.

    The shape `lumina` is the public model as the hub has it: a checkpoint of its true size with random
    weights (16.2 GB) is written, loaded as a downloaded one is, run, and removed. `lumina-tiny` tries that
    out.
    """
    import torch

    from ladr.backbones.dtypes import AUTO, fastest
    from ladr.base.files import require_place, write_json
    from ladr.speed.device import device_speed
    from ladr.speed.full_size import FOLDERS, full_size_speed, refuse_options

    if out is not None:
        require_place(out)
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    cpu = chosen == "cpu"
    dtype = fastest(chosen) if dtype == AUTO else dtype
    shape = shape or ("medium" if cpu else "8b")
    if shape in FOLDERS:
        refuse_options(shape, {"upstream": upstream, "compile": compile}, reads=False)
        (named,) = samplers_of(sampler or ("cosine@2" if steps is None else "cosine"), None, steps)
        result = full_size_speed(
            shape,
            chosen,
            dtype or "bfloat16",
            pixels_of(size or "256x256"),
            (named.spec, named.steps),
            layers,
            scratch,
            lambda line: typer.echo(line, err=True),
        )
    else:
        own = {"size": size, "sampler": sampler, "layers": layers, "scratch": scratch}
        refuse_options(shape, own, reads=True)
        dtype = dtype or ("float32" if cpu else "bfloat16")
        result = device_speed(shape, chosen, dtype, steps or PLANNED, repeat, upstream, compile)
    if out is not None:
        write_json(out, result)
    print_json(result)
