"""The mini benchmarks: frozen prompts, ceilings of 100, floors as stated, refusals that name the image."""

import json

import numpy as np
import pytest
from PIL import Image

from ladr.backbones import load
from ladr.base.errors import LadrError
from ladr.benchmarks.mini import SUITES, dpg, geneval, suite_named, t2i
from ladr.benchmarks.mini.prompts import column_of, shuffled, spec_of, truth
from ladr.benchmarks.mini.scoring import ceiling, images_in, load_image, score
from ladr.benchmarks.mini.suite import FLOOR, freeze, lines
from ladr.benchmarks.prompt import prompts_sha256
from ladr.benchmarks.rows import read_rows, write_rows
from ladr.benchmarks.summary import of_kind, sample, samples, summarise
from ladr.experiment.cells.ceiling import through
from ladr.shapes.detect import read
from ladr.shapes.render import render
from ladr.shapes.scene import COLORS, HELD_OUT_PAIRS, HELD_OUT_RELATIONS, Scene, Thing

NAMES = list(SUITES)


def truths(prompts, images=1):
    return {(p.id, n): truth(p) for p in prompts for n in range(images)}


def means(rows, kind="score"):
    return {column: sample(found).mean for column, found in samples(rows, kind).items()}


@pytest.mark.parametrize("name", NAMES)
def test_sizes_are_prefixes_of_every_column(name):
    suite = SUITES[name]
    full = [p.id for p in suite.prompts("full")]
    smoke = [p.id for p in suite.prompts("smoke")]
    assert len(set(full)) == len(full) == sum(g.count for g in suite.groups)
    for group in suite.groups:
        if group.seen:
            assert [i for i in smoke if i.rsplit("-", 1)[0] == group.stem] == [
                f"{group.stem}-{k:03d}" for k in range(8)
            ]
    assert smoke == [i for i in full if i in set(smoke)]
    assert len(suite.prompts(3)) < len(smoke) < len(suite.prompts()) < len(full)


def test_sizes_of_the_full_suites_allow_for_five_points():
    """400 prompts for every binary column, 256 for every continuous one."""
    for name, least in (("mini-geneval", 400), ("mini-unigen", 256), ("mini-dpg", 400), ("mini-t2i", 256)):
        assert min(g.count for g in SUITES[name].groups if g.seen) == least


@pytest.mark.parametrize("name", NAMES)
def test_first_prompts_come_out_as_frozen(name):
    suite = SUITES[name]
    frozen = {p.id: p for p in suite.prompts("full")}
    first = [p for _, p in zip(range(60), suite.fresh(), strict=False)]
    assert all(frozen[p.id] == p for p in first)


@pytest.mark.slow
def test_all_prompts_come_out_as_frozen(tmp_path):
    freeze(tuple(SUITES.values()), tmp_path)
    for name in NAMES:
        frozen = [{"id": p.id, "text": p.text, "meta": p.meta} for p in SUITES[name].prompts("full")]
        assert [json.loads(x) for x in (tmp_path / f"{name}.jsonl").read_text().splitlines()] == frozen
        assert (tmp_path / f"{name}.jsonl").read_bytes() == lines(SUITES[name])


def test_a_prompt_file_of_another_version_is_refused():
    from dataclasses import replace

    with pytest.raises(LadrError, match=r"mini-dpg\.jsonl: version 99"):
        replace(dpg.SUITE, version=99).prompts("smoke")


@pytest.mark.parametrize("name", NAMES)
def test_ground_truth_scores_100_in_every_column(name):
    suite = SUITES[name]
    prompts = suite.prompts(6)
    rows = score(suite, prompts, truths(prompts))
    found = means(rows)
    assert set(found.values()) == {1.0}, found
    assert set(suite.columns) <= set(found)
    assert of_kind(rows, "junk").value == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_thousand_ground_truths_score_100_and_shuffled_prompts_stay_below_the_floor(name):
    suite = SUITES[name]
    prompts = suite.prompts(120)
    rows = score(suite, prompts, truths(prompts))
    assert set(means(rows).values()) == {1.0}
    for column, value in means(rows, "floor").items():
        if not column.endswith("(unseen)"):
            assert value <= suite.floors.get(column, FLOOR), column


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_ground_truth_through_the_embedded_tokenizer_scores_97(name):
    suite = SUITES[name]
    found = means(ceiling(suite, suite.prompts(120), through(load("shapes"))))
    assert set(suite.columns) <= set(found)
    assert min(found.values()) >= 0.97, found


