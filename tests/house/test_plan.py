"""docs/architecture.md shows the house as it is: the picture, and every file and function that it names."""

import ast
import re

import pytest

from house import plan
from house.imports import PACKAGE, rooms, tree_of

ROOT = PACKAGE.parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MODULE = re.compile(r"`([\w/]+\.py)(?::([\w.]+))?`")
FILE = re.compile(r"`([\w-]+\.(?:md|png))`")
RULES = re.compile(r"`(\w+\.smk)`")


def has(tree, name):
    """Does the module define `function`, `Class` or `Class.method`?"""
    first, _, rest = name.partition(".")
    for node in tree.body:
        if getattr(node, "name", None) == first:
            return not rest or has(node, rest)
    return False


def test_the_picture_is_drawn_from_the_imports_of_today():
    shown = plan.TARGET.read_text(encoding="utf-8")
    assert shown == plan.draw(PACKAGE), "`make plan` draws docs/images/house.svg again"


def test_another_import_changes_the_picture(tmp_path):
    for room in rooms(PACKAGE):
        (tmp_path / "ladr" / room).mkdir(parents=True)
        (tmp_path / "ladr" / room / "__init__.py").write_text("")
    before = plan.draw(tmp_path / "ladr")
    (tmp_path / "ladr" / "paper" / "a.py").write_text("import ladr.base")
    assert plan.draw(tmp_path / "ladr") != before


def test_arrows_that_follow_from_others_are_left_out():
    assert plan.needed({("a", "b"), ("b", "c"), ("a", "c")}) == [("a", "b"), ("b", "c")]


@pytest.mark.parametrize(("path", "name"), sorted(set(MODULE.findall(PAGE))))
def test_named_modules_and_functions_exist(path, name):
    assert (PACKAGE / path).is_file()
    assert not name or has(tree_of(PACKAGE / path), name)


@pytest.mark.parametrize("name", sorted(set(FILE.findall(PAGE))))
def test_named_files_are_drawn(name):
    assert list((ROOT / "figures/published").rglob(name))


def test_named_rule_files_exist():
    names = set(RULES.findall(PAGE))
    assert names
    assert not [name for name in names if not (ROOT / "workflow" / "rules" / name).is_file()]


def test_contributing_names_files_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = set(re.findall(r"`?((?:src|tests|docs)/[\w/.]*\w)", text))
    assert len(paths) > 10
    assert not [path for path in sorted(paths) if not (ROOT / path).exists()]


def test_a_room_has_a_line_of_the_map():
    assert {line.split("`")[1] for line in PAGE.splitlines() if re.match(r"\| `\w+` \|", line)} == rooms(
        PACKAGE
    )


@pytest.mark.parametrize("item", [f"Table {n}," for n in range(1, 6)] + [f"Figure {n}," for n in range(1, 7)])
def test_every_table_and_figure_of_the_paper_has_a_line(item):
    assert f"| {item}" in PAGE


def test_a_missing_function_is_seen():
    tree = ast.parse("class A:\n    def f(self): ...\ndef g(): ...")
    assert has(tree, "A.f")
    assert has(tree, "g")
    assert not has(tree, "A.g")
    assert not has(tree, "f")
