"""Nothing outside a folder of one's own is ever removed."""

import os

import pytest

from ladr.base.errors import LadrError
from ladr.base.removal import remove


@pytest.fixture
def world(tmp_path):
    """A folder of ours, and a thesis beside it."""
    own = tmp_path / "own"
    (own / "deep").mkdir(parents=True)
    (own / "a.txt").write_text("ours")
    (own / "deep/b.txt").write_text("ours")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.txt").write_text("years of work")
    return tmp_path


def test_files_and_folders_inside_go(world):
    own = world / "own"
    assert remove([own / "a.txt", own / "deep", own / "never.txt"], own) == [own / "a.txt", own / "deep"]
    assert list(own.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../thesis", "../thesis/chapter.txt", "deep/../../thesis", ".", "", "..", "deep/.."]
)
def test_what_lies_outside_is_refused_and_nothing_goes(world, name):
    own = world / "own"
    with pytest.raises(LadrError, match="does not lie inside"):
        remove([own / "a.txt", own / name], own)
    assert (own / "a.txt").is_file()
    assert (own / "deep/b.txt").is_file()
    assert (world / "thesis/chapter.txt").read_text() == "years of work"


def test_an_absolute_path_outside_is_refused(world):
    with pytest.raises(LadrError, match="does not lie inside"):
        remove([world / "thesis/chapter.txt"], world / "own")
    assert (world / "thesis/chapter.txt").is_file()


def test_a_link_goes_and_what_it_points_to_stays(world):
    link = world / "own/link"
    link.symlink_to(world / "thesis")
    assert remove([link], world / "own") == [link]
    assert not link.is_symlink()
    assert (world / "thesis/chapter.txt").is_file()


def test_what_lies_behind_a_link_is_refused(world):
    (world / "own/link").symlink_to(world / "thesis")
    with pytest.raises(LadrError, match="does not lie inside"):
        remove([world / "own/link/chapter.txt"], world / "own")
    assert (world / "thesis/chapter.txt").is_file()


def test_a_folder_goes_without_what_its_links_point_to(world):
    (world / "own/deep/link").symlink_to(world / "thesis")
    remove([world / "own/deep"], world / "own")
    assert (world / "thesis/chapter.txt").is_file()


def test_a_folder_that_is_reached_by_a_link_is_ones_own(world):
    (world / "short").symlink_to(world / "own")
    assert remove([world / "short/a.txt"], world / "own") == [world / "short/a.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may remove anything")
def test_what_cannot_be_removed_is_one_line(world):
    (world / "own").chmod(0o500)
    with pytest.raises(LadrError, match=r"a\.txt: cannot be removed"):
        remove([world / "own/a.txt"], world / "own")
