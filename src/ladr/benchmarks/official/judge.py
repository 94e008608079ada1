"""Ask a vision-language model about images, through any OpenAI-compatible endpoint. Every answer is kept."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ladr.base.errors import needs
from ladr.benchmarks.official.endpoint import Endpoint
from ladr.benchmarks.official.estimate import CostEstimate, tokens_of_image, tokens_of_text
from ladr.benchmarks.official.ledger import Ledger
from ladr.benchmarks.official.message import JudgeQuestion, image_sha256, messages
from ladr.benchmarks.official.reply import AskAgainError, Reply


@dataclass
class Answers:
    """The result of `Judge.ask`: parsed answers by question id, and for the other questions why they have
    none."""

    values: dict[str, Any] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    asked: int = 0


@dataclass
class Judge:
    """A model behind an OpenAI-compatible `endpoint` (its /v1 address), asked at temperature 0.

    `key_env` names the environment variable that holds the API key (none is needed on a local server).
    `attempts` bounds the tries per question, with pauses of `pause` seconds doubling up to `longest`, or as
    long as the server says; malformed answers are asked again with the next seed. One try takes at most
    `timeout` seconds from its connection to its last byte; after `deadline` seconds no other try begins.
    """

    endpoint: str
    model: str
    book: Path
    key_env: str = "OPENAI_API_KEY"
    concurrency: int = 8
    attempts: int = 8
    timeout: float = 300.0
    deadline: float = 1800.0
    pause: float = 1.0
    longest: float = 60.0
    max_tokens: int = 4096
    seed: int | None = 0  # None: not sent, for servers that do not know it

    def key(self, question: JudgeQuestion) -> str:
        """What identifies an answer: model, sampling, the text, and the image's bytes."""
        stat = question.image.stat()
        image = image_sha256(question.image, stat.st_size, stat.st_mtime_ns)
        what = [self.model, self.max_tokens, self.seed, question.text, image]
        what += [question.box] if question.box else []
        return hashlib.sha256(json.dumps(what, ensure_ascii=False).encode()).hexdigest()

    def estimate(
        self,
        questions: Sequence[JudgeQuestion],
        *,
        seconds: float = 10.0,
        tokens_out: int = 400,
        prices: tuple[float, float] | None = None,
    ) -> CostEstimate:
        """Estimate the cost of the questions that have no answer yet, without asking any.

        `seconds` and `tokens_out` are guesses per call. `prices` are per million tokens in and out. All
        images are taken to have the size of the first one.
        """
        with Ledger(self.book) as book:
            left = [q for q in questions if not _usable(book.answers.get(self.key(q)), q)]
        tokens = sum(tokens_of_text(q.text) for q in left)
        tokens += len(left) * tokens_of_image(left[0].image) if left else 0
        out = len(left) * tokens_out
        cost = None if prices is None else (tokens * prices[0] + out * prices[1]) / 1e6
        hours = len(left) * seconds / self.concurrency / 3600
        return CostEstimate(len(questions), len(questions) - len(left), tokens, out, hours, cost)

    def ask(
        self, questions: Iterable[JudgeQuestion], progress: Callable[[str], None] = lambda id: None
    ) -> Answers:
        """Answer all `questions`: from the book where their answers are kept, else from the endpoint, at most
        `concurrency` at once. A question that fails in all attempts is in `failed` with the reason, and the
        next run asks it again. An error that no attempt can change (wrong key, unknown model) stops the run.
        """
        answers = Answers()
        endpoint = Endpoint(self.endpoint, self.key_env)
        stop = threading.Event()
        with Ledger(self.book) as book, ThreadPoolExecutor(self.concurrency) as pool:
            running: dict[Future, JudgeQuestion] = {}
            try:
                for question in questions:
                    key = self.key(question)
                    kept = book.answers.get(key)
                    if kept is not None and _usable(kept, question):
                        answers.values[question.id] = question.parse(kept["text"])
                        progress(question.id)
                        continue
                    if len(running) >= self.concurrency:
                        _gather(running, answers, progress)
                    running[pool.submit(self._one, endpoint, book, stop, key, question)] = question
                while running:
                    _gather(running, answers, progress)
            finally:
                stop.set()
                for future in running:
                    future.cancel()
        return answers

    def _one(
        self, endpoint: Endpoint, book: Ledger, stop: threading.Event, key: str, question: JudgeQuestion
    ) -> Any:
        """Ask until the answer has its form, keep it, and return it parsed."""
        malformed = 0
        for attempt in self._attempts(stop):
            with attempt:
                started = time.monotonic()
                reply = self._call(endpoint, question, malformed)
                try:
                    value = question.parse(reply.text)
                except ValueError as error:
                    malformed += 1
                    raise AskAgainError(f"malformed answer: {error}") from error
                seconds = round(time.monotonic() - started, 3)
        row = {"key": key, "id": question.id, "model": self.model, "text": reply.text}
        book.add({**row, "usage": reply.usage, "seconds": seconds})
        return value

    def _attempts(self, stop: threading.Event) -> Any:
        with needs("the judge"):
            from tenacity import (
                Retrying,
                retry_if_exception_type,
                sleep_using_event,
                stop_after_attempt,
                stop_any,
                stop_before_delay,
                stop_when_event_set,
                wait_exponential,
            )

        backoff = wait_exponential(multiplier=self.pause, max=self.longest)

        def pause(state: Any) -> float:
            """As long as the server says, or twice the last pause; never longer than `longest`."""
            return min(self.longest, max(backoff(state), getattr(state.outcome.exception(), "after", 0.0)))

        return Retrying(
            stop=stop_any(
                stop_after_attempt(self.attempts),
                stop_before_delay(self.deadline),
                stop_when_event_set(stop),
            ),
            retry=retry_if_exception_type(AskAgainError),
            wait=pause,
            sleep=sleep_using_event(stop),
            reraise=True,
        )

    def _call(self, endpoint: Endpoint, question: JudgeQuestion, malformed: int) -> Reply:
        sampling = {"temperature": 0.0, "top_p": 1.0, "max_tokens": self.max_tokens}
        if self.seed is not None:
            sampling["seed"] = self.seed + malformed
        body = {"model": self.model, "messages": messages(question), **sampling}
        return endpoint.ask(body, self.timeout)


def _gather(running: dict[Future, JudgeQuestion], answers: Answers, progress: Callable[[str], None]) -> None:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        question = running.pop(future)
        answers.asked += 1
        try:
            answers.values[question.id] = future.result()
        except AskAgainError as error:
            answers.failed[question.id] = str(error)
        progress(question.id)


def _usable(kept: Mapping[str, Any] | None, question: JudgeQuestion) -> bool:
    if kept is None or not isinstance(kept.get("text"), str):
        return False
    try:
        question.parse(kept["text"])
    except ValueError:
        return False
    return True
