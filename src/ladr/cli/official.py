"""`ladr benchmark ...`: fetch, check, import and score the official benchmarks by hand."""

from pathlib import Path
from typing import Annotated

import typer

from ladr.base.files import require_place
from ladr.benchmarks.official import chunks as noun_chunks
from ladr.benchmarks.official import dpg as dpg_suite
from ladr.benchmarks.official import dpg_results, fetch, unigen_judge
from ladr.benchmarks.official import geneval as geneval_suite
from ladr.benchmarks.official import t2i as t2i_suite
from ladr.benchmarks.official import unigen as unigen_suite
from ladr.benchmarks.official.suite import Scores
from ladr.cli.options import MOST, MOST_THREADS, Json, print_json
from ladr.cli.terminal import bar, confirm, console, prices, run

app = typer.Typer(
    no_args_is_help=True, help="The official benchmarks: prompts, folders of images, results, scores."
)
Prompts = Annotated[Path | None, typer.Option(help="Folder of official files; default: the fetched.")]
Check = Annotated[Path | None, typer.Option(help="Compare a folder of images with the official layout.")]
Results = Annotated[Path | None, typer.Option(help="Import what the official scorer wrote.")]
Images = Annotated[Path | None, typer.Option("--score", help="Score a folder of images on this machine.")]
Sheet = Annotated[Path | None, typer.Option(help="Write an HTML page of the failures.")]
PerPrompt = Annotated[int, typer.Option(min=1, max=MOST, help="Images per prompt.")]
Concurrency = Annotated[int, typer.Option(min=1, max=MOST_THREADS, help="Questions asked at once.")]
KeyEnv = Annotated[str, typer.Option(help="The environment variable with the API key.")]
Price = Annotated[float | None, typer.Option(min=0, max=1e6, help="Of a million tokens, for the estimate.")]
Seconds = Annotated[float, typer.Option(min=0, max=86400, help="Of one call, your guess for the estimate.")]
Yes = Annotated[bool, typer.Option(help="Ask without confirming the estimate.")]
Book = Annotated[Path, typer.Option(help="The file that keeps the answers.")]
Device = Annotated[str, typer.Option(help="The device of the scoring networks.")]


@app.command("fetch")
def fetch_command(
    name: Annotated[str, typer.Argument(help="geneval, unigen, dpg or t2i.")],
    to: Annotated[Path | None, typer.Option(help="The folder; default: ~/.cache/ladr/benchmarks.")] = None,
) -> None:
    """Download the pinned official files of NAME (geneval, unigen, dpg, t2i) and verify them."""
    with bar(f"fetch {name}") as advance:
        where = fetch.fetch(name, to, progress=lambda done, total: advance(done, total))
    console.print(f"{name} is in {where} ({fetch.source_of(name)}, licence {fetch.pin(name)['licence']})")


