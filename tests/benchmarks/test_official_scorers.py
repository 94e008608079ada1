"""What scores a cell of an official benchmark: tiny random networks of the real classes, and a judge on
loopback that misbehaves, all as `ladr score` asks them."""

import ast
import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

import official_files as made
from judge_server import Server, answer
from ladr.base.files import read_json
from ladr.benchmarks.official import chunks, scorers, t2i, unigen_judge
from ladr.benchmarks.official.blip import BlipVqa
from ladr.benchmarks.official.clip import Clip
from ladr.benchmarks.official.detector import CONVERTED, Detector, of_geneval
from ladr.benchmarks.official.geneval import TAGS
from ladr.benchmarks.official.geneval_rules import evaluate, keep
from ladr.benchmarks.official.named import is_official, name_of
from ladr.benchmarks.official.part import PartInput
from ladr.benchmarks.official.spatial import parse, score
from ladr.benchmarks.rows import read_rows
from ladr.benchmarks.submission import Means
from ladr.experiment.cells import score as cells
from ladr.experiment.cells.decode import run
from ladr.experiment.cells.official import layout_of
from ladr.experiment.cells.record import SCORE, SCORES
from ladr.experiment.grid import grid
from ladr.experiment.params import changes_of, load
from official_cells import folder_of, ladr, notes
from tiny import redecoded
from tiny_scorers import detector_config

