"""The wheel draws where only its own requirements are installed: no extra, no checkout, no network."""

import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import ladr
from ladr.base.errors import LadrError
from ladr.base.models import embedded

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LARGEST = 30e6  # bytes of the wheel
slow = pytest.mark.slow


def required(lines, extras=("",)):
    """The names of the distributions that these requirements need, and theirs, as this machine has them."""
    names = set()
    todo = [(Requirement(line), extras) for line in lines]
    while todo:
        need, asked = todo.pop()
        name = canonicalize_name(need.name)
        applies = need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in asked)
        if not applies or name in names:
            continue
        names.add(name)
        inner = distribution(name).requires or []
        todo += [(Requirement(line), ("", *need.extras)) for line in inner]
    return names


def link(name, folder):
    """Make what the distribution installed into site-packages appear in the folder."""
    installed = distribution(name)
    tops = {file.parts[0] for file in installed.files if file.parts[0] not in ("..", "__pycache__")}
    for top in tops:
        source, place = Path(installed.locate_file(top)), folder / top
        if source.is_dir() and place.is_dir():  # a namespace that several distributions share
            continue
        if not place.exists():
            place.symlink_to(source)


def pip(*words):
    """Call pip, which may reach no index, and no other copy of the package."""
    alone = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-m", "pip", *words, "-q", "--no-deps", "--no-index"]
    subprocess.run(command, check=True, capture_output=True, env=alone)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of the files of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("src", "models"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "CITATION.cff"):
        shutil.copy(ROOT / name, folder)
    pip("wheel", "--no-build-isolation", "-w", folder, folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory):
    """A function that runs a program of an environment with the wheel and its requirements alone."""
    home = tmp_path_factory.mktemp("bare")
    venv.create(home / "venv", with_pip=False)
    site = next((home / "venv").glob("lib/python*/site-packages"))
    for name in required(PROJECT["dependencies"]):
        link(name, site)
    pip("--python", home / "venv" / "bin" / "python", "install", wheel)
    work = home / "work"
    work.mkdir()
    keep = {key: os.environ[key] for key in ("PATH", "LANG", "OMP_NUM_THREADS") if key in os.environ}
    surroundings = {**keep, "HOME": str(home), "HF_HUB_OFFLINE": "1", "http_proxy": "http://127.0.0.1:9"}

    def run(program, *words):
        command = [home / "venv" / "bin" / program, *words]
        return subprocess.run(command, cwd=work, env=surroundings, capture_output=True, text=True)

    return run


def succeeded(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


@slow
def test_the_wheel_carries_the_models_and_stays_small(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.stat().st_size < LARGEST
    assert "ladr/py.typed" in names
    for model in ("shapes", "pictures"):
        files = {str(f.relative_to(ROOT)) for f in (ROOT / "models" / model).rglob("*") if f.is_file()}
        expected = {f"ladr/{name}" for name in files if not name.endswith(".jsonl")}
        assert expected <= set(names)
    assert not [name for name in names if "training" in name and name.endswith(".jsonl")]


@slow
def test_it_says_its_version(bare):
    assert succeeded(bare("ladr", "--version")) == f"ladr {PROJECT_VERSION}\n"
    assert succeeded(bare("python", "-c", "import ladr; print(ladr.__version__)")) == f"{PROJECT_VERSION}\n"


PROJECT_VERSION = ladr.__version__


@slow
def test_it_draws_the_embedded_models(bare):
    drawn = bare("ladr", "sample", "a red circle", "--compare", "cosine@8,ladr@8", "--out", "a.png")
    assert "a.png" in succeeded(drawn)
    assert "pip install 'ladr[real]' draws with the VQ model" in drawn.stderr
    fox = bare("ladr", "sample", "a fox", "--backbone", "pictures", "--sampler", "cosine@4", "--out", "b.png")
    succeeded(fox)
    exact = ("--backbone", "mixture", "--with", "scenes=64", "--out", "c.png")
    assert "passes" in succeeded(bare("ladr", "sample", "a red circle", *exact))


@slow
def test_python_decodes(bare):
    code = (
        "import ladr; from ladr.backbones import load\n"
        "model = load('shapes', pixels='mosaic')\n"
        "result = ladr.decode(model, ['a red circle'], 'ladr', steps=8, seeds=[0])\n"
        "print(model.render(result.tokens).shape)"
    )
    assert succeeded(bare("python", "-c", code)) == "(1, 64, 64, 3)\n"


@slow
@pytest.mark.parametrize("command", ["grid", "figures", "table", "track"])
def test_a_command_names_the_extra_that_it_lacks(bare, command):
    done = bare("ladr", command)
    (text,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert "is not installed; pip install 'ladr[workflow]'" in text


@slow
def test_a_name_of_the_package_names_the_extra_that_it_lacks(bare):
    done = bare("python", "-c", "import ladr; ladr.LADRScheduler")
    assert "pip install 'ladr[real]'" in done.stderr


def test_all_is_every_extra_for_users():
    extras = PROJECT["optional-dependencies"]
    (line,) = extras["all"]
    named = set(line.removeprefix("ladr[").removesuffix("]").split(","))
    assert {"workflow", "figures", "real", "judge", "train", "demo"} <= named <= set(extras)


def test_a_model_that_is_nowhere_is_named_with_its_places():
    with pytest.raises(LadrError, match=r"no squares/config\.json in .*give its folder"):
        embedded("squares")


def test_the_page_lists_every_extra_with_its_packages():
    text = (ROOT / "docs/install.md").read_text(encoding="utf-8")
    for extra, lines in PROJECT["optional-dependencies"].items():
        if extra in ("all", "dev"):
            continue
        row = next(line for line in text.splitlines() if line.startswith(f"| `{extra}` |"))
        assert {name.strip() for name in row.split("|")[3].split(",")} == {Requirement(n).name for n in lines}
