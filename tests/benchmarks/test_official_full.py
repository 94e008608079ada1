"""All images of the four benchmarks, small ones: out, checked, and their results back, in flat memory."""

import time
import tracemalloc

import numpy as np
import pytest

import official_files as made
from ladr.benchmarks.official import dpg, dpg_results, geneval, t2i, unigen
from ladr.benchmarks.official.folder import check, export

RECORD = {"cell": "c", "sampler": "s", "seed": 0}
LOAD = {"geneval": geneval.load, "unigen": unigen.load, "dpg": dpg.load, "t2i": t2i.load}
MINUTES, MEBIBYTES = 20, 64


def picture(i, j):
    return np.random.Generator(np.random.PCG64([i, j])).integers(0, 256, (16, 16, 3), dtype=np.uint8)


def results(name, suite, prompts, folder):
    """Result files of the official form, read back."""
    if name == "geneval":
        return geneval.import_results(suite, made.geneval_results(suite, folder / "g.jsonl"))
    if name == "unigen":
        return unigen.import_results(suite, made.unigen_results(suite, folder / "u.csv"))
    if name == "dpg":
        questions, _ = dpg.load_questions(prompts / "dpg/dpg_bench.csv", suite)
        detail = made.dpg_detail(suite, questions, folder / "d.txt")
        return dpg_results.import_results(suite, questions, detail)
    for category in t2i.CATEGORIES:
        made.t2i_result(suite, folder / "t", category, 0.5)
    return t2i.import_results(suite, folder / "t")


def there_and_back(folder, names):
    """How many images of `names` went out, were found whole and got their results back; in what memory."""
    prompts, images, held = made.prompts(folder / "prompts"), 0, 0
    tracemalloc.start()
    try:
        for name in names:
            suite = LOAD[name](prompts / name)
            tracemalloc.reset_peak()
            export(suite, folder / name, picture, RECORD)
            report = check(suite, folder / name)
            held = max(held, tracemalloc.get_traced_memory()[1])
            assert report.ok, list(report.faults.items())[:3]
            assert results(name, suite, prompts, folder).scorer == "official"
            images += suite.images
    finally:
        tracemalloc.stop()
    return images, held


def test_all_of_geneval_goes_out_and_comes_back_in_flat_memory(tmp_path):
    images, held = there_and_back(tmp_path, ["geneval"])
    assert images == 2_212
    assert held < MEBIBYTES * 2**20


@pytest.mark.slow
def test_a_full_size_run_goes_out_and_comes_back_in_minutes_and_flat_memory(tmp_path):
    began = time.monotonic()
    images, held = there_and_back(tmp_path, LOAD)
    assert images == 26_872
    assert held < MEBIBYTES * 2**20
    assert time.monotonic() - began < 60 * MINUTES