def test_floors_are_low_where_nothing_else_is_stated():
    suite = geneval.SUITE
    prompts = suite.prompts(30)
    found = means(score(suite, prompts, truths(prompts)), "floor")
    assert max(found[c] for c in suite.columns) <= FLOOR, found


@pytest.mark.parametrize("name", NAMES)
def test_empty_and_noisy_images_score_nothing(name):
    suite = SUITES[name]
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 256, (16, 16, 3)).astype(np.uint8).repeat(4, 0).repeat(4, 1)
    noise = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    images = [np.full((64, 64, 3), v, np.uint8) for v in (0, 20, 158, 248)] + [noise, cells]
    readings = [read(image) for image in images]
    for prompt in suite.prompts(20):
        for reading in readings:
            assert all(point.value == 0 for point in suite.judge(prompt, reading)), prompt


def test_unseen_prompts_ask_for_held_out_compositions_and_seen_ones_do_not():
    for suite in SUITES.values():
        for prompt in suite.prompts(40):
            spec = spec_of(prompt)
            pairs = {(i.color, i.shape) for i in spec.items if i.color and i.shape}
            links = {(spec.items[r.a].shape, r.kind, spec.items[r.b].shape) for r in spec.relations}
            held_out = bool(pairs & HELD_OUT_PAIRS or links & HELD_OUT_RELATIONS)
            assert prompt.meta["seen"] or held_out, prompt
            if prompt.meta["seen"] and spec.kind not in ("relationship", "grammar", "composite", "style"):
                assert not pairs & HELD_OUT_PAIRS, prompt


def test_partners_are_other_prompts_of_the_same_column():
    prompts = geneval.SUITE.prompts("smoke")
    partner = shuffled(prompts)
    by_id = {p.id: p for p in prompts}
    assert sorted(p.id for p in partner.values()) == sorted(by_id)
    assert all(i != p.id and column_of(by_id[i]) == column_of(p) for i, p in partner.items())
    assert shuffled(prompts[::-1]) == partner


def test_rows_do_not_depend_on_order_or_processes():
    suite = t2i.SUITE
    prompts = suite.prompts(3)
    images = truths(prompts, images=2)
    alone = score(suite, prompts, images)
    assert score(suite, prompts, dict(reversed(images.items()))) == alone
    assert score(suite, prompts, images, processes=2) == alone
    backwards = score(suite, prompts[::-1], images)
    assert sorted(map(repr, backwards)) == sorted(map(repr, alone))


def test_scores_survive_the_disk(tmp_path):
    prompts = geneval.SUITE.prompts(2)
    rows = score(geneval.SUITE, prompts, truths(prompts))
    write_rows(tmp_path / "scores.jsonl", {"benchmark": "mini-geneval"}, rows)
    assert read_rows(tmp_path / "scores.jsonl") == ({"benchmark": "mini-geneval"}, rows)
    assert [p.name for p in tmp_path.iterdir()] == ["scores.jsonl"]
    (tmp_path / "broken.jsonl").write_text("{}\nno json\n")
    with pytest.raises(LadrError, match=r"broken\.jsonl"):
        read_rows(tmp_path / "broken.jsonl")


def scene_image(*things, **rest):
    return render(Scene(tuple(Thing(s, c, z, "solid", y, x) for s, c, z, y, x in things), **rest))


def judged(suite, column, text_filter, image):
    prompt = next(p for p in suite.prompts("full") if p.meta["column"] == column and text_filter(spec_of(p)))
    return suite.judge(prompt, read(image))


def test_geneval_asks_presence_loosely_and_counts_strictly():
    circle = lambda spec: spec.items[0].shape == "circle"  # noqa: E731
    extra = scene_image(
        ("circle", "red", "medium", 1, 1),
        ("circle", "red", "medium", 6, 6),
        ("square", "red", "medium", 11, 1),
    )
    (single,) = judged(geneval.SUITE, "Single Obj.", circle, extra)
    assert single.value == 1
    two = lambda spec: circle(spec) and spec.items[0].count == 2  # noqa: E731
    three = lambda spec: circle(spec) and spec.items[0].count == 3  # noqa: E731
    assert judged(geneval.SUITE, "Counting", two, extra)[0].value == 1
    assert judged(geneval.SUITE, "Counting", three, extra)[0].value == 0
    more = scene_image(*((("circle"), "red", "medium", 1, x) for x in (1, 6, 11)))
    assert judged(geneval.SUITE, "Counting", two, more)[0].value == 0


def test_geneval_looks_at_the_surest_thing_only():
    wanted = lambda spec: (spec.items[0].shape, spec.items[0].color) == ("square", "red")  # noqa: E731
    image = scene_image(("square", "blue", "medium", 1, 1), ("square", "red", "medium", 6, 6))
    image[24:28, 24:30] = 248  # a bite out of the red one
    assert judged(geneval.SUITE, "Colors", wanted, image)[0].value == 0


