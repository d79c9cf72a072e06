"""A player that hangs delays nobody but its own thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from agent.clock import SystemClock
from agent.events import Event, PlaybackChanged, PlaylistStarted
from agent.players.backend import PlayerBackend
from agent.players.player_worker import PlayerWorker
from agent.types import Playlist
from tests.fakes.player import FakePlayer


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Ends the hanging after the test, so that no thread stays behind."""
    event = threading.Event()
    yield event
    event.set()


def wait_until(condition, seconds: float = 10.0) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_nobody_waits_for_a_hanging_player(release: threading.Event) -> None:
    player = FakePlayer(SystemClock())
    player.hang = release
    worker = PlayerWorker(PlayerBackend.remote(player), lambda _: None, SystemClock())
    worker.start()
    wait_until(lambda: player.count("playback") == 1)
    began = time.monotonic()
    worker.play(Playlist("a", "A"), asked=True)
    worker.pause()
    worker.resume()
    worker.expect(True)
    worker.notify_changed()
    worker.retry()
    worker.replace(PlayerBackend.remote(FakePlayer(SystemClock())))
    worker.request_stop()
    assert not worker.join(0.1)
    assert time.monotonic() - began < 10.0  # the player would hang for 60 s
    release.set()
    assert worker.join(10.0)


def test_it_runs_in_a_thread_of_its_own() -> None:
    player = FakePlayer(SystemClock())
    player.user_chooses("b")
    events: list[Event] = []
    worker = PlayerWorker(PlayerBackend.near(player), events.append, SystemClock())
    worker.start()
    wait_until(lambda: any(isinstance(event, PlaybackChanged) for event in events))
    worker.play(Playlist("a", "A"))
    wait_until(lambda: any(isinstance(event, PlaylistStarted) for event in events))
    worker.request_stop()
    assert worker.join(10.0)
    assert player.count("close") == 1
