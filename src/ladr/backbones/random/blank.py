"""Random weights in the hub's layout: what tests and timings run when the real ones are not at hand."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ladr.backbones.checkpoint import safetensors_folder as checkpoint
from ladr.backbones.lumina.dimoo import Layout
from ladr.backbones.lumina.llada import LLaDA
from ladr.backbones.lumina.sizes import LLaDAConfig
from ladr.base.errors import needs

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
PUBLIC_MARKS = {
    "<uncondition>": 126351, "<system>": 126340, "</system>": 126341, "<user>": 126342, "</user>": 126343,
    "<IMAGE>": 126349, "</IMAGE>": 126350, "<end-of-line>": 126084,
}  # fmt: skip


def random_model(
    config: LLaDAConfig, seed: int = 0, *, dtype: Any = torch.float32, device: Any = "cpu"
) -> LLaDA:
    """A LLaDA whose matrices are normal with the variance that keeps activations near 1."""
    with torch.device("meta"):
        model = LLaDA(config)
    model = model.to(dtype).to_empty(device=device).requires_grad_(False)
    stream = torch.Generator(device).manual_seed(seed)
    for weight in model.parameters():
        _fill(weight, stream)
    return model


def _fill(weight: torch.Tensor, stream: torch.Generator) -> torch.Tensor:
    """A vector becomes ones, a matrix normal with the variance that keeps activations near 1."""
    if weight.ndim == 1:
        return weight.fill_(1.0)
    return weight.normal_(0, weight.shape[1] ** -0.5, generator=stream)


def random_checkpoint(
    folder: str | Path,
    config: LLaDAConfig = TINY,
    layout: Layout = TINY_LAYOUT,
    *,
    words: tuple[str, ...] = TINY_WORDS,
    tokenizer: Any = None,
    widths: tuple[int, ...] | None = None,
    seed: int = 0,
    parts: int = 2,
) -> Path:
    """Write config.json, `parts` shards with their index, tokenizer.json and vqvae/, all from `seed`.

    tokenizer: of `tokenizers`, instead of one that knows `words`. widths: channels of the VQ model's blocks,
    as many as the layout's vq_factor asks for.
    """
    folder = Path(folder)
    state = random_model(config, seed).state_dict()
    checkpoint.save(folder, {**config.to_json(), "ladr": asdict(layout)}, state, parts=parts)
    (tokenizer or _tokenizer(layout, words)).save(str(folder / "tokenizer.json"))
    _write_vq(folder / "vqvae", layout, widths or (8,) * layout.vq_factor.bit_length(), seed)
    return folder


def public_checkpoint(
    folder: str | Path, config: LLaDAConfig, *, dtype: Any = torch.bfloat16, shards: int = 9, seed: int = 0
) -> Path:
    """The files of Lumina-DiMOO as the hub has them, with these sizes, random weights and a narrow VQ model.

    The weights are drawn from `seed`, a tensor's from its place among them, one shard at a time: memory holds
    one shard, however many there are.
    """
    folder = Path(folder)
    with torch.device("meta"):
        state = LLaDA(config).to(dtype).state_dict()
    place = {name: i for i, name in enumerate(state)}

    def content(name: str, like: torch.Tensor) -> torch.Tensor:
        weight = torch.empty(like.shape, dtype=like.dtype)
        return _fill(weight, torch.Generator().manual_seed((seed << 16) + place[name]))

    checkpoint.save(folder, config.to_json(), state, parts=shards, content=content)
    spelling_tokenizer().save(str(folder / "tokenizer.json"))
    layout = Layout()
    _write_vq(folder / "vqvae", layout, (4,) * layout.vq_factor.bit_length(), seed)
    return folder


def spelling_tokenizer() -> Any:
    """A byte-level tokenizer without merges and with the marks of Lumina-DiMOO: it spells every text."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    letters = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE({**letters, **PUBLIC_MARKS}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(list(PUBLIC_MARKS))
    return tokenizer


def _tokenizer(layout: Layout, words: tuple[str, ...]) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers

    marks = [word for word in layout.template.split() if word != "{prompt}"]
    vocabulary = dict.fromkeys(["[UNK]", *marks, *words])
    ids = {word: i for i, word in enumerate(vocabulary)}
    ids[layout.uncondition] = layout.uncond
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def _write_vq(folder: Path, layout: Layout, widths: tuple[int, ...], seed: int) -> None:
    with needs("a random VQ model"):
        from diffusers import VQModel

    config = {
        "block_out_channels": list(widths),
        "down_block_types": ["DownEncoderBlock2D"] * len(widths),
        "up_block_types": ["UpDecoderBlock2D"] * len(widths),
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
