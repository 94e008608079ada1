"""LADRScheduler in real pipelines of diffusers at tiny sizes: the tokens of `decode`, and an early finish."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

from ladr import LADR, MASK, POLICIES, LadrError, decode
from ladr.backbones.amused.amused import Amused
from ladr.backbones.random.blank_amused import random_amused
from ladr.decoding.policies import Rescue

PROMPTS, SEEDS = ["a red cup", "a dog", "two cats", "rain"], [3, 4, 5, 6]
GUIDANCE = 4.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return random_amused(tmp_path_factory.mktemp("amused"))


@pytest.fixture(scope="module")
def pipe(folder):
    from diffusers import AmusedPipeline

    pipe = AmusedPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    sharpen(pipe.transformer)
    return pipe


@pytest.fixture(scope="module")
def backbone(folder):
    backbone = Amused.from_pretrained(folder, guidance=GUIDANCE)
    sharpen(backbone.network)
    return backbone


def sharpen(network):
    """Random weights are sure of nothing; surer ones make images differ in how many passes they take."""
    with torch.no_grad():
        network.mlm_layer.conv2.weight.mul_(4)


def scheduler(pipe, **settings):
    """Ours in place of the stock one that the pipeline was saved with."""
    from diffusers import AmusedScheduler

    from ladr import LADRScheduler

    stock = AmusedScheduler(mask_token_id=pipe.scheduler.config.mask_token_id)
    return LADRScheduler.from_config(stock.config, **settings)


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def tokens(pipe, prompts, seeds, steps=16, latents=None, **settings):
    """The pipeline's codes, its forward passes, and the scheduler that it ran with."""
    pipe.scheduler, calls = scheduler(pipe, **settings), []
    hook = pipe.transformer.register_forward_hook(lambda *args: calls.append(1))
    try:
        out = pipe(
            prompts,
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
            output_type="latent",
            generator=generators(*seeds),
            latents=None if latents is None else latents.clone(),
        ).images
    finally:
        hook.remove()
    return out, len(calls), pipe.scheduler


def test_ladr_ends_the_pipelines_loop_early(pipe):
    out, forwards, own = tokens(pipe, PROMPTS, SEEDS, steps=24)
    passes = [image.passes for image in own.trace.images]
    assert forwards == max(passes) < 24
    assert own.settled
    assert own.seeds == SEEDS
    assert 0 <= int(out.min()) <= int(out.max()) < 32
    pictures = pipe(PROMPTS[:1], num_inference_steps=24, generator=generators(3)).images
    assert pictures[0].size == (32, 32)


@pytest.mark.parametrize("policy", ["ladr", "cosine", "maskgit", "halton", "random", "klass", "prophet"])
def test_the_scheduler_is_the_loop(pipe, backbone, policy):
    result = decode(backbone, PROMPTS, policy, steps=16, seeds=SEEDS)
    out, forwards, own = tokens(pipe, PROMPTS, SEEDS, policy=policy)
    assert torch.equal(out, result.tokens)
    passes = [image.passes for image in result.trace.images]
    assert [image.passes for image in own.trace.images] == passes
    assert forwards == max(passes)
    assert own.trace.committed() == result.trace.committed()


@pytest.mark.parametrize(
    "policy", [{"policy": "doubt", "budget": 0.5}, {"policy": "free_riders", "budget": 2.0}, "careful"]
)
def test_doubt_before_guidance_is_heard_from_the_network(pipe, backbone, policy):
    """By `careful` in both of its tries, which one image begins at other passes than the rest."""
    start = torch.full((4, 8, 8), 32)
    start[3, 1:] = 3
    known = start.masked_fill(start == 32, MASK)
    result = decode(backbone, PROMPTS, policy, steps=32, seeds=SEEDS, start=known)
    deaf, *_ = tokens(pipe, PROMPTS, SEEDS, steps=32, latents=start, policy=policy)
    pipe.scheduler = scheduler(pipe, policy=policy)
    handle = pipe.scheduler.listen(pipe.transformer)
    try:
        out = pipe(
            PROMPTS, num_inference_steps=32, guidance_scale=GUIDANCE, output_type="latent",
            generator=generators(*SEEDS), latents=start.clone(),
        ).images  # fmt: skip
        trace = pipe.scheduler.trace
        plain = pipe(PROMPTS[:1], num_inference_steps=4, guidance_scale=0.0, output_type="latent").images
    finally:
        handle.remove()
    assert torch.equal(out, result.tokens)
    assert trace.committed() == result.trace.committed()
    assert not torch.equal(out, deaf)
    assert int(plain.max()) < 32
    tries = [[n for n, m in enumerate(image.masked) if m == image.masked[0]] for image in trace.images]
    assert {len(begins) for begins in tries} == ({2} if policy == "careful" else {1})
    assert len({begins[-1] for begins in tries}) == (2 if policy == "careful" else 1)


