"""Ctrl-C at any moment after the program's own first line: no words, exit code 130."""

import subprocess
import sys

import pytest

SIGNALLED = """
import signal
import sys

MODULE = sys.argv[1]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is deaf to it


class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == MODULE:
            signal.raise_signal(signal.SIGINT)


sys.meta_path.insert(0, Finder())
from ladr.cli.main import main

sys.argv = ["ladr", "sample", "a red circle", "--backbone", "field"]
main()
"""


@pytest.mark.parametrize(
    "module", ["typer", "ladr.cli.words", "ladr.cli.sample", "torch", "ladr.decoding.loop"]
)
def test_ctrl_c_while_modules_are_imported_ends_without_a_word(module, tmp_path):
    words = [sys.executable, "-c", SIGNALLED, module]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert not list(tmp_path.iterdir())
