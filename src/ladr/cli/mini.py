"""`ladr prompts`, `ladr evaluate`, and `ladr score FOLDER`: the mini benchmarks by hand."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ladr.base.errors import LadrError, nearest
from ladr.base.files import require_place
from ladr.benchmarks.mini import SUITES, suite_named
from ladr.benchmarks.mini.prompts import spec_of, truth
from ladr.benchmarks.mini.scoring import images_in, load_image
from ladr.benchmarks.mini.scoring import score as score_images
from ladr.benchmarks.mini.sheet import annotated, contact_sheet
from ladr.benchmarks.mini.suite import MiniSuite, freeze
from ladr.benchmarks.prompt import Prompt
from ladr.benchmarks.rows import header, read_rows, write_rows
from ladr.benchmarks.summary import TableLine, of_kind, summarise
from ladr.cli.options import Json, Size, print_json, size_of
from ladr.cli.show import require_picture, save_picture
from ladr.shapes.detect import Reading, read
from ladr.shapes.evaluate import answers

Benchmark = Annotated[str, typer.Option("--benchmark", help=", ".join(SUITES))]


def score_folder(
    folder: Path,
    benchmark: str,
    size: str,
    images: int,
    processes: int,
    out: Path | None,
    ceiling: Path | None,
    json: bool,
) -> None:
    """Score a folder of images; print the table and write every judgement."""
    from rich.progress import track

    suite = suite_named(benchmark)
    prompts = suite.prompts(size_of(size))
    target = out or folder / "scores.jsonl"
    require_place(target)
    best = read_rows(ceiling)[1] if ceiling else None
    pictures = images_in(folder, prompts, images)
    bar = iter(track(prompts, "scoring", console=Console(stderr=True)))
    rows = score_images(suite, prompts, pictures, processes=processes, progress=lambda done: next(bar, None))
    next(bar, None)
    write_rows(target, header(suite, prompts, images), rows)
    lines = summarise(suite, rows, best)
    others = {kind: of_kind(rows, kind) for kind in ("junk", "diversity")}
    if json:
        print_json(
            {"columns": [_plain(line) for line in lines], **{kind: _score(s) for kind, s in others.items()}}
        )
        return
    Console().print(_table(suite, lines))
    for kind, s in others.items():
        interval = f"{100 * s.value:.2f} % ({100 * s.low:.1f} to {100 * s.high:.1f})" if s else "N/A"
        typer.echo(f"{kind}: {interval}")


def _score(score: Any) -> dict[str, Any] | None:
    """A score with its 95 % interval as plain values between 0 and 1."""
    return {"value": score.value, "low": score.low, "high": score.high, "n": score.n} if score else None


def _plain(line: TableLine) -> dict[str, Any]:
    return {
        "column": line.column, "score": _score(line.score), "floor": line.floor, "ceiling": line.ceiling,
        "note": line.note,
    }  # fmt: skip


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


def prompts(
    name: Annotated[str, typer.Argument(help=", ".join(SUITES))],
    size: Size = "smoke",
    render: Annotated[
        Path | None, typer.Option(help="Draw ground truth of all prompts into this PNG.")
    ] = None,
    refreeze: Annotated[Path | None, typer.Option(help="Generate all suites again into this folder.")] = None,
    json: Json = False,
) -> None:
    """List a benchmark's prompts; --render draws what they ask for."""
    suite = suite_named(name)
    if refreeze:
        freeze(tuple(SUITES.values()), refreeze)
        return
    if render:
        _check_sheet(render)
    listed = suite.prompts(size_of(size))
    if json:
        print_json([{"id": prompt.id, "prompt": prompt.text} for prompt in listed])
    else:
        table = Table("id", "prompt")
        for prompt in listed:
            table.add_row(prompt.id, prompt.text)
        Console().print(table)
    if render:
        save_picture(contact_sheet([truth(p) for p in listed], [f"{p.id}: {p.text}" for p in listed]), render)


def _check_sheet(path: Path) -> None:
    """Raise, before anything is drawn, unless a PNG can stand at this path."""
    if path.suffix.lower() != ".png" or path.is_dir():
        raise LadrError(f"--render: {str(path)!r} is not allowed; a file whose name ends in .png")
    if path.parent.exists() and not path.parent.is_dir():
        raise LadrError(f"--render: {str(path.parent)!r} is a file; the folder of the PNG is wanted")
    require_place(path)


def evaluate(
    image: Annotated[Path, typer.Argument(help="A 64x64 RGB image.")],
    benchmark: Benchmark,
    prompt: Annotated[str, typer.Option(help="The id or the text of one of its prompts.")],
    out: Annotated[
        Path | None, typer.Option(help="Annotated PNG; default: IMAGE.read.png in the working folder.")
    ] = None,
    json: Json = False,
) -> None:
    """Explain a score: what was detected, which questions failed, and a picture of both."""
    suite = suite_named(benchmark)
    question = find_prompt(suite, prompt)
    # Not beside the image: a folder of images to score must hold no other picture.
    target = out or Path(f"{image.stem}.read.png")
    require_picture(target)
    pixels = load_image(image)
    reading = read(pixels)
    verdicts = explained(suite, question, reading)
    save_picture(annotated(pixels, reading, verdicts), target)
    points = suite.judge(question, reading)
    if json:
        answered = [{"question": text, "passed": passed} for text, passed in verdicts]
        scores = [{"column": p.column, "question": p.question, "value": p.value} for p in points]
        print_json({"prompt": question.id, "answers": answered, "scores": scores, "out": str(target)})
        return
    console = Console()
    console.print(f"{question.id}: {question.text}")
    console.print(_detected(reading))
    console.print(f"background {reading.background}, style {reading.style}, junk {100 * reading.junk:.1f} %")
    for text, passed in verdicts:
        console.print(f"[{'green]yes' if passed else 'red]NO '}[/]  {text}", highlight=False)
    for point in points:
        console.print(f"{point.column} - {point.question}: {point.value:.2f}", highlight=False, markup=False)
    console.print(f"drawn: {target}", markup=False)


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
    return [(q.text, held[q.id]) for q in suite.asks(spec) if q.id in held]


def _detected(reading: Reading) -> Table:
    table = Table("what", "color", "texture", "size", "score", "y, x, height, width")
    for d in (*reading.things, *reading.letters):
        name = d.shape or (f"letter {d.letter}" if d.letter else "unknown")
        look = (d.texture, d.size) if d.shape else ("", "")
        table.add_row(name, d.color, *look, f"{d.score:.2f}", ", ".join(map(str, d.box)))
    return table
