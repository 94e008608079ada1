"""The trainer: the same data for the same seed, and a killed run goes on as if nothing had happened."""

import io
import json
import os
import signal
from dataclasses import asdict, replace
from functools import partial
from multiprocessing.pool import ThreadPool

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from safetensors.torch import save_file

from ladr.backbones.exact.patches import PatchCodes, cut, paste
from ladr.backbones.lumina.llada import LLaDA
from ladr.backbones.lumina.sizes import LLaDAConfig
from ladr.backbones.lumina.tokenizer import Words
from ladr.base.errors import FailedError, LadrError
from ladr.cli import train as commands
from ladr.cli.main import answer
from ladr.shapes.evaluate import satisfies
from ladr.shapes.practice import forward as named_first
from ladr.shapes.render import render
from ladr.training import checkpoints, exam, shape_exam
from ladr.training.codebook import latents, learn_codebook
from ladr.training.data import OTHERS, Stream
from ladr.training.export import export
from ladr.training.forward import forward
from ladr.training.log import draw, read_log
from ladr.training.model import Run
from ladr.training.objective import kept_positions, loss, mask_cells, posterior, sequence
from ladr.training.progress import Follow
from ladr.training.run import Execution, train
from ladr.training.settings import Settings, read_settings
from ladr.training.shape_samples import finished, has_others, sample
from ladr.training.sheet import grid, sheet
from ladr.training.vocabulary import IMAGE_OFFSET, SPECIAL, build, words
from ladr.training.vq import new_vq
from ladr.training.workers import CHUNK, Ahead, Workers, awaited, chunk_of, pool_of

TINY = LLaDAConfig(
    d_model=32, n_heads=2, n_layers=2, mlp_hidden_size=48, rope_theta=10000.0, rms_norm_eps=1e-5,
    embedding_size=IMAGE_OFFSET + 512, max_sequence_length=384,
)  # fmt: skip
SETTINGS = Settings(steps=6, shard_batch=2, warmup=2, config=TINY)


@pytest.fixture(scope="module")
def patches() -> PatchCodes:
    return learn_codebook(scenes=1500)


def test_patches_are_cut_and_pasted_back():
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 12, 3), np.uint8)
    assert (paste(cut(images)) == images).all()
    with pytest.raises(LadrError, match=r"9x12.*multiple of 4"):
        cut(np.zeros((1, 9, 12, 3), np.uint8))


def test_a_code_depends_on_its_own_patch_alone(patches):
    image = render(sample(0, 3)[2])[None]
    before = patches.encode(image)
    changed = image.copy()
    changed[0, 8:12, 20:24] = (1, 200, 3)
    after = patches.encode(changed)
    where = np.argwhere(before != after)
    assert where.tolist() == [[0, 2, 5]]


def test_encoding_is_the_nearest_mean(patches):
    images = np.stack([render(sample(1, n)[2]) for n in range(4)])
    cells = cut(images).astype(np.float32)
    distance = ((cells[..., None, :] - patches.means) ** 2).sum(-1)
    assert (patches.encode(images) == distance.argmin(-1)).mean() > 0.9999
    assert (PatchCodes(patches.means).encode(images[2:]) == patches.encode(images)[2:]).all()


def test_flat_patches_keep_their_colour(patches):
    flat = np.zeros((1, 4, 4, 3), np.uint8)
    for rgb in ((248, 248, 248), (158, 158, 162), (20, 20, 24), (214, 40, 40)):
        flat[:] = rgb
        assert (patches.mosaic(patches.encode(flat)) == flat).all()


def test_codebook_vectors_are_distinct(patches):
    vectors = torch.from_numpy(latents(patches, 16))
    distance = torch.cdist(vectors, vectors) + 1e9 * torch.eye(len(vectors))
    assert distance.min() > 0


def test_every_caption_is_in_the_vocabulary():
    tokenizer = build()
    for number in range(400):
        assert SPECIAL.index("<unknown>") not in tokenizer.encode(sample(2, number)[1]).ids
    assert tokenizer.get_vocab_size() == len(SPECIAL) + len(words()) <= IMAGE_OFFSET


def test_capitals_begin_sentences_and_spell_letters():
    encode = build().encode
    assert encode("A red circle").tokens == ["a", "red", "circle"]
    assert encode('The word "CA"').tokens == ["the", "word", '"', "C", "²A", '"']


