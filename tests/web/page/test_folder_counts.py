"""How many songs a folder holds, as the page says it."""

from __future__ import annotations

from pathlib import Path

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
