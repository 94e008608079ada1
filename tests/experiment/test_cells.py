"""Cells: an id is a function of the spec, and of nothing else."""

import json
from dataclasses import replace

import pytest

from ladr.backbones import BACKBONES
from ladr.base.errors import LadrError
from ladr.experiment.cell import canonical, id_of
from ladr.experiment.lines import budget
from ladr.experiment.plan.cut import cut
from tiny import TEXT, cell_of, tiny


def ids(folder, text=TEXT):
    return list(tiny(folder, text)[1].cells)


def test_every_row_has_a_cell_and_equal_specs_share_one(tmp_path):
    _, grid = tiny(tmp_path)
    assert [line.name for line in grid.lines] == [
        "cosine", "matched", "ladr", "halton", "near", "far",
        "phases.structure.alpha=0.3", "phases.structure.alpha=0.6",
    ]  # fmt: skip
    assert cell_of(grid, "phases.structure.alpha=0.3") is cell_of(grid, "ladr")
    assert len(grid.cells) == 7


def test_an_id_is_its_specs_alone(tmp_path):
    before = ids(tmp_path)
    renamed = TEXT.replace("  ladr:", "  mine:").replace(": ladr}", ": mine}", 1).replace(":ladr", ":mine")
    renamed = renamed.replace("match: ladr", "match: mine").replace("base: ladr", "base: mine")
    assert sorted(ids(tmp_path, renamed)) == sorted(before)
    assert sorted(ids(tmp_path, TEXT.replace("batch_size: 4", "batch_size: 9"))) == sorted(before)
    assert sorted(ids(tmp_path, TEXT.replace("alpha: 0.3}", "alpha: 0.30}"))) == sorted(before)


def test_one_samplers_change_touches_it_and_what_reads_it(tmp_path):
    _, old = tiny(tmp_path)
    _, new = tiny(tmp_path, TEXT.replace("structure: {alpha: 0.3}", "structure: {alpha: 0.5}"))
    same = [
        n for n in ("cosine", "halton", "phases.structure.alpha=0.6") if cell_of(old, n) == cell_of(new, n)
    ]
    assert same == ["cosine", "halton", "phases.structure.alpha=0.6"]
    for name in ("ladr", "matched", "near", "far"):
        assert cell_of(old, name).id != cell_of(new, name).id


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("steps: 8", "steps: 9"),
        ("use: [field]", "use: [field]\nseed: 1"),
        ("use: [field]", "use: [field]\nimages: 2"),
        ("batch_size: 4", "batch_size: 4\n    images: {field-exact: 2}"),
        ("use: [field]", "use: [field]\ntemperature: 0.5"),
        ("codes: 3", "codes: 4"),
        ("{field-exact: 3}", "{field-exact: 4}"),
    ],
)
def test_what_all_tokens_depend_on_changes_every_id(tmp_path, old, new):
    assert not set(ids(tmp_path)) & set(ids(tmp_path, TEXT.replace(old, new, 1)))


def test_versions_are_part_of_the_id(tmp_path):
    _, grid = tiny(tmp_path)
    spec = json.loads(canonical(cell_of(grid, "ladr").spec))
    spec["sampler"]["policy"]["version"] += 1
    assert id_of(spec) not in grid.cells
    spec = json.loads(canonical(cell_of(grid, "ladr").spec))
    spec["benchmark"]["version"] += 1
    assert id_of(spec) not in grid.cells


def test_what_a_cell_needs_comes_before_it(tmp_path):
    _, grid = tiny(tmp_path)
    order = list(grid.cells)
    ladr = cell_of(grid, "ladr").id
    for name in ("matched", "near", "far"):
        cell = cell_of(grid, name)
        assert cell.needs == (ladr,)
        assert order.index(ladr) < order.index(cell.id)
    assert cell_of(grid, "matched").spec["sampler"]["steps"] == {"match": ladr}
    assert cell_of(grid, "near").spec["sampler"]["policy"]["budget"] == f"replay:{ladr}"


ORACLE = TEXT.replace("  halton:", '  oracle: {policy: oracle, of: "tokens:ladr"}\n  halton:')