def test_a_letter_that_is_none_is_refused_with_those_that_one_can_write(tmp_path):
    build().save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(LadrError, match=r"'B' is not a word of this model \(known: .* \d+ more\)") as refused:
        Words(tmp_path).ids('the letters "HB"')
    assert "²" not in str(refused.value)


def test_letters_are_told_apart_by_their_place():
    tokens = build().encode('red and "AAT" . A cross . a sign "H" at the top').tokens
    assert tokens == 'red and " A ²A ³T " . a cross . a sign " H " at the top'.split()


def stream(patches, size=4, early=0, source=None):
    tokenizer = build()
    make = partial(finished, 0, early=early)
    return Stream(make, 0, 1, size, lambda c: tokenizer.encode(c or "<uncondition>").ids, patches, source)


def test_same_seed_same_data_and_streams_go_on(patches):
    first = iter(stream(patches))
    batches = [next(first) for _ in range(5)]
    again = stream(patches)
    going = iter(again)
    for batch in batches[:2]:
        assert (next(going).codes == batch.codes).all()
    resumed = stream(patches)
    resumed.restore(json.loads(json.dumps(again.state())))
    rest = iter(resumed)
    for batch in batches[2:]:
        found = next(rest)
        assert found.numbers == batch.numbers
        assert (found.text == batch.text).all()


def compare(found, wanted):
    assert found.numbers == wanted.numbers
    assert (found.text == wanted.text).all()
    assert (found.codes == wanted.codes).all()


def test_worker_processes_make_the_same_batches_and_go_on(patches):
    alone = iter(stream(patches))
    with Workers(2, finished) as made:
        shared = stream(patches, source=made.source(0, 1))
        going = iter(shared)
        for _ in range(3):
            compare(next(going), next(alone))
        saved = json.loads(json.dumps(shared.state()))
        resumed = stream(patches, source=made.source(0, 1))
        resumed.restore(saved)
        rest = iter(resumed)
        for _ in range(2):
            compare(next(rest), next(alone))
    assert Workers(0, finished).source(0, 1) is None


def test_samples_on_their_way_come_in_the_order_of_their_numbers():
    with ThreadPool(2) as pool:
        ahead = Ahead(pool, partial(chunk_of, finished, 4, 0), stride=2, chunks=2)
        for number in [*range(1, 4 * CHUNK, 2), 7, 9]:  # beyond a chunk, then once more from the beginning
            found, wanted = ahead(number), finished(4, number)
            assert found.caption == wanted.caption
            assert found.patches == wanted.patches
            assert (found.cells == wanted.cells).all()


def test_masks_are_stratified_over_the_batch():
    masked = mask_cells((64, 16, 16), [0])
    ratios = np.sort(masked.mean((1, 2)))
    assert ratios[0] < 0.05
    assert ratios[-1] == 1, "the first pass of a decode sees nothing"
    assert (ratios > 0.92).mean() == pytest.approx(0.5, abs=0.03)
    assert ratios.mean() == pytest.approx(0.78, abs=0.02)  # the Fresnel integral C(1)


def test_targets_are_the_images_of_the_spec_that_agree_with_all_visible_cells(patches):
    batch = next(iter(stream(patches, size=8)))
    told = batch.others[:, 0, 0, 0] >= 0
    assert told[: told.sum()].all(), "samples with company do not stand first"
    assert (batch.others[~told] == -1).all()
    unseen = np.ones(batch.codes.shape, bool)
    images, weights = posterior(batch, unseen)
    assert images.shape == (8, 1 + OTHERS, 16, 16)
    assert np.allclose(weights[told], 1 / (1 + OTHERS))
    assert (weights[~told, 0] == 1).all()
    some = mask_cells(batch.codes.shape, [5])
    _, weights = posterior(batch, some)
    assert np.allclose(weights.sum(1), 1)
    assert (weights[:, 0] > 0).all()
    agree = ((images == batch.codes[:, None]) | some[:, None]).all((2, 3))
    assert ((weights > 0) == agree).all()
    assert 0 < (weights[told, 1:] > 0).mean() < 1
    _, weights = posterior(batch, ~unseen)
    same = (images == batch.codes[:, None]).all((2, 3))
    assert ((weights > 0) == same).all()


