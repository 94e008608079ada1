"""`dtype: auto` is a dtype before anything has an id, and no other setting changes with it."""

import json

import pytest
import torch

from ladr.backbones import load
from ladr.backbones.dtypes import fastest
from ladr.backbones.random.blank import random_checkpoint
from ladr.base.errors import LadrError
from ladr.cli.main import answer
from ladr.experiment.grid import grid
from ladr.experiment.params import load as params_of

PARAMS = """
use: [shapes]
steps: 4
images: 1
backbones:
  shapes:
    settings: {SETTINGS}
    benchmarks: {mini-geneval: smoke}
samplers:
  cosine: {policy: scheduled}
"""


@pytest.mark.parametrize(
    ("device", "flags", "dtype"),
    [
        ("cpu", "fpu sse avx512f avx512_bf16", "bfloat16"),
        ("cpu", "fpu amx_tile amx_bf16", "bfloat16"),
        ("cpu", "fpu sse avx512f avx512_vnni", "float32"),
        ("cuda:1", "fpu", "bfloat16"),
        ("mps", "fpu avx512_bf16", "float32"),
    ],
)
def test_the_dtype_that_a_device_multiplies_fastest(device, flags, dtype, tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor\t: 0\nmodel name\t: x\nflags\t\t: {flags}\n\nprocessor\t: 1\n")
    assert fastest(device, info) == dtype


def test_a_system_that_lists_no_flags_has_float32(tmp_path):
    assert fastest("cpu", tmp_path / "none") == "float32"


def test_a_backbone_loads_in_it(tmp_path):
    folder = random_checkpoint(tmp_path)
    assert load("shapes", folder=folder, dtype="auto").model.dtype == getattr(torch, fastest("cpu"))
    assert load("shapes", folder=folder).model.dtype == torch.float32
    with pytest.raises(LadrError, match=r"dtype: 'half' is not allowed; float32 or bfloat16 or auto"):
        load("shapes", folder=folder, dtype="half")


def test_the_cell_is_that_of_the_dtype_by_its_name(tmp_path):
    def cell(settings):
        path = tmp_path / "params.yaml"
        path.write_text(PARAMS.replace("SETTINGS", settings.strip("{}")))
        return next(iter(grid(params_of(path)).cells.values()))

    auto, plain = cell("{dtype: auto}"), cell("{}")
    assert auto.spec["backbone"]["settings"] == {"dtype": fastest("cpu")}
    assert auto.id == cell(f"{{dtype: {fastest('cpu')}}}").id != plain.id
    assert plain.spec["backbone"]["settings"] == {}


def test_sample_says_which_it_is(tmp_path, capsys):
    folder = random_checkpoint(tmp_path / "model")
    words = [
        "a red circle",
        "--backbone",
        "shapes",
        "--model",
        str(folder),
        "--dtype",
        "auto",
        "--steps",
        "2",
    ]
    out = str(tmp_path / "x.png")
    assert answer(["sample", *words, "--device", "cpu", "--out", out, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["dtype"] == fastest("cpu")
