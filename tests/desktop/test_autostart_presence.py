"""A moved installation is noticed by all that its command needs, not by its program alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from agent.desktop.autostart.command import start_command
from agent.desktop.autostart.linux import XdgAutostart
from agent.desktop.autostart.presence import missing_part, place


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with blanks and quotes that looks like a checkout."""
    folder = tmp_path / "my 'own' \"projects\" (new)"
    (folder / "agent").mkdir(parents=True)
    (folder / "agent" / "__main__.py").write_text("")
    return folder


def start_of(checkout: Path) -> tuple[str, ...]:
    """What this checkout would write, for another folder."""
    real = start_command()
    here = str(Path(__file__).resolve().parents[2])
    assert repr(here) in real[2]
    return (real[0], real[1], real[2].replace(repr(here), repr(str(checkout))), real[3])


def test_this_installation_is_all_there() -> None:
    assert missing_part(start_command()) is None


def test_a_moved_checkout_is_noticed_though_its_python_is_there(checkout: Path) -> None:
    command = start_of(checkout)
    assert missing_part(command) is None
    assert place(command) == str(checkout)
    checkout.rename(checkout.with_name("elsewhere"))
    assert missing_part(command) == str(checkout)


def test_a_folder_of_that_name_alone_is_no_checkout(checkout: Path) -> None:
    (checkout / "agent" / "__main__.py").unlink()
    assert missing_part(start_of(checkout)) == str(checkout)


def test_it_is_told_and_mended(checkout: Path, tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path / "home")}
    XdgAutostart(start_of(checkout), environment).enable()
    moved = checkout.rename(tmp_path / "elsewhere")
    now = XdgAutostart(start_of(moved), environment)
    found = now.status()
    assert (found.enabled, found.moved, found.gone) == (True, True, True)
    assert f"{checkout} is no longer there" in found.describe()
    assert now.renew()
    assert now.status().command == start_of(moved)
    assert not now.status().moved


def test_another_checkout_is_named_by_its_folder(checkout: Path, tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path / "home")}
    XdgAutostart(start_of(checkout), environment).enable()
    found = XdgAutostart(["/usr/bin/env", "run"], environment).status()
    assert (found.moved, found.gone) == (True, False)
    assert f"another installation that starts: {checkout}." in found.describe()


def test_another_argument_is_another_command(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path / "home")}
    XdgAutostart(["/usr/bin/env", "run", "--old"], environment).enable()
    assert XdgAutostart(["/usr/bin/env", "run"], environment).status().moved


@pytest.mark.skipif(os.name == "nt", reason="scripts have no first line on Windows")
@pytest.mark.parametrize(
    "text",
    [
        "#!{}\nimport sys\n",
        "#! {} -E\nimport sys\n",
        "#!/bin/sh\n'''exec' \"{}\" \"$0\" \"$@\"\n' '''\nimport sys\n",
    ],
)
def test_a_script_whose_python_is_gone_starts_nothing(tmp_path: Path, text: str) -> None:
    blank = " " if "exec" in text else "-"
    python = tmp_path / f"a{blank}venv" / "bin" / "python"
    script = tmp_path / "a script"
    script.write_text(text.format(python))
    script.chmod(0o755)
    assert missing_part([str(script), "run"]) == str(python)
    python.parent.mkdir(parents=True)
    python.write_text("")
    assert missing_part([str(script), "run"]) is None


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no right to run a file")
def test_a_file_that_cannot_be_run_starts_nothing(tmp_path: Path) -> None:
    file = tmp_path / "moodtray"
    file.write_text("")
    assert missing_part([str(file), "run"]) == str(file)
    assert missing_part([str(tmp_path), "run"]) == str(tmp_path), "nor does a folder"


def test_names_without_a_folder_are_searched() -> None:
    name = "cmd" if sys.platform == "win32" else "env"
    assert missing_part([name, "run"]) is None
    assert missing_part(["no-such-program", "run"]) == "no-such-program"
    assert missing_part([]) == ""


def test_code_that_is_not_ours_is_left_alone() -> None:
    assert missing_part([sys.executable, "-c", "print('hello')"]) is None
