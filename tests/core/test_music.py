"""The music's state: what each answer of the player leads to, and how long a wish lives."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import pytest

from agent import effects
from agent.core.music import MusicControl
from agent.core.policy import WAITS_FOR_DEVICE, Listener
from agent.core.switches import EARLY_SKIP
from agent.errors import NoDevice, NotPremium, Offline, PlayerError, PlaylistGone, ServiceDown
from agent.settings import PolicySettings
from agent.timing import PLAY_AT_WORST, WISH_LIFE, WISH_TRIES
from agent.types import (
    Chooser,
    Decision,
    Happening,
    Mood,
    MoodState,
    NotificationKind,
    Place,
    Playback,
    Playlist,
    PlayState,
)
from tests.fakes.clock import FakeClock

E = TypeVar("E")
H = Happening
JOY, JOY2, BLUES = Playlist("joy", "Joy"), Playlist("joy2", "More joy"), Playlist("blues", "Blues")
PLAYLISTS = {MoodState.HAPPY: (JOY, JOY2), MoodState.SAD: (BLUES,), MoodState.NEUTRAL: ()}
OVER = "The music was changed again since then. What plays now is left alone."
NOWHERE = NoDevice("Spotify is open nowhere.")


class MusicHarness:
    """A Dj, its clock, and all effects so far; who listens is happy unless told otherwise."""

    def __init__(self, *, asked: bool = False, **policy: object) -> None:
        self.clock = FakeClock()
        self.policy = PolicySettings(**{"timing": "now", **policy})  # type: ignore[arg-type]
        self.mood = MoodState.HAPPY
        self.effects: list[effects.Effect] = []
        self.dj = MusicControl(self.clock, asked=asked)
        self.dj.player_changed("player", PLAYLISTS, True)

    def decide(self, happening: Happening = H.NOTHING) -> None:
        listener = Listener(Mood(self.mood, 0.0, 0.9), watching=True, last_emotion=None)
        self.effects += self.dj.decide(listener, self.policy, happening)

    def ask(self) -> None:
        self.dj.ask()
        self.decide()

    def next(self) -> None:
        listener = Listener(Mood(self.mood, 0.0, 0.9), watching=True, last_emotion=None)
        self.effects += self.dj.next_playlist(listener)

    def undo(self, shown: Decision | None = None) -> None:
        self.effects += self.dj.undo(shown, self.policy)

    def read(
        self,
        happening: Happening = H.NOTHING,
        state: PlayState = PlayState.PLAYING,
        context: str | None = "x",
        **more: object,
    ) -> None:
        now = self.clock.monotonic()
        playback = Playback(now, state, context, track="t", position=10.0, duration=200.0)
        playback = replace(playback, chosen_since=now, **more)  # type: ignore[arg-type]
        self.effects += self.dj.playback_changed(playback, happening)
        self.decide(happening)

    def started(self, playlist: Playlist | None = None) -> None:
        playlist = playlist or self.plays[-1].playlist
        now = self.clock.monotonic()
        self.effects += self.dj.playlist_started(
            playlist,
            Playback(now, PlayState.PLAYING, playlist.uri, chosen_by=Chooser.AGENT),
        )

    def failed(self, error: PlayerError) -> None:
        self.effects += self.dj.failed(error, self.plays[-1].playlist)
        if isinstance(error, PlaylistGone):
            self.decide()

    def recovered(self) -> None:
        self.dj.recovered()
        self.decide()

    def wait(self, seconds: float) -> None:
        """Let time pass, ticking as the controller does."""
        end = self.clock.monotonic() + seconds
        for _ in range(5000):
            due = min(self.dj.deadlines(self.policy), default=None)
            if due is None or due > end:
                break
            self.clock.advance(max(0.0, due - self.clock.monotonic()) + 1e-6)
            self.dj.tick()
            self.decide()
        else:
            raise AssertionError("it ticks without end")
        self.clock.advance(max(0.0, end - self.clock.monotonic()))

    def all(self, kind: type[E]) -> list[E]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    @property
    def plays(self) -> list[effects.Play]:
        return self.all(effects.Play)

    @property
    def uris(self) -> list[str]:
        return [play.playlist.uri for play in self.plays]

    def told(self, kind: NotificationKind) -> list[str]:
        notes = [effect.notification for effect in self.all(effects.Notify)]
        return [note.body for note in notes if note.kind is kind]


def silent(**more: object) -> MusicHarness:
    booth = MusicHarness(**more)  # type: ignore[arg-type]
    booth.read(state=PlayState.UNAVAILABLE, context=None)
    return booth


# --- a wish without a device


class TestWish:
    def test_it_waits_and_is_met(self) -> None:
        booth = silent()
        booth.ask()
        booth.failed(NOWHERE)
        assert booth.told(NotificationKind.DEVICE) == ["Spotify is open nowhere."]
        booth.wait(WISH_LIFE - 1.0)
        assert booth.uris == ["joy"]
        assert booth.dj.decision is not None
        assert booth.dj.decision.reason == WAITS_FOR_DEVICE
        booth.recovered()
        assert booth.uris == ["joy", "joy"]  # it had no turn yet
        assert booth.plays[-1].asked
        assert booth.dj.error is None

    def test_it_lives_for_ten_minutes(self) -> None:
        booth = silent()
        booth.ask()
        booth.failed(NOWHERE)
        booth.wait(WISH_LIFE)
        booth.recovered()
        booth.wait(WISH_LIFE)
        assert booth.uris == ["joy"]

    @pytest.mark.parametrize("happening", [H.USER_CHOSE, H.STARTED, H.RESUMED])
    def test_the_users_hand_is_newer(self, happening: Happening) -> None:
        booth = silent()
        booth.ask()
        booth.failed(NOWHERE)
        booth.read(happening, chosen_by=Chooser.USER)
        booth.recovered()
        assert booth.uris == ["joy"]

    def test_a_pause_by_hand_is_newer(self) -> None:
        booth = silent()
        booth.ask()
        booth.failed(NOWHERE)
        booth.read(H.PAUSED, PlayState.PAUSED, paused_by_hand=True)
        booth.recovered()
        assert booth.uris == ["joy"]

    def test_a_device_that_only_appears_is_no_hand(self) -> None:
        booth = silent()
        booth.ask()
        booth.failed(NOWHERE)
        booth.read(H.DEVICE_CHANGED, PlayState.PAUSED)
        assert booth.uris == ["joy"]
        booth.recovered()
        assert booth.uris == ["joy", "joy"]

    def test_it_costs_so_many_tries_and_one_word(self) -> None:
        booth = silent()
        booth.ask()
        failed = 0
        for _ in range(10):
            if len(booth.plays) > failed:
                booth.failed(NOWHERE)
                failed += 1
            booth.wait(20.0)
            booth.recovered()
        assert len(booth.plays) == failed == WISH_TRIES
        assert len(booth.told(NotificationKind.DEVICE)) == 1

    def test_a_change_of_ours_waits_as_well_but_not_against_the_hand(self) -> None:
        for by_hand, expected in ((False, ["joy", "joy"]), (True, ["joy"])):
            booth = MusicHarness()
            booth.read()
            booth.failed(NOWHERE)
            booth.wait(60.0)
            booth.read(state=PlayState.PAUSED, paused_by_hand=by_hand)
            booth.recovered()
            assert booth.uris == expected
            assert not booth.plays[-1].asked

    def test_a_change_of_ours_waits_for_a_clear_mood_too(self) -> None:
        booth = silent(start_when_silent=True)
        booth.failed(NOWHERE)
        booth.mood = MoodState.UNSURE
        booth.recovered()
        booth.wait(60.0)
        assert booth.uris == ["joy"]
        booth.mood = MoodState.SAD
        booth.decide()
        assert booth.uris == ["joy", "blues"]

    def test_another_player_has_nothing_to_do_with_it(self) -> None:
        booth = silent()
        booth.ask()
        booth.failed(NOWHERE)
        booth.dj.player_changed("another", PLAYLISTS, None)
        booth.recovered()
        assert booth.uris == ["joy"]

    def test_start_when_silent_does_not_try_again_and_again(self) -> None:
        booth = silent(start_when_silent=True)
        assert booth.uris == ["joy"]
        booth.failed(NOWHERE)
        for _ in range(100):
            booth.wait(60.0)
            booth.read(state=PlayState.UNAVAILABLE, context=None)
        assert booth.uris == ["joy"]
        booth.read(H.DEVICE_CHANGED, PlayState.PAUSED)
        assert booth.uris == ["joy", "joy"]

    @pytest.mark.parametrize("error", [NotPremium("no"), PlayerError("no"), Offline("no")])
    def test_other_trouble_is_no_reason_to_wait(self, error: PlayerError) -> None:
        booth = silent()
        booth.ask()
        booth.failed(error)
        booth.wait(60.0)
        booth.recovered()
        assert booth.uris == ["joy"]


# --- answers


class TestAnswers:
    def test_a_late_start_is_told_however_late(self) -> None:
        booth = MusicHarness()
        booth.read()
        booth.clock.advance(PLAY_AT_WORST - 1.0)
        booth.started()
        assert booth.told(NotificationKind.SWITCH) == ["You look happy."]
        assert len(booth.all(effects.RecordSwitch)) == 1

    def test_until_then_nothing_else_is_decided(self) -> None:
        booth = MusicHarness(cooldown=0.0)
        booth.read()
        booth.mood = MoodState.SAD
        booth.wait(PLAY_AT_WORST - 1.0)
        assert booth.uris == ["joy"]
        booth.wait(2.0)
        assert booth.uris == ["joy", "blues"]

    def test_one_that_outlasts_all_patience_is_still_heard(self) -> None:
        booth = MusicHarness()
        booth.read()
        booth.mood = MoodState.UNSURE
        booth.wait(PLAY_AT_WORST * 2)
        booth.started()
        assert len(booth.all(effects.RecordSwitch)) == 1
        booth.undo()
        assert booth.uris == ["joy", "x"]

    def test_one_whose_answer_was_lost_is_told_when_it_is_heard(self) -> None:
        booth = MusicHarness()
        booth.read()
        booth.failed(ServiceDown("It broke off."))
        assert booth.dj.switch is None
        booth.started(JOY)
        assert booth.told(NotificationKind.SWITCH) == ["You look happy."]
        assert len(booth.all(effects.RecordSwitch)) == 1
        booth.undo(booth.dj.switch)
        assert booth.uris == ["joy", "x"]
        booth.started(JOY)
        assert len(booth.all(effects.RecordSwitch)) == 1, "once"

    def test_but_not_after_a_newer_one(self) -> None:
        booth = MusicHarness(cooldown=0.0)
        booth.read()
        booth.failed(ServiceDown("It broke off."))
        booth.mood = MoodState.SAD
        booth.decide()
        assert booth.uris[-1] == "blues"
        booth.started(JOY)
        assert booth.all(effects.RecordSwitch) == []

    def test_another_playlist_where_none_is_set_is_answered(self) -> None:
        booth = MusicHarness()
        booth.mood = MoodState.NEUTRAL
        booth.next()
        assert booth.plays == []
        assert booth.told(NotificationKind.INFO) == [
            "No playlist is set for neutral. Name some for it."
        ]

    def test_but_not_one_that_was_replaced(self) -> None:
        booth = MusicHarness(cooldown=0.0)
        booth.read()
        booth.mood = MoodState.SAD
        booth.wait(PLAY_AT_WORST + 1.0)
        booth.started(JOY)
        assert booth.all(effects.RecordSwitch) == []
        booth.started(BLUES)
        assert len(booth.all(effects.RecordSwitch)) == 1

    def test_a_late_failure_is_told(self) -> None:
        booth = MusicHarness()
        booth.read()
        booth.wait(PLAY_AT_WORST + 1.0)
        booth.failed(PlayerError("It did not play it."))
        assert booth.told(NotificationKind.PROBLEM) == ["It did not play it."]

    def test_a_reading_on_its_way_does_not_lose_the_start(self) -> None:
        """The user paused, then asked: the pause is read after the command went out."""
        booth = MusicHarness()
        booth.mood = MoodState.UNSURE
        booth.read()
        booth.mood = MoodState.HAPPY
        booth.ask()
        booth.read(H.PAUSED, PlayState.PAUSED, paused_by_hand=True)
        booth.started()
        assert len(booth.all(effects.RecordSwitch)) == 1
        assert booth.uris == ["joy"]

    def test_a_dropped_one_is_over_without_a_word(self) -> None:
        booth = MusicHarness(cooldown=60.0)
        booth.read()
        booth.dj.dropped(JOY)
        assert booth.all(effects.Notify) == []
        booth.decide()
        assert booth.uris == ["joy"]  # the cool-down holds
        booth.ask()
        assert booth.uris == ["joy", "joy2"]

    def test_who_asks_is_answered_each_time(self) -> None:
        booth = silent()
        for n in range(1, 4):
            booth.ask()
            booth.failed(NotPremium("Only with Premium."))
            assert booth.told(NotificationKind.PROBLEM) == ["Only with Premium."] * n
        assert all(e.notification.asked for e in booth.all(effects.Notify))

    def test_what_nobody_asked_for_fails_with_one_word(self) -> None:
        booth = MusicHarness(cooldown=1.0)
        for _ in range(4):
            booth.read()
            booth.failed(NotPremium("Only with Premium."))
            booth.wait(2.0)
        assert len(booth.plays) >= 4
        assert booth.told(NotificationKind.PROBLEM) == ["Only with Premium."]

    def test_a_wish_during_a_change_of_ours_is_met_by_it_or_outlives_it(self) -> None:
        for dropped, expected in ((False, ["joy"]), (True, ["joy", "joy2"])):
            booth = MusicHarness()
            booth.read()
            booth.ask()
            if dropped:
                booth.dj.dropped(JOY)
            else:
                booth.started()
            booth.wait(5.0)
            assert booth.uris == expected

    def test_a_playlist_that_is_gone_gives_its_turn_to_the_next(self) -> None:
        """Asked for in silence, too: the wish is for music, not for that playlist."""
        booth = silent()
        booth.ask()
        booth.failed(PlaylistGone("Joy is gone."))
        assert booth.uris == ["joy", "joy2"]
        assert booth.plays[-1].asked
        booth.failed(PlaylistGone("More joy is gone."))
        assert booth.uris == ["joy", "joy2"]
        assert booth.told(NotificationKind.PROBLEM) == ["Joy is gone.", "More joy is gone."]
        assert len(booth.told(NotificationKind.INFO)) == 1  # nothing is left to play


# --- feedback and the way back


class TestFeedback:
    @pytest.fixture
    def heard(self) -> MusicHarness:
        """A change of ours that took 50 s to be heard."""
        booth = MusicHarness()
        booth.read()
        booth.wait(50.0)
        booth.started()
        return booth

    def test_an_early_skip_counts_from_what_was_heard(self, heard: MusicHarness) -> None:
        heard.wait(EARLY_SKIP - 1.0)
        heard.read(H.SKIPPED, context="joy", chosen_by=Chooser.AGENT)
        assert heard.all(effects.RecordFeedback) == [effects.RecordFeedback("skip", "joy")]

    def test_a_late_one_says_nothing(self, heard: MusicHarness) -> None:
        heard.wait(EARLY_SKIP + 1.0)
        heard.read(H.SKIPPED, context="joy", chosen_by=Chooser.AGENT)
        assert heard.all(effects.RecordFeedback) == []

    def test_a_skip_in_what_the_user_chose_is_none_of_ours(self, heard: MusicHarness) -> None:
        heard.read(H.USER_CHOSE, context="x", chosen_by=Chooser.USER)
        heard.read(H.SKIPPED, context="x", chosen_by=Chooser.USER)
        assert heard.all(effects.RecordFeedback) == []


class TestUndo:
    def test_the_place_is_where_the_change_came(self) -> None:
        booth = MusicHarness()
        booth.mood = MoodState.UNSURE
        booth.read()  # 10 s into the track
        booth.wait(25.0)
        booth.mood = MoodState.HAPPY
        booth.decide()
        booth.wait(8.0)
        booth.started()
        booth.wait(30.0)
        booth.undo()
        (back,) = booth.plays[1:]
        assert back.asked
        assert back.playlist.place is not None
        assert back.playlist.place.track == "t"
        assert back.playlist.place.position == pytest.approx(35.0, abs=0.01)

    def test_never_behind_the_end_of_the_track(self) -> None:
        booth = MusicHarness()
        booth.mood = MoodState.UNSURE
        booth.read()
        booth.wait(1000.0)
        booth.mood = MoodState.HAPPY
        booth.decide()
        booth.started()
        booth.undo()
        assert booth.plays[-1].playlist.place == Place("t", 200.0)

    def test_a_single_track_is_its_own_way_back(self) -> None:
        booth = MusicHarness()
        booth.read(context=None, title="Somebody - Song")
        booth.started()
        booth.undo()
        assert booth.plays[-1].playlist == Playlist("t", "Somebody - Song", Place("t", 10.0))

    def test_a_refusal_is_said_and_is_no_lasting_problem(self) -> None:
        booth = MusicHarness()
        booth.read()
        booth.started()
        booth.undo()
        booth.failed(PlayerError("Spotify does not let programs start it."))
        assert booth.told(NotificationKind.WARNING) == [
            "Spotify does not let programs start it. What plays now is left alone."
        ]
        assert booth.dj.error is None
        booth.undo()
        assert len(booth.plays) == 2

    def test_trouble_of_the_whole_player_keeps_its_own_words(self) -> None:
        booth = MusicHarness()
        booth.read()
        booth.started()
        booth.undo()
        booth.failed(NOWHERE)
        assert booth.told(NotificationKind.DEVICE) == ["Spotify is open nowhere."]
        booth.recovered()
        assert len(booth.plays) == 2  # an Undo does not wait for a device

    def test_of_a_switch_that_is_no_longer_the_last_it_leaves_the_music_alone(self) -> None:
        booth = MusicHarness(cooldown=0.0)
        booth.read()
        booth.started()
        old = booth.dj.switch
        booth.mood = MoodState.SAD
        booth.decide()
        booth.started()
        booth.undo(old)
        assert booth.uris == ["joy", "blues"]
        assert booth.told(NotificationKind.INFO) == [OVER]
        booth.undo(booth.dj.switch)
        assert booth.uris == ["joy", "blues", "joy"]
        booth.undo(old)
        assert booth.uris == ["joy", "blues", "joy"]

    @pytest.mark.parametrize("before", [PlayState.PLAYING, PlayState.PAUSED])
    def test_what_the_user_chose_since_is_left_alone(self, before: PlayState) -> None:
        booth = MusicHarness()
        booth.read(state=before)
        booth.ask()
        booth.started()
        booth.read(H.USER_CHOSE, context="mine", chosen_by=Chooser.USER)
        booth.effects.clear()
        booth.undo(booth.dj.switch)
        assert booth.plays == []
        assert booth.all(effects.PauseMusic) == []
        assert booth.told(NotificationKind.INFO) == [OVER]

    def test_one_on_its_way_does_not_swallow_a_wish(self) -> None:
        booth = MusicHarness()
        booth.read()
        booth.started()
        booth.undo()
        booth.ask()
        booth.started()
        booth.wait(2.0)
        assert booth.uris == ["joy", "x", "joy2"]


def test_a_playlist_that_is_found_again_plays_at_once() -> None:
    harness = MusicHarness()
    harness.mood = MoodState.SAD
    harness.read()
    harness.failed(PlaylistGone("Blues is empty."))
    assert harness.dj.decision is not None
    assert "cannot be found" in harness.dj.decision.reason
    harness.dj.playlist_back(BLUES)
    harness.wait(harness.policy.cooldown + 1.0)
    harness.decide()
    assert [play.playlist for play in harness.all(effects.Play)] == [BLUES, BLUES]
    assert harness.dj.error is None
