"""The picture data set: from package files to samples, without the packages themselves."""

import hashlib
import io
import json
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from ladr.backbones.exact.patches import PatchCodes
from ladr.backbones.lumina.sizes import LLaDAConfig
from ladr.backbones.lumina.tokenizer import Words
from ladr.base.errors import LadrError
from ladr.benchmarks.mini.pictures.templates import PATCHES, WORLD, Templates, seen
from ladr.benchmarks.mini.pictures.words import BACKGROUNDS, STYLES
from ladr.cli.main import answer
from ladr.training.data_set import data_set, default_settings
from ladr.training.export import export
from ladr.training.model import Run
from ladr.training.pictures import captions, concepts, packages, samples
from ladr.training.pictures.codebook import learn_codebook
from ladr.training.pictures.exam import COLUMNS, questions
from ladr.training.pictures.render import over, picture_of_svg, picture_of_webp
from ladr.training.run import Execution, train
from ladr.training.sheet import sheet
from ladr.training.vq import batch
from picture_world import NAMES, drawn, picture_world

TINY = LLaDAConfig(
    d_model=32, n_heads=2, n_layers=2, mlp_hidden_size=48, rope_theta=10000.0, rms_norm_eps=1e-5,
    embedding_size=captions.IMAGE_OFFSET + 64, max_sequence_length=384,
)  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    assert picture_world(folder) == {"concepts": 6, "pictures": 6 * 3 * 5, "codes": 64}
    return folder


def settings(**changes):
    usual = default_settings("pictures")
    layout = replace(usual.layout, codebook=64, grid=(4, 4))
    return replace(usual, config=TINY, layout=layout, shard_batch=2, warmup=2, **{"steps": 4, **changes})


