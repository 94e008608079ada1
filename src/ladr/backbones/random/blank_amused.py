"""Random weights in aMUSEd's folder layout, saved by diffusers itself: for tests and first tries."""

import json
import tempfile
from pathlib import Path
from typing import Any

import torch

from ladr.base.errors import needs
from ladr.base.files import write_text

SIZES = {"codes": 32, "hidden": 16, "grid": 8, "levels": 3, "length": 16}
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789,."


def random_amused(folder: str | Path, seed: int = 0, **sizes: int) -> Path:
    """Save a tiny AmusedPipeline: `codes` codes, a `grid` x `grid` square, cells of 2^(levels-1) pixels."""
    folder = Path(folder)
    random_pipeline(seed, **sizes).save_pretrained(folder)
    _write_words(folder / "tokenizer")
    return folder


def random_pipeline(seed: int = 0, **sizes: int) -> Any:
    """The pipeline of diffusers, with its stock scheduler, every weight random from `seed`."""
    with needs("a random aMUSEd"):
        from diffusers import AmusedPipeline, AmusedScheduler, VQModel
        from diffusers.models.unets.uvit_2d import UVit2DModel
        from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    sizes = {**SIZES, **sizes}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        transformer = UVit2DModel(**_transformer(sizes))
        vqvae = VQModel(**_vqvae(sizes))
        text = CLIPTextModelWithProjection(CLIPTextConfig(**_text(sizes)))
    return AmusedPipeline(
        vqvae=vqvae.eval(),
        tokenizer=_tokenizer(sizes["length"]),
        text_encoder=text.eval(),
        transformer=transformer.eval(),
        scheduler=AmusedScheduler(mask_token_id=sizes["codes"]),
    )


def _transformer(sizes: dict[str, int]) -> dict[str, Any]:
    d = sizes["hidden"]
    return {
        "hidden_size": d, "cond_embed_dim": d, "micro_cond_encode_dim": 2, "micro_cond_embed_dim": 10,
        "encoder_hidden_size": d, "vocab_size": sizes["codes"] + 1, "codebook_size": sizes["codes"],
        "in_channels": d, "block_out_channels": d, "num_res_blocks": 1, "block_num_heads": 2,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 2 * d,
        "sample_size": sizes["grid"],
    }  # fmt: skip


def _vqvae(sizes: dict[str, int]) -> dict[str, Any]:
    levels = sizes["levels"]
    return {
        "block_out_channels": [8] * levels, "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels, "layers_per_block": 1, "latent_channels": 4,
        "num_vq_embeddings": sizes["codes"], "norm_num_groups": 4, "mid_block_add_attention": False,
        "lookup_from_codebook": True,
    }  # fmt: skip


def _text(sizes: dict[str, int]) -> dict[str, Any]:
    d = sizes["hidden"]
    words = len(_vocabulary())
    return {
        "vocab_size": words, "hidden_size": d, "intermediate_size": 2 * d, "projection_dim": d,
        "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": sizes["length"],
        "bos_token_id": words - 2, "eos_token_id": words - 1, "pad_token_id": words - 1,
    }  # fmt: skip


def _vocabulary() -> dict[str, int]:
    marks = ["<|startoftext|>", "<|endoftext|>"]
    return {word: i for i, word in enumerate([*LETTERS, *(f"{c}</w>" for c in LETTERS), *marks])}


def _tokenizer(length: int) -> Any:
    """A CLIP tokenizer without merges: it spells."""
    with needs("a random aMUSEd"):
        from transformers import CLIPTokenizer

    with tempfile.TemporaryDirectory() as folder:
        _write_words(Path(folder))
        return CLIPTokenizer.from_pretrained(folder, model_max_length=length)


def _write_words(folder: Path) -> None:
    write_text(folder / "vocab.json", json.dumps(_vocabulary()))
    write_text(folder / "merges.txt", "#version: 0.2\n")
