"""`make full`: what it asks for is valid, and is what the documents say of it."""

import shlex
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from ladr.experiment.grid import grid
from ladr.experiment.params import changes_of, load

ROOT = Path(__file__).parents[2]


def asked(*words):
    """The grid of `make full` with these words."""
    call = ["make", "-n", "full", *words]
    told = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (call,) = (line for line in told.splitlines() if "snakemake" in line)
    (changes,) = (word.removeprefix("set=") for word in shlex.split(call) if word.startswith("set="))
    return grid(load(ROOT / "params.yaml", changes_of(changes.split())))


pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make here")


@pytest.fixture(scope="module")
def full():
    return asked()


def places(grid, group):
    return {(line.backbone, line.benchmark) for line in grid.lines if line.group == group}


def test_tables_ablations_and_the_sweep_are_asked_of_all_backbones(full):
    suites = ["mini-geneval", "mini-unigen", "mini-dpg", "mini-t2i"]
    both = {(backbone, suite) for backbone in ("mixture", "shapes") for suite in suites}
    assert places(full, "samplers") == both | {("pictures", "mini-pictures")}
    ablations = sorted({line.group for line in full.lines if line.group.startswith("ablations/")})
    names = ["decomposition", "doubt", "figure5", "figure6"]
    assert ablations == [f"ablations/{name}" for name in names]
    for group in [*ablations, "sweeps/alpha_tau", "sweeps/steps"]:
        alone = set() if group in ("ablations/doubt", "sweeps/alpha_tau") else {("pictures", "mini-pictures")}
        assert places(full, group) == {("mixture", "mini-geneval"), ("shapes", "mini-geneval")} | alone, group


def test_the_pictures_are_asked_all_their_prompts(full):
    cells = [full.cells[line.cell] for line in full.lines if line.backbone == "pictures"]
    assert {len(cell.prompts) for cell in cells} == {300}


def test_the_trained_backbone_is_asked_a_hundred_prompts_per_column_and_the_exact_one_all(full):
    for backbone, most in (("shapes", 100), ("mixture", 256)):
        for line in (line for line in full.lines if line.backbone == backbone):
            cell = full.cells[line.cell]
            columns = Counter(prompt.meta["column"] for prompt in cell.prompts)
            fewest = 100 if line.group == "sweeps/thresholds" else most
            assert min(columns.values()) >= fewest, cell.id


def test_one_backbone_can_be_asked_alone_and_its_cells_are_the_same(full):
    alone = asked("USE=shapes", "DTYPE=float32")
    assert {line.backbone for line in alone.lines} == {"shapes"}
    assert {cell.spec["backbone"]["settings"]["dtype"] for cell in alone.cells.values()} == {"float32"}
    assert set(asked("USE=shapes").cells) == {id for id, cell in full.cells.items() if "shapes" in id}
