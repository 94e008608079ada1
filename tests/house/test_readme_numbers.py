"""The numbers of README that have no interval beside them are those of the committed tables as well."""

import csv
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "figures/published"
README = " ".join((ROOT / "README.md").read_text(encoding="utf-8").replace("*", "").split())
NUMBER = r"(\d+(?:\.\d+)?)"
EXACT, TRAINED = "mixture", "shapes"


def lines(file):
    return list(csv.DictReader((PUBLISHED / file).open(encoding="utf-8")))


def row(folder, name, column="Overall", suite="mini-geneval"):
    """The line of a sampler and a column in the published table of a folder."""
    table = lines(f"{folder}/table-{suite}-{folder}.csv")
    (one,) = (x for x in table if (x["group"], x["name"], x["column"]) == ("samplers", name, column))
    return one


def passes(folder, name, suite="mini-geneval"):
    table = lines(f"{folder}/table-{suite}-{folder}.csv")
    return float(next(x for x in table if x["name"] == name)["passes"])


def said(words):
    """The numbers at the places of N in a sentence of README, which must be there once."""
    (sentence,) = re.finditer(words.replace("N", NUMBER), README)
    return sentence.groups()


def written(number, text):
    """Would the number be written like that?"""
    return abs(float(number) - float(text)) <= 0.5 * 10 ** -len(text.partition(".")[2]) + 1e-9


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (r"\| Plain \(cosine\) \| N \| N ", "cosine"),
        (r"\| Plain \| (10) \| N ", "cosine_matched"),
        (r"\| LADR \| N \| N ", "ladr"),
        (r"\| Plain \| (4) \| N ", "cosine_matched_doubt"),
        (r"\| Doubt budget \| N \| N ", "doubt"),
    ],
)
def test_the_table_has_the_passes_and_the_score_of_its_rows(words, name):
    takes, score = said(words)
    assert written(passes(EXACT, name), takes)
    assert written(row(EXACT, name)["value"], score)


def test_the_sentence_about_the_trained_miniature():
    numbers = said(
        "over N prompts, the doubt budget scores N in N passes. "
        "Plain decoding scores N in N passes, N in N and N in N, and LADR N in N."
    )
    names = ("doubt", "cosine_matched_doubt", "cosine_matched", "cosine", "ladr")
    assert written(row(TRAINED, "doubt")["n"], numbers[0])
    for name, score, takes in zip(names, numbers[1::2], numbers[2::2], strict=True):
        assert written(row(TRAINED, name)["value"], score)
        assert written(passes(TRAINED, name), takes)
    (takes,) = said("hardly learnt, the doubt budget takes N passes")
    assert written(passes(TRAINED, "doubt", "mini-dpg"), takes)


def test_the_second_try_of_the_trained_miniature():
    folder = f"{TRAINED}-careful"
    (first,) = said("of which the likelier picture is kept, it scores N in ten passes")
    score, takes = said("On the miniature it scores N in N passes")
    for text in (first, score):
        assert written(row(folder, "doubt_careful")["value"], text)
    assert written(passes(folder, "doubt_careful"), takes)
    assert round(passes(folder, "doubt_careful")) == passes(folder, "cosine_matched_careful") == 10
    longest = [passes(folder, "doubt_careful", suite) for suite in ("mini-unigen", "mini-dpg", "mini-t2i")]
    low, high = said(r"points \(mini-DPG\), in N to N passes. With other noise")
    assert written(min(longest), low)
    assert written(max(longest), high)
    score, takes = said("the same prompts of mini-GenEval give N in N passes")
    again = f"{TRAINED}-seed"
    assert written(row(again, "doubt_careful")["value"], score)
    assert written(passes(again, "doubt_careful"), takes)
    assert round(passes(again, "doubt_careful")) == passes(again, "cosine_matched_careful") == 10


def test_the_flawless_pictures():
    takes, few, many = said("plain decoding in N passes draws N % flawless pictures and in 64 passes N %")
    assert written(passes("pictures", "cosine_matched", "mini-pictures"), takes)
    for name, text in (("cosine_matched", few), ("cosine", many)):
        assert written(row("pictures", name, "Intact", "mini-pictures")["value"], text)


def test_the_share_of_junk():
    budget, plain = said("N % of what the doubt budget draws, N % with 64 passes")
    assert written(row(EXACT, "doubt", "Junk area")["value"], budget)
    assert written(row(EXACT, "cosine", "Junk area")["value"], plain)


def test_the_counts_of_the_audit():
    verdicts = [line["verdict"] for line in lines("paper/audit.csv")]
    counts = said("N checks hold, N do not, N are open")
    assert list(map(int, counts)) == [verdicts.count(v) for v in ("holds", "does not hold", "open")]


def test_the_samplers_on_curves():
    (count,) = said("of N samplers, each at several settings")
    assert int(count) == len(lines("mixture/curves-rivals-mini-geneval-mixture-gain.csv"))
