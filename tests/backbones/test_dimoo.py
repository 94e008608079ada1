"""The layout around the transformer: folders, prompts, batches, guidance, pixels."""

import json
from dataclasses import replace

import pytest
import torch

from ladr.backbones import load
from ladr.backbones.lumina.dimoo import DiMOO
from ladr.backbones.random.blank import TINY, TINY_LAYOUT, random_checkpoint
from ladr.base.errors import LadrError
from ladr.decoding.caches import BranchCache, MLCache, cache
from ladr.decoding.loop import decode
from ladr.decoding.noise import ImageStreams
from ladr.decoding.policies import LADR, Doubt, Policy, Scheduled, Tries
from ladr.decoding.view import MASK, Commit

PROMPTS = [
    "a red circle",
    "two blue square on the left of one green circle",
    "circle",
    "a green square",
    "the red",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return random_checkpoint(tmp_path_factory.mktemp("hub"))


@pytest.fixture(scope="module")
def backbone(folder):
    return DiMOO.from_pretrained(folder)


def edit(folder, tmp_path, **changes):
    """A copy of the folder with other config fields."""
    for path in folder.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    for key, value in changes.items():
        config["ladr" if key.startswith("ladr_") else key] = value
        if key.startswith("ladr_"):
            config["ladr"] = json.loads((folder / "config.json").read_text())["ladr"] | {key[5:]: value}
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path


def test_a_saved_folder_loads_decodes_and_renders(folder):
    backbone = load("lumina-dimoo", source=folder)
    result = decode(backbone, PROMPTS[:2], LADR(), steps=8)
    assert result.tokens.shape == (2, 8, 8)
    assert result.tokens.min() >= 0
    assert result.tokens.max() < backbone.codes == TINY_LAYOUT.codebook
    images = backbone.render(result.tokens)
    assert images.shape == (2, 32, 32, 3)
    assert images.dtype == "uint8"
    again = DiMOO.from_pretrained(folder).pixels.encode(torch.from_numpy(images))
    assert again.shape == (2, 8, 8)


def test_the_sequence_is_as_documented(backbone):
    denoiser = backbone.bind(["a red"])
    tokens = torch.full((1, 8, 8), MASK)
    tokens[0, 2, 3] = 5
    denoiser.logits(tokens, torch.tensor([0]))
    layout, words = backbone.layout, backbone.words
    codes = torch.full((8, 9), layout.mask)
    codes[:, 8] = layout.newline
    codes[2, 3] = layout.image_offset + 5
    block = [layout.boa, layout.boi, *codes.flatten().tolist(), layout.eoi, layout.eoa]
    ids = denoiser.pack.fill(
        torch.where(tokens < 0, layout.mask, tokens + layout.image_offset).flatten(1).repeat(2, 1)
    )
    text, blank = words.ids("<s> draw a red </s>"), words.ids("<s> draw <uncondition> </s>")
    assert layout.uncond in blank
    sequences = {0: text + block, 1: blank + block}
    for s, wanted in sequences.items():
        start = denoiser.pack.starts[s]
        assert ids[start : start + len(wanted)].tolist() == wanted


def test_guidance_is_the_documented_sum(folder):
    tokens = torch.full((1, 8, 8), MASK)
    tokens[0, :3] = 7
    guided, plain = (DiMOO.from_pretrained(folder, guidance=s) for s in (3.0, 0.0))
    row = torch.tensor([0])
    cond = plain.bind(["a red"]).logits(tokens, row)
    uncond = plain.bind([plain.layout.uncondition]).logits(tokens, row)
    denoiser = guided.bind(["a red"])
    assert torch.allclose(denoiser.logits(tokens, row), 4 * cond - 3 * uncond, atol=1e-4)
    assert torch.allclose(denoiser.conditional, cond, atol=1e-5)


def test_only_masked_cells_are_answered_and_equal_the_full_head(backbone):
    tokens = torch.full((2, 8, 8), MASK)
    tokens[0, :5] = 3
    tokens[1, 7] = 1
    denoiser = backbone.bind(PROMPTS[:2])
    logits = denoiser.logits(tokens, torch.tensor([0, 1]))
    assert logits.shape == (int((tokens == MASK).sum()), TINY_LAYOUT.codebook)
    ids = denoiser.pack.fill(torch.where(tokens < 0, TINY_LAYOUT.mask, tokens + 128).flatten(1).repeat(2, 1))
    start, length = denoiser.pack.starts[1], len(denoiser.texts[1]) + len(denoiser.frame.tail)
    with torch.no_grad():
        dense = backbone.model.head(backbone.model(ids[None, start : start + length]))[0]
    at = len(denoiser.texts[1]) + denoiser.frame.cells[(tokens[1] == MASK).flatten()]
    assert torch.allclose(denoiser.conditional[24:], dense[at][:, 128:], atol=1e-5)


COSINE, ML = Scheduled(schedule="fixed"), MLCache(refresh=3)
CASES = {
    "ladr": (LADR(), None, 4.0),
    "cosine": (COSINE, None, 4.0),
    "unguided": (LADR(), None, 0.0),
    "ladr-ml": (LADR(), ML, 4.0),
    "cosine-ml": (COSINE, ML, 4.0),
    "cosine-literal-ml": (COSINE, MLCache(literal=True), 4.0),
    "unguided-ml": (COSINE, ML, 0.0),
    "branch": (COSINE, BranchCache(3), 4.0),
    "doubt": (Doubt(budget=4.0), None, 4.0),
    "doubt-unguided": (Doubt(budget=4.0, picks="scheduled"), None, 0.0),
    "doubt-ml": (Doubt(budget=4.0), ML, 4.0),
    "tries": (Tries(Doubt(budget=4.0)), None, 4.0),
    "tries-unguided": (Tries(Scheduled(schedule="fixed"), tries=3), None, 0.0),
    "tries-ml": (Tries(Doubt(budget=4.0)), ML, 4.0),
    "ml-and-branch": (COSINE, MLCache(refresh=4, branch_every=2), 4.0),
}


def test_doubt_reads_the_conditional_branch_where_there_is_guidance(folder):
    def cells(guidance, branch):
        backbone = DiMOO.from_pretrained(folder, guidance=guidance)
        return decode(backbone, PROMPTS, Doubt(budget=8.0, branch=branch), steps=12, seeds=range(5)).settled

    assert not torch.equal(cells(4.0, "conditional"), cells(4.0, "guided"))
    assert torch.equal(cells(0.0, "conditional"), cells(0.0, "guided"))


@pytest.mark.parametrize(("policy", "cache", "guidance"), CASES.values(), ids=CASES)
def test_alone_is_batched_token_for_token(folder, policy, cache, guidance):
    backbone = DiMOO.from_pretrained(folder, guidance=guidance)
    seeds = [11, 12, 13, 14, 15]
    whole = decode(backbone, PROMPTS, policy, steps=12, seeds=seeds, batch_size=4, cache=cache)
    for i, (prompt, seed) in enumerate(zip(PROMPTS, seeds, strict=True)):
        alone = decode(backbone, [prompt], policy, steps=12, seeds=[seed], cache=cache)
        assert torch.equal(alone.tokens[0], whole.tokens[i])
        assert alone.trace.images[0].cost == pytest.approx(whole.trace.images[i].cost)


ANEW = {
    "ml": {"name": "ml"}, "ml-literal": {"name": "ml", "literal": True},
    "ml-branch": {"name": "ml", "branch_every": 3}, "branch": {"name": "branch"},
    "delayed": {"name": "delayed"}, "stale-2": {"name": "stale"},
    "stale-4": {"name": "stale", "every": 4}, "fading": {"name": "ramp"},
    "growing": {"name": "ramp", "first": 0.0, "last": 1.0},
}  # fmt: skip


@pytest.mark.parametrize("name", ANEW)
def test_another_try_begins_as_the_first_one_did_whatever_is_cached(folder, name):
    """With the same noise in both tries it goes on as the first did, too: the same passes are full."""

    class Again(ImageStreams):
        def _uniform(self, images, masked):
            for i, cells in zip(images, masked, strict=True):
                if bool(cells.all()) and self.drawn.get(i, 0) % 2 == 0:
                    self._streams.pop(i, None)
                self.drawn[i] = self.drawn.get(i, 0) + 1
            return super()._uniform(images, masked)

    noise = Again([11, 12, 13])
    noise.drawn = {}
    seen = [[] for _ in range(3)]

    def watch(view, take):
        for row, i in enumerate(view.images):
            at, logits = view.predictions.at, view.predictions.marginals.logits
            seen[i].append(logits[at[:row].sum() : at[: row + 1].sum()].clone())

    class Same(Policy):
        history = True

        def __call__(self, view):
            commit = COSINE(replace(view, step=[s % 7 for s in view.step], steps=7))
            end = torch.tensor([s == 6 for s in view.step])
            return Commit(commit, again=end)

    backbone = DiMOO.from_pretrained(folder, guidance=4.0)
    out = decode(
        backbone,
        PROMPTS[:3],
        Same(),
        steps=14,
        noise=noise,
        cache=cache(**ANEW[name]),
        batch_size=3,
        on_step=watch,
    )
    for image, logits in zip(out.trace.images, seen, strict=True):
        assert image.passes == 14
        assert image.masked[:7] == image.masked[7:]
        dearer = 0.5 if name == "growing" else 0.0  # both branches run once, though guidance is 0
        assert image.cost[0] == pytest.approx(image.cost[7] + dearer, abs=0.02)
        assert image.cost[1:7] == pytest.approx(image.cost[8:], abs=0.02)
        for first, second in zip(logits[:7], logits[7:], strict=True):
            assert torch.allclose(first, second, atol=1e-4)


@pytest.mark.parametrize("cache", [None, MLCache(literal=True)], ids=["plain", "cached"])
def test_everywhere_answers_at_observed_cells_too(backbone, cache):
    tokens, row = torch.full((1, 8, 8), MASK), torch.tensor([0])
    tokens[0, :2] = 4
    plan = cache(None) if cache else None
    packed, dense = backbone.bind(["a red"]), backbone.bind(["a red"])
    dense.everywhere = True
    logits = dense.logits(tokens, row, recompute=plan)
    assert logits.shape == (1, 8, 8, 64)
    assert torch.allclose(logits[tokens == MASK], packed.logits(tokens, row, recompute=plan), atol=1e-4)
    assert torch.allclose(dense.conditional, packed.conditional, atol=1e-5)


def test_the_printed_algorithm_runs_here_too(backbone):
    result = decode(backbone, PROMPTS[:2], LADR(literal=True), steps=8)
    assert (result.tokens >= 0).all()


def test_known_tokens_and_other_grids(folder):
    backbone = DiMOO.from_pretrained(folder, size=(20, 44))
    assert backbone.grid == (5, 11)
    start = torch.full((1, 5, 11), MASK)
    start[0, 2, 4:7] = torch.tensor([1, 2, 3])
    result = decode(backbone, ["a red circle"], LADR(), steps=8, start=start)
    assert result.tokens[0, 2, 4:7].tolist() == [1, 2, 3]
    assert backbone.render(result.tokens).shape == (1, 20, 44, 3)


def test_bfloat16_runs_and_rounds_where_asked(folder):
    half = DiMOO.from_pretrained(folder, dtype="bfloat16")
    upstream = DiMOO.from_pretrained(folder, dtype="bfloat16", sampling_dtype="bfloat16")
    tokens, row = torch.full((1, 8, 8), MASK), torch.tensor([0])
    exact = DiMOO.from_pretrained(folder).bind(["a"]).logits(tokens, row)
    assert half.bind(["a"]).logits(tokens, row).dtype == torch.float32
    assert upstream.bind(["a"]).logits(tokens, row).dtype == torch.bfloat16
    assert (half.bind(["a"]).logits(tokens, row) - exact).abs().mean() < 0.2
    for backbone in (half, upstream):
        assert (decode(backbone, PROMPTS[:2], LADR(), steps=12, cache=MLCache()).tokens >= 0).all()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"guidance": -1.0}, "guidance: -1.0 is not allowed"),
        ({"guidance": float("nan")}, "guidance: nan is not allowed"),
        ({"size": (32, 30)}, "width 30 is not allowed; a multiple of 4"),
        ({"size": (0, 32)}, "height 0 is not allowed"),
        (
            {"size": (64, 64)},
            r"size: 64x64 pixels are 16x16 cells, too many beside 8 other tokens; at most 60x60 pixels fit "
            r"as a square \(max_sequence_length 256\)",
        ),
        (
            {"size": (4, 1000)},
            r"size: 4x1000 pixels are 1x250 cells, .* at most 60x60 pixels fit as a square",
        ),
        ({"dtype": "float31"}, "dtype: 'float31' is not allowed .did you mean 'float32'"),
        ({"sampling_dtype": "half"}, "sampling_dtype: 'half' is not allowed"),
    ],
)
def test_bad_settings_are_named(folder, settings, says):
    with pytest.raises(LadrError, match=says):
        DiMOO.from_pretrained(folder, **settings)


