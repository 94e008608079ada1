"""The building itself: imports go down the floors, and nothing is done that the design rules out."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src" / "ladr"
FLOORS = (
    ("base",),
    ("decoding", "shapes"),
    ("backbones", "benchmarks", "integrations"),
    ("training", "experiment"),
    ("paper", "speed"),
    ("figures",),
    ("cli",),
)
FILES = sorted(SRC.rglob("*.py"))


def name_of(file):
    return ".".join(("ladr", *file.relative_to(SRC).with_suffix("").parts)).removesuffix(".__init__")


def floor_of(module):
    """The floor of `ladr.x...`, or None for the package itself and for what the floors do not list."""
    part = module.split(".")[1] if "." in module else None
    return next((i for i, parts in enumerate(FLOORS) if part in parts), None)


def imports(tree):
    """(module, line, at the top level) of every import statement."""
    top = set(map(id, ast.iter_child_nodes(tree)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            inner = (
                [f"{node.module}.{a.name}" for a in node.names] if node.module == "ladr" else [node.module]
            )
            names = inner
        else:
            continue
        for name in names:
            yield name, node.lineno, id(node) in top


def trees():
    for file in FILES:
        yield file, ast.parse(file.read_text(encoding="utf-8"), str(file))


def test_every_module_has_a_floor():
    homeless = {f.relative_to(SRC).parts[0] for f in FILES if f.name != "__init__.py" or f.parent != SRC}
    homeless = {name.removesuffix(".py") for name in homeless}
    listed = {part for parts in FLOORS for part in parts}
    assert homeless <= listed, f"add to FLOORS: {sorted(homeless - listed)}"


def test_imports_only_go_down():
    upward = []
    for file, tree in trees():
        here = floor_of(name_of(file))
        if here is None:
            continue
        for module, line, _ in imports(tree):
            there = floor_of(module) if module.split(".")[0] == "ladr" else None
            if there is not None and there > here:
                upward.append(f"{file.relative_to(SRC)}:{line} imports {module}")
    assert not upward, upward


LIGHT = {"torch", "numpy", "scipy", "ladr"}


def test_the_lower_floors_import_torch_numpy_and_scipy_only():
    """shapes/ does without torch; the scheduler may use diffusers; other things only inside functions."""
    foreign = []
    for file, tree in trees():
        module = name_of(file)
        floor = floor_of(module)
        if floor is None or (floor > 1 and "integrations" not in module):
            continue
        shapes = module.startswith("ladr.shapes")
        allowed = (LIGHT - {"torch"} if shapes else LIGHT) | (
            {"diffusers"} if "integrations" in module else set()
        )
        for name, line, top in imports(tree):
            root = name.split(".")[0]
            lazy_image = shapes and root == "PIL" and not top
            if root not in allowed and root not in sys.stdlib_module_names and not lazy_image:
                foreign.append(f"{file.relative_to(SRC)}:{line} imports {name}")
    assert not foreign, foreign


def test_figures_never_import_torch():
    for file, tree in trees():
        if name_of(file).startswith("ladr.figures"):
            assert not [name for name, *_ in imports(tree) if name.split(".")[0] == "torch"], file


def dotted(node):
    """`a.b.c` of a name or attribute chain, else an empty string."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


NUMPY_OK = {"default_rng", "Generator", "SeedSequence", "PCG64", "Philox"}
TORCH_DRAWS = {"rand", "randn", "randint", "randperm", "multinomial", "bernoulli", "normal"}
IN_PLACE_DRAWS = {"uniform_", "normal_", "exponential_", "bernoulli_", "random_", "geometric_", "cauchy_"}
FORBIDDEN_IMPORTS = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "random"}


def offences(tree, weights=False):
    """(line, what) of everything that the project does without.

    weights: the file may seed torch's own stream for initial weights, which take no generator.
    """
    for name, line, _ in imports(tree):
        if name.split(".")[0] in FORBIDDEN_IMPORTS:
            yield line, f"import {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            path = dotted(node)
            if path in ("torch.load", "torch.save", "torch.seed"):
                yield node.lineno, path
            if path == "torch.manual_seed" and not weights:
                yield node.lineno, path
            for prefix in ("np.random.", "numpy.random."):
                if path.startswith(prefix) and path.removeprefix(prefix).split(".")[0] not in NUMPY_OK:
                    yield node.lineno, path
        initial = weights and isinstance(node, ast.Call) and dotted(node.func).startswith("torch.nn.init.")
        if isinstance(node, ast.Call) and not initial:
            yield from call_offences(node)


