"""mini-pictures: exact judgements by the nearest template, on a world of a few squares."""

from collections import Counter
from dataclasses import replace
from importlib import resources
from types import SimpleNamespace

import numpy as np
import pytest

from ladr.base.errors import LadrError
from ladr.base.models import embedded
from ladr.benchmarks import benchmark
from ladr.benchmarks.mini.pictures import suite
from ladr.benchmarks.mini.pictures.templates import TEMPLATES, Templates, seen
from ladr.benchmarks.mini.pictures.words import BACKGROUNDS, STYLES, prompt
from ladr.benchmarks.prompt import Prompt
from ladr.benchmarks.submission import Submission
from ladr.benchmarks.summary import samples, summarise
from picture_world import NAMES, picture_world


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    picture_world(folder)
    return folder


@pytest.fixture(scope="module")
def small(world):
    return replace(suite.SUITE, folder=world)


def asking(name, style, background, shown=True):
    meta = {"concept": name, "style": style, "background": background, "column": "Concept", "seen": shown}
    return Prompt(f"{name}-{style}-{background}", prompt(name, style, background), meta)


def every_prompt():
    shown, backgrounds = seen(len(NAMES)), [*BACKGROUNDS]
    return tuple(
        asking(NAMES[i], STYLES[s], backgrounds[b], bool(shown[i, s, b]))
        for i, s, b in np.ndindex(shown.shape)
    )


def decoded(prompts, images, each=1):
    """A cell whose tokens are the positions of its images."""
    renderer = SimpleNamespace(render=lambda tokens: np.stack([images[int(i)] for i in tokens[:, 0, 0]]))
    tokens = np.arange(len(images)).reshape(-1, 1, 1)
    return Submission(prompts, each, tokens, lambda: renderer, lambda: renderer, None, {})


def means(rows, kind="score"):
    values = samples(rows, kind)
    return {column: np.mean([s / n for s, n in each.values()]) for column, each in values.items()}


def test_templates_score_one_in_every_column(small):
    prompts = every_prompt()
    rows = small.rows(decoded(prompts, [small.truth(each) for each in prompts]))
    columns = {*suite.COLUMNS, *(f"{column} (unseen)" for column in suite.COLUMNS)}
    assert means(rows) == dict.fromkeys(columns, 1.0)
    table = {line.column: line for line in summarise(small, rows)}
    assert table["Overall"].score.value == 1
    assert table["Intact"].floor is None


def test_images_of_another_prompt_fail_what_differs_alone(small):
    asked = asking("tiger", "3D", "white")
    for other, right in (
        (asking("tiger", "Noto", "white"), (1, 0, 1)),
        (asking("rose", "3D", "white"), (0, 1, 1)),
        (asking("tiger", "3D", "pink"), (1, 1, 0)),
    ):
        points = small.judgements(asked, small.read(small.truth(other)))
        assert [point.value for point in points] == [*right, 1.0]


def test_the_floor_is_what_another_prompt_would_have_scored(small):
    prompts = every_prompt()
    floor = means(small.rows(decoded(prompts, [small.truth(each) for each in prompts])), "floor")
    assert floor["Concept"] < 0.5
    assert "Intact" not in floor


def test_an_image_is_intact_within_the_tokenizers_own_distance(small, world):
    templates = Templates(world)
    image = templates.image(0, 0, 0)
    exact = templates.read(image)
    assert exact.own == pytest.approx(templates.own[0, 0, 0])
    assert exact.own > 1
    assert exact.distance < 0.6
    assert exact.intact
    spoilt = image.copy()
    spoilt[:4] = 255 - spoilt[:4]
    assert not templates.read(spoilt).intact


def test_a_reading_is_the_nearest_template_by_pixels(world):
    templates = Templates(world)
    image = np.random.default_rng(3).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    reading = templates.read(image)
    apart = {
        place: ((templates.image(*place).astype(float) - image) ** 2).mean() ** 0.5
        for place in np.ndindex(templates.own.shape)
    }
    best = min(apart, key=apart.get)
    assert reading.distance == pytest.approx(apart[best], abs=0.5)
    assert reading.concept == NAMES[best[0]]


