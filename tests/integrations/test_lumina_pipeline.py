"""LuminaDiMOOPipeline at tiny size: the tokens of `decode`, in the forms that diffusers' pipelines return."""

import numpy as np
import pytest
import torch
from PIL import Image

from ladr import LadrError, LuminaDiMOOPipeline, decode
from ladr.backbones.lumina.dimoo import DiMOO
from ladr.backbones.random.blank import random_checkpoint
from ladr.decoding.caches import cache

PROMPTS, SEEDS = ["a red circle", "two squares on a circle"], [3, 4]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    words = ("a", "red", "two", "circle", "squares", "on")
    return random_checkpoint(tmp_path_factory.mktemp("lumina"), words=words)


@pytest.fixture
def pipe(folder):
    pipe = LuminaDiMOOPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def generators():
    return [torch.Generator().manual_seed(seed) for seed in SEEDS]


@pytest.mark.parametrize("policy", ["ladr", "cosine", {"policy": "ladr", "rank": "confidence"}])
@pytest.mark.parametrize("guidance", [0.0, 4.0])
def test_the_tokens_are_those_of_decode(pipe, folder, policy, guidance):
    backbone = DiMOO.from_pretrained(folder, guidance=guidance)
    pipe.policy = policy
    out = pipe(
        PROMPTS,
        num_inference_steps=12,
        guidance_scale=guidance,
        generator=generators(),
        output_type="latent",
    )
    expected = decode(backbone, PROMPTS, policy, steps=12, seeds=SEEDS)
    assert torch.equal(out.images, expected.tokens)
    assert out.decoded.trace.committed() == expected.trace.committed()


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_guidance_is_the_backbones_own_where_none_is_given(folder, guidance):
    backbone = DiMOO.from_pretrained(folder, guidance=guidance)
    pipe = LuminaDiMOOPipeline.of(backbone)
    pipe.set_progress_bar_config(disable=True)
    out = pipe(PROMPTS, 8, generator=generators(), output_type="latent")
    assert torch.equal(out.images, decode(backbone, PROMPTS, "ladr", steps=8, seeds=SEEDS).tokens)


def test_a_cache_is_used(pipe, folder):
    pipe.cache = cache("ml")
    out = pipe(PROMPTS, 12, generator=generators(), output_type="latent", guidance_scale=1.0)
    backbone = DiMOO.from_pretrained(folder, guidance=1.0)
    expected = decode(backbone, PROMPTS, "ladr", steps=12, seeds=SEEDS, cache=cache("ml"))
    assert torch.equal(out.images, expected.tokens)
    assert out.decoded.trace.images[0].equivalents < out.decoded.trace.images[0].passes


OUTPUTS = ("pil", "np", "pt", "latent")


def test_images_come_in_every_form(pipe):
    forms = {form: pipe(PROMPTS, 4, generator=generators(), output_type=form).images for form in OUTPUTS}
    pixels = pipe.backbone.render(forms["latent"])
    assert all(isinstance(image, Image.Image) for image in forms["pil"])
    assert np.array_equal(np.stack(forms["pil"]), pixels)
    assert np.allclose(forms["np"] * 255, pixels)
    assert torch.equal(forms["pt"].permute(0, 2, 3, 1), torch.from_numpy(forms["np"]))
    (tokens,) = pipe(PROMPTS, 4, generator=generators(), output_type="latent", return_dict=False)
    assert torch.equal(tokens, forms["latent"])


def test_one_prompt_gives_as_many_images_as_asked_for(pipe):
    generator = torch.Generator().manual_seed(1)
    out = pipe("a red circle", 4, num_images_per_prompt=3, generator=generator, output_type="latent")
    assert out.images.shape == (3, 8, 8)
    assert len({tuple(image.flatten().tolist()) for image in out.images}) == 3


def test_the_callback_sees_every_pass(pipe):
    seen = []

    def note(pipeline, step, t, tensors):
        seen.append((pipeline, step, int((tensors["tokens"] < 0).sum())))

    out = pipe("a red circle", 6, generator=generators()[:1], callback_on_step_end=note)
    assert [step for _, step, _ in seen] == list(range(out.decoded.trace.images[0].passes))
    assert all(pipeline is pipe for pipeline, *_ in seen)
    masked = [left for *_, left in seen]
    assert masked == sorted(masked, reverse=True)
    assert masked[-1] == 0


class Bar:
    """What a progress bar was told."""

    def __init__(self, total):
        self.total, self.steps = total, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def update(self, cells):
        self.steps.append(cells)


@pytest.mark.parametrize("policy", ["ladr", "remdm", {"policy": "tries", "of": {"policy": "cosine"}}])
def test_the_bar_ends_at_its_end_whatever_is_masked_again(pipe, policy, monkeypatch):
    bars = []
    monkeypatch.setattr(pipe, "progress_bar", lambda total: bars.append(Bar(total)) or bars[0])
    pipe.policy, pipe.batch_size = policy, 1
    out = pipe(PROMPTS, 12, generator=generators(), output_type="latent")
    assert len(bars[0].steps) == sum(image.passes for image in out.decoded.trace.images)
    assert min(bars[0].steps) >= 0
    assert sum(bars[0].steps) == bars[0].total == out.images.numel()


def test_it_is_a_pipeline_of_diffusers(pipe):
    assert set(pipe.components) == {"transformer", "vqvae", "tokenizer"}
    assert pipe.to("cpu") is pipe
    assert pipe.device == torch.device("cpu")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda pipe: pipe("a red circle", output_type="pill"), "did you mean 'pil'"),
        (lambda pipe: pipe(PROMPTS, generator=generators()[:1] * 3), "3 for 2 images"),
        (lambda pipe: pipe.save_pretrained("x"), "copy the checkpoint folder"),
        (lambda pipe: type(pipe)(None, None, None), "from_pretrained"),
        (lambda pipe: pipe("a green circle"), "'green' is not a word"),
    ],
)
def test_mistakes_are_named(pipe, call, text):
    with pytest.raises(LadrError, match=text):
        call(pipe)
