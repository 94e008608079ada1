"""No command reaches the network that was not told to: every connection is watched by strace."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from trust.box import HARMLESS, Attempt, Box

ROOT = Path(__file__).parents[2]
ADDRESS = r"(?:inet_addr\(\"|inet_pton\(AF_INET6, \")([^\"]+)\""
CALL = re.compile(r"\b(connect|bind|sendto)\(.*?sa_family=(AF_INET6?), .*?" + ADDRESS)
LOOPBACK = re.compile(r"127\.|::1$|::ffff:127\.")
SECONDS = 300
COMMANDS = {
    "ladr --help": ["--help"],
    "ladr params": ["params"],
    "ladr grid": ["grid"],
    "ladr sample": ["sample", "one red circle", "--out", "a.png"],
    "ladr audit": ["audit"],
    "ladr devices": ["devices"],
    "ladr doctor": ["doctor"],
    "ladr run and score": ["run"],
}


def strace() -> str | None:
    return shutil.which("strace")


def watched(words: list[str], box: Box) -> tuple[list[str], Path]:
    """The command under strace, and the file with its network calls."""
    log = box.inside / "calls.log"
    shutil.copyfile(ROOT / "smoke.yaml", box.inside / "params.yaml")
    return [strace(), "-f", "-qq", "-e", "trace=network", "-o", str(log), *words], log


def reached(log: Path) -> list[str]:
    """Addresses beyond this machine in the calls."""
    calls = CALL.findall(log.read_text(errors="replace"))
    return sorted({f"{call} {address}" for call, _, address in calls if not LOOPBACK.match(address)})


def quiet(words: list[str], box: Box) -> str:
    """The command connects to nothing beyond this machine."""
    command, log = watched([sys.executable, "-m", "ladr.cli.main", *words], box)
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode not in (0, 1, 2):
        raise AssertionError(f"exit code {done.returncode}: {done.stderr[-300:]}")
    if addresses := reached(log):
        raise AssertionError(f"reached {', '.join(addresses[:5])}")
    return HARMLESS


def served(box: Box) -> str:
    """`ladr ui` listens on the loopback address alone."""
    from mlflow import MlflowClient

    results = box.inside / "results"
    results.mkdir()
    from ladr.experiment.cells.record import write as write_record

    write_record(results / "grid.json", {"lines": []})
    MlflowClient(f"sqlite:///{results / 'mlflow.db'}").search_experiments()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command, log = watched([sys.executable, "-m", "ladr.cli.main", "ui", "--port", str(port)], box)
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        listens = waited(process, log)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if addresses := reached(log):
        raise AssertionError(f"reached or listened at {', '.join(addresses[:5])}")
    if not listens:
        raise AssertionError("the server did not start")
    return HARMLESS


def waited(process: subprocess.Popen, log: Path) -> bool:
    """Does the server listen before it ends, and within SECONDS?"""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if log.exists() and "listen(" in log.read_text(errors="replace"):
            return True
        time.sleep(0.5)
    return False


def attempts() -> Iterator[Attempt]:
    if strace() is None:
        print("network: skipped, strace is not installed (apt-get install strace)", flush=True)
        return
    for name, words in COMMANDS.items():
        yield Attempt(f"network: {name}", partial(quiet, words))
    yield Attempt("network: ladr ui", served)
