"""Result files of official scripts: their form is checked here, and the names that they are kept by."""

from pathlib import Path

from ladr.base.errors import LadrError
from ladr.benchmarks.official import t2i
from ladr.benchmarks.official.suite import Suite

RESULT = "vqa_result.json"  # what T2I-CompBench's script writes for a category


def one_file(keep: str, layout: Suite, results: Path, totals: Path | None = None) -> dict[str, Path]:
    """{`keep`: the one file of results}; LadrError unless that file ends as `keep` does."""
    if not results.is_file():
        raise LadrError(f"{results}: no such file")
    ending = Path(keep).suffix
    if results.suffix != ending:
        hint = ": the summary holds no images" if results.suffix == ".json" else ""
        raise LadrError(f"{results}: {layout.name} results end in {ending}{hint}")
    return {keep: results}


def with_totals(
    keep: str, keep_totals: str, layout: Suite, results: Path, totals: Path | None = None
) -> dict[str, Path]:
    """As `one_file`, with the file of totals under the name `keep_totals` if there is one."""
    files = one_file(keep, layout, results)
    return files if totals is None else {**files, keep_totals: totals}


def by_category(layout: Suite, results: Path, totals: Path | None = None) -> dict[str, Path]:
    """The files of all or some categories: name to keep a file by -> file. A `scorer.json` beside a result,
    which says that it is not official, is kept too."""
    categories = dict.fromkeys(prompt.meta["category"] for prompt in layout.prompts)
    places = {category: f"{category}/{t2i.RESULT_OF[category]}" for category in categories}
    scored = {c: place for c, place in places.items() if (results / place / RESULT).is_file()}
    if not scored:
        raise LadrError(f"{results}: holds none of {', '.join(f'{p}/{RESULT}' for p in places.values())}")
    for category in scored:
        t2i.check_samples(layout, category, results)
    names = [f"{place}/{name}" for place in scored.values() for name in (RESULT, "scorer.json")]
    return {name: results / name for name in names if (results / name).is_file()}
