"""Where `ladr prompts --render` may draw."""

import pytest

from ladr.cli.main import answer


@pytest.mark.parametrize("place", ["folder", "folder.png", "file", "file.png/sheet.png"])
def test_a_sheet_that_cannot_be_a_png_is_one_line_and_exit_code_2(place, tmp_path, capfd):
    for name in ("folder", "folder.png"):
        (tmp_path / name).mkdir()
    for name in ("file", "file.png"):
        (tmp_path / name).write_text("kept")
    code = answer(["prompts", "mini-geneval", "--size", "smoke", "--render", str(tmp_path / place)])
    out, err = capfd.readouterr()
    assert code == 2
    assert err.startswith("ladr: --render: ")
    assert err.count("\n") == 1
    assert not out
    assert (tmp_path / "file").read_text() == "kept"