def test_the_first_samples_all_have_company_and_are_nearly_empty(patches):
    settings = Settings(steps=100, shard_batch=8)
    early = settings.early_samples()
    assert early == 20 * 2 * 8
    batch = next(iter(stream(patches, size=8, early=early)))
    captions = [finished(0, n, early).caption for n in batch.numbers]
    assert [(row >= 0).all() for row in batch.others] == [words is not None for words in captions]
    assert [settings.cells(step) for step in (0, 19, 20, 92, 93)] == [40, 40, 112, 112, None]
    ratios = mask_cells((64, 16, 16), [0], settings.reach(0)).mean((1, 2))
    assert 0.96 < ratios.min() < 0.975
    assert ratios.max() == 1
    assert settings.reach(20) == 1
    words = {sample(0, n, early)[1] for n in range(early)}
    assert words != {sample(0, n)[1] for n in range(early)}
    assert sample(0, early, early) == sample(0, early)


def test_who_is_named_first_mostly_lies_first_in_the_first_samples():
    rng = np.random.default_rng(0)
    kinds = [named_first(rng).relations[0].kind for _ in range(400)]
    assert 0.8 < np.mean([kind in ("left", "above") for kind in kinds]) < 0.95
    assert set(kinds) == {"left", "right", "above", "below"}


def test_company_is_of_the_same_spec():
    number = next(n for n in range(99) if has_others(n) and finished(6, n).caption and sample(6, n)[0].items)
    made = finished(6, number)
    pixels = np.frombuffer(b"".join(made.patches), np.uint8).reshape(len(made.patches), -1)
    images = paste(pixels[made.cells])
    assert len(images) == 1 + OTHERS
    assert not (images[1:] == images[0]).all()
    for image in images:
        assert all(satisfies(sample(6, number)[0], image).values())


@pytest.mark.parametrize(("columns", "targets"), [(10, 80), (16, 116), (2, 16)])
def test_shortened_sequences_keep_text_newlines_and_half_of_what_is_asked(patches, columns, targets):
    batch = next(iter(stream(patches)))
    layout = SETTINGS.layout
    masked = np.zeros(batch.codes.shape, bool)
    masked[:, :, :columns] = True
    ids, start = sequence(batch, masked, layout)
    positions = kept_positions(masked, start, ids.shape[1], 96 + 20, [0])
    kept = np.take_along_axis(ids, positions, 1)
    assert (np.diff(positions, axis=1) > 0).all()
    assert ((kept == layout.newline).sum(1) == 16).all()
    assert ((kept >= layout.image_offset).sum(1) == 116 - targets).all()
    assert ((kept == layout.mask).sum(1) == targets).all()


def test_training_forward_equals_the_models_own():
    torch.manual_seed(0)
    model = LLaDA(TINY)
    ids = torch.randint(0, 600, (3, 40))
    positions = torch.sort(torch.randperm(90)[:40]).values.expand(3, -1)
    for where in (None, positions):
        assert torch.allclose(model(ids, where), forward(model, ids, where), atol=1e-5)


def test_loss_starts_at_chance_and_falls(patches, tmp_path):
    run = Run(SETTINGS, patches, tmp_path)
    first = run.advance(compiled=False)
    assert abs(first - np.log(512)) < 0.3
    for _ in range(5):
        last = run.advance(compiled=False)
    assert last < first


def test_a_run_cut_in_two_ends_where_a_whole_one_does(patches, tmp_path):
    whole = Run(SETTINGS, patches, tmp_path / "whole")
    for _ in range(4):
        whole.advance(compiled=False)
    cut_short = Run(SETTINGS, patches, tmp_path / "cut")
    for _ in range(2):
        cut_short.advance(compiled=False)
    cut_short.save()
    resumed = Run(SETTINGS, patches, tmp_path / "cut")
    assert resumed.resume()
    for _ in range(2):
        resumed.advance(compiled=False)
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, resumed.model.state_dict()[name]), name
    assert torch.equal(
        whole.average["model.transformer.ln_f.weight"], resumed.average["model.transformer.ln_f.weight"]
    )


