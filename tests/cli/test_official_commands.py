"""`ladr benchmark ...` as a person runs it, on whole-size invented prompt files."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ladr.benchmarks.official import geneval, sheet
from ladr.benchmarks.official.folder import export
from ladr.benchmarks.official.suite import Score, Scores
from ladr.cli.main import answer
from ladr.cli.official import app

RECORD = {"cell": "c", "sampler": "s", "seed": "x"}


@pytest.fixture
def prompts(tmp_path):
    """553 invented rows of the official form."""
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "object_names.txt").write_text("cup\nowl\n")
    rows = [
        {"tag": tag, "include": [{"class": "cup", "count": 1}], "prompt": f"{tag} {k}"}
        for tag, n in geneval.COUNTS.items()
        for k in range(n)
    ]
    (folder / "evaluation_metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def run(tmp_path, prompts):
    suite = geneval.load(prompts, 1)
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[0] = 255
    source = tmp_path / "source.png"
    Image.fromarray(pixels).save(source)
    export(suite, tmp_path / "run", lambda i, j: source, RECORD)
    return suite, tmp_path / "run"


def ladr(*args):
    return CliRunner().invoke(app, [str(a) for a in args])


def test_check_says_what_is_wrong_and_exits_with_1(run, prompts):
    _, folder = run
    options = ("geneval", "--check", folder, "--prompts", prompts, "--images-per-prompt", 1)
    good = ladr(*options)
    assert good.exit_code == 0
    assert "553 of 553 image files, 0 faults" in good.output
    shutil.rmtree(folder / "00004")
    plain = json.loads(ladr(*options, "--json").stdout)
    assert (plain["present"], plain["expected"]) == (552, 553)
    assert plain["faults"]["00004/samples/0000.png"] == "missing"
    bad = ladr(*options)
    assert bad.exit_code == 1
    assert "00004/samples/0000.png: missing" in bad.output


def test_results_are_shown_and_failures_get_a_page(run, prompts, tmp_path):
    suite, folder = run
    rows = []
    for i, prompt in enumerate(suite.prompts):
        right = i != 7
        rows.append(
            {
                "filename": str(folder / suite.place(i, 0)),
                "tag": prompt.meta["tag"],
                "prompt": prompt.text,
                "correct": right,
                "reason": "" if right else "expected cup>=1, found 0 <b>",
                "metadata": json.dumps(prompt.meta),
                "details": json.dumps({"cup": [[0, 0, 1, 1, 0.9]]} if right else {}),
            }
        )
    results, page = tmp_path / "results.jsonl", tmp_path / "page.html"
    results.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ("--prompts", prompts, "--images-per-prompt", 1)
    shown = ladr("geneval", "--results", results, "--sheet", page, *options)
    assert shown.exit_code == 0, shown.output
    assert "98.75" in shown.output  # 79 of 80
    assert "99.79" in shown.output  # the mean of 98.75 and five times 100
    assert "1 judgements that are not full" in " ".join(shown.output.split())
    plain = json.loads(ladr("geneval", "--results", results, "--json", *options).stdout)
    assert plain["benchmark"] == "geneval"
    assert round(100 * plain["columns"]["Overall"]["score"], 2) == 99.79
    text = page.read_text()
    assert "expected cup&gt;=1, found 0 &lt;b&gt;" in text
    assert "single_object 7" in text


def test_bad_input_is_one_line_and_exits_with_2(prompts, tmp_path, capsys):
    for args, message in [
        (("geneval", "--prompts", prompts), "nothing to do"),
        (
            ("geneval", "--prompts", tmp_path / "no", "--check", tmp_path),
            "evaluation_metadata.jsonl is not in",
        ),
        (("fetch", "geneva"), "did you mean 'geneval'"),
    ]:
        assert answer(["benchmark", *map(str, args)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert message in line


def test_the_page_is_self_contained_and_bounded(run, tmp_path):
    suite, folder = run
    rows = [
        Score(p.id, 0, "Counting", 0.0, "two cups", suite.place(i, 0)) for i, p in enumerate(suite.prompts)
    ]
    scores = Scores(
        "geneval", 1, suite.prompts_sha256, "official", {"Counting": 0.5}, {"Counting": 0.25}, rows=rows
    )
    assert sheet.write_sheet(suite, scores, folder, tmp_path / "p.html", most=10) == 553
    text = (tmp_path / "p.html").read_text()
    assert text.count("<figure>") == 10
    assert text.count("data:image/jpeg;base64,") == 10
    assert 'src="http' not in text
    assert "the first 10 of them" in text
    assert "50.00<td>25.00" in text
