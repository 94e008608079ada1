"""`make faults`: kills, full disks, clocks, two writers, a lost server, every file spoilt in every way.

After each the result is that of the undisturbed run, or the doctor names the file and the next run makes it.
"""

import hashlib
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from socket import socket
from urllib.request import urlopen

import pytest
import torch
from safetensors.torch import load_file

from ladr.experiment.cells import doctor
from tiny import cell_of
from trust.faulty import TEXT, WAYS, World, content, ended, forked, tracked
from workflow_runs import BIN, ROOT, environment, laid_out

pytestmark = pytest.mark.trust
KILLS = int(os.environ.get("LADR_KILLS", "30"))  # of each kind
UNNAMED = "the doctor does not name it"
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
UNTIMED = TEXT.replace("latency: {benchmark: field-exact, prompts: 2}\n", "")
LONG = TEXT.replace("{field-exact: 3}", "{field-exact: 8}").replace("part: 4", "part: 2")


class Tally:
    """How many cases were survived, and which were not."""

    def __init__(self):
        self.count, self.lost = 0, []

    def add(self, case, fault):
        """Count a case; `fault` says what is wrong after it, or is empty."""
        self.count += 1
        if fault:
            self.lost.append(f"{case}: {fault}")
            print(self.lost[-1], flush=True)

    def line(self):
        return f"survived {self.count - len(self.lost)} of {self.count}"


def say(request, text):
    """Print a line that pytest does not keep to itself."""
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{text}", flush=True)


@pytest.fixture(scope="session")
def whole(request):
    """The tally of all cases; the last line of the suite."""
    tally = Tally()
    yield tally
    say(request, f"faults: {tally.line()}")


@pytest.fixture
def tally(whole, request):
    """The cases of one test, which fails if one of them was not survived."""
    own = Tally()
    yield own
    whole.count, whole.lost = whole.count + own.count, whole.lost + own.lost
    say(request, f"{request.node.name}: {own.line()}")
    assert own.lost == []


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """The undisturbed world, tracked and drawn, and what it holds."""
    world = World(tmp_path_factory.mktemp("calm"), LONG)
    before = Path.cwd()
    os.chdir(world.folder)
    world.complete()
    for words in (TRACK, FIGURES):
        assert ended(forked(world, *words)) == 0, (world.folder / "log.txt").read_text()
    os.chdir(before)
    return world, content(world), tracked(world.results)


@pytest.fixture
def world(calm, tmp_path, monkeypatch):
    """A copy of it to spoil, in the working folder."""
    monkeypatch.chdir(tmp_path)
    copy = calm[0].copy(tmp_path / "w")
    monkeypatch.chdir(copy.folder)
    for gone in (
        "mlflow.db",
        "mlflow",
        "tracked.json",
    ):  # MLflow keeps absolute paths
        removed(Path("results") / gone)
    return copy


TRACK = ("track", "--record", "results/tracked.json")
FIGURES = (
    "figures",
    "quality",
    "--results",
    "results",
    "--out",
    "figures",
    "--record",
    "results/figures/scores.json",
)


