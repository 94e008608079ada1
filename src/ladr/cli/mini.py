"""`ladr score`, `ladr prompts`, `ladr evaluate`: the mini benchmarks by hand."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ladr.base.errors import LadrError, nearest
from ladr.benchmarks.mini import SUITES, dpg, suite_named
from ladr.benchmarks.mini.prompts import spec_of, truth
from ladr.benchmarks.mini.scoring import images_in, load_image, score
from ladr.benchmarks.mini.sheet import annotated, contact_sheet
from ladr.benchmarks.mini.suite import MiniSuite, freeze
from ladr.benchmarks.prompt import Prompt
from ladr.benchmarks.rows import header, read_rows, write_rows
from ladr.benchmarks.summary import TableLine, of_kind, summarise
from ladr.shapes.detect import Reading, read
from ladr.shapes.evaluate import answers
from ladr.shapes.questions import questions

app = typer.Typer(no_args_is_help=True, help="The mini benchmarks: prompts, scores, explanations.")
Size = Annotated[str, typer.Option(help="smoke, default, full, or prompts per column")]


def _size(words: str) -> str | int:
    return int(words) if words.isdecimal() else words


@app.command("score")
def score_command(
    folder: Annotated[Path, typer.Argument(help="images named PROMPT-ID_NUMBER.png")],
    benchmark_name: Annotated[str, typer.Option("--benchmark", help=", ".join(SUITES))],
    size: Size = "default",
    images: Annotated[int, typer.Option(help="images per prompt")] = 1,
    processes: Annotated[int, typer.Option(help="how many work at once")] = 1,
    out: Annotated[Path | None, typer.Option(help="scores file (default: scores.jsonl in FOLDER)")] = None,
    ceiling: Annotated[Path | None, typer.Option(help="scores file of ground truth")] = None,
) -> None:
    """Score a folder of images; print the table and write every judgement."""
    from rich.progress import track

    suite = suite_named(benchmark_name)
    prompts = suite.prompts(_size(size))
    best = read_rows(ceiling)[1] if ceiling else None
    pictures = images_in(folder, prompts, images)
    bar = iter(track(prompts, "scoring", console=Console(stderr=True)))
    rows = score(suite, prompts, pictures, processes=processes, progress=lambda done: next(bar, None))
    next(bar, None)
    write_rows(out or folder / "scores.jsonl", header(suite, prompts, images), rows)
    console = Console()
    console.print(_table(suite, summarise(suite, rows, best)))
    for kind in ("junk", "diversity"):
        s = of_kind(rows, kind)
        told = f"{100 * s.value:.2f} % ({100 * s.low:.1f} to {100 * s.high:.1f})" if s else "N/A"
        console.print(f"{kind}: {told}")


def _table(suite: MiniSuite, lines: list[TableLine]) -> Table:
    table = Table("column", "score", "95 %", "prompts", "floor", "ceiling", "note", title=suite.name)
    for line in lines:
        s = line.score
        cells = (f"{100 * s.value:.2f}", f"{100 * s.low:.1f} to {100 * s.high:.1f}", str(s.n)) if s else ()
        edges = (_percent(line.floor), _percent(line.ceiling)) if s else ("", "")
        table.add_row(line.column, *(cells or ("N/A", "", "")), *edges, line.note)
    return table


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


@app.command("prompts")
def prompts_command(
    name: Annotated[str, typer.Argument(help=", ".join(SUITES))],
    size: Size = "smoke",
    render: Annotated[Path | None, typer.Option(help="write a contact sheet of ground truth here")] = None,
    refreeze: Annotated[Path | None, typer.Option(help="draw all suites anew into this folder")] = None,
) -> None:
    """List a benchmark's prompts; with --render show what they ask for."""
    suite = suite_named(name)
    if refreeze:
        freeze(tuple(SUITES.values()), refreeze)
        return
    prompts = suite.prompts(_size(size))
    table = Table("id", "prompt")
    for prompt in prompts:
        table.add_row(prompt.id, prompt.text)
    Console().print(table)
    if render:
        contact_sheet([truth(p) for p in prompts], [f"{p.id}: {p.text}" for p in prompts]).save(render)


@app.command("evaluate")
def evaluate_command(
    image: Annotated[Path, typer.Argument(help="a 64x64 RGB image")],
    benchmark_name: Annotated[str, typer.Option("--benchmark", help=", ".join(SUITES))],
    prompt: Annotated[str, typer.Option(help="id or text of one of its prompts")],
    out: Annotated[
        Path | None, typer.Option(help="annotated PNG (default: IMAGE.read.png in the working folder)")
    ] = None,
) -> None:
    """Explain a score: what was detected, which questions failed, and a picture of both."""
    suite = suite_named(benchmark_name)
    asked = find_prompt(suite, prompt)
    pixels = load_image(image)
    reading = read(pixels)
    verdicts = explained(suite, asked, reading)
    console = Console()
    console.print(f"{asked.id}: {asked.text}")
    console.print(_detected(reading))
    console.print(f"background {reading.background}, style {reading.style}, junk {100 * reading.junk:.1f} %")
    for question, passed in verdicts:
        console.print(f"[{'green]yes' if passed else 'red]NO '}[/]  {question}", highlight=False)
    for point in suite.judge(asked, reading):
        console.print(f"{point.column} - {point.question}: {point.value:.2f}", highlight=False, markup=False)
    # Not beside the image: a folder of images to score must hold no other picture.
    target = out or Path(f"{image.stem}.read.png")
    annotated(pixels, reading, verdicts).save(target)
    console.print(f"drawn: {target}")


def find_prompt(suite: MiniSuite, words: str) -> Prompt:
    """The prompt with that id or, failing that, the first with that text."""
    prompts = suite.prompts("full")
    for key in ("id", "text"):
        for prompt in prompts:
            if getattr(prompt, key) == words:
                return prompt
    near = nearest(words, [p.id for p in prompts] if "-" in words else [p.text for p in prompts][:400])
    hint = near if "did you mean" in near else " (see `ladr prompts`)"
    raise LadrError(f"prompt: {words!r} is no prompt of {suite.name}{hint}")


def explained(suite: MiniSuite, prompt: Prompt, reading: Reading) -> list[tuple[str, bool]]:
    """Every question that the prompt's spec lets one ask, with its raw answer."""
    spec = spec_of(prompt)
    held = answers(spec, reading)
    asked = dpg.graph(spec) if suite.name == dpg.SUITE.name else questions(spec)
    return [(q.text, held[q.id]) for q in asked if q.id in held]


def _detected(reading: Reading) -> Table:
    table = Table("what", "color", "texture", "size", "score", "y, x, height, width")
    for d in (*reading.things, *reading.letters):
        name = d.shape or (f"letter {d.letter}" if d.letter else "unknown")
        look = (d.texture, d.size) if d.shape else ("", "")
        table.add_row(name, d.color, *look, f"{d.score:.2f}", ", ".join(map(str, d.box)))
    return table
