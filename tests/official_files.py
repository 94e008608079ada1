"""Invented prompt files of the official forms and sizes, and result files as official scripts write them."""

import csv
import io
import json
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

from ladr.backbones.random.blank import random_checkpoint
from ladr.benchmarks.official import geneval, t2i, unigen
from ladr.benchmarks.official.fetch import names_in, pin
from ladr.experiment.cells.decode import run
from ladr.experiment.grid import grid
from ladr.experiment.params import load

WORDS = tuple("a one red circle cup owl fox and on the top right of next to".split()) + tuple("0123456789")
RELATIONS = ("on the top of", "on the right of", "next to")
L2 = ("entity - whole (fox)", "attribute - color (fox, red)", "global - ", "other - count (foxes, ==1)")


def prompts(folder: Path) -> Path:
    """Four sub-folders of whole-size files; the texts are ours."""
    for name, write in (("geneval", _geneval), ("unigen", _unigen), ("dpg", _dpg), ("t2i", _t2i)):
        (folder / name).mkdir(parents=True)
        write(folder / name)
    return folder


def decoded(folder: Path, text: str, *then: Callable) -> Path:
    """The folder with this experiment, a random model and invented prompts, all cells decoded; what `then`
    does with the cells is done there too."""
    (folder / "params.yaml").write_text(text)
    random_checkpoint(folder / "model", words=WORDS)
    prompts(folder / "prompts")
    with chdir(folder):
        cells = grid(load("params.yaml")).cells.values()
        for step in (run, *then):
            step(cells, say=lambda text: None)
    return folder


def _geneval(folder: Path) -> None:
    (folder / "object_names.txt").write_text("cup\nowl\nfox\n")
    clause = {"class": "cup", "count": 1}
    extra = {
        "two_object": [{"class": "owl", "count": 1}],
        "position": [{"class": "owl", "count": 1, "position": ["left of", 0]}],
    }
    rows = [
        {"tag": tag, "include": [clause, *extra.get(tag, [])], "prompt": f"one cup {number} {digits(k)}"}
        for number, (tag, n) in enumerate(geneval.COUNTS.items())
        for k in range(n)
    ]
    (folder / "evaluation_metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _unigen(folder: Path) -> None:
    points = [name for name, n in unigen.POINTS.items() for _ in range(n)]
    own = [points[k::600] for k in range(600)]
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(["index", "prompt_en", "sub_dims_en"])
    for k, names in enumerate(own):
        out.writerow(
            [
                k,
                f"one red circle {digits(k)}",
                json.dumps({"Testpoints": names, "Testpoint Description": names}),
            ]
        )
    (folder / "test_prompts_en.csv").write_text(text.getvalue(), encoding="utf-8")
    wording = (
        f"EXPLANATION_DICT_EN = {dict.fromkeys(unigen.POINTS, 'what it means')!r}\n"
        "SYSTEM_PROMPT_EN_TEMPLATE = 'about {prompt} {testpoint} {explanation} {test_explanation}'\n"
    )
    (folder / "eval_common.py").write_text(wording)


def _dpg(folder: Path) -> None:
    (folder / "prompts").mkdir()
    lines = ["item_id,proposition_id,dependency,tuple,question_natural_language"]
    for name in names_in(pin("dpg")["folder"]):
        (folder / "prompts" / name).write_text("a red fox")
        item = name.removesuffix(".txt")
        lines += [f'{item},{k},{int(k == 2)},"{kind}",question {k}?' for k, kind in enumerate(L2, start=1)]
    (folder / "dpg_bench.csv").write_text("\n".join(lines) + "\n")


def _t2i(folder: Path) -> None:
    for number, category in enumerate(t2i.CATEGORIES):
        joint = RELATIONS if category == "spatial" else ("and",)
        rows = [f"a cup {joint[k % len(joint)]} a owl {number} {digits(k)}" for k in range(300)]
        if category == "spatial":
            rows[0] = f"a cup {joint[0]} a owl"  # both of them names of GenEval's
        (folder / f"{category}_val.txt").write_text("\n".join(rows) + "\n")


def digits(k: int) -> str:
    """A number in words of the tiny model."""
    return " ".join(str(k))


def geneval_results(suite, path: Path, right=lambda i, j: True) -> Path:
    rows = []
    for i, prompt in enumerate(suite.prompts):
        boxes = {
            c["class"]: [[10 * n, 0, 10 * n + 4, 4, 0.95]]
            for n, c in enumerate(reversed(prompt.meta["include"]))
        }
        for j in range(suite.images_per_prompt):
            rows.append({
                "filename": f"x/{suite.place(i, j)}", "tag": prompt.meta["tag"], "prompt": prompt.text,
                "correct": right(i, j), "reason": "" if right(i, j) else "no cup",
                "metadata": json.dumps(prompt.meta), "details": json.dumps(boxes if right(i, j) else {}),
            })  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def unigen_results(suite, path: Path) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["index", "prompt", "testpoint", "output", "result_json", "img_path"])
        for i, prompt in enumerate(suite.prompts):
            points = prompt.meta["points"]
            for j in range(suite.images_per_prompt):
                judged = json.dumps({"score": [int(j > 0)] * len(points)})
                out.writerow([i, prompt.text, repr(points), "", judged, suite.place(i, j)])
    return path


def dpg_detail(suite, questions, path: Path, yes=lambda item, tile, q: True) -> Path:
    lines = []
    for item, own in questions.items():
        for tile in range(suite.images_per_prompt):
            x, y = tile % 2 * 32, tile // 2 * 32
            for q in own:
                answer = "yes" if yes(item, tile, q.proposition) else "no"
                lines.append(f"m/{item}.png, ({x}, {y}, {x + 32}, {y + 32}), {q.text}, {answer}")
    path.write_text("\n".join(lines) + "\n")
    return path


def t2i_result(suite, folder: Path, category: str, value: float) -> Path:
    path = folder / category / t2i.RESULT_OF[category] / "vqa_result.json"
    path.parent.mkdir(parents=True)
    n = suite.images_per_prompt * sum(p.meta["category"] == category for p in suite.prompts)
    path.write_text(json.dumps([{"question_id": k, "answer": str(value)} for k in range(n)]))
    return folder
