"""`ladr speed backbone`: the rate of the transformer beside that of matrix products in the same process."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ladr.backbones.lumina.dimoo import DiMOO
from ladr.backbones.lumina.sizes import LLaDAConfig
from ladr.backbones.random.blank import random_checkpoint
from ladr.decoding.caches import MLCache, Recompute
from ladr.decoding.loop import decode
from ladr.decoding.policies import Scheduled
from ladr.decoding.view import MASK
from ladr.speed.threads import threads as limited_threads
from ladr.training.settings import embedded_config, embedded_layout
from ladr.training.vocabulary import build
from ladr.training.vq import WIDTHS

PROMPT = "a red circle on the left of one green square"


def seconds(
    calls: dict[str, Callable[[], Any]], repeat: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Median seconds of each call, all of them interleaved, after one round that warms up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(repeat + 1):
        for name, call in calls.items():
            began = clock()
            call()
            if turn:
                times[name].append(clock() - began)
    return {name: statistics.median(values) for name, values in times.items()}


def flops(config: LLaDAConfig, lengths: list[int]) -> float:
    """Floating-point operations of the layers over sequences of these lengths (head not counted)."""
    d, m = config.d_model, config.mlp_hidden_size
    return sum(config.n_layers * n * (2 * (4 * d * d + 3 * d * m) + 4 * n * d) for n in lengths)


def _masked(backbone: DiMOO, batch: int, ratio: float) -> torch.Tensor:
    """(B,H,W) tokens of which `ratio` are masked, at random."""
    stream = torch.Generator().manual_seed(0)
    codes = torch.randint(0, backbone.codes, (batch, *backbone.grid), generator=stream)
    cells = codes[0].numel()
    ranks = torch.rand(batch, cells, generator=stream).argsort(1).argsort(1)
    return codes.masked_fill((ranks < round(ratio * cells)).view_as(codes), MASK)


def _passes(backbone: DiMOO, batch: int, ratio: float, share: float) -> dict[str, Callable[[], Any]]:
    """One guided pass of `batch` images in each form, as calls."""
    tokens = _masked(backbone, batch, ratio)
    rows = torch.arange(batch)
    plain = backbone.bind([PROMPT] * batch)
    cached = backbone.bind([PROMPT] * batch)
    plain.logits(tokens, rows)
    cached.logits(tokens, rows, recompute=Recompute())
    ids = plain.pack.ids
    tenth = Recompute(torch.zeros(batch, dtype=torch.bool), share, False)
    model = backbone.model
    return {
        "forward": torch.no_grad()(lambda: model.run(ids, plain.turn, plain.full)),
        "full_head": torch.no_grad()(lambda: model.head(model.run(ids, plain.turn, plain.full))),
        "masked_head": lambda: plain.logits(tokens, rows),
        "cached_full": lambda: cached.logits(tokens, rows, recompute=Recompute()),
        "cached_part": lambda: cached.logits(tokens, rows, recompute=tenth),
    }


def _products(config: LLaDAConfig, places: int) -> tuple[dict[str, Callable[[], Any]], dict[str, float]]:
    """A large square product and the model's own shapes, as calls, with their operations."""
    d, m = config.d_model, config.mlp_hidden_size
    shapes = {
        "square": (2048, 2048, 2048),
        "attention": (places, d, d),
        "up": (places, d, m),
        "down": (places, m, d),
    }
    calls: dict[str, Any] = {}
    counts: dict[str, float] = {}
    for name, (n, k, o) in shapes.items():
        a, b = torch.ones(n, k), torch.ones(k, o)
        calls[f"gemm_{name}"] = lambda a=a, b=b: a @ b
        counts[f"gemm_{name}"] = 2.0 * n * k * o
    return calls, counts


def _decodes(backbone: DiMOO, batch: int, steps: int, repeat: int) -> dict[str, float]:
    """Seconds per image of whole decodes, pixels included, and pass-equivalents, without and with a cache."""
    prompts = [PROMPT] * batch
    policy = Scheduled(schedule="fixed")
    numbers: dict[str, float] = {}
    results: dict[str, Any] = {}

    def decoded(name: str, cache) -> None:
        results[name] = decode(backbone, prompts, policy, steps=steps, batch_size=batch, cache=cache)

    calls = {"plain": lambda: decoded("plain", None), "ml_cache": lambda: decoded("ml_cache", MLCache())}
    backbone.render(decode(backbone, prompts[:1], policy, steps=2).tokens)
    times = seconds({**calls, "pixels": lambda: backbone.render(results["plain"].tokens)}, repeat)
    for name in calls:
        images = results[name].trace.images
        numbers[f"{name}_s_per_image"] = (times[name] + times["pixels"]) / batch
        numbers[f"{name}_equivalents"] = statistics.mean(image.equivalents for image in images)
    return {**numbers, "pixels_s_per_image": times["pixels"] / batch}


def random_embedded(folder: str | Path) -> Path:
    """A checkpoint of the embedded model's sizes, layout and vocabulary with random weights, in `folder`."""
    return random_checkpoint(
        folder, embedded_config(), embedded_layout(), tokenizer=build(), widths=WIDTHS, parts=1
    )


def backbone_speed(
    folder: str | Path | None = None, *, batch: int = 8, steps: int = 64, threads: int = 2, repeat: int = 3
) -> dict[str, Any]:
    """Rates and ratios of one run: the checkpoint in `folder`, or random weights of its sizes.

    `forward_of_gemm` is the rate of a full guided pass over that of a large square product;
    `masked_of_full_head` compares a pass with 64 % of the cells masked (the mean of cosine decoding), head
    and last layer at masked cells and image codes only, with the whole head everywhere; `cached_of_full` is
    a pass that recomputes a tenth of the positions over a full one.
    """
    with limited_threads(threads), tempfile.TemporaryDirectory() as temporary:
        backbone = DiMOO.from_pretrained(folder or random_embedded(temporary))
        return _measure(backbone, batch, steps, threads, repeat)


def _measure(backbone: DiMOO, batch: int, steps: int, threads: int, repeat: int) -> dict[str, Any]:
    config = backbone.model.config
    denoiser = backbone.bind([PROMPT] * batch)
    denoiser.logits(_masked(backbone, batch, 1.0), torch.arange(batch))
    lengths = denoiser.pack.lengths
    calls, counts = _products(config, sum(lengths))
    took = seconds({**calls, **_passes(backbone, batch, 0.64, 0.1)}, 4 * repeat)
    counts["forward"] = flops(config, lengths)
    rates = {f"{name}_gflops": count / took[name] / 1e9 for name, count in counts.items()}
    whole = _decodes(backbone, batch, steps, repeat)
    return {
        "threads": threads, "batch": batch, "steps": steps, "grid": list(backbone.grid), "lengths": lengths,
        "parameters": sum(p.numel() for p in backbone.model.parameters()),
        **{f"{name}_s": took[name] for name in took if not name.startswith("gemm")}, **rates, **whole,
        "forward_of_gemm": rates["forward_gflops"] / rates["gemm_square_gflops"],
        "masked_of_full_head": took["masked_head"] / took["full_head"],
        "cached_of_full": took["cached_part"] / took["masked_head"],
        "ml_cache_of_plain": whole["ml_cache_s_per_image"] / whole["plain_s_per_image"],
        "ml_cache_equivalents_of_plain": whole["ml_cache_equivalents"] / whole["plain_equivalents"],
    }  # fmt: skip