@pytest.mark.parametrize(
    "policy",
    [
        "careful",
        "doubt",
        {"policy": "then", "first": {"policy": "ladr"}, "second": {"policy": "free_riders"}},
    ],
)
def test_a_policy_that_believes_the_conditional_branch_says_when_it_does_not_hear_it(pipe, policy):
    with pytest.warns(UserWarning, match=r"scheduler\.listen\(pipe\.transformer\)"):
        tokens(pipe, PROMPTS[:1], SEEDS[:1], policy=policy)


@pytest.mark.parametrize("policy", ["ladr", "cosine", {"policy": "doubt", "branch": "guided"}])
def test_other_policies_do_not_warn(pipe, policy):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        tokens(pipe, PROMPTS[:1], SEEDS[:1], policy=policy)


def test_a_row_does_not_know_its_batch(pipe):
    known = torch.full((4, 8, 8), 32)
    for i in range(4):
        known[i, : 2 * i] = i  # so that the images differ in how many passes they take
    whole, forwards, own = tokens(pipe, PROMPTS, SEEDS, latents=known)
    passes = [image.passes for image in own.trace.images]
    assert len(set(passes)) > 2
    assert forwards == max(passes)
    mirrored, *_ = tokens(pipe, PROMPTS[::-1], SEEDS[::-1], latents=known.flip(0))
    assert torch.equal(mirrored.flip(0), whole)
    rows = zip(PROMPTS, SEEDS, known, strict=True)
    alone = [tokens(pipe, [p], [s], latents=k[None]) for p, s, k in rows]
    assert torch.equal(torch.cat([out for out, *_ in alone]), whole)
    assert [calls for _, calls, _ in alone] == passes


def test_one_generator_and_none(pipe):
    pipe.scheduler = scheduler(pipe)
    settings = {"num_inference_steps": 8, "output_type": "latent"}
    once, again = (pipe(PROMPTS[:2], generator=generators(9)[0], **settings).images for _ in range(2))
    assert torch.equal(once, again)
    given = pipe.scheduler.seeds
    listed = pipe(PROMPTS[:2], generator=generators(*given), **settings).images
    assert torch.equal(once, listed)
    fresh = pipe(PROMPTS[:2], **settings).images
    repeated = pipe(PROMPTS[:2], generator=generators(*pipe.scheduler.seeds), **settings).images
    assert torch.equal(fresh, repeated)
    used = generators(9)
    first, second = (pipe(PROMPTS[:1], generator=used, **settings).images for _ in range(2))
    assert not torch.equal(first, second)
    again = pipe(PROMPTS[:1], generator=generators(*pipe.scheduler.seeds), **settings).images
    assert pipe.scheduler.seeds != [9]
    assert torch.equal(second, again)
    with pytest.raises(LadrError, match="generator: 1 for 2 images"):
        pipe(PROMPTS[:2], generator=generators(1), **settings)


def test_half_known_tokens_are_kept_and_take_fewer_passes(pipe):
    pipe.scheduler = scheduler(pipe)
    latents = torch.full((1, 8, 8), pipe.scheduler.config.mask_token_id)
    latents[:, :4] = 7
    kwargs = {"num_inference_steps": 24, "output_type": "latent", "generator": generators(3)}
    out = pipe(["a cup"], latents=latents.clone(), **kwargs).images
    assert (out[:, :4] == 7).all()
    assert (out < 32).all()
    assert pipe.scheduler.passes < tokens(pipe, ["a cup"], [3], steps=24)[1]


def picture():
    ramp = np.arange(32 * 32 * 3, dtype=np.uint32).reshape(32, 32, 3) * 7 % 256
    return Image.fromarray(ramp.astype(np.uint8))


