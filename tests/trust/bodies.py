"""Commands that train, sweep, serve or measure, each call in a process of its own with limits.

Their words are drawn from right and wrong values. Where right words alone would go on for minutes, or for
ever, at least one is wrong, so that the command looks at its words and at the files, and refuses.
"""

import os
import resource
import shutil
import signal
import threading
from functools import cache
from importlib import import_module
from pathlib import Path

from hypothesis import strategies as st

from trust.faulty import World
from trust.fuzzed import MEMORY, fault_of_call
from trust.refusals import SECONDS

NUMBERS = ["nan", "inf", "-1", "0", "1e400", "9" * 50, "x", "", "²"]
PLACES = ["nowhere", "params.yaml", "x" * 300, "params.yaml/x", "results"]
BACKBONES = (["field"], ["feild", "", "x/y", "../field"])
SIZES = (["smoke", "2"], ["huge", "-1", "0", "9" * 40, "nan"])

# Words of a command -> option -> (right values, wrong values). "" is the option for what follows the words.
ENDS = {
    ("devices",): {"--json": ([None], ["x"])},
    ("train", "curve"): {"--folder": ([], PLACES), "--to": (["a.png"], PLACES)},
    ("train", "export"): {
        "--folder": ([], PLACES), "--to": (["out"], ["params.yaml", "x" * 300]),
        "--dtype": ([], ["float8", ""]),
    },
    ("calibrate", "ladr"): {
        "--field": (["noise"], ["x", ""]), "--passes": (["4"], NUMBERS), "--tries": (["1"], NUMBERS),
        "--backbone": BACKBONES, "--benchmark": (["field-exact"], ["x", ""]), "--size": SIZES,
        "--between": (["0.1:1"], ["1:0.1", "nan:1", "0:0", "x", ":"]),
    },
}  # fmt: skip
GOES_ON = {
    ("speed", "loop"): {
        "--height": (["2"], NUMBERS), "--width": (["3"], NUMBERS), "--codes": (["4"], NUMBERS),
        "--repeat": (["1"], NUMBERS), "--threads": (["1"], NUMBERS),
        "--policy": (["ladr"], ["laddr", "{", ""]),
    },
    ("speed", "mixture"): {"--repeat": (["1"], NUMBERS), "--scenes": (["8"], NUMBERS)},
    ("search",): {
        "--trials": (["1"], NUMBERS), "--backbone": BACKBONES, "--benchmark": (["field-exact"], ["x", ""]),
        "--vary": (["noise=0:1:0.5"], ["noise=1:0:0.5", "noise=0:1:0", "noise=nan:1:1", "x=1,2", "noise"]),
        "--half": (["even"], ["x", ""]), "--size": SIZES, "--base": (["ladr"], ["laddr", ""]),
    },
    ("sweep",): {
        "--base": (["ladr"], ["laddr", ""]),
        "--alpha": (["structure=0.1,0.3"], ["structure=", "=1", "x", "x=["]),
        "--vary": (["steps=4,8"], ["steps=0", "steps=4,4", "match=nobody", "backbones=x", "a..b=1"]),
        "--backbone": BACKBONES, "--benchmark": (["field-exact"], ["x", "mini-geneval"]), "--size": SIZES,
        "--images": (["1"], NUMBERS), "--cores": (["1"], ["0", "-1", "many", "9" * 40, "²"]),
        "--params": (["params.yaml"], ["nowhere", "results", "x" * 300]),
    },
    ("track",): {
        "--record": (["results/tracked.json"], ["results", "params.yaml/x", "x" * 300]),
        "--params": (["params.yaml"], ["nowhere", "results"]),
        "--set": ([], ["steps=0", "x=1", "=", "use=[x]"]),
    },
    ("ui",): {"--port": (["5000"], [*NUMBERS, "99999"]), "--host": (["127.0.0.1"], ["", "not a host"])},
    ("demo",): {
        "--samplers": (["cosine,ladr"], ["laddr", "", "cosine@0", "a,b,c,d,e", "{", "cosine@" + "9" * 5000]),
        "--backbone": BACKBONES, "--port": (["0"], [*NUMBERS[:3], "99999"]),
    },
    ("train", "vq"): {
        "--folder": ([], ["params.yaml", "params.yaml/x"]), "--data": (["shapes"], ["shape", ""]),
        "--steps": (["1"], NUMBERS), "--seed": (["0"], NUMBERS[:3]),
    },
    ("train", "model"): {
        "--folder": ([], PLACES), "--data": (["shapes"], ["shape", ""]), "--steps": (["1"], NUMBERS),
        "--minutes": (["1"], NUMBERS[:3]), "--rate": (["1"], NUMBERS[:3]), "--early": (["0.5"], ["2", "nan"]),
        "--start": ([], PLACES), "--workers": (["0"], ["-1", "x", "9" * 9]),
        "--shard-batch": (["1"], NUMBERS),
    },
    ("train", "sheet"): {
        "--folder": ([], PLACES), "--each": (["1"], NUMBERS), "--steps": (["2"], NUMBERS),
    },
    ("train", "exam"): {
        "--folder": ([], PLACES), "--prompts": (["2"], [*NUMBERS, "1"]), "--guidance": (["1"], NUMBERS[:3]),
        "--data": (["shapes"], ["shape", ""]), "--out": (["a.json"], ["results", "x" * 300]),
    },
    ("train", "data", "pictures"): {
        "--from": ([], PLACES), "--codes": (["16"], NUMBERS), "--group": (["animals"], ["x", ""]),
    },
}  # fmt: skip
REQUIRED = {("calibrate", "ladr"): ["--field", "--passes"], ("train", "data", "pictures"): ["--from"]}


