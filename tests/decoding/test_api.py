"""What callers, policies, noises, caches and backbones may hand in wrongly: one line that names it."""

import numpy as np
import pytest
import torch

from ladr import MASK, Commit, LadrError, build, decode
from ladr.backbones.exact.field import Field
from ladr.decoding.caches import MLCache, Recompute
from ladr.decoding.noise import ImageStreams, UpstreamGumbel
from ladr.decoding.policies import Then
from toy import ToyBackbone

COSINE = build("cosine")


def refused(**options):
    """The line that `decode` answers these options with."""
    call = {"backbone": ToyBackbone(), "prompts": ["a", "b"], "policy": COSINE, "steps": 4} | options
    with pytest.raises(LadrError) as error:
        decode(**call)
    line = str(error.value)
    assert "\n" not in line
    assert len(line) < 300
    return line


class Draws(ImageStreams):
    """Noise whose draws are changed by a function each."""

    def __init__(self, **changes):
        super().__init__([0, 1])
        self.changes = changes

    def tokens(self, *args):
        return self.changes.get("tokens", lambda x: x)(super().tokens(*args))

    def gumbel(self, *args):
        return self.changes.get("gumbel", lambda x: x)(super().gumbel(*args))

    def keys(self, *args):
        return self.changes.get("keys", lambda x: x)(super().keys(*args))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"backbone": "shapes"}, "backbone: 'shapes' is not allowed"),
        ({"backbone": ToyBackbone}, "backbone: <class"),
        ({"prompts": ()}, "prompts: () is not allowed"),
        ({"prompts": b"a cup"}, "prompts: b'a cup' is not allowed"),
        ({"prompts": torch.zeros(40, 40)}, "prompts: Tensor torch.float32 (40, 40) is not allowed"),
        ({"prompts": ["x" * 1000] * 2, "seeds": 3}, "seeds: 3 is not allowed"),
        ({"seeds": "ab"}, "seeds: 'ab' is not allowed"),
        ({"seeds": b"ab"}, "seeds: b'ab' is not allowed"),
        ({"seeds": {0, 1}}, "seeds: {0, 1} is not allowed"),
        ({"seeds": torch.zeros(2)}, "seeds: Tensor torch.float32 (2,) is not allowed"),
        ({"seeds": [0, 1.0]}, "seeds[1]: 1.0 is not allowed"),
        ({"seeds": [True, 1]}, "seeds[0]: True is not allowed"),
        ({"seeds": [0, 10**5000]}, "seeds[1]: a number of more than 40 digits is not allowed"),
        ({"temperature": True}, "temperature: True"),
        ({"on_step": 3}, "on_step: 3 is not allowed"),
        ({"stopped": False}, "stopped: False is not allowed"),
        ({"cache": "ml"}, "cache: 'ml' is not allowed"),
        ({"cache": {"name": "ml"}}, "cache: {'name': 'ml'} is not allowed"),
        ({"cache": MLCache}, "cache: <class"),
        ({"cache": lambda view: None}, "cache <lambda>: an answer of None is not allowed"),
        ({"cache": lambda view: Recompute(cost="1")}, "a cost of '1' is not allowed"),
        ({"cache": lambda view: Recompute(cost=torch.ones(3))}, "a cost of Tensor torch.float32 (3,)"),
        ({"noise": 5}, "noise: 5 is not allowed"),
        ({"noise": ImageStreams}, "noise: <class"),
        ({"noise": torch.Generator()}, "noise: <torch"),
        ({"noise": Draws(tokens=lambda x: x.tolist())}, "noise Draws: tokens gives list, not int64 (60,)"),
        ({"noise": Draws(tokens=lambda x: x.double())}, "tokens gives torch.float64 (60,)"),
        ({"noise": Draws(tokens=lambda x: x[1:])}, "tokens gives torch.int64 (59,)"),
        ({"noise": Draws(gumbel=lambda x: x[0])}, "noise Draws: gumbel gives torch.float32 (6, 5)"),
        ({"noise": Draws(gumbel=lambda x: None)}, "gumbel gives NoneType"),
        (
            {"noise": Draws(keys=lambda x: x[:1]), "policy": "random"},
            "keys gives Tensor torch.float32 (1, 6, 5)",
        ),
    ],
)
def test_a_wrong_argument_is_named_with_its_value(options, words):
    assert words in refused(**options)


@pytest.mark.parametrize("seed", [1.5, -1, True, "0", None])
def test_the_reference_recipe_takes_a_seed_alone(seed):
    with pytest.raises(LadrError, match=r"^seed: .* is not allowed; a seed is an integer"):
        UpstreamGumbel(seed)


