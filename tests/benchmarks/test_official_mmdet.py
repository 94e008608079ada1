"""The detector's converter: names as mmdet's modules have them, tensors as transformers wants them."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from ladr.base.errors import LadrError
from ladr.benchmarks.official.mmdet import convert, convert_file, official_config, patches_by_place, rename

SWIN = "model.pixel_level_module.encoder"
PIXEL = "model.pixel_level_module.decoder"
HEAD = "model.transformer_module"
DEPTHS = (1, 2, 1, 1)
BOTH = ("weight", "bias")


def config():
    from transformers import Mask2FormerConfig, SwinConfig

    stages = ["stage1", "stage2", "stage3", "stage4"]
    swin = SwinConfig(
        embed_dim=8, window_size=2, out_features=stages, num_heads=[1, 1, 2, 2], depths=list(DEPTHS)
    )
    dims = dict.fromkeys(("feature_size", "mask_feature_size", "hidden_dim"), 32)
    dims |= {"encoder_feedforward_dim": 16, "dim_feedforward": 16, "encoder_layers": 1, "decoder_layers": 3}
    return Mask2FormerConfig(backbone_config=swin, num_attention_heads=2, num_queries=6, num_labels=5, **dims)


@pytest.fixture(scope="module")
def model():
    from transformers import Mask2FormerForUniversalSegmentation

    torch.manual_seed(5)
    return Mask2FormerForUniversalSegmentation(config()).eval()


def unmerge(value):
    """What mmdet holds where Swin holds `value`: column c * 4 + row * 2 + column of a patch, one by one."""
    channels = value.shape[-1] // 4
    columns = []
    for c in range(channels):
        for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
            columns.append(value[..., (column * 2 + row) * channels + c])
    return torch.stack(columns, dim=-1)


def as_mmdet(hf):
    """The state dict that mmdet 2.x would hold for the network whose transformers tensors are `hf`."""
    mm = {}
    for s in BOTH:
        mm[f"backbone.patch_embed.projection.{s}"] = hf[f"{SWIN}.embeddings.patch_embeddings.projection.{s}"]
        mm[f"backbone.patch_embed.norm.{s}"] = hf[f"{SWIN}.embeddings.norm.{s}"]
        mm[f"panoptic_head.cls_embed.{s}"] = hf[f"class_predictor.{s}"]
        mm[f"panoptic_head.transformer_decoder.post_norm.{s}"] = hf[f"{HEAD}.decoder.layernorm.{s}"]
        for k in range(3):
            mm[f"panoptic_head.mask_embed.{2 * k}.{s}"] = hf[
                f"{HEAD}.decoder.mask_predictor.mask_embedder.{k}.0.{s}"
            ]
    for name, ours in (
        ("query_embed", "queries_embedder"),
        ("query_feat", "queries_features"),
        ("level_embed", "level_embed"),
    ):
        mm[f"panoptic_head.{name}.weight"] = hf[f"{HEAD}.{ours}.weight"]
    for i, depth in enumerate(DEPTHS):
        mm |= swin_stage(hf, i, depth)
    mm |= pixel_decoder(hf)
    for k in range(2):
        mm |= decoder_layer(hf, k)
    return mm


def swin_stage(hf, i, depth):
    mm = {}
    for s in BOTH:
        mm[f"backbone.norm{i}.{s}"] = hf[f"{SWIN}.hidden_states_norms.stage{i + 1}.{s}"]
    for j in range(depth):
        there, here = f"backbone.stages.{i}.blocks.{j}", f"{SWIN}.encoder.layers.{i}.blocks.{j}"
        table = "relative_position_bias_table"
        mm[f"{there}.attn.w_msa.{table}"] = hf[f"{here}.attention.self.{table}"]
        mm[f"{there}.attn.w_msa.relative_position_index"] = torch.zeros(4, 4)
        for s in BOTH:
            parts = [hf[f"{here}.attention.self.{p}.{s}"] for p in ("query", "key", "value")]
            mm[f"{there}.attn.w_msa.qkv.{s}"] = torch.cat(parts)
            mm[f"{there}.attn.w_msa.proj.{s}"] = hf[f"{here}.attention.output.dense.{s}"]
            mm[f"{there}.norm1.{s}"] = hf[f"{here}.layernorm_before.{s}"]
            mm[f"{there}.norm2.{s}"] = hf[f"{here}.layernorm_after.{s}"]
            mm[f"{there}.ffn.layers.0.0.{s}"] = hf[f"{here}.intermediate.dense.{s}"]
            mm[f"{there}.ffn.layers.1.{s}"] = hf[f"{here}.output.dense.{s}"]
    if i < 3:
        for name in ("reduction.weight", "norm.weight", "norm.bias"):
            mm[f"backbone.stages.{i}.downsample.{name}"] = unmerge(
                hf[f"{SWIN}.encoder.layers.{i}.downsample.{name}"]
            )
    return mm


def pixel_decoder(hf):
    there = "panoptic_head.pixel_decoder"
    mm = {f"{there}.level_encoding.weight": hf[f"{PIXEL}.level_embed"]}
    for s in BOTH:
        mm[f"{there}.mask_feature.{s}"] = hf[f"{PIXEL}.mask_projection.{s}"]
        mm[f"{there}.lateral_convs.0.gn.{s}"] = hf[f"{PIXEL}.adapter_1.1.{s}"]
        mm[f"{there}.output_convs.0.gn.{s}"] = hf[f"{PIXEL}.layer_1.1.{s}"]
        for k in range(3):
            mm[f"{there}.input_convs.{k}.conv.{s}"] = hf[f"{PIXEL}.input_projections.{k}.0.{s}"]
            mm[f"{there}.input_convs.{k}.gn.{s}"] = hf[f"{PIXEL}.input_projections.{k}.1.{s}"]
        layer, ours = f"{there}.encoder.layers.0", f"{PIXEL}.encoder.layers.0"
        for part in ("sampling_offsets", "attention_weights", "value_proj", "output_proj"):
            mm[f"{layer}.attentions.0.{part}.{s}"] = hf[f"{ours}.self_attn.{part}.{s}"]
        mm[f"{layer}.norms.0.{s}"] = hf[f"{ours}.self_attn_layer_norm.{s}"]
        mm[f"{layer}.norms.1.{s}"] = hf[f"{ours}.final_layer_norm.{s}"]
        mm[f"{layer}.ffns.0.layers.0.0.{s}"] = hf[f"{ours}.fc1.{s}"]
        mm[f"{layer}.ffns.0.layers.1.{s}"] = hf[f"{ours}.fc2.{s}"]
    mm[f"{there}.lateral_convs.0.conv.weight"] = hf[f"{PIXEL}.adapter_1.0.weight"]
    mm[f"{there}.output_convs.0.conv.weight"] = hf[f"{PIXEL}.layer_1.0.weight"]
    return mm


def decoder_layer(hf, k):
    there, here = f"panoptic_head.transformer_decoder.layers.{k}", f"{HEAD}.decoder.layers.{k}"
    mm = {}
    for s in BOTH:
        mm[f"{there}.attentions.0.attn.in_proj_{s}"] = hf[f"{here}.cross_attn.in_proj_{s}"]
        mm[f"{there}.attentions.0.attn.out_proj.{s}"] = hf[f"{here}.cross_attn.out_proj.{s}"]
        mm[f"{there}.attentions.1.attn.in_proj_{s}"] = torch.cat(
            [hf[f"{here}.self_attn.{p}_proj.{s}"] for p in "qkv"]
        )
        mm[f"{there}.attentions.1.attn.out_proj.{s}"] = hf[f"{here}.self_attn.out_proj.{s}"]
        for n, name in enumerate(("cross_attn_layer_norm", "self_attn_layer_norm", "final_layer_norm")):
            mm[f"{there}.norms.{n}.{s}"] = hf[f"{here}.{name}.{s}"]
        mm[f"{there}.ffns.0.layers.0.0.{s}"] = hf[f"{here}.fc1.{s}"]
        mm[f"{there}.ffns.0.layers.1.{s}"] = hf[f"{here}.fc2.{s}"]
    return mm


@pytest.fixture(scope="module")
def state(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hf")
    model.save_pretrained(folder)
    return as_mmdet(load_file(folder / "model.safetensors"))


def write(path, state):
    save_file({name: value.contiguous().clone() for name, value in state.items()}, path)
    return path


def test_the_converted_detector_computes_what_the_original_does(model, state, tmp_path):
    from transformers import Mask2FormerForUniversalSegmentation

    convert_file(write(tmp_path / "mm.safetensors", state), tmp_path / "out", config())
    converted = Mask2FormerForUniversalSegmentation.from_pretrained(tmp_path / "out").eval()
    pixels = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        a, b = model(pixel_values=pixels), converted(pixel_values=pixels)
    assert torch.equal(a.class_queries_logits, b.class_queries_logits)
    assert torch.equal(a.masks_queries_logits, b.masks_queries_logits)


def test_patch_merging_is_that_of_an_unfold():
    """mmdet merges patches with an unfold, Swin by concatenating four strided views."""
    generator = torch.Generator().manual_seed(1)
    image, weight = torch.randn(1, 3, 4, 6, generator=generator), torch.randn(5, 12, generator=generator)
    unfolded = torch.nn.functional.unfold(image, 2, stride=2).transpose(1, 2) @ weight.T
    x = image.permute(0, 2, 3, 1)
    views = [x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]]
    concatenated = torch.cat(views, -1).flatten(1, 2) @ patches_by_place(weight).T
    assert torch.allclose(unfolded, concatenated, atol=1e-5)


def drop(name):
    return lambda state: state.pop(name)


SPOILT = [
    (drop("panoptic_head.query_feat.weight"), "missing: model.transformer_module.queries_features.weight"),
    (lambda s: s.update({"bbox_head.fc.weight": torch.zeros(1)}), "bbox_head.fc.weight: not a tensor"),
    (
        lambda s: s.update({"backbone.stages.3.blocks.1.norm1.bias": torch.zeros(64)}),
        "left over: .*layers.3.blocks.1",
    ),
    (
        lambda s: s.update({"panoptic_head.query_feat.weight": torch.zeros(7, 32)}),
        "of another shape: .*queries_features",
    ),
]


@pytest.mark.parametrize(("change", "message"), SPOILT)
def test_another_network_is_refused_by_tensor(state, tmp_path, change, message):
    state = dict(state)
    change(state)
    with pytest.raises(LadrError, match=message):
        convert_file(write(tmp_path / "mm.safetensors", state), tmp_path / "out", config())
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_derived_tensors_are_left_out_and_doubles_refused():
    assert rename("backbone.stages.0.blocks.0.attn.w_msa.relative_position_index", torch.zeros(1)) == {}
    both = {f"{p}panoptic_head.query_feat.weight": torch.zeros(1) for p in ("", "state_dict.")}
    with pytest.raises(LadrError, match="is there already"):
        convert(both)


def test_the_official_architecture_is_swin_small_with_80_classes():
    official = official_config()
    assert official.backbone_config.depths == [2, 2, 18, 2]
    assert (official.num_labels, official.num_queries, official.hidden_dim) == (80, 100, 256)
    assert official.decoder_layers - 1 == 9  # transformers counts the prediction before the first layer
