"""`ladr speed policies`: what every policy adds to a pass, beside the operations of an 8B pass."""

import statistics
from typing import Any

import torch

from ladr.backbones.dtypes import fastest
from ladr.decoding.loop import decode
from ladr.decoding.policies import POLICIES, build
from ladr.speed.backbone import flops, seconds
from ladr.speed.device import MASKED
from ladr.speed.loop import FixedLogits, Stopwatch
from ladr.speed.threads import threads as limited_threads
from ladr.speed.upstream import SHAPES

WORDS = 24  # of a prompt, beside the cells of the image
SQUARE = 2048  # side of the product that measures the matrix rate


def _decoded(backbone: FixedLogits, name: str, steps: int) -> tuple[float, float]:
    """Seconds of a pass in a decode of at most `steps` passes, and those of the policy alone."""
    policy = build(name)
    if policy.foretold:  # any tokens will do: a cell costs the same whether it is the final one or not
        policy = policy.with_tokens(torch.zeros(1, *backbone.grid, dtype=torch.long))
    watch = Stopwatch(policy, steps)
    image = decode(backbone, ["bench"], watch, steps=steps, batch_size=1).trace.images[0]
    return sum(image.seconds) / image.passes, sum(watch.seconds) / image.passes


def _pass_of_8b(dtype: torch.dtype) -> tuple[float, float]:
    """Seconds that the operations of a guided pass of the 8B model at 64x64 cells take at the rate of a
    square product on this machine, and that rate in operations a second."""
    shape = SHAPES["8b"]
    cells = shape.layout.grid[0] * shape.layout.grid[1]
    head = 2.0 * 2 * round(MASKED * cells) * shape.config.d_model * shape.layout.codebook
    operations = flops(shape.config, [cells + WORDS] * 2) + head
    a = torch.ones(SQUARE, SQUARE, dtype=dtype)
    took = seconds({"square": lambda: a @ a}, 5)["square"]
    rate = 2.0 * SQUARE**3 / took
    return operations / rate, rate


def policies_speed(
    grid: tuple[int, int] = (64, 64),
    codes: int = 8192,
    steps: int = 8,
    repeat: int = 3,
    threads: int = 1,
    seed: int = 0,
) -> dict[str, Any]:
    """Time every policy of the registry on random logits, batch 1, decodes of at most `steps` passes.

    `rows` has for each its milliseconds in a pass, and their share of a pass: `of_loop`, of the pass without
    a network, and `of_pass`, of the 8B model's pass with the loop's own work; medians over `repeat` decodes.
    The model's pass is not run: `pass_s` is its operations over the measured rate of a product.
    """
    with limited_threads(threads):
        backbone = FixedLogits(grid, codes, seed)
        dtype = getattr(torch, fastest("cpu"))
        network, rate = _pass_of_8b(dtype)
        _decoded(backbone, "cosine", steps)
        rows = []
        for name in POLICIES:
            runs = [_decoded(backbone, name, steps) for _ in range(repeat)]
            whole, own = (statistics.median(column) for column in zip(*runs, strict=True))
            rows.append(
                {
                    "policy": name, "policy_ms": 1e3 * own, "loop_ms": 1e3 * whole,
                    "of_loop": own / whole, "of_pass": own / (whole + network),
                }
            )  # fmt: skip
    return {
        "grid": list(grid), "codes": codes, "threads": threads, "repeat": repeat, "dtype": str(dtype)[6:],
        "matrix_tflops": rate / 1e12, "pass_s": network, "rows": rows,
    }  # fmt: skip