ODD = [
    ({"notes": [1]}, "notes is list, not a mapping"),
    ({"notes": None}, "notes is NoneType"),
    ({"notes": {3: torch.zeros(2)}}, "notes has the key 3, not a text"),
    ({"notes": {"n": [1, 2]}}, "notes['n'] is list, not a tensor of real numbers (2,)"),
    ({"notes": {"n": 1.0}}, "notes['n'] is float"),
    ({"notes": {"n": torch.zeros(3)}}, "notes['n'] is torch.float32 (3,)"),
    ({"notes": {"n": torch.zeros(2, 6)}}, "notes['n'] is torch.float32 (2, 6)"),
    ({"notes": {"n": torch.zeros(2, dtype=torch.complex64)}}, "notes['n'] is torch.complex64"),
    ({"notes": {"cost": torch.zeros(2)}}, "notes has the key 'cost', which every trace has"),
    ({"memory": 1}, "memory is int, not a mapping"),
    ({"memory": {"m": torch.zeros(2)}}, "memory['m'] is torch.float32 (2,)"),
    ({"tokens": [1]}, "tokens is list, not an int64 tensor (2, 6, 5)"),
    ({"tokens": torch.zeros(2, 6, 5)}, "tokens is torch.float32 (2, 6, 5)"),
    ({"tokens": torch.zeros(6, 5, dtype=torch.int64)}, "tokens is torch.int64 (6, 5)"),
]


@pytest.mark.parametrize(("part", "words"), ODD)
def test_a_wrong_part_of_a_commit_is_named_with_its_policy(part, words):
    line = refused(policy=lambda view: Commit(view.masked, **part))
    assert line.startswith("policy ")
    assert words in line


def test_a_wrong_answer_inside_a_pair_is_named_too():
    assert "take is NoneType" in refused(policy=COSINE.then(lambda view: None))
    assert "take is str" in refused(policy=COSINE | (lambda view: "all"))
    assert isinstance(COSINE.then(COSINE), Then)


class TwoBranches(ToyBackbone):
    """Tells a conditional branch as well: the packed logits, changed by a function."""

    def __init__(self, change):
        super().__init__(packed=True)
        self.change = change

    def bind(self, prompts):
        denoiser, change = super().bind(prompts), self.change
        logits = denoiser.logits

        def both(*args, **options):
            out = logits(*args, **options)
            denoiser.conditional = change(out.clone())
            return out

        denoiser.logits = both
        denoiser.conditional = None
        return denoiser


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda out: torch.cat([out, out[:1]]), "conditional: shape (61, 7) is wrong"),
        (lambda out: out[:, 1:], "conditional: shape (60, 6) is wrong"),
        (lambda out: out.long(), "conditional: torch.int64 is not a floating-point tensor"),
        (lambda out: out.fill_(torch.nan), "conditional: nan as the largest of predicted cell 0"),
    ],
)
def test_a_wrong_conditional_branch_is_named(change, words):
    assert words in refused(backbone=TwoBranches(change), policy=build("doubt"))


def test_a_sound_conditional_branch_is_believed():
    doubt, asked = build({"policy": "doubt", "budget": 3.0}), ["a", "b"]
    same, flat, alone = (
        decode(model, asked, doubt, steps=30)
        for model in (TwoBranches(lambda out: out), TwoBranches(torch.zeros_like), ToyBackbone())
    )
    assert torch.equal(same.tokens, alone.tokens)
    assert same.trace.images[0].passes < flat.trace.images[0].passes


@pytest.mark.parametrize("coldest", [1e-38, 1e-50, 5e-324])
def test_a_temperature_near_nothing_draws_the_likeliest_code(coldest):
    cold, still = (
        decode(ToyBackbone(), ["a", "b"], COSINE, steps=4, temperature=t).tokens for t in (coldest, 0)
    )
    assert torch.equal(cold, still)


def test_a_temperature_without_measure_draws_codes_that_are_possible():
    class Holes(ToyBackbone):
        def bind(self, prompts):
            self.bias[..., 2] = -torch.inf
            return super().bind(prompts)

    hot = decode(Holes(), ["a", "b"], COSINE, steps=4, temperature=1e300).tokens
    assert set(hot.unique().tolist()) == {0, 1, 3, 4, 5, 6}


def test_rewriting_needs_predictions_and_leaves_given_cells_alone():
    def rewriting(view):
        return Commit(view.masked & (view.gumbel > 0), rewrite=~view.masked)

    assert "rewrite needs predictions at observed cells" in refused(policy=rewriting)
    start = torch.full((2, 6, 5), MASK)
    start[:, :2] = 3
    rewriting.everywhere = True
    out = decode(ToyBackbone(), ["a", "b"], rewriting, steps=4, start=start)
    assert (out.tokens[:, :2] == 3).all()
    assert (out.tokens >= 0).all()


