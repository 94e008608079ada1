"""The judge against a real server on loopback that misbehaves in every way a server can."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from PIL import Image

from judge_server import Server
from ladr.base.errors import LadrError
from ladr.benchmarks.official.judge import Judge
from ladr.benchmarks.official.ledger import Ledger
from ladr.benchmarks.official.message import JudgeQuestion

pytest.importorskip("tenacity", reason="the judge extra is not installed")


@pytest.fixture
def server():
    server = Server()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.png"
    Image.new("RGB", (56, 30), "red").save(path)
    return path


def one_score(text):
    scores = json.loads(text)
    if len(scores) != 1:
        raise ValueError(f"{len(scores)} scores, 1 is due")
    return scores[0]


def questions(image, n):
    return [JudgeQuestion(f"q{k}", image, f"text {k}", one_score) for k in range(n)]


def judge(server, tmp_path, **changes):
    fast = {"pause": 0.005, "longest": 0.05, "timeout": 5.0, "attempts": 5, "concurrency": 4}
    return Judge(server.url, "m", tmp_path / "book.jsonl", **{**fast, **changes})


FAULTS = ("429", "500", "truncated", "short", "scores", "empty", "closed", "slow")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_survived_and_the_answer_counts_once(server, image, tmp_path, fault):
    server.faults = {"text 1": [fault, fault]}
    asked = judge(server, tmp_path, timeout=0.3).ask(questions(image, 3))
    assert asked.values == {"q0": 0, "q1": 1, "q2": 2}
    assert not asked.failed
    assert server.calls["text 1"] == 3
    assert len((tmp_path / "book.jsonl").read_text().splitlines()) == 3


def test_everything_at_once_loses_nothing(server, image, tmp_path):
    server.faults = {f"text {k}": [FAULTS[k % 7], FAULTS[(k + 3) % 7]] for k in range(40)}
    asked = judge(server, tmp_path).ask(questions(image, 40))
    assert asked.values == {f"q{k}": k for k in range(40)}
    keys = [json.loads(line)["key"] for line in (tmp_path / "book.jsonl").read_text().splitlines()]
    assert len(keys) == len(set(keys)) == 40


def test_answers_are_kept_and_not_asked_again(server, image, tmp_path):
    judge(server, tmp_path).ask(questions(image, 5))
    again = judge(server, tmp_path).ask(questions(image, 6))
    assert again.asked == 1
    assert again.values == {f"q{k}": k for k in range(6)}
    assert sum(server.calls.values()) == 6


def test_another_model_image_or_text_is_another_question(server, image, tmp_path):
    first, other = questions(image, 1)[0], tmp_path / "other.png"
    Image.new("RGB", (56, 30), "blue").save(other)
    one = judge(server, tmp_path)
    keys = {one.key(first), judge(server, tmp_path, seed=1).key(first)}
    keys |= {
        one.key(JudgeQuestion("q0", other, "text 0", one_score)),
        one.key(JudgeQuestion("q0", image, "text 9", one_score)),
    }
    two = Judge(server.url, "n", tmp_path / "book.jsonl")
    assert len(keys | {two.key(first)}) == 5
    assert one.key(first) == one.key(JudgeQuestion("renamed", image, "text 0", one_score))


def test_hopeless_questions_are_reported_and_asked_again_next_time(server, image, tmp_path):
    server.faults = {"text 1": ["scores"] * 3}
    asked = judge(server, tmp_path, attempts=3).ask(questions(image, 3))
    assert asked.values == {"q0": 0, "q2": 2}
    assert "3 scores, 1 is due" in asked.failed["q1"]
    seeds = [b["seed"] for b in server.bodies if b["messages"][0]["content"][1]["text"] == "text 1"]
    assert seeds == [0, 1, 2]  # the same seed at temperature 0 would give the same malformed answer
    assert judge(server, tmp_path).ask(questions(image, 3)).values["q1"] == 1


def test_what_no_attempt_can_change_stops_the_run(server, image, tmp_path):
    server.faults = {"text 2": ["401"] * 9}
    with pytest.raises(LadrError, match="401"):
        judge(server, tmp_path, concurrency=1).ask(questions(image, 20))
    assert server.calls["text 2"] == 1
    assert sum(server.calls.values()) < 20
    assert len((tmp_path / "book.jsonl").read_text().splitlines()) >= 2


def test_at_most_concurrency_requests_are_under_way(server, image, tmp_path):
    server.delay = 0.02
    judge(server, tmp_path, concurrency=3).ask(questions(image, 18))
    assert server.most_busy == 3


def test_requests_are_greedy_and_carry_the_image_first(server, image, tmp_path):
    judge(server, tmp_path).ask(questions(image, 1))
    body = server.bodies[0]
    assert (body["temperature"], body["top_p"], body["seed"], body["model"]) == (0.0, 1.0, 0, "m")
    first, second = body["messages"][0]["content"]
    assert first["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert second["text"] == "text 0"


def test_no_server_fails_every_question_with_its_reason(image, tmp_path):
    nobody = Judge("http://127.0.0.1:9/v1", "m", tmp_path / "b.jsonl", attempts=2, pause=0.001, longest=0.002)
    asked = nobody.ask(questions(image, 2))
    assert set(asked.failed) == {"q0", "q1"}
    assert "Connection" in asked.failed["q0"]


def test_a_line_cut_short_is_asked_again_and_the_next_line_is_whole(server, image, tmp_path):
    judge(server, tmp_path).ask(questions(image, 3))
    book = tmp_path / "book.jsonl"
    book.write_bytes(book.read_bytes()[:-20])
    again = judge(server, tmp_path).ask(questions(image, 3))
    assert again.asked == 1
    assert again.values == {"q0": 0, "q1": 1, "q2": 2}
    with Ledger(book) as kept:
        assert len(kept.answers) == 3


def test_two_processes_cannot_write_one_book(server, image, tmp_path):
    with Ledger(tmp_path / "book.jsonl"), pytest.raises(LadrError, match="another process"):
        judge(server, tmp_path).ask(questions(image, 1))


def test_an_answer_is_kept_once_however_often_it_comes(tmp_path):
    with Ledger(tmp_path / "book.jsonl") as book:
        book.add({"key": "k", "text": "first"})
        book.add({"key": "k", "text": "second"})
    assert (tmp_path / "book.jsonl").read_text() == '{"key": "k", "text": "first"}\n'


SCRIPT = """
import sys, json
from pathlib import Path
from ladr.benchmarks.official.judge import Judge
from ladr.benchmarks.official.message import JudgeQuestion
image, url, book = sys.argv[1:]
asks = [JudgeQuestion(f"q{k}", Path(image), f"text {k}", json.loads) for k in range(60)]
Judge(url, "m", Path(book), concurrency=2).ask(asks)
"""


def test_a_killed_run_resumes_without_asking_twice(server, image, tmp_path):
    server.delay = 0.03
    book = tmp_path / "book.jsonl"
    run = subprocess.Popen([sys.executable, "-c", SCRIPT, str(image), server.url, str(book)], env=os.environ)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (not book.exists() or book.read_bytes().count(b"\n") < 10):
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.wait()
    kept = {json.loads(line)["id"] for line in book.read_bytes().split(b"\n")[:-1]}
    assert 10 <= len(kept) < 60
    before = Counter(server.calls)
    server.delay = 0.0
    asked = judge(server, tmp_path).ask(questions(image, 60))
    assert asked.values == {f"q{k}": k for k in range(60)}
    assert all(server.calls[f"text {id[1:]}"] == before[f"text {id[1:]}"] for id in kept)


def test_the_estimate_asks_nothing_and_counts_what_is_kept(server, image, tmp_path):
    asks = questions(image, 4)
    judge(server, tmp_path).ask(asks[:1])
    estimate = judge(server, tmp_path).estimate(asks, seconds=36.0, tokens_out=100, prices=(1.0, 10.0))
    assert (estimate.questions, estimate.kept) == (4, 1)
    assert estimate.tokens_in == 3 * (len("text 1") // 4 + 2 * 2)
    assert estimate.tokens_out == 300
    assert estimate.hours == pytest.approx(3 * 36 / 4 / 3600)
    assert estimate.cost == pytest.approx((estimate.tokens_in * 1 + 300 * 10) / 1e6)
    assert "1 answered before, 3 to ask" in str(estimate)
    assert sum(server.calls.values()) == 1
