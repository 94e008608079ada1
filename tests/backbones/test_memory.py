"""Memory does not grow with the number of images, and a pass reuses the pages of the pass before."""

import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

PROMPTS = 24  # of the benchmark at this size
FIELD = "field: {settings: {grid: [5, 5], codes: 3}, batch_size: 32, benchmarks: {field-exact: smoke}}"
EXPERIMENT = """
use: [NAME]
images: IMAGES
part: 50
steps: 6
baseline: ladr
backbones:
  BACKBONE
samplers:
  ladr: {policy: ladr}
"""
JOB = """
from ladr.cli.main import answer
from ladr.speed.full_size import peak_memory
assert answer(["run", "samplers/ladr"]) == 0
print(peak_memory())
"""
PASSES = """
import resource
from ladr import decode
from ladr.backbones import load
backbone = load(LOADED)
faults = []
for steps in (3, 3, 3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    decode(backbone, ["a red circle"] * IMAGES, "cosine", steps=steps)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(min(faults[1:]))
"""
BATCHES = """
from ladr import decode
from ladr.backbones import load
from ladr.speed.full_size import peak_memory
backbone = load("shapes", pixels="mosaic", dtype="bfloat16")
prompts = ("a red circle and a blue square", "three green triangles", "a yellow cross")
for batch in range(IMAGES // 8):
    seeds = list(range(8 * batch, 8 * batch + 8))
    decode(backbone, [prompts[batch % 3]] * 8, "doubt", seeds=seeds, batch_size=8)
print(peak_memory())
"""


def answer_of(code, folder):
    """The number that a process prints last, in one thread and in that folder."""
    command = [sys.executable, "-c", f"import torch; torch.set_num_threads(1)\n{code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    return float(done.stdout.split()[-1])


def test_a_job_of_many_images_needs_the_memory_of_few(tmp_path):
    peak = {}
    for count in (100, 2000):
        place = tmp_path / str(count)
        place.mkdir()
        text = EXPERIMENT.replace("NAME", "field").replace("BACKBONE", FIELD)
        (place / "params.yaml").write_text(text.replace("IMAGES", str(-(-count // PROMPTS))))
        peak[count] = answer_of(JOB, place)
    assert peak[2000] < 1.05 * peak[100], peak


def test_many_batches_in_bfloat16_need_the_memory_of_few(tmp_path):
    few, many = (answer_of(BATCHES.replace("IMAGES", str(count)), tmp_path) for count in (48, 144))
    assert many < 1.05 * few, (few, many)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have other bounds")
@pytest.mark.parametrize(
    ("loaded", "images"),
    [
        ('"shapes", pixels="mosaic"', 8),
        ('"field", grid=(8, 8)', 8),
        ('"mixture", guidance=3.0, scenes=64, cache=False', 32),
    ],
)
def test_a_pass_reuses_the_pages_of_the_pass_before(tmp_path, loaded, images):
    code = PASSES.replace("LOADED", loaded).replace("IMAGES", str(images))
    assert answer_of(code, tmp_path) < 3000
