"""The Dockerfile, as far as it can be checked without a builder."""

import re
import shlex
import subprocess

import pytest

from workflow_runs import ROOT, jobs, laid_out, snakemake

ALLOWED = {"FROM", "ARG", "ENV", "RUN", "COPY", "WORKDIR", "USER", "CMD"}


def instructions():
    """(word, rest) of every instruction, with continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def of(word):
    return [rest for name, rest in instructions() if name == word]


def copied():
    return [source for rest in of("COPY") for source in shlex.split(rest)[:-1]]


def test_it_is_made_of_known_instructions_and_begins_with_python():
    assert {name for name, _ in instructions()} <= ALLOWED
    assert of("FROM") == ["python:${PYTHON}-slim"]


def test_what_it_copies_is_in_git_and_goes_to_the_builder():
    let_through = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert let_through[1] == "*"
    for source in copied():
        listed = subprocess.run(["git", "ls-files", "--", source], cwd=ROOT, capture_output=True, text=True)
        if listed.returncode:
            pytest.skip("no git repository")
        assert listed.stdout, source
        assert f"!{source}" in let_through
    assert {line[1:] for line in let_through if line.startswith("!")} == set(copied())


def test_it_copies_what_the_package_is_built_from():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (readme,) = re.findall(r'^readme = "(.+)"$', project, re.MULTILINE)
    included = re.findall(r"^(?:graft|include) (\S+)$", (ROOT / "MANIFEST.in").read_text(), re.MULTILINE)
    assert {readme, "pyproject.toml", "setup.py", "src", "models", "LICENSE", *included} <= set(copied())


def test_versions_are_those_of_the_lock_and_of_make():
    installs = [line for line in of("RUN") if "pip install" in line]
    assert "--require-hashes --no-deps -r requirements.lock" in installs[0]
    assert "--no-deps --no-build-isolation ." in installs[1]
    make = re.search(r"^TORCH\s*\?=\s*(\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    assert f"TORCH={make}" in of("ARG")
    assert '"${TORCH}"' in installs[0]
    assert "setuptools==" in (ROOT / "requirements.lock").read_text()


def test_its_shell_is_well_formed_and_it_does_not_run_as_root():
    for line in of("RUN"):
        subprocess.run(["bash", "-n", "-c", line], check=True)
    assert of("USER") == ["ladr"]
    assert [name for name, _ in instructions()][-2:] == ["USER", "CMD"]


@pytest.mark.slow
def test_the_workflow_takes_the_image_from_its_config(tmp_path):
    folder = laid_out(tmp_path / "w")
    assert "table" in jobs(snakemake(folder, "-n", "--config", "container=docker://example/ladr"))
