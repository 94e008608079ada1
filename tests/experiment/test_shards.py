"""A cell in shards: any cut, any order, the same files."""

import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import count, pairwise

import pytest
import torch

from ladr import backbones
from ladr.backbones.random.blank import TINY, TINY_LAYOUT, random_checkpoint
from ladr.base.errors import LadrError
from ladr.decoding.caches import CACHES
from ladr.decoding.policies import POLICIES, build
from ladr.experiment.cell import prompts_of
from ladr.experiment.cells import parts
from ladr.experiment.cells.decode import Decoder, Work, images_of, run, run_shard, steps_of
from ladr.experiment.cells.decoded import counts_of, read_tokens, read_trace, tokens_of
from ladr.experiment.cells.join import TOGETHER, join
from ladr.experiment.cells.record import DIGEST
from ladr.experiment.cells.stop import StoppedError
from tiny import TEXT, cell_of, record, tiny

MANY = TEXT.replace("{field-exact: 3}", "{field-exact: 34}")  # 102 images


def quiet(text):
    pass


def cuts(images, count, size):
    """`count` spans of the images, cut at multiples of `size`."""
    units = -(-images // size)
    edges = [min(images, size * (units * i // count)) for i in range(count + 1)]
    return [(a, b) for a, b in pairwise(edges) if a < b]


def in_shards(cell, results, spans, size=1):
    for span in spans:
        run_shard(cell, span, results=results, part=size, say=quiet)
    joined(cell, results)


def joined(cell, results):
    folder = results / "cells" / cell.id
    join(cell, folder, steps_of(cell.spec["sampler"]["steps"], folder.parent))


def without_times(folder):
    """cell.json and the trace but for seconds, times and machine."""
    record = json.loads((folder / "cell.json").read_text())
    del record["provenance"], record["summary"]["seconds"], record["files"]["trace.parquet"], record[DIGEST]
    trace = read_trace(folder)
    del trace["seconds"]
    return record, trace


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("grid"), MANY)[1]


@pytest.fixture(scope="module")
def plain(grid, tmp_path_factory):
    """results/ of three cells, each decoded as a whole."""
    results = tmp_path_factory.mktemp("plain") / "results"
    cells = [cell_of(grid, name) for name in ("ladr", "matched", "far")]
    run(cells, results=results, say=quiet)
    return results


@pytest.mark.parametrize(("name", "count"), [("ladr", 1), ("ladr", 7), ("ladr", 64), ("far", 7)])
def test_files_are_the_same_for_every_cut_and_order(grid, plain, tmp_path, name, count):
    cell, results = cell_of(grid, name), tmp_path / "results"
    assert cell.images > TOGETHER, "more than one group of rows is joined"
    spans = cuts(cell.images, count, 1)
    assert len(spans) == count
    random.Random(count).shuffle(spans)
    if name == "far":
        in_shards(cell_of(grid, "ladr"), results, cuts(cell.images, 5, 1))
    in_shards(cell, results, spans)
    one, two = plain / "cells" / cell.id, results / "cells" / cell.id
    assert (one / "tokens.safetensors").read_bytes() == (two / "tokens.safetensors").read_bytes()
    assert without_times(one) == without_times(two)


ONE = TEXT[: TEXT.index("samplers:")] + "baseline: one\nsamplers:\n  one: {policy: NAME}\n"
ONE += "  cosine: {policy: cosine}\n"  # which the oracle reads
ANSWERED = sorted(
    set(POLICIES) - {"free_correction", "uncoupled"}
)  # which ask for known cells and for attention: an exact model tells neither


@pytest.mark.parametrize("name", ANSWERED)
def test_any_sampler_draws_the_same_in_shards_and_after_a_stop(name, tmp_path):
    _, grid = tiny(tmp_path, ONE.replace("NAME", name))
    cell = cell_of(grid, "one")
    whole, cut, resumed = (tmp_path / place for place in ("whole", "cut", "resumed"))
    for one in grid.closed([cell]):
        run([one], results=whole, say=quiet)
        in_shards(one, cut, cuts(cell.images, 3, 1)[::-1])
        run_shard(one, (0, 4), results=resumed, part=4, say=quiet)
        run([one], results=resumed, part=4, say=quiet)
    tokens = [
        (place / "cells" / cell.id / "tokens.safetensors").read_bytes() for place in (whole, cut, resumed)
    ]
    assert tokens[0] == tokens[1] == tokens[2]


IMAGES = 3  # of nine: two batches
CACHED = """
use: [mixture, shapes]
tracking: false
steps: 4
baseline: cosine-ramp
backbones:
  mixture:
    settings: {scenes: 8, guidance: 3.0, cache: false}
    batch_size: 2
    benchmarks: {mini-geneval: 1}
  shapes:
    settings: {folder: FOLDER}
    batch_size: 2
    benchmarks: {mini-geneval: 1}
samplers:
"""
# By default they mask too few cells again.
SHARES = {name: 0.2 for name in POLICIES if build(name).masks_again}
PRODUCT = [
    *(("mixture", policy, "ramp") for policy in ANSWERED),
    *(("shapes", policy, cache) for policy in sorted(POLICIES) for cache in sorted(CACHES)),
    ("shapes", "free_correction", "none"),
    ("shapes", "uncoupled", "none"),
]


def sampler(policy, cache):
    """The row of that policy with that cache."""
    spec = {"policy": policy} | ({"share": SHARES[policy]} if policy in SHARES else {})
    return spec if cache == "none" else {**spec, "cache": {"name": cache}}


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """(backbone, row) -> its cell, and the loaded backbones: the exact mixture and a tiny network."""
    folder = tmp_path_factory.mktemp("product")
    spoken = {word for prompt in prompts_of("mini-geneval", 1, None)[0] for word in prompt.text.split()}
    config, layout = replace(TINY, n_layers=1), replace(TINY_LAYOUT, grid=(4, 4))
    random_checkpoint(folder / "model", config, layout, words=tuple(sorted(spoken)), parts=1)
    rows = {f"{policy}-{cache}": sampler(policy, cache) for _, policy, cache in PRODUCT}
    rows["cosine"] = {"policy": "cosine"}  # which the oracle reads
    text = CACHED.replace("FOLDER", str(folder / "model"))
    _, grid = tiny(folder, text + "".join(f"  {name}: {json.dumps(row)}\n" for name, row in rows.items()))
    cells = {(line.backbone, line.name): grid.cells[line.cell] for line in grid.lines}
    specs = {backbone: cell.spec["backbone"] for (backbone, _), cell in cells.items()}
    loaded = {name: backbones.load(spec["name"], **spec["settings"]) for name, spec in specs.items()}
    return cells, loaded


@pytest.mark.parametrize(("backbone", "policy", "cache"), PRODUCT)
def test_any_policy_with_any_cache_draws_the_same_in_shards_and_after_a_stop(
    product, tmp_path, backbone, policy, cache
):
    cells, loaded = product
    cell, looks = cells[backbone, f"{policy}-{cache}"], count()

    def never():
        return False

    def decoded(place, *spans, stop=never):
        folder = tmp_path / place / cell.id
        for read in cell.needs:
            own = folder.with_name(read)
            Work(cells[backbone, "cosine"], (0, IMAGES), own, IMAGES).fill(
                lambda: loaded[backbone], never, quiet
            )
        for span in spans:
            Work(cell, span, folder, IMAGES).fill(lambda: loaded[backbone], stop, quiet)
        return parts.joined(list(parts.cover(folder, (0, IMAGES))))

    whole = decoded("whole", (0, IMAGES))
    cut = decoded("cut", (1, IMAGES), (0, 1))
    passes = int(torch.bincount(whole.trace["image"])[:2].max())  # then the first batch is complete
    with pytest.raises(StoppedError, match=f"[1-{IMAGES}] of {IMAGES} images are saved"):
        decoded("resumed", (0, IMAGES), stop=lambda: next(looks) >= passes)
    resumed = decoded("resumed", (0, IMAGES))
    assert torch.equal(cut.tensors["tokens"], whole.tensors["tokens"])
    assert torch.equal(resumed.tensors["tokens"], whole.tensors["tokens"])


def test_a_replay_needs_the_trace_of_its_own_images_alone(grid, plain, tmp_path):
    results, source, cell = tmp_path / "results", cell_of(grid, "ladr"), cell_of(grid, "far")
    run_shard(source, (40, 60), results=results, part=1, say=quiet)
    run_shard(cell, (44, 56), results=results, part=1, say=quiet)
    folder = results / "cells" / cell.id
    tokens = parts.joined(list(parts.cover(folder, (44, 56)))).tensors["tokens"]
    assert torch.equal(tokens, read_tokens(plain / "cells" / cell.id)["tokens"][44:56])
    assert counts_of(folder, (44, 56)) == counts_of(plain / "cells" / source.id)[44:56]
    with pytest.raises(LadrError, match="run `ladr run"):
        run_shard(cell, (56, 64), results=results, part=1, say=quiet)


def test_an_oracle_needs_the_tokens_of_its_own_images_alone(tmp_path):
    text = MANY.replace("  halton:", '  oracle: {policy: oracle, of: "tokens:cosine"}\n  halton:')
    _, grid = tiny(tmp_path, text)
    slow, cell = cell_of(grid, "cosine"), cell_of(grid, "oracle")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    with pytest.raises(LadrError, match="not decoded yet; run `ladr run"):
        run([cell], results=whole, say=quiet)
    run([slow, cell], results=whole, part=32, say=quiet)
    final, own = (read_tokens(whole / "cells" / one.id)["tokens"] for one in (slow, cell))
    assert 0.9 < (own == final).float().mean() <= 1
    assert record(whole / "cells" / cell.id / "cell.json")["summary"]["passes"] < 8
    run_shard(slow, (40, 60), results=cut, part=7, say=quiet)
    run_shard(cell, (44, 56), results=cut, part=5, say=quiet)
    pieces = list(parts.cover(cut / "cells" / cell.id, (44, 56)))
    assert torch.equal(parts.joined(pieces).tensors["tokens"], own[44:56])
    assert torch.equal(tokens_of(cut / "cells" / slow.id, (44, 56)), final[44:56].long())
    with pytest.raises(LadrError, match="run `ladr run"):
        run_shard(cell, (56, 64), results=cut, part=1, say=quiet)


def test_a_cell_that_lacks_images_is_not_joined(grid, tmp_path):
    results, cell = tmp_path / "results", cell_of(grid, "ladr")
    run_shard(cell, (0, 40), results=results, say=quiet)
    run_shard(cell, (44, 102), results=results, say=quiet)
    with pytest.raises(LadrError, match=r"4 of 102 images are missing \(the first: 40 to 43\)"):
        joined(cell, results)
    assert not (results / "cells" / cell.id / "cell.json").exists()


def test_a_part_of_another_cell_is_refused(grid, tmp_path):
    results, cell, other = tmp_path / "results", cell_of(grid, "ladr"), cell_of(grid, "halton")
    run_shard(other, (0, 102), results=results, say=quiet)
    run_shard(cell, (0, 52), results=results, say=quiet)
    foreign = parts.shard_file(results / "cells" / other.id, (0, 102))
    foreign.rename(parts.shard_file(results / "cells" / cell.id, (0, 102)))
    with pytest.raises(LadrError, match=f"belongs to cell {other.id}"):
        joined(cell, results)
    with pytest.raises(LadrError, match=f"belongs to cell {other.id}"):
        run_shard(cell, (52, 102), results=results, say=quiet)


def test_parts_of_another_cut_are_used(grid, plain, tmp_path):
    results, cell = tmp_path / "results", cell_of(grid, "ladr")
    for span in ((0, 50), (30, 80)):
        run_shard(cell, span, results=results, part=1, say=quiet)
    seen = []
    run_shard(cell, (40, 81), results=results, part=1, say=seen.append)
    assert len(seen) == 1, "images that a part held were decoded again"
    in_shards(cell, results, [(81, 102)])
    tokens = [read_tokens(place / "cells" / cell.id)["tokens"] for place in (plain, results)]
    assert torch.equal(*tokens)


def test_a_decode_that_is_stopped_leaves_its_finished_images(grid, plain, tmp_path):
    from ladr import backbones

    cell, asked = cell_of(grid, "ladr"), []
    backbone = backbones.load("field", **cell.spec["backbone"]["settings"])
    decoder = Decoder(cell, backbone, images_of(cell), tmp_path)
    pieces = decoder.finished(8, 40, lambda: asked.append(0) or len(asked) > 20)
    images = sum(piece.stop - piece.start for piece in pieces)
    assert 0 < images < 32
    whole = read_tokens(plain / "cells" / cell.id)["tokens"]
    for piece in pieces:
        assert torch.equal(piece.tensors["tokens"], whole[piece.start : piece.stop])
        assert set(piece.trace["image"].tolist()) == set(range(piece.start, piece.stop))


@pytest.mark.parametrize("looks", [0, 1])
def test_a_decode_that_is_stopped_at_once_leaves_nothing(grid, tmp_path, looks):
    from ladr import backbones

    cell, asked = cell_of(grid, "ladr"), []
    backbone = backbones.load("field", **cell.spec["backbone"]["settings"])
    decoder = Decoder(cell, backbone, images_of(cell), tmp_path)
    assert decoder.finished(8, 40, lambda: asked.append(0) or len(asked) > looks) == []


SCRIPT = """
import sys
from ladr.cli.main import answer
sys.exit(answer(["run", sys.argv[1], "--images", sys.argv[2], "--wait"]))
"""


def test_sigterm_saves_what_is_finished_and_the_rest_is_made_by_the_next_run(tmp_path):
    """The job's time is up while it decodes the second part of its span."""
    text = TEXT.replace("{field-exact: 3}", "{field-exact: 100}").replace("part: 4", "part: 100")
    _, grid = tiny(tmp_path, text)
    cell, span = cell_of(grid, "halton"), (0, 300)
    folder = tmp_path / "results/cells" / cell.id
    words = [sys.executable, "-c", SCRIPT, cell.id, parts.span_text(span)]
    process = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while not list((folder / "parts").glob("[0-9]*.safetensors")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    text = process.communicate()[1]
    assert process.returncode == 143
    assert "stopped by SIGTERM" in text
    saved = sum(part.stop - part.start for part in parts.cover(folder, span))
    assert 100 <= saved < 300, "it did not run to the end"
    seen = []
    run_shard(cell, span, results=tmp_path / "results", part=100, say=seen.append)
    assert seen[-1].startswith(f"{cell.id}: 300/300 images")
    joined(cell, tmp_path / "results")
    run([cell], results=tmp_path / "calm", part=100, say=quiet)
    pair = [read_tokens(tmp_path / name / "cells" / cell.id)["tokens"] for name in ("results", "calm")]
    assert torch.equal(*pair)
