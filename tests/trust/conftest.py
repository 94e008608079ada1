"""A finished experiment of seconds, and copies of it to spoil."""

import os
from pathlib import Path

import pytest

from trust.faulty import World, content


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """An undisturbed world, and what it holds."""
    world = World(tmp_path_factory.mktemp("calm"))
    before = Path.cwd()
    os.chdir(world.folder)
    world.complete()
    os.chdir(before)
    return world, content(world)


@pytest.fixture
def world(calm, tmp_path, monkeypatch):
    """A copy of it to spoil, in the working folder."""
    monkeypatch.chdir(tmp_path)
    return calm[0].copy(tmp_path)
