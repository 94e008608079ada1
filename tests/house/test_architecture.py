"""The building itself: twelve rooms, imports that only go down, no circles, and limits that a file keeps.

Each rule is also seen to fail on a small package that breaks it.
"""

from pathlib import Path

import pytest

from house import layout, limits
from house.imports import PACKAGE

TESTS = Path(__file__).parents[1]


def test_there_are_twelve_rooms_and_nothing_else():
    assert len(layout.FLOOR_OF) == 12
    assert layout.misplaced(PACKAGE) == []


def test_imports_only_go_down():
    assert layout.upward(PACKAGE) == []


def test_tests_mirror_the_rooms():
    assert layout.unmirrored(PACKAGE, TESTS) == []


def test_no_files_import_each_other():
    assert layout.circular(PACKAGE) == []


@pytest.mark.parametrize("rule", limits.RULES)
def test_limits_hold(rule):
    assert limits.RULES[rule](PACKAGE) == []


# ----- planted violations


@pytest.fixture
def package(tmp_path):
    """A package of twelve rooms without any violation; each room has a module `a`."""
    root = tmp_path / "src" / "ladr"
    for room in layout.FLOOR_OF:
        (root / room).mkdir(parents=True)
        (root / room / "__init__.py").write_text("")
        (root / room / "a.py").write_text("import math\n")
    (root / "__init__.py").write_text("from ladr.cli import a\n")
    (root / "py.typed").write_text("")
    (root / "cli" / "a.py").write_text("from ladr.base import a\nfrom ladr.cli import b\n")
    (root / "cli" / "b.py").write_text("import ladr.figures.a\n")
    return root


def test_a_sound_package_passes(package):
    assert layout.misplaced(package) == layout.upward(package) == layout.circular(package) == []
    assert not [rule(package) for rule in limits.RULES.values() if rule(package)]


@pytest.mark.parametrize("entry", ["attic/__init__.py", "attic.py", "notes.txt"])
def test_a_thirteenth_entry_is_seen(package, entry):
    (package / entry).parent.mkdir(exist_ok=True)
    (package / entry).write_text("")
    assert layout.misplaced(package) == [f"{Path(entry).parts[0]} is at the root of the package"]


@pytest.mark.parametrize("entry", ["py.typed", "paper/__init__.py"])
def test_a_missing_entry_is_seen(package, entry):
    (package / entry).unlink()
    assert len(layout.misplaced(package)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "import ladr.cli.a",
        "from ladr.cli import a",
        "from ladr.cli.a import thing",
        "from ladr import cli",
        "from ladr import a",
        "from ..cli import a",
        "from .. import cli",
        "def late():\n    from ladr.cli.a import thing",
        "if TYPE_CHECKING:\n    from ladr.cli import a",
        "HOMES = {'x': 'ladr.cli.a:thing'}",
        "import ladr.training.a",
    ],
)
def test_an_upward_import_is_seen(package, line):
    (package / "experiment" / "a.py").write_text(line)
    assert len(layout.upward(package)) == 1
    assert layout.upward(package)[0].startswith("experiment/a.py:")


def test_a_circle_of_files_is_seen(package):
    (package / "base" / "b.py").write_text("from ladr.base.c import x\n")
    (package / "base" / "c.py").write_text("def late():\n    from . import d\n")
    (package / "base" / "d.py").write_text("import ladr.base.b\n")
    assert layout.circular(package) == [["base/b.py", "base/c.py", "base/d.py"]]


def test_folders_of_tests_that_do_not_mirror_are_seen(package, tmp_path):
    tests = tmp_path / "tests"
    for name in {*layout.FLOOR_OF, "house", "trust", "attic"} - {"paper"}:
        (tests / name).mkdir(parents=True)
    (tests / "test_stray.py").write_text("")
    assert layout.unmirrored(package, tests) == [
        "tests/paper is missing",
        "tests/workflow is missing",
        "tests/attic is no room",
        "tests/test_stray.py belongs in a room",
    ]


LONG = "def f(x):\n" + "    x += 1\n" * 40
WIDE = "a, b, c, d, e, f, g, h, i"


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("long functions", LONG),
        ("long files", "x = 1\n" * 251),
        ("wide functions", f"def f({WIDE}): ..."),
        ("wide functions", "class A:\n    def f(self, a, b, c, d, *e, f, g, h, **i): ..."),
        ("fillers", "found = 1"),
        ("fillers", "for told, x in []: ..."),
        ("fillers", "def f(wanted): ..."),
        ("fillers", "class A:\n    given: int"),
        ("fillers", "self.found = 1"),
        ("fillers", "import x as found"),
        ("fillers", "if (found := 1): ..."),
    ],
)
def test_a_broken_limit_is_seen(package, rule, text):
    (package / "base" / "b.py").write_text(text)
    assert [path for path, _ in limits.RULES[rule](package)] == ["base/b.py"]
    assert not [name for name, other in limits.RULES.items() if name != rule and other(package)]


def test_two_classes_of_one_name_are_seen(package):
    for room in ("base", "paper"):
        (package / room / "b.py").write_text("class Batch: ...\nclass _Own: ...")
    assert [path for path, _ in limits.shared_names(package)] == ["base/b.py", "paper/b.py"]


def test_the_signature_of_a_command_does_not_count(package):
    options = "".join(f"    option{i}: Annotated[int, typer.Option()] = 0,\n" for i in range(39))
    (package / "cli" / "a.py").write_text(f"def f(\n{options}):\n    '''Help.'''\n")
    assert not limits.long_functions(package)
    assert not limits.wide_functions(package)
    (package / "cli" / "a.py").write_text(f"def f(\n{options}):\n" + "    x = 1\n" * 41)
    assert limits.long_functions(package) == [("cli/a.py", "f has 41 lines")]


def test_short_functions_narrow_ones_and_nouns_pass(package):
    (package / "base" / "b.py").write_text("def f(x):\n" + "    x += 1\n" * 39 + f"def g({WIDE[:-3]}): ...")
    (package / "base" / "c.py").write_text("foundation = marginals.found\nprint(told=1)\n")
    assert not [rule(package) for rule in limits.RULES.values() if rule(package)]
