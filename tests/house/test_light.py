"""What must not wait for torch and scipy: importing the package, and every command that only reads."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUN = "import sys; import ladr.cli.main; sys.argv = ['ladr', *{words}]; ladr.cli.main.main()"
QUICK = {
    "the package": "import ladr; dir(ladr); ladr.LadrError",
    "a policy": "import ladr; ladr.build({'policy': 'ladr', 'kernel': 5}).spec; ladr.MASK",
    "params": "from ladr.experiment.params import load; load('params.yaml')",
    "the Snakefile": "from ladr.experiment.plan.plan import Plan; "
    "assert Plan.read({}, ['snakemake', '-n']).all",
    "ladr --help": RUN.format(words=["--help"]),
    "ladr params": RUN.format(words=["params"]),
    "ladr grid": RUN.format(words=["grid", "--json"]),
}


def looked(code, folder=ROOT):
    """Run it in a process of its own; what it printed, and the heavy modules that were imported."""
    look = "\nfinally:\n    print(sorted({'torch', 'scipy'} & sys.modules.keys()), file=sys.stderr)"
    code = "import sys\ntry:\n" + "".join(f"    {line}\n" for line in code.splitlines()) + look
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("name", QUICK)
def test_does_without_torch_and_scipy(name, tmp_path):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    done = looked(QUICK[name], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "[]", done.stderr


def test_the_look_sees_them():
    assert looked("import ladr; ladr.decode").stderr.splitlines()[-1] == "['torch']"
    read = "import numpy, ladr.shapes.detect as d; d.read(numpy.zeros((64, 64, 3), numpy.uint8))"
    assert looked(read).stderr.splitlines()[-1] == "['scipy']"


def test_public_names_are_what_they_were():
    code = (
        "import ladr, ladr.decoding.loop, ladr.decoding.policies, ladr.decoding.view\n"
        "assert set(ladr.__all__) <= set(dir(ladr))\n"
        "assert callable(ladr.decode) and ladr.decode.__module__ == 'ladr.decoding.loop'\n"
        "from ladr import decode, policies, View, LADR\n"
        "assert decode is ladr.decode and policies is sys.modules['ladr.decoding.policies']\n"
        "assert LADR is policies.LADR and View is sys.modules['ladr.decoding.view'].View\n"
        "assert not hasattr(ladr, 'decod')"
    )
    done = looked(code)
    assert done.returncode == 0, done.stderr
