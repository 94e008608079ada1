"""`ladr speed device`: seconds of a pass of a big model, its share of the matrix rate, upstream beside it."""

import os
import platform
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ladr.backbones.checkpoint import fits as memory
from ladr.backbones.checkpoint.safetensors_folder import dtype_of
from ladr.backbones.lumina.dimoo import DiMOO
from ladr.backbones.lumina.sizes import LLaDAConfig
from ladr.backbones.random.blank import random_model
from ladr.base.errors import LadrError, nearest
from ladr.decoding.caches import Recompute
from ladr.decoding.loop import decode
from ladr.decoding.noise import UpstreamGumbel
from ladr.decoding.policies import Scheduled
from ladr.decoding.view import MASK
from ladr.speed.backbone import flops, seconds
from ladr.speed.upstream import FOLDERS, SEED, SHAPES, Shape, UpstreamWords, upstream_decode

MASKED = 0.64  # mean share of masked cells over a cosine decode


def random_backbone(shape: Shape, device: str, dtype: torch.dtype, guidance: float = 4.0) -> DiMOO:
    """The shape with random weights, without pixels; refused where memory is short."""
    config = shape.config
    layout = shape.layout
    need = memory.of_dimoo(config, layout.grid, layout.codebook, layout.vq_factor, bytes_each=dtype.itemsize)
    memory.check(need, device, "random weights of that shape")
    model = random_model(config, SEED, dtype=dtype, device=device)
    words: Any = UpstreamWords(shape.words)
    return DiMOO(model, layout, words, None, guidance=guidance, limit=8192)


def _tokens(backbone: DiMOO, ratio: float) -> Tensor:
    stream = torch.Generator().manual_seed(SEED)
    codes = torch.randint(0, backbone.codes, (1, *backbone.grid), generator=stream)
    place = torch.rand(codes.shape, generator=stream).flatten().argsort().argsort().view_as(codes)
    return codes.masked_fill(place < round(ratio * codes.numel()), MASK).to(backbone.device)


def _passes(backbone: DiMOO) -> dict[str, Callable[[], Any]]:
    """One guided pass of one image: all cells masked, MASKED of them, and with a tenth recomputed."""
    rows = torch.tensor([0], device=backbone.device)
    all_masked = _tokens(backbone, 1.0)
    tokens = _tokens(backbone, MASKED)
    plain = backbone.bind(["x"])
    cached = backbone.bind(["x"])
    cached.logits(tokens, rows, recompute=Recompute())
    part = Recompute(torch.zeros(1, dtype=torch.bool, device=backbone.device), 0.1, False)
    return {
        "first_pass": lambda: plain.logits(all_masked, rows),
        "full_pass": lambda: plain.logits(tokens, rows),
        "cached_pass": lambda: cached.logits(tokens, rows, recompute=part),
    }


def _compiled(backbone: DiMOO, shape: Shape, mode: str) -> DiMOO:
    """A model with the same weights and compiled layers. The layers are compiled in its first pass."""
    settings = {"guidance": backbone.guidance, "limit": backbone.limit}
    words: Any = UpstreamWords(shape.words)
    return DiMOO(backbone.model, shape.layout, words, None, compile=mode, **settings)


def _full_pass(backbone: DiMOO) -> Callable[[], Any]:
    denoiser = backbone.bind(["x"])
    tokens = _tokens(backbone, MASKED)
    rows = torch.tensor([0], device=backbone.device)
    return lambda: denoiser.logits(tokens, rows)


def matrix_products(
    config: LLaDAConfig, places: int, device, dtype
) -> tuple[dict[str, Callable], dict[str, float]]:
    """Products of the model's own shapes and a square one, as calls, with their operations."""
    d, m = config.d_model, config.mlp_hidden_size
    sizes = {
        "square": (4096 if device != "cpu" else 1024,) * 3,
        "attention": (places, d, d),
        "mlp": (places, d, m),
    }
    calls = {}
    counts = {}
    for name, (n, k, o) in sizes.items():
        a = torch.ones(n, k, device=device, dtype=dtype)
        b = torch.ones(k, o, device=device, dtype=dtype)
        calls[f"matrix_{name}"] = lambda a=a, b=b: a @ b
        counts[f"matrix_{name}"] = 2.0 * n * k * o
    return calls, counts


def _decodes(backbone: DiMOO, steps: int) -> dict[str, Callable[[], Any]]:
    """Whole decodes: `equal` draws as upstream does, so that it must give upstream's tokens."""
    greedy = backbone.device.type != "cpu"  # the two would draw from different generators there
    plain = Scheduled(schedule="fixed", noise=0.0 if greedy else 1.0)
    settings = {"noise": None if greedy else "upstream", "temperature": 0.0 if greedy else 1.0}

    def equal():
        noise = UpstreamGumbel(SEED) if settings["noise"] else None
        temperature = settings["temperature"]
        return decode(backbone, ["x"], plain, steps=steps, noise=noise, temperature=temperature)

    return {
        "plain_equal": equal,
        "plain": lambda: decode(backbone, ["x"], Scheduled(schedule="fixed"), steps=steps),
        "ladr": lambda: decode(backbone, ["x"], "ladr", steps=steps),
    }


