"""The player's worker: what it reads when, what it tells, and that commands take effect."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from agent.core.music import ReportedErrors
from agent.errors import (
    AgentError,
    DeviceRestricted,
    NeedsLogin,
    NoDevice,
    NotPremium,
    Offline,
    PlayerError,
    PlaylistGone,
    QuotaExceeded,
    RateLimited,
    ServiceDown,
)
from agent.events import (
    Event,
    PlaybackChanged,
    PlayDropped,
    PlayerFailed,
    PlayerRecovered,
    PlaylistStarted,
    WorkerCrashed,
)
from agent.players.backend import PlayerBackend
from agent.players.player_worker import PlayerWorker
from agent.types import Chooser, Happening, Playlist, PlayState
from tests.fakes.clock import FakeClock
from tests.fakes.player import FakePlayer, album
from tests.players.conftest import WorkerHarness

A, B = Playlist("a", "A"), Playlist("b", "B")

H = Happening


@pytest.fixture
def playing(harness: WorkerHarness, player: FakePlayer) -> WorkerHarness:
    """A harness on which A plays since before we looked, 10 s into a track of 200 s."""
    player.user_chooses("a", position=10.0)
    harness.run(1.0)
    harness.forget()
    return harness


def failures(harness: WorkerHarness) -> list[tuple[type[AgentError], Playlist | None]]:
    """Those that the core tells: each answer to a command, all other trouble once."""
    told = ReportedErrors()
    out: list[tuple[type[AgentError], Playlist | None]] = []
    for event in harness.events:
        if isinstance(event, PlayerRecovered):
            told.over()
        elif isinstance(event, PlayerFailed):
            news = told.met(event.error)
            if news or event.playlist is not None:
                out.append((type(event.error), event.playlist))
    return out


class TestReading:
    def test_the_first_reading_is_told(self, harness: WorkerHarness, player: FakePlayer) -> None:
        player.user_chooses("a")
        harness.run(1.0)
        (event,) = harness.of(PlaybackChanged)
        assert event.playback.context == "a"
        assert event.playback.chosen_by is Chooser.UNKNOWN
        assert event.happening is H.NOTHING

    def test_steady_play_is_read_and_told_seldom(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        playing.run(170.0)
        assert 5 <= player.count("playback") <= 7
        assert len(playing.of(PlaybackChanged)) <= 6
        assert playing.happenings == []

    def test_silence_is_read_once_a_minute(
        self, harness: WorkerHarness, player: FakePlayer
    ) -> None:
        harness.run(600.0)
        assert 10 <= player.count("playback") <= 11

    def test_a_tracks_end_is_told_within_two_seconds(
        self, playing: WorkerHarness, player: FakePlayer, clock: FakeClock
    ) -> None:
        told: list[float] = []
        playing.on_event = lambda event: (
            told.append(clock.monotonic())
            if isinstance(event, PlaybackChanged) and event.happening is H.TRACK_ENDED
            else None
        )
        began = clock.monotonic() - 11.0
        playing.run(1000.0)
        assert [round(time - began) for time in told] == [200, 400, 600, 800, 1000]
        assert all(0 <= time - began - 200 * n <= 2.0 for n, time in enumerate(told, start=1))

    def test_what_the_user_does_is_told(self, playing: WorkerHarness, player: FakePlayer) -> None:
        player.user_skips()
        playing.run(31.0)
        player.user_pauses()
        playing.run(31.0)
        player.user_resumes()
        playing.run(61.0)
        player.user_chooses("b")
        playing.run(31.0)
        player.device = "Phone"
        playing.run(31.0)
        player.device = None
        playing.run(31.0)
        assert playing.happenings == [
            H.SKIPPED,
            H.PAUSED,
            H.RESUMED,
            H.USER_CHOSE,
            H.DEVICE_CHANGED,
            H.DEVICE_GONE,
        ]
        assert playing.of(PlaybackChanged)[-1].playback.chosen_by is Chooser.USER

    def test_the_player_may_ask_to_be_read(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        player.user_pauses()
        playing.worker.notify_changed()
        playing.run(0.1)
        assert playing.happenings == [H.PAUSED]

    def test_waking_up_alone_costs_no_request(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        for _ in range(5):
            playing.worker.expect(True)
            playing.worker.expect(False)
            playing.run(0.5)
        assert player.count("playback") == 0

    def test_a_waiting_decision_has_the_end_watched(
        self, playing: WorkerHarness, player: FakePlayer, clock: FakeClock
    ) -> None:
        playing.worker.expect(True)
        playing.run(188.5)  # to half a second before the end
        before_end = [time for time, call, _ in player.calls if time > clock.monotonic() - 5.0]
        assert len(before_end) >= 2


class TestCommands:
    def test_a_start_is_verified_and_ours(self, playing: WorkerHarness, player: FakePlayer) -> None:
        player.lag = 2.5
        playing.worker.play(B, asked=True)
        playing.run(5.0)
        (event,) = playing.of(PlaylistStarted)
        assert event.playlist == B
        assert event.playback.chosen_by is Chooser.AGENT
        assert playing.happenings == [H.ECHO]
        assert player.count("play") == 1

    def test_it_is_read_each_second_until_it_started(
        self, playing: WorkerHarness, player: FakePlayer, clock: FakeClock
    ) -> None:
        player.lag = 2.5
        sent = clock.monotonic()
        playing.worker.play(B, asked=True)
        playing.run(5.0)
        reads = [round(time - sent, 1) for time, call, _ in player.calls if call == "playback"]
        assert reads[:3] == [1.0, 2.0, 3.0]

    def test_a_lost_command_is_sent_once_more(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        player.deaf = 1
        playing.worker.play(B, asked=True)
        playing.run(15.0)
        assert player.count("play") == 2
        assert len(playing.of(PlaylistStarted)) == 1

    def test_never_a_third_time(self, playing: WorkerHarness, player: FakePlayer) -> None:
        player.deaf = 100
        playing.worker.play(B, asked=True)
        playing.run(300.0)
        assert player.count("play") == 2
        (event,) = playing.of(PlayerFailed)
        assert event.playlist == B
        assert "B" in event.error.message
        assert playing.of(PlaylistStarted) == []

    def test_the_users_choice_ends_the_attempt(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        player.deaf = 1
        playing.worker.play(B, asked=True)
        playing.run(1.5)
        player.user_chooses("c")
        playing.run(30.0)
        assert player.count("play") == 1
        assert playing.happenings == [H.USER_CHOSE]
        assert playing.of(PlaylistStarted) == []

    def test_a_pause_right_after_the_start_is_kept(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        player.lag = 1.5
        playing.worker.play(B, asked=True)
        playing.run(0.5)
        player.user_pauses()
        playing.run(30.0)
        assert player.count("play") == 1
        playing.run(40.0)
        assert playing.of(PlaybackChanged)[-1].playback.paused_by_hand

    def test_the_newest_command_counts(self, playing: WorkerHarness, player: FakePlayer) -> None:
        playing.worker.play(A, asked=True)
        playing.worker.play(B, asked=True)
        playing.run(5.0)
        assert [uri for _, call, uri in player.calls if call == "play"] == ["b"]

    def test_the_next_track_at_our_command_is_no_skip_by_hand(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        playing.worker.next_track()
        playing.run(2.0)
        assert player.count("next") == 1
        told = [e for e in playing.events if isinstance(e, PlaybackChanged)]
        assert [(e.happening, e.playback.track) for e in told] == [(H.ECHO, "a/2")]

    def test_pause_and_resume(self, playing: WorkerHarness, player: FakePlayer) -> None:
        playing.worker.pause()
        playing.run(5.0)
        paused = playing.of(PlaybackChanged)[-1]
        assert paused.playback.state is PlayState.PAUSED
        assert paused.playback.paused_by_hand  # somebody asked for it
        playing.worker.resume()
        playing.run(5.0)
        resumed = playing.of(PlaybackChanged)[-1].playback
        assert resumed.state is PlayState.PLAYING
        assert not resumed.paused_by_hand
        assert set(playing.happenings) == {H.ECHO}


class TestAgainstTheUsersHand:
    """A decision of our own rests on a reading; the user may have been quicker."""

    def test_paused_since_the_last_reading(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        playing.run(5.0)
        player.user_pauses()
        playing.worker.play(B)
        playing.run(30.0)
        assert player.count("play") == 0
        assert playing.happenings == [H.PAUSED]

    def test_chosen_since_the_last_reading(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        playing.run(5.0)
        player.user_chooses("c")
        playing.worker.play(B)
        playing.run(30.0)
        assert player.count("play") == 0
        assert playing.happenings == [H.USER_CHOSE]

    def test_paused_before_we_looked_is_silence(
        self, harness: WorkerHarness, player: FakePlayer
    ) -> None:
        """Only who set start_when_silent has it broken; the policy sees to that."""
        player.user_chooses("a", position=50.0)
        player.user_pauses()
        harness.run(30.0)
        (event,) = harness.of(PlaybackChanged)
        assert event.playback.state is PlayState.PAUSED
        assert not event.playback.paused_by_hand
        player.user_resumes()
        harness.run(60.0)
        assert harness.happenings == [H.RESUMED]
        assert harness.of(PlaybackChanged)[-1].playback.chosen_by is Chooser.UNKNOWN

    def test_closed_since_the_last_reading(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        playing.run(5.0)
        player.device = None
        playing.worker.play(B)
        playing.run(30.0)
        assert player.count("play") == 0
        assert playing.happenings == [H.DEVICE_GONE]
        assert playing.of(PlayDropped) == [PlayDropped(B)]
        assert playing.of(PlayerFailed) == []

    def test_a_pause_that_is_newer_than_the_last_reading_stands_against_a_word_on_the_mood(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        playing.run(5.0)
        player.user_pauses()
        playing.worker.play(B, asked=True, over_pause=False)
        playing.run(1.0)
        assert player.count("play") == 0
        assert playing.of(PlayDropped) == [PlayDropped(B)]
        assert playing.happenings == [H.PAUSED]
        playing.worker.play(B, asked=True)
        playing.run(1.0)
        assert player.count("play") == 1

    def test_music_that_is_newer_than_the_last_reading_does_not(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        playing.run(5.0)
        player.user_chooses("c", position=1.0)
        playing.worker.play(B, asked=True, over_pause=False)
        playing.run(1.0)
        assert player.count("play") == 1

    def test_the_same_player_with_other_settings_keeps_a_pause(
        self, playing: WorkerHarness, player: FakePlayer, clock: FakeClock
    ) -> None:
        player.user_pauses()
        playing.run(61.0)
        playing.worker.replace(PlayerBackend.remote(player))
        playing.run(61.0)
        assert playing.of(PlaybackChanged)[-1].playback.paused_by_hand
        playing.worker.play(B)
        playing.run(30.0)
        assert player.count("play") == 0

    def test_our_own_pause_is_not_undone(self, playing: WorkerHarness, player: FakePlayer) -> None:
        player.lag = 4.0  # readings still say that it plays
        playing.worker.pause()
        playing.run(0.5)
        for _ in range(8):
            playing.worker.play(B)
            playing.run(2.0)
        assert player.count("pause") == 1
        assert player.count("play") == 0

    def test_a_pause_that_still_waits_is_not_replaced(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        playing.worker.pause()
        playing.worker.play(B)
        playing.run(30.0)
        assert player.count("pause") == 1
        assert player.count("play") == 0

    @pytest.mark.parametrize("after", [2.0, 20.0])
    @pytest.mark.parametrize("how", ["tray", "player"])
    def test_music_started_after_our_pause_is_changed(
        self, playing: WorkerHarness, player: FakePlayer, how: str, after: float
    ) -> None:
        playing.worker.pause()
        playing.run(after)
        if how == "tray":
            playing.worker.resume()
        else:
            player.user_resumes()
        playing.run(70.0)
        playing.worker.play(B)
        playing.run(5.0)
        assert player.count("play") == 1

    def test_when_asked_it_plays(self, playing: WorkerHarness, player: FakePlayer) -> None:
        player.user_pauses()
        playing.worker.play(B, asked=True)
        playing.run(5.0)
        assert len(playing.of(PlaylistStarted)) == 1

    def test_music_that_plays_on_is_changed(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        playing.run(5.0)
        playing.worker.play(B)
        playing.run(5.0)
        assert len(playing.of(PlaylistStarted)) == 1

    def test_right_after_a_reading_no_second_one_is_needed(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        def at_the_end(event: Event) -> None:
            if isinstance(event, PlaybackChanged) and event.happening is H.TRACK_ENDED:
                playing.worker.play(B)

        playing.on_event = at_the_end
        playing.run(195.0)
        calls = [call for _, call, _ in player.calls]
        before = calls[: calls.index("play")]
        assert before[-1] == "playback"
        ended, sent = (
            next(time for time, call, _ in player.calls[len(before) - 1 :] if call == kind)
            for kind in ("playback", "play")
        )
        assert ended == sent


class TestTrouble:
    def test_no_device_is_told_once_and_waited_for(
        self, harness: WorkerHarness, player: FakePlayer
    ) -> None:
        player.device = None
        player.raise_without_device = True
        harness.run(600.0)
        assert failures(harness) == [(NoDevice, None)]
        assert player.count("playback") <= 11
        player.device = "Laptop"
        harness.run(61.0)
        assert len(harness.of(PlayerRecovered)) == 1
        assert player.count("play") == 0

    def test_starting_without_a_device(self, harness: WorkerHarness, player: FakePlayer) -> None:
        player.device = None
        harness.run(1.0)
        harness.worker.play(B, asked=True)
        harness.run(300.0)
        assert failures(harness) == [(NoDevice, B)]
        assert player.count("play") == 1

    def test_while_rate_limited_nothing_is_sent(
        self, playing: WorkerHarness, player: FakePlayer, clock: FakeClock
    ) -> None:
        until = clock.now() + timedelta(seconds=300)
        player.fail_next("playback", RateLimited("wait", until=until))
        playing.run(31.0)
        assert failures(playing) == [(RateLimited, None)]
        playing.forget()
        playing.run(200.0)
        playing.worker.play(B, asked=True)
        playing.worker.expect(True)
        playing.worker.notify_changed()
        playing.run(68.0)
        assert clock.now() < until
        assert player.calls == []
        assert failures(playing) == [(RateLimited, B)]
        playing.run(2.0)
        assert player.count("playback") == 1
        assert player.count("play") == 0  # the command is not made up for
        assert len(playing.of(PlayerRecovered)) == 1

    def test_a_limited_command(
        self, playing: WorkerHarness, player: FakePlayer, clock: FakeClock
    ) -> None:
        until = clock.now() + timedelta(hours=13)
        player.fail_next("play", QuotaExceeded("used up", until=until))
        playing.worker.play(B, asked=True)
        playing.run(13 * 3600 - 1.0)
        assert player.count("play") == 1
        assert player.count("playback") == 0
        assert failures(playing) == [(QuotaExceeded, B)]

    def test_login_is_waited_for(self, harness: WorkerHarness, player: FakePlayer) -> None:
        player.fail_next("playback", NeedsLogin("log in"))
        harness.run(3600.0)
        assert failures(harness) == [(NeedsLogin, None)]
        assert player.count("playback") == 1
        harness.worker.play(B, asked=True)
        harness.run(1.0)
        assert failures(harness)[1:] == [(NeedsLogin, B)]
        assert player.count("play") == 0
        harness.worker.retry()
        harness.run(1.0)
        assert player.count("playback") == 2
        assert len(harness.of(PlayerRecovered)) == 1

    @pytest.mark.parametrize("error", [Offline, ServiceDown])
    def test_outages_are_told_once_and_tried_less_and_less(
        self, playing: WorkerHarness, player: FakePlayer, error: type[PlayerError]
    ) -> None:
        player.fail_next("playback", *[error("down") for _ in range(6)])
        playing.run(29.5)
        assert failures(playing) == [(error, None)]
        playing.run(60.0)
        assert failures(playing) == [(error, None)]
        assert player.count("playback") == 7
        assert len(playing.of(PlayerRecovered)) == 1

    @pytest.mark.parametrize("error", [PlaylistGone, DeviceRestricted, NotPremium])
    def test_a_refused_command_is_no_lasting_trouble(
        self, playing: WorkerHarness, player: FakePlayer, error: type[PlayerError]
    ) -> None:
        player.fail_next("play", error("no"))
        playing.worker.play(B, asked=True)
        playing.run(60.0)
        assert failures(playing) == [(error, B)]
        assert player.count("play") == 1
        assert playing.of(PlayerRecovered) == []

    def test_a_command_that_timed_out_but_took_effect_is_ours(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        player.fail_next("play", Offline("no answer"))
        playing.worker.play(B, asked=True)
        playing.run(0.1)
        player.user_chooses("b")  # the service had understood
        playing.run(20.0)
        assert playing.of(PlaybackChanged)[-1].playback.chosen_by is Chooser.AGENT

    def test_an_outage_between_start_and_proof(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        playing.worker.play(B, asked=True)
        player.fail_next("playback", Offline("down"), Offline("down"))
        playing.run(20.0)
        assert len(playing.of(PlaylistStarted)) == 1
        assert player.count("play") == 1

    def test_a_defect_is_told_and_survived(
        self, playing: WorkerHarness, player: FakePlayer
    ) -> None:
        player.fail_next("playback", ZeroDivisionError())
        playing.run(60.0)
        (event,) = playing.of(WorkerCrashed)
        assert not event.gave_up
        assert player.count("playback") >= 2
        assert player.count("close") == 0  # the music plays on


class TestLife:
    def test_another_player_takes_over(
        self, playing: WorkerHarness, player: FakePlayer, clock: FakeClock
    ) -> None:
        other = FakePlayer(clock, {"d": album("d")}, name="Other")
        other.user_chooses("d")
        playing.worker.replace(PlayerBackend.near(other))
        playing.run(1.0)
        assert player.count("close") == 1
        (event,) = playing.of(PlaybackChanged)
        assert event.playback.context == "d"
        assert event.happening is H.NOTHING  # not: the user chose something else
        player.calls.clear()
        playing.run(60.0)
        assert player.calls == []

    def test_a_player_nearby_is_read_each_second(
        self, playing: WorkerHarness, clock: FakeClock
    ) -> None:
        other = FakePlayer(clock, {"d": album("d", duration=4.0)}, repeat=True)
        other.user_chooses("d")
        playing.worker.replace(PlayerBackend.near(other))
        playing.run(20.0)
        assert playing.happenings.count(H.TRACK_ENDED) >= 4
        assert other.count("playback") >= 20

    def test_the_end_closes_the_player(self, harness: WorkerHarness, player: FakePlayer) -> None:
        harness.run(1.0)
        harness.worker.request_stop()
        harness.worker.release()
        assert player.count("close") == 1


class Listener:
    """Somebody who listens for a day, on a service that fails now and then."""

    def __init__(self, harness: WorkerHarness, player: FakePlayer, clock: FakeClock) -> None:
        self.harness, self.player, self.clock = harness, player, clock
        self.chance = random.Random(7)
        self.paused = False
        self.against_the_hand: list[float] = []
        self.limits: list[tuple[float, float]] = []  # when one was told, when it ends
        self.asked = False
        self._play = player.play
        player.play = self._watched_play  # type: ignore[method-assign]
        harness.on_event = self._note

    def _watched_play(self, playlist: Playlist) -> None:
        if self.paused and not self.asked:
            self.against_the_hand.append(self.clock.monotonic())
        self._play(playlist)
        self.paused = False

    def _note(self, event: Event) -> None:
        if isinstance(event, PlayerFailed) and isinstance(event.error, RateLimited):
            now = self.clock.monotonic()
            left = (event.error.until - self.clock.now()).total_seconds()
            self.limits.append((now, now + left))

    def does_something(self) -> None:
        chance, player, worker = self.chance, self.player, self.harness.worker
        self.asked = False
        dice = chance.random()
        if dice < 0.02 and not self.paused:
            player.user_pauses()
            self.paused = True
        elif dice < 0.05 and self.paused:
            player.user_resumes()
            self.paused = False
        elif dice < 0.07:
            player.user_chooses(chance.choice("abc"))
            self.paused = False
        elif dice < 0.10 and not self.paused:
            player.user_skips()
        elif dice < 0.12:
            player.fail_next("playback", chance.choice([Offline, ServiceDown, NoDevice])("x"))
        elif dice < 0.125:
            until = self.clock.now() + timedelta(seconds=chance.uniform(200, 900))
            player.fail_next(chance.choice(["playback", "play"]), RateLimited("x", until=until))
        elif dice < 0.20:
            worker.play(Playlist(chance.choice("abc"), "P"))
        elif dice < 0.22:
            self.asked = True
            worker.play(Playlist(chance.choice("abc"), "P"), asked=True)
        elif dice < 0.26:
            worker.expect(chance.random() < 0.5)
        self.harness.run(chance.uniform(1.0, 119.0))


def test_a_day_of_listening_with_faults(
    clock: FakeClock, harness: WorkerHarness, player: FakePlayer
) -> None:
    """No defect, no request while limited, the budget held, nothing against the hand."""
    player.repeat, player.lag = True, 1.5
    player.user_chooses("a")
    listener = Listener(harness, player, clock)
    began = clock.monotonic()
    while clock.monotonic() - began < 24 * 3600:
        listener.does_something()
    assert harness.of(WorkerCrashed) == []
    assert listener.against_the_hand == []
    assert len(listener.limits) >= 3
    for told, end in listener.limits:
        assert [call for call in player.calls if told < call[0] < end - 1e-3] == []
    assert len(player.calls) <= 225 * 24
    assert len(harness.of(PlaylistStarted)) >= 20


# --- without a player


def test_what_is_asked_of_no_player_comes_to_nothing(player: FakePlayer, clock: FakeClock) -> None:
    worker = PlayerWorker(None, lambda _: None, clock)
    harness = WorkerHarness(player, clock, worker)
    worker.report = harness.report
    worker.play(A, asked=True)
    worker.pause()
    worker.play(B)
    harness.run(5.0)
    assert [event.playlist for event in harness.of(PlayDropped)] == [A, B]
    assert worker.needs_backend
    worker.replace(PlayerBackend.remote(player))
    harness.run(5.0)
    assert not worker.needs_backend
    assert [call for _, call, _ in player.calls] == ["playback"]


def test_a_player_that_was_let_go_of_is_replaced_and_its_pause_remembered(
    playing: WorkerHarness, player: FakePlayer, clock: FakeClock
) -> None:
    player.user_pauses()
    playing.run(60.0)
    while not playing.worker.gave_up:
        player.fail_next("playback", ZeroDivisionError())
        playing.worker.notify_changed()
        playing.worker.step()
    assert playing.worker.needs_backend
    playing.worker.restart()
    playing.worker.play(B)
    playing.run(1.0)
    assert [event.playlist for event in playing.of(PlayDropped)] == [B]
    other = FakePlayer(clock)
    other.user_chooses("a", position=10.0)
    other.user_pauses()
    playing.worker.replace(PlayerBackend.remote(other))
    playing.run(1.0)
    playing.worker.play(B)
    playing.run(5.0)
    assert other.count("play") == 0, "the user had paused"


def test_a_reading_that_was_asked_for_is_told_whatever_it_shows(
    playing: WorkerHarness, player: FakePlayer
) -> None:
    playing.run(5.0)
    playing.forget()
    playing.worker.read()
    playing.run(0.5)
    (told,) = [event for event in playing.events if isinstance(event, PlaybackChanged)]
    assert told.happening is Happening.NOTHING
    assert told.playback.time >= playing.clock.monotonic() - 0.5
