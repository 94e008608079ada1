"""The sequence of the 8B model: ids around a prompt and an image, as its public code writes them."""

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from ladr.backbones.lumina.dimoo import DiMOO, Layout
from ladr.backbones.lumina.sizes import LLaDAConfig
from ladr.backbones.lumina.tokenizer import Words
from ladr.backbones.random.blank import random_model

# What the released tokenizer makes of the pieces of the unconditional prompt, in the order of that prompt.
PIECES = {
    "<system>": 126332,
    "Generate": 36289,
    "Ġan": 289,
    "Ġimage": 3972,
    "Ġaccording": 4631,
    "Ġto": 297,
    "Ġthe": 268,
    "Ġtext": 3019,
    "Ġprompt": 12166,
    ".": 13,
    "</system>": 126333,
    "<user>": 126334,
    "<uncondition>": 126351,
    "</user>": 126335,
}
UNCONDITIONAL = [
    126332, 36289, 289, 3972, 4631, 297, 268, 3019, 12166, 13, 126333, 126334, 126351, 126335,
]  # fmt: skip
MASK, NEWLINE = 126336, 126084


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The real layout and ids around a network of one narrow layer, for pictures of 32 x 48 pixels."""
    folder = tmp_path_factory.mktemp("words")
    vocabulary = {**PIECES, "[UNK]": 0, "a": 1, "Ġcup": 2}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    marks = [AddedToken(piece, special=True) for piece in PIECES if piece.startswith("<")]
    tokenizer.add_special_tokens(marks)
    tokenizer.save(str(folder / "tokenizer.json"))
    narrow = LLaDAConfig(d_model=8, n_heads=1, n_layers=1, mlp_hidden_size=8)
    return DiMOO(random_model(narrow), Layout(), Words(folder), None, size=(32, 48), limit=4096)


def test_the_unconditional_ids_are_those_of_the_public_code(model):
    assert list(PIECES.values()) == UNCONDITIONAL
    assert model.bind(["a cup"]).blank.tolist() == UNCONDITIONAL


def test_a_prompt_stands_where_uncondition_stands(model):
    assert model.bind(["a cup"]).texts[0].tolist() == [*UNCONDITIONAL[:-2], 1, 2, 126335]


def test_the_image_follows_in_rows(model):
    row = [MASK, MASK, MASK, NEWLINE]
    assert model.frame.tail.tolist() == [126354, 126349, *row, *row, 126350, 126355]


def test_codes_are_shifted_to_their_ids(model):
    denoiser = model.bind(["a cup"])
    denoiser.lay_out([0])
    codes = torch.tensor([[0, 1, 8191, 5, 6, 7]]) + model.layout.image_offset
    ids = denoiser.pack.fill(codes.repeat(2, 1)).tolist()
    assert ids[: len(UNCONDITIONAL)] == UNCONDITIONAL
    image = ids[len(UNCONDITIONAL) + 2 :][:8]
    assert image == [126356, 126357, 134547, NEWLINE, 126361, 126362, 126363, NEWLINE]