@app.command()
def geneval(
    check: Check = None,
    results: Results = None,
    score: Images = None,
    prompts: Prompts = None,
    detector: Annotated[
        str, typer.Option(help="Mask2Former checkpoint.")
    ] = "facebook/mask2former-swin-small-coco-instance",
    clip: Annotated[str, typer.Option(help="CLIP checkpoint.")] = "openai/clip-vit-large-patch14",
    out: Annotated[Path, typer.Option(help="The result file that --score writes.")] = Path("geneval.jsonl"),
    allow_few_detections: Annotated[
        bool, typer.Option(help="Accept a detector that finds almost nothing.")
    ] = False,
    sheet: Sheet = None,
    images_per_prompt: PerPrompt = 4,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """GenEval: 553 prompts, 4 images each."""
    suite = geneval_suite.load(prompts, images_per_prompt)

    def native(images: Path) -> Scores:
        from ladr.benchmarks.official import native
        from ladr.benchmarks.official.clip import Clip
        from ladr.benchmarks.official.detector import of_geneval

        require_place(out)
        scored_by = of_geneval(detector, prompts, device), Clip.load(clip, device)
        with bar("geneval", suite.images) as advance:
            return native.geneval(
                suite, images, out, *scored_by, advance, allow_few_detections=allow_few_detections
            )

    def read(path: Path) -> Scores:
        return geneval_suite.import_results(suite, path, allow_few_detections=allow_few_detections)

    run(suite, check, results, score, sheet, read, native, json)


@app.command()
def unigen(
    check: Check = None,
    results: Results = None,
    score: Images = None,
    prompts: Prompts = None,
    endpoint: Annotated[
        str, typer.Option(help="The judge's OpenAI-compatible address, up to /v1.")
    ] = "http://127.0.0.1:8000/v1",
    model: Annotated[str, typer.Option(help="The judge's name at the endpoint.")] = "QwenVL",
    key_env: KeyEnv = "OPENAI_API_KEY",
    book: Book = Path("unigen.answers.jsonl"),
    concurrency: Concurrency = 8,
    price_in: Price = None,
    price_out: Price = None,
    seconds: Seconds = 10.0,
    yes: Yes = False,
    sheet: Sheet = None,
    images_per_prompt: PerPrompt = 4,
    json: Json = False,
) -> None:
    """UniGenBench: 600 prompts, 4 images each, a judge for 1,813 test points."""
    from ladr.benchmarks.official.judge import Judge

    def native(images: Path) -> Scores:
        wording = unigen_judge.load_wording(prompts)
        judge = Judge(endpoint, model, book, key_env=key_env, concurrency=concurrency)
        asks = unigen_judge.questions(suite, images, wording)
        confirm(judge.estimate(asks, seconds=seconds, prices=prices(price_in, price_out)), yes)
        with bar("unigen", len(asks)) as advance:
            done = iter(range(1, len(asks) + 1))
            return unigen_judge.score(suite, images, judge, wording, lambda id: advance(next(done)))

    def read(path: Path) -> Scores:
        summary = path.suffix == ".json"
        return unigen_suite.import_summary(path) if summary else unigen_suite.import_results(suite, path)

    suite = unigen_suite.load(prompts, images_per_prompt)
    run(suite, check, results, score, sheet, read, native, json)


@app.command()
def dpg(
    check: Check = None,
    results: Annotated[Path | None, typer.Option(help="The official `..._detail.txt`.")] = None,
    totals: Annotated[
        Path | None, typer.Option(help="The official `..._results.txt`, checked against it.")
    ] = None,
    score: Images = None,
    prompts: Prompts = None,
    questions: Annotated[Path | None, typer.Option(help="The file dpg_bench.csv.")] = None,
    vqa: Annotated[
        str, typer.Option(help="BLIP-VQA checkpoint; scores are named dpg-<it>.")
    ] = "Salesforce/blip-vqa-capfilt-large",
    endpoint: Annotated[
        str | None, typer.Option(help="Ask a model at this OpenAI-compatible address instead, up to /v1.")
    ] = None,
    model: Annotated[str, typer.Option(help="Its name there; scores are named dpg-<it>.")] = "QwenVL",
    key_env: KeyEnv = "OPENAI_API_KEY",
    concurrency: Concurrency = 8,
    price_in: Price = None,
    price_out: Price = None,
    seconds: Seconds = 1.0,
    yes: Yes = False,
    book: Book = Path("dpg.answers.jsonl"),
    sheet: Sheet = None,
    images_per_prompt: PerPrompt = 4,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """DPG-Bench: 1,065 prompts, a grid of 4 images each."""
    suite = dpg_suite.load(prompts, images_per_prompt)

    def loaded_questions() -> tuple[dpg_suite.Questions, list[str]]:
        return dpg_suite.load_questions(dpg_suite.find_questions(questions), suite)

    def native(images: Path) -> Scores:
        from ladr.benchmarks.official import dpg_judge, native
        from ladr.benchmarks.official.blip import BlipVqa
        from ladr.benchmarks.official.judge import Judge

        if endpoint is not None:
            judge = Judge(endpoint, model, book, key_env=key_env, concurrency=concurrency)
            own = loaded_questions()[0]
            asks = dpg_judge.asks(suite, own, images)
            costs = prices(price_in, price_out)
            confirm(judge.estimate(asks, seconds=seconds, tokens_out=2, prices=costs), yes)
            with bar("dpg", len(asks)) as advance:
                done = iter(range(1, len(asks) + 1))
                return dpg_judge.score(suite, own, images, judge, lambda id: advance(next(done)))
        with bar("dpg", len(suite.prompts)) as advance:
            return native.dpg(suite, loaded_questions()[0], images, book, BlipVqa.load(vqa, device), advance)

    def read(path: Path) -> Scores:
        own, notes = loaded_questions()
        return dpg_results.import_results(suite, own, path, totals, notes)

    run(suite, check, results, score, sheet, read, native, json)


@app.command()
def t2i(
    check: Check = None,
    results: Annotated[
        Path | None, typer.Option(help="Folder of <category>/annotation_.../vqa_result.json.")
    ] = None,
    score: Images = None,
    prompts: Prompts = None,
    category: Annotated[
        str, typer.Option(help="What --score scores: color, shape, texture or non_spatial.")
    ] = "",
    blip: Annotated[str, typer.Option(help="BLIP-VQA checkpoint.")] = "Salesforce/blip-vqa-capfilt-large",
    clip: Annotated[str, typer.Option(help="CLIP checkpoint.")] = "openai/clip-vit-base-patch32",
    chunks: Annotated[Path | None, typer.Option(help="File of noun chunks; default: spaCy's.")] = None,
    parts: Annotated[bool, typer.Option(help="Check Complex against its three parts.")] = False,
    images_per_prompt: PerPrompt = t2i_suite.IMAGES,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """T2I-CompBench: 6 x 300 prompts, 10 images each."""
    suite = t2i_suite.load(prompts, images_per_prompt)

    def native(images: Path) -> Scores | None:
        from ladr.benchmarks.official import native

        texts = native.texts_of(suite, category)
        nouns = None
        if t2i_suite.RESULT_OF[category] == t2i_suite.ATTRIBUTE:
            nouns = noun_chunks.load(chunks, texts) if chunks else noun_chunks.from_spacy(texts)
        with bar(f"t2i {category}", len(texts) * images_per_prompt) as advance:
            value = native.t2i(suite, category, images, (blip, clip), nouns, device, advance)
        if json:
            print_json({t2i_suite.CATEGORIES[category]: value})
        else:
            console.print(f"{t2i_suite.CATEGORIES[category]}: {100 * value:.2f}")
        return None

    def read(path: Path) -> Scores:
        kinds = t2i_suite.complex_kinds(suite, prompts) if parts else None
        return t2i_suite.import_results(suite, path, kinds)

    run(suite, check, results, score, None, read, native, json)


@app.command("chunks")
def chunks_command(
    out: Annotated[Path, typer.Argument(help="The JSON file to write.")], prompts: Prompts = None
) -> None:
    """Write the noun chunks of T2I-CompBench's prompts with spaCy, once, for machines without it."""
    require_place(out)
    noun_chunks.save(out, noun_chunks.from_spacy([p.text for p in t2i_suite.load(prompts).prompts]))


@app.command("convert-detector")
def convert_detector(
    source: Annotated[Path, typer.Argument(help="The official detector as a safetensors file.")],
    target: Annotated[Path, typer.Argument(help="The folder to write.")],
) -> None:
    """Turn the official GenEval detector (as safetensors) into a transformers folder."""
    from ladr.benchmarks.official.mmdet import convert_file

    convert_file(source, target)
    console.print(f"{target}: use it with `ladr benchmark geneval --detector {target}`")
