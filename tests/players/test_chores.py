"""What can wait is done in the player's spare time, and delays neither readings nor commands."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.errors import NeedsLogin, PlayerError, RateLimited, ServiceDown
from agent.events import PlayerFailed, PlaylistStarted, WorkerCrashed
from agent.players.backend import PlayerBackend
from agent.players.player_worker import PlayerWorker
from agent.players.polling import Budget
from agent.players.timers import REST, ROOM, SPACING
from agent.types import Playlist
from tests.fakes.clock import FakeClock
from tests.fakes.player import FakePlayer
from tests.players.conftest import WorkerHarness


class Chores:
    """So many pieces of work; ``takes`` seconds each."""

    def __init__(self, clock: FakeClock, pieces: int = 5, takes: float = 0.0) -> None:
        self.clock = clock
        self.left = pieces
        self.takes = takes
        self.done: list[float] = []
        self.errors: list[Exception] = []
        self.tried = 0

    def pending(self) -> bool:
        return self.left > 0

    def work(self) -> None:
        self.tried += 1
        if self.errors:
            raise self.errors.pop(0)
        self.done.append(self.clock.monotonic())
        self.clock.advance(self.takes)
        self.left -= 1


@pytest.fixture
def chores(clock: FakeClock) -> Chores:
    return Chores(clock)


@pytest.fixture
def spare(player: FakePlayer, clock: FakeClock, chores: Chores) -> WorkerHarness:
    """A harness whose player has chores."""
    return make_harness(player, clock, chores)


def make_harness(
    player: FakePlayer, clock: FakeClock, chores: Chores, budget: Budget | None = None
) -> WorkerHarness:
    backend = PlayerBackend.remote(player, lambda: budget, chores)
    made = WorkerHarness(player, clock, PlayerWorker(backend, lambda _: None, clock))
    made.worker.report = made.report
    return made


def test_they_are_done_soon_one_by_one(
    spare: WorkerHarness, chores: Chores, clock: FakeClock
) -> None:
    began = clock.monotonic()
    spare.run(20.0)
    assert [time - began for time in chores.done] == [n * SPACING for n in range(5)]
    first = spare.player.calls[0]
    assert first[1] == "playback", "first it must be known that the player answers"
    assert spare.player.count("playback") == 1


def test_readings_keep_their_times(player: FakePlayer, clock: FakeClock) -> None:
    """The slowest pieces of work, and not one reading later than without."""

    def readings(pieces: int) -> list[float]:
        clock = FakeClock()
        player = FakePlayer(clock)
        player.user_chooses("a", position=10.0)
        chores = Chores(clock, pieces, takes=ROOM)
        harness = make_harness(player, clock, chores)
        harness.worker.expect(True)
        harness.run(600.0)
        assert len(chores.done) == pieces
        return [round(time, 3) for time, call, _ in player.calls if call == "playback"]

    assert readings(15) == readings(0)


def test_a_command_goes_first(spare: WorkerHarness, chores: Chores) -> None:
    spare.player.user_chooses("a")
    spare.run(0.5)
    before = len(chores.done)
    assert before == 1
    sent = spare.clock.monotonic()
    spare.worker.play(Playlist("b", "B"), asked=True)
    spare.run(2.5)  # the readings after a command leave no room
    assert spare.of(PlaylistStarted)
    assert [time for time, call, _ in spare.player.calls if call == "play"] == [sent]
    assert len(chores.done) == before
    spare.run(60.0)
    assert chores.left == 0


def test_a_rate_limit_met_by_a_chore_stops_everything(
    spare: WorkerHarness, chores: Chores, clock: FakeClock
) -> None:
    until = clock.now() + timedelta(seconds=300)
    chores.errors = [RateLimited("wait", until=until)]
    spare.run(299.0)
    assert (chores.tried, spare.player.count("playback")) == (1, 1)
    assert [type(event.error) for event in spare.of(PlayerFailed)] == [RateLimited]
    spare.run(60.0)
    assert chores.left == 0


def test_a_rate_limit_met_by_a_reading_stops_them(
    spare: WorkerHarness, chores: Chores, clock: FakeClock
) -> None:
    until = clock.now() + timedelta(seconds=300)
    spare.player.fail_next("playback", RateLimited("wait", until=until))
    spare.run(299.0)
    assert chores.tried == 0
    spare.run(60.0)
    assert chores.left == 0


def test_without_a_login_there_are_none(spare: WorkerHarness, chores: Chores) -> None:
    spare.player.fail_next("playback", NeedsLogin("log in"))
    spare.run(3600.0)
    assert chores.tried == 0
    spare.worker.retry()
    spare.run(20.0)
    assert chores.left == 0


@pytest.mark.parametrize("error", [ServiceDown("down"), PlayerError("what?")])
def test_trouble_with_one_is_not_told_and_tried_again_later(
    spare: WorkerHarness, chores: Chores, error: PlayerError
) -> None:
    chores.errors = [error]
    spare.run(REST - 1.0)
    assert chores.tried == 1
    spare.run(60.0)
    assert chores.left == 0
    assert spare.of(PlayerFailed) == []


def test_a_defect_in_one_does_not_end_the_player(spare: WorkerHarness, chores: Chores) -> None:
    chores.errors = [ZeroDivisionError() for _ in range(30)]
    spare.run(1200.0)
    assert 10 <= chores.tried <= 21
    assert not any(event.gave_up for event in spare.of(WorkerCrashed))
    assert spare.player.count("playback") >= 20


@pytest.mark.parametrize(("used", "done"), [(600, 5), (900, 0)])
def test_they_spare_the_days_requests(
    player: FakePlayer, clock: FakeClock, chores: Chores, used: int, done: int
) -> None:
    harness = make_harness(player, clock, chores, Budget(1000, used, 3600.0))
    harness.run(600.0)
    assert len(chores.done) == done


def test_another_player_has_its_own(spare: WorkerHarness, chores: Chores, clock: FakeClock) -> None:
    spare.run(1.0)
    others = Chores(clock)
    spare.worker.replace(PlayerBackend.remote(FakePlayer(clock), chores=others))
    spare.run(30.0)
    assert (len(chores.done), len(others.done)) == (1, 5)
