"""An OpenAI-compatible server on loopback that misbehaves on command."""

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Answers `text n` -> `[n]`; `faults[text]` is a list of misbehaviours that come first."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults: dict[str, list[str]] = {}
        self.calls: Counter[str] = Counter()
        self.bodies: list[dict] = []
        self.busy = self.most_busy = 0
        self.delay = 0.0
        self.reply = lambda text: f"[{text.split()[1]}]"
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = body["messages"][0]["content"][1]["text"]
        server = self.server
        with server.lock:
            server.calls[text] += 1
            server.bodies.append(body)
            server.busy += 1
            server.most_busy = max(server.most_busy, server.busy)
            fault = server.faults[text].pop(0) if server.faults.get(text) else ""
        try:
            time.sleep(server.delay)
            getattr(self, f"fault_{fault}" if fault else "answer")(text)
        finally:
            with server.lock:
                server.busy -= 1

    def send(self, status, data, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def answer(self, text, content=None):
        content = self.server.reply(text) if content is None else content
        message = {"role": "assistant", "content": content}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        reply = {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        self.send(200, json.dumps({**reply, "usage": usage}).encode())

    def fault_429(self, text):
        self.send(429, b'{"error": {"message": "slow down"}}', [("Retry-After", "0.02")])

    def fault_500(self, text):
        self.send(500, b"oops")

    def fault_401(self, text):
        self.send(401, b'{"error": {"message": "no such key"}}')

    def fault_truncated(self, text):
        self.send(200, b'{"id": "x", "choices": [{"mess')

    def fault_short(self, text):  # promises more than it sends
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"id": ')
        self.close_connection = True

    def fault_scores(self, text):
        self.answer(text, "[1, 2, 3]")

    def fault_empty(self, text):
        self.answer(text, "")

    def fault_closed(self, text):
        self.connection.close()

    def fault_slow(self, text):
        time.sleep(0.6)
        self.answer(text)


def answer(analysis, score):
    """The text with which UniGenBench's judge answers."""
    return f"<description>\n<analysis>{analysis}</analysis>\n<score>{score}</score></description>"
