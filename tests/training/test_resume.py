"""A run goes on as it began: with its own settings, its own data set, and a log that no kill has spoiled."""

import json
import os
from dataclasses import asdict, replace
from unittest import mock

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from ladr.backbones.exact.patches import PatchCodes
from ladr.backbones.lumina.sizes import LLaDAConfig
from ladr.base.errors import FailedError, LadrError
from ladr.base.locks import hold, lock_of
from ladr.cli.main import answer
from ladr.training import checkpoints
from ladr.training.apart import spawn
from ladr.training.log import cut_log, read_log
from ladr.training.model import Run
from ladr.training.run import Execution, _work, train
from ladr.training.settings import Settings, read_settings, require_same, with_codes
from ladr.training.vocabulary import IMAGE_OFFSET
from ladr.training.vq import train_vq
from picture_world import picture_world

TINY = LLaDAConfig(
    d_model=32, n_heads=2, n_layers=2, mlp_hidden_size=48, rope_theta=10000.0, rms_norm_eps=1e-5,
    embedding_size=IMAGE_OFFSET + 512, max_sequence_length=384,
)  # fmt: skip
SETTINGS = Settings(steps=100, shard_batch=2, warmup=2, config=TINY)
MEANS = np.random.default_rng(0).integers(0, 256, (512, 48)).astype(np.float32)


@pytest.fixture
def stopped(tmp_path):
    """The folder of a run that stopped at step 10 of 100."""
    folder = tmp_path / "model"
    state = {"step": 10, "seconds": 1.0, "streams": [], "steps": 100}
    checkpoints.write(folder, {"model.w": torch.zeros(1)}, state)
    (folder / "settings.json").write_text(json.dumps(asdict(SETTINGS)))
    return folder


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"seed": 3}, "seed 0, and 3"), ({"matrix_rate": 0.008}, "matrix_rate 0.01, and 0.008"),
     ({"config": replace(TINY, d_model=64)}, r"config\.d_model 32, and 64"),
     ({"steps": 20}, "100 steps, and 20")],
)  # fmt: skip
def test_a_run_does_not_go_on_with_other_settings(stopped, changes, named):
    before = {path: path.read_bytes() for path in stopped.iterdir()}
    with pytest.raises(LadrError, match=rf"model/settings\.json: this run has {named}"):
        train(stopped, PatchCodes(MEANS), replace(SETTINGS, **changes), Execution())
    assert {path: path.read_bytes() for path in stopped.iterdir()} == before


def test_the_number_of_steps_may_change_until_the_rates_fall(stopped):
    path = stopped / "settings.json"
    for steps in (100, 30, 500):
        require_same(path, replace(SETTINGS, steps=steps), 10)
    require_same(path, SETTINGS, 70)
    with pytest.raises(LadrError, match="after step 70 that would change rates that fall already"):
        require_same(path, replace(SETTINGS, steps=500), 70)
    assert checkpoints.state_of(stopped)["step"] == 10
    assert checkpoints.state_of(stopped / "nowhere") is None


def test_settings_without_a_layout_are_named(stopped):
    path = stopped / "settings.json"
    path.write_text(json.dumps({name: value for name, value in asdict(SETTINGS).items() if name != "layout"}))
    with pytest.raises(LadrError, match=r"settings\.json: no settings of a training run can be read"):
        read_settings(path)


def test_more_processes_than_shards_are_refused(tmp_path):
    with pytest.raises(LadrError, match="processes: 3 is not allowed; 1 to 2"):
        train(tmp_path / "model", PatchCodes(MEANS), SETTINGS, Execution(processes=3))
    assert not list(tmp_path.iterdir())


def test_the_mistake_of_a_process_is_one_line_where_it_was_started(tmp_path):
    settings = replace(SETTINGS, data="picture")
    with pytest.raises(LadrError, match=r"^data: 'picture' is unknown \(did you mean 'pictures'\?\)$"):
        spawn(_work, 1, str(tmp_path), tmp_path / "run" / "model", MEANS, settings, Execution())


