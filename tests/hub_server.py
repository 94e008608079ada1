"""A hub of one repository on this machine, and a cache as the hub's library lays it out."""

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

NAME, COMMIT = "me/tiny", "0123456789abcdef0123456789abcdef01234567"


def digest(path: Path) -> str:
    """What the hub names a blob by: the sha256 of weights, 40 digits for other files."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    return found if path.suffix == ".safetensors" else found[:40]


def cached(home: Path, folder: Path) -> Path:
    """The cache below `home` with `folder` as its only snapshot, on branch main; the snapshot's folder."""
    repo = home / "hub" / f"models--{NAME.replace('/', '--')}"
    snapshot = repo / "snapshots" / COMMIT
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text(COMMIT)
    (repo / "blobs").mkdir()
    for path in (p for p in folder.rglob("*") if p.is_file()):
        blob, link = repo / "blobs" / digest(path), snapshot / path.relative_to(folder)
        blob.write_bytes(path.read_bytes())
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    return snapshot


class Hub(BaseHTTPRequestHandler):
    """Serves `folder` as NAME at COMMIT; knows no other revision or repository, but
    that `me/closed` wants its terms accepted. The file `cut` breaks off."""

    folder: Path
    cut = ""
    asked: list[str]

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        path = urlsplit(self.path).path
        file = path.removeprefix(f"/{NAME}/resolve/{COMMIT}/")
        if file != path and (self.folder / file).is_file():
            self.file(file, body)
        elif path in (f"/api/models/{NAME}/revision/{at}" for at in ("main", COMMIT)):
            self.json(
                {"id": NAME, "sha": COMMIT, "siblings": [{"rfilename": f["path"]} for f in self.tree()]}
            )
        elif path == f"/api/models/{NAME}/tree/{COMMIT}":
            self.json(self.tree())
        else:
            missing = "RevisionNotFound" if path.startswith(f"/api/models/{NAME}/") else "RepoNotFound"
            closed = path.startswith("/api/models/me/closed/")
            self.send_response(403 if closed else 404)
            self.send_header("X-Error-Code", "GatedRepo" if closed else missing)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def tree(self) -> list[dict]:
        return [self.entry(path) for path in sorted(self.folder.rglob("*")) if path.is_file()]

    def entry(self, path: Path) -> dict:
        size, oid = path.stat().st_size, digest(path)
        lfs = {"lfs": {"oid": oid, "size": size, "pointerSize": 130}} if len(oid) == 64 else {}
        name = str(path.relative_to(self.folder))
        return {"type": "file", "path": name, "size": size, "oid": oid[:40], **lfs}

    def json(self, content) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def file(self, name: str, body: bool) -> None:
        data = (self.folder / name).read_bytes()
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{digest(self.folder / name)}"')
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.asked.append(name)
            self.wfile.write(data[: len(data) // 2] if name == self.cut else data)
            self.close_connection = True

    def log_message(self, *_):
        pass


@contextmanager
def serving(folder: Path):
    """A running hub; yields its handler class, whose `url` is where it is."""
    kind = type("Serving", (Hub,), {"folder": folder, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    kind.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield kind
    finally:
        server.shutdown()
        server.server_close()
