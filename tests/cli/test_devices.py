"""`ladr devices` and `ladr speed device`: what runs here, what is missing, how fast a pass is."""

import json
import sys

import pytest
import torch
import typer
from typer.testing import CliRunner

from ladr import LadrError
from ladr.backbones import BACKBONES
from ladr.backbones.checkpoint.identity import loaded
from ladr.cli import devices as command
from ladr.speed.device import SHAPES, device_speed, places, random_backbone
from ladr.speed.upstream import upstream_decode

ROOMY = [{"device": "cuda:0", "name": "", "free_gb": 80.0}]
TIGHT = [{"device": "cpu", "name": "", "free_gb": 8.0}]


def rows(places):
    return {row.backbone: row for row in command.backbones(places)}


@pytest.mark.slow
def test_a_compiled_pass_is_timed_beside_the_plain_one():
    found = device_speed("tiny", "cpu", "float32", steps=2, repeat=1, compile="default")
    assert found["compile"] == "default"
    assert found["compiled_pass_s"] > 0
    assert found["compiled_s_per_image"] > 0


def test_every_backbone_is_judged_against_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    tight, roomy = rows(TIGHT), rows(ROOMY)
    assert tight.keys() == BACKBONES.keys()
    assert tight["field"].runs
    lumina = tight["lumina-dimoo"]
    assert not lumina.runs
    assert "weights" in lumina.missing
    assert "memory (8.0 GB free)" in lumina.missing
    assert "hf download Alpha-VLLM/Lumina-DiMOO" in lumina.mend
    assert 16 < lumina.needs_gb < 30
    assert roomy["lumina-dimoo"].missing == "weights"


def test_weights_in_the_cache_are_found(tmp_path, monkeypatch):
    snapshot = tmp_path / "models--Alpha-VLLM--Lumina-DiMOO" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert not rows(ROOMY)["lumina-dimoo"].runs, "a config alone is not a model"
    (snapshot / "model.safetensors").write_bytes(b"")
    assert rows(ROOMY)["lumina-dimoo"].runs


def test_the_commit_and_the_hashes_of_what_the_cache_holds_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    place, told = tmp_path / "models--Alpha-VLLM--Lumina-DiMOO", BACKBONES["lumina-dimoo"].identity({})
    assert told == "Alpha-VLLM/Lumina-DiMOO@main"
    assert loaded(told) is None
    for folder in ("blobs", "refs", "snapshots/abc/vqvae"):
        (place / folder).mkdir(parents=True)
    (place / "refs" / "main").write_text("abc")
    for name in ("model", "vqvae/diffusion_pytorch_model"):
        (place / "blobs" / ("0" * 63 + name[0])).write_bytes(b"")
        (place / "snapshots/abc" / f"{name}.safetensors").symlink_to(place / "blobs" / ("0" * 63 + name[0]))
    sums = {"model.safetensors": "0" * 63 + "m", "vqvae/diffusion_pytorch_model.safetensors": "0" * 63 + "v"}
    assert loaded(told) == {"commit": "abc", "sha256": sums}
    assert loaded("0" * 64) is None
    assert loaded(None) is None


def test_a_missing_package_is_said_with_its_command(monkeypatch):
    for name in ("diffusers", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    amused = rows(ROOMY)["amused"]
    assert "diffusers; transformers" in amused.missing
    assert amused.mend.count("pip install 'ladr[real]'") == 1


def test_the_command_prints_tables_or_json():
    app = typer.Typer()
    app.command()(command.devices)
    shown = CliRunner().invoke(app, [], env={"COLUMNS": "200"}).stdout
    for word in ("cpu", "lumina-dimoo", "diffusers", "GB free", torch.__version__):
        assert word in shown
    found = json.loads(CliRunner().invoke(app, ["--json"]).stdout)
    assert found["devices"][-1]["device"] == "cpu"
    assert {row["package"] for row in found["packages"]} >= {"diffusers", "transformers"}


def test_bench_device_measures_and_names_the_hardware():
    found = device_speed("tiny", "cpu", "float32", steps=4, repeat=1)
    for name in ("full_pass_s", "cached_pass_s", "matrix_tflops", "plain_s_per_image", "ladr_s_per_image"):
        assert found[name] > 0, name
    assert found["plain_passes"] == 4
    assert found["roofline"] == pytest.approx(found["pass_tflops"] / found["matrix_tflops"])
    assert found["hardware"]["device"] == "cpu"
    assert found["hardware"]["threads"] == torch.get_num_threads()
    assert "speedup_plain" not in found
    json.dumps(found)


def test_the_random_model_has_the_real_layout():
    shape = SHAPES["tiny"]
    backbone = random_backbone(shape, "cpu", torch.float32)
    cond, uncond = (shape.words - k + 8 * 9 + 4 for k in (0, 4))
    assert places(backbone) == cond + uncond


@pytest.mark.parametrize("name", SHAPES)
def test_upstream_finds_the_image_codes_at_the_end_of_the_vocabulary(name):
    shape = SHAPES[name]
    assert shape.layout.image_offset + shape.layout.codebook == shape.config.embedding_size
    assert shape.config.d_model % shape.config.n_heads == 0


def test_what_cannot_be_timed_is_named(tmp_path):
    shape = SHAPES["tiny"]
    model = random_backbone(shape, "cpu", torch.float32).model
    with pytest.raises(LadrError, match=r"is no checkout of https://github.com/Alpha-VLLM/Lumina-DiMOO"):
        upstream_decode(tmp_path, shape, model, 4)
    with pytest.raises(LadrError, match="shape: '8bb' is not known"):
        device_speed("8bb", "cpu")


def test_the_result_file_names_the_hardware(tmp_path):
    from ladr.cli.speed import app

    out = tmp_path / "new" / "device.json"
    words = "device", "--device", "cpu", "--shape", "tiny", "--steps", "2", "--repeat", "1", "--out", str(out)
    done = CliRunner().invoke(app, [*words])
    assert done.exit_code == 0, done.exception
    found = json.loads(out.read_text())
    assert found == json.loads(done.stdout)
    assert found["full_pass_s"] > 0
    assert found["cached_pass_s"] > 0
    assert {"cpu", "gpu", "cores", "torch", "cuda"} <= found["hardware"].keys()
