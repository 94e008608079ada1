"""DPG-Bench: questions, zeroing, both conventions of the L1 columns, result files."""

import pytest

from ladr.base.errors import LadrError
from ladr.benchmarks.official import dpg
from ladr.benchmarks.official.dpg import DpgQuestion
from ladr.benchmarks.official.dpg_results import (
    aggregate,
    import_results,
    read_detail,
    read_results,
    zeroed,
)

HEAD = (
    "item_id,text,keywords,proposition_id,dependency,category_broad,category_detailed,"
    "tuple,question_natural_language"
)
TEXTS = {"fox1": "a red fox, left of a box", "7": "two owls"}


def row(item, k, parents, category, text):
    return f'{item},t,k,{k},"{parents}",b,d,"{category} (x, y)","{text}"'


LINES = [
    row("fox1", 1, "0", "entity - whole", "Is there a fox?"),
    row("fox1", 2, "1", "attribute - color", "Is the fox red, really?"),
    row("fox1", 3, "1,2", "relation - spatial", "Is the red fox left of a box?"),
    row("7", 1, "0", "entity - whole", "Are there owls?"),
    row("7", 2, "1", "other - count", "Are there two owls?"),
    row("7", 3, "0", "global - ", "Is it a photo?"),
]


@pytest.fixture
def suite():
    return dpg.suite(TEXTS, 4)


@pytest.fixture
def questions(suite):
    return dpg.parse_questions("\n".join([HEAD, *LINES]), suite)


def test_questions_have_parents_and_categories(questions):
    assert questions["fox1"][2] == DpgQuestion(
        3, (1, 2), "relation", "relation - spatial", "Is the red fox left of a box?"
    )
    assert [q.l1 for q in questions["7"]] == ["entity", "other", "global"]
    assert dpg.first_item(questions) == "fox1"


BROKEN = [
    (
        lambda x: x.__setitem__(1, row("fox1", 2, "9", "attribute - color", "?")),
        "item fox1, proposition 2: no proposition 9",
    ),
    (
        lambda x: x.__setitem__(1, row("fox1", 1, "0", "attribute - color", "?")),
        "item fox1 has proposition 1 twice",
    ),
    (
        lambda x: x.__setitem__(1, row("fox1", 2, "1", "atribute - color", "?")),
        "line 3 .fox1.: .*did you mean 'attribute'",
    ),
    (lambda x: x.__setitem__(1, row("fox1", 2, "one", "attribute - color", "?")), "line 3 .fox1."),
    (
        lambda x: x.__setitem__(1, row("fox1", 2, "1", "attribute - color", " ")),
        "line 3 .fox1.: .* must not be empty",
    ),
    (lambda x: x.append(row("8", 1, "0", "entity - whole", "?")), "unknown: 8"),
    (lambda x: x.__delitem__(slice(3, None)), "items without questions: 7"),
]


@pytest.mark.parametrize(("change", "message"), BROKEN)
def test_a_broken_question_is_named(suite, change, message):
    lines = list(LINES)
    change(lines)
    with pytest.raises(LadrError, match=message):
        dpg.parse_questions("\n".join([HEAD, *lines]), suite)


def test_a_no_zeroes_all_generations_below_it(questions):
    assert zeroed(questions["fox1"], {1: True, 2: True, 3: True}) == [1, 1, 1]
    assert zeroed(questions["fox1"], {1: True, 2: False, 3: True}) == [1, 0, 0]
    assert zeroed(questions["fox1"], {1: False, 2: True, 3: True}) == [0, 0, 0]
    assert zeroed(questions["7"], {1: False, 2: True, 3: True}) == [0, 0, 1]

    chain = [DpgQuestion(k, (k - 1,) if k > 1 else (), "entity", "", "?") for k in (1, 2, 3)]
    assert zeroed(chain, {1: False, 2: True, 3: True}) == [0, 0, 0]


def all_yes(suite, questions, but=()):
    return {
        (item, tile): {q.proposition: (item, tile, q.proposition) not in but for q in own}
        for item, own in questions.items()
        for tile in range(suite.images_per_prompt)
    }


def test_l1_of_all_tiles_and_of_the_last_one_and_overall(suite, questions):
    answers = all_yes(suite, questions, {("fox1", 0, 1), ("fox1", 3, 2), ("7", 1, 2)})
    scores = aggregate(suite, questions, answers, "official")
    fox = (0 + 1 + 1 + 1 / 3) / 4
    owls = (1 + 2 / 3 + 1 + 1) / 4
    assert scores.columns["Overall"] == scores.official["Overall"] == pytest.approx((fox + owls) / 2)
    assert scores.columns["Entity"] == 7 / 8  # raw answers: the red of a fox that is not there still counts
    assert scores.columns["Attribute"] == 3 / 4
    assert scores.official["Entity"] == 1.0  # the last tile only
    assert scores.official["Attribute"] == 0.0
    assert scores.columns["Other"] == 3 / 4
    assert scores.official["Other"] == 1.0
    assert scores.others["zeroed"]["Attribute"] == 2 / 4
    assert scores.others["zeroed"]["Relation"] == 2 / 4
    assert scores.counts["Relation"] == (4, 4)


def test_only_the_item_that_the_official_script_loses_may_lack_answers(suite, questions):
    answers = all_yes(suite, questions)
    del answers["fox1", 2]
    scores = aggregate(suite, questions, answers, "official")
    assert scores.columns["Overall"] == 1.0
    assert "fox1 has no score" in scores.notes[0]
    with pytest.raises(LadrError, match=r"1 items lack answers for one of 4 tiles \(fox1\)"):
        aggregate(suite, questions, answers, "official", loses="an item of the whole file")
    del answers["7", 2][1]
    with pytest.raises(LadrError, match=r"1 items lack answers for one of 4 tiles \(7\)"):
        aggregate(suite, questions, answers, "official")


