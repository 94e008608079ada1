"""aMUSEd and networks that take time, from folders that diffusers saved; memory; foreign code."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from ladr import LADR, LadrError, decode
from ladr.backbones import load
from ladr.backbones.amused.amused import Amused, Timed
from ladr.backbones.checkpoint import fits as memory
from ladr.backbones.checkpoint.refuse import refuse_foreign_code
from ladr.backbones.lumina.sizes import LLaDAConfig
from ladr.backbones.random.blank_amused import random_amused
from ladr.decoding import schedule
from ladr.decoding.caches import MLCache
from ladr.decoding.view import MASK

PROMPTS = ["a red cup", "a dog", "two cats"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return random_amused(tmp_path_factory.mktemp("amused"))


@pytest.fixture(scope="module")
def backbone(folder):
    return load("amused", source=folder, guidance=5.0)


def test_a_saved_folder_loads_decodes_and_renders(backbone):
    result = decode(backbone, PROMPTS, "ladr", steps=16, seeds=[1, 2, 3])
    assert result.tokens.shape == (3, 8, 8)
    assert 0 <= int(result.tokens.min()) <= int(result.tokens.max()) < backbone.codes == 32
    pictures = backbone.render(result.tokens)
    assert pictures.shape == (3, 32, 32, 3)
    assert pictures.dtype == "uint8"
    alone = decode(backbone, PROMPTS[1:2], "ladr", steps=16, seeds=[2])
    assert torch.equal(alone.tokens[0], result.tokens[1])


def test_guidance_is_the_pipelines_sum(folder, backbone):
    tokens, rows, t = torch.full((1, 8, 8), MASK), torch.tensor([0]), torch.zeros(1)
    tokens[0, :3] = 7
    plain = Amused.from_pretrained(folder, guidance=1.0)
    cond = plain.bind(["a dog"]).logits(tokens, rows, t=t)
    uncond = plain.bind([""]).logits(tokens, rows, t=t)
    denoiser = backbone.bind(["a dog"])
    assert torch.allclose(denoiser.logits(tokens, rows, t=t), uncond + 5 * (cond - uncond), atol=1e-4)
    assert torch.allclose(denoiser.conditional, cond, atol=1e-5)
    other = Amused.from_pretrained(folder, guidance=5.0, negative="blurry")
    assert not torch.allclose(other.bind(["a dog"]).logits(tokens, rows, t=t), uncond + 5 * (cond - uncond))
    denoiser.everywhere = True
    assert denoiser.logits(tokens, rows, t=t).shape == (1, 8, 8, 32)


def test_micro_conditioning_reaches_the_network(folder):
    tokens, rows, t = torch.full((1, 8, 8), MASK), torch.tensor([0]), torch.zeros(1)
    seen = [
        Amused.from_pretrained(folder, **settings).bind(["a dog"]).logits(tokens, rows, t=t)
        for settings in ({}, {"aesthetic": 3.0}, {"crop": (5, 0)})
    ]
    assert not torch.allclose(seen[0], seen[1])
    assert not torch.allclose(seen[0], seen[2])
    wide = Amused.from_pretrained(folder, size=(16, 48))
    assert wide.grid == (4, 12)
    assert wide.micro[:2] == [48, 16]
    assert decode(wide, ["a dog"], "ladr", steps=8).tokens.shape == (1, 4, 12)


class Clock(nn.Module):
    """Called as Meissonic's transformer is; its codes depend on the time that it is told."""

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.linspace(-1, 1, 32))
        self.told, self.places = [], None

    def forward(
        self,
        hidden_states,
        encoder_hidden_states,
        pooled_projections,
        micro_conds,
        img_ids,
        txt_ids,
        timestep,
    ):
        self.told.append(timestep.clone())
        self.places = img_ids
        B, H, W = hidden_states.shape
        assert encoder_hidden_states.shape[:2] == (B, len(txt_ids))
        assert len(pooled_projections) == len(micro_conds) == len(timestep) == B
        logits = self.bias * (timestep[:, None] - 500) / 100
        return logits[:, :, None, None].expand(B, 32, H, W)


def timed(folder, network, **settings):
    return Amused.from_pretrained(
        folder, network=network, size=(32, 32), guidance=2.0, adapter=Timed(**settings)
    )


def test_each_images_own_time_reaches_the_network(folder):
    network = Clock()
    start = torch.full((2, 8, 8), MASK)
    start[1, :4] = 3
    result = decode(timed(folder, network), PROMPTS[:2], LADR(), steps=24, start=start)
    told, traces = network.told, result.trace.images
    assert torch.allclose(told[0], torch.tensor([1000.0, 500.0, 1000.0, 500.0]), atol=0.1)
    for row, trace in enumerate(traces):
        mine = [float(pass_[row]) for pass_ in told[: trace.passes] if len(pass_) == 4]
        assert mine == pytest.approx([1000 * n / 64 for n in trace.masked[: len(mine)]], abs=0.1)
    late, early = result.tokens[0][result.settled[0] > 3], result.tokens[0][result.settled[0] == 0]
    assert late.float().mean() < early.float().mean(), "large codes come early, small ones late"
    assert network.places.shape == (64, 3)
    assert network.places[9].tolist() == [0, 1, 1]


