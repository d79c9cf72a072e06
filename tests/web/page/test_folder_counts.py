"""How many songs a folder holds, as the page says it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.players.folders import counted
from agent.web.page import folders
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
    clock = FakeClock()

    def count_slowly(path: str) -> Iterator[int]:
        clock.advance(5.0)
        yield from pieces(path)

    slow = Counter(count_slowly, clock.monotonic)
    folder = str(tmp_path)
    wait_until(lambda: slow.count(folder) == (0, True), "the count")
    (tmp_path / "song.ogg").touch()
    clock.advance(FRESH_SECONDS - 1.0)
    assert slow.count(folder) == (0, True)


class Gate(threading.Event):
    """While it is closed, no folder is counted."""

    def pieces(self, path: str) -> Iterator[int]:
        assert self.wait(60)
        yield from pieces(path)


@pytest.fixture
def gate() -> Iterator[Gate]:
    opened = Gate()
    yield opened
    opened.set()


def counting() -> int:
    return sum(one.name == "count" for one in threading.enumerate())


def test_any_number_of_folders_is_counted_in_turn(tmp_path: Path, gate: Gate) -> None:
    """A thread for each count, and a new one for each time it was asked for, were 1,600 soon."""
    counter = Counter(gate.pieces, FakeClock().monotonic)
    many = [str(tmp_path / str(number)) for number in range(700)]
    for path in many:
        Path(path).mkdir()
    before = counting()
    for _again in range(3):
        assert [counter.count(path) for path in many] == [(0, False)] * len(many)
    assert counting() - before <= folders.AT_ONCE
    gate.set()
    wait_until(lambda: all(counter.count(path) == (0, True) for path in many), "all counts")
    wait_until(lambda: counting() == before, "the end of the threads")


def test_what_nobody_waits_for_any_more_is_not_counted(tmp_path: Path, gate: Gate) -> None:
    clock = FakeClock()
    counter = Counter(gate.pieces, clock.monotonic)
    for number in range(100):
        counter.count(str(tmp_path / str(number)))
    clock.advance(folders.ASKED_SECONDS + 1.0)
    gate.set()
    wait_until(lambda: counting() == 0, "the end of the threads")
    assert len(counter._counts) <= folders.AT_ONCE
    (tmp_path / "99").mkdir()
    (tmp_path / "99" / "song.ogg").touch()
    wait_until(lambda: counter.count(str(tmp_path / "99")) == (1, True), "one asked for anew")


def test_no_more_of_a_folder_is_looked_at_than_is_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A million folders in a shared one took 300 MB to show the first four hundred."""
    for number in range(10):
        (tmp_path / str(number)).mkdir()
    assert len(folders.look_into(str(tmp_path)).folders) == 10
    monkeypatch.setattr(folders, "MOST_ENTRIES", 4, raising=False)
    assert len(folders.look_into(str(tmp_path)).folders) == 4


def test_the_first_by_name_are_shown_whatever_their_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "SHOWN", 3)
    for name in "dBaeC":
        (tmp_path / name).mkdir()
    seen = folders.look_into(str(tmp_path))
    assert seen.folders == tuple((name, str(tmp_path / name)) for name in "aBC")


def test_who_asks_again_late_is_told_the_end(tmp_path: Path) -> None:
    """A page on a busy machine asked after more than the second for which a count holds, each time:
    it was counted anew for each, and 'counting…' stood there for good."""
    now = [0.0]
    (tmp_path / "song.ogg").touch()
    counter = folders.Counter(lambda path: counted(Path(path)), lambda: now[0])
    assert counter.count(str(tmp_path)) == (0, False)
    wait_until(lambda: next(iter(counter._counts.values())).done, "the end")
    now[0] += 5.0
    assert counter.count(str(tmp_path)) == (1, True)
    now[0] += 5.0
    assert counter.count(str(tmp_path)) == (0, False), "counted anew for who asks later"
    wait_until(lambda: next(iter(counter._counts.values())).done, "the end")
    now[0] += 3600.0
    assert counter.count(str(tmp_path)) == (0, False), "that was nobody's any more"
