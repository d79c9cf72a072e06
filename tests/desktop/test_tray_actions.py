"""What the menu asks of the desktop, with a real program in the opener's place."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agent.desktop.tray.actions import carry_out
from agent.desktop.tray.menu import MenuAction
from agent.events import Event, Notice
from agent.store.paths import Paths

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="xdg-open is Linux's opener")


def opener(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    program = folder / "xdg-open"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("action", "wanted"), [(MenuAction.SETTINGS, "settings.toml"), (MenuAction.SETTINGS_FOLDER, "")]
)
def test_opens_the_file_or_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: MenuAction, wanted: str
) -> None:
    opener(tmp_path, monkeypatch, f'printf %s "$1" > "{tmp_path}/opened"')
    said: list[Event] = []
    paths = Paths.below(tmp_path / "a home")
    carry_out(action, paths, said.append)
    assert (tmp_path / "opened").read_text() == str(paths.config / wanted)
    assert said == []


def test_a_desktop_that_cannot_is_told_with_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener(tmp_path, monkeypatch, "exit 3")
    said: list[Event] = []
    paths = Paths.below(tmp_path)
    carry_out(MenuAction.SETTINGS, paths, said.append)
    (notice,) = said
    assert isinstance(notice, Notice)
    assert str(paths.settings_file) in notice.message


def test_about_says_version_and_privacy(tmp_path: Path) -> None:
    said: list[Event] = []
    carry_out(MenuAction.ABOUT, Paths.below(tmp_path), said.append)
    (notice,) = said
    assert isinstance(notice, Notice)
    assert "Moodtray" in notice.title
    assert "picture" in notice.message
