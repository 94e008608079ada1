"""Every command that the help lists can be imported and explains itself."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ladr.cli import main as cli


@pytest.mark.parametrize("name", sorted({*cli.GROUPS, *cli.COMMANDS}))
def test_a_command_explains_itself(name):
    found = CliRunner().invoke(cli.build(name), [name, "--help"])
    assert found.exit_code == 0, found.output
    assert "Usage" in found.output


@pytest.mark.parametrize("name", sorted({*cli.GROUPS, *cli.COMMANDS}))
def test_the_help_of_all_says_what_the_commands_own_help_says(name):
    command = typer.main.get_command(cli.build(name)).commands[name]
    assert cli.HELP[name] == command.get_short_help_str(200)


def test_help_names_every_command():
    found = CliRunner().invoke(cli.build(), ["--help"])
    assert found.exit_code == 0
    for name in (*cli.GROUPS, *cli.COMMANDS):
        assert f" {name} " in found.output


def test_bad_input_is_one_message_and_status_2():
    command = [sys.executable, "-c", "from ladr.cli.main import main; main()", "prompts", "mini-genevall"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert "mini-geneval" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_one_message_and_status_2(tmp_path):
    sheet = tmp_path / "sheet.png"
    sheet.symlink_to("/dev/full")
    asked = ["prompts", "mini-geneval", "--size", "smoke", "--render", str(sheet)]
    command = [sys.executable, "-c", "from ladr.cli.main import main; main()", *asked]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert "No space left on device" in found.stderr
    assert "Traceback" not in found.stderr
