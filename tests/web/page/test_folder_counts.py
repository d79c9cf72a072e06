"""How many songs a folder holds, as the page says it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.players.folders import counted
from agent.web.page.folders import FRESH_SECONDS, Counter
from tests.fakes.clock import FakeClock
from tests.web.page.harness import wait_until


def pieces(path: str) -> Iterator[int]:
    """As the player finds them."""
    return counted(Path(path))


@pytest.mark.parametrize(("name", "songs"), [("one.ogg", 1), ("two.m3u8", 2)])
def test_a_song_and_a_list_are_music_as_well(tmp_path: Path, name: str, songs: int) -> None:
    """'No music that Moodtray can play' stood beside what was playing."""
    for song in ("one.ogg", "other.ogg"):
        (tmp_path / song).touch()
    (tmp_path / "two.m3u8").write_text("one.ogg\nother.ogg\ngone.ogg\n")
    counter = Counter(pieces, FakeClock().monotonic)
    wait_until(lambda: counter.count(str(tmp_path / name)) == (songs, True), "the count")


def test_what_was_just_put_in_counts_when_the_page_is_loaded_again(tmp_path: Path) -> None:
    """'No music that Moodtray can play' stood for half a minute beside a folder full of it."""
    clock = FakeClock()
    counter = Counter(pieces, clock.monotonic)
    folder = str(tmp_path)
    wait_until(lambda: counter.count(folder) == (0, True), "the count")
    (tmp_path / "song.ogg").touch()
    clock.advance(2.0)
    counter.count(folder)
    wait_until(lambda: counter.count(folder) == (1, True), "the new count")


def test_a_folder_may_be_named_from_the_home_folder_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """'No music that Moodtray can play' stood beside a folder that was playing."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "song.ogg").touch()
    counter = Counter(pieces, FakeClock().monotonic)
    wait_until(lambda: counter.count("~") == (1, True), "the count")


def test_a_count_that_took_long_is_kept(tmp_path: Path) -> None:
    times = iter([0.0, 5.0])  # its begin and end
    clock = FakeClock()
    here = clock.monotonic()
    slow = Counter(pieces, lambda: here + next(times, 5.0 + FRESH_SECONDS - 1.0))
    folder = str(tmp_path)
    slow.count(folder)
    wait_until(lambda: slow.count(folder) == (0, True), "the count")
    (tmp_path / "song.ogg").touch()
    assert slow.count(folder) == (0, True)
