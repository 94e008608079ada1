"""Turns the official GenEval detector's weights (mmdet 2.x Mask2Former, Swin-S) into a transformers folder.

The published `.pth` is a pickle and is not read here: its owner turns it into safetensors first (the manual
has the one line). Names and layouts are then mapped tensor by tensor; what is unknown or absent is refused.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ladr.base.errors import LadrError, needs
from ladr.base.files import sha256, write_json
from ladr.base.removal import remove
from ladr.base.tensor_files import head
from ladr.benchmarks.official.detector import CONVERTED
from ladr.benchmarks.official.suite import some

SWIN = "model.pixel_level_module.encoder"
PIXEL = "model.pixel_level_module.decoder"
HEAD = "model.transformer_module"
RENAMES = (  # mmdet name -> transformers name as checkpoints store it; groups carry the numbers
    (r"backbone\.patch_embed\.projection\.(.+)", rf"{SWIN}.embeddings.patch_embeddings.projection.\1"),
    (r"backbone\.patch_embed\.norm\.(.+)", rf"{SWIN}.embeddings.norm.\1"),
    (
        r"backbone\.stages\.(\d+)\.blocks\.(\d+)\.norm1\.(.+)",
        rf"{SWIN}.encoder.layers.\1.blocks.\2.layernorm_before.\3",
    ),
    (
        r"backbone\.stages\.(\d+)\.blocks\.(\d+)\.norm2\.(.+)",
        rf"{SWIN}.encoder.layers.\1.blocks.\2.layernorm_after.\3",
    ),
    (
        r"backbone\.stages\.(\d+)\.blocks\.(\d+)\.attn\.w_msa\.proj\.(.+)",
        rf"{SWIN}.encoder.layers.\1.blocks.\2.attention.output.dense.\3",
    ),
    (
        r"backbone\.stages\.(\d+)\.blocks\.(\d+)\.attn\.w_msa\.(relative_position_bias_table)",
        rf"{SWIN}.encoder.layers.\1.blocks.\2.attention.self.\3",
    ),
    (
        r"backbone\.stages\.(\d+)\.blocks\.(\d+)\.ffn\.layers\.0\.0\.(.+)",
        rf"{SWIN}.encoder.layers.\1.blocks.\2.intermediate.dense.\3",
    ),
    (
        r"backbone\.stages\.(\d+)\.blocks\.(\d+)\.ffn\.layers\.1\.(.+)",
        rf"{SWIN}.encoder.layers.\1.blocks.\2.output.dense.\3",
    ),
    (r"panoptic_head\.pixel_decoder\.input_convs\.(\d)\.conv\.(.+)", rf"{PIXEL}.input_projections.\1.0.\2"),
    (r"panoptic_head\.pixel_decoder\.input_convs\.(\d)\.gn\.(.+)", rf"{PIXEL}.input_projections.\1.1.\2"),
    (
        r"panoptic_head\.pixel_decoder\.encoder\.layers\.(\d+)\.attentions\.0\.(.+)",
        rf"{PIXEL}.encoder.layers.\1.self_attn.\2",
    ),
    (
        r"panoptic_head\.pixel_decoder\.encoder\.layers\.(\d+)\.norms\.0\.(.+)",
        rf"{PIXEL}.encoder.layers.\1.self_attn_layer_norm.\2",
    ),
    (
        r"panoptic_head\.pixel_decoder\.encoder\.layers\.(\d+)\.norms\.1\.(.+)",
        rf"{PIXEL}.encoder.layers.\1.final_layer_norm.\2",
    ),
    (
        r"panoptic_head\.pixel_decoder\.encoder\.layers\.(\d+)\.ffns\.0\.layers\.0\.0\.(.+)",
        rf"{PIXEL}.encoder.layers.\1.fc1.\2",
    ),
    (
        r"panoptic_head\.pixel_decoder\.encoder\.layers\.(\d+)\.ffns\.0\.layers\.1\.(.+)",
        rf"{PIXEL}.encoder.layers.\1.fc2.\2",
    ),
    (r"panoptic_head\.pixel_decoder\.level_encoding\.weight", rf"{PIXEL}.level_embed"),
    (r"panoptic_head\.pixel_decoder\.lateral_convs\.0\.conv\.(.+)", rf"{PIXEL}.adapter_1.0.\1"),
    (r"panoptic_head\.pixel_decoder\.lateral_convs\.0\.gn\.(.+)", rf"{PIXEL}.adapter_1.1.\1"),
    (r"panoptic_head\.pixel_decoder\.output_convs\.0\.conv\.(.+)", rf"{PIXEL}.layer_1.0.\1"),
    (r"panoptic_head\.pixel_decoder\.output_convs\.0\.gn\.(.+)", rf"{PIXEL}.layer_1.1.\1"),
    (r"panoptic_head\.pixel_decoder\.mask_feature\.(.+)", rf"{PIXEL}.mask_projection.\1"),
    (r"panoptic_head\.query_embed\.(.+)", rf"{HEAD}.queries_embedder.\1"),
    (r"panoptic_head\.query_feat\.(.+)", rf"{HEAD}.queries_features.\1"),
    (r"panoptic_head\.level_embed\.(.+)", rf"{HEAD}.level_embed.\1"),
    # a layer's first attention looks at the image and stays one fused matrix; the second is among queries
    (
        r"panoptic_head\.transformer_decoder\.layers\.(\d+)\.attentions\.0\.attn\.(.+)",
        rf"{HEAD}.decoder.layers.\1.cross_attn.\2",
    ),
    (
        r"panoptic_head\.transformer_decoder\.layers\.(\d+)\.attentions\.1\.attn\.(out_proj\..+)",
        rf"{HEAD}.decoder.layers.\1.self_attn.\2",
    ),
    (
        r"panoptic_head\.transformer_decoder\.layers\.(\d+)\.norms\.0\.(.+)",
        rf"{HEAD}.decoder.layers.\1.cross_attn_layer_norm.\2",
    ),
    (
        r"panoptic_head\.transformer_decoder\.layers\.(\d+)\.norms\.1\.(.+)",
        rf"{HEAD}.decoder.layers.\1.self_attn_layer_norm.\2",
    ),
    (
        r"panoptic_head\.transformer_decoder\.layers\.(\d+)\.norms\.2\.(.+)",
        rf"{HEAD}.decoder.layers.\1.final_layer_norm.\2",
    ),
    (
        r"panoptic_head\.transformer_decoder\.layers\.(\d+)\.ffns\.0\.layers\.0\.0\.(.+)",
        rf"{HEAD}.decoder.layers.\1.fc1.\2",
    ),
    (
        r"panoptic_head\.transformer_decoder\.layers\.(\d+)\.ffns\.0\.layers\.1\.(.+)",
        rf"{HEAD}.decoder.layers.\1.fc2.\2",
    ),
    (r"panoptic_head\.transformer_decoder\.post_norm\.(.+)", rf"{HEAD}.decoder.layernorm.\1"),
    (r"panoptic_head\.cls_embed\.(.+)", r"class_predictor.\1"),
)
STAGE_NORM = re.compile(r"backbone\.norm(\d)\.(weight|bias)")
QKV = re.compile(r"backbone\.stages\.(\d+)\.blocks\.(\d+)\.attn\.w_msa\.qkv\.(weight|bias)")
MERGE = re.compile(r"backbone\.stages\.(\d+)\.downsample\.(reduction\.weight|norm\.weight|norm\.bias)")
SELF = re.compile(
    r"panoptic_head\.transformer_decoder\.layers\.(\d+)\.attentions\.1\.attn\.in_proj_(weight|bias)"
)
MASK_MLP = re.compile(r"panoptic_head\.mask_embed\.([024])\.(weight|bias)")
DERIVED = re.compile(r".*relative_position_index$|panoptic_head\.loss_.*")  # computed from the configuration


def rename(name: str, value: torch.Tensor) -> dict[str, torch.Tensor]:
    """One mmdet tensor as its tensors in transformers: none for a derived one, three for a fused q, k, v."""
    if DERIVED.fullmatch(name):
        return {}
    if m := STAGE_NORM.fullmatch(name):
        return {f"{SWIN}.hidden_states_norms.stage{int(m[1]) + 1}.{m[2]}": value}
    if m := QKV.fullmatch(name):
        at = f"{SWIN}.encoder.layers.{m[1]}.blocks.{m[2]}.attention.self"
        return {f"{at}.{p}.{m[3]}": v for p, v in zip(("query", "key", "value"), value.chunk(3), strict=True)}
    if m := SELF.fullmatch(name):
        at = f"{HEAD}.decoder.layers.{m[1]}.self_attn"
        return {f"{at}.{p}_proj.{m[2]}": v for p, v in zip("qkv", value.chunk(3), strict=True)}
    if m := MERGE.fullmatch(name):
        return {f"{SWIN}.encoder.layers.{m[1]}.downsample.{m[2]}": patches_by_place(value)}
    if m := MASK_MLP.fullmatch(name):
        return {f"{HEAD}.decoder.mask_predictor.mask_embedder.{int(m[1]) // 2}.0.{m[2]}": value}
    for pattern, target in RENAMES:
        if re.fullmatch(pattern, name):
            return {re.sub(pattern, target, name): value}
    raise LadrError(f"{name}: not a tensor of the Mask2Former that GenEval uses")


def patches_by_place(value: torch.Tensor) -> torch.Tensor:
    """The last axis of a patch merging, from channel-major (channel, row, column) to place-major in the order
    (0,0), (1,0), (0,1), (1,1): mmdet unfolds 2x2 patches, Swin concatenates them."""
    channels = value.shape[-1] // 4
    cube = value.reshape(*value.shape[:-1], channels, 2, 2)
    return cube.movedim((-1, -2, -3), (-3, -2, -1)).reshape(value.shape).contiguous()


def convert(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """All tensors under their new names. LadrError where one is unknown or arrives twice."""
    converted: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        for target, tensor in rename(name.removeprefix("state_dict."), value).items():
            if target in converted:
                raise LadrError(f"{name}: {target} is there already")
            converted[target] = tensor.clone()
    return converted


def convert_file(source: Path, target: Path, config: Any = None) -> None:
    """Write the folder `target` (config.json, model.safetensors) from the mmdet safetensors `source`.
    LadrError where a tensor is missing, left over, or of another shape than the configuration says."""
    from safetensors.torch import load_file, save_file

    with needs("Mask2Former"):
        from transformers import Mask2FormerForUniversalSegmentation

    head(source)
    state = convert(load_file(source))
    model = Mask2FormerForUniversalSegmentation(config or official_config())
    target.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(target)
    weights = target / "model.safetensors"
    expected = load_file(weights)
    unused = {n for n in expected if n.startswith(f"{SWIN}.swin.layernorm") or "empty_weight" in n}
    missing = sorted(expected.keys() - state.keys() - unused)
    surplus = sorted(state.keys() - expected.keys())
    shapes = [n for n in state.keys() & expected.keys() if state[n].shape != expected[n].shape]
    if missing or surplus or shapes:
        remove([weights], target)
        faults = {"missing": missing, "left over": surplus, "of another shape": shapes}
        raise LadrError(f"{source}: " + "; ".join(f"{k}: {some(v)}" for k, v in faults.items() if v))
    save_file({**{name: expected[name] for name in unused}, **state}, weights, metadata={"format": "pt"})
    write_json(target / CONVERTED, {"source": source.name, "sha256": sha256(source)})


def official_config() -> Any:
    """The architecture of `mask2former_swin-s-p4-w7-224_lsj_8x2_50e_coco` in transformers' words."""
    with needs("Mask2Former"):
        from transformers import Mask2FormerConfig, SwinConfig

    stages = ["stage1", "stage2", "stage3", "stage4"]
    swin = SwinConfig(  # type: ignore[call-arg]  # its stubs lack `out_features`
        embed_dim=96, depths=[2, 2, 18, 2], num_heads=[3, 6, 12, 24], window_size=7, out_features=stages
    )
    return Mask2FormerConfig(  # type: ignore[call-arg]  # its stubs lack `num_labels`
        backbone_config=swin, num_labels=80, num_queries=100, decoder_layers=10
    )
