"""How Moodtray is removed is said for the way in which it was installed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from agent.desktop.removal import of_package, of_python, tool
from tests.agent_process import run_command


@pytest.mark.parametrize(
    ("prefix", "command"),
    [
        ("/home/mia/.local/share/pipx/venvs/moodtray", "pipx uninstall"),
        ("/home/mia/.local/share/uv/tools/moodtray", "uv tool uninstall"),
        ("/home/mia/venv", "pip uninstall"),
    ],
)
def test_the_tool_that_made_the_environment_is_named(prefix: str, command: str) -> None:
    assert tool(PurePosixPath(prefix)) == command


@pytest.mark.parametrize(
    ("platform", "folder", "told"),
    [
        ("linux", PurePosixPath("/usr/lib/moodtray"), "sudo apt remove moodtray"),
        ("linux", PurePosixPath("/home/mia/moodtray"), "delete the folder /home/mia/moodtray"),
        ("win32", PureWindowsPath("C:/Programs/Moodtray"), "Windows' Settings, 'Apps'"),
        ("darwin", PurePosixPath("/Applications/Moodtray.app"), "delete the app"),
    ],
)
def test_each_package_goes_its_own_way(
    platform: str, folder: PurePosixPath | PureWindowsPath, told: str
) -> None:
    assert told in of_package(platform, folder)


@pytest.mark.parametrize(
    ("found", "first"),
    [("/home/mia/.local/bin/moodtray", "'moodtray uninstall'"), (None, "/bin/moodtray uninstall'")],
)
def test_the_command_is_written_as_it_can_be_typed(
    monkeypatch: pytest.MonkeyPatch, found: str | None, first: str
) -> None:
    """In a clone, whose program is on no path, the terminal knew no such command."""
    monkeypatch.setattr(shutil, "which", lambda _name: found)
    assert first in of_python("linux", "'pipx uninstall moodtray'")


def test_where_there_is_no_command_for_it_the_start_at_login_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/local/bin/{name}")
    assert "'moodtray uninstall'" in of_python("linux", "'pipx uninstall moodtray'")
    assert "'moodtray autostart disable'" in of_python("darwin", "'pipx uninstall moodtray'")


def test_who_has_just_uninstalled_is_not_sent_to_do_it_again() -> None:
    for told in (
        of_python("linux", "'pipx uninstall moodtray'", entries_gone=True),
        of_package("linux", PurePosixPath("/home/mia/moodtray"), entries_gone=True),
    ):
        assert told.startswith("The program itself is still there: ")
        assert "'moodtray uninstall'" not in told


@pytest.mark.skipif(sys.platform != "linux", reason="the command is for Linux")
def test_uninstall_names_what_is_there_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever had just deleted the folders was told that they are still there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "run").mkdir(mode=0o700)
    for name in ("MOODTRAY_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    told = run_command("uninstall").stdout
    assert "What it kept" not in told
    assert "Nothing that it kept is there any more." in told
    kept = tmp_path / ".local" / "share" / "moodtray"
    kept.mkdir(parents=True, mode=0o700)
    told = " ".join(run_command("uninstall").stdout.split())
    assert f"What it kept is still there: history ({kept}). Delete these folders" in told


def test_the_help_says_how_the_program_goes() -> None:
    told = " ".join(run_command("--help").stdout.split())
    assert "To remove Moodtray: 'moodtray uninstall'" in told