def test_the_largest_square_that_a_message_names_fits_and_the_next_does_not(folder):
    assert DiMOO.from_pretrained(folder, size=(60, 60)).grid == (15, 15)
    with pytest.raises(LadrError, match="at most 60x60"):
        DiMOO.from_pretrained(folder, size=(64, 64))


def test_bad_prompts_are_named(backbone):
    with pytest.raises(LadrError, match=r"prompts\[1\]: 'cirle' is not a word .*did you mean 'circle'"):
        backbone.bind(["a circle", "a red cirle"])
    with pytest.raises(LadrError, match=r"prompts\[0\]: 203 tokens .* at most 180 fit"):
        backbone.bind(["a " * 200])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"embedding_size": 160}, "embedding_size is 160, but image codes end at 192"),
        ({"ladr_codebook": 65}, "image codes end at 193"),
        ({"ladr_boi": 128}, r"ladr\.boi is 128; ids below 128 are text"),
        ({"ladr_mask": "<mask>"}, r"ladr\.mask is '<mask>', must be a whole number"),
        ({"ladr_mast": 1}, r"ladr\.mast is not a field of the layout .did you mean 'mask'"),
        ({"ladr_template": "draw it"}, r"has no \{prompt\}"),
        ({"ladr_vq_factor": 8}, "shrink by 4; vq_factor"),
        ({"n_kv_heads": 2}, "n_kv_heads is 2; it must equal n_heads"),
        ({"rope": False}, "rope is False; this implementation has True only"),
        ({"n_layers": 3}, r"tensor model\.transformer\.blocks\.2\.attn_norm\.weight, .* is missing"),
        ({"n_layers": 1}, r"tensor model\.transformer\.blocks\.1\.attn_norm\.weight, .* does not belong"),
        ({"mlp_hidden_size": 96}, r"has shape \(128, 64\); its config asks for \(96, 64\)"),
    ],
)
def test_configs_that_do_not_fit_are_refused(folder, tmp_path, changes, says):
    with pytest.raises(LadrError, match=says):
        DiMOO.from_pretrained(edit(folder, tmp_path, **changes))


