"""Folders that are named after moods are adopted, whenever they come and go."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from agent.app.music_folders import EVERY, MusicFolders
from agent.errors import PlaylistGone
from agent.events import PlayerChanged
from agent.players import folders as folders_of_music
from agent.players.local import beside_moods, look_at, loop, mood_folders, playlist, playlists_for
from agent.settings import Settings
from agent.store import walk
from agent.types import MoodState
from tests.app.manager_harness import ManagerHarness
from tests.fakes.audio import write_tone
from tests.fakes.clock import FakeClock


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("Happy", "afraid", "SURPRISE", "Other", "Sad"):
        (tmp_path / name).mkdir()
    for name in ("Happy", "afraid", "SURPRISE", "Other"):
        write_tone(tmp_path / name / "within" / "a.wav", 0.01)
    (tmp_path / "Sad" / "cover.jpg").write_bytes(b"")
    return tmp_path


def test_only_folders_of_moods_with_music_are_adopted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mood_folders(root) == {
        "happy": (root / "Happy",),
        "fear": (root / "afraid",),
        "surprise": (root / "SURPRISE",),
    }
    assert mood_folders(root / "nowhere") == {}
    monkeypatch.setattr("agent.players.local.MOST_ENTRIES", 0, raising=False)
    assert mood_folders(root) == {}, "it is looked at every few seconds, and may hold anything"


def test_music_of_a_kind_that_is_not_played_is_told_and_not_passed_over(root: Path) -> None:
    """The loop went on without a word beside a folder full of what a phone had bought."""
    (root / "Sad" / "1.m4a").write_bytes(b"")
    assert mood_folders(root)["sad"] == (root / "Sad",)
    with pytest.raises(PlaylistGone, match=r"does not play: 1 \.m4a"):
        look_at(playlist(str(root / "Sad")))


def test_folders_of_one_mood_take_turns_whatever_language_their_names_are_of(root: Path) -> None:
    """Those made in a German session went on playing in no English one, and hid each other."""
    write_tone(root / "Traurig" / "a.wav", 0.01)
    write_tone(root / "Sad" / "a.wav", 0.01)
    assert mood_folders(root)["sad"] == (root / "Sad", root / "Traurig")
    found = playlists_for(Settings(), mood_folders(root))
    assert [each.name for each in found["sad"]] == ["Sad", "Traurig"]


def test_a_thousand_links_are_one_folder_and_a_thousand_folders_twenty(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive of a few kilobytes kept the program from starting for hours."""
    looks: list[Path] = []
    is_for_music = folders_of_music.is_for_music

    def look(folder: Path) -> bool:
        looks.append(folder)
        return is_for_music(folder)

    monkeypatch.setattr("agent.players.local.is_for_music", look)
    names = ["".join(letters) for letters in product("sS", "aA", "dD")]
    for blanks in range(1, 41):
        for name in names:
            (root / f"{name}{' ' * blanks}").symlink_to(root / "Other")
    assert [folder.resolve().name for folder in mood_folders(root)["sad"]] == ["Other"]
    assert len([folder for folder in looks if folder.name.strip().casefold() == "sad"]) == 2
    for blanks in range(1, 41):
        for name in names:
            link = root / f"{name}{' ' * blanks}"
            link.unlink()
            write_tone(link / "a.wav", 0.01)
    looks.clear()
    assert len(mood_folders(root)["sad"]) == 20
    assert len(looks) == 23, "and one of each of three other moods"


def test_what_a_folder_is_for_is_told_by_some_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of many was read to its end, at every look."""
    for number in range(5):
        (tmp_path / f"{number}.jpg").write_bytes(b"")
        (tmp_path / f"{number}").mkdir()
    assert not folders_of_music.is_for_music(tmp_path)
    for limit, most in (("BEGIN_ENTRIES", 9), ("BEGIN_FOLDERS", 5)):
        with monkeypatch.context() as patched:
            patched.setattr(walk, limit, most)
            assert folders_of_music.is_for_music(tmp_path)


def test_music_that_no_mood_plays_is_named(root: Path) -> None:
    """Songs put beside the moods' folders, or into one of another name, were passed over."""
    (root / "song.mp3").write_bytes(b"")
    (root / "notes.txt").write_bytes(b"")
    (root / ".trash.mp3").write_bytes(b"")
    (root / "Empty").mkdir()
    told = beside_moods(root, Settings())
    assert f"is in {root} beside the moods' folders: Other, song.mp3. Move it" in told
    named = Settings(local_playlists={"happy": (str(root / "Other"),)})
    assert "folders: song.mp3. Move" in beside_moods(root, named)
    within = Settings(local_playlists={"happy": (str(root / "Other" / "within"),)})
    assert "folders: song.mp3. Move" in beside_moods(root, within)
    assert beside_moods(root, Settings(local_playlists={"happy": (str(root),)})) == ""
    assert beside_moods(root / "nowhere", Settings()) == ""


def test_settings_come_first_then_folders_then_loops(root: Path) -> None:
    settings = Settings(local_playlists={"happy": ("/elsewhere",), "fear": ()})
    found = playlists_for(settings, mood_folders(root))
    assert found["happy"] == (playlist("/elsewhere"),)
    assert found["fear"] == ()
    assert found["surprise"] == (playlist(str(root / "SURPRISE")),)
    assert found["sad"] == (loop("sad"),)


def test_they_are_noticed_within_seconds_and_nothing_waits_for_the_disk(root: Path) -> None:
    clock = FakeClock()
    folders = MusicFolders(root, clock)
    folders.look_now()
    assert "sad" not in folders.adopted
    write_tone(root / "Sad" / "a.wav", 0.01)
    assert not folders.look(), "it is not time yet"
    clock.advance(EVERY)
    wait_until(folders.look)
    assert folders.adopted["sad"] == (root / "Sad",)
    clock.advance(EVERY)
    folders.look()
    time.sleep(0.2)
    assert not folders.look(), "nothing changed"


def test_a_folder_that_comes_is_played_from_then_on(harness: ManagerHarness) -> None:
    harness.music.use(Settings(player="local"))
    sad = harness.paths.music / "Sad"
    write_tone(sad / "a.wav", 0.01)

    def noticed() -> bool:
        harness.music.look()
        changes = [event for event in harness.events if isinstance(event, PlayerChanged)]
        return changes[-1].playlists[MoodState.SAD] == (playlist(str(sad)),)

    wait_until(noticed)


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30.0
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