def test_an_oracle_needs_the_cell_whose_tokens_it_knows_and_is_cut_where_that_is(tmp_path):
    _, grid = tiny(tmp_path, brief(1, ORACLE.replace("{field-exact: 3}", "{field-exact: 34}")))
    source, cell = cell_of(grid, "ladr"), cell_of(grid, "oracle")
    assert cell.needs == (source.id,)
    assert cell.spec["sampler"]["policy"]["of"] == f"tokens:{source.id}"
    assert budget(cell.id, cell.spec["sampler"]) == cell.id
    jobs = cut(grid.cells.values(), lambda one: 400.0 if one is source else 10.0, 4)
    assert jobs.shards[cell.id] == jobs.shards[source.id]
    other = ORACLE.replace("structure: {alpha: 0.3}", "structure: {alpha: 0.5}")
    assert cell_of(tiny(tmp_path, other)[1], "oracle").id != cell_of(tiny(tmp_path, ORACLE)[1], "oracle").id
    with pytest.raises(LadrError, match=r"'ladrr' is not known \(did you mean 'ladr'"):
        tiny(tmp_path, ORACLE.replace("tokens:ladr", "tokens:ladrr"))
    with pytest.raises(LadrError, match="'oracle' refers to itself"):
        tiny(tmp_path, ORACLE.replace("tokens:ladr", "tokens:oracle"))


def test_the_budget_of_a_row_that_decodes_again_is_refused_and_its_passes_are_not(tmp_path):
    again = "  again: {policy: tries, of: {policy: doubt}}\n  halton:"
    text = TEXT.replace("match: ladr}", "match: again}").replace("  halton:", again)
    _, grid = tiny(tmp_path, text)
    assert cell_of(grid, "matched").spec["sampler"]["steps"] == {"match": cell_of(grid, "again").id}
    with pytest.raises(LadrError, match=r"near: 'replay:again' is not allowed; 'again' may decode a picture"):
        tiny(tmp_path, text.replace("replay:ladr", "replay:again"))


def test_rows_that_need_each_other_in_a_circle(tmp_path):
    text = TEXT.replace("halton: {policy: halton}", "halton: {policy: halton, match: matched}")
    text = text.replace("match: ladr}", "match: halton}")
    with pytest.raises(LadrError, match="circle"):
        tiny(tmp_path, text)


def test_an_ablation_with_more_images_has_a_source_of_its_own(tmp_path):
    text = TEXT.replace("    rows:\n      near", "    images: 2\n    rows:\n      near")
    _, grid = tiny(tmp_path, text)
    source = grid.cells[cell_of(grid, "near").needs[0]]
    assert source.id != cell_of(grid, "ladr").id
    assert source.spec["benchmark"]["images"] == 2


def test_cells_are_found_by_id_digits_path_and_row(tmp_path):
    _, grid = tiny(tmp_path)
    cell = cell_of(grid, "halton")
    names = [cell.id, cell.id[-8:], f"results/cells/{cell.id}/cell.json", "halton", "samplers/halton"]
    assert {c.id for n in names for c in grid.find([n])} == {cell.id}
    with pytest.raises(LadrError, match="did you mean 'halton'"):
        grid.find(["haltn"])


def test_a_cell_brings_what_it_needs_and_what_that_needs(tmp_path):
    text = TEXT.replace("halton: {policy: halton}", "halton: {policy: halton, match: matched}")
    _, grid = tiny(tmp_path, text)
    names = ("ladr", "matched", "halton")
    assert grid.closed([cell_of(grid, "halton")]) == [cell_of(grid, n) for n in names]


def brief(minutes, text=TEXT):
    """The text with jobs of so many minutes."""
    return text.replace("    batch_size: 4\n", f"    batch_size: 4\n    job_minutes: {minutes}\n")


def batches_of(grid, seconds=60.0):
    jobs = cut(grid.cells.values(), lambda cell: seconds, 4)
    return [[grid.cells[i] for i in batch] for batch in jobs.batches]


def test_batches_keep_order_and_one_kind_each(tmp_path):
    _, grid = tiny(
        tmp_path, brief(2, TEXT.replace("    rows:\n      near", "    images: 2\n    rows:\n      near"))
    )
    groups = batches_of(grid)
    assert all(len(g) <= 2 and len({c.key for c in g}) == 1 for g in groups)
    assert sorted(c.id for g in groups for c in g) == sorted(grid.cells)
    place = {c.id: i for i, g in enumerate(groups) for c in g}
    assert all(place[need] <= place[c.id] for c in grid.cells.values() for need in c.needs)


