"""A small folder as the hub has it: upstream's config without ours, the real ids, shards, byte-level BPE."""

import json

import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner

from ladr import decode
from ladr.backbones import load
from ladr.backbones.lumina.dimoo import Layout
from ladr.backbones.lumina.sizes import LLaDAConfig
from ladr.backbones.random.blank import PUBLIC_MARKS, random_checkpoint, spelling_tokenizer
from ladr.cli.sample import sample

PROMPT = "a red cup on a table"
SIZES = LLaDAConfig(
    d_model=16,
    n_heads=2,
    n_layers=2,
    mlp_hidden_size=32,
    rope_theta=5e5,
    embedding_size=134548,
    max_sequence_length=4096,
)
THEIRS = {
    "architectures": ["LLaDAForMultiModalGeneration"],
    "auto_map": {"AutoConfig": "configuration_llada.LLaDAConfig", "AutoModel": "modeling_llada.LLaDAModelLM"},
    "attention_dropout": 0.0, "flash_attention": False, "init_device": None, "mask_token_id": 126336,
    "rope_full_precision": True, "torch_dtype": "bfloat16", "transformers_version": "4.46.2",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lumina")
    random_checkpoint(folder, SIZES, Layout(), tokenizer=spelling_tokenizer(), widths=(4,) * 5, parts=3)
    config = json.loads((folder / "config.json").read_text())
    del config["ladr"]
    (folder / "config.json").write_text(json.dumps({**config, **THEIRS}))
    (folder / "modeling_llada.py").write_text("raise RuntimeError('the code of the repository was run')")
    (folder / "configuration_llada.py").write_text("raise RuntimeError('the code of the repository was run')")
    return folder


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_command_for_the_real_model_draws_from_it(folder, tmp_path, dtype):
    app = typer.Typer()
    app.command()(sample)
    words = [
        "--backbone",
        "lumina-dimoo",
        "--model",
        folder,
        "--size",
        "48x32",
        "--scale",
        1,
        "--steps",
        3,
        "--device",
        "cpu",
    ]
    out = tmp_path / "x.png"
    done = CliRunner().invoke(app, [PROMPT, *map(str, [*words, "--dtype", dtype, "--out", out, "--json"])])
    assert done.exit_code == 0, done.exception
    assert Image.open(out).size == (32, 48)
    assert json.loads(done.stdout)["samplers"][0]["passes"] <= 3


def test_ids_grid_and_guidance_are_the_real_ones(folder):
    backbone = load("lumina-dimoo", source=folder)
    assert (backbone.grid, backbone.codes, backbone.guidance) == ((64, 64), 8192, 4.0)
    small = load("lumina-dimoo", source=folder, size=(32, 16))
    denoiser = small.bind([PROMPT])
    denoiser.lay_out([0])
    ids, text = denoiser.pack.ids.tolist(), len(denoiser.texts[0])
    start = denoiser.pack.starts[0]
    block = [126336, 126084] * 2
    assert ids[start : start + text][:1] == [PUBLIC_MARKS["<system>"]]
    assert ids[start + text - 1 : start + text + 9] == [
        PUBLIC_MARKS["</user>"],
        126354,
        126349,
        *block,
        126350,
        126355,
    ]
    assert denoiser.blank.tolist()[-2:] == [126351, PUBLIC_MARKS["</user>"]]
    result = decode(small, [PROMPT, "a dog"], "ladr", steps=2, seeds=[1, 2])
    alone = decode(small, ["a dog"], "ladr", steps=2, seeds=[2])
    assert torch.equal(alone.tokens[0], result.tokens[1])
    assert int(result.tokens.max()) < 8192
