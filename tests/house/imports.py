"""The import graph of a package folder: which file imports which, and which room imports which.

Imports inside functions count like imports at the top of a file, and so do those for the type checker.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parents[2] / "src" / "ladr"


class Arrow(NamedTuple):
    """One file imports another: paths from the package folder, and the line of the import."""

    file: str
    line: int
    target: str


def files(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


@cache
def _parsed(file: Path, text: str) -> ast.Module:
    return ast.parse(text, str(file))


def tree_of(file: Path) -> ast.Module:
    return _parsed(file, file.read_text(encoding="utf-8"))


def module_of(file: Path, package: Path) -> str:
    """`ladr.cli.main` of src/ladr/cli/main.py; a folder's `__init__.py` has the folder's name."""
    parts = (package.name, *file.relative_to(package).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


def imported(tree: ast.Module, module: str, is_folder: bool) -> Iterator[tuple[str, int]]:
    """(dotted name, line) of every import statement; `from a import b` gives `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")
                kept = parents[: len(parents) - node.level + is_folder]
                base = ".".join([*kept, *filter(None, [node.module])])
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def named(tree: ast.Module, modules: dict[str, str]) -> Iterator[tuple[str, int]]:
    """(module, line) of every string that names a module of the package, as in a registry."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            module = node.value.partition(":")[0]
            if "." in module and module in modules:
                yield module, node.lineno


def arrows(package: Path, strings: bool = False) -> list[Arrow]:
    """Every import of one file of the package by another.

    strings: modules that a string names (`"ladr.cli.main"`, `"ladr.cli.main:app"`) count as imports too.
    """
    modules = {module_of(file, package): str(file.relative_to(package)) for file in files(package)}
    edges = []
    for file in files(package):
        tree, module = tree_of(file), module_of(file, package)
        names = list(imported(tree, module, file.name == "__init__.py"))
        names += named(tree, modules) if strings else []
        for name, line in names:
            target = name if name in modules else name.rpartition(".")[0]
            if target in modules and target != module:
                edges.append(Arrow(str(file.relative_to(package)), line, modules[target]))
    return edges


def room_of(file: str) -> str:
    """The first part of a path from the package folder; "" for the package's own `__init__.py`."""
    return "" if file == "__init__.py" else Path(file).parts[0].removesuffix(".py")


def rooms(package: Path) -> set[str]:
    """Every folder or module at the root of the package."""
    return {room_of(str(file.relative_to(package))) for file in files(package)} - {""}


def room_arrows(package: Path) -> set[tuple[str, str]]:
    pairs = {(room_of(arrow.file), room_of(arrow.target)) for arrow in arrows(package)}
    return {(here, there) for here, there in pairs if here and there and here != there}


def circles(edges: set[tuple[str, str]]) -> list[list[str]]:
    """Groups of two and more that reach each other along the edges (Tarjan's components)."""
    after: dict[str, set[str]] = {}
    for here, there in edges:
        after.setdefault(here, set()).add(there)
    reach = {node: _reachable(node, after) for node in after}
    together = {frozenset(other for other in reach[node] if node in reach.get(other, ())) for node in after}
    return sorted(sorted(group) for group in together if group)


def _reachable(start: str, after: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    ahead = list(after[start])
    while ahead:
        node = ahead.pop()
        if node not in seen:
            seen.add(node)
            ahead.extend(after.get(node, ()))
    return seen
