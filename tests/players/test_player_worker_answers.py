"""Each play command is answered once; one that found no device is followed by a lookout."""

from __future__ import annotations

import random

import pytest

from agent.errors import NoDevice, Offline, PlayerError, PlaylistGone, ServiceDown
from agent.events import (
    Event,
    PlaybackChanged,
    PlayDropped,
    PlayerFailed,
    PlayerRecovered,
    PlaylistStarted,
)
from agent.players.backend import PlayerBackend
from agent.players.driver import PlayerCommand
from agent.players.player_worker import CommandQueue, PlayerWorker
from agent.players.polling import IDLE, LOOK_OUT, Budget
from agent.timing import WISH_LIFE
from agent.types import Command, Playlist
from tests.fakes.clock import FakeClock
from tests.fakes.player import FakePlayer
from tests.players.conftest import A, B, C, WorkerHarness


class SleepyPlayer(FakePlayer):
    """Its readings do not show a device that is open and silent."""

    open = False
    looks: list[float]

    def ready(self) -> bool:
        self.looks.append(self.clock.monotonic())
        return self.open

    def play(self, playlist: Playlist) -> None:
        self.device = "Laptop" if self.open else None
        super().play(playlist)


@pytest.fixture
def sleepy(clock: FakeClock) -> SleepyPlayer:
    player = SleepyPlayer(clock)
    player.looks = []
    player.device = None
    return player


def harness_of(player: FakePlayer, clock: FakeClock, budget: Budget | None = None) -> WorkerHarness:
    worker = PlayerWorker(PlayerBackend.remote(player, lambda: budget), lambda _: None, clock)
    made = WorkerHarness(player, clock, worker)
    worker.report = made.report
    return made


# --- the lookout


def test_a_device_that_no_reading_shows_is_found(sleepy: SleepyPlayer, clock: FakeClock) -> None:
    harness = harness_of(sleepy, clock)
    harness.run(30.0)
    assert sleepy.looks == []  # nothing waits for one
    harness.worker.play(B, asked=True)
    harness.run(65.0)
    assert [type(e.error) for e in harness.of(PlayerFailed)] == [NoDevice]
    assert len(sleepy.looks) == 6
    assert harness.of(PlayerRecovered) == []
    sleepy.open = True
    harness.run(LOOK_OUT)
    assert len(harness.of(PlayerRecovered)) == 1
    looks = len(sleepy.looks)
    harness.run(WISH_LIFE)
    assert len(sleepy.looks) == looks, "found is found"
    assert len(harness.of(PlayerRecovered)) == 1


def test_it_ends_after_the_life_of_a_wish(sleepy: SleepyPlayer, clock: FakeClock) -> None:
    harness = harness_of(sleepy, clock)
    harness.worker.play(B, asked=True)
    harness.run(WISH_LIFE * 3)
    assert len(sleepy.looks) <= WISH_LIFE / LOOK_OUT
    assert sleepy.count("playback") <= WISH_LIFE * 3 / IDLE + 1


def test_another_command_ends_it(sleepy: SleepyPlayer, clock: FakeClock) -> None:
    harness = harness_of(sleepy, clock)
    harness.worker.play(B, asked=True)
    harness.run(15.0)
    harness.worker.pause()
    harness.run(1.0)
    looks = len(sleepy.looks)
    harness.run(100.0)
    assert len(sleepy.looks) == looks


def test_the_wish_to_play_on_has_it_begin_as_well(sleepy: SleepyPlayer, clock: FakeClock) -> None:
    harness = harness_of(sleepy, clock)
    harness.worker.resume()
    harness.run(100.0)
    assert [(e.playlist, e.command) for e in harness.of(PlayerFailed)] == [(None, Command.RESUME)]
    assert len(sleepy.looks) >= 100 / LOOK_OUT - 1


def test_a_reading_without_a_device_has_it_not_begin(
    sleepy: SleepyPlayer, clock: FakeClock
) -> None:
    harness = harness_of(sleepy, clock)
    harness.run(100.0)
    assert sleepy.looks == []


def test_a_low_budget_spreads_the_looks(sleepy: SleepyPlayer, clock: FakeClock) -> None:
    low = Budget(1000, 900, 50 * 100.0)  # 50 readings for the next 5000 s
    harness = harness_of(sleepy, clock, low)
    harness.worker.play(B, asked=True)
    harness.run(WISH_LIFE)
    assert 1 <= len(sleepy.looks) <= WISH_LIFE / 100.0


def test_what_the_user_did_is_told_before_the_recovery(
    harness: WorkerHarness, player: FakePlayer
) -> None:
    player.device = None
    harness.worker.play(B, asked=True)
    harness.run(5.0)
    harness.forget()
    player.device = "Laptop"
    player.user_chooses("c")
    harness.run(LOOK_OUT)
    assert [type(event) for event in harness.events[:2]] == [PlaybackChanged, PlayerRecovered]


# --- one answer each


def test_a_replaced_order_is_answered(harness: WorkerHarness, player: FakePlayer) -> None:
    harness.worker.play(A, asked=True)
    harness.worker.play(B)  # unasked: it does not replace
    harness.worker.play(C, asked=True)
    harness.run(5.0)
    assert [e.playlist for e in harness.of(PlayDropped)] == [B, A]
    assert [e.playlist for e in harness.of(PlaylistStarted)] == [C]