def test_another_vq_model_is_refused(folder, tmp_path):
    copy = edit(folder, tmp_path)
    config = json.loads((copy / "vqvae" / "config.json").read_text())
    for key, value, says in [
        ("num_vq_embeddings", 32, "num_vq_embeddings is 32; the transformer was made for 64"),
        ("lookup_from_codebook", False, "lookup_from_codebook must be true"),
    ]:
        (copy / "vqvae" / "config.json").write_text(json.dumps(config | {key: value}))
        with pytest.raises(LadrError, match=says):
            DiMOO.from_pretrained(copy)


def test_names_that_are_neither_folder_nor_backbone():
    with pytest.raises(LadrError, match=r"'\./nowhere' is neither a folder here nor a hub name"):
        DiMOO.from_pretrained("./nowhere")
    with pytest.raises(LadrError, match=r"'lumina-dimo' is not known .did you mean 'lumina-dimoo'"):
        load("lumina-dimo")


def test_max_sequence_length_binds_only_where_the_layout_is_ours(folder, tmp_path):
    copy = edit(folder, tmp_path, max_sequence_length=79)
    with pytest.raises(LadrError, match=r"at most 28x28 pixels fit as a square .max_sequence_length 79"):
        DiMOO.from_pretrained(copy)
    with pytest.raises(LadrError, match=r"no grid fits .max_sequence_length 8"):
        DiMOO.from_pretrained(edit(folder, tmp_path / "short", max_sequence_length=8))
    assert TINY.max_sequence_length == 256