def test_what_others_read_is_alone_in_the_first_batch_of_several(tmp_path):
    _, grid = tiny(tmp_path, brief(3))
    source = cell_of(grid, "ladr")
    first, *others = batches_of(grid)
    assert [cell.id for cell in first] == [source.id]
    rest = [cell for group in others for cell in group]
    assert sorted(rest, key=lambda cell: bool(cell.needs)) == rest
    assert len(batches_of(grid, 1.0)) == 1


def test_a_cell_longer_than_a_job_is_cut_at_parts_and_a_replay_where_its_source_is(tmp_path):
    _, grid = tiny(tmp_path, brief(1, TEXT.replace("{field-exact: 3}", "{field-exact: 34}")))
    long = {cell_of(grid, "ladr").id: 400.0, cell_of(grid, "far").id: 300.0}
    jobs = cut(grid.cells.values(), lambda cell: long.get(cell.id, 10.0), 4)
    assert set(jobs.shards) == {*long, cell_of(grid, "near").id}, "near replays ladr, and is cut like it"
    spans = jobs.shards[cell_of(grid, "ladr").id]
    assert len(spans) == 7
    assert all(spans == others for others in jobs.shards.values())
    assert [span[0] for span in spans] == [0, *(span[1] for span in spans[:-1])]
    assert spans[-1][1] == 102
    assert all(stop % 4 == 0 for _, stop in spans[:-1])
    assert sorted([*jobs.shards, *(i for batch in jobs.batches for i in batch)]) == sorted(grid.cells)


def test_every_backbone_has_a_version():
    assert all(name == kind.name for name, kind in BACKBONES.items())
    assert all(isinstance(kind.version, int) and kind.version >= 1 for kind in BACKBONES.values())


def test_a_backbones_new_version_makes_new_cells(tmp_path, monkeypatch):
    before = tiny(tmp_path)[1].cells
    assert {cell.spec["backbone"]["version"] for cell in before.values()} == {BACKBONES["field"].version}
    field = BACKBONES["field"]
    monkeypatch.setitem(BACKBONES, "field", replace(field, version=field.version + 1))
    after = tiny(tmp_path)[1].cells
    assert {cell.spec["backbone"]["version"] for cell in after.values()} == {BACKBONES["field"].version}
    assert not set(before) & set(after)


def test_images_are_the_groups_or_the_backbones_or_the_files(tmp_path):
    own = TEXT.replace("batch_size: 4", "batch_size: 4\n    images: {field-exact: 2}")
    own = own.replace("use: [field]", "use: [field]\nimages: 5")
    grouped = own.replace("fig:\n", "fig:\n    images: 3\n")
    _, grid = tiny(tmp_path, own)
    assert {cell.spec["benchmark"]["images"] for cell in grid.cells.values()} == {2}
    _, grid = tiny(tmp_path, grouped)
    assert cell_of(grid, "near").spec["benchmark"]["images"] == 3
    assert cell_of(grid, "ladr").spec["benchmark"]["images"] == 2
    _, grid = tiny(tmp_path, own.replace("fig:\n", "fig:\n    images: {field: 4}\n"))
    assert cell_of(grid, "near").spec["benchmark"]["images"] == 4


def test_a_groups_images_of_another_backbone_are_not_ours(tmp_path):
    two = TEXT.replace("backbones:\n", "backbones:\n  mixture: {benchmarks: {mini-t2i: 1}}\n", 1)
    text = two.replace("fig:\n", "fig:\n    images: {mixture: 4}\n")
    text = text.replace("alpha:\n", "alpha:\n    images: {field: 3}\n", 1)
    _, grid = tiny(tmp_path, text)
    assert cell_of(grid, "near").spec["benchmark"]["images"] == 1
    swept = [grid.cells[line.cell] for line in grid.lines if line.group == "sweeps/alpha"]
    assert {cell.spec["benchmark"]["images"] for cell in swept} == {3}
