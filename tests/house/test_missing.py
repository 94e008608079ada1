"""What is said where a package is not installed: which one, what for, and what to type."""

import ast
import json
import subprocess
import sys

import pytest

from house.imports import PACKAGE, files, imported, tree_of

OPTIONAL = "diffusers transformers huggingface_hub mlflow optuna tenacity spacy".split()
CALLS = """
import json, sys
from pathlib import Path
for name in %r:
    sys.modules[name] = None
import numpy as np
import torch
from ladr.base.errors import LadrError
from ladr import backbones
from ladr.speed import backbone as backbone_speed
from ladr.backbones.random import blank, blank_amused
from ladr.backbones.checkpoint import hub
from ladr.backbones.checkpoint import vq as pixels
from ladr.backbones.exact.patches import PatchCodes
from ladr.benchmarks.official import blip, chunks, clip, detector, mmdet
from ladr.cli import devices
from ladr.experiment.sweep import search
from ladr.training import log, vq

folder = Path(sys.argv[1])
(folder / "vqvae").mkdir()
(folder / "vqvae" / "config.json").write_text(
    json.dumps({"num_vq_embeddings": 8, "block_out_channels": [1, 1, 1], "latent_channels": 4,
                "lookup_from_codebook": True})
)
calls = {
    "pixels": lambda: pixels.VQPixels(folder, 8, 4).model,
    "shapes": lambda: backbones.load("shapes").render(torch.zeros(1, 16, 16, dtype=torch.int64)),
    "blank": lambda: blank.random_checkpoint(folder / "blank"),
    "blank_amused": lambda: blank_amused.random_pipeline(),
    "hub": lambda: hub.folder_of("a/b"),
    "scheduler": lambda: __import__("ladr").LADRScheduler,
    "vq": lambda: vq.new_vq(PatchCodes(np.zeros((4, 48)))),
    "log": lambda: log.track(folder, folder),
    "blip": lambda: blip.BlipVqa.load("x"),
    "clip": lambda: clip.Clip.load("x"),
    "detector": lambda: detector.Detector.load("x", ()),
    "mmdet": lambda: mmdet.official_config(),
    "chunks": lambda: chunks.from_spacy(["x"]),
    "search": lambda: search.search(None, 1),
}
said = {}
for name, call in calls.items():
    try:
        call()
    except LadrError as error:
        said[name] = str(error)
said["devices"] = [row["mend"] for row in devices.survey()["backbones"]]
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bare")
    command = [sys.executable, "-c", CALLS % (OPTIONAL,), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


WANTED = {
    **dict.fromkeys("pixels shapes blank blank_amused scheduler vq".split(), "pip install 'ladr[real]'"),
    **dict.fromkeys("blip clip detector mmdet".split(), "pip install 'ladr[real]'"),
    "hub": "pip install 'ladr[real]'",
    "log": "pip install 'ladr[workflow]'",
    "search": "pip install 'ladr[workflow]'",
    "chunks": "pip install 'ladr[t2i]'",
}


@pytest.mark.parametrize("call", WANTED)
def test_the_package_and_the_command_are_named(said, call):
    assert WANTED[call] in said[call]


def test_devices_answers_without_any_of_them(said):
    assert any("pip install 'ladr[real]'" in mend and "hf download" in mend for mend in said["devices"])


def test_a_command_says_what_it_lacks():
    code = "import sys; from ladr.cli.main import main; sys.modules['pandas'] = None; main()"
    done = subprocess.run([sys.executable, "-c", code, "table"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "the package pandas is not installed; pip install 'ladr[workflow]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_import_of_them_is_guarded():
    """Each part of the package that imports one of them does so first inside a `with needs` or a `try`."""
    bare, guarded = {}, set()
    for file in files(PACKAGE):
        tree = tree_of(file)
        part = file.relative_to(PACKAGE).parts[0]
        within = [n for n in ast.walk(tree) if isinstance(n, ast.With | ast.Try)]
        inside = {n.lineno for block in within for n in ast.walk(block) if hasattr(n, "lineno")}
        for name, line in imported(tree, "ladr", False):
            package = name.split(".")[0]
            if package in OPTIONAL and line in inside:
                guarded.add((part, package))
            elif package in OPTIONAL:
                bare[part, package] = f"{file.relative_to(PACKAGE)}:{line}"
    assert guarded
    assert not {key: where for key, where in bare.items() if key not in guarded}


def test_few_modules_know_diffusers():
    known = {str(f.relative_to(PACKAGE)) for f in files(PACKAGE) if "diffusers" in roots(tree_of(f))}
    backbones = {
        f"backbones/{name}.py"
        for name in ("checkpoint/vq", "amused/network", "random/blank", "random/blank_amused")
    }
    assert known == backbones | {"integrations/diffusers/__init__.py", "training/vq.py"} | {
        "integrations/diffusers/lumina.py"
    }


def roots(tree):
    return {name.split(".")[0] for name, _ in imported(tree, "ladr", False)}
