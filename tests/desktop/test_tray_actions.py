"""What the menu asks of the desktop, with a real program in the opener's place."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.desktop import about
from agent.desktop.palette import PAPER
from agent.desktop.tray.actions import carry_out, open_with_desktop, show_music_folders
from agent.desktop.tray.menu import MenuAction
from agent.events import Event, Notice
from agent.store import catalogues
from agent.store.paths import Paths
from tests.desktop.x11 import Desktop, wait_for

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="xdg-open is Linux's opener")


def opener(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    program = folder / "xdg-open"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_opens_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opener(tmp_path, monkeypatch, f'printf %s "$1" > "{tmp_path}/opened"')
    paths = Paths.below(tmp_path / "a home")
    open_with_desktop(paths.settings_file)
    assert (tmp_path / "opened").read_text() == str(paths.settings_file)


def test_a_desktop_that_cannot_is_told_with_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener(tmp_path, monkeypatch, "exit 3")
    said: list[Event] = []
    paths = Paths.below(tmp_path)
    show_music_folders(paths, said.append)
    (notice,) = said
    assert isinstance(notice, Notice)
    assert str(paths.music) in notice.message


def test_the_folders_are_named_in_the_users_language_beside_those_that_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener(tmp_path, monkeypatch, "true")
    paths = Paths.below(tmp_path / "home")
    (paths.music / "Sad").mkdir(parents=True)
    catalogues.speak("de")
    try:
        show_music_folders(paths, lambda _event: None)
    finally:
        catalogues.speak("en")
    made = {"Wütend", "Angewidert", "Ängstlich", "Fröhlich", "Sad", "Überrascht", "Neutral"}
    assert {folder.name for folder in paths.music.iterdir()} == made
    show_music_folders(paths, lambda _event: None)
    assert {folder.name for folder in paths.music.iterdir()} == made, "there is one of each"


def test_makes_the_folders_for_the_users_music_and_opens_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener(tmp_path, monkeypatch, f'printf %s "$1" > "{tmp_path}/opened"')
    said: list[Event] = []
    paths = Paths.below(tmp_path / "a home")
    (paths.music / "Happy").mkdir(parents=True)
    (paths.music / "Happy" / "song.ogg").write_bytes(b"")
    show_music_folders(paths, said.append)
    names = {folder.name for folder in paths.music.iterdir()}
    assert names == {"Angry", "Disgusted", "Afraid", "Happy", "Sad", "Surprised", "Neutral"}
    assert (paths.music / "Happy" / "song.ogg").exists()
    assert (tmp_path / "opened").read_text() == str(paths.music)
    (notice,) = said
    assert isinstance(notice, Notice)
    assert notice.title == "Your music folders are open"
    assert "where nothing else is set" in notice.message


@pytest.mark.parametrize(
    ("plays", "end"),
    [
        (True, "Until 14:46 the music is left alone; 'Play for my mood' changes it sooner."),
        (False, "No music plays now; 'Play for my mood' begins it."),
    ],
)
def test_the_folders_promise_a_next_track_only_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plays: bool, end: str
) -> None:
    """'From the next track on' was not so for an hour after an Undo, nor in silence."""
    opener(tmp_path, monkeypatch, "true")
    said: list[Event] = []
    until = datetime(2026, 11, 22, 14, 46, tzinfo=UTC)
    show_music_folders(Paths.below(tmp_path / "home"), said.append, until, plays=plays)
    (notice,) = said
    assert isinstance(notice, Notice)
    assert notice.message.endswith(end)
    assert ("next track" in notice.message) == plays


def test_the_folders_promise_nothing_while_spotify_plays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """'It plays for that mood' was told, and 'No playlist is set for neutral' came of it."""
    opener(tmp_path, monkeypatch, "true")
    said: list[Event] = []
    until = datetime(2026, 11, 22, 14, 46, tzinfo=UTC)
    show_music_folders(Paths.below(tmp_path / "home"), said.append, until, in_use=False)
    (notice,) = said
    assert isinstance(notice, Notice)
    assert notice.message == (
        "Put music into the folder of a mood. Moodtray plays Spotify now: under 'Music for my "
        "moods', 'Music on this computer', you can have it play these folders instead."
    )


def test_folders_that_cannot_be_made_are_told(tmp_path: Path) -> None:
    (tmp_path / "music").write_text("a file in the way")
    said: list[Event] = []
    show_music_folders(Paths.below(tmp_path), said.append)
    (notice,) = said
    assert isinstance(notice, Notice)
    assert notice.trouble
    assert str(tmp_path / "music") in notice.message


def test_about_without_a_display_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    said: list[Event] = []
    carry_out(MenuAction.ABOUT, Paths.below(tmp_path), said.append)
    (notice,) = said
    assert isinstance(notice, Notice)
    assert notice.trouble


def test_about_is_a_window_that_a_key_closes(
    tint2_desktop: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, artefacts: Path
) -> None:
    monkeypatch.setenv("DISPLAY", tint2_desktop.display)
    said: list[Event] = []
    paths = Paths.below(tmp_path / "a long name of a folder in which somebody keeps things" / "x")
    opened = threading.Thread(target=carry_out, args=(MenuAction.ABOUT, paths, said.append))
    opened.start()
    (window,) = wait_for(lambda: tint2_desktop.windows(about.TITLE), "window", 30)
    wait_for(lambda: tint2_desktop.find_colour(PAPER, at_least=5000), "text", 30)
    wait_for(lambda: tint2_desktop.has_icon(window), "the window's icon")
    tint2_desktop.screenshot(artefacts / "about.png")
    tint2_desktop.focus(window)
    tint2_desktop.key("Escape")
    opened.join(20)
    assert not opened.is_alive()
    assert said == []


def test_about_ends_with_the_program(
    tint2_desktop: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from agent.desktop import about\n"
        "from agent.store.paths import Paths\n"
        "if __name__ == '__main__':\n"
        "    about.show(Paths.default())\n"
    )
    environment = {**os.environ, "DISPLAY": tint2_desktop.display, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, program], env=environment) as running:
        wait_for(lambda: tint2_desktop.windows(about.TITLE), "window", 30)
        running.kill()
    wait_for(lambda: not tint2_desktop.windows(about.TITLE), "its end", 30)


def test_about_tells_version_promise_and_places(tmp_path: Path) -> None:
    paths = Paths.below(tmp_path)
    told = "\n".join(about.texts(paths))
    assert "bin/moodtray uninstall', then delete the folder" in told
    assert "your settings, logins and music are yours to delete" in told
    for text in ("No picture is kept or sent", str(paths.history_file), str(paths.logs)):
        assert text in told
    small, large = (about.picture(about.texts(paths), scale) for scale in (1.0, 2.0))
    assert large.width == 2 * small.width
    assert large.height == pytest.approx(2 * small.height, rel=0.1)