def pack(folder, package, files):
    """A package file as npm writes it, with these members."""
    with tarfile.open(folder / package.file, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def webp(colour):
    file = io.BytesIO()
    Image.new("RGBA", (256, 256), colour).save(file, "WEBP", lossless=True)
    return file.getvalue()


def icon_set(names):
    body = '<rect width="16" height="16" fill="#ff0000"/>'
    return json.dumps({"icons": {name: {"body": body} for name in names}, "width": 32, "height": 32}).encode()


@pytest.fixture
def packed(tmp_path):
    """Three emoji: one that every style has, one without a 3D picture, and a clock face."""
    rows = [
        {"label": "tiger", "hexcode": "1F405", "group": 3, "order": 2, "tags": ["cat"]},
        {"label": "lime", "hexcode": "1F34B-200D", "group": 4, "order": 3},
        {"label": "one o’clock", "hexcode": "1F550", "group": 3, "order": 1},
    ]
    groups = [{"key": "animals-nature", "order": 3}, {"key": "food-drink", "order": 4}]
    messages = json.dumps({"groups": groups}).encode()
    pack(tmp_path, packages.NAMES, {"en/data.json": json.dumps(rows).encode(), "en/messages.json": messages})
    pack(tmp_path, packages.RENDERED, {"assets/1f405.webp": webp((0, 0, 255, 255))})
    pack(tmp_path, packages.FLAT, {"icons.json": icon_set(["tiger", "lime"])})
    chars = json.dumps({"1f405": "tiger", "1f34b-200d": "lime"}).encode()
    pack(tmp_path, packages.NOTO, {"icons.json": icon_set(["tiger", "lime"]), "chars.json": chars})
    return tmp_path


def test_a_package_that_is_absent_or_changed_is_refused_with_what_fetches_it(tmp_path):
    package = packages.Package("@some/thing", "1.2.3", hashlib.sha256(b"right").hexdigest(), "MIT", "them")
    with pytest.raises(
        LadrError, match=r"some-thing-1\.2\.3\.tgz: not there; `npm pack @some/thing@1\.2\.3`"
    ):
        packages.check(tmp_path, [package])
    path = tmp_path / package.file
    path.write_bytes(b"wrong")
    with pytest.raises(LadrError, match="fetch it again"):
        packages.check(tmp_path, [package])
    path.write_bytes(b"right")
    packages.check(tmp_path, [package])


def test_concepts_are_joined_by_code_point_and_clocks_left_out(packed):
    pytest.importorskip("resvg_py")
    listed = concepts.concepts(packed)
    assert [concept.name for concept in listed] == ["tiger", "lime"]
    assert listed[1].code == "1f34b-200d"
    kept, pictures = concepts.drawings(packed, listed)
    assert [concept.name for concept in kept] == ["tiger"]
    assert pictures.shape == (1, 3, 64, 64, 4)
    assert np.allclose(pictures[0, 0, 32, 32], (0, 0, 1, 1), atol=0.02)
    assert np.allclose(pictures[0, 1:, 8, 8], (1, 0, 0, 1))
    assert (pictures[0, 1:, 40:] == 0).all(), "the icon's rectangle fills a quarter of its canvas"


def test_a_group_that_is_unknown_is_refused_with_the_nearest(packed):
    with pytest.raises(LadrError, match=r"'food-drinks' is unknown \(did you mean 'food-drink'\?\)"):
        concepts.concepts(packed, ("food-drinks",))


def test_a_picture_of_another_size_is_refused():
    file = io.BytesIO()
    Image.new("RGBA", (100, 50)).save(file, "WEBP")
    with pytest.raises(LadrError, match="size is 100x50, allowed is 256x256"):
        picture_of_webp(file.getvalue())


def test_icons_are_drawn_at_their_place_in_the_view_box():
    pytest.importorskip("resvg_py")
    body = '<rect x="8" y="0" width="8" height="16" fill="#00ff00"/>'
    picture = picture_of_svg({"icons": {"half": {"body": body}}}, "half")
    assert np.allclose(picture[:, 32:], (0, 1, 0, 1))
    assert (picture[:, :32] == 0).all()


def test_transparency_shows_the_background():
    stored = np.zeros((2, 2, 4), np.uint8)
    stored[0, 0] = (10, 20, 30, 255)
    stored[0, 1] = (60, 60, 60, 128)
    shown = over(stored, "blue")
    assert shown[0, 0].tolist() == [10, 20, 30]
    assert shown[1, 1].tolist() == list(BACKGROUNDS["blue"])
    assert np.abs(shown[0, 1] - (60 + 0.5 * np.array(BACKGROUNDS["blue"]))).max() < 1.5


def test_a_plain_background_has_a_code_of_its_own(world):
    patches = PatchCodes.load(world / PATCHES)
    for place, colour in enumerate(BACKGROUNDS.values()):
        plain = np.full((1, 4, 4, 3), colour, np.uint8)
        assert patches.encode(plain).item() == place
        assert (patches.mosaic(np.array([[[place]]])) == plain).all()


def test_the_same_pictures_give_the_same_codebook():
    images = over(drawn()[:, 0], "white")
    one, two = (learn_codebook(images, 32, np.random.default_rng(5)).means for _ in range(2))
    assert (one == two).all()


def test_making_a_data_set_again_keeps_its_codebook(world, tmp_path):
    picture_world(tmp_path)
    before = (tmp_path / PATCHES).read_bytes()
    picture_world(tmp_path, codes=32)
    assert (tmp_path / PATCHES).read_bytes() == before
    assert json.loads((tmp_path / WORLD).read_text())["packages"][1]["licence"] == "MIT"


@pytest.mark.parametrize(
    ("name", "phrase"),
    [("tiger", "a tiger"), ("owl", "an owl"), ("grapes", "grapes"), ("glass of milk", "a glass of milk"),
     ("cactus", "a cactus"), ("nest with eggs", "a nest with eggs"), ("unicorn", "a unicorn"),
     ("curry rice", "curry rice"), ("rhinoceros", "a rhinoceros")],
)  # fmt: skip
def test_a_name_has_the_article_that_english_gives_it(name, phrase):
    assert captions.thing(name) == phrase


def test_every_caption_is_in_the_vocabulary_and_a_name_is_one_token(world, tmp_path):
    data_set("pictures", world).tokenizer().save(str(tmp_path / "tokenizer.json"))
    words = Words(tmp_path)
    for number in range(200):
        text = samples.sample(world, 1, number).caption
        assert text is None or words.ids(text)
    plain = "<user>a tiger face, 3D style on a blue background</user>"
    assert len(words.ids(plain)) == len(words.ids(plain.replace("tiger face", "tiger")))
    assert words.ids("a tiger face") != words.ids("a tiger")
    with pytest.raises(LadrError, match="'tigress' is not a word of this model"):
        words.ids("a tigress")


def test_a_sample_is_the_same_each_time_and_shows_what_its_caption_says(world):
    templates = Templates(world)
    for number in range(60):
        made, again = (samples.sample(world, 3, number) for _ in range(2))
        assert made.caption == again.caption
        assert (made.cells == again.cells).all()
        if made.caption is None:
            assert len(made.cells) == 1
            continue
        for cells in made.cells:
            reading = templates.read(templates.mosaic(cells))
            assert captions.thing(reading.concept) in made.caption
            for word, place, kind in (
                (reading.style, STYLES, "style"),
                (reading.background, BACKGROUNDS, "background"),
            ):
                stated = [other for other in place if f"{other} {kind}" in made.caption]
                assert stated in ([], [word])


def test_held_out_combinations_are_never_shown(world):
    shown = seen(len(NAMES))
    assert 0 < (~shown).sum() < 0.15 * shown.size
    templates = Templates(world)
    hidden = {templates.codes[place].tobytes() for place in zip(*np.nonzero(~shown), strict=True)}
    for number in range(400):
        for cells in samples.sample(world, 0, number).cells:
            assert cells.tobytes() not in hidden


def test_the_tokenizer_is_trained_on_pictures_and_their_codes(world):
    data, patches = data_set("pictures", world), PatchCodes.load(world / PATCHES)
    pixels, codes = batch(data, patches, 0, 3)
    assert pixels.shape == (16, 3, 16, 16)
    assert codes.shape == (16, 4, 4)
    assert (batch(data, patches, 0, 3)[0] == pixels).all()
    assert (batch(data, patches, 0, 4)[0] != pixels).any()


def test_a_data_set_that_is_unknown_or_not_made_is_refused(tmp_path):
    with pytest.raises(LadrError, match=r"'picture' is unknown \(did you mean 'pictures'\?\)"):
        data_set("picture", tmp_path)
    with pytest.raises(LadrError, match=r"pictures\.json: not there; `ladr train data pictures"):
        data_set("pictures", tmp_path)


def test_the_trainer_learns_pictures_and_shows_and_exports_them(world, tmp_path):
    for name in world.iterdir():
        (tmp_path / name.name).write_bytes(name.read_bytes())
    patches = PatchCodes.load(tmp_path / PATCHES)
    train(tmp_path / "model", patches, settings(), Execution(save_every=2))
    resumed = Run(settings(), patches, tmp_path / "model")
    assert resumed.resume()
    assert resumed.step == 4
    result = sheet(tmp_path, tmp_path / "sheet.png", each=1, steps=1)
    assert (result["step"], result["images"]) == (4, len(COLUMNS))
    (tmp_path / "model" / "log.jsonl").touch()
    export(tmp_path, tmp_path / "out", "bfloat16")
    stored = load_file(tmp_path / "out" / "model.safetensors")
    assert {weight.dtype for weight in stored.values()} == {torch.bfloat16}
    for name, weight in resumed.average.items():
        assert torch.allclose(stored[name].float(), weight, rtol=0.01), name
    assert Templates(tmp_path / "out").names == list(NAMES)
    layout = json.loads((tmp_path / "out" / "config.json").read_text())["ladr"]
    assert (layout["codebook"], layout["image_offset"]) == (64, captions.IMAGE_OFFSET)


def test_the_exam_judges_one_fact_per_column(world):
    templates = Templates(world)
    for column in COLUMNS:
        for question in questions(world, column, 12):
            right = [
                question.right(templates.image(*place))
                for place in np.ndindex(templates.own.shape)
                if captions.thing(templates.names[place[0]]) in question.text
            ]
            assert any(right), question.text
            assert column == "concept" or not all(right)


def test_pictures_are_not_made_in_the_folder_of_a_run_of_shapes(tmp_path, capsys):
    (tmp_path / "vq").mkdir()
    words = ["train", "data", "pictures", "--from", str(tmp_path), "--folder", str(tmp_path)]
    assert answer(words) == 2
    assert f"{tmp_path}: holds a run of shapes (vq); choose another folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["vq"]


def test_more_codes_than_patches_are_refused():
    images = over(drawn(1)[:, 0], "white")
    with pytest.raises(LadrError, match="500 are asked for; the pictures have"):
        learn_codebook(images, 500, np.random.default_rng(0))
