"""`ladr speed mixture`: processor time of the exact mixture, for a scene, a pass and a decoded image."""

import statistics
import time
from typing import Any

import torch

from ladr.backbones.exact.mixture import Mixture
from ladr.decoding.loop import decode
from ladr.decoding.policies import build
from ladr.decoding.view import MASK

PROMPTS = (
    "a circle and a square",
    "three crosses",
    'a red circle and the word "HAT"',
    "on a grey background . there is a red circle . you can see a blue square . a green cross is there too",
)
RATIOS = (1.0, 0.75, 0.5, 0.25)


def mixture_speed(repeat: int = 10, **settings: Any) -> dict[str, float]:
    """Milliseconds of processor time.

    `scene_ms` is one scene of the worst prompt. `pass_ms_R` and `worst_pass_ms_R` are a pass at batch 1 with
    mask ratio R: the median over prompts, and the worst. `image_ms` is a cosine image of 64 passes.
    """
    model = Mixture(cache=False, **settings)
    making = []
    for prompt in PROMPTS:
        began = time.process_time()
        _ = model.banks[model.bind([prompt]).specs[0]].shown
        making.append((time.process_time() - began) / model.banks.scenes)
    numbers = {"scenes": float(model.banks.scenes), "scene_ms": 1e3 * max(making)}
    for ratio in RATIOS:
        times = [_pass(model, prompt, ratio, repeat) for prompt in PROMPTS]
        numbers[f"pass_ms_{ratio:g}"] = 1e3 * statistics.median(times)
        numbers[f"worst_pass_ms_{ratio:g}"] = 1e3 * max(times)
    began = time.process_time()
    decode(model, PROMPTS, build("cosine"), steps=64, batch_size=1)
    numbers["image_ms"] = 1e3 * (time.process_time() - began) / len(PROMPTS)
    return numbers


def _pass(model: Mixture, prompt: str, ratio: float, repeat: int) -> float:
    """Median seconds of one pass over a scene of the prompt with that share of its cells masked."""
    denoiser = model.bind([prompt])
    row = torch.tensor([0])
    scene = torch.from_numpy(model.banks[denoiser.specs[0]].codes[:, 0].astype("int64"))
    order = torch.randperm(len(scene), generator=torch.Generator().manual_seed(0))
    tokens = scene.index_fill(0, order[: int(ratio * len(scene))], MASK).view(1, *model.grid)
    times = []
    for _ in range(repeat):
        began = time.process_time()
        denoiser.logits(tokens, row)
        times.append(time.process_time() - began)
    return statistics.median(times)