TEXT = """\
use: [lumina-dimoo]
tracking: false
steps: 2
baseline: ladr
backbones:
  lumina-dimoo:
    settings: {source: model}
    batch_size: 32
    benchmarks: {geneval: 1, unigen: 4, dpg: 1, t2i: 2}
samplers:
  ladr: {policy: ladr}
official:
  prompts: prompts
  images: 1
  detector: null
  clip: null
  blip: null
"""
CLASSES = ["cup", "owl", "fox"]
DETECTOR = "mask2former:m2f-tiny+clip-tiny"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with all cells decoded and none scored."""
    return made.decoded(tmp_path_factory.mktemp("scorers"), TEXT)


@pytest.fixture
def here(world, tmp_path, monkeypatch):
    shutil.copytree(world, tmp_path / "w")
    monkeypatch.chdir(tmp_path / "w")
    return tmp_path / "w"


@pytest.fixture(scope="module")
def detector_folder(tmp_path_factory):
    from transformers import Mask2FormerForUniversalSegmentation

    folder = tmp_path_factory.mktemp("m2f") / "m2f-tiny"
    torch.manual_seed(2)
    model = Mask2FormerForUniversalSegmentation(detector_config(len(CLASSES)))
    with torch.no_grad():  # sure of its masks and torn between cup and owl
        model.class_predictor.weight.normal_(0, 0.3)
        model.class_predictor.bias[:2] += 9.0
        for name, parameter in model.named_parameters():
            if ".mask_embedder.2." in name:
                parameter.mul_(30.0)
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def server():
    pytest.importorskip("tenacity", reason="the judge extra is not installed")
    server = Server()
    server.reply = full_marks
    yield server
    server.shutdown()
    server.server_close()


def full_marks(text):
    n = len(ast.literal_eval(re.search(r"\[.*?\]", text)[0]))
    return answer([""] * n, [1] * n)


def experiment(*changes):
    found = grid(load("params.yaml", changes_of(list(changes)))).cells.values()
    return {one.spec["benchmark"]["name"]: one for one in found}


def scored(benchmark, *changes):
    """The cell scored under changed settings, and what was said meanwhile."""
    one, said = experiment(*changes)[benchmark], []
    cells.score([one], say=said.append)
    return one, said


def judgements(one):
    return read_rows(Path(folder_of(one), SCORES))[1]


def drawn(one, here):
    """prompt id -> its only image, with its meta."""
    suite, place = layout_of(one), here / folder_of(one)
    draw = cells.submission_of(one, place, Means(one.official), cells.origin_of(one, place)).one_by_one()
    return {p.id: (p, Image.fromarray(draw(i, 0))) for i, p in enumerate(suite.prompts)}


# networks


def test_geneval_in_a_cell_is_the_official_rule_on_the_detectors_boxes(here, detector_folder, clip_folder):
    given = (f"official.detector={detector_folder}", f"official.colors={clip_folder}")
    one, said = scored("geneval", *given, "official.allow_few_detections=true")
    detector, clip = of_geneval(detector_folder, here / "prompts/geneval"), Clip.load(clip_folder)
    wanted = {}
    for prompt, image in drawn(one, here).values():
        colours = lambda name, found, image=image: clip.colours(image, name, found)  # noqa: E731
        objects = keep(detector(image), prompt.meta["tag"])
        wanted[prompt.id] = evaluate(objects, prompt.meta, colours)[0]
    assert {row.prompt: bool(row.value) for row in judgements(one)} == wanted
    assert set(wanted.values()) == {True, False}  # else this could not tell right from wrong
    table = notes(one)
    for prompt, _ in drawn(one, here).values():
        column = TAGS[prompt.meta["tag"]]
        assert table[column][0] is None
        assert table[f"{column} [{DETECTOR}]"][0] == 100 * wanted[prompt.id]
    assert table[f"Overall [{DETECTOR}]"][0] == pytest.approx(100 * sum(wanted.values()) / 6)
    assert f"{one.id}: geneval: 6/6 judged" in said
    assert not (here / folder_of(one) / "images").exists()
    assert len((here / folder_of(one) / "geneval.jsonl.partial").read_text().splitlines()) == 6


def test_the_official_weights_fill_the_official_columns(here, detector_folder, clip_folder):
    shutil.copytree(detector_folder, here / "converted")
    (here / "converted" / CONVERTED).write_text("{}")
    shutil.copytree(clip_folder, here / "clip-vit-large-patch14")
    given = ("official.detector=converted", "official.colors=./clip-vit-large-patch14")
    one, _ = scored("geneval", *given, "official.allow_few_detections=true")
    assert 0 <= notes(one)["Overall"][0] <= 100
    assert "scored by mask2former:converted+clip-vit-large-patch14" in notes(one)["Overall"][1]


def test_another_owners_weights_of_the_same_name_are_not_the_official_ones():
    official = "openai/clip-vit-base-patch32"
    assert is_official(name_of(official, official), official)
    assert name_of("mine/clip-vit-base-patch32", official) == "mine/clip-vit-base-patch32"
    assert not is_official(name_of("mine/clip-vit-base-patch32", official), official)
    assert name_of("mine/other", official) == "other"


def test_t2i_in_a_cell_has_each_category_by_its_own_scorer(here, detector_folder, clip_folder, blip_folder):
    texts = [p.text for p in experiment()["t2i"].prompts]
    chunks.save(here / "c.json", chunks.select(texts, lambda text: ["a red cup", "the owl"]))
    given = [f"official.{k}={v}" for k, v in (("blip", blip_folder), ("clip", clip_folder))]
    one, said = scored("t2i", *given, "official.chunks=c.json", f"official.spatial={detector_folder}")
    vqa, clip = BlipVqa.load(blip_folder), Clip.load(clip_folder)
    detector = Detector.load(detector_folder, CLASSES)
    wanted, images = {}, drawn(one, here)
    for prompt, image in images.values():
        if prompt.meta["category"] in ("color", "shape", "texture"):
            cup, owl = vqa.yes(image, ["a red cup?", "the owl?"])
            wanted[prompt.id] = cup * owl
        elif prompt.meta["category"] == "non_spatial":
            wanted[prompt.id] = clip.cosine(image, prompt.text)
        elif prompt.text == "a cup on the top of a owl":
            wanted[prompt.id] = score(parse(prompt.text), detector(image), 32)
    assert {row.prompt: row.value for row in judgements(one)} == pytest.approx(wanted, abs=1e-4)
    assert len(wanted) == 3 * 2 + 2 + 1
    table = notes(one)
    for name in ("Color [blip-vqa:blip-tiny]", "Shape [blip-vqa:blip-tiny]", "Non-spatial [clip:clip-tiny]"):
        assert isinstance(table[name][0], float)
    assert "1 of 2 prompts name two things" in table["Spatial [spatial-m2f-tiny]"][1]
    assert {c for c, (value, _) in table.items() if value is None} >= {"Color", "Spatial", "Complex"}
    assert "only the official script runs" in table["Complex"][1]
    assert f"{one.id}: color: 2/2 judged" in said
    kept = here / folder_of(one) / "spatial.jsonl"
    assert len(kept.read_text().splitlines()) == 1


def test_prompts_without_noun_chunks_are_named_and_the_rest_is_scored(here, blip_folder, clip_folder):
    texts = [p.text for p in experiment()["t2i"].prompts if p.meta["category"] != "shape"]
    chunks.save(here / "c.json", chunks.select(texts, lambda text: ["the owl"]))
    one, _ = scored("t2i", f"official.blip={blip_folder}", "official.chunks=c.json")
    assert "c.json: no chunks of 2 prompts: a cup and a owl 1 0" in notes(one)["Shape"][1]
    assert notes(one)["Color [blip-vqa:blip-tiny]"][0] is not None
    assert "`official.clip` is not set" in notes(one)["Non-spatial"][1]
    (here / "c.json").write_text("[]")
    scored("t2i", f"official.blip={blip_folder}", "official.chunks=./c.json")
    assert "no chunks of 2 prompts" in notes(one)["Color"][1]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_a_reason_not_a_crash(here, detector_folder):
    one, _ = scored("geneval", f"official.detector={detector_folder}", "official.device=cuda")
    assert "cannot be loaded" in notes(one)["Overall"][1]


# judges


def judge(server, *more):
    given = {"endpoint": server.url, "model": "owl", "concurrency": 3}
    return [f"official.judge.{key}={value}" for key, value in given.items()] + list(more)


def asked(one, here):
    """The question's text of every prompt."""
    wording = unigen_judge.load_wording(here / "prompts/unigen")
    return [wording.question(p.text, p.meta["points"], p.meta["descriptions"]) for p in one.prompts]