def call_offences(node):
    path, given = dotted(node.func), {k.arg: k.value for k in node.keywords}
    last = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    draws = path in {f"torch.{d}" for d in TORCH_DRAWS} or last in {"multinomial", *IN_PLACE_DRAWS}
    if draws and "generator" not in given:
        yield node.lineno, f"{path or last} without a generator"
    if last == "default_rng" and not node.args and "seed" not in given:
        yield node.lineno, "default_rng without a seed"
    trust = given.get("trust_remote_code")
    if trust is not None and not (isinstance(trust, ast.Constant) and trust.value is False):
        yield node.lineno, "trust_remote_code"
    if path in ("eval", "exec"):
        yield node.lineno, path


def test_no_pickle_no_global_randomness_no_remote_code():
    found = []
    for file, tree in trees():
        weights = file.relative_to(SRC).parts[0] in ("training", "backbones")
        found += [f"{file.relative_to(SRC)}:{line} {what}" for line, what in offences(tree, weights)]
    assert not found, found


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import pickle", "pickle"),
        ("from random import choice", "random"),
        ("import torch\ntorch.load('x')", "torch.load"),
        ("import numpy as np\nnp.random.rand(3)", "np.random.rand"),
        ("import numpy as np\nnp.random.default_rng()", "without a seed"),
        ("torch.rand(3)", "without a generator"),
        ("torch.manual_seed(3)", "torch.manual_seed"),
        ("x.uniform_(0, 1)", "without a generator"),
        ("f(trust_remote_code=True)", "trust_remote_code"),
        ("eval('1')", "eval"),
    ],
)
def test_the_walk_sees_offences(code, what):
    assert any(what in found for _, found in offences(ast.parse(code)))


def test_the_walk_lets_seeded_randomness_pass():
    code = "np.random.default_rng(3)\ntorch.rand(3, generator=g)\nx.normal_(generator=g)\nrng.random(3)"
    assert not list(offences(ast.parse(code)))


@pytest.mark.parametrize("name", ["utils.py", "helpers.py", "misc.py", "common.py"])
def test_no_drawer_for_everything(name):
    assert not [f for f in FILES if f.name == name]


HEAVY = ("transformers", "diffusers", "mlflow", "pandas", "matplotlib", "scipy", "pydantic", "typer", "PIL")


def test_importing_the_package_stays_light():
    code = "import sys, ladr; ladr.build('ladr'); print([m for m in sys.argv[1:] if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code, *HEAVY], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


NAMED_TUPLE = {"_replace", "_asdict", "_fields"}


def private(name):
    return name.startswith("_") and not name.startswith("__")


def trespasses(tree):
    """(line, name) of every underscore name of this package that is used outside the file that has it."""
    own = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
    own |= {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    roots = {"self", "cls", "torch", "sys", "os"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ladr":
            yield from ((node.lineno, alias.name) for alias in node.names if private(alias.name))
        if isinstance(node, ast.Attribute) and private(node.attr) and node.attr not in NAMED_TUPLE | own:
            root = dotted(node).split(".")
            if root[0] not in roots or (root[0] in ("self", "cls") and len(root) > 2):
                yield node.lineno, node.attr


def test_underscore_names_stay_in_their_files():
    found = [f"{f.relative_to(SRC)}:{line} {name}" for f, tree in trees() for line, name in trespasses(tree)]
    assert not found, found


@pytest.mark.parametrize("code", ["from ladr.x import _y", "x._y(1)", "self.x._y"])
def test_the_walk_sees_trespasses(code):
    assert list(trespasses(ast.parse(code)))


def test_the_walk_lets_own_names_pass():
    code = "from ladr.x import y\nself._a = 1\nother._a\nself._b()\ntorch.cpu._c()\nx._replace(a=1)"
    assert not list(trespasses(ast.parse(code)))
