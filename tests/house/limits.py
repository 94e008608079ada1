"""Limits of a file: the length of functions, of the file and of parameter lists, and what a name may be.

Every rule takes a package folder and gives its offenders: (path from the package folder, what is wrong).
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from house.imports import files, tree_of

# Banks are named by the text of these modules: it stays as it is, whatever its length and its names.
HASHED = {f"shapes/{name}.py" for name in ("scene", "spec", "place", "propose", "practice", "render")}
LINES_OF_A_FUNCTION = 40
LINES_OF_A_FILE = 250
PARAMETERS = 8
FILLERS = {"found", "told", "wanted", "given"}
Offender = tuple[str, str]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(package: Path) -> Iterator[tuple[str, Function]]:
    for file in files(package):
        for node in ast.walk(tree_of(file)):
            if isinstance(node, Function):
                yield str(file.relative_to(package)), node


def is_command(function: Function) -> bool:
    """A function that typer makes a command: its parameters are options of the terminal."""
    parameters = (*function.args.args, *function.args.kwonlyargs)
    return any("typer." in ast.unparse(arg.annotation) for arg in parameters if arg.annotation)


def lines_of(function: Function) -> int:
    """From `def` to the last line; of a command only its body, from the docstring on."""
    start = function.body[0].lineno if is_command(function) else function.lineno
    return (function.end_lineno or function.lineno) - start + 1


def long_functions(package: Path) -> list[Offender]:
    return [
        (path, f"{function.name} has {lines_of(function)} lines")
        for path, function in functions(package)
        if lines_of(function) > LINES_OF_A_FUNCTION
    ]


def long_files(package: Path) -> list[Offender]:
    sizes = {
        str(file.relative_to(package)): len(file.read_text(encoding="utf-8").splitlines())
        for file in files(package)
    }
    return [
        (path, f"{size} lines")
        for path, size in sizes.items()
        if size > LINES_OF_A_FILE and path not in HASHED
    ]


def parameters(function: Function) -> list[str]:
    """The names of a function's parameters, without the receiver of a method."""
    every = function.args
    names = [arg.arg for arg in (*every.posonlyargs, *every.args, *every.kwonlyargs)]
    names += [arg.arg for arg in (every.vararg, every.kwarg) if arg]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def wide_functions(package: Path) -> list[Offender]:
    return [
        (path, f"{function.name} has {len(parameters(function))} parameters")
        for path, function in functions(package)
        if len(parameters(function)) > PARAMETERS
        and not is_command(function)
        and (path, function.name) != ("decoding/loop.py", "decode")
    ]


def bound_names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """(name, line) of everything that a file names: variables, parameters, fields, functions and classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, Function | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname, node.lineno


def fillers(package: Path) -> list[Offender]:
    return [
        (str(file.relative_to(package)), f"line {line} names a thing {name!r}")
        for file in files(package)
        for name, line in bound_names(tree_of(file))
        if name in FILLERS and str(file.relative_to(package)) not in HASHED
    ]


def shared_names(package: Path) -> list[Offender]:
    """Public classes whose name another file gives to a class of its own."""
    homes: dict[str, set[str]] = {}
    for file in files(package):
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, set()).add(str(file.relative_to(package)))
    return [
        (path, f"class {name} is also in {', '.join(sorted(paths - {path}))}")
        for name, paths in homes.items()
        if len(paths) > 1
        for path in sorted(paths)
    ]


RULES = {
    "long functions": long_functions,
    "long files": long_files,
    "wide functions": wide_functions,
    "fillers": fillers,
    "shared names": shared_names,
}