def book(one, benchmark="unigen"):
    with open(f"{folder_of(one)}/{benchmark}.answers.jsonl", encoding="utf-8") as file:
        return [json.loads(line)["id"] for line in file]


def test_a_judge_that_misbehaves_loses_nothing_and_counts_nothing_twice(here, server):
    texts = asked(experiment()["unigen"], here)
    faults = ("429", "500", "truncated", "short", "scores", "empty", "closed", "slow")
    server.faults = dict(zip(texts, ([fault] for fault in faults), strict=False))
    one, said = scored("unigen", *judge(server, "official.judge.price_in=1", "official.judge.price_out=2"))
    assert len(texts) == len(book(one)) == len(set(book(one))) == 12
    assert [server.calls[text] for text in texts] == [2] * 7 + [1] * 5  # a slow answer is an answer
    assert notes(one)["Style [unigen-judge:owl]"][0] == 100
    assert notes(one)["Style"][0] is None
    estimate = next(line for line in said if "questions" in line)
    assert "12 questions, 0 answered before, 12 to ask" in estimate
    assert "in the currency of your prices" in estimate
    assert said.index(estimate) < said.index(f"{one.id}: owl: 12/12 judged")
    calls = sum(server.calls.values())
    weights = "official.judge.weights=CodeGoat24/UniGenBench-EvalModel-qwen-72b-v1"
    one, _ = scored("unigen", *judge(server, weights))
    assert notes(one)["Style"][0] == 100
    assert sum(server.calls.values()) == calls


def test_a_judge_that_stops_is_a_reason_and_the_next_run_asks_for_the_rest(here, server):
    texts = asked(experiment()["unigen"], here)
    server.faults = {texts[6]: ["401"], texts[8]: ["500"]}
    settings = judge(server, "official.judge.attempts=1")
    one, _ = scored("unigen", *settings)
    assert "401 " in notes(one)["Style"][1]
    before = set(book(one))
    assert 4 <= len(before) < 12
    server.faults = {texts[8]: ["500"]}
    again = [word for change in settings for word in ("--set", change)]
    assert ladr("score", one.id, *again)[0].exit_code == 0
    assert "1 of 12 images have no judgement" in notes(one)["Style"][1]
    assert notes(one)["Style"][0] is None
    assert ladr("score", one.id, *again)[0].exit_code == 0
    assert notes(one)["Style [unigen-judge:owl]"][0] == 100
    assert len(book(one)) == len(set(book(one))) == 12
    kept = [server.calls[texts[int(id.partition("_")[0])]] for id in before]
    assert kept == [1] * len(before)


def test_dpg_by_a_judge_is_called_after_it(here, server):
    server.reply = lambda text: "No." if "question 1?" in text else "Yes"
    one, said = scored("dpg", *judge(server), "official.dpg=judge")
    table = notes(one)
    assert table["Overall"][0] is None
    assert table["Entity [dpg-owl]"][0] == 0
    assert table["Attribute [dpg-owl]"][0] == 100
    assert table["Attribute (zeroed) [dpg-owl]"][0] == 0
    assert table["Overall [dpg-owl]"][0] == 50
    assert any("4 questions, 0 answered before" in line for line in said)
    assert read_json(here / folder_of(one) / SCORE)["parts"]["dpg"]["exact"] is False


# what is exported twice, imported under another name, or of other tokens


def test_a_second_export_links_what_the_first_has_and_draws_nothing(here):
    one = experiment()["dpg"]
    assert ladr("export", one.id, "--to", "out/a")[0].exit_code == 0
    shutil.rmtree(here / "model/vqvae")  # nothing can be drawn now
    assert ladr("export", one.id, "--to", "out/b")[0].exit_code == 0
    first, second = (sorted((here / "out" / name).iterdir()) for name in "ab")
    assert [path.name for path in first] == [path.name for path in second] == ["0.png"]
    assert first[0].stat().st_ino == second[0].stat().st_ino
    assert read_json(here / "out/b.manifest.json")["complete"] is True


