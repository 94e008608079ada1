"""`ladr sweep`: from values on the command line to a heat map."""

from pathlib import Path
from typing import Annotated

import typer

Values = Annotated[list[str] | None, typer.Option(help="PHASE=VALUE,VALUE,...")]


def sweep(
    base: Annotated[str, typer.Option(help="the sampler to vary")] = "ladr",
    alpha: Values = None,
    tau: Values = None,
    vary: Annotated[list[str] | None, typer.Option(help="FIELD=VALUE,VALUE,... of any field")] = None,
    backbone: Annotated[list[str] | None, typer.Option(help="default: the first of `use`")] = None,
    benchmark: Annotated[list[str] | None, typer.Option(help="default: the backbone's first")] = None,
    size: Annotated[str | None, typer.Option(help="default: the backbone's")] = None,
    images: Annotated[int | None, typer.Option(help="per prompt")] = None,
    cores: str = "all",
    params: Annotated[Path, typer.Option("--params", envvar="LADR_PARAMS", help="the experiment")] = Path(
        "params.yaml"
    ),
) -> None:
    """Decode every combination of values through Snakemake and draw the heat map."""
    from ladr.experiment.sweep import sweep as sweeps

    grid = sweeps.grid_of(alpha or [], tau or [], vary or [])
    size_ = int(size) if size and size.isdecimal() else size
    place = {"backbones": backbone, "benchmarks": benchmark, "size": size_, "images": images}
    name, data = sweeps.experiment(params, base, grid, **place)
    folder = sweeps.run(name, data, cores)
    for path in drawn(folder):
        typer.echo(f"drawn: {path}")
    typer.echo(f"table: {folder}/scores.csv")


def drawn(folder: Path) -> list[Path]:
    """The figures of a sweep's own table, beside it."""
    from ladr.cli.figures import draw

    return draw(["sweeps"], folder, folder)[0]