def test_what_ends_a_process_is_one_line_where_it_was_started(tmp_path, monkeypatch):
    with pytest.raises(FailedError, match=r"^process 0: TypeError: .* takes 1 positional") as failed:
        spawn(checkpoints.state_of, 1, str(tmp_path), "too", "many")
    assert "\n" not in str(failed.value)
    killed = torch.multiprocessing.ProcessExitedException(
        "process 1 terminated with signal SIGKILL", error_index=1, error_pid=9, exit_code=-9
    )
    monkeypatch.setattr(torch.multiprocessing, "spawn", mock.Mock(side_effect=killed))
    with pytest.raises(
        FailedError, match=r"^process 1 terminated with signal SIGKILL, .*; call again to go on$"
    ):
        spawn(checkpoints.state_of, 2, str(tmp_path))


def test_the_log_of_a_run_that_goes_on_has_each_step_once(tmp_path):
    path = tmp_path / "log.jsonl"
    rows = [json.dumps({"step": step, "images": step, "loss": 1.0}) for step in (20, 40, 60)]
    path.write_text("\n".join([*rows, '{"step": 80, "im']))
    cut_log(path, 40)
    with open(path, "a") as file:
        file.write(json.dumps({"step": 60, "images": 60, "loss": 0.5}) + "\n")
    assert [(row["step"], row["loss"]) for row in read_log(path)] == [(20, 1.0), (40, 1.0), (60, 0.5)]
    cut_log(path, 0)
    assert path.read_text() == ""
    cut_log(tmp_path / "nowhere", 0)
    assert not (tmp_path / "nowhere").exists()


def test_shapes_are_not_trained_in_a_folder_of_pictures(tmp_path, capsys):
    picture_world(tmp_path)
    before = sorted(tmp_path.iterdir())
    for words in (["vq"], ["model"], ["model", "--start", str(tmp_path)]):
        assert answer(["train", *words, "--folder", str(tmp_path)]) == 2
        assert (
            f"data: {tmp_path} is of pictures, as it has pictures.json; --data pictures"
            in capsys.readouterr().err
        )
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(("name", "value"), [("seed", 1), ("steps", 40)])
def test_a_tokenizer_does_not_go_on_with_other_options(tmp_path, name, value):
    state = {"step": 10, "seconds": 1.0, "data": "shapes", "seed": 0, "steps": 80}
    checkpoints.write(tmp_path / "vq" / "decoder", {"parts.w": torch.zeros(1)}, state)
    PatchCodes(MEANS).save(tmp_path / "patches.safetensors")
    with pytest.raises(
        LadrError, match=rf"vq/decoder: this run has {name} {state[name]}, and {value} is asked"
    ):
        train_vq(tmp_path, **{"seed": 0, "steps": 80, name: value})


def test_a_second_process_does_not_train_in_the_same_folder(stopped):
    before = {path: path.read_bytes() for path in stopped.iterdir()}
    for name, begin in (
        ("model", lambda: train(stopped, PatchCodes(MEANS), SETTINGS, Execution())),
        ("vq", lambda: train_vq(stopped.parent, steps=8)),
    ):
        with (
            hold(lock_of(stopped.parent, name), name),
            pytest.raises(LadrError, match=rf"{name}: process {os.getpid()} is at work on it"),
        ):
            begin()
    assert {path: path.read_bytes() for path in stopped.iterdir()} == before
    assert {path.name for path in stopped.parent.iterdir()} == {".locks", "model"}


def test_weights_of_another_model_are_no_start(tmp_path):
    save_file({"model.transformer.wte.weight": torch.zeros(4, 4)}, tmp_path / "model.safetensors")
    run = Run(SETTINGS, PatchCodes(MEANS), tmp_path / "model", rank=1)
    with pytest.raises(
        LadrError, match=r"model\.safetensors: its weights are not those of this model of shapes"
    ):
        run.start_from(tmp_path / "model.safetensors")


def test_a_codebook_of_another_size_has_all_its_ids(tmp_path, monkeypatch):
    picture_world(tmp_path, codes=96)
    asked = []
    monkeypatch.setattr(
        "ladr.training.run.train", lambda folder, patches, settings, how: asked.append(settings)
    )
    assert answer(["train", "model", "--data", "pictures", "--folder", str(tmp_path)]) == 0
    assert asked[0].layout.codebook == 96
    asked[0].layout.check(asked[0].config, tmp_path)
    assert asked[0].config.embedding_size == asked[0].layout.image_offset + 96
    assert with_codes(Settings(), 512) == Settings()