def test_images_that_are_kept_are_linked_and_those_of_other_tokens_drawn_anew(here, clip_folder):
    given = (f"official.clip={clip_folder}", "official.keep_images=true")
    one, _ = scored("t2i", *given)
    kept = here / folder_of(one) / "images"
    assert ladr("export", one.id, "--to", "out/t2i")[0].exit_code == 0
    names = [path.relative_to(kept) for path in kept.rglob("*.png")]
    assert len(names) == 12
    assert all((here / "out/t2i" / name).stat().st_ino == (kept / name).stat().st_ino for name in names)
    before = (kept / names[0]).stat().st_ino
    redecoded(here / folder_of(one))
    scored("t2i", *given)
    assert (kept / names[0]).stat().st_ino != before
    done, said = ladr("export", one.id, "--to", "out/t2i")
    assert done.exit_code != 0
    assert "tokens is" in said


def test_results_without_detections_are_refused_unless_they_are_allowed(here):
    one = experiment()["geneval"]
    results = made.geneval_results(layout_of(one), here / "r.jsonl", right=lambda i, j: False)
    done, said = ladr("import", one.id, "--results", results)
    assert done.exit_code != 0
    assert "nothing detected in 6 of 6 images (x/00000/samples/0000.png" in said
    allowed = ("--set", "official.allow_few_detections=true")
    assert ladr("import", one.id, "--results", results, *allowed)[0].exit_code == 0
    assert notes(one)["Overall"][0] == 0


def test_a_substitutes_result_that_is_imported_keeps_its_name_until_an_official_one_comes(here):
    one = experiment()["t2i"]
    for category in ("color", "shape"):
        made.t2i_result(layout_of(one), here / "t", category, 0.25)
    path = here / "t/color" / t2i.ATTRIBUTE / "vqa_result.json"
    t2i.write_result(path, [0.5, 0.5], "blip-vqa:mine", exact=False)
    assert ladr("import", one.id, "--results", "t")[0].exit_code == 0
    assert notes(one)["Color [blip-vqa:mine]"][0] == 50
    assert notes(one)["Color"][0] is None
    assert notes(one)["Shape"] == (25, "")
    made.t2i_result(layout_of(one), here / "u", "color", 0.75)
    assert ladr("import", one.id, "--results", "u")[0].exit_code == 0
    assert notes(one)["Color"] == (75, "")
    assert notes(one)["Shape"] == (25, "")
    assert "Color [blip-vqa:mine]" not in notes(one)


def test_t2i_results_beside_images_of_other_prompts_are_refused(here):
    one = experiment()["t2i"]
    made.t2i_result(layout_of(one), here / "t", "color", 0.25)
    assert ladr("export", one.id, "--to", "x")[0].exit_code == 0
    shutil.copytree("x/color/samples", "t/color/samples")
    assert ladr("import", one.id, "--results", "t")[0].exit_code == 0
    image = next(Path("t/color/samples").iterdir())
    image.rename(image.with_name("a dog_000001.png"))
    done, said = ladr("import", one.id, "--results", "t")
    assert done.exit_code != 0
    assert "1 missing (a cup and a owl" in said
    assert "1 surplus (a dog_000001.png)" in said


def test_tables_say_what_an_official_result_leaves_out(here):
    more = "backbones.lumina-dimoo.benchmarks.dpg=2"
    dpg, unigen = experiment(more)["dpg"], experiment()["unigen"]
    run([dpg], say=lambda text: None)
    asked = PartInput(layout_of(dpg), dpg.official, here, here, None)
    questions, _, loses = scorers.dpg_questions(asked)
    assert loses == dpg.prompts[0].id == "0"
    lines = made.dpg_detail(layout_of(dpg), questions, here / "d.txt").read_text().splitlines(keepends=True)
    (here / "d.txt").write_text("".join(line for line in lines if "/0.png" not in line))
    assert ladr("import", dpg.id, "--results", "d.txt", "--set", more)[0].exit_code == 0
    assert notes(dpg)["Overall"] == (100, "without 0, which the official script loses")
    rows = made.unigen_results(layout_of(unigen), here / "m.csv").read_text()
    (here / "m.csv").write_text(re.sub(r'"\{""score"": [^}]*\}"', "null", rows, count=1))
    assert ladr("import", unigen.id, "--results", "m.csv")[0].exit_code == 0
    assert "1 images without a judgement (0_0.png)" in notes(unigen)["Style"][1]