@pytest.mark.parametrize("policy", ["ladr", "cosine"])
@pytest.mark.parametrize("strength", [0.3, 0.5, 1.0])
def test_image_to_image_makes_its_planned_passes_and_ends_complete(pipe, policy, strength):
    from diffusers import AmusedImg2ImgPipeline

    other = AmusedImg2ImgPipeline(**{**pipe.components, "scheduler": scheduler(pipe, policy=policy)})
    other.set_progress_bar_config(disable=True)
    calls = []
    hook = other.transformer.register_forward_hook(lambda *args: calls.append(1))
    settings = {"strength": strength, "num_inference_steps": 12, "output_type": "latent"}
    runs = [other(["a cup"], picture(), generator=generators(s), **settings).images for s in (1, 1, 2)]
    hook.remove()
    assert len(calls) == 3 * int(12 * strength)
    assert all(0 <= int(out.min()) <= int(out.max()) < 32 for out in runs)
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])
    committed = other.scheduler.trace.committed()[0]
    assert sum(committed) == int(64 * np.cos(np.pi / 2 * (1 - int(12 * strength) / 12)))
    if policy == "cosine" and strength > 0.3:
        assert max(committed) < 20, "no pass should have to commit what the others left"


@pytest.mark.parametrize("steps", [12, 20, 40])
@pytest.mark.parametrize("strength", [0.3, 0.6])
def test_in_image_to_image_a_try_begins_where_the_loop_does(pipe, strength, steps):
    from diffusers import AmusedImg2ImgPipeline

    own = scheduler(pipe, policy={"policy": "tries", "of": "cosine"})
    other = AmusedImg2ImgPipeline(**{**pipe.components, "scheduler": own})
    other.set_progress_bar_config(disable=True)
    settings = {"strength": strength, "num_inference_steps": steps, "output_type": "latent"}
    out = other(["a cup"], picture(), generator=generators(1), **settings).images
    assert int(out.min()) >= 0
    assert int(out.max()) < 32
    (image,), passes = own.trace.images, int(steps * strength)
    each, masked = passes // 2, image.masked[0]
    assert image.passes > each or passes < 2
    assert image.masked[:each].count(masked) == 1
    assert sum(image.committed[:each]) == masked
    if passes >= 2:
        assert image.masked[each] == masked  # the second try
        assert max(image.committed[:each]) < masked or each == 1


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_inpainting_leaves_the_rest_alone(pipe, strength):
    from diffusers import AmusedInpaintPipeline

    other = AmusedInpaintPipeline(**{**pipe.components, "scheduler": scheduler(pipe)})
    other.set_progress_bar_config(disable=True)
    hole = np.zeros((32, 32), np.uint8)
    hole[:, 16:] = 255
    settings = {"strength": strength, "num_inference_steps": 12, "output_type": "latent"}
    out = other(["a cup"], picture(), Image.fromarray(hole), generator=generators(1), **settings).images
    again = other(["a cup"], picture(), Image.fromarray(hole), generator=generators(2), **settings).images
    assert (out < 32).all()
    assert torch.equal(out[..., :4], again[..., :4])
    assert not torch.equal(out[..., 4:], again[..., 4:])


def test_times_are_read_off_the_masks(pipe):
    own = scheduler(pipe, policy="cosine", time="mask_ratio")
    own.set_timesteps(10)
    sample = torch.full((2, 6, 6), own.config.mask_token_id)
    logits = torch.zeros(2, 32, 6, 6)
    seen, masked = [], []
    for time in own.timesteps:
        seen.append(float(time))
        masked.append(int((sample == own.config.mask_token_id)[0].sum()))
        sample = own.step(logits, time, sample, generator=generators(1, 2)).prev_sample
    assert seen == pytest.approx([1000 * n / 36 for n in masked], rel=1e-4)
    assert len(own.timesteps) == 10
    steps = scheduler(pipe, policy="cosine")
    steps.set_timesteps(10)
    assert [int(steps.timesteps[i]) for i in range(10)] == list(range(9, -1, -1))
    assert [int(time) for time in steps.timesteps] == list(range(9, -1, -1)), "listing them must end"


def test_realigned_times_run_ahead_of_the_planned_ones(pipe):
    own, seen = scheduler(pipe), []
    own.set_timesteps(32)
    sample = torch.full((1, 8, 8), own.config.mask_token_id)
    for time in own.timesteps:
        seen.append(int(time))
        sample = own.step(torch.zeros(1, 32, 8, 8), time, sample, generator=generators(1)).prev_sample
    assert seen[0] == 31
    assert all(late <= early for early, late in pairwise(seen))
    assert any(early - late > 1 for early, late in pairwise(seen))


