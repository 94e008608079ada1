"""Export and check of the official layouts."""

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from PIL import Image

from ladr.base.errors import LadrError
from ladr.benchmarks.official import dpg, geneval, t2i, unigen
from ladr.benchmarks.official.folder import check, crop_tile, export, manifest_path
from ladr.benchmarks.prompt import Prompt

RECORD = {
    "cell": "ladr-12345678",
    "sampler": {"name": "ladr", "steps": 64},
    "seed": "sha256(benchmark, prompt, image)",
}


def picture(i, j):
    """A 16 x 16 image whose first pixel says which it is."""
    pixels = np.full((16, 16, 3), 40, np.uint8)
    pixels[0, 0] = (i, j, 200)
    return pixels


def first_pixel(path):
    with Image.open(path) as image:
        return image.convert("RGB").getpixel((0, 0))


SUITES = {
    "geneval": geneval.suite([{"tag": "colors", "include": [], "prompt": f"p{k}"} for k in range(3)], 2),
    "unigen": unigen.suite(
        [Prompt(str(k), f"p{k}", {"points": [], "descriptions": []}) for k in range(3)], 2
    ),
    "dpg": dpg.suite({f"item{k}": f"p{k}" for k in range(3)}, 4),
    "t2i": t2i.suite({"color": ["a red cup.", "an owl"], "shape": ["a box"]}, 2),
}
LAYOUT = {
    "geneval": ["00002/metadata.jsonl", "00002/samples/0000.png", "00002/samples/0001.png"],
    "unigen": ["2_0.png", "2_1.png"],
    "dpg": ["item2.png"],
    "t2i": ["color/samples/a red cup._000001.png", "shape/samples/a box_000001.png"],
}


@pytest.fixture(params=SUITES)
def suite(request):
    return SUITES[request.param]


def test_an_export_is_the_official_layout_and_checks_clean(tmp_path, suite):
    folder = tmp_path / "run"
    assert export(suite, folder, picture, RECORD) == sum(1 for _ in suite.files())
    assert all((folder / path).is_file() for path in LAYOUT[suite.name])
    report = check(suite, folder)
    assert report.ok
    assert report.present == report.expected
    assert not list(tmp_path.rglob("*.part"))


def test_the_manifest_is_beside_the_folder_and_says_where_images_come_from(tmp_path, suite):
    export(suite, tmp_path / "run", picture, RECORD)
    manifest = json.loads((tmp_path / "run.manifest.json").read_text())
    assert manifest | RECORD == manifest
    assert manifest["prompts_sha256"] == suite.prompts_sha256
    assert manifest["complete"] is True
    assert not (tmp_path / "run" / "run.manifest.json").exists()


def test_each_image_is_rendered_once_and_lands_under_its_own_name(tmp_path):
    suite, asked = SUITES["geneval"], []
    export(suite, tmp_path / "run", lambda i, j: asked.append((i, j)) or picture(i, j), RECORD)
    assert asked == [(i, j) for i in range(3) for j in range(2)]
    assert first_pixel(tmp_path / "run" / "00002" / "samples" / "0001.png") == (2, 1, 200)


def test_the_grid_has_its_tiles_in_the_official_order(tmp_path):
    export(SUITES["dpg"], tmp_path / "run", picture, RECORD)
    with Image.open(tmp_path / "run" / "item1.png") as image:
        assert image.size == (32, 32)
        corners = [image.getpixel(xy) for xy in ((0, 0), (16, 0), (0, 16), (16, 16))]
        tiles = [crop_tile(image, k, 4).getpixel((0, 0)) for k in range(4)]
    assert corners == tiles == [(1, k, 200) for k in range(4)]


def test_an_interrupted_export_goes_on_without_rendering_again(tmp_path):
    suite, asked = SUITES["unigen"], []

    def breaks(i, j):
        asked.append((i, j))
        if len(asked) == 4:
            raise KeyboardInterrupt
        return picture(i, j)

    with pytest.raises(KeyboardInterrupt):
        export(suite, tmp_path / "run", breaks, RECORD)
    assert json.loads(manifest_path(tmp_path / "run").read_text())["complete"] is False
    assert export(suite, tmp_path / "run", breaks, RECORD) == 3
    assert asked == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 1), (2, 0), (2, 1)]
    assert check(suite, tmp_path / "run").ok


def test_another_runs_folder_is_refused(tmp_path):
    export(SUITES["unigen"], tmp_path / "run", picture, RECORD)
    with pytest.raises(LadrError, match="cell is 'ladr-12345678' there and 'other' here"):
        export(SUITES["unigen"], tmp_path / "run", picture, RECORD | {"cell": "other"})
    with pytest.raises(LadrError, match="benchmark is 'unigen' there"):
        export(SUITES["dpg"], tmp_path / "run", picture, RECORD)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x.txt").write_text("x")
    with pytest.raises(LadrError, match="holds files and has no manifest"):
        export(SUITES["unigen"], tmp_path / "mine", picture, RECORD)
    with pytest.raises(LadrError, match="seed missing"):
        export(SUITES["unigen"], tmp_path / "new", picture, {"cell": "x", "sampler": "y"})


