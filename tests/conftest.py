"""One thread per process, so that the suite shares a machine and sums come out the same everywhere."""

import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


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