@pytest.mark.slow
def test_two_processes_do_the_work_of_one(patches, tmp_path):
    settings = replace(SETTINGS, steps=2)
    for processes in (1, 2):
        execution = Execution(processes=processes, save_every=1)
        train(tmp_path / str(processes), patches, settings, execution)
    one, two = (checkpoints.read(tmp_path / str(n)) for n in (1, 2))
    assert one[1]["step"] == two[1]["step"] == 2
    assert one[1]["streams"] == two[1]["streams"]
    for name in one[0]:
        if name.startswith("model."):
            assert torch.allclose(one[0][name], two[0][name], atol=2e-3), name


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / checkpoints.NAME).write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{")
    with pytest.raises(LadrError, match=r"checkpoint\.safetensors: not a checkpoint"):
        checkpoints.read(tmp_path)
    assert checkpoints.read(tmp_path / "nowhere") is None


def test_the_rate_warms_up_holds_and_falls_to_zero():
    settings = Settings(steps=1000, warmup=10, decay_from=0.5)
    assert settings.rate(0) == pytest.approx(0.1)
    assert settings.rate(300) == 1
    assert settings.rate(750) == pytest.approx(0.5)
    assert settings.rate(1000) == 0


def save_untrained(patches, folder):
    Run(SETTINGS, patches, folder / "model").save()
    (folder / "model" / "settings.json").write_text(json.dumps(asdict(SETTINGS)))


def test_the_settings_of_a_run_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "settings.json"
    with pytest.raises(LadrError, match=r"settings\.json: no settings"):
        read_settings(path)
    path.write_text(json.dumps(asdict(SETTINGS)))
    assert read_settings(path) == SETTINGS


def test_export_and_log(patches, tmp_path):
    patches.save(tmp_path / "patches.safetensors")
    with pytest.raises(LadrError, match="no checkpoint"):
        export(tmp_path, tmp_path / "out")
    save_untrained(patches, tmp_path)
    (tmp_path / "model" / "log.jsonl").write_text('{"step": 20, "images": 80, "loss": 2.0}\n{"step": 40, "im')
    assert export(tmp_path, tmp_path / "out") == {"step": 0, "of": 6, "seconds": 0}
    assert [r["step"] for r in read_log(tmp_path / "out" / "training.jsonl")] == [20]
    draw(tmp_path / "model" / "log.jsonl", tmp_path / "loss.png")
    assert (tmp_path / "loss.png").stat().st_size > 1000


def test_a_decoder_of_other_codes_is_not_left_beside_exported_weights(patches, tmp_path):
    out = tmp_path / "out"
    (out / "vqvae").mkdir(parents=True)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "log.jsonl").touch()
    patches.save(tmp_path / "patches.safetensors")
    save_untrained(patches, tmp_path)
    PatchCodes(patches.means[::-1]).save(out / "patches.safetensors")
    with pytest.raises(
        LadrError, match=r"out/vqvae: draws other codes than those of .*; call `ladr train vq"
    ):
        export(tmp_path, out)
    assert sorted(path.name for path in out.iterdir()) == ["patches.safetensors", "vqvae"]
    patches.save(out / "patches.safetensors")
    assert export(tmp_path, out)["step"] == 0
    (tmp_path / "vqvae").mkdir()  # of a training too short for a line in its log
    assert export(tmp_path, tmp_path / "other")["step"] == 0


@pytest.mark.parametrize("words", [["curve", "--to", "loss.foo"], ["sheet", "--to", "sheet.jpeg2"]])
def test_a_picture_of_no_known_kind_is_refused_before_it_is_drawn(words, tmp_path, capsys):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "log.jsonl").write_text('{"step": 20, "images": 80, "loss": 2.0}\n')
    assert answer(["train", *words, "--folder", str(tmp_path)]) == 2
    assert f"to: '{words[-1]}' is not allowed; a file whose name ends in .png" in capsys.readouterr().err


@pytest.mark.parametrize("count", [2, 3, 15, 100])
def test_the_floor_of_the_exam_judges_no_image_by_its_own_prompt(count):
    places = exam.others(count)
    assert sorted(places) == list(range(count))
    assert all(place != own for own, place in enumerate(places))


def test_an_interrupt_does_not_reach_a_pool_and_a_kill_is_noticed():
    before = signal.getsignal(signal.SIGINT)
    pool, processes = pool_of(1)
    with pool:
        assert len(processes) == 1
        assert pool.apply(signal.getsignal, (signal.SIGINT,)) == signal.SIG_IGN
        assert awaited(pool.apply_async(abs, (-3,)), processes) == 3
        with pytest.raises(FailedError, match="a process was killed"):
            awaited(pool.apply_async(os._exit, (1,)), processes)
    assert signal.getsignal(signal.SIGINT) == before


def test_loss_ignores_what_is_known(patches):
    torch.manual_seed(0)
    model = LLaDA(TINY)
    batch = next(iter(stream(patches)))
    value = loss(model, batch, SETTINGS.layout, [0, 0])
    other = replace(batch, codes=np.where(mask_cells(batch.codes.shape, [0, 0, 0]), batch.codes, 7))
    assert value.item() != loss(model, other, SETTINGS.layout, [0, 0]).item()
    value.backward()
    assert model.body["ff_out"].weight.grad[: SETTINGS.layout.image_offset].abs().sum() == 0


