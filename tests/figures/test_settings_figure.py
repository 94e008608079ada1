"""One backbone under two settings: a table with both, and the differences of each."""

import copy
import json

import pandas as pd
import pytest

from figure_params import PARAMS
from ladr.experiment.plan.figures import FigurePlan
from ladr.figures.frame.results import NotAskedError, Results
from ladr.figures.settings import draw
from tiny import measured, tiny


def asked(*couplings):
    """The rows of the tiny experiment on fields of these couplings, each a row of its own."""
    params = {key: copy.deepcopy(PARAMS[key]) for key in ("steps", "images", "samplers")}
    own = {"kind": "field", "benchmarks": {"field-exact": 2}}
    params["backbones"] = {
        f"field-{i}": {**own, "settings": {"grid": [4, 4], "codes": 2, "coupling": coupling}}
        for i, coupling in enumerate(couplings)
    }
    return {**params, "use": list(params["backbones"])}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return Results(measured(tmp_path_factory.mktemp("two"), asked(0.2, 0.9)))


def test_the_scores_of_both_settings_stand_in_one_table(results):
    [table] = draw(results)
    assert (table.name, table.folder) == ("settings-field-exact-field", "settings")
    lines = table.shown.set_index("Method")
    scores = results.scores[results.scores.group == "samplers"]
    for backbone in ("field-0", "field-1"):
        own = scores[(scores.backbone == backbone) & (scores.name == "ladr")]
        assert lines.loc["LADR", f"{backbone}, passes"] == f"{own.passes.iloc[0]:.1f}"
    assert "LADR less Cosine, LADR's passes" in lines.index


def test_the_data_beside_it_has_every_score_and_difference(results):
    [table] = draw(results)
    assert len(table.data[table.data.theirs == ""]) == 2 * len(PARAMS["samplers"])
    assert set(table.data.backbone) == {"field-0", "field-1"}
    compared = table.data[table.data.theirs != ""]
    assert set(zip(compared.ours, compared.theirs, strict=True)) == {("LADR", "Cosine, LADR's passes")}
    assert pd.notna(table.data[["value", "low", "high"]]).all(axis=None)


def test_one_setting_alone_is_no_table(tmp_path):
    with pytest.raises(NotAskedError, match="no two rows of `backbones`"):
        next(draw(Results(measured(tmp_path, asked(0.2)))))


def test_the_workflow_asks_for_it_only_where_it_has_lines(tmp_path):
    one, two = (
        FigurePlan(*tiny(tmp_path, json.dumps(asked(*couplings)))) for couplings in ((0.2,), (0.2, 0.9))
    )
    assert "settings" in one.left_out
    assert "settings" in two.requested["scores"]
