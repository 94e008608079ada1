"""`ladr speed device --shape lumina`: a checkpoint of the public model's size is written, loaded and run."""

import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ladr.backbones import load
from ladr.backbones.checkpoint import fits as memory
from ladr.backbones.checkpoint.safetensors_folder import dtype_of
from ladr.backbones.lumina.dimoo import DiMOO, Layout
from ladr.backbones.lumina.grids import cells_of
from ladr.backbones.random.blank import public_checkpoint
from ladr.base.errors import LadrError
from ladr.base.removal import remove
from ladr.decoding.loop import decode
from ladr.decoding.trace import ImageTrace
from ladr.decoding.view import View
from ladr.speed.backbone import PROMPT, flops, seconds
from ladr.speed.device import hardware, matrix_products
from ladr.speed.upstream import FOLDERS

SHARDS = 9
ROOM = 200 << 20  # bytes beside the weights: the VQ model, the index, what else is being written
SCRATCH = Path(".cache")


def full_size_speed(
    shape: str = "lumina", device: str = "cpu", dtype: str = "bfloat16", size: tuple[int, int] = (256, 256),
    sampler: tuple[Any, int] = ("cosine", 2), layers: int | None = None, scratch: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:  # fmt: skip
    """One guided image of `size` (height, width) in pixels by `sampler` (policy, planned passes).

    The weights are random; all else is as with the hub's files: nine shards, the same loader, the same ids.
    `roofline` is the time that the operations of its passes take at the best matrix rate measured before and
    after the decode, over the time that the passes took. On a CPU the rates (`pass_tflops`, `matrix_tflops`)
    and `busy_s_per_pass` are from processor time over threads, which other programs disturb less; `pass_s` is
    the median on the clock.
    `layers`: the first ones only. say(line): called as parts of the work are done, each pass among them.
    """
    config = FOLDERS[shape] if layers is None else replace(FOLDERS[shape], n_layers=layers)
    kind = dtype_of("dtype", dtype)
    layout = Layout()
    grid = cells_of(size, layout.grid, layout.vq_factor)
    need = memory.of_dimoo(config, grid, layout.codebook, layout.vq_factor, bytes_each=kind.itemsize)
    memory.check(need, device, "a checkpoint of that shape")
    began = time.perf_counter()
    with scratch_folder(scratch or SCRATCH, need.weights) as folder:
        public_checkpoint(folder, config, dtype=kind, shards=SHARDS)
        written = time.perf_counter()
        say(f"checkpoint written after {written - began:.0f} s")
        backbone = load("lumina-dimoo", source=folder, dtype=dtype, device=device, size=size)
        loaded = time.perf_counter()
        say(f"loaded after {loaded - written:.0f} s; the products are measured before and after the image")
        about = {
            "shape": shape, "dtype": dtype, "size": list(size), "grid": list(grid),
            "layers": config.n_layers, "parameters": memory.parameters(config),
            "shards": len(list(folder.glob("*.safetensors"))), "folder_gb": _bytes_in(folder) / memory.GB,
            "write_s": written - began, "load_s": loaded - written,
        }  # fmt: skip
        numbers = _measure(backbone, sampler, device, kind, say)
    peak = peak_memory() / memory.GB
    return {**about, **numbers, "peak_memory_gb": peak, "hardware": hardware(device)}


def _measure(
    backbone: DiMOO, sampler: tuple[Any, int], device: str, kind: Any, say: Callable[[str], None]
) -> dict[str, Any]:
    """Seconds and operations of one decode beside the matrix rate."""
    denoiser = backbone.bind([PROMPT])
    denoiser.lay_out([0])
    calls, counts = matrix_products(backbone.model.config, denoiser.pack.total, device, kind)
    clock = _processor_time if device == "cpu" else time.perf_counter
    before = seconds(calls, 3, clock)
    policy, steps = sampler
    began = clock()
    image = decode(backbone, [PROMPT], policy, steps=steps, on_step=_passes(say)).trace.images[0]
    busy = clock() - began
    took = {name: min(before[name], after) for name, after in seconds(calls, 3, clock).items()}
    best = max(counts[name] / took[name] for name in counts)
    operations = _operations(backbone, denoiser.pack.lengths, image)
    return {
        "sampler": policy, "steps": steps, "passes": image.passes, "places": denoiser.pack.total,
        "image_s": sum(image.seconds), "pass_s": statistics.median(image.seconds),
        "busy_s_per_pass": busy / image.passes,
        "tflop_per_pass": operations / image.passes / 1e12, "pass_tflops": operations / busy / 1e12,
        "matrix_tflops": best / 1e12, "roofline": operations / busy / best,
    }  # fmt: skip


def _passes(say: Callable[[str], None]) -> Callable[[View, torch.Tensor], None]:
    """What says how long each pass took, and how many cells are masked after it."""
    began = [time.perf_counter()]

    def one(view: View, take: torch.Tensor) -> None:
        began.append(time.perf_counter())
        left = int(view.masked.sum() - take.sum())
        say(f"pass {len(began) - 1}: {began[-1] - began[-2]:.1f} s, {left} cells are masked after it")

    return one


def _processor_time() -> float:
    """Seconds that each thread of torch has worked."""
    return time.process_time() / torch.get_num_threads()


def _operations(backbone: DiMOO, lengths: list[int], image: ImageTrace) -> float:
    """Floating-point operations of all passes: the layers everywhere, the head at masked cells."""
    layers = flops(backbone.model.config, lengths)
    cell = 2.0 * len(lengths) * backbone.model.config.d_model * backbone.codes
    return image.passes * layers + cell * sum(image.masked)


def peak_memory() -> float:
    """The most bytes of this process that were resident at one time."""
    status = Path("/proc/self/status")
    if status.is_file():  # what getrusage says there may be a parent's
        rows = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return float(rows["VmHWM"].split()[0]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextmanager
def scratch_folder(place: Path, weights: float) -> Iterator[Path]:
    """A new folder in `place` with room for `weights` bytes, removed at the end of the block.

    SIGTERM ends the block as Ctrl-C does, with an exit code of its own.
    """
    place.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place).free
    if free < weights + ROOM:
        raise LadrError(
            f"{place}: {(weights + ROOM) / memory.GB:.1f} GB are needed for the checkpoint, "
            f"{free / memory.GB:.1f} GB are free; --scratch names another folder, --layers 4 writes less"
        )
    folder = Path(tempfile.mkdtemp(prefix="lumina-", dir=place))
    with _interruptible():
        try:
            yield folder
        finally:
            remove([folder], place)


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, and the program then with its own exit code."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def interrupt(number: int, frame: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    before: Any = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        if came:
            raise SystemExit(128 + came[0]) from None
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def refuse_options(shape: str, options: Mapping[str, Any], reads: bool) -> None:
    """LadrError where one of these options has a value. `reads`: whether it is for the shapes in FOLDERS."""
    for name, value in options.items():
        if value is not None:
            raise LadrError(f"{name}: shape {shape} does not read it; {_others(reads)}")


def _others(reads: bool) -> str:
    names = " and ".join(FOLDERS)
    return f"shapes {names} do" if reads else f"shapes other than {names} do"