def test_a_start_that_waits_for_its_proof_is_answered_when_replaced(
    harness: WorkerHarness, player: FakePlayer
) -> None:
    player.lag = 3.0
    harness.worker.play(A, asked=True)
    harness.run(1.0)
    harness.worker.play(B, asked=True)
    harness.run(10.0)
    assert [e.playlist for e in harness.of(PlayDropped)] == [A]
    assert [e.playlist for e in harness.of(PlaylistStarted)] == [B]


def test_a_start_whose_proof_never_comes_is_answered(
    harness: WorkerHarness, player: FakePlayer
) -> None:
    harness.run(1.0)
    harness.worker.play(A, asked=True)
    player.fail_next("playback", *[Offline("down") for _ in range(100)])
    harness.run(WISH_LIFE + 60.0)
    assert [e.playlist for e in harness.of(PlayDropped)] == [A]


def test_another_player_answers_for_the_one_before(
    harness: WorkerHarness, player: FakePlayer, clock: FakeClock
) -> None:
    player.lag = 3.0
    harness.worker.play(A, asked=True)
    harness.run(1.0)
    harness.worker.replace(PlayerBackend.remote(FakePlayer(clock, name="Other")))
    harness.run(1.0)
    assert [e.playlist for e in harness.of(PlayDropped)] == [A]


@pytest.mark.parametrize("seed", range(6))
def test_every_start_has_one_answer(harness: WorkerHarness, player: FakePlayer, seed: int) -> None:
    """Whatever the user, the network and the player do meanwhile."""
    chance = random.Random(seed)
    player.repeat = True
    given: list[Playlist] = []
    for number in range(300):
        dice = chance.random()
        player.lag = chance.choice([0.0, 0.0, 2.0, 7.0])
        if dice < 0.45:
            given.append(Playlist(chance.choice("abcd"), f"no. {number}"))  # there is no "d"
            harness.worker.play(given[-1], asked=chance.random() < 0.5)
        elif dice < 0.50:
            harness.worker.pause()
        elif dice < 0.60:
            player.user_chooses(chance.choice("abc"))
        elif dice < 0.65:
            player.user_pauses()
        elif dice < 0.70:
            player.device = None if player.device else "Laptop"
        elif dice < 0.80:
            player.deaf = chance.choice([1, 2, 20])
        else:
            kinds: list[type[PlayerError]] = [Offline, ServiceDown, NoDevice, PlayerError]
            player.fail_next(chance.choice(["play", "playback"]), chance.choice(kinds)("x"))
        if chance.random() < 0.7:
            player.deaf = 0
        harness.run(chance.choice([0.0, 0.5, 3.0, 40.0]))
    harness.run(WISH_LIFE * 2)
    answers = [playlist for event in harness.events if (playlist := answered(event)) is not None]
    for late in after_all(harness.events):
        answers.remove(late)
    assert sorted(a.name for a in answers) == sorted(g.name for g in given)
    assert len({type(e) for e in harness.events if answered(e) is not None}) == 3


def after_all(events: list[Event]) -> list[Playlist]:
    """What took effect although its failure had been told, because only the answer was lost."""
    in_doubt: list[Playlist] = []
    late: list[Playlist] = []
    for event in events:
        if isinstance(event, PlayerFailed) and isinstance(event.error, ServiceDown):
            in_doubt += [event.playlist] if event.playlist is not None else []
        elif isinstance(event, PlaylistStarted) and event.playlist in in_doubt:
            in_doubt.remove(event.playlist)
            late.append(event.playlist)
    return late


def answered(event: Event) -> Playlist | None:
    kinds = (PlaylistStarted, PlayDropped, PlayerFailed)
    return event.playlist if isinstance(event, kinds) else None


def test_orders_keep_what_was_asked_for() -> None:
    orders = CommandQueue()
    assert orders.take() == (None, [])
    pause = PlayerCommand(Command.PAUSE)
    orders.give(pause)
    orders.give(PlayerCommand(Command.PLAY, B, asked=False))
    assert orders.take() == (pause, [B])
    orders.give(PlayerCommand(Command.PLAY, A, asked=False))
    orders.give(PlayerCommand(Command.PLAY, A))
    assert orders.take() == (PlayerCommand(Command.PLAY, A), [])  # the same: one answer will do
    assert orders.take() == (None, [])


class LosingPlayer(FakePlayer):
    """Its music is gone, which it tells once."""

    lost: tuple[Playlist, PlaylistGone] | None = None

    def take_lost(self) -> tuple[Playlist, PlaylistGone] | None:
        lost, self.lost = self.lost, None
        return lost


def test_lost_music_is_told_before_the_silence(clock: FakeClock) -> None:
    """What follows the silence is decided by what is still there."""
    player = LosingPlayer(clock)
    harness = harness_of(player, clock)
    harness.worker.play(A, asked=True)
    harness.run(10.0)
    harness.forget()
    gone = PlaylistGone("There is no folder.")
    player.lost = A, gone
    player.pause()
    harness.run(70.0)
    first, *others = [e for e in harness.events if isinstance(e, PlayerFailed | PlaybackChanged)]
    assert first == PlayerFailed(gone, A)
    assert not [event for event in others if isinstance(event, PlayerFailed)]