def test_a_finished_image_stays_as_it_is(pipe):
    own = scheduler(pipe)
    own.set_timesteps(6)
    sample = torch.arange(64).view(1, 8, 8) % 32
    out = own.step(torch.zeros(1, 32, 8, 8), own.timesteps[0], sample, generator=generators(1))
    assert torch.equal(out.prev_sample, sample)
    assert torch.equal(out.pred_original_sample, sample)
    assert not out.committed.any()


def test_saving_and_coming_back(pipe, tmp_path):
    from diffusers import AmusedPipeline, AmusedScheduler

    from ladr import LADRScheduler

    pipe.scheduler = scheduler(pipe, policy=LADR(rank="confidence").then(Rescue()), time="mask_ratio")
    policy = pipe.scheduler.policy
    pipe.save_pretrained(tmp_path)
    loaded = AmusedPipeline.from_pretrained(tmp_path).scheduler
    assert isinstance(loaded, LADRScheduler)
    assert loaded.policy == policy
    assert loaded.config.mask_token_id == 32
    assert loaded.config.time == "mask_ratio"
    back = AmusedScheduler.from_config(loaded.config)
    assert (back.config.mask_token_id, back.config.masking_schedule) == (32, "cosine")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"policy": "hallton"}, "policy: 'hallton' is not known .did you mean 'halton'"),
        ({"policy": {"policy": "ladr", "rnk": "gap"}}, "no field 'rnk' .did you mean 'rank'"),
        ({"time": "ratio"}, "time: 'ratio' is not allowed"),
        ({"mask_token_id": "x"}, "mask_token_id: 'x' is not allowed; an integer from 0"),
        ({"mask_token_id": -1}, "mask_token_id: -1 is not allowed; a number from 0"),
        ({"mask_token_id": True}, "mask_token_id: True is not allowed; a number from 0"),
        ({"sampling_temperature": "hot"}, "sampling_temperature: 'hot' is not allowed; a number from 0"),
    ],
)
def test_bad_settings_are_named(pipe, settings, says):
    with pytest.raises(LadrError, match=says):
        scheduler(pipe, **settings)


def test_bad_steps_are_named(pipe):
    own = scheduler(pipe)
    sample, logits = torch.full((1, 8, 8), 32), torch.zeros(1, 32, 8, 8)
    with pytest.raises(LadrError, match="timesteps: not set"):
        own.step(logits, 0, sample)
    for wrong in (0, 2.5, True, "8", None):
        with pytest.raises(LadrError, match=f"num_inference_steps: {wrong!r} is not allowed; a whole number"):
            own.set_timesteps(wrong)
    own.set_timesteps(np.int64(3))
    assert len(own.timesteps) == 3
    own.set_timesteps(4)
    with pytest.raises(LadrError, match=r"sample: \(1, 64\) with model_output \(1, 64, 32\)"):
        own.step(torch.zeros(1, 64, 32), 0, sample.flatten(1))
    own.step(logits, 0, sample, generator=generators(1))
    with pytest.raises(LadrError, match="not what the step before returned"):
        own.step(logits, 0, sample, generator=generators(1))


def test_half_precision_and_every_policy(pipe):
    for name in POLICIES:
        if name in ("all_in", "rescue", "oracle"):
            continue
        if name == "uncoupled":
            with pytest.raises(LadrError, match="'uncoupled' needs attention between cells"):
                scheduler(pipe, policy=name)
            continue
        own = scheduler(pipe, policy=name)
        own.set_timesteps(8)
        sample = torch.full((1, 6, 6), own.config.mask_token_id)
        noise = torch.Generator().manual_seed(0)
        for time in own.timesteps:
            logits = torch.randn(1, 32, 6, 6, generator=noise).to(torch.bfloat16)
            sample, guess = own.step(logits, time, sample, generator=generators(1), return_dict=False)
            assert ((guess >= 0) & (guess < 32)).all(), name  # cells that the pass masks again, too
        assert (sample < 32).all(), name


def surest(view):
    best = (view.top1 * view.masked).flatten(1).amax(1)[:, None, None]
    return view.masked & (view.top1 >= best)


def test_a_plain_function_is_a_policy_and_a_config_cannot_name_one(pipe):
    own = scheduler(pipe, policy=surest)
    assert own.policy.rule is surest
    name = own.config["policy"]["policy"]
    assert name == f"{__name__}:surest"
    with pytest.raises(LadrError, match="names code from outside this package; import it"):
        type(own).from_config(own.config)
    assert type(own).from_config(own.config, policy=surest).policy == own.policy
