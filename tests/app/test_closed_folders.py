"""Folders that another user, or a disk's rights, have closed to this one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest
from typer.testing import CliRunner

from agent import logs
from agent.app import journey_file
from agent.app.forgetting import forget
from agent.app.own_face import NAME as FACE
from agent.app.page_desks import MusicChoice
from agent.cli.commands import app
from agent.errors import AgentError
from agent.players.local import mood_folders
from agent.store.jsonfile import JsonFile
from agent.store.paths import Paths, resources_dir
from agent.store.settings_file import SettingsFile
from tests.fakes.clock import FakeClock
from tests.stranger import NOBODY, as_stranger, open_home

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions are of another kind there")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home of an ordinary user, whom closed folders keep out; root enters all."""
    with open_home() as made:
        os.chown(made, NOBODY, NOBODY)
        monkeypatch.setenv("MOODTRAY_HOME", str(made))
        monkeypatch.setenv("HOME", str(made))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(made / "desktop"))
        yield made


def close(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    os.chown(folder, 0, 0)
    folder.chmod(0o700)


@pytest.mark.parametrize("closed", ["data", "logs"])
def test_a_deletion_goes_past_a_closed_folder_and_says_so(home: Path, closed: str) -> None:
    paths = Paths.default()

    def note() -> None:
        paths.ensure()
        (paths.logs / logs.LOG_NAME).write_text("2026-05-01 12:00:00 INFO a: heard\n")
        journey_file.save(paths, {"a": 1})
        JsonFile(paths.state / FACE).save({"a": 1})

    assert as_stranger(note) == "None"
    close(getattr(paths, closed))
    told = as_stranger(lambda: forget(paths, None))
    assert told.startswith("StoreError: ")
    assert str(getattr(paths, closed)) in told
    left = [file for file in paths.state.iterdir() if file.is_file()]
    assert left == []
    if closed != "logs":
        assert (paths.logs / logs.LOG_NAME).read_text() == ""


COMMANDS = [
    "status",
    "quit",
    "logout",
    "forget --everything --yes",
    "autostart status",
    "doctor",
    "uninstall",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_in_a_closed_home_each_command_ends_with_a_sentence(home: Path, command: str) -> None:
    """As after `su`, which keeps the variables of the user before."""
    close(home)

    def attempt() -> object:
        return CliRunner().invoke(app, command.split()).exception

    told = as_stranger(attempt)
    assert "PermissionError" not in told
    assert (
        told == "None"
        or "SystemExit" in told
        or any(f"{kind.__name__}(" in told for kind in kinds(AgentError))
    )


def kinds(error: type[AgentError]) -> list[type[AgentError]]:
    return [error, *(one for below in error.__subclasses__() for one in kinds(below))]


def test_closed_music_takes_nothing_else_from_the_page(home: Path) -> None:
    """Somebody whose music was shared closes their home: the page was an error until it was set
    right in the file."""
    paths = Paths.default()
    theirs = home.parent / "theirs"
    (theirs / "Happy").mkdir(parents=True)
    close(theirs)

    def attempt() -> object:
        desk = MusicChoice(paths, FakeClock(), SettingsFile(paths), Mock(), Mock(), None)
        shown = [
            desk.card("local", str(theirs / name)).problem for name in ("Happy", "Happy/a.ogg")
        ]
        try:
            desk.look_up("local", str(theirs / "Happy"))
        except AgentError as error:
            shown.append(type(error).__name__)
        return shown

    refused = "it cannot be read (Permission denied)"
    assert as_stranger(attempt) == repr([refused, refused, "PlaylistGone"])


def test_a_link_into_a_closed_folder_hides_no_music_beside_it(home: Path) -> None:
    paths = Paths.default()
    theirs = home.parent / "theirs"
    close(theirs)
    (paths.music / "Sad").mkdir(parents=True)
    shutil.copy(resources_dir() / "sounds" / "sad.ogg", paths.music / "Sad")
    (paths.music / "Happy").symlink_to(theirs / "Happy")
    assert as_stranger(lambda: list(mood_folders(paths.music))) == "['sad']"


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="it has this variable")
def test_a_runtime_folder_is_a_whole_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Else commands of another folder would not find the agent, and a second one would start."""
    monkeypatch.delenv("MOODTRAY_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", ".")
    assert Paths.default().runtime.is_absolute()
