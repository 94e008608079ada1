"""Native scoring through tiny random instances of the real classes, loaded from folders like checkpoints."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from ladr.base.errors import LadrError
from ladr.benchmarks.official import chunks, dpg, geneval, native, t2i
from ladr.benchmarks.official.blip import BOS, ENC, NO, YES, BlipVqa, clean
from ladr.benchmarks.official.clip import Clip, cut_out
from ladr.benchmarks.official.detector import Detector, instances
from ladr.benchmarks.official.folder import export
from ladr.benchmarks.official.geneval_rules import COLOURS, ObjectDetection
from ladr.benchmarks.official.pixels import for_blip, for_clip, for_detector
from tiny_scorers import detector_config

RECORD = {"cell": "c", "sampler": "s", "seed": "x"}


def picture(i, j, size=32):
    generator = np.random.Generator(np.random.PCG64([i, j]))
    small = generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.repeat(np.repeat(small, size // 4, 0), size // 4, 1)


@pytest.fixture(scope="module")
def detector_folder(tmp_path_factory):
    from transformers import Mask2FormerForUniversalSegmentation

    folder = tmp_path_factory.mktemp("m2f") / "m2f-tiny"
    torch.manual_seed(3)
    model = Mask2FormerForUniversalSegmentation(detector_config())
    with torch.no_grad():
        for name, parameter in model.named_parameters():  # detections must not all be below every threshold
            if name.startswith("class_predictor"):
                parameter.normal_(0, 3.0)
    model.save_pretrained(folder)
    return folder


CLASSES = ["cup", "owl", "box", "sofa", "kite"]


# pixels: against transformers' own image processors


def test_clip_pixels_are_those_of_the_clip_processor():
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    image = Image.fromarray(picture(0, 0, 64)).resize(
        (68, 48)
    )  # an even rest: torchvision rounds odd ones up
    processor = CLIPImageProcessorPil(size={"shortest_edge": 24}, crop_size={"height": 24, "width": 24})
    theirs = processor(image, return_tensors="pt")["pixel_values"]
    assert torch.allclose(for_clip(image, 24), theirs, atol=1e-5)


def test_blip_pixels_are_those_of_the_blip_processor():
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

    image = Image.fromarray(picture(0, 0, 64)).resize((61, 47))
    theirs = BlipImageProcessorPil(size={"height": 24, "width": 24})(image, return_tensors="pt")[
        "pixel_values"
    ]
    assert torch.allclose(for_blip(image, 24), theirs, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "scaled"),
    [
        ((64, 64), (800, 800)),
        ((1024, 1024), (800, 800)),
        ((100, 400), (1333, 333)),
        ((640, 480), (800, 1067)),
    ],
)
def test_detector_pixels_keep_the_ratio_and_pad_to_the_stride(size, scaled):
    pixels, inner = for_detector(Image.new("RGB", size, (124, 116, 104)))
    assert inner == scaled
    assert pixels.shape[-2] % 32 == pixels.shape[-1] % 32 == 0
    assert pixels.shape[-2] - scaled[0] < 32
    assert pixels.shape[-1] - scaled[1] < 32
    assert (
        pixels[..., : scaled[0], : scaled[1]].abs().max() < 0.02
    )  # the mean colour is zero, like the padding


# the detector


def test_scores_boxes_and_masks_come_from_the_raw_logits():
    classes = torch.full((3, 3), -9.0)  # 2 classes and no-object
    classes[0, 0], classes[1, 1], classes[2, 2] = 9.0, 9.0, 9.0
    masks = torch.full((3, 8, 10), -20.0)
    masks[0, 2:5, 3:7] = 20.0
    masks[1, 6, 1] = 0.5
    found = instances(classes, masks, ["cup", "owl"])
    assert found["cup"][0].box == (3.0, 2.0, 7.0, 5.0)
    assert found["cup"][0].score == pytest.approx(1.0, abs=1e-3)
    assert found["cup"][0].mask.sum() == 12
    assert found["owl"][0].box == (1.0, 6.0, 2.0, 7.0)
    assert found["owl"][0].score == pytest.approx(torch.tensor(0.5).sigmoid().item(), abs=1e-3)


def test_one_query_may_be_two_classes_and_an_empty_mask_is_nothing():
    classes, masks = torch.tensor([[2.0, 2.0, -9.0], [9.0, -9.0, -9.0]]), torch.full((2, 4, 4), -5.0)
    masks[0] = 9.0
    found = instances(classes, masks, ["cup", "owl"])
    assert found["cup"][0].score == pytest.approx(found["owl"][0].score)
    assert len(found["cup"]) == 1


def test_the_detector_runs_from_a_folder_at_the_size_of_the_image(detector_folder):
    detector = Detector.load(detector_folder, CLASSES)
    found = detector(Image.fromarray(picture(1, 1)).resize((40, 24)))
    every = [d for detections in found.values() for d in detections]
    assert every
    assert set(found) <= set(CLASSES)
    assert all(d.mask.shape == (24, 40) for d in every)
    assert all(0 <= d.box[0] < d.box[2] <= 40 and 0 <= d.box[1] < d.box[3] <= 24 for d in every)
    assert detector.name == "mask2former:m2f-tiny"
    with pytest.raises(LadrError, match="5 classes, GenEval has 2"):
        Detector.load(detector_folder, CLASSES[:2])


# colours and cosine


def test_outside_the_mask_is_grey_and_the_box_is_cut_out():
    mask = np.zeros((8, 8), bool)
    mask[2:4, 2:6] = True
    cut = cut_out(Image.new("RGB", (8, 8), "red"), ObjectDetection((2, 2, 6, 5), 0.9, mask))
    assert cut.size == (4, 3)
    assert cut.getpixel((0, 0)) == (255, 0, 0)
    assert cut.getpixel((0, 2)) == (0x99, 0x99, 0x99)


def test_colours_are_the_nearest_template_means(clip_folder):
    clip, image = Clip.load(clip_folder), Image.fromarray(picture(2, 0))
    detections = [ObjectDetection((0, 0, 16, 16), 0.9), ObjectDetection((8, 8, 32, 32), 0.8)]
    expected = []
    for detection in detections:
        seen = clip.images([image.crop(detection.box)])[0]
        scores = []
        for colour in COLOURS:
            texts = [
                f"a photo of a {colour} cup",
                f"a photo of a {colour}-colored cup",
                f"a photo of a {colour} object",
            ]
            centre = clip.texts(texts).mean(0)
            scores.append(float(seen @ (centre / centre.norm())))
        expected.append(COLOURS[int(np.argmax(scores))])
    assert clip.colours(image, "cup", detections) == expected


def test_the_cosine_is_raw_and_long_prompts_are_cut(clip_folder):
    clip, image = Clip.load(clip_folder), Image.fromarray(picture(2, 0))
    seen, text = clip.images([image]), clip.texts(["a red cup"])
    assert clip.cosine(image, "a red cup") == pytest.approx(float(seen @ text.T), abs=1e-6)
    assert seen.norm().item() == pytest.approx(1.0, abs=1e-5)
    assert -1 <= clip.cosine(image, "a red cup of a blue box " * 20) <= 1


# BLIP-VQA


def by_hand(vqa, image, question, first):
    """The official computation step by step, with `first` in place of the first question token."""
    ids = vqa.tokenizer(question, return_tensors="pt")["input_ids"].clone()
    ids[:, 0] = first
    with torch.no_grad():
        seen = vqa.model.vision_model(pixel_values=for_blip(image, 16)).last_hidden_state
        states = vqa.model.text_encoder(input_ids=ids, encoder_hidden_states=seen).last_hidden_state
        out = vqa.model.text_decoder(input_ids=torch.tensor([[BOS]]), encoder_hidden_states=states)
    p = out.logits[0, 0].softmax(-1)
    return float(p[YES] / (p[YES] + p[NO]))


def test_the_enc_token_stands_first_and_the_share_of_yes_is_read(blip_folder):
    vqa, image = BlipVqa.load(blip_folder), Image.fromarray(picture(3, 0))
    cls = vqa.tokenizer("x")["input_ids"][0]
    with_enc, without = by_hand(vqa, image, "a red cup?", ENC), by_hand(vqa, image, "a red cup?", cls)
    assert abs(with_enc - without) > 1e-3  # otherwise this test could not tell them apart
    assert vqa.yes(image, ["a red cup?"]) == [round(with_enc, 4)]


def test_questions_of_different_length_do_not_change_each_other(blip_folder):
    vqa, image = BlipVqa.load(blip_folder), Image.fromarray(picture(3, 0))
    asked = ["a cup?", "is there a red cup of the blue box?"]
    assert vqa.yes(image, asked) == pytest.approx([vqa.yes(image, [q])[0] for q in asked], abs=1.1e-4)
    assert vqa.yes(image, []) == []


def test_questions_are_cleaned_as_the_official_script_does():
    assert clean("A Red, cup.(big)!?") == "a red, cupbig?"
    assert len(clean("word " * 80).split()) == 50


# whole folders, through the importers of the official files


GENEVAL = [
    {"tag": "single_object", "include": [{"class": "cup", "count": 1}], "prompt": "a cup"},
    {"tag": "colors", "include": [{"class": "owl", "count": 1, "color": "red"}], "prompt": "a red owl"},
    {
        "tag": "two_object",
        "include": [{"class": "cup", "count": 1}, {"class": "owl", "count": 1}],
        "prompt": "both",
    },
    {
        "tag": "position",
        "include": [{"class": "cup", "count": 1}, {"class": "owl", "count": 1, "position": ["above", 0]}],
        "prompt": "an owl above a cup",
    },
]


def stopping(after):
    def progress(done):
        if done == after:
            raise KeyboardInterrupt

    return progress


def test_geneval_is_scored_resumed_and_imported_under_its_own_name(tmp_path, detector_folder, clip_folder):
    suite = geneval.suite(GENEVAL, 1)
    export(suite, tmp_path / "run", picture, RECORD)
    parts = Detector.load(detector_folder, CLASSES), Clip.load(clip_folder)
    out = tmp_path / "results.jsonl"
    with pytest.raises(KeyboardInterrupt):
        native.geneval(suite, tmp_path / "run", out, *parts, stopping(2))
    assert not out.exists()
    scores = native.geneval(suite, tmp_path / "run", out, *parts, lambda done: None)
    assert scores.scorer == "mask2former:m2f-tiny+clip-tiny"
    assert len(scores.rows) == 4
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["prompt"] for row in rows] == [row["prompt"] for row in GENEVAL]
    assert len((tmp_path / "results.jsonl.partial").read_text().splitlines()) == 4
    Image.fromarray(picture(9, 9)).save(tmp_path / "run" / "00001" / "samples" / "0000.png")
    native.geneval(suite, tmp_path / "run", out, *parts, lambda done: None)
    assert (
        len((tmp_path / "results.jsonl.partial").read_text().splitlines()) == 5
    )  # only the changed image anew


def test_dpg_by_another_model_carries_that_models_name(tmp_path, blip_folder):
    suite = dpg.suite({"a": "x", "b": "y"}, 4)
    own = [
        dpg.DpgQuestion(1, (), "entity", "entity - whole", "is there a cup?"),
        dpg.DpgQuestion(2, (1,), "other", "other - count", "a box?"),
    ]
    export(suite, tmp_path / "run", picture, RECORD)
    vqa = BlipVqa.load(blip_folder)
    questions = {"a": own, "b": own}
    scores = native.dpg(suite, questions, tmp_path / "run", tmp_path / "book", vqa, lambda done: None)
    assert scores.scorer == "dpg-blip-tiny"
    yes = [vqa.answers_yes(Image.fromarray(picture(1, j)), [q.text for q in own]) for j in range(4)]
    wanted = [(a + (a and b)) / 2 for a, b in yes]
    assert [row.value for row in scores.rows if row.prompt == "b"] == wanted
    kept = (tmp_path / "book").read_text()
    native.dpg(suite, questions, tmp_path / "run", tmp_path / "book", vqa, lambda done: None)
    assert (tmp_path / "book").read_text() == kept


def test_t2i_writes_the_official_files_and_says_who_scored(tmp_path, blip_folder, clip_folder):
    suite = t2i.suite({"color": ["a red cup", "the box"], "non_spatial": ["a cup is there"]}, 2)
    export(suite, tmp_path / "run", picture, RECORD)
    asked = {"a red cup": ["a red cup", "the cup"], "the box": ["the box"]}
    vqa, clip, quiet = BlipVqa.load(blip_folder), Clip.load(clip_folder), lambda done: None
    colour = native.t2i(suite, "color", tmp_path / "run", (blip_folder, clip_folder), asked, "cpu", quiet)
    native.t2i(suite, "non_spatial", tmp_path / "run", (blip_folder, clip_folder), None, "cpu", quiet)
    scores = t2i.import_results(suite, tmp_path / "run.results")
    assert scores.columns["Color (blip-vqa:blip-tiny)"] == pytest.approx(colour)
    first, cup = (
        Image.fromarray(picture(0, 0)),
        vqa.yes(Image.fromarray(picture(0, 0)), ["a red cup?", "the cup?"]),
    )
    assert scores.rows[0].value == pytest.approx(cup[0] * cup[1], abs=1e-4)
    assert scores.rows[4].value == pytest.approx(
        clip.cosine(Image.fromarray(picture(2, 0)), "a cup is there"), abs=1e-6
    )
    assert first.size == (32, 32)
    with pytest.raises(LadrError, match="spatial needs UniDet"):
        native.t2i(t2i.suite({"spatial": ["x"]}), "spatial", tmp_path, ("", ""), None, "cpu", quiet)


def test_noun_chunks_from_a_file_or_a_clear_word(tmp_path):
    made = chunks.select(["a cup on the left"], lambda text: ["a cup", "the left", "a box"])
    assert made == {"a cup on the left": ["a cup", "a box"]}
    chunks.save(tmp_path / "c.json", made)
    assert chunks.load(tmp_path / "c.json", list(made)) == made
    with pytest.raises(LadrError, match="no chunks of 1 prompts: an owl"):
        chunks.load(tmp_path / "c.json", ["an owl"])
    for text in ("{", "[1]", '{"an owl": "owl"}', '{"an owl": [1]}'):
        (tmp_path / "d.json").write_text(text)
        with pytest.raises(
            LadrError, match=r"d.json: (not valid JSON|not noun chunks by prompt|no chunks of)"
        ):
            chunks.load(tmp_path / "d.json", ["an owl"])
    assert len(chunks.select(["x"], lambda text: ["c"] * 12)["x"]) == 8
