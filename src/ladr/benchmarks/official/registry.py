"""The four official benchmarks by name."""

from functools import partial

from ladr.benchmarks.official import dpg, geneval, scorers, t2i, t2i_scorers, unigen
from ladr.benchmarks.official.benchmark import OfficialBenchmark
from ladr.benchmarks.official.fetch import files_sha256
from ladr.benchmarks.official.results import by_category, one_file, with_totals

OFFICIAL = {
    benchmark.name: benchmark
    for benchmark in (
        OfficialBenchmark(
            name="geneval",
            version=geneval.VERSION,
            columns=geneval.COLUMNS[:-1],
            overall=geneval.COLUMNS[:-1],
            images=4,
            load=geneval.load,
            of=geneval.of,
            sha256=partial(files_sha256, "geneval", ("prompts/evaluation_metadata.jsonl",)),
            column=lambda prompt: prompt.meta["tag"],
            settings=("detector", "colors", "allow_few_detections"),
            parts={"geneval": geneval.COLUMNS},
            judge=scorers.geneval_part,
            results=partial(one_file, "results.jsonl"),
        ),
        OfficialBenchmark(
            name="unigen",
            version=unigen.VERSION,
            columns=unigen.COLUMNS,
            images=4,
            load=unigen.load,
            of=unigen.suite,
            sha256=partial(files_sha256, "unigen", ("data/test_prompts_en.csv",)),
            column=lambda prompt: unigen.column_of(prompt.meta["points"][0]),
            settings=("judge",),
            parts={"unigen": unigen.COLUMNS},
            judge=scorers.unigen_part,
            results=partial(one_file, "results.csv"),
        ),
        OfficialBenchmark(
            name="dpg",
            version=dpg.VERSION,
            columns=(*dpg.COLUMNS, *(f"{column} (zeroed)" for column in dpg.COLUMNS[:-1])),
            last_image=dpg.COLUMNS[:-1],
            images=4,
            load=dpg.load,
            of=dpg.of,
            sha256=dpg.prompts_folder_sha256,
            column=lambda prompt: "all",
            settings=("dpg", "judge", "questions"),
            parts={"dpg": dpg.COLUMNS},
            judge=scorers.dpg_part,
            results=partial(with_totals, "detail.txt", "results.txt"),
        ),
        OfficialBenchmark(
            name="t2i",
            version=t2i.VERSION,
            columns=t2i.COLUMNS,
            images=t2i.IMAGES,
            load=t2i.load,
            of=t2i.of,
            sha256=partial(
                files_sha256,
                "t2i",
                tuple(f"examples/dataset/{category}_val.txt" for category in t2i.CATEGORIES),
            ),
            column=lambda prompt: prompt.meta["category"],
            settings=("blip", "clip", "chunks", "spatial"),
            parts={category: (column,) for category, column in t2i.CATEGORIES.items()},
            judge=t2i_scorers.judged,
            results=by_category,
            by_part=True,
        ),
    )
}