def removed(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def take_away(world, patterns):
    """Remove what a command has made."""
    for pattern in patterns:
        for path in list(world.results.glob(pattern)):
            removed(path)


def log_of(folder):
    return (folder / "log.txt").read_text()[-600:]


def difference(world, calm):
    """Which files are not those of the undisturbed world; empty if none."""
    now, then = content(world), {k: v for k, v in calm.items() if not k.startswith(("tracked", "mlflow"))}
    now = {k: v for k, v in now.items() if not k.startswith(("tracked", "mlflow"))}
    return ", ".join(sorted(k for k in now.keys() | then.keys() if now.get(k) != then.get(k)))


def cells(world):
    return list(world.grid.cells)


# What each command makes, which is taken away before it, and its words.
TARGETS = {
    "decode": (("cells", "table.json"), lambda w: ("run", "--wait", *cells(w))),
    "score": (
        ("cells/*/score.json", "cells/*/scores.jsonl"),
        lambda w: ("score", "--processes", "1", *cells(w)),
    ),
    "table": (("table.json", "*.parquet", "*.csv", "metrics.json", "main.json"), lambda w: ("table",)),
    "figures": (("figures", "../figures"), lambda w: FIGURES),
    "track": (("mlflow.db", "mlflow", "tracked.json"), lambda w: TRACK),
}


@pytest.mark.parametrize("target", TARGETS)
def test_random_kills_of_a_command(world, calm, tally, target):
    outputs, words = TARGETS[target]
    chance = random.Random(target)

    take_away(world, outputs)
    began = time.monotonic()
    assert ended(forked(world, *words(world))) == 0, Path("log.txt").read_text()
    usual = time.monotonic() - began
    for number in range(KILLS):
        take_away(world, outputs)
        pid = forked(world, *words(world))
        time.sleep(chance.uniform(0, usual))
        os.kill(pid, SIGNALS[number % 3])
        ended(pid)
        tally.add(f"{target} {number}", after(world, calm, words(world)))


def after(world, calm, words):
    """What is wrong after the command is called once more, mending what the doctor names before."""
    world.mend()
    log = Path("log.txt")
    log.unlink(missing_ok=True)
    if ended(forked(world, *words)):
        return log.read_text()[-300:]
    world.complete()
    findings = [finding.message for finding in doctor.examine()]
    lost = words[0] == "track" and tracked(world.results) != calm[2]
    return "; ".join(findings) or difference(world, calm[1]) or ("MLflow's runs differ" if lost else "")


def weights_of(path):
    """Tensor -> its bytes; the file also holds how long it took."""
    tensors = load_file(path)
    return {name: values.reshape(-1).view(torch.uint8).numpy().tobytes() for name, values in tensors.items()}


def test_random_kills_of_training(tmp_path, tally):
    from ladr.training.codebook import learn_codebook
    from ladr.training.run import Execution, train
    from training.test_train import SETTINGS

    codes = learn_codebook(scenes=1500)
    chance = random.Random("train")

    def trained(place):
        pid = os.fork()
        if not pid:
            code = 1
            try:
                os.setsid()
                signal.signal(signal.SIGINT, signal.default_int_handler)
                train(place, codes, SETTINGS, Execution(processes=1, compiled=False, workers=0))
                code = 0
            finally:
                os._exit(code)
        return pid

    began = time.monotonic()
    assert ended(trained(tmp_path / "calm")) == 0
    usual = time.monotonic() - began
    weights = sorted((tmp_path / "calm").rglob("*.safetensors"))
    expected = {path.relative_to(tmp_path / "calm"): weights_of(path) for path in weights}
    for number in range(KILLS):
        place = tmp_path / str(number)
        pid = trained(place)
        time.sleep(chance.uniform(0, usual))
        os.kill(pid, SIGNALS[number % 3])
        ended(pid)
        code = ended(trained(place))
        same = not code and all(weights_of(place / name) == value for name, value in expected.items())
        tally.add(f"train {number}", "" if same else f"exit code {code}, or other weights")
        shutil.rmtree(place)


@pytest.mark.parametrize("program", ["snakemake", "dvc"])
def test_random_kills_of_the_workflow(tmp_path, tally, program):
    """Ctrl-C and SIGTERM reach the whole group, SIGKILL the program alone or all. A few kills per run."""
    calm_folder, text = tmp_path / "calm", UNTIMED
    start = {"snakemake": laid_out, "dvc": repository}[program]
    words = {"snakemake": ["snakemake", "--cores", "2", "--quiet"], "dvc": ["dvc", "repro", "-q"]}[program]
    start(calm_folder, text)
    began = time.monotonic()
    assert launched(calm_folder, words).wait() == 0, log_of(calm_folder)
    usual = time.monotonic() - began
    expected = content(World(calm_folder, text)) | drawn(calm_folder)
    assert any(name.endswith(".svg") for name in expected)
    chance, number = random.Random(program), 0
    while number < KILLS:
        folder = tmp_path / f"w{number}"
        start(folder, text)
        kills = min(5, KILLS - number)
        for _ in range(kills):
            process = launched(folder, words)
            time.sleep(chance.uniform(0, usual))
            group = number % 6 != 0
            (os.killpg if group else os.kill)(process.pid, SIGNALS[number % 3])
            stuck = "" if gone(process, within=10 * usual) else f"{SIGNALS[number % 3].name}: does not end"
            tally.add(f"{program} {number} ends", stuck)
            number += 1
        code = launched(folder, words).wait()
        now = content(World(folder, text)) | drawn(folder)
        other = ", ".join(sorted(k for k in now.keys() | expected.keys() if now.get(k) != expected.get(k)))
        fault = log_of(folder) if code else other
        for kill in range(number - kills, number):
            tally.add(f"{program} {kill}", fault)
        shutil.rmtree(folder)


def drawn(folder):
    """Drawn file -> hash of its bytes."""
    place = folder / "figures/latest"
    files = (path for path in place.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def launched(folder, words):
    with open(folder / "log.txt", "w") as log:
        env = {**environment(), "DVC_NO_ANALYTICS": "1"}
        told = {"stdout": log, "stderr": log, "start_new_session": True, "preexec_fn": heard}
        return subprocess.Popen([str(BIN / words[0]), *words[1:]], cwd=folder, env=env, **told)


def gone(process, within):
    """Whether it ends by itself in time; gone it is afterwards in any case."""
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False
    return True


def heard():
    """Ctrl-C, which a program does not hear if a shell started its parent in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def repository(folder, text):
    """A checkout with the stages of DVC."""
    laid_out(folder, text)
    for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache"))
    (folder / "models/shapes").mkdir(parents=True)
    (folder / "models/shapes/config.json").write_text("{}")
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "Experiment"]):
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_file_below_results(world, calm, tally, way):
    for name in world.files():
        path = Path("results") / name
        before = path.read_bytes()
        way(path, world)
        if path.is_file() and path.read_bytes() == before:
            continue
        fault = "" if is_named(path, world.mend()) else UNNAMED
        world.complete()
        if not Path("results/figures/scores.json").is_file():
            ended(forked(world, *FIGURES))
        tally.add(f"{way.__name__} {name}", fault or difference(world, calm[1]))
        for left in list(world.results.rglob("*.aside*")):
            removed(left)


def is_named(path, findings):
    return any(str(path) in finding.message for finding in findings)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_file_of_mlflow(world, tally, way):
    """Its database, and every fifth of the files that it keeps."""
    assert ended(forked(world, *TRACK)) == 0, Path("log.txt").read_text()
    shutil.copytree("results", "kept")
    files = sorted(path for path in Path("results/mlflow").rglob("*") if path.is_file())
    own = [Path("results", name) for name in ("mlflow.db", "tracked.json", "mlflow/store.json")]
    for path in [*own, *files[::5]]:
        database = path.suffix == ".db" and way.__name__ == "numbers"
        other_metric(path) if database else way(path, world)
        if path.is_file() and path.read_bytes() == Path("kept", path.relative_to("results")).read_bytes():
            continue
        tally.add(f"{way.__name__} {path}", "" if is_named(path, world.mend()) else UNNAMED)
        removed(Path("results"))
        shutil.copytree("kept", "results")


def other_metric(path):
    with closing(sqlite3.connect(path)) as store:
        store.execute("UPDATE metrics SET value = value + 1 WHERE rowid = 3")
        store.commit()


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "track"])
def test_a_disk_that_takes_no_more(world, calm, tally, target):
    """No file may grow beyond a random size."""
    outputs, words = TARGETS[target]
    chance = random.Random(target)
    for number in range(10):
        take_away(world, outputs)
        limit = limits(resource.RLIMIT_FSIZE, chance.randrange(0, 4000))
        code = ended(forked(world, *words(world), before=limit, log="/dev/null"))
        fault = "" if code in (0, 1, 2) else f"exit code {code}"
        tally.add(f"full disk, {target} {number}", fault or after(world, calm, words(world)))


def limits(kind, size):
    """What a process does to limit itself."""
    return lambda: resource.setrlimit(kind, (size, size))


@pytest.mark.parametrize("target", ["decode", "score", "table"])
def test_a_folder_that_may_not_be_written(world, calm, tally, target):
    outputs, words = TARGETS[target]
    take_away(world, outputs)
    root = os.geteuid() == 0  # whom no permission stops
    if not root:
        os.chmod("results", 0o555)
    nobody = (lambda: os.setuid(65534)) if root else lambda: None
    code = ended(forked(world, *words(world), before=nobody, log="/dev/null"))
    os.chmod("results", 0o755)
    fault = "" if code in (1, 2) else f"exit code {code}"
    tally.add(f"read-only, {target}", fault or after(world, calm, words(world)))


@pytest.mark.parametrize("target", ["decode", "score"])
def test_a_limit_of_memory(world, calm, tally, target):
    outputs, words = TARGETS[target]
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for more in (0, 1, 4, 16, 64):
        take_away(world, outputs)
        ended(forked(world, *words(world), before=limits(resource.RLIMIT_AS, used + (more << 20))))
        tally.add(f"{target} with {more} MiB", after(world, calm, words(world)))


def test_two_writers(world, calm, tally):
    for number in range(5):
        take_away(world, ("cells", "table.json"))
        first = forked(world, "run", *world.grid.cells, log="first.txt")
        time.sleep(0.1 * number)
        second = forked(world, "run", *world.grid.cells, log="second.txt")
        codes = ended(first), ended(second)
        text = "".join(Path(name).read_text() for name in ("first.txt", "second.txt"))
        busy = 2 not in codes or "is at work on it" in text
        fault = "" if {*codes} <= {0, 2} and busy and "mend" not in text else f"exit codes {codes}: {text}"
        world.complete()
        tally.add(f"two writers {number}", fault or difference(world, calm[1]))
        for name in ("first.txt", "second.txt"):
            Path(name).unlink()


@pytest.mark.parametrize("days", [-3, 3])
def test_a_clock_that_was_set(tmp_path, tally, days):
    """Files made before the clock was set; one cell is to be made after."""
    folder = laid_out(tmp_path / "w", UNTIMED)
    words = ["snakemake", "--cores", "2", "--quiet"]
    assert launched(folder, words).wait() == 0, log_of(folder)
    world = World(folder, UNTIMED)
    expected, records = content(world), set(folder.glob("results/figures/*.json"))
    shutil.rmtree(folder / "results/cells" / cell_of(world.grid, "cosine").id)
    for path in (p for p in folder.rglob("*") if p.is_file()):
        moved = path.stat().st_mtime_ns - days * 86400 * 10**9
        os.utime(path, ns=(moved, moved))
    code = launched(folder, words).wait()
    same = content(world) == expected and records == set(folder.glob("results/figures/*.json"))
    tally.add(f"clock set by {days} days", log_of(folder) if code else "" if same else "other results")
    launched(folder, ["snakemake", "-n", "--cores", "1"]).wait()
    said = log_of(folder)
    tally.add(f"again after {days} days", "" if "Nothing to be done" in said else said)


def answers(port):
    """Does MLflow's server answer on this port?"""
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def served(port):
    words = ["mlflow", "server", "--port", str(port), "--workers", "1"]
    places = ["--backend-store-uri", "sqlite:///s.db", "--artifacts-destination", "./artifacts"]
    server = launched(Path.cwd(), [*words, *places])
    while not answers(port):
        assert server.poll() is None, log_of(Path.cwd())
        time.sleep(0.2)
    return server


def killed(server):
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def test_a_server_that_is_killed_and_comes_back(world, tally):
    """MLflow's server dies at a random moment of a pass; the next pass, when it is back, completes it."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    chance = random.Random("server")

    def tracking(log):
        address = {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"}
        return forked(world, "track", before=lambda: os.environ.update(address), log=log)

    for number in range(3):
        server, pid = served(port), tracking("first.txt")
        time.sleep(chance.uniform(0.5, 4))
        killed(server)
        began = time.monotonic()
        ended(pid)
        seconds = time.monotonic() - began
        server = served(port)
        codes = ended(tracking("second.txt")), ended(tracking("third.txt"))
        killed(server)
        same = codes == (0, 0) and "0 new, 0 changed" in Path("third.txt").read_text()
        slow = f"it took {seconds:.0f} s to give up" if seconds > 120 else ""
        tally.add(f"server {number}", slow if same else Path("second.txt").read_text()[-300:])
        for name in ("s.db", "artifacts", "first.txt", "second.txt", "third.txt"):
            removed(Path(name))
