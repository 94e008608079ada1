"""The policies of this package as a scheduler of diffusers' masked-image pipelines (aMUSEd, Meissonic).

`pipe.scheduler = LADRScheduler.from_config(pipe.scheduler.config)` is all that a pipeline needs. Every step
is one pass of the very loop that `ladr.decoding.loop` runs; the pipeline only brings the logits.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ladr.base.errors import LadrError, needs
from ladr.decoding import schedule
from ladr.decoding.denoiser import Denoiser
from ladr.decoding.frontier import top
from ladr.decoding.passes import Live, Passes
from ladr.decoding.policies import build
from ladr.decoding.policies.allowed import count, one_of, within
from ladr.decoding.trace import Trace
from ladr.decoding.view import MASK, Commit, View
from ladr.integrations.diffusers.streams import Generators, GeneratorStreams, streams
from ladr.integrations.diffusers.times import InPipeline, UntilSettled, planned

with needs("LADRScheduler"):
    from diffusers.configuration_utils import ConfigMixin, register_to_config
    from diffusers.schedulers.scheduling_utils import SchedulerMixin
    from diffusers.utils import BaseOutput

AMUSED_MASK = 8255
TIMES = ("steps", "mask_ratio")
DEAF = (
    "LADRScheduler: policy {!r} asks how sure the network is before guidance, and hears it after guidance, "
    "which is far too sure; call scheduler.listen(pipe.transformer) once (without guidance both are the same)"
)


@dataclass
class LADRSchedulerOutput(BaseOutput):
    """prev_sample: token ids after the step, the mask id where masked; pred_original_sample: the same with
    every masked cell filled by the code drawn for it; committed: bool, the cells that this step settled."""

    prev_sample: Tensor
    pred_original_sample: Tensor | None = None
    committed: Tensor | None = None


class LADRScheduler(SchedulerMixin, ConfigMixin):
    """Locality-Aware Dynamic Rescue, or any other policy, behind AmusedScheduler's interface.

    mask_token_id: the id of a masked cell. policy: a name of `ladr.POLICIES`, a plain dict {policy: NAME,
    field: value}, a Policy, or a function of a view; a config, which may come with a checkpoint, cannot name
    code from outside this package. sampling_temperature: of the drawn codes. time: what the pipeline's loop
    hands to a network that takes time: `steps`, T-1 down to 0, or `mask_ratio`, 1000 times the share of
    masked cells; both are read off what is masked. masking_schedule is kept for AmusedScheduler and not
    read, and neither is the pipeline's `temperature`: curve and selection noise are fields of the policy.

    A loop over `timesteps` ends when all images are settled, so a pipeline's progress bar may stop early. A
    loop over indices (image-to-image, inpainting) makes all its planned passes; finished images then stay as
    they are, and the last pass commits what is left. A batch runs as long as its slowest image.

    Policies that ask how sure the network is before guidance (`doubt`) get the pipeline's logits, which are
    after it, unless `listen(pipe.transformer)` has been called; they are too sure then, so they warn.

    generator: a list gives each image its own stream, and the tokens that `ladr.decode` gives for the same
    seeds, alone and in any batch; from a single one for several images, one seed per image is drawn. Without
    any, fresh seeds are taken; `seeds` keeps them.
    """

    order = 1

    @register_to_config
    def __init__(
        self,
        *,
        mask_token_id: int = AMUSED_MASK,
        masking_schedule: str = "cosine",
        policy: str | Mapping[str, Any] | Callable[[View], Tensor | Commit] = "ladr",
        sampling_temperature: float = 1.0,
        time: str = "steps",
    ):
        count("mask_token_id", mask_token_id, 0)
        within("sampling_temperature", sampling_temperature, 0)
        one_of("time", time, TIMES)
        self.policy = build(policy, outside=False)
        if self.policy.attends:
            raise LadrError(
                f"policy {self.policy.name!r} needs attention between cells, which pipelines hide"
            )
        if not isinstance(policy, str | Mapping):
            self.register_to_config(policy=self.policy.spec)
        self.timesteps: UntilSettled | None = None
        self._heard: Tensor | None = None
        self._listens = False
        self._forget()

    def listen(self, transformer: torch.nn.Module) -> Any:
        """Hear the conditional branch, the second half of each batch that the network `transformer`
        computes, so that policies can believe it. Returns what `remove()` ends it with."""

        def hear(module: torch.nn.Module, args: Any, out: Any) -> None:
            self._heard = out if isinstance(out, Tensor) else out[0]

        self._listens = True
        return transformer.register_forward_hook(hear)

    def _forget(self) -> None:
        self._run: Passes | None = None
        self._live: Live | None = None
        self._streams: GeneratorStreams | None = None
        self._view: View | None = None
        self.passes = 0
        self.seeds: list[int] = []

    @property
    def settled(self) -> bool:
        """Is nothing masked any more? False before the first step."""
        return self._live is not None and not self._live.images

    @property
    def t(self) -> float:
        """The effective time of the image that is furthest behind, 0 before the first step."""
        if self._live is None:
            return 0.0
        masked = (self._run.tokens == MASK).flatten(1)
        return schedule.inverse(int(masked.sum(1).max()) / masked.shape[1])

    @property
    def trace(self) -> Trace:
        """Passes and counts of the images so far; `seconds` leaves out the network."""
        return Trace([] if self._run is None else self._run.traces)

    def set_timesteps(self, num_inference_steps: int, temperature: Any = None, device: Any = None) -> None:
        """Begin a decode of at most so many planned passes; `temperature` is not read."""
        self.timesteps = UntilSettled(self, planned(num_inference_steps), device)
        self._forget()

    def step(
        self,
        model_output: Tensor,
        timestep: Any,
        sample: Tensor,
        starting_mask_ratio: Any = 1.0,
        generator: Generators = None,
        return_dict: bool = True,
    ) -> LADRSchedulerOutput | tuple[Tensor, Tensor]:
        """One pass: model_output (B, K, H, W) logits after guidance, sample (B, H, W) token ids.

        `timestep` and `starting_mask_ratio` are not read: both follow from what is masked.
        """
        tokens = self._tokens(model_output, sample)
        if self._run is None:
            self._begin(tokens, model_output.shape[1], generator)
        elif not torch.equal(tokens, self._run.tokens):
            raise LadrError("sample: not what the step before returned; set_timesteps begins a new decode")
        before = tokens
        self.passes += 1
        guess = tokens
        if not self.settled:
            images = self._live.images
            computed = _Computed(model_output.permute(0, 2, 3, 1), self._conditional(model_output))
            self._live = self._run.one_pass(computed, self._live)
            guess = self._run.tokens.clone()
            drawn = self._view.after(self._view.masked).tokens
            guess[images] = torch.where(guess[images] == MASK, drawn, guess[images])
        after = self._run.tokens
        previous = after.masked_fill(after == MASK, self.config.mask_token_id)
        if not return_dict:
            return previous, guess
        return LADRSchedulerOutput(previous, guess, (before == MASK) & (after != MASK))

    def _conditional(self, guided: Tensor) -> Tensor | None:
        """(B, H, W, K): what was heard of the conditional branch since the step before, None without
        guidance."""
        heard, self._heard = self._heard, None
        if heard is None or heard.shape != (2 * len(guided), *guided.shape[1:]):
            return None
        return heard[len(guided) :].permute(0, 2, 3, 1)

    def _tokens(self, logits: Tensor, sample: Tensor) -> Tensor:
        """The sample with MASK where masked, once its shape is known to be right."""
        if self.timesteps is None:
            raise LadrError("timesteps: not set; call set_timesteps(num_inference_steps) first")
        if sample.ndim != 3 or logits.ndim != 4 or logits.shape[:1] + logits.shape[2:] != sample.shape:
            raise LadrError(
                f"sample: {tuple(sample.shape)} with model_output {tuple(logits.shape)} is not allowed; "
                "(B, H, W) and (B, K, H, W) are wanted, for neighbours need a grid"
            )
        return sample.masked_fill(sample == self.config.mask_token_id, MASK)

    def _begin(self, tokens: Tensor, codes: int, generator: Generators) -> None:
        steps, at = self.timesteps.steps, self.timesteps.at
        if asks_before_guidance(self.policy.spec) and not self._listens:
            warnings.warn(DEAF.format(self.policy.name), stacklevel=3)
        policy = InPipeline(self.policy, self.timesteps, 0 if at is None else range(steps)[at])
        noise = self._noise(len(tokens), generator)
        temperature = float(self.config.sampling_temperature)
        self._run = Passes(codes, policy, steps, noise, tokens, temperature=temperature, on_step=self._look)
        images = [i for i, masked in enumerate((tokens == MASK).flatten(1).any(1).tolist()) if masked]
        self._live = Live(images, tokens[images], torch.zeros_like(tokens[images], dtype=torch.bool))

    def _look(self, view: View, take: Tensor) -> None:
        self._view = view

    def _noise(self, images: int, generator: Generators) -> "GeneratorStreams":
        if self._streams is None or len(self._streams.seeds) != images:
            self._streams = GeneratorStreams(streams(generator, images))
            self.seeds = self._streams.seeds
        return self._streams

    def add_noise(self, sample: Tensor, timesteps: Any, generator: Generators = None) -> Tensor:
        """sample (B, H, W) with as many cells masked, at random, as the schedule has left after this time.

        Of T planned passes, `timesteps[i]` stands for the i + 1 first ones: after `timesteps[-1]`, which is
        what image-to-image asks for at strength 1, everything is masked.
        """
        steps, at = self.timesteps.steps, self.timesteps.at
        if at is None:
            at = steps - 1 - int(timesteps)
        masked = int(sample[0].numel() * schedule.gamma((at + 1) / steps))
        uniform = self._noise(len(sample), generator).uniform(range(len(sample)), sample)
        pool = torch.ones_like(sample, dtype=torch.bool)
        chosen = top(uniform, torch.full((len(sample),), masked, device=sample.device), pool)
        return sample.masked_fill(chosen, self.config.mask_token_id)


def asks_before_guidance(spec: Any) -> bool:
    """Does a policy of this plain form, or a part of it, believe the conditional branch?"""
    if not isinstance(spec, Mapping):
        return False
    return any(spec.get(name) in ("both", "conditional") for name in ("branch", "logits")) or any(
        map(asks_before_guidance, spec.values())
    )


class _Computed(Denoiser):
    """A denoiser that has been run already: `dense` are the logits (B, H, W, K) of all rows, `branch` those
    of the conditional branch where they are known."""

    def __init__(self, dense: Tensor, branch: Tensor | None = None):
        self.dense, self.branch = dense, branch

    def logits(
        self, tokens: Tensor, rows: Tensor, *, t: Tensor | None = None, recompute: Any = None
    ) -> Tensor:
        self.conditional = None if self.branch is None else self.branch[rows][tokens == MASK]
        return self.dense if len(rows) == len(self.dense) else self.dense[rows]