def test_what_an_image_shows_is_said_in_words_whatever_was_asked(small):
    from ladr.experiment.illustrations.verdicts import verdicts

    asked = asking("owl", "flat", "green")
    shown = small.read(small.truth(asking("cup with straw", "Noto", "pink")))
    found = {
        v["asked"]: (v["found"], v["value"]) for v in verdicts(asked, shown, small.judgements(asked, shown))
    }
    assert found["an owl"] == ("a cup with straw", 0.0)
    assert found["flat style"] == ("Noto style", 0.0)
    assert found["green background"] == ("pink background", 0.0)
    assert found["Intact"] == ("intact", 1.0)


def test_several_images_of_a_prompt_have_a_diversity(small):
    asked = (asking("owl", "flat", "green"),)
    one, two = small.truth(asked[0]), small.truth(asking("rose", "flat", "green"))
    rows = small.rows(decoded(asked, [one, two], each=2))
    assert next(row.value for row in rows if row.kind == "diversity") > 0
    assert Counter(row.kind for row in rows)["score"] == 8


def test_the_ceiling_is_the_score_of_templates_through_the_tokenizer(small):
    prompts = every_prompt()
    perfect = small.ceiling(prompts, lambda images: images)
    assert set(means(perfect).values()) == {1.0}
    blank = small.ceiling(prompts, lambda images: np.full_like(images, 128))
    assert means(blank)["Concept"] < 0.5


def test_prompts_are_frozen_and_sizes_keep_the_share_of_unseen_ones():
    mini = benchmark("mini-pictures")
    full = mini.prompts("full")
    assert Counter(each.meta["seen"] for each in full) == {True: 240, False: 60}
    assert len({each.text for each in full}) == len({each.id for each in full}) == 300
    few = mini.prompts(8)
    assert [each.meta["seen"] for each in few] == [True] * 8 + [False] * 2
    assert few[:8] == full[:8]


def test_fresh_prompts_ask_for_what_was_held_out():
    names = [f"thing {n}" for n in range(200)]
    shown, backgrounds = seen(len(names)), [*BACKGROUNDS]
    for each in suite.fresh(names):
        meta = each.meta
        place = (
            names.index(meta["concept"]),
            STYLES.index(meta["style"]),
            backgrounds.index(meta["background"]),
        )
        assert shown[place] == meta["seen"]
        assert each.text == prompt(meta["concept"], meta["style"], meta["background"])


def test_a_changed_prompt_file_is_refused(monkeypatch):
    suite._frozen.cache_clear()
    monkeypatch.setattr(suite, "SHA256", "0" * 64)
    with pytest.raises(LadrError, match=r"prompts\.jsonl of mini-pictures: sha256 is .* restore the file"):
        suite.SUITE.prompts()


def test_what_cannot_be_read_or_is_no_concept_is_named(small, world, tmp_path):
    with pytest.raises(LadrError, match=r"image: shape is \(8, 8, 3\), the templates are \(16, 16, 3\)"):
        small.read(np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(LadrError, match=r"'tigre' is no concept of the templates \(did you mean 'tiger'\?\)"):
        small.truth(asking("tigre", "3D", "white"))
    with pytest.raises(LadrError, match=r"pictures\.json: no list of concepts"):
        Templates(tmp_path)
    for file in world.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / TEMPLATES).write_bytes(b"no tensors")
    with pytest.raises(LadrError, match=r"templates\.safetensors: no templates can be read"):
        Templates(tmp_path)


def test_the_embedded_model_has_a_template_for_every_frozen_prompt():
    templates = Templates(embedded("pictures"))
    assert (
        suite.lines(templates.names) == resources.files(suite.__package__).joinpath(suite.FILE).read_bytes()
    )
    asked = suite.SUITE.prompts(4)
    rows = suite.SUITE.ceiling(asked, lambda images: images)
    assert set(means(rows).values()) == {1.0}
