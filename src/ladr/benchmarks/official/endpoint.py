"""One request to an OpenAI-compatible endpoint. Time and size are bounded, and no redirect is followed."""

import json
import os
import socket
import ssl
import threading
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from ladr.base.errors import LadrError
from ladr.benchmarks.official.reply import AskAgainError, Reply, reason_of, reply_of

FATAL = (400, 401, 403, 404, 405, 413, 415, 422)  # answers that asking again does not change
MOST_BYTES = 4 << 20  # of a response's body


@dataclass(frozen=True)
class Endpoint:
    """The `/v1` address `url`. `key_env` names the environment variable of the API key."""

    url: str
    key_env: str

    @cached_property
    def _certificates(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def ask(self, body: Mapping[str, Any], seconds: float) -> Reply:
        """Send one chat completion and read its answer. All of it takes at most `seconds`."""
        with _Deadline(seconds) as deadline:
            status, headers, data = self._post(body, seconds, deadline)
        if 300 <= status < 400:
            raise LadrError(
                f"{self.url}: {status} sends the question to another address, where the image and the "
                "prompt would go; redirects are not followed, so name the final address as the endpoint"
            )
        if status in FATAL:
            raise LadrError(f"{self.url}: {status} {reason_of(data)}")
        if status != 200:
            raise AskAgainError(f"status {status}", _after(headers))
        return reply_of(data)

    def _post(
        self, body: Mapping[str, Any], seconds: float, deadline: "_Deadline"
    ) -> tuple[int, Mapping[str, str], bytes]:
        opener = urllib.request.build_opener(
            _NoRedirect, _Plain(deadline.watch), _Secure(deadline.watch, self._certificates)
        )
        request = self._request(body)
        try:
            with _opened(opener, request, seconds) as response:
                return response.status, response.headers, _body(response)
        except (OSError, HTTPException) as error:
            if deadline.passed or isinstance(error, TimeoutError):
                raise AskAgainError(f"no whole answer within {seconds:.3g} s") from error
            reason = error.reason if isinstance(error, URLError) else error
            raise AskAgainError(f"{type(error).__name__}: {reason}") from error

    def _request(self, body: Mapping[str, Any]) -> urllib.request.Request:
        try:
            address = urlsplit(self.url)
            right = address.scheme in ("http", "https") and address.hostname and (address.port or 1) > 0
        except ValueError:
            right = False
        if not right or not self.url.isascii() or not self.url.isprintable() or " " in self.url:
            raise LadrError(f"{self.url}: is no address of a judge; one is http://HOST:PORT/v1")
        key = os.environ.get(self.key_env) or "none"
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        headers |= {"Accept": "application/json", "Accept-Encoding": "identity"}
        url = self.url.rstrip("/") + "/chat/completions"
        return urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")


def _opened(opener: Any, request: urllib.request.Request, seconds: float) -> Any:
    """The response, of whatever status."""
    try:
        return opener.open(request, timeout=seconds)
    except HTTPError as response:
        return response


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Gives a redirect back as the answer that it is."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


Watch = Callable[[socket.socket], None]


class _Watched(HTTPConnection):
    """A connection that shows its socket to `watch` before anything is read from it."""

    watch: Watch

    def connect(self) -> None:
        super().connect()
        self.watch(self.sock)


class _WatchedSecure(HTTPSConnection, _Watched):
    """The same with TLS, which begins after `watch` has seen the socket."""


def _connection(kind: type[_Watched], watch: Watch, host: str, **settings: Any) -> _Watched:
    connection = kind(host, **settings)
    connection.watch = watch
    return connection


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, watch: Watch):
        super().__init__()
        self._open: Any = partial(_connection, _Watched, watch)

    def http_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(self._open, request)


class _Secure(urllib.request.HTTPSHandler):
    def __init__(self, watch: Watch, certificates: ssl.SSLContext):
        super().__init__()
        self._open: Any = partial(_connection, _WatchedSecure, watch, context=certificates)

    def https_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(self._open, request)


def _body(response: Any) -> bytes:
    """The body of a response as it was sent; a longer, a packed or an incomplete one is refused."""
    if (response.headers.get("Content-Encoding") or "identity").lower() != "identity":
        raise AskAgainError("a packed answer, which was not asked for")
    data = response.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise AskAgainError(f"an answer of more than {MOST_BYTES >> 20} MiB")
    if response.length:
        raise AskAgainError(f"the connection ended {response.length} bytes early")
    return data


class _Deadline:
    """Shuts the connections of one request down when its time is up, however slowly bytes arrive."""

    def __init__(self, seconds: float):
        self.passed = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True

    def watch(self, connection: socket.socket) -> None:
        """Keep a second handle of a new connection."""
        with self._lock:
            self._sockets.append(connection.dup())
        if self.passed:
            self._shut()

    def _shut(self) -> None:
        with self._lock:
            self.passed = True
            for one in self._sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "_Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for one in self._sockets:
                one.close()
            self._sockets.clear()


def _after(headers: Mapping[str, str]) -> float:
    """Seconds that the server asks to wait; 0 where it says nothing that can be meant."""
    try:
        seconds = float(headers.get("retry-after", 0))
    except ValueError:
        return 0.0
    return seconds if seconds > 0 else 0.0