def hardware(device: str) -> dict[str, Any]:
    """The machine that was measured: processor, GPU, cores, threads, load, versions."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if "model name" in line] if info.is_file() else []
    cpu = names[0].partition(":")[2].strip() if names else platform.processor()
    gpu = torch.cuda.get_device_name(device) if device.startswith("cuda") else None
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "device": device, "gpu": gpu, "cpu": cpu, "cores": os.cpu_count(), "threads": torch.get_num_threads(),
        "load": load, "torch": torch.__version__, "cuda": torch.version.cuda, "system": platform.platform(),
    }  # fmt: skip


def device_speed(
    shape: str = "8b", device: str = "cuda", dtype: str = "bfloat16", steps: int = 64, repeat: int = 3,
    upstream: Path | None = None, compile: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Seconds per pass and per image of one guided image at batch 1, medians of `repeat` interleaved rounds.

    `roofline` is the time that the operations of a full pass take at the best measured matrix rate, over the
    time that the pass took. With a mode of torch.compile, `compiled_pass_s` is the same pass and
    `compiled_s_per_image` the same decode with compiled layers, without the compiling. With a checkout of
    upstream, its own function runs in the same rounds on the same weights, `speedup_*` are its seconds over
    ours, and `equal_tokens` (of the compiled decode: `compiled_equal_tokens`) says whether the codes agree.
    """
    if shape not in SHAPES:
        raise LadrError(f"shape: {shape!r} is not known{nearest(shape, [*SHAPES, *FOLDERS])}")
    kind = dtype_of("dtype", dtype)
    chosen = SHAPES[shape]
    backbone = random_backbone(chosen, device, kind)
    passes = _passes(backbone)
    products, counts = matrix_products(chosen.config, places(backbone), device, kind)
    whole = _decodes(backbone, steps)
    if compile is not None:
        twin = _compiled(backbone, chosen, compile)
        passes["compiled_pass"] = _full_pass(twin)
        whole["compiled"] = _decodes(twin, steps)["plain_equal"]
    calls: dict[str, Callable[[], Any]] = {**passes, **products}
    took = seconds({name: _synced(call, device) for name, call in calls.items()}, 4 * repeat)
    if upstream is not None:
        whole["upstream"] = upstream_decode(Path(upstream).resolve(), chosen, backbone.model, steps)
    kept: dict[str, Any] = {}
    images = seconds({name: _synced(_keep(kept, name, call), device) for name, call in whole.items()}, repeat)
    return {
        "shape": shape, "dtype": dtype, "steps": steps, "repeat": repeat, "grid": list(backbone.grid),
        "parameters": memory.parameters(chosen.config), "compile": compile, "hardware": hardware(device),
        **{f"{name}_s": took[name] for name in passes}, **_rates(chosen, backbone, took, counts),
        **_whole(images, kept),
    }  # fmt: skip


def places(backbone: DiMOO) -> int:
    denoiser = backbone.bind(["x"])
    denoiser.lay_out([0])
    return denoiser.pack.total


def _rates(shape: Shape, backbone: DiMOO, took: Mapping[str, float], counts: Mapping[str, float]) -> dict:
    """Operations of a full pass, the best matrix rate, and how near the pass comes to it."""
    denoiser = backbone.bind(["x"])
    denoiser.lay_out([0])
    cells = 2 * round(MASKED * shape.layout.grid[0] * shape.layout.grid[1])
    head = 2.0 * cells * shape.config.d_model * shape.layout.codebook
    operations = flops(shape.config, denoiser.pack.lengths) + head
    best = max(counts[name] / took[name] for name in counts)
    return {
        "tflop_per_pass": operations / 1e12,
        "matrix_tflops": best / 1e12,
        "pass_tflops": operations / took["full_pass"] / 1e12,
        "roofline": operations / best / took["full_pass"],
        "cached_of_full": took["cached_pass"] / took["full_pass"],
    }


def _whole(images: Mapping[str, float], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Seconds per image and passes of the decodes; where upstream ran, the ratios to it and equal codes."""
    numbers = {f"{name}_s_per_image": value for name, value in images.items()}
    for name in ("plain", "ladr"):
        numbers[f"{name}_passes"] = statistics.mean(i.passes for i in kept[name].trace.images)
    if "upstream" not in images:
        return numbers
    theirs = kept["upstream"].flatten().cpu()
    for name, key in (("plain_equal", "equal_tokens"), ("compiled", "compiled_equal_tokens")):
        if name in kept:
            numbers[key] = bool(torch.equal(kept[name].tokens.flatten().cpu(), theirs))
    ours = {name.removeprefix("plain_"): value for name, value in images.items() if name != "upstream"}
    return numbers | {f"speedup_{name}": images["upstream"] / value for name, value in ours.items()}


def _keep(kept: dict[str, Any], name: str, call: Callable[[], Any]) -> Callable[[], Any]:
    def kept_call():
        kept[name] = call()

    return kept_call


def _synced(call: Callable[[], Any], device: str) -> Callable[[], Any]:
    """The call, ended only when the device has done it."""
    if not device.startswith("cuda"):
        return call

    def synchronized():
        call()
        torch.cuda.synchronize(device)

    return synchronized
