"""How many songs a folder holds, as the page says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.web.page.folders import FRESH_SECONDS, Counter
from tests.fakes.clock import FakeClock
from tests.web.page.harness import wait_until


def test_what_was_just_put_in_counts_when_the_page_is_loaded_again(tmp_path: Path) -> None:
    """'No music that Moodtray can play' stood for half a minute beside a folder full of it."""
    clock = FakeClock()
    counter = Counter(frozenset({".ogg"}), clock.monotonic)
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
    counter = Counter(frozenset({".ogg"}), FakeClock().monotonic)
    wait_until(lambda: counter.count("~") == (1, True), "the count")


def test_a_count_that_took_long_is_kept(tmp_path: Path) -> None:
    times = iter([0.0, 5.0])  # its begin and end
    clock = FakeClock()
    here = clock.monotonic()
    slow = Counter(frozenset({".ogg"}), lambda: here + next(times, 5.0 + FRESH_SECONDS - 1.0))
    folder = str(tmp_path)
    slow.count(folder)
    wait_until(lambda: slow.count(folder) == (0, True), "the count")
    (tmp_path / "song.ogg").touch()
    assert slow.count(folder) == (0, True)
