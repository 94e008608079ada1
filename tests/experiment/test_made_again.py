"""What is made again when code changes is computed from imports: an edit to any file that counts is seen."""

import re
import shutil

import pytest

from ladr.base.imports import PACKAGE, files_of, sha256_of
from ladr.cli.figures import names

FIGURES = [f"ladr.figures.{name}" for name in names()]
BANK = "ladr.backbones.exact.scenes"
AUDIT, INDEX, THEORY = "ladr.paper.audit.audit", "ladr.figures.frame.index", "ladr.paper.theory.report"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package that may be edited."""
    folder = tmp_path_factory.mktemp("package") / "ladr"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_the_rules_take_what_these_modules_are_made_of():
    rules = (PACKAGE.parents[1] / "workflow/rules/figures.smk").read_text(encoding="utf-8")
    assert sorted(re.findall(r'\bcode\("(.+)"\)', rules)) == sorted([AUDIT, INDEX, THEORY])


def own(*modules):
    return {path.relative_to(PACKAGE).as_posix() for path in files_of(*modules)}


@pytest.mark.parametrize(
    "modules",
    [[THEORY], [AUDIT], [INDEX], [BANK], FIGURES],
    ids=["theory", "audit", "index", "bank", "figures"],
)
def test_an_edit_to_any_file_that_counts_is_seen_and_no_other(copy, modules):
    before = sha256_of(*modules, package=copy)
    assert before == sha256_of(*modules)
    files = own(*modules)
    for name in sorted(files):
        content = (copy / name).read_bytes()
        (copy / name).write_bytes(content + b"\n")
        assert sha256_of(*modules, package=copy) != before, name
        (copy / name).write_bytes(content)
    others = [path for path in copy.rglob("*.py") if path.relative_to(copy).as_posix() not in files]
    texts = {path: path.read_bytes() for path in others}
    for path in others:
        path.write_bytes(texts[path] + b"\n")
    assert sha256_of(*modules, package=copy) == before
    for path in others:
        path.write_bytes(texts[path])


def test_the_theory_is_made_again_when_the_method_changes():
    method = {"loop", "passes", "frontier", "marginals", "checks", "trace", "noise", "schedule", "view"}
    assert {f"decoding/{name}.py" for name in method} <= own(THEORY)
    assert {"backbones/exact/field.py", "backbones/exact/transfer.py", "decoding/policies/ladr.py"} <= own(
        THEORY
    )
    assert not any(name.startswith(("figures/", "cli/", "training/")) for name in own(THEORY))


def test_the_audit_is_made_again_when_a_printed_number_changes():
    tables = {path.relative_to(PACKAGE).as_posix() for path in (PACKAGE / "paper").glob("*.csv")}
    assert tables <= own(AUDIT)
    assert all(name.startswith(("paper/", "base/")) for name in own(AUDIT))


def test_nothing_of_it_loads_a_backbone_by_name():
    """What is imported by an address in a table does not count, so nothing here may need it."""
    for path in files_of(THEORY, AUDIT, INDEX, BANK, *FIGURES):
        text = path.read_text(encoding="utf-8") if path.suffix == ".py" else ""
        assert not re.search(
            r"backbones import .*load|backbones\.load\(|from ladr import (?!backbones)", text
        ), path


def test_a_figure_is_not_drawn_again_because_the_loop_changed():
    method = {name for name in own(*FIGURES) if name.startswith("decoding/")}
    assert method == {"decoding/policies/replay.py"}
    assert "figures/gallery.html" in own("ladr.figures.gallery")
    assert "paper/results.csv" in own("ladr.figures.paper_tables")
    assert "paper/results.csv" not in own("ladr.figures.quality")
