"""Downloads from a real server on loopback: checksums, resumption, names, clear errors."""

import hashlib
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ladr.base.errors import LadrError
from ladr.benchmarks.official import fetch

DATA = bytes(range(256)) * 1000
SHA = hashlib.sha256(DATA).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves `files`; closes the connection `cut` bytes into the next answer; notes the `ranges` asked."""

    def __init__(self, state, *args):
        self.state = state
        super().__init__(*args)

    def log_message(self, *args):
        pass

    def do_GET(self):
        data = self.state["files"].get(self.path)
        asked = self.headers.get("Range")
        self.state["ranges"].append(asked)
        if data is None:
            return self.send_error(404)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.state["resumes"] else 0
        if start >= len(data) > 0:
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        cut = self.state.pop("cut", None)
        self.wfile.write(data[start:cut] if cut else data[start:])
        return None


@pytest.fixture
def server():
    state = {"files": {}, "ranges": [], "resumes": True}
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, state))
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    state["base"] = f"http://127.0.0.1:{http.server_address[1]}"
    yield state
    http.shutdown()
    http.server_close()


@pytest.fixture
def pinned(monkeypatch, server):
    """Two small invented benchmarks in place of the real pins: one of files, one with a folder."""
    names = {"": "0-2", "owl": "5,7"}
    prompts = {
        f"/o/r/c0ffee/sub/prompts/{n}.txt": f"prompt {n}".encode() for n in ("0", "1", "2", "owl5", "owl7")
    }
    rows = "".join(
        f"{path.rpartition('/')[2]} {hashlib.sha256(data).hexdigest()}\n"
        for path, data in sorted(prompts.items(), key=lambda kv: kv[0].rpartition("/")[2])
    )
    folder = {"path": "sub/prompts", "names": names, "suffix": ".txt", "files": 5}
    folder["manifest_sha256"] = hashlib.sha256(rows.encode()).hexdigest()
    blob = "git-blob:" + hashlib.sha1(b"blob 256000\0" + DATA).hexdigest()
    spec = {"repo": "o/r", "commit": "c0ffee", "licence": "MIT"}
    pins = {
        "one": {**spec, "files": {"a/data.bin": SHA}},
        "two": {**spec, "files": {"q.csv": blob}, "folder": folder},
    }
    monkeypatch.setattr(fetch, "pins", lambda: pins)
    server["files"] = {"/o/r/c0ffee/a/data.bin": DATA, "/o/r/c0ffee/q.csv": DATA, **prompts}
    return pins


def test_a_file_is_fetched_checked_and_not_fetched_again(server, pinned, tmp_path):
    root = fetch.fetch("one", tmp_path, base=server["base"])
    assert (root / "data.bin").read_bytes() == DATA
    fetch.fetch("one", tmp_path, base=server["base"])
    assert len(server["ranges"]) == 1
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("resumes", [True, False])
def test_a_broken_download_goes_on_where_it_stopped(server, pinned, tmp_path, resumes):
    server["cut"], server["resumes"] = 70_000, resumes
    with pytest.raises(LadrError, match="70000 of 256000 bytes came; run again"):
        fetch.fetch("one", tmp_path, base=server["base"])
    assert not (tmp_path / "data.bin").exists()
    fetch.fetch("one", tmp_path, base=server["base"])
    assert server["ranges"] == [None, "bytes=70000-"]
    assert (tmp_path / "data.bin").read_bytes() == DATA


def test_a_whole_part_file_is_taken(server, pinned, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(DATA)
    fetch.fetch("one", tmp_path, base=server["base"])
    assert (tmp_path / "data.bin").read_bytes() == DATA


def test_wrong_bytes_are_never_kept(server, pinned, tmp_path):
    server["files"]["/o/r/c0ffee/a/data.bin"] = DATA[:-1] + b"x"
    with pytest.raises(LadrError, match=r"checksum is .* pinned is"):
        fetch.fetch("one", tmp_path, base=server["base"])
    assert not list(tmp_path.iterdir())


def test_a_changed_file_is_fetched_anew(server, pinned, tmp_path):
    (tmp_path / "data.bin").write_bytes(b"old")
    fetch.fetch("one", tmp_path, base=server["base"])
    assert (tmp_path / "data.bin").read_bytes() == DATA


def test_a_folder_is_fetched_whole_and_checked_as_one(server, pinned, tmp_path):
    seen = []
    fetch.fetch("two", tmp_path, base=server["base"], progress=lambda done, total: seen.append((done, total)))
    assert sorted(p.name for p in (tmp_path / "prompts").iterdir()) == [
        "0.txt",
        "1.txt",
        "2.txt",
        "owl5.txt",
        "owl7.txt",
    ]
    assert seen == [(k, 6) for k in range(1, 7)]
    (tmp_path / "prompts" / "1.txt").write_text("another")
    with pytest.raises(LadrError, match="the folder's sha256 is"):
        fetch.fetch("two", tmp_path, base=server["base"])


def test_what_is_not_there_and_who_is_not_there_is_said(server, pinned, tmp_path):
    del server["files"]["/o/r/c0ffee/a/data.bin"]
    with pytest.raises(LadrError, match="the server answered 404"):
        fetch.fetch("one", tmp_path, base=server["base"])
    with pytest.raises(LadrError, match=r"cannot be reached .*; offline, name a folder"):
        fetch.fetch("one", tmp_path, base="http://127.0.0.1:9")
    with pytest.raises(LadrError, match="did you mean 'one'"):
        fetch.fetch("onee", tmp_path)


def test_files_are_found_flat_and_in_a_clone(pinned, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(LadrError, match="`ladr benchmark fetch one` gets it"):
        fetch.locate("one", "a/data.bin", None)
    with pytest.raises(LadrError, match=r"looked for data\.bin"):
        fetch.locate("one", "a/data.bin", tmp_path)
    for where in ("clone/a/data.bin", "flat/data.bin"):
        (tmp_path / where).parent.mkdir(parents=True)
        (tmp_path / where).write_bytes(DATA)
        assert fetch.locate("one", "a/data.bin", tmp_path / where.split("/")[0]) == tmp_path / where


def test_the_real_pins_are_whole():
    assert set(fetch.pins()) == {"geneval", "unigen", "dpg", "t2i"}
    assert (
        len(fetch.names_in(fetch.pin("dpg")["folder"]))
        == len(set(fetch.names_in(fetch.pin("dpg")["folder"])))
        == 1065
    )
    for spec in fetch.pins().values():
        assert len(spec["commit"]) == 40
        assert all(len(value.removeprefix("git-blob:")) in (40, 64) for value in spec["files"].values())
