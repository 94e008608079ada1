"""What a module is made of is read from its imports."""

import pytest

from ladr.base import imports
from ladr.base.imports import PACKAGE, files_of, sha256_of

TREE = {
    "__init__.py": "from importlib import import_module\nx = import_module('ladr.a.lazy')\n",
    "a/__init__.py": "from ladr.a.heavy import x\n",
    "a/heavy.py": "x = 1\n",
    "a/lazy.py": "x = 1\n",
    "a/light.py": "y = 1\n",
    "a/circle.py": "from ladr.b.circle import y\nx = 1\n",
    "b/__init__.py": "from importlib.resources import files\nrows = files(__name__) / 'rows.csv'\n",
    "b/rows.csv": "1,2\n",
    "b/more/rows.jsonl": "{}\n",
    "b/inner/__init__.py": "",
    "b/inner/other.csv": "3\n",
    "b/circle.py": "from ladr.a.circle import x\ny = 1\n",
    "b/table.py": "from importlib import import_module\nROWS = {'z': 'ladr.a.light:y'}\n"
    "def row(name):\n    return import_module(ROWS[name].split(':')[0])\n",
}


@pytest.fixture
def package(tmp_path):
    for name, text in TREE.items():
        path = tmp_path / "ladr" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "ladr"


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("import json", []),
        ("from ladr.a.light import y", ["a/light.py"]),
        ("from ladr.a import light", ["a/light.py"]),
        ("import ladr.a.light", ["a/light.py"]),
        ("from ladr.a import x", ["a/__init__.py", "a/heavy.py"]),
        ("def f():\n    from ladr.a.light import y", ["a/light.py"]),
        ("if TYPE_CHECKING:\n    import ladr.a.heavy\nelse:\n    from ladr.a.light import y", ["a/light.py"]),
        ("from ladr import x", ["__init__.py", "a/lazy.py"]),
        ("from ladr.a.circle import x", ["a/circle.py", "b/circle.py"]),
        ("from ladr.b import rows", ["b/__init__.py", "b/more/rows.jsonl", "b/rows.csv"]),
        ("from ladr.b.table import row", ["b/table.py"]),
    ],
)
def test_imports_are_followed(package, text, files):
    (package / "c.py").write_text(text + "\n")
    names = [path.relative_to(package).as_posix() for path in files_of("ladr.c", package=package)]
    assert sorted(names) == sorted([*files, "c.py"])


def test_a_hash_follows_names_and_contents(package):
    (package / "c.py").write_text("from ladr.b import rows\n")
    before = sha256_of("ladr.c", package=package)
    (package / "b/inner/other.csv").write_text("4\n")
    assert sha256_of("ladr.c", package=package) == before
    (package / "b/rows.csv").write_text("1,3\n")
    changed = sha256_of("ladr.c", package=package)
    assert changed != before
    (package / "c.py").write_text("from ladr.b import rows\nfrom ladr.a.light import y\n")
    assert sha256_of("ladr.c", package=package) not in (before, changed)


def test_reading_statements_alone_finds_what_reading_everything_finds(monkeypatch):
    texts = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    read = imports._read.__wrapped__
    few = {path: read(text, path.stem) for path, text in texts.items()}
    visited = []
    monkeypatch.setattr(imports.ast, "iter_child_nodes", lambda node: visited.append(node) or iter(()))
    for text in texts.values():
        if not imports.CALLS.search(text):
            read(text, "x")
    assert not visited
    monkeypatch.undo()
    monkeypatch.setattr(imports, "CALLS", imports.re.compile(""))
    assert few == {path: read(text, path.stem) for path, text in texts.items()}