def test_the_exam_asks_the_same_prompts_and_repeats_only_what_it_must():
    assert shape_exam.prompts("attribute binding", 50) == shape_exam.prompts("attribute binding", 50)
    assert len({words for _, words in shape_exam.prompts("attribute binding", 50)}) == 50
    single = [words for _, words in shape_exam.prompts("single object", 100)]
    assert len(single) == 100
    assert len(set(single)) == 20


def test_the_exam_scores_every_column_of_a_folder(patches, tmp_path):
    patches.save(tmp_path / "patches.safetensors")
    save_untrained(patches, tmp_path)
    (tmp_path / "model" / "log.jsonl").write_text('{"step": 20, "images": 80, "loss": 2.0}\n')
    out = tmp_path / "out"
    export(tmp_path, out)
    new_vq(patches).save_pretrained(out / "vqvae")
    found = exam.exam(out, count=2, steps=2, guidance=1.0, processes=1)
    assert [row["column"] for row in found["columns"]] == list(shape_exam.COLUMNS)
    assert all(row["prompts"] == 2 and row["score"] == 0 for row in found["columns"])  # weights are random
    assert "| text | 2 | 0.0 |" in exam.table(found)


def test_a_run_can_begin_with_the_weights_of_another(patches, tmp_path):
    start = tmp_path / "model.safetensors"
    donor = Run(replace(SETTINGS, seed=5), patches, tmp_path)
    save_file(donor.model.state_dict(), start)
    settings = replace(SETTINGS, steps=1, matrix_rate=0.0, other_rate=0.0)
    train(tmp_path / "run", patches, settings, Execution(start=start))
    tensors, state = checkpoints.read(tmp_path / "run")
    assert state["step"] == 1
    for name, weight in donor.model.state_dict().items():
        assert torch.equal(tensors[f"model.{name}"], weight), name


def test_the_last_step_of_a_short_run_is_logged_with_its_validation(patches, tmp_path):
    train(tmp_path / "run", patches, replace(SETTINGS, steps=3), Execution())
    (row,) = map(json.loads, (tmp_path / "run" / "log.jsonl").read_text().splitlines())
    assert row["step"] == 3
    assert row["loss"] > 0
    assert row["validation"] > 0


def test_a_sheet_shows_what_the_averaged_weights_draw(patches, tmp_path):
    with pytest.raises(LadrError, match="no checkpoint"):
        sheet(tmp_path, tmp_path / "sheet.png")
    patches.save(tmp_path / "patches.safetensors")
    save_untrained(patches, tmp_path)
    told = sheet(tmp_path, tmp_path / "sheet.png", each=1, steps=1)
    assert (told["step"], told["images"]) == (0, len(shape_exam.COLUMNS))
    with Image.open(tmp_path / "sheet.png") as page:
        assert page.width > len(shape_exam.COLUMNS) * 64


def test_a_sheet_has_every_image_and_marks_what_is_wrong():
    images = np.full((3, 8, 8, 3), 60, np.uint8)
    good, bad = (np.asarray(grid(images, ["a", "b", "c"], [right] * 3, columns=2)) for right in (True, False))
    assert (good == 60).all(-1).sum() == 3 * (8 * 3) ** 2
    redness = [int((page[..., 0].astype(int) - page[..., 2]).max()) for page in (good, bad)]
    assert redness[0] <= 0 < 50 < redness[1]


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_a_bar_in_a_terminal_and_lines_elsewhere(terminal):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    with Follow("model", 40, 20, console=console) as follow:
        follow.at(30)
        follow.tell(30, 0.5, 1234.4, 0.25)
    shown = console.file.getvalue()
    assert "0.500" in shown
    assert "1234 images/s" in shown
    assert "held out 0.250" in shown
    assert "30/40" in shown
    assert ("\x1b[" in shown) == terminal


def test_a_run_that_begins_with_weights_takes_over_their_codes(tmp_path):
    start, run = tmp_path / "start", tmp_path / "run"
    start.mkdir()
    with pytest.raises(LadrError, match=r"start/model\.safetensors: not there"):
        commands.copy_codebook(start, run)
    for name in ("model", "patches"):
        (start / f"{name}.safetensors").write_bytes(name.encode())
    commands.copy_codebook(start, run)
    assert (run / "patches.safetensors").read_bytes() == b"patches"
    (run / "patches.safetensors").write_bytes(b"others")
    with pytest.raises(LadrError, match=r"run/patches\.safetensors: other codes"):
        commands.copy_codebook(start, run)