def test_a_png_is_hard_linked(tmp_path):
    source = tmp_path / "source.png"
    Image.fromarray(picture(0, 0)).save(source)
    export(SUITES["unigen"], tmp_path / "run", lambda i, j: source, RECORD)
    assert os.stat(tmp_path / "run" / "2_1.png").st_ino == os.stat(source).st_ino


def test_a_second_export_links_and_one_of_another_run_does_not(tmp_path, suite):
    def never(i, j):
        raise AssertionError

    export(suite, tmp_path / "one", picture, RECORD)
    assert export(suite, tmp_path / "two", never, RECORD) == sum(1 for _ in suite.files())
    for path, _, _ in suite.files():
        assert (tmp_path / "one" / path).stat().st_ino == (tmp_path / "two" / path).stat().st_ino
    assert check(suite, tmp_path / "two").ok
    with pytest.raises(AssertionError):
        export(suite, tmp_path / "three", never, RECORD | {"cell": "other"})
    (tmp_path / "away").mkdir()
    export(suite, tmp_path / "away" / "four", never, RECORD, others=[tmp_path / "one"])
    with pytest.raises(AssertionError):
        export(suite, tmp_path / "away" / "sub" / "five", never, RECORD)


def test_an_unfinished_export_is_not_linked_from(tmp_path, suite):
    drawn = []
    export(suite, tmp_path / "one", picture, RECORD)
    manifest = manifest_path(tmp_path / "one")
    manifest.write_text(manifest.read_text().replace('"complete": true', '"complete": false'))
    export(suite, tmp_path / "two", lambda i, j: drawn.append((i, j)) or picture(i, j), RECORD)
    assert len(drawn) == suite.images


def test_another_file_system_gets_a_copy(tmp_path, suite):
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one file system")
    export(suite, tmp_path / "one", picture, RECORD)
    with TemporaryDirectory(dir=shared) as far:
        export(suite, Path(far) / "two", lambda i, j: None, RECORD, others=[tmp_path / "one"])
        for path, _, _ in suite.files():
            assert (Path(far) / "two" / path).read_bytes() == (tmp_path / "one" / path).read_bytes()
            assert (Path(far) / "two" / path).stat().st_nlink == 1


def test_a_file_of_another_format_is_written_anew(tmp_path):
    source = tmp_path / "source.jpg"
    Image.fromarray(picture(0, 0)).save(source)
    export(SUITES["unigen"], tmp_path / "run", lambda i, j: source, RECORD)
    with Image.open(tmp_path / "run" / "0_0.png") as image:
        assert image.format == "PNG"


def test_tiles_of_different_sizes_make_no_grid(tmp_path):
    odd = {3: np.zeros((8, 8, 3), np.uint8)}
    with pytest.raises(LadrError, match=r"item0\.png.*square tiles of one size"):
        export(SUITES["dpg"], tmp_path / "run", lambda i, j: odd.get(j, picture(i, j)), RECORD)


def test_every_fault_has_its_reason(tmp_path):
    suite, folder = SUITES["geneval"], tmp_path / "run"
    export(suite, folder, picture, RECORD)
    (folder / "00000" / "samples" / "0000.png").unlink()
    (folder / "00000" / "samples" / "0001.png").write_bytes(b"not an image")
    Image.new("RGB", (16, 16)).save(folder / "00001" / "samples" / "0000.png")
    cut = folder / "00001" / "samples" / "0001.png"
    cut.write_bytes(cut.read_bytes()[:60])
    (folder / "00001" / "metadata.jsonl").write_text('{"tag": "colors", "include": [], "prompt": "other"}')
    (folder / "notes.txt").write_text("x")
    faults = check(suite, folder).faults
    assert faults.keys() == {
        "00000/samples/0000.png",
        "00000/samples/0001.png",
        "00001/samples/0000.png",
        "00001/samples/0001.png",
        "00001/metadata.jsonl",
        "notes.txt",
    }
    assert faults["00000/samples/0000.png"] == "missing"
    assert faults["00000/samples/0001.png"].startswith("unreadable")
    assert faults["00001/samples/0000.png"] == "one single colour"
    assert faults["00001/samples/0001.png"].startswith("unreadable")
    assert "another version" in faults["00001/metadata.jsonl"]
    assert "surplus" in faults["notes.txt"]
    assert len(check(suite, folder, decode=False).faults) == 3


def test_a_single_image_where_a_grid_is_due_is_caught(tmp_path):
    export(SUITES["dpg"], tmp_path / "run", picture, RECORD)
    Image.fromarray(picture(0, 0)[:15, :15]).save(tmp_path / "run" / "item0.png")
    assert "need a square of even side" in check(SUITES["dpg"], tmp_path / "run").faults["item0.png"]


def test_what_the_official_scorer_writes_is_no_surplus(tmp_path):
    export(SUITES["t2i"], tmp_path / "run", picture, RECORD)
    for path in (
        "annotation_blip/vqa_result.json",
        "annotation1_blip/VQA/x.json",
        "labels/annotation_obj_detection_2d/m",
    ):
        (tmp_path / "run" / "color" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / "color" / path).write_text("x")
    assert check(SUITES["t2i"], tmp_path / "run").ok
