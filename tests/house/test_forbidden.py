"""What no module of the package does: heavy imports, pickle, randomness without a seed, trespasses."""

import ast
import subprocess
import sys

import pytest

from house.imports import PACKAGE, files, module_of, tree_of
from house.layout import FLOOR_OF


def trees():
    for file in files(PACKAGE):
        yield file, tree_of(file)


def imports(tree):
    """(module, line, at the top level) of every import statement."""
    top = set(map(id, ast.iter_child_nodes(tree)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.lineno, id(node) in top


LIGHT = {"torch", "numpy", "scipy", "ladr"}


def test_the_lower_floors_import_torch_numpy_and_scipy_only():
    """shapes/ does without torch; the scheduler may use diffusers; other things only inside functions."""
    foreign = []
    for file, tree in trees():
        module = module_of(file, PACKAGE)
        floor = FLOOR_OF.get(file.relative_to(PACKAGE).parts[0])
        if floor is None or (floor > 1 and "integrations" not in module):
            continue
        shapes = module.startswith("ladr.shapes")
        draws = shapes or module == "ladr.decoding.film"
        allowed = (LIGHT - {"torch"} if shapes else LIGHT) | (
            {"diffusers"} if "integrations" in module else set()
        )
        for name, line, top in imports(tree):
            root = name.split(".")[0]
            lazy_image = draws and root == "PIL" and not top
            if root not in allowed and root not in sys.stdlib_module_names and not lazy_image:
                foreign.append(f"{file.relative_to(PACKAGE)}:{line} imports {name}")
    assert not foreign, foreign


def test_figures_never_import_torch():
    for file, tree in trees():
        if module_of(file, PACKAGE).startswith("ladr.figures"):
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
    path = dotted(node.func)
    keywords = {k.arg: k.value for k in node.keywords}
    last = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    draws = path in {f"torch.{d}" for d in TORCH_DRAWS} or last in {"multinomial", *IN_PLACE_DRAWS}
    if draws and "generator" not in keywords:
        yield node.lineno, f"{path or last} without a generator"
    if last == "default_rng" and not node.args and "seed" not in keywords:
        yield node.lineno, "default_rng without a seed"
    trust = keywords.get("trust_remote_code")
    if trust is not None and not (isinstance(trust, ast.Constant) and trust.value is False):
        yield node.lineno, "trust_remote_code"
    if path in ("eval", "exec"):
        yield node.lineno, path


def test_no_pickle_no_global_randomness_no_remote_code():
    seen = []
    for file, tree in trees():
        weights = file.relative_to(PACKAGE).parts[0] in ("training", "backbones")
        seen += [f"{file.relative_to(PACKAGE)}:{line} {what}" for line, what in offences(tree, weights)]
    assert not seen, seen


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
    assert any(what in offence for _, offence in offences(ast.parse(code)))


def test_the_walk_lets_seeded_randomness_pass():
    code = "np.random.default_rng(3)\ntorch.rand(3, generator=g)\nx.normal_(generator=g)\nrng.random(3)"
    assert not list(offences(ast.parse(code)))


@pytest.mark.parametrize("name", ["utils.py", "helpers.py", "misc.py", "common.py"])
def test_no_drawer_for_everything(name):
    assert not [f for f in files(PACKAGE) if f.name == name]


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
    outside = [
        f"{f.relative_to(PACKAGE)}:{line} {name}" for f, tree in trees() for line, name in trespasses(tree)
    ]
    assert not outside, outside


@pytest.mark.parametrize("code", ["from ladr.x import _y", "x._y(1)", "self.x._y"])
def test_the_walk_sees_trespasses(code):
    assert list(trespasses(ast.parse(code)))


def test_the_walk_lets_own_names_pass():
    code = "from ladr.x import y\nself._a = 1\nother._a\nself._b()\ntorch.cpu._c()\nx._replace(a=1)"
    assert not list(trespasses(ast.parse(code)))


REMOVES = {"unlink", "rmtree", "rmdir", "removedirs"}


def removals(tree):
    """(line, name) of every call that removes a file or a folder."""
    for node in ast.walk(tree):
        function = node.func if isinstance(node, ast.Call) else None
        if not isinstance(function, ast.Attribute):
            continue
        if function.attr in REMOVES or dotted(function) == "os.remove":
            yield node.lineno, function.attr


def test_one_module_does_all_removing():
    """It removes inside a folder that the caller owns, and nothing else."""
    offenders = [
        f"{file.relative_to(PACKAGE)}:{line} {name}"
        for file, tree in trees()
        for line, name in removals(tree)
        if file != PACKAGE / "base/removal.py"
    ]
    assert not offenders, offenders


@pytest.mark.parametrize("code", ["path.unlink()", "shutil.rmtree(x)", "os.remove('x')", "os.rmdir('x')"])
def test_the_walk_sees_removals(code):
    assert list(removals(ast.parse(code)))
