"""What the page says of a mood for which nothing is set is what plays for it."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from agent.app.page_desks import MusicChoice
from agent.players.local import mood_folders, playlists_for
from agent.store.paths import Paths, resources_dir
from agent.store.settings_file import SettingsFile
from agent.types import MoodState
from tests.fakes.clock import FakeClock


@pytest.fixture
def choice() -> Any:
    paths = Paths.default()
    paths.ensure()
    unused = Mock()
    made = MusicChoice(paths, FakeClock(), SettingsFile(paths), unused, unused, None)
    return made, paths


def put_song(paths: Paths, folder: str) -> None:
    song = next(resources_dir().rglob("*.flac"), None) or next(resources_dir().rglob("*.ogg"))
    (paths.music / folder).mkdir(parents=True, exist_ok=True)
    (paths.music / folder / song.name).write_bytes(song.read_bytes())


def test_a_folder_of_ones_own_is_said_and_counted(
    choice: tuple[MusicChoice, Paths],
) -> None:
    desk, paths = choice
    (paths.music / "Happy").mkdir(parents=True)
    put_song(paths, "Sad")
    assert desk.own_folders("local") == {MoodState.SAD: (str(paths.music / "Sad"),)}
    assert desk.own_folders("spotify") == {}
    assert "Moodtray loop" in desk.without_entry("local", MoodState.HAPPY), "it is empty"
    playing = playlists_for(SettingsFile(paths).load(), mood_folders(paths.music))["sad"]
    assert [each.uri for each in playing] == [str(paths.music / "Sad")]


def test_what_is_set_wins_over_the_folder(choice: tuple[MusicChoice, Paths]) -> None:
    desk, paths = choice
    put_song(paths, "Sad")
    SettingsFile(paths).change("local_playlists.sad", [])
    assert desk.without_entry("local", MoodState.SAD).startswith("Nothing is to play")
