"""Which files of this package a module is made of: its imports, and their imports, read without running them.

What is drawn or stored depends on these files, so nobody keeps a list of them by hand.
"""

import ast
import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
CALLS = re.compile(r"\b(?:import_module|files)\s*\(")  # without one, imports are all that there is to read
BLOCKS = ("body", "handlers", "cases", "orelse", "finalbody")  # of statements, in the order of the text


def files_of(*modules: str, package: Path = PACKAGE) -> list[Path]:
    """The files that decide what `modules` compute: their own, and those of all that they import.

    Imports inside functions count; imports for type checkers do not. `from a.b import c` counts `a/b/c.py`
    when that is a module, else the `__init__` of `a.b`. A package that is only passed on the way does not
    count, nor does what is imported by an address that stands in a table, such as a backbone. Where a module
    calls `importlib.resources.files`, the data files of that package count.
    """
    left = list(modules)
    files: set[Path] = set()
    while left:
        file = _file(left.pop(), package)
        if file is None or file in files:
            continue
        files.add(file)
        place = ".".join(("ladr", *file.relative_to(package).with_suffix("").parts))
        imports, data = _read(file.read_text(encoding="utf-8"), place.removesuffix(".__init__"))
        left += [name for name in imports if name not in left]
        files.update(path for name in data for path in _data(package.joinpath(*name.split(".")[1:])))
    return sorted(files)


def imports_of(file: Path) -> tuple[str, ...]:
    """The modules of this package, or names in them, that a file imports. The file may be from outside."""
    return _read(file.read_text(encoding="utf-8"), file.stem)[0]


def sha256_of(*modules: str, package: Path = PACKAGE) -> str:
    """One hash of the names and contents of the files that decide what `modules` compute."""
    digest = hashlib.sha256()
    for file in files_of(*modules, package=package):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(package).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def _file(module: str, package: Path) -> Path | None:
    """The file of `ladr.a.b`; for a name inside a module, the file of that module."""
    parts = module.split(".")[1:]
    for depth in (len(parts), len(parts) - 1):
        place = package.joinpath(*parts[: max(depth, 0)])
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file.is_file() and file != package.with_suffix(".py"):
                return file
    return None


def _data(folder: Path) -> Iterator[Path]:
    """All files of a package that are not Python, those in folders that are no packages too."""
    for path in folder.iterdir():
        if path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").is_file():
            yield from _data(path)
        elif path.is_file() and path.suffix != ".py":
            yield path


@lru_cache(maxsize=1024)
def _read(text: str, module: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a module of that text imports from this package, and the packages whose data files it reads."""
    nodes = list(_nodes(ast.parse(text), whole=CALLS.search(text) is not None))
    imports = [name for node in nodes for name in _imported(node)]
    calls = [node for node in nodes if isinstance(node, ast.Call) and node.args]
    imports += [_package(call.args[0], module) or "" for call in calls if _called(call) == "import_module"]
    data = [_package(call.args[0], module) for call in calls if _called(call) == "files"]
    own = [name for name in imports if name.split(".")[0] == "ladr"]
    return tuple(dict.fromkeys(own)), tuple(name for name in dict.fromkeys(data) if name)


def _nodes(tree: ast.AST, whole: bool) -> Iterator[ast.AST]:
    """The statements of a tree, or with `whole` all its nodes, in the order of its text, without what stands
    under `if TYPE_CHECKING`."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            left += reversed(node.orelse)
            continue
        yield node
        left += reversed(list(ast.iter_child_nodes(node) if whole else _statements(node)))


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """What stands in the blocks of a statement."""
    for name in BLOCKS:
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield from block


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def _called(call: ast.Call) -> str:
    """The last name of what is called."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _package(argument: ast.expr, module: str) -> str | None:
    """The package or module that an argument names: a text, `__name__` or `__package__`."""
    if isinstance(argument, ast.Constant):
        return str(argument.value) if str(argument.value).split(".")[0] == "ladr" else None
    if isinstance(argument, ast.Name) and argument.id == "__name__":
        return module
    if isinstance(argument, ast.Name) and argument.id == "__package__":
        return module.rpartition(".")[0]
    return None
