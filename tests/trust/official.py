"""Official prompt and result files that mean harm or are broken, at every reader."""

import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp

import official_files
from ladr.benchmarks.official import chunks, dpg, dpg_results, geneval, t2i, unigen, unigen_judge
from trust.box import HARMLESS, Attempt, Box

ODD = (
    None,
    3,
    -1,
    1.5,
    True,
    "",
    "x",
    [],
    {},
    [[]],
    [None],
    {"a": 1},
    "\0",
    "a" * 20_000,
    10**400,
    float("nan"),
)


@cache
def prompts() -> Path:
    """Whole prompt files, made once."""
    import atexit

    folder = Path(mkdtemp(prefix="ladr-official-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return official_files.prompts(folder / "prompts")


@cache
def geneval_suite():
    return geneval.load(prompts() / "geneval", 1)


@cache
def unigen_suite():
    return unigen.load(prompts() / "unigen", 1)


@cache
def dpg_suite():
    return dpg.suite({"a": "a red fox", "b": "a blue fox"}, 1)


@cache
def dpg_questions():
    rows = [
        f'{item},{k},0,"{kind}",question {k}?' for item in "ab" for k, kind in enumerate(official_files.L2, 1)
    ]
    return dpg.parse_questions("\n".join([",".join(dpg.CSV_COLUMNS), *rows]), dpg_suite())


@cache
def t2i_suite():
    return t2i.suite({"color": ["a red cup", "a blue cup"]}, 1)


@dataclass(frozen=True)
class Reader:
    """What reads a file called `name`: `make` writes a right one into the folder, `read` reads the folder."""

    name: str
    make: Callable[[Path], object]
    read: Callable[[Path], object]


def copied(*names: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        for name in names:
            shutil.copyfile(prompts() / name, folder / Path(name).name)

    return make


def color_result(folder: Path) -> None:
    official_files.t2i_result(t2i_suite(), folder, "color", 0.5)


def dpg_totals(folder: Path) -> None:
    official_files.dpg_detail(dpg_suite(), dpg_questions(), folder / "detail.txt")
    (folder / "results.txt").write_text("m/a.png, 1.0, 1.0\nm/b.png, 1.0, 1.0\nDPG-Bench score: 100.0\n")


def unigen_summary(folder: Path) -> None:
    rows = {name: {"correct": 1, "total": n * 4} for name, n in unigen.POINTS.items()}
    (folder / "summary.json").write_text(json.dumps({"primary_dimensions": rows}))


def noun_chunks(folder: Path) -> None:
    (folder / "chunks.json").write_text(json.dumps({"a red cup": ["a red cup"]}))


CLIPPED = "color/annotation_blip/vqa_result.json"
READERS = {
    "GenEval prompts": Reader(
        "evaluation_metadata.jsonl",
        copied("geneval/evaluation_metadata.jsonl", "geneval/object_names.txt"),
        lambda folder: geneval.load(folder, 1).prompts,
    ),
    "GenEval names": Reader(
        "object_names.txt",
        copied("geneval/evaluation_metadata.jsonl", "geneval/object_names.txt"),
        lambda folder: geneval.load(folder, 1).prompts,
    ),
    "UniGenBench prompts": Reader(
        "test_prompts_en.csv",
        copied("unigen/test_prompts_en.csv"),
        lambda folder: unigen.load(folder, 1).prompts,
    ),
    "UniGenBench wording": Reader(
        "eval_common.py", copied("unigen/eval_common.py"), unigen_judge.load_wording
    ),
    "DPG-Bench questions": Reader(
        "dpg_bench.csv",
        lambda folder: (folder / "dpg_bench.csv").write_text(
            "\n".join(
                [",".join(dpg.CSV_COLUMNS), 'a,1,0,"entity - whole (x)",q?', 'b,1,0,"entity - whole (x)",q?']
            )
        ),
        lambda folder: dpg.load_questions(folder / "dpg_bench.csv", dpg_suite())[0],
    ),
    "T2I-CompBench prompts": Reader(
        "color_val.txt",
        copied(*(f"t2i/{category}_val.txt" for category in t2i.CATEGORIES)),
        lambda folder: t2i.load(folder, 1).prompts,
    ),
    "GenEval results": Reader(
        "results.jsonl",
        lambda folder: official_files.geneval_results(geneval_suite(), folder / "results.jsonl"),
        lambda folder: geneval.import_results(geneval_suite(), folder / "results.jsonl").columns,
    ),
    "UniGenBench results": Reader(
        "results.csv",
        lambda folder: official_files.unigen_results(unigen_suite(), folder / "results.csv"),
        lambda folder: unigen.import_results(unigen_suite(), folder / "results.csv").columns,
    ),
    "UniGenBench summary": Reader(
        "summary.json", unigen_summary, lambda folder: unigen.import_summary(folder / "summary.json").columns
    ),
    "DPG-Bench detail": Reader(
        "detail.txt",
        dpg_totals,
        lambda folder: (
            dpg_results.import_results(dpg_suite(), dpg_questions(), folder / "detail.txt").columns
        ),
    ),
    "DPG-Bench totals": Reader(
        "results.txt",
        dpg_totals,
        lambda folder: (
            dpg_results.import_results(
                dpg_suite(), dpg_questions(), folder / "detail.txt", folder / "results.txt"
            ).columns
        ),
    ),
    "T2I-CompBench result": Reader(
        CLIPPED, color_result, lambda folder: t2i.import_results(t2i_suite(), folder).columns
    ),
    "noun chunks": Reader(
        "chunks.json", noun_chunks, lambda folder: chunks.load(folder / "chunks.json", ["a red cup"])
    ),
}


def replaced(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def emptied(path: Path) -> None:
    path.unlink()
    path.mkdir()


def linked(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def enlarged(path: Path) -> None:
    os.truncate(path, 400 << 20)


def middle(path: Path, extra: bytes) -> None:
    data = path.read_bytes()
    at = data.find(b"\n", len(data) // 2) + 1 or len(data) // 2
    replaced(path, data[:at] + extra + data[at:])


def text_of(change) -> Callable[[Path], None]:
    return lambda path: replaced(path, change(path.read_bytes().decode()))


BROKEN = {
    "nothing": partial(replaced, data=b""),
    "UTF-16": text_of(lambda text: text.encode("utf-16")),
    "UTF-32": text_of(lambda text: text.encode("utf-32-be")),
    "a NUL": partial(middle, extra=b"a\0b\n"),
    "a byte of Latin-1": partial(middle, extra=b"caf\xe9\n"),
    "an over-long UTF-8 slash": partial(middle, extra=b"\xc0\xaf\n"),
    "a pipe": piped,
    "a folder": emptied,
    "a link to a device": linked,
    "400 MB": enlarged,
    "a row of 2 MB": partial(middle, extra=b'"' + b"a" * (2 << 20) + b'"\n'),
    "brackets without end": partial(middle, extra=b"[" * 200_000 + b"\n"),
    "an open quote": partial(middle, extra=b'"\n'),
    "a cell of 2 MB": partial(middle, extra=b"1," + b"a" * (2 << 20) + b",c\n"),
    "half a file": text_of(lambda text: text[: len(text) // 2 - 7].encode()),
    "half a character": partial(middle, extra=b'{"prompt": "\\ud800"}\n'),
}
UNHARMED = {  # what makes no difference
    "a byte order mark": text_of(lambda text: b"\xef\xbb\xbf" + text.encode()),
    "Windows line ends": text_of(lambda text: text.replace("\r\n", "\n").replace("\n", "\r\n").encode()),
}
LET_IN = {
    ("UniGenBench wording", "a row of 2 MB"),
    ("UniGenBench wording", "a cell of 2 MB"),
    ("UniGenBench wording", "half a character"),  # (reader, break): the break changes nothing that is read
    ("GenEval names", "half a file"),
    ("GenEval names", "an open quote"),
    ("GenEval names", "brackets without end"),
    ("GenEval names", "half a character"),
    ("DPG-Bench totals", "an open quote"),
    ("DPG-Bench totals", "half a character"),
    ("DPG-Bench totals", "half a file"),
    ("DPG-Bench totals", "nothing"),
}


def broken(reader: Reader, harm: Callable[[Path], object], may_pass: bool, box: Box) -> str | None:
    reader.make(box.inside)
    harm(box.inside / reader.name)
    reader.read(box.inside)
    return HARMLESS if may_pass else None


def unharmed(reader: Reader, change: Callable[[Path], object], box: Box) -> str | None:
    reader.make(box.inside)
    before = repr(reader.read(box.inside))
    change(box.inside / reader.name)
    return HARMLESS if repr(reader.read(box.inside)) == before else None


def odd_row(reader: Reader, key: str, value: object, box: Box) -> str | None:
    """One value of the first JSON row, or of the whole object, replaced."""
    reader.make(box.inside)
    path = box.inside / reader.name
    first, *rest = path.read_text().split("\n")
    row = json.loads(first)
    holder = row[0] if isinstance(row, list) else row.get("primary_dimensions", row)
    holder[key] = value
    path.write_text("\n".join([json.dumps(row), *rest]))
    reader.read(box.inside)
    return HARMLESS if key == "reason" or value is True or (key, repr(value)) in POSSIBLE else None


def odd_cell(reader: Reader, column: str, value: str, box: Box) -> str | None:
    reader.make(box.inside)
    path = box.inside / reader.name
    rows = list(csv.DictReader(io.StringIO(path.read_text(), newline="")))
    rows[0][column] = value
    with path.open("w", newline="") as file:
        out = csv.DictWriter(file, rows[0])
        out.writeheader()
        out.writerows(rows)
    reader.read(box.inside)
    return HARMLESS if column in FREE or (column, value) in POSSIBLE else None


FREE = ("prompt_en", "question_natural_language")  # any text may be one, if it is short and no NUL is in it
POSSIBLE = {
    ("prompt", "'x'"),
    ("answer", "-1"),
    ("a red cup", "[]"),
    ("proposition_id", "-1"),
    ("result_json", "nan"),
    ("result_json", ""),
}
KEYS = {
    "GenEval prompts": ("tag", "include", "prompt"),
    "GenEval results": ("filename", "tag", "prompt", "correct", "reason", "metadata", "details"),
    "UniGenBench summary": ("Style", "Action"),
    "T2I-CompBench result": ("question_id", "answer"),
    "noun chunks": ("a red cup",),
}
CELLS = {
    "UniGenBench prompts": ("index", "prompt_en", "sub_dims_en"),
    "UniGenBench results": ("index", "prompt", "testpoint", "result_json", "img_path"),
    "DPG-Bench questions": dpg.CSV_COLUMNS,
}
TEXTS = (
    "",
    "-1",
    "9" * 5000,
    "[" * 5000,
    "{}",
    '{"score": {}}',
    '{"Testpoints": 3}',
    "\ufeff",
    "../../x",
    "a\0b",
    '{"Testpoints": ["Style"], "Testpoint Description": ["\\ud800"]}',
    "a" * 20_000,
    "nan",
    "0,0,0,9",
)
WORDINGS = {
    "code": "import os\nos.system('touch executed')\n",
    "a call": "SYSTEM_PROMPT_EN_TEMPLATE = __import__('os').getcwd()\n",
    "brackets": "X = " + "(" * 100_000,
    "minuses": "EXPLANATION_DICT_EN = " + "-" * 100_000 + "1",
    "attributes": "{prompt.__class__} {prompt} {testpoint} {explanation} {test_explanation}",
    "widths": "{prompt:>9999999999} {testpoint} {explanation} {test_explanation}",
    "numbers": "{0} {prompt} {testpoint} {explanation} {test_explanation}",
    "braces": "{prompt} {testpoint} {explanation} {test_explanation",
    "bytes": b"{prompt} {testpoint} {explanation} {test_explanation}",
    "a list": ["{prompt}"],
}


def wording(case: str, box: Box) -> None:
    text = WORDINGS[case]
    if case not in ("code", "a call", "brackets", "minuses"):
        text = f"EXPLANATION_DICT_EN = {{'a': 'b'}}\nSYSTEM_PROMPT_EN_TEMPLATE = {text!r}\n"
    (box.inside / "eval_common.py").write_text(text)
    unigen_judge.load_wording(box.inside)


def attempts() -> Iterator[Attempt]:
    for name, reader in READERS.items():
        for kind, harm in BROKEN.items():
            yield Attempt(f"{name}: {kind}", partial(broken, reader, harm, (name, kind) in LET_IN))
        for kind, change in UNHARMED.items():
            yield Attempt(f"{name}: {kind}", partial(unharmed, reader, change))
    for name, keys in KEYS.items():
        for key in keys:
            for value in ODD:
                shown = repr(value)[:30]
                yield Attempt(f"{name}: {key} is {shown}", partial(odd_row, READERS[name], key, value))
    for name, columns in CELLS.items():
        for column in columns:
            for text in TEXTS:
                yield Attempt(
                    f"{name}: {column} is {text[:20]!r}", partial(odd_cell, READERS[name], column, text)
                )
    for case in WORDINGS:
        yield Attempt(f"UniGenBench wording: {case}", partial(wording, case))
