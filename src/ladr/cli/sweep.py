"""`ladr sweep`, `ladr search` and `ladr calibrate`: many settings of one sampler."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ladr.base.errors import FailedError, LadrError
from ladr.cli.options import MOST, MOST_STEPS, PARAMS, File, Json, Set, Size, changed, print_json, size_of

if TYPE_CHECKING:
    from ladr.experiment.sweep.calibrate import Calibration

NEAR = 0.5  # passes
Values = Annotated[list[str] | None, typer.Option(metavar="PHASE=VALUE,...", help="Values of one phase.")]
Base = Annotated[str, typer.Option(help="The sampler whose settings vary.")]


def sweep(
    base: Base = "ladr",
    alpha: Values = None,
    tau: Values = None,
    vary: Annotated[
        list[str] | None, typer.Option(metavar="FIELD=VALUE,...", help="Values of any field.")
    ] = None,
    backbone: Annotated[list[str] | None, typer.Option(help="Default: the first of `use`.")] = None,
    benchmark: Annotated[list[str] | None, typer.Option(help="Default: the backbone's first.")] = None,
    size: Annotated[str | None, typer.Option(help="Default: the backbone's own.")] = None,
    images: Annotated[int | None, typer.Option(min=1, max=MOST, help="Images per prompt.")] = None,
    cores: Annotated[str, typer.Option(help="Cores that Snakemake may use: a number, or all.")] = "all",
    changes: Set = None,
    params: File = PARAMS,
) -> None:
    """Decode every combination of values through Snakemake and draw the heat map."""
    from ladr.experiment.sweep import sweep as sweeps

    points = sweeps.grid_of(alpha or [], tau or [], vary or [])
    place = {"backbones": backbone, "benchmarks": benchmark, "size": size_of(size or "") or None}
    name, data = sweeps.experiment(params, base, points, changed(changes), **place, images=images)
    folder = sweeps.run(name, data, cores)
    for path in drawn(folder):
        typer.echo(f"drawn: {path}")
    typer.echo(f"table: {folder}/scores.csv")


def drawn(folder: Path) -> list[Path]:
    """Draw the figures of a sweep's own table, beside it."""
    from ladr.cli.figures import draw

    return draw(["sweeps"], folder, folder)[0]


def search(
    trials: Annotated[
        int, typer.Option(min=1, max=100_000, help="Settings to try in all, earlier calls included.")
    ] = 40,
    base: Base = "ladr",
    backbone: Annotated[str, typer.Option(help="A backbone of params.yaml.")] = "mixture",
    benchmark: Annotated[str, typer.Option(help="The benchmark that scores a setting.")] = "mini-geneval",
    size: Size = "smoke",
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=RANGE",
            help="LOW:HIGH:STEP, LOW:HIGH:log or VALUE,VALUE,... of a field; default: the policy's own.",
        ),
    ] = None,
    half: Annotated[
        str, typer.Option(help="even or odd: search on these prompts of each column; or all.")
    ] = "all",
    changes: Set = None,
    seed: Annotated[int, typer.Option(min=0, max=1 << 31, help="The seed of Optuna's choices.")] = 0,
    params: File = PARAMS,
    json: Json = False,
) -> None:
    """Search settings with Optuna for a high score in few passes; call again to go on."""
    from ladr.experiment.cells.record import RESULTS
    from ladr.experiment.sweep.search import prepared
    from ladr.experiment.sweep.search import search as best_of

    sized = size_of(size)
    study = prepared(params, base, backbone, benchmark, sized, vary or (), half, changed(changes))
    with database(RESULTS / "search" / f"{study.name}.db"):
        rows = list(best_of(study, trials, seed=seed))
    if json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(f"score {row['score']:6.2f}  passes {row['passes']:6.2f}  {row['point']}")
        if "other" in row:
            other = row["other"]
            typer.echo(f"   on the other half: {other['score']:6.2f}  passes {other['passes']:6.2f}")
    typer.echo(f"rows to paste: {RESULTS}/search/{study.name}.yaml")


@contextmanager
def database(path: Path) -> Iterator[None]:
    """Let an error of the database of a search name its file, and say how one goes on."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("optuna", "sqlalchemy", "sqlite3"):
            raise
        reason = " ".join(str(getattr(error, "orig", error)).split())[:200]
        raise FailedError(
            f"{path}: the database of this search cannot be used ({reason}); if no other program uses it, "
            "remove it and search anew: cells that are decoded stay"
        ) from error


def calibrate(
    row: Annotated[str, typer.Argument(help="A row of params.yaml, or the name of a policy.")],
    field: Annotated[str, typer.Option(help="The field to find a value of.")],
    passes: Annotated[
        list[float],
        typer.Option(min=1.0, max=MOST_STEPS, help="Mean passes per image; may be given several times."),
    ],
    backbone: Annotated[str, typer.Option(help="A backbone of params.yaml.")] = "mixture",
    benchmark: Annotated[str, typer.Option(help="Where the prompts come from.")] = "mini-geneval",
    size: Size = "smoke",
    between: Annotated[
        str | None, typer.Option(metavar="LOW:HIGH", help="The ends of the values; default: by the field.")
    ] = None,
    tries: Annotated[int, typer.Option(min=1, max=1000, help="Values to try for each number of passes.")] = 8,
    params: File = PARAMS,
    changes: Set = None,
    json: Json = False,
) -> None:
    """Find the values of a field with which a sampler takes so many passes."""
    from ladr.experiment.params import load
    from ladr.experiment.sweep.calibrate import calibration, ends_of

    read = load(params, changed(changes))
    ends = ends_of(between) if between else None
    asked = calibration(read, row, field, backbone, benchmark, size_of(size), ends)
    for number in passes:
        require_reach(asked, number)
    answers = [(number, asked.nearest(number, tries)) for number in passes]
    if json:
        print_json([{"asked": number, field: one.value, "passes": one.passes} for number, one in answers])
        return
    for number, one in answers:
        typer.echo(f"{number:g} passes: {field} {one.value:g} takes {one.passes:.2f}")
    typer.echo(f"values: [{', '.join(f'{one.value:g}' for _, one in answers)}]")


def require_reach(asked: "Calibration", passes: float) -> None:
    """LadrError where no value leads to so many passes, give or take NEAR."""
    low, high = sorted((asked.at(value) for value in asked.between), key=lambda one: one.passes)
    if not low.passes - NEAR <= passes <= high.passes + NEAR:
        raise LadrError(
            f"passes: {passes:g} is out of reach; {asked.field} leads to {low.passes:.2f} ({low.value:g}) up "
            f"to {high.passes:.2f} passes ({high.value:g})"
        )
