"""A file is there whole or not at all, is known by its content, and is an object or refused."""

import ast
import os
import stat

import pytest
from safetensors import SafetensorError

from ladr.base import files
from ladr.base.errors import LadrError
from ladr.base.imports import PACKAGE


def test_a_file_appears_whole_and_may_be_read_by_others(tmp_path):
    path = tmp_path / "new/a.txt"
    files.write_text(path, "one\r\ntwo\n")
    assert path.read_bytes() == b"one\r\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    files.write_json(path, {"a": 1})
    assert files.read_json(path) == {"a": 1}
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def write_half(path, error):
    with files.appearing(path) as half:
        half.write_text("new")
        raise error


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (OSError(28, "No space left on device"), LadrError),
        (SafetensorError("I/O error: No space left on device (os error 28)"), LadrError),
        (ValueError("not about files"), ValueError),
        (LadrError("bad input"), LadrError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_what_fails_leaves_the_old_file(tmp_path, error, seen):
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    with pytest.raises(seen) as raised:
        write_half(path, error)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    if seen is LadrError and "space" in str(error):
        assert str(raised.value).startswith(f"{path}: cannot be written (")
        assert "No space left on device" in str(raised.value)
    else:
        assert raised.value is error


def test_a_folder_that_cannot_be_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LadrError, match=r"a\.txt: cannot be written \("):
        files.write_text(tmp_path / "file/a.txt", "")


def test_another_name_of_a_file_keeps_its_rights(tmp_path):
    source = tmp_path / "source"
    source.write_text("x")
    os.chmod(source, 0o600)
    with files.appearing(tmp_path / "link") as half:
        os.link(source, half)
    assert stat.S_IMODE(source.stat().st_mode) == 0o600
    assert (tmp_path / "link").samefile(source)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "cannot be read"),
        ("{", "not valid JSON"),
        ("[1]", "holds a list, not an object"),
        ("\xff", "not valid JSON"),
    ],
)
def test_only_an_object_is_read(tmp_path, text, reason):
    path = tmp_path / "a.json"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(LadrError, match=reason):
        files.read_json(path)


def test_the_hash_of_a_big_file_is_remembered_until_it_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "BIG", 3)
    path = tmp_path / "big"
    path.write_bytes(b"abc")
    os.utime(path, ns=(1, 1))
    first = files.remembered_sha256(path)
    assert first == files.sha256(path)
    path.write_bytes(b"abd")
    os.utime(path, ns=(1, 1))
    assert files.remembered_sha256(path) == first
    os.utime(path, ns=(2, 2))
    assert files.remembered_sha256(path) == files.sha256(path) != first
    files.CACHE.write_text("broken")
    assert files.remembered_sha256(path) == files.sha256(path)


WRITERS = {"write_text", "write_bytes", "replace", "rename", "mkstemp", "NamedTemporaryFile"}


def writers(tree):
    """(line, what) of every call that writes or moves a file by itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = getattr(node.func.value, "id", "")
            strings = node.func.attr == "replace" and owner != "os"
            columns = node.func.attr == "rename" and not node.args
            if node.func.attr in WRITERS and owner not in ("files", "half") and not strings and not columns:
                yield node.lineno, node.func.attr


def test_no_other_file_of_the_package_writes_by_itself():
    """A folder is moved as a whole in one place: what others measured is imported beside a cell."""
    seen = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if list(writers(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert seen == {"base/files.py", "experiment/cells/official_import.py"}


@pytest.mark.parametrize("code", ["path.write_text('x')", "os.replace(a, b)", "tempfile.mkstemp()"])
def test_the_walk_sees_writers(code):
    assert list(writers(ast.parse(code)))