def test_times_in_steps_are_counted_down():
    t = torch.tensor([0.0, 0.25, 0.5, 63 / 64, 1.0])
    assert Timed("steps", 64).timestep(t).tolist() == [63, 47, 31, 0, 0]
    ratios = [1000 * schedule.gamma(x) for x in t.tolist()]
    assert Timed().timestep(t).tolist() == pytest.approx(ratios)
    with pytest.raises(LadrError, match=r"time: 'step' is not allowed .did you mean 'steps'"):
        Timed("step")


def copied(folder, tmp_path, file, **changes):
    """A copy of the folder with other fields in one JSON file."""
    shutil.copytree(folder, tmp_path / "copy")
    path = tmp_path / "copy" / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return tmp_path / "copy"


@pytest.mark.parametrize(
    ("file", "changes", "says"),
    [
        (
            "model_index.json",
            {"transformer": ["transformer_meissonic", "Transformer2DModel"]},
            r"transformer is .*Transformer2DModel.*diffusers\.UVit2DModel is wanted; .*never run.*network=",
        ),
        ("model_index.json", {"_class_name": ["pipeline", "Mine"]}, "_class_name .* own code; .* never run"),
        ("model_index.json", {"judge": ["my_judge", "Judge"]}, "judge is .*my_judge.* own code"),
        ("text_encoder/config.json", {"auto_map": {"AutoModel": "x.Y"}}, "auto_map asks for .* own code"),
        ("scheduler/scheduler_config.json", {"mask_token_id": None}, "gives no mask_token_id"),
        ("vqvae/config.json", {"num_vq_embeddings": 31}, "num_vq_embeddings is 31; .* made for 32"),
        ("transformer/config.json", {"num_hidden_layers": 3}, r"transformer_layers\.2\..* is missing"),
    ],
)
def test_folders_that_want_code_or_do_not_fit_are_refused(folder, tmp_path, file, changes, says):
    with pytest.raises(LadrError, match=says):
        Amused.from_pretrained(copied(folder, tmp_path, file, **changes))


def test_a_network_of_ones_own_needs_no_code_from_the_folder(folder, tmp_path):
    copy = copied(folder, tmp_path, "model_index.json", transformer=["their_code", "Transformer2DModel"])
    shutil.rmtree(copy / "transformer")
    assert decode(timed(copy, Clock()), ["a dog"], "cosine", steps=4).tokens.shape == (1, 8, 8)
    with pytest.raises(LadrError, match="size: this network does not say"):
        Amused.from_pretrained(copy, network=Clock(), adapter=Timed())


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"guidance": 0.5}, "guidance: 0.5 is not allowed; a number from 1"),
        ({"size": (30, 32)}, "height 30 is not allowed; a multiple of 4"),
        ({"dtype": "float17"}, "dtype: 'float17' is not allowed"),
    ],
)
def test_bad_settings_are_named(folder, settings, says):
    with pytest.raises(LadrError, match=says):
        Amused.from_pretrained(folder, **settings)


def test_a_cache_is_refused(backbone):
    with pytest.raises(LadrError, match="cache: this network has no cached passes"):
        decode(backbone, ["a dog"], "ladr", steps=4, cache=MLCache())


def test_a_llada_config_may_name_upstreams_classes_and_no_others():
    path = Path("config.json")
    refuse_foreign_code({"auto_map": {"AutoModel": "modeling_llada.LLaDAModelLM"}}, path)
    with pytest.raises(LadrError, match=r"auto_map\.AutoModel asks for .*\(evil\.Model\); .* never run"):
        refuse_foreign_code({"auto_map": {"AutoModel": "evil.Model"}}, path)


def test_memory_is_said_before_loading():
    need = memory.of_dimoo(LLaDAConfig(), (64, 64), 8192, 16, bytes_each=2)
    assert need.weights == pytest.approx(2 * 8.08e9, rel=0.01)
    assert need.weights < need.total < 1.5 * need.weights
    assert need.cache == pytest.approx(4.5e9, rel=0.1)
    huge = memory.of_dimoo(LLaDAConfig(n_layers=10**6), (64, 64), 8192, 16, bytes_each=2)
    with pytest.raises(
        LadrError, match=r"mine: needs about \d+\.\d GB .*cpu has \d+\.\d GB free; dtype.*`ladr devices`"
    ):
        memory.check(huge, "cpu", "mine")
    memory.check(memory.Need(1, 1, 1, 1), "cpu", "mine")
