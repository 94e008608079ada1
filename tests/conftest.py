"""One thread per process: workers share the cores, and sums come out the same everywhere.

Two OpenMP threads wait for each other as soon as another process holds one of the cores.
"""

import os

import pytest

os.environ["OMP_NUM_THREADS"] = "1"


def pytest_addoption(parser):
    parser.addoption("--renew-golden", action="store_true", help="record tokens of new policies and versions")


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory):
    """A checkpoint folder with a tiny random CLIP."""
    from tiny_scorers import save_clip

    return save_clip(tmp_path_factory.mktemp("clip") / "clip-tiny")


@pytest.fixture(scope="session")
def blip_folder(tmp_path_factory):
    """A checkpoint folder with a tiny random BLIP that answers questions."""
    from tiny_scorers import save_blip

    return save_blip(tmp_path_factory.mktemp("blip") / "blip-tiny")