def test_spatial_scores_below_a_half_are_none():
    wanted = lambda spec: (spec.items[0].shape, spec.relations[0].kind) == ("circle", "left")  # noqa: E731
    prompt = next(
        p for p in t2i.SUITE.prompts("full") if p.meta["column"] == "Spatial" and wanted(spec_of(p))
    )
    a, b = (item.shape for item in spec_of(prompt).items)
    one = scene_image((a, "red", "medium", 1, 1))
    right = scene_image((a, "red", "medium", 6, 1), (b, "blue", "medium", 6, 11))
    wrong = scene_image((a, "red", "medium", 6, 11), (b, "blue", "medium", 6, 1))
    assert [t2i.SUITE.judge(prompt, read(i))[0].value for i in (one, right, wrong)] == [0, 1, 0.5]


def test_a_missing_phrase_makes_the_product_nothing():
    prompt = next(p for p in t2i.SUITE.prompts("full") if p.meta["column"] == "Color")
    first = spec_of(prompt).items[0]
    image = scene_image((first.shape, first.color, "medium", 6, 6))
    assert t2i.SUITE.judge(prompt, read(image))[0].value == 0


def test_dpg_zeroes_children_of_missing_things_and_keeps_the_raw_answers():
    prompt = next(p for p in dpg.SUITE.prompts("full") if spec_of(p).relations and spec_of(p).word is None)
    spec = spec_of(prompt)
    wrong = next(c for c in COLORS if c not in {i.color for i in spec.items})
    whole = dpg.SUITE.judge(prompt, read(truth(prompt)))
    assert all(point.value == 1 for point in whole)
    things = [
        (i.shape, wrong, i.size or "medium", 1 + 5 * (k // 3), 1 + 5 * (k % 3))
        for k, i in enumerate(spec.items)
    ]
    points = dpg.SUITE.judge(prompt, read(scene_image(*things[1:], background=spec.background)))
    by_name = {(p.column, p.question.split("(")[1].rstrip(")")): p.value for p in points if "(" in p.question}
    assert by_name["Entity", "shape 0"] == by_name["Relation (zeroed)", "relation 0"] == 0
    assert by_name["Entity", "shape 1"] == by_name["Global", "background 0"] == 1
    overall = next(p.value for p in points if p.column == "Overall")
    zeroed = [p.value for p in points if p.column.endswith("(zeroed)")]
    assert overall == pytest.approx(np.mean(zeroed))


def test_the_official_convention_looks_at_the_last_image_only():
    prompts = dpg.SUITE.prompts(4)
    blank = np.full((64, 64, 3), 248, np.uint8)
    images = {(p.id, n): (truth(p) if n == 0 else blank) for p in prompts for n in range(2)}
    table = {line.column: line for line in summarise(dpg.SUITE, score(dpg.SUITE, prompts, images))}
    assert table["Entity"].score.value == 0.5
    assert table["Entity (official L1)"].score.value == 0


def test_columns_without_a_counterpart_have_no_score():
    prompts = SUITES["mini-unigen"].prompts(2)
    lines_ = summarise(SUITES["mini-unigen"], score(SUITES["mini-unigen"], prompts, truths(prompts)))
    assert {line.column for line in lines_ if line.score is None} == {"Action", "World Knowledge"}
    assert all(line.note for line in lines_ if line.score is None)


def test_overall_is_the_mean_of_the_six_columns():
    prompts = geneval.SUITE.prompts(4)
    images = truths(prompts)
    for p in prompts:
        if p.meta["column"] in ("Counting", "Position"):
            images[p.id, 0] = np.full((64, 64, 3), 248, np.uint8)
    table = {
        line.column: line.score for line in summarise(geneval.SUITE, score(geneval.SUITE, prompts, images))
    }
    assert table["Overall"].value == pytest.approx(4 / 6)
    assert table["Overall"].low <= 4 / 6 <= table["Overall"].high


def test_ceiling_goes_through_what_it_is_given():
    prompts = geneval.SUITE.prompts(2)
    assert set(means(ceiling(geneval.SUITE, prompts)).values()) == {1.0}
    assert set(means(ceiling(geneval.SUITE, prompts, np.zeros_like)).values()) == {0.0}


def test_images_missing_or_too_many_are_named():
    prompts = geneval.SUITE.prompts(2)
    images = truths(prompts)
    gone = dict(images)
    del gone["counting-001", 0]
    with pytest.raises(LadrError, match="image counting-001_0 missing"):
        score(geneval.SUITE, prompts, gone)
    with pytest.raises(LadrError, match="image stranger-000_0 too many"):
        score(geneval.SUITE, prompts, {**images, ("stranger-000", 0): truth(prompts[0])})
    with pytest.raises(LadrError, match=r"_1 and \d+ more missing"):
        score(geneval.SUITE, prompts, {**images, (prompts[0].id, 1): truth(prompts[0])})


def saved(folder, prompts):
    for p in prompts:
        Image.fromarray(truth(p)).save(folder / f"{p.id}_0.png")


def test_a_folder_with_one_image_more_or_less_is_refused(tmp_path):
    prompts = geneval.SUITE.prompts(2)
    saved(tmp_path, prompts)
    assert len(images_in(tmp_path, prompts, 1)) == len(prompts)
    (tmp_path / f"{prompts[3].id}_0.png").rename(tmp_path / "other_0.png")
    with pytest.raises(LadrError, match=f"{prompts[3].id}_0.png missing"):
        images_in(tmp_path, prompts, 1)
    saved(tmp_path, prompts)
    with pytest.raises(LadrError, match=r"other_0\.png too many"):
        images_in(tmp_path, prompts, 1)
    with pytest.raises(LadrError, match="no such folder"):
        images_in(tmp_path / "none", prompts, 1)


@pytest.mark.parametrize("fault", ["text", "truncated", "size", "grey", "alpha"])
def test_images_that_cannot_be_scored_are_refused(tmp_path, fault):
    path = tmp_path / "x.png"
    image = Image.fromarray(truth(geneval.SUITE.prompts(1)[0]))
    said = {"size": "size is 32x64", "grey": "mode is 'L'", "alpha": "mode is 'RGBA'"}
    if fault == "text":
        path.write_text("no image")
    elif fault == "truncated":
        image.save(path)
        path.write_bytes(path.read_bytes()[:-40])
    else:
        faulty = {"size": image.resize((32, 64)), "grey": image.convert("L"), "alpha": image.convert("RGBA")}
        faulty[fault].save(path)
    with pytest.raises(LadrError, match=said.get(fault, "cannot be read as an image")) as caught:
        load_image(path)
    assert "x.png" in str(caught.value)


def test_unknown_names_and_sizes_are_refused():
    with pytest.raises(LadrError, match="did you mean 'mini-geneval'"):
        suite_named("mini-genval")
    for size in ("smok", 0, -1, True):
        with pytest.raises(LadrError, match="size"):
            geneval.SUITE.prompts(size)


def test_commands_score_explain_and_show(tmp_path):
    from typer.testing import CliRunner

    from ladr.cli.main import build

    prompts = dpg.SUITE.prompts(2)
    (tmp_path / "images").mkdir()
    saved(tmp_path / "images", prompts)

    def run(*words):
        return CliRunner().invoke(build(words[0]), [*map(str, words)])

    done = run("score", tmp_path / "images", "--benchmark", "mini-dpg", "--size", 2)
    assert done.exit_code == 0, done.output
    head, rows = read_rows(tmp_path / "images" / "scores.jsonl")
    assert head["prompts_sha256"] == prompts_sha256(prompts)
    assert {r.prompt for r in rows} == {p.id for p in prompts}
    first, other = (str(tmp_path / "images" / f"{p.id}_0.png") for p in prompts)
    said = {}
    for path in (first, other):
        out = tmp_path / "read.png"
        done = run("evaluate", path, "--benchmark", "mini-dpg", "--prompt", prompts[0].id, "--out", out)
        assert done.exit_code == 0, done.output
        said[path] = done.output
        assert Image.open(out).size[0] > 512
    assert "NO" not in said[first]
    assert "NO" in said[other]
    sheet = tmp_path / "sheet.png"
    assert run("prompts", "mini-dpg", "--size", 2, "--render", sheet).exit_code == 0
    assert Image.open(sheet).size[0] > 512


def test_nothing_is_written_when_an_image_is_bad(tmp_path):
    from typer.testing import CliRunner

    from ladr.cli.main import build

    prompts = dpg.SUITE.prompts(2)
    saved(tmp_path, prompts)
    (tmp_path / f"{prompts[1].id}_0.png").write_bytes(b"broken")
    before = sorted(p.name for p in tmp_path.iterdir())
    words = ["score", str(tmp_path), "--benchmark", "mini-dpg", "--size", "2"]
    done = CliRunner().invoke(build("score"), words)
    assert isinstance(done.exception, LadrError)
    assert prompts[1].id in str(done.exception)
    assert sorted(p.name for p in tmp_path.iterdir()) == before
