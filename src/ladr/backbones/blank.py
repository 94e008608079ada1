"""Random weights in the hub's layout: what tests and timings run when the real ones are not at hand."""

from dataclasses import asdict
from pathlib import Path

import torch

from ladr.backbones import checkpoint
from ladr.backbones.dimoo import Layout
from ladr.backbones.llada import LLaDA, LLaDAConfig

TINY = LLaDAConfig(
    d_model=64,
    n_heads=4,
    n_layers=2,
    mlp_hidden_size=128,
    rope_theta=10000.0,
    embedding_size=192,
    max_sequence_length=256,
)
TINY_LAYOUT = Layout(
    template="<s> draw {prompt} </s>",
    uncondition="<uncondition>",
    mask=116,
    newline=84,
    boi=120,
    eoi=121,
    uncond=122,
    boa=125,
    eoa=126,
    image_offset=128,
    codebook=64,
    grid=(8, 8),
    vq_factor=4,
)
TINY_WORDS = ("a", "one", "two", "red", "green", "blue", "circle", "square", "on", "left", "of", "the")


def random_model(config: LLaDAConfig, seed: int = 0, *, dtype=torch.float32, device="cpu") -> LLaDA:
    """A LLaDA whose matrices are normal with the variance that keeps activations near 1."""
    with torch.device("meta"):
        model = LLaDA(config)
    model = model.to(dtype).to_empty(device=device).requires_grad_(False)
    stream = torch.Generator(device).manual_seed(seed)
    for weight in model.parameters():
        if weight.ndim == 1:
            weight.fill_(1.0)
        else:
            weight.normal_(0, weight.shape[1] ** -0.5, generator=stream)
    return model


def random_checkpoint(
    folder: str | Path,
    config: LLaDAConfig = TINY,
    layout: Layout = TINY_LAYOUT,
    *,
    words: tuple[str, ...] = TINY_WORDS,
    seed: int = 0,
    parts: int = 2,
) -> Path:
    """Write config.json, `parts` shards with their index, tokenizer.json and vqvae/, all from `seed`."""
    folder = Path(folder)
    state = random_model(config, seed).state_dict()
    checkpoint.save(folder, {**config.to_json(), "ladr": asdict(layout)}, state, parts=parts)
    _write_words(folder, layout, words)
    _write_vq(folder / "vqvae", layout, seed)
    return folder


def _write_words(folder: Path, layout: Layout, words: tuple[str, ...]) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    marks = [word for word in layout.template.split() if word != "{prompt}"]
    vocabulary = dict.fromkeys(["[UNK]", *marks, *words])
    ids = {word: i for i, word in enumerate(vocabulary)}
    ids[layout.uncondition] = layout.uncond
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))


def _write_vq(folder: Path, layout: Layout, seed: int) -> None:
    from diffusers import VQModel

    levels = layout.vq_factor.bit_length()
    config = {
        "block_out_channels": [8] * levels,
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "layers_per_block": 1,
        "latent_channels": 4,
        "num_vq_embeddings": layout.codebook,
        "norm_num_groups": 4,
        "mid_block_add_attention": False,
        "lookup_from_codebook": True,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = VQModel(**config)
    saved = {"_class_name": "VQModel", **{k: v for k, v in model.config.items() if not k.startswith("_")}}
    checkpoint.save(folder, saved, model.state_dict(), stem="diffusion_pytorch_model")
