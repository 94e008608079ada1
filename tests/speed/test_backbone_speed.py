"""The backbone benchmark runs and counts what it says it counts."""

import pytest

from ladr.backbones.lumina.dimoo import DiMOO
from ladr.backbones.lumina.sizes import LLaDAConfig
from ladr.backbones.random.blank import random_checkpoint
from ladr.speed.backbone import PROMPT, backbone_speed, flops, random_embedded
from ladr.training.settings import embedded_config


def test_operations_of_one_layer():
    config = LLaDAConfig(d_model=4, n_heads=2, n_layers=1, mlp_hidden_size=6)
    projections, wide, scores = 2 * 4 * 4 * 4, 2 * 3 * 4 * 6, 2 * 2 * 4 * 10
    assert flops(config, [10]) == 10 * (projections + wide + scores)


def test_the_benchmark_answers_every_question(tmp_path):
    found = backbone_speed(random_checkpoint(tmp_path), batch=2, steps=8, threads=1, repeat=1)
    for name in ("forward_of_gemm", "masked_of_full_head", "cached_of_full", "plain_s_per_image"):
        assert found[name] > 0
    assert found["plain_equivalents"] == 8
    assert found["ml_cache_equivalents"] < 8
    assert found["ml_cache_equivalents_of_plain"] == pytest.approx(found["ml_cache_equivalents"] / 8)


def test_without_a_folder_the_embedded_model_is_timed(tmp_path):
    backbone = DiMOO.from_pretrained(random_embedded(tmp_path))
    sizes = embedded_config()
    assert backbone.model.config == sizes
    assert backbone.model.body["ff_out"].weight.shape == (sizes.embedding_size, sizes.d_model)
    assert len(backbone.bind([PROMPT]).texts[0]) == len(PROMPT.split()) + 2
    assert backbone.pixels.config["block_out_channels"] == [24, 48, 64]