@st.composite
def calls(draw: st.DrawFn) -> list[str]:
    """A command with right and wrong words. One that goes on has at least one wrong word."""
    table = ENDS | GOES_ON
    start = draw(st.sampled_from(sorted(table)))
    options = table[start]
    bad = draw(st.sampled_from(sorted(options))) if start in GOES_ON else None
    words = [*start]
    for option, (right, wrong) in sorted(options.items()):
        kept = option == bad or option in REQUIRED.get(start, ()) or draw(st.booleans())
        values = wrong if option == bad or not right or draw(st.integers(0, 4)) == 0 else right
        if kept:
            value = draw(st.sampled_from(values))
            words += [option] if value is None else [option, value]
    return words


@cache
def imported() -> None:
    """Import what the commands need, which every process then has: its seconds are none of a call."""
    for name in (
        "training.run",
        "training.vq",
        "training.exam",
        "training.sheet",
        "training.export",
        "speed.loop",
    ):
        import_module(f"ladr.{name}")


def call(words: list[str], world: World) -> str:
    """Call `ladr WORDS` beside a finished experiment, in a process with ten seconds and 2 GiB; the fault."""
    imported()
    shutil.copytree(world.folder, Path(), dirs_exist_ok=True)
    return apart(lambda: fault_of_call(words))


def apart(act) -> str:
    """What `act` answers in a process of its own, with limits of time and memory."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        _inside(act, write)
    os.close(write)
    clock = threading.Timer(SECONDS + 1, os.killpg, (pid, signal.SIGKILL))
    os.setpgid(pid, pid)
    clock.start()
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read().decode()
    _, status, used = os.wait4(pid, 0)
    clock.cancel()
    if os.waitstatus_to_exitcode(status):
        return f"it was ended by {status}, after {SECONDS:.0f} s or more than it may have"
    peak = used.ru_maxrss * 1024
    return answer or (f"it took {peak >> 20} MiB" if peak > MEMORY else "")


def _inside(act, write: int) -> None:
    """The child: say the fault into the pipe and end."""
    code = 1
    try:
        import torch

        os.setpgid(0, 0)
        torch.set_num_threads(1)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        os.write(write, act().encode(errors="replace")[:4000])
        code = 0
    finally:
        os._exit(code)
