"""The player's worker on a clock that tests drive, without a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from agent.events import Event, PlaybackChanged
from agent.players.backend import PlayerBackend
from agent.players.player_worker import PlayerWorker
from agent.types import Happening, Playlist
from tests.fakes.clock import FakeClock
from tests.fakes.player import FakePlayer

E = TypeVar("E")

A, B, C = Playlist("a", "A"), Playlist("b", "B"), Playlist("c", "C")


class WorkerHarness:
    """A worker, its player and its clock; ``events`` is what the controller would get."""

    def __init__(self, player: FakePlayer, clock: FakeClock, worker: PlayerWorker) -> None:
        self.player = player
        self.clock = clock
        self.worker = worker
        self.events: list[Event] = []
        self.on_event: Callable[[Event], None] | None = None

    def report(self, event: Event) -> None:
        self.events.append(event)
        if self.on_event is not None:
            self.on_event(event)

    def run(self, seconds: float) -> None:
        """Let the worker live for so long: cycle, sleep as it asked, cycle again."""
        end = self.clock.monotonic() + seconds
        while True:
            wait = self.worker.step()
            if self.worker._wake.is_set():  # during the cycle: no wait, as in the thread
                self.worker._wake.clear()
                continue
            left = end - self.clock.monotonic()
            if wait is None or wait > left:
                self.clock.advance(left)
                return
            self.clock.advance(wait)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def happenings(self) -> list[Happening]:
        return [
            event.happening
            for event in self.of(PlaybackChanged)
            if event.happening is not Happening.NOTHING
        ]

    def forget(self) -> None:
        self.events.clear()
        self.player.calls.clear()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def player(clock: FakeClock) -> FakePlayer:
    return FakePlayer(clock)


@pytest.fixture
def harness(player: FakePlayer, clock: FakeClock) -> WorkerHarness:
    events: list[Event] = []
    worker = PlayerWorker(PlayerBackend.remote(player), events.append, clock)
    made = WorkerHarness(player, clock, worker)
    worker.report = made.report
    return made