CROPS = ["(0, 0, 64, 64)", "(64, 0, 128, 64)", "(0, 64, 64, 128)", "(64, 64, 128, 128)"]


def detail_of(suite, questions, answers):
    return [
        f"out/{item}.png, {CROPS[tile]}, {q.text}, {'yes' if answers[item, tile][q.proposition] else 'no'}"
        for item, own in questions.items()
        for tile in range(4)
        for q in own
    ]


def results_of(scores):
    tiles = {}
    for r in scores.rows:
        tiles.setdefault(r.prompt, []).append(r.value)
    lines = [f"out/{i}.png, " + ", ".join(map(str, [*v, sum(v) / len(v)])) for i, v in tiles.items()]
    return [
        *lines,
        "Model: out",
        "L1 category scores:",
        "\tentity: 1.0",
        f"DPG-Bench score: {100 * scores.columns['Overall']}",
    ]


def write(path, lines):
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def files(tmp_path, suite, questions):
    answers = all_yes(suite, questions, {("fox1", 0, 1), ("7", 1, 2)})
    detail = detail_of(suite, questions, answers)
    return detail, results_of(aggregate(suite, questions, answers, "official"))


def test_both_files_are_read_whatever_their_order(tmp_path, suite, questions, files):
    detail, results = files
    path = write(tmp_path / "d.txt", [*detail[12:], *detail[:12]])
    scores = import_results(suite, questions, path, write(tmp_path / "r.txt", results))
    assert read_detail(suite, questions, path) == all_yes(suite, questions, {("fox1", 0, 1), ("7", 1, 2)})
    assert scores.scorer == "official"
    assert scores.columns["Overall"] == pytest.approx((3 / 4 + (3 + 2 / 3) / 4) / 2)
    assert [r.reason for r in scores.rows if r.value < 1] == [
        "no: Is there a fox?",
        "no: Are there two owls?",
    ]
    items, printed = read_results(suite, tmp_path / "r.txt")
    assert items["fox1"] == [0.0, 1.0, 1.0, 1.0]
    assert printed == pytest.approx(100 * scores.columns["Overall"])


SPOILT = [
    (lambda d, r: d.pop(13), "1 items lack answers"),
    (lambda d, r: d.append(d[13]), "row 25: 7 has no .further. question 'Are there two owls"),
    (lambda d, r: d.__setitem__(3, "nonsense"), "row 4: 'nonsense' is not"),
    (lambda d, r: d.__setitem__(3, d[3].replace("fox1", "fox9")), "row 4: .* is no item"),
    (lambda d, r: d.__setitem__(3, d[3].replace("fox?", "cat?")), "row 4: fox1 has no .further. question"),
    (lambda d, r: d.__setitem__(3, d[3].replace("128, 64)", "99, 64)")), "row 4: crop .* is no tile"),
    (lambda d, r: r.pop(1), "items differ from the detail file: 7"),
    (lambda d, r: r.__setitem__(1, r[0]), "row 2: fox1 stands twice"),
    (lambda d, r: r.__setitem__(0, "out/fox1.png, 0.0, 1.0, 1.0, 1.0, 0.5"), "row 1: fox1 has tiles"),
    (lambda d, r: r.__setitem__(0, "out/fox1.png, 1.0, 1.0, 1.0, 1.0, 1.0"), "fox1 has .*, its answers give"),
    (lambda d, r: r.__setitem__(-1, "DPG-Bench score: 12.5"), "prints 12.5"),
]


@pytest.mark.parametrize(("change", "message"), SPOILT)
def test_spoilt_files_are_refused_with_their_row(tmp_path, suite, questions, files, change, message):
    detail, results = files
    change(detail, results)
    with pytest.raises(LadrError, match=message):
        import_results(
            suite, questions, write(tmp_path / "d.txt", detail), write(tmp_path / "r.txt", results)
        )


def test_the_same_words_asked_twice_keep_the_files_order(tmp_path):
    suite = dpg.suite({"a": "x"}, 1)
    lines = [row("a", k, "0", "entity - whole", "Same?") for k in (1, 2)]
    questions = dpg.parse_questions("\n".join([HEAD, *lines]), suite)
    path = write(tmp_path / "d.txt", [f"a.png, {CROPS[0]}, Same?, yes", f"a.png, {CROPS[0]}, Same?, no"])
    assert read_detail(suite, questions, path) == {("a", 0): {1: True, 2: False}}


def test_a_folder_must_have_the_pinned_names(tmp_path):
    (tmp_path / "prompts").mkdir()
    with pytest.raises(LadrError, match="holds no prompts"):
        dpg.load(tmp_path)
    (tmp_path / "prompts" / "mine.txt").write_text("x")
    with pytest.raises(LadrError, match=r"1 prompt files, 1065 are pinned: missing .*; surplus mine\.txt"):
        dpg.load(tmp_path)


def test_a_question_file_says_whether_it_is_the_published_one(tmp_path, suite):
    (tmp_path / "q.csv").write_text("\n".join([HEAD, *LINES]))
    _, notes = dpg.load_questions(tmp_path / "q.csv", suite)
    assert notes[0].startswith("q.csv is NOT the file of TencentQQGYLab/ELLA@3c228f1")
    assert "1 Global questions; the paper's values are multiples of 1/329" in notes


def test_tiles_are_one_or_four():
    with pytest.raises(LadrError, match="1 or 4"):
        dpg.suite(TEXTS, 2)
