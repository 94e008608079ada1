"""What a cluster does to jobs, with Snakemake's local executor: a time limit, and one cell on many slots."""

import os
import re
import signal
import time

import pytest

from ladr.experiment.cells.decode import run
from ladr.experiment.cells.pace import Paces
from tiny import cell_of, tiny
from workflow_runs import children, laid_out, snakemake, started

pytestmark = pytest.mark.slow
ONE = """\
use: [field]
part: 1
images: 8
baseline: ladr
tracking: false
steps: 8
backbones:
  field:
    settings: {grid: [4, 4], codes: 3}
    batch_size: 1
    job_minutes: MINUTES
    benchmarks: {field-exact: 3}
samplers:
  ladr: {policy: ladr}
"""
IMAGES = 9 * 8


def of_minutes(minutes):
    return ONE.replace("MINUTES", f"{minutes:.12f}")


def decoded(folder):
    return (
        folder / "results/cells" / cell_of(tiny(folder, (folder / "params.yaml").read_text())[1], "ladr").id
    )


def contents(folder):
    """The tokens of the cell, byte for byte."""
    return (decoded(folder) / "tokens.safetensors").read_bytes()


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """The cell from this process, which nothing disturbs."""
    folder = tmp_path_factory.mktemp("calm")
    params, grid = tiny(folder, of_minutes(60))
    run(grid.cells.values(), results=folder / "results", part=params.part)
    return folder


def decoder(pid):
    """The process that decodes, among those that a run of Snakemake has started."""
    for child in children(pid):
        try:
            with open(f"/proc/{child}/cmdline", encoding="utf-8") as file:
                words = file.read().split("\0")
        except OSError:
            continue
        if "python" in words[0] and words[1].endswith("/ladr") and words[2] == "run":
            return child
    return None


def test_a_job_at_its_time_limit_saves_its_images_and_is_sent_again_for_the_rest(calm, tmp_path):
    folder = laid_out(tmp_path / "w", of_minutes(60))
    cell = decoded(folder)
    process = started(folder, "--retries", "1", "--", str(cell.relative_to(folder) / "cell.json"))
    while len(list((cell / "parts").glob("*.safetensors"))) < 5:
        assert process.poll() is None
        time.sleep(0.01)
    victim = decoder(process.pid)
    os.kill(victim, signal.SIGTERM)
    while os.path.exists(f"/proc/{victim}"):
        time.sleep(0.01)
    saved = {path: path.stat().st_mtime_ns for path in (cell / "parts").glob("*.safetensors")}
    assert not (cell / "cell.json").exists()
    assert process.wait(600) == 0

    (log,) = (folder / "logs/decode").glob("*.log")
    counts = [int(count) for count in re.findall(rf"(\d+)/{IMAGES} images", log.read_text())]
    assert counts == list(range(len(saved) + 1, IMAGES + 1)), "the second try did not decode the rest alone"
    assert {path: path.stat().st_mtime_ns for path in saved} == saved
    assert contents(folder) == contents(calm)


@pytest.mark.parametrize("count", [1, 7, 64])
def test_one_cell_on_eight_slots_has_the_same_tokens_in_any_number_of_shards(calm, tmp_path, count):
    folder = laid_out(tmp_path / "w", of_minutes(60))
    _, grid = tiny(folder, of_minutes(60))
    (cell,) = grid.cells.values()
    seconds = cell.images * Paces.read(grid, folder / "results").of(cell).seconds
    tiny(folder, of_minutes(seconds / 60 / (count - 0.5)))
    snakemake(folder, "--cores", "8", "--", str(decoded(folder).relative_to(folder) / "cell.json"))
    shards = list((decoded(folder) / "parts").glob("shard-*.safetensors"))
    assert len(shards) == (count if count > 1 else 0)
    assert contents(folder) == contents(calm)
