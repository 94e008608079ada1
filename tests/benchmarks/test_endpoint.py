"""A judge that means harm: it redirects, drips, floods, packs, nests, and answers with the wrong types."""

import json
import socket
import threading
import time

import pytest

from ladr.base.errors import LadrError
from ladr.benchmarks.official import endpoint
from ladr.benchmarks.official.dpg_judge import parse as yes_or_no
from ladr.benchmarks.official.endpoint import Endpoint
from ladr.benchmarks.official.reply import MOST_TEXT, AskAgainError, reply_of
from ladr.benchmarks.official.unigen_judge import parse_scores

BODY = {"model": "m", "messages": [{"role": "user", "content": "a secret prompt"}]}


class Talker:
    """A server on loopback that hands each connection to `talk`; it notes what it was sent."""

    def __init__(self, talk):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        self.talk, self.requests = talk, []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    self.requests.append(connection.recv(1 << 16))
                    self.talk(connection)
                except OSError:
                    continue


@pytest.fixture
def talker():
    started = []

    def start(talk):
        started.append(Talker(talk))
        return started[-1]

    yield start
    for one in started:
        one.listener.close()


def says(data):
    return lambda connection: connection.sendall(data)


def answer(body, head=b""):
    return b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body)


def ask(server, seconds=5.0):
    return Endpoint(server.url, "LADR_NO_KEY").ask(BODY, seconds)


def body_of(content, **more):
    return json.dumps({"choices": [{"message": {"content": content}}], **more}).encode()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(talker, status):
    elsewhere = talker(says(answer(body_of("stolen"))))
    moved = f"HTTP/1.1 {status} Moved\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(LadrError, match="redirects are not followed"):
        ask(talker(says(moved.encode())))
    assert elsewhere.requests == []


def drips(before, byte):
    def talk(connection):
        connection.sendall(before)
        for _ in range(400):
            connection.sendall(byte)
            time.sleep(0.05)

    return talk


OK = b"HTTP/1.1 200 OK\r\n"
SLOW = {
    "status line": drips(b"", b"H"),
    "headers": drips(OK + b"X: ", b"x"),
    "body": drips(OK + b"Content-Length: 100000\r\n\r\n", b" "),
    "chunks": drips(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "interim answers": drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "error": drips(b"HTTP/1.1 500 No\r\nContent-Length: 100000\r\n\r\n", b" "),
    "silence": lambda connection: time.sleep(2),
}


@pytest.mark.parametrize("part", SLOW)
def test_a_slow_answer_ends_at_the_deadline(talker, part):
    started = time.monotonic()
    with pytest.raises(AskAgainError):
        ask(talker(SLOW[part]), seconds=0.4)
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize("part", ["silence", "headers"])
def test_a_slow_greeting_of_a_secure_server_ends_at_the_deadline(talker, part):
    started = time.monotonic()
    secure = talker(SLOW[part]).url.replace("http:", "https:")
    with pytest.raises(AskAgainError):
        Endpoint(secure, "LADR_NO_KEY").ask(BODY, 0.4)
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize("head", [b"Content-Length: 99999999999\r\n", b"Transfer-Encoding: chunked\r\n", b""])
def test_a_flood_is_cut_at_the_limit(talker, head, monkeypatch):
    monkeypatch.setattr(endpoint, "MOST_BYTES", 1 << 20)
    sent = 0

    def talk(connection):
        nonlocal sent
        connection.sendall(OK + head + b"\r\n")
        block = b"x" * 65536
        for _ in range(1000):
            connection.sendall(b"10000\r\n" + block + b"\r\n" if b"chunked" in head else block)
            sent += len(block)

    with pytest.raises(AskAgainError, match="more than 1 MiB"):
        ask(talker(talk))
    assert sent < 30 << 20


def test_a_packed_answer_is_not_unpacked(talker):
    with pytest.raises(AskAgainError, match="packed"):
        ask(talker(says(answer(b"\x1f\x8b" + b"\0" * 100, b"Content-Encoding: gzip\r\n"))))


def test_an_answer_cut_short_is_no_answer(talker):
    cut = talker(says(answer(body_of("yes"))[:-3]))
    with pytest.raises(AskAgainError, match="3 bytes early"):
        ask(cut)


DEEP = b"[" * 100_000
WRONG = [
    b"", b"[]", b"null", b"3", b'"text"', b"{}", DEEP, b"\xff\xfe", b"NaN", b"1" * 5000,
    b'{"choices": null}', b'{"choices": {}}', b'{"choices": []}', b'{"choices": "no"}', b'{"choices": [3]}',
    b'{"choices": [{}]}', b'{"choices": [{"message": []}]}', b'{"choices": [{"message": {}}]}',
    body_of(None), body_of(3), body_of(["yes"]), body_of({"a": 1}), body_of(""), body_of(" \n"),
    body_of("x" * (MOST_TEXT + 1)),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_the_types_of_an_answer_are_checked(number):
    with pytest.raises(AskAgainError):
        reply_of(WRONG[number])


def test_counts_that_are_no_numbers_are_left_out():
    usage = {"prompt_tokens": "many", "completion_tokens": 3, "other": 4}
    assert reply_of(body_of("yes", usage=usage)).usage == {"completion_tokens": 3}
    assert reply_of(body_of("yes", usage=[1])).usage == {}


def test_half_a_character_is_replaced():
    assert reply_of(b'{"choices": [{"message": {"content": "yes \\ud800"}}]}').text == "yes \ufffd"


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://x/v1", "nonsense", "http://", "http://a b/v1", "http://x:99999/v1"]
)
def test_only_addresses_of_the_web_are_asked(url):
    with pytest.raises(LadrError, match="no address of a judge"):
        Endpoint(url, "LADR_NO_KEY").ask(BODY, 1.0)


MEGABYTE = 1 << 20
LONG = {
    "open tags": "<analysis>" * (MEGABYTE // 10),
    "closed tags": "</analysis>" * (MEGABYTE // 11),
    "half tags": "<analysis" * (MEGABYTE // 9),
    "brackets": "<analysis>" + "[" * MEGABYTE + "</analysis>",
    "few brackets": "<analysis>" + "[" * 60_000 + "</analysis>",
    "minuses": "<analysis>" + "-" * 60_000 + "1</analysis>",
    "numbers": "<analysis>[" + "1," * 30_000 + "]</analysis>",
    "digits": "<analysis>[" + "1" * 60_000 + "]</analysis>",
    "spaces": " " * MEGABYTE + "maybe",
    "words": "yes" * (MEGABYTE // 3),
}


@pytest.mark.parametrize("case", LONG)
def test_parsing_takes_time_in_proportion_to_the_length(case):
    started = time.monotonic()
    with pytest.raises(ValueError, match="analysis"):
        parse_scores(LONG[case], 2)
    with pytest.raises(ValueError, match="neither yes nor no"):
        yes_or_no(LONG[case])
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "scores", ["[1+0j, 1]", "['1', 1]", "[[1], 1]", "[2, 1]", "[None, 1]", "{0: 1, 1: 1}"]
)
def test_scores_are_zeros_and_ones(scores):
    with pytest.raises(ValueError, match="score"):
        parse_scores(f"<analysis>['a', 'b']</analysis><score>{scores}</score>", 2)