def writing(name, by_numpy=False):
    def policy(view):
        tensor = getattr(view, name)
        (tensor.numpy() if by_numpy else tensor)[0, 0, 0] = not tensor[0, 0, 0]
        return COSINE(view)

    return policy


@pytest.mark.parametrize("by_numpy", [False, True])
@pytest.mark.parametrize("name", ["tokens", "masked", "drawn", "gumbel", "began", "just_committed"])
def test_a_policy_that_writes_into_the_view_is_refused(name, by_numpy):
    line = refused(policy=writing(name, by_numpy))
    assert line.startswith("policy ")
    assert f"writes into {name}" in line
    with torch.inference_mode():
        assert f"writes into {name}" in refused(policy=writing(name))


class Filling(ToyBackbone):
    """Its denoiser writes into the tokens that it is handed."""

    def bind(self, prompts):
        inner = super().bind(prompts)

        class Scribble:
            def logits(self, tokens, rows, **options):
                logits = inner.logits(tokens, rows, **options)
                tokens.masked_fill_(tokens == MASK, 0)
                return logits

        return Scribble()


def test_a_backbone_that_writes_into_the_tokens_is_refused():
    assert refused(backbone=Filling()).startswith("backbone Scribble: writes into tokens")


def test_a_callback_that_writes_into_the_view_is_refused():
    assert "on_step: writes into take" in refused(on_step=lambda view, take: take.fill_(False))
    assert "on_step: writes into tokens" in refused(on_step=lambda view, take: view.tokens.fill_(0))
    assert "on_step: writes into gumbel" in refused(on_step=lambda view, take: view.gumbel.fill_(0))


@pytest.mark.parametrize("name", ["images", "step", "initial", "counts"])
def test_the_lists_of_a_view_may_only_be_read(name):
    def write(view, take=None):
        getattr(view, name)[0] += 1
        return COSINE(view)

    assert f"on_step: writes into {name}, which it may only read; a copy of" in refused(on_step=write)
    assert f"writes into {name}" in refused(policy=write)


@pytest.mark.parametrize(
    ("prompts", "words"),
    [
        ("a cup", "prompts: 'a cup' is not allowed"),
        ([], "prompts: [] is not allowed"),
        (["a", 5], "prompts[1]: 5 is not allowed; a text"),
        ([None], "prompts[0]: None is not allowed; a text"),
        ([b"a"], "prompts[0]: b'a' is not allowed; a text"),
        (["a\ud800"], r"prompts[0]: 'a\ud800' is not allowed; a text without lone surrogates"),
    ],
)
def test_a_backbone_that_reads_text_wants_text(prompts, words, readers):
    for reader in readers:
        with pytest.raises(LadrError) as error:
            reader.bind(prompts)
        assert words in str(error.value)


@pytest.fixture(scope="module")
def readers():
    from ladr.backbones import load

    return [Field((4, 5)), load("shapes")]


CODE = torch.zeros(1, 4, 4, dtype=torch.int64)
PICTURES = [
    ([[[0]]], "tokens: [[[0]]] is not allowed; integers of shape (B, H, W)"),
    (CODE[0], "tokens: Tensor torch.int64 (4, 4) is not allowed"),
    (CODE[:0], "tokens: Tensor torch.int64 (0, 4, 4) is not allowed"),
    (CODE.double(), "tokens: Tensor torch.float64 (1, 4, 4) is not allowed"),
    (CODE.bool(), "tokens: Tensor torch.bool (1, 4, 4) is not allowed"),
    (CODE.numpy() * 0.5, "tokens: ndarray float64 (1, 4, 4) is not allowed"),
    (CODE + 10**6, "tokens: code 1000000 is not allowed"),
    (CODE - 2, "tokens: code -2 is not allowed"),
]


@pytest.fixture(scope="module")
def renderers():
    from ladr.backbones import load

    drawing = load("shapes", pixels="mosaic"), load("shapes")
    return [Field((4, 4)), load("mixture", scenes=4, cache=False), *drawing]


@pytest.mark.parametrize(("tokens", "words"), PICTURES)
def test_codes_that_cannot_be_drawn_are_named(tokens, words, renderers):
    for renderer in renderers:
        with pytest.raises(LadrError) as error:
            renderer.render(tokens)
        assert words in str(error.value)
        assert "\n" not in str(error.value)


def test_masked_cells_are_drawn_grey_or_refused(renderers):
    field, mixture, *networks = renderers
    for renderer in (field, mixture):
        assert renderer.render(CODE - 1).dtype == np.uint8
    for renderer in networks:
        with pytest.raises(LadrError, match="tokens: code -1 is not allowed"):
            renderer.render(CODE - 1)
    for kind in (torch.int16, torch.int32, torch.uint8):
        assert np.array_equal(field.render(CODE.to(kind)), field.render(CODE))
