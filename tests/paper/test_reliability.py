"""How sure a network is against how often it is right: exact models are calibrated."""

import torch

from ladr.backbones.exact.field import Field
from ladr.decoding.denoiser import Denoiser
from ladr.paper.theory.reliability import EDGES, error, first_of_columns, reliability

FIELD = Field((4, 4), 3, coupling=0.9)
ONE_BY_ONE = {"policy": "raster", "schedule": "fixed"}


class Guided(Denoiser):
    """An exact field whose logits after guidance are three times as far apart."""

    codes, grid = FIELD.codes, FIELD.grid

    def bind(self, prompts):
        self.inner = FIELD.bind(prompts)
        return self

    def logits(self, tokens, rows, *, t=None, recompute=None):
        exact = self.inner.logits(tokens, rows, t=t)
        self.conditional = exact[tokens == -1] if exact.dim() == 4 else exact
        return self.conditional


class Overconfident(Guided):
    def logits(self, tokens, rows, *, t=None, recompute=None):
        return 3 * super().logits(tokens, rows, t=t)


def test_an_exact_model_that_draws_one_cell_at_a_time_is_calibrated():
    rows = reliability(FIELD, [""] * 300, ONE_BY_ONE, steps=300, batch_size=100)
    assert {row["branch"] for row in rows} == {"conditional", "guided"}
    assert error(rows, "guided") < 0.04
    assert error(rows, "guided") == error(rows, "conditional")
    for row in rows:
        assert row["low"] <= row["probability"] <= row["high"] + 1e-6
    first = sum(row["cells"] for row in rows if row["branch"] == "guided")
    assert first == 300 * sum(range(1, 17))


def test_each_branch_is_measured_by_itself():
    rows = reliability(Overconfident(), [""] * 200, ONE_BY_ONE, steps=300, batch_size=200)
    by_phase = [error(rows, "guided", phase) for phase in ("exploration", "structure", "refinement")]
    exact = reliability(Guided(), [""] * 200, ONE_BY_ONE, steps=300, batch_size=200)
    assert error(exact, "conditional") < 0.05
    guided = {row["low"]: row["cells"] for row in rows if row["branch"] == "guided"}
    conditional = {row["low"]: row["cells"] for row in rows if row["branch"] == "conditional"}
    assert guided.get(EDGES[-2], 0) > conditional.get(EDGES[-2], 0)
    assert all(0 <= value <= 1 for value in by_phase)
    assert error(rows, "guided") != error(rows, "conditional")


def test_the_same_seeds_give_the_same_rows():
    torch.manual_seed(1)
    rows = [reliability(FIELD, [""] * 4, "cosine", steps=6) for _ in range(2)]
    assert rows[0] == rows[1]


def test_the_error_of_a_share_is_that_over_images():
    rows = reliability(FIELD, [""] * 200, ONE_BY_ONE, steps=300, batch_size=200)
    halves = [
        reliability(FIELD, [""] * 200, ONE_BY_ONE, steps=300, seeds=range(k, k + 200)) for k in (200, 400)
    ]
    key = ("phase", "branch", "low")
    far = []
    for row in rows:
        for other in halves[0], halves[1]:
            same = [one for one in other if all(one[k] == row[k] for k in key)]
            if same and row["share_se"] and same[0]["share_se"]:
                spread = (row["share_se"] ** 2 + same[0]["share_se"] ** 2) ** 0.5
                far.append(abs(row["share"] - same[0]["share"]) / spread)
    assert 0.5 < (sum(x * x for x in far) / len(far)) ** 0.5 < 1.6, (
        "shares differ by as much as their errors say"
    )


def test_the_first_prompts_of_every_column_are_asked():
    class Prompt:
        def __init__(self, column):
            self.meta = {"column": column}

    prompts = [Prompt(column) for column in "aabbab"]
    assert first_of_columns(prompts, 2) == [prompts[0], prompts[1], prompts[2], prompts[3]]
