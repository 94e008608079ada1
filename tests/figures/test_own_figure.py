"""A figure from outside the package, named in params.yaml: asked for, drawn from a tiny table, recorded."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tiny import measured, tiny

from ladr.base.errors import LadrError
from ladr.cli.figures import draw
from ladr.experiment.plan.figures import FigurePlan
from ladr.experiment.plan.records import figure_files, record

MODULE = """
from ladr.figures.frame import style
from ladr.figures.frame.caption import about
from ladr.figures.frame.results import main
from ladr.figures.frame.save import Plot

NEEDS = "samplers"


def draw(results):
    for backbone, benchmark, scores in results.scored():
        rows = main(scores)
        figure, ((panel,),) = style.canvas()
        panel.barh(rows.label, rows.passes)
        yield Plot(f"bars-{benchmark}-{backbone}", "Passes", figure, about(results, rows.cell))


def wrong(results):
    yield "a text"


NUMBER = 3
"""
EXPERIMENT = {
    "use": ["field"],
    "part": 4,
    "tracking": False,
    "steps": 6,
    "backbones": {
        "field": {"settings": {"grid": [4, 4], "codes": 2}, "benchmarks": {"field-exact": 2}},
    },
    "samplers": {"cosine": {"policy": "cosine"}, "ladr": {"policy": "ladr"}},
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The name of a module in a folder of its own on the path of imports."""
    name = f"figure_{tmp_path.name.replace('-', '_')}"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / f"{name}.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    importlib.invalidate_caches()
    yield name
    sys.modules.pop(name, None)


def asked(package, *figures):
    return {**EXPERIMENT, "figures": [f"{package}:{figure}" for figure in figures]}


def test_it_is_planned_drawn_and_recorded(package, tmp_path):
    experiment = asked(package, "draw")
    results = measured(tmp_path, experiment)
    drawings = FigurePlan(*tiny(tmp_path, json.dumps(experiment)))
    names, _, _ = drawings.jobs([])["scores"]
    address = f"{package}:draw"
    assert address in names
    out = tmp_path / "figures"
    written, left = draw([address], results, out)
    assert left == []
    assert sorted(path.name for path in written) == [
        f"bars-field-exact-field.{kind}" for kind in ("md", "png", "svg")
    ]
    assert "Backbone: field, 4x4 cells" in (out / "bars-field-exact-field.md").read_text(encoding="utf-8")
    record(results / "figures" / "scores.json", [address], written, out)
    assert sorted(figure_files(results)) == sorted(written)


def test_the_command_draws_it_in_a_process_of_its_own(package, tmp_path):
    results = measured(tmp_path, asked(package, "draw"))
    code = "import sys; from ladr.cli.main import main; sys.argv[0] = 'ladr'; main()"
    words = ["figures", f"{package}:draw", "--results", str(results), "--out", str(tmp_path / "out")]
    path = {"PYTHONPATH": ":".join([str(tmp_path / "site"), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, env=path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "bars-field-exact-field.svg").is_file()


def test_it_is_drawn_again_when_its_file_or_what_it_imports_changes(package, tmp_path):
    drawings = FigurePlan(*tiny(tmp_path, json.dumps(asked(package, "draw"))))
    files = {Path(path).name for path in drawings.code([f"{package}:draw"])}
    assert {f"{package}.py", "style.py", "caption.py", "results.py", "save.py"} <= files
    assert "gallery.py" not in files


def test_it_is_left_out_with_a_reason_where_the_experiment_has_nothing_for_it(package, tmp_path):
    path = tmp_path / "site" / f"{package}.py"
    path.write_text(MODULE.replace('"samplers"', '"sweeps"'), encoding="utf-8")
    drawings = FigurePlan(*tiny(tmp_path, json.dumps(asked(package, "draw"))))
    assert drawings.left_out[f"{package}:draw"] == "no `sweeps`"
    assert f"{package}:draw" not in drawings.requested["scores"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("drew", "has no 'drew' .did you mean 'draw'"),
        ("NUMBER", "int is not allowed; draw.results. is"),
        ("wrong", "yields str, which has no save"),
    ],
)
def test_a_mistake_is_one_clear_line(package, tmp_path, name, message):
    results = measured(tmp_path, asked(package))
    with pytest.raises(LadrError, match=message) as error:
        draw([f"{package}:{name}"], results, tmp_path / "out")
    assert "\n" not in str(error.value)


def test_a_package_that_is_not_installed_is_named(tmp_path):
    with pytest.raises(LadrError, match="figure 'nowhere:draw': nowhere cannot be imported"):
        draw(["nowhere:draw"], tmp_path, tmp_path / "out")
    with pytest.raises(LadrError, match=r"figures.0.*draw"):
        tiny(tmp_path, json.dumps({**EXPERIMENT, "figures": ["draw"]}))
