"""The music's state: what each answer of the player leads to, and how long a wish lives."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import pytest

from agent import effects
from agent.core.music import MusicControl
from agent.core.policy import WAITS_FOR_DEVICE, Listener
from agent.core.switches import EARLY_SKIP
from agent.errors import NoDevice, NotPremium, PlayerError, PlaylistGone, ServiceDown
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
    """The music alone, its clock, and all effects so far; the listener is happy by default."""

    def __init__(self, *, asked: bool = False, **policy: object) -> None:
        self.clock = FakeClock()
        self.policy = PolicySettings(**{"timing": "now", **policy})  # type: ignore[arg-type]
        self.mood = MoodState.HAPPY
        self.effects: list[effects.Effect] = []
        self.music = MusicControl(self.clock, asked=asked)
        self.music.player_changed("player", PLAYLISTS, True)

    def decide(self, happening: Happening = H.NOTHING) -> None:
        listener = Listener(Mood(self.mood, 0.0, 0.9), watching=True, last_emotion=None)
        self.effects += self.music.decide(listener, self.policy, happening)

    def ask(self) -> None:
        self.music.ask()
        self.decide()

    def next(self) -> None:
        listener = Listener(Mood(self.mood, 0.0, 0.9), watching=True, last_emotion=None)
        self.effects += self.music.next_playlist(listener)

    def undo(self, shown: Decision | None = None) -> None:
        self.effects += self.music.undo(shown, self.policy)

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
        self.effects += self.music.playback_changed(playback, happening)
        self.decide(happening)

    def started(self, playlist: Playlist | None = None) -> None:
        playlist = playlist or self.plays[-1].playlist
        now = self.clock.monotonic()
        self.effects += self.music.playlist_started(
            playlist,
            Playback(now, PlayState.PLAYING, playlist.uri, chosen_by=Chooser.AGENT),
        )

    def failed(self, error: PlayerError) -> None:
        self.effects += self.music.failed(error, self.plays[-1].playlist)
        if isinstance(error, PlaylistGone):
            self.decide()

    def recovered(self) -> None:
        self.music.recovered()
        self.decide()

    def wait(self, seconds: float) -> None:
        """Let time pass, ticking as the controller does."""
        end = self.clock.monotonic() + seconds
        for _ in range(5000):
            due = min(self.music.deadlines(self.policy), default=None)
            if due is None or due > end:
                break
            self.clock.advance(max(0.0, due - self.clock.monotonic()) + 1e-6)
            self.music.tick()
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
    harness = MusicHarness(**more)  # type: ignore[arg-type]
    harness.read(state=PlayState.UNAVAILABLE, context=None)
    return harness


# --- a wish without a device


class TestWish:
    def test_it_waits_and_is_met(self) -> None:
        harness = silent()
        harness.ask()
        harness.failed(NOWHERE)
        assert harness.told(NotificationKind.DEVICE) == [
            "Spotify is open nowhere. If that is done by 09:10, the music begins; later, ask for "
            "it again."
        ]
        harness.wait(WISH_LIFE - 1.0)
        assert harness.uris == ["joy"]
        assert harness.music.decision is not None
        assert harness.music.decision.reason == WAITS_FOR_DEVICE
        harness.recovered()
        assert harness.uris == ["joy", "joy"]  # it had no turn yet
        assert harness.plays[-1].asked
        assert harness.music.error is None

    def test_it_lives_for_ten_minutes(self) -> None:
        harness = silent()
        harness.ask()
        harness.failed(NOWHERE)
        harness.wait(WISH_LIFE)
        harness.recovered()
        harness.wait(WISH_LIFE)
        assert harness.uris == ["joy"]

    @pytest.mark.parametrize("happening", [H.USER_CHOSE, H.STARTED, H.RESUMED])
    def test_the_users_hand_is_newer(self, happening: Happening) -> None:
        harness = silent()
        harness.ask()
        harness.failed(NOWHERE)
        harness.read(happening, chosen_by=Chooser.USER)
        harness.recovered()
        assert harness.uris == ["joy"]

    def test_a_pause_by_hand_is_newer(self) -> None:
        harness = silent()
        harness.ask()
        harness.failed(NOWHERE)
        harness.read(H.PAUSED, PlayState.PAUSED, paused_by_hand=True)
        harness.recovered()
        assert harness.uris == ["joy"]

    def test_a_device_that_only_appears_is_no_hand(self) -> None:
        harness = silent()
        harness.ask()
        harness.failed(NOWHERE)
        harness.read(H.DEVICE_CHANGED, PlayState.PAUSED)
        assert harness.uris == ["joy"]
        harness.recovered()
        assert harness.uris == ["joy", "joy"]

    def test_it_costs_so_many_tries_and_one_word(self) -> None:
        harness = silent()
        harness.ask()
        failed = 0
        for _ in range(10):
            if len(harness.plays) > failed:
                harness.failed(NOWHERE)
                failed += 1
            harness.wait(20.0)
            harness.recovered()
        assert len(harness.plays) == failed == WISH_TRIES
        assert len(harness.told(NotificationKind.DEVICE)) == 1

    def test_a_change_of_ours_waits_as_well_but_not_against_the_hand(self) -> None:
        for by_hand, expected in ((False, ["joy", "joy"]), (True, ["joy"])):
            harness = MusicHarness()
            harness.read()
            harness.failed(NOWHERE)
            harness.wait(60.0)
            harness.read(state=PlayState.PAUSED, paused_by_hand=by_hand)
            harness.recovered()
            assert harness.uris == expected
            assert not harness.plays[-1].asked

    def test_a_change_of_ours_waits_for_a_clear_mood_too(self) -> None:
        harness = silent(start_when_silent=True)
        harness.failed(NOWHERE)
        harness.mood = MoodState.UNSURE
        harness.recovered()
        harness.wait(60.0)
        assert harness.uris == ["joy"]
        harness.mood = MoodState.SAD
        harness.decide()
        assert harness.uris == ["joy", "blues"]

    def test_another_player_has_nothing_to_do_with_it(self) -> None:
        harness = silent()
        harness.ask()
        harness.failed(NOWHERE)
        harness.music.player_changed("another", PLAYLISTS, None)
        harness.recovered()
        assert harness.uris == ["joy"]

    def test_start_when_silent_does_not_try_again_and_again(self) -> None:
        harness = silent(start_when_silent=True)
        assert harness.uris == ["joy"]
        harness.failed(NOWHERE)
        for _ in range(100):
            harness.wait(60.0)
            harness.read(state=PlayState.UNAVAILABLE, context=None)
        assert harness.uris == ["joy"]
        harness.read(H.DEVICE_CHANGED, PlayState.PAUSED)
        assert harness.uris == ["joy", "joy"]

    @pytest.mark.parametrize("error", [NotPremium("no"), PlayerError("no")])
    def test_other_trouble_is_no_reason_to_wait(self, error: PlayerError) -> None:
        harness = silent()
        harness.ask()
        harness.failed(error)
        harness.wait(60.0)
        harness.recovered()
        assert harness.uris == ["joy"]


# --- answers


class TestAnswers:
    def test_a_late_start_is_told_however_late(self) -> None:
        harness = MusicHarness()
        harness.read()
        harness.clock.advance(PLAY_AT_WORST - 1.0)
        harness.started()
        assert harness.told(NotificationKind.SWITCH) == ["You look happy."]
        assert len(harness.all(effects.RecordSwitch)) == 1

    def test_until_then_nothing_else_is_decided(self) -> None:
        harness = MusicHarness(cooldown=0.0)
        harness.read()
        harness.mood = MoodState.SAD
        harness.wait(PLAY_AT_WORST - 1.0)
        assert harness.uris == ["joy"]
        harness.wait(2.0)
        assert harness.uris == ["joy", "blues"]

    def test_one_that_outlasts_all_patience_is_still_heard(self) -> None:
        harness = MusicHarness()
        harness.read()
        harness.mood = MoodState.UNSURE
        harness.wait(PLAY_AT_WORST * 2)
        harness.started()
        assert len(harness.all(effects.RecordSwitch)) == 1
        harness.undo()
        assert harness.uris == ["joy", "x"]

    def test_one_whose_answer_was_lost_is_told_when_it_is_heard(self) -> None:
        harness = MusicHarness()
        harness.read()
        harness.failed(ServiceDown("It broke off."))
        assert harness.music.switch is None
        harness.started(JOY)
        assert harness.told(NotificationKind.SWITCH) == ["You look happy."]
        assert len(harness.all(effects.RecordSwitch)) == 1
        harness.undo(harness.music.switch)
        assert harness.uris == ["joy", "x"]
        harness.started(JOY)
        assert len(harness.all(effects.RecordSwitch)) == 1, "once"

    def test_but_not_after_a_newer_one(self) -> None:
        harness = MusicHarness(cooldown=0.0)
        harness.read()
        harness.failed(ServiceDown("It broke off."))
        harness.mood = MoodState.SAD
        harness.decide()
        assert harness.uris[-1] == "blues"
        harness.started(JOY)
        assert harness.all(effects.RecordSwitch) == []

    def test_another_playlist_where_none_is_set_is_answered(self) -> None:
        harness = MusicHarness()
        harness.mood = MoodState.NEUTRAL
        harness.next()
        assert harness.plays == []
        assert harness.told(NotificationKind.INFO) == [
            "No playlist is set for neutral. Set some under 'Music for my moods'."
        ]

    def test_but_not_one_that_was_replaced(self) -> None:
        harness = MusicHarness(cooldown=0.0)
        harness.read()
        harness.mood = MoodState.SAD
        harness.wait(PLAY_AT_WORST + 1.0)
        harness.started(JOY)
        assert harness.all(effects.RecordSwitch) == []
        harness.started(BLUES)
        assert len(harness.all(effects.RecordSwitch)) == 1

    def test_a_late_failure_is_told(self) -> None:
        harness = MusicHarness()
        harness.read()
        harness.wait(PLAY_AT_WORST + 1.0)
        harness.failed(PlayerError("It did not play it."))
        assert harness.told(NotificationKind.PROBLEM) == ["It did not play it."]

    def test_a_reading_on_its_way_does_not_lose_the_start(self) -> None:
        """The user paused, then asked: the pause is read after the command went out."""
        harness = MusicHarness()
        harness.mood = MoodState.UNSURE
        harness.read()
        harness.mood = MoodState.HAPPY
        harness.ask()
        harness.read(H.PAUSED, PlayState.PAUSED, paused_by_hand=True)
        harness.started()
        assert len(harness.all(effects.RecordSwitch)) == 1
        assert harness.uris == ["joy"]

    def test_a_dropped_one_is_over_without_a_word(self) -> None:
        harness = MusicHarness(cooldown=60.0)
        harness.read()
        harness.music.dropped(JOY)
        assert harness.all(effects.Notify) == []
        harness.decide()
        assert harness.uris == ["joy"]  # the cool-down holds
        harness.ask()
        assert harness.uris == ["joy", "joy2"]

    def test_who_asks_is_answered_each_time(self) -> None:
        harness = silent()
        for n in range(1, 4):
            harness.ask()
            harness.failed(NotPremium("Only with Premium."))
            assert harness.told(NotificationKind.PROBLEM) == ["Only with Premium."] * n
        assert all(e.notification.asked for e in harness.all(effects.Notify))

    def test_what_nobody_asked_for_fails_with_one_word(self) -> None:
        harness = MusicHarness(cooldown=1.0)
        for _ in range(4):
            harness.read()
            harness.failed(NotPremium("Only with Premium."))
            harness.wait(2.0)
        assert len(harness.plays) >= 4
        assert harness.told(NotificationKind.PROBLEM) == ["Only with Premium."]

    def test_a_wish_during_a_change_of_ours_is_met_by_it_or_outlives_it(self) -> None:
        for dropped, expected in ((False, ["joy"]), (True, ["joy", "joy2"])):
            harness = MusicHarness()
            harness.read()
            harness.ask()
            if dropped:
                harness.music.dropped(JOY)
            else:
                harness.started()
            harness.wait(5.0)
            assert harness.uris == expected

    def test_a_playlist_that_is_gone_gives_its_turn_to_the_next(self) -> None:
        """Asked for in silence, too: the wish is for music, not for that playlist."""
        harness = silent()
        harness.ask()
        harness.failed(PlaylistGone("Joy is gone."))
        assert harness.uris == ["joy", "joy2"]
        assert harness.plays[-1].asked
        harness.failed(PlaylistGone("More joy is gone."))
        assert harness.uris == ["joy", "joy2"]
        assert harness.told(NotificationKind.PROBLEM) == ["Joy is gone.", "More joy is gone."]
        assert harness.told(NotificationKind.INFO) == []
        last = harness.all(effects.Notify)[-1].notification
        assert last.asked, "nothing is left to play, and that is the answer"


# --- feedback and the way back


class TestFeedback:
    @pytest.fixture
    def heard(self) -> MusicHarness:
        """A change of ours that took 50 s to be heard."""
        harness = MusicHarness()
        harness.read()
        harness.wait(50.0)
        harness.started()
        return harness

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
        harness = MusicHarness()
        harness.mood = MoodState.UNSURE
        harness.read()  # 10 s into the track
        harness.wait(25.0)
        harness.mood = MoodState.HAPPY
        harness.decide()
        harness.wait(8.0)
        harness.started()
        harness.wait(30.0)
        harness.undo()
        (back,) = harness.plays[1:]
        assert back.asked
        assert back.playlist.place is not None
        assert back.playlist.place.track == "t"
        assert back.playlist.place.position == pytest.approx(35.0, abs=0.01)

    def test_never_behind_the_end_of_the_track(self) -> None:
        harness = MusicHarness()
        harness.mood = MoodState.UNSURE
        harness.read()
        harness.wait(1000.0)
        harness.mood = MoodState.HAPPY
        harness.decide()
        harness.started()
        harness.undo()
        assert harness.plays[-1].playlist.place == Place("t", 200.0)

    def test_a_single_track_is_its_own_way_back(self) -> None:
        harness = MusicHarness()
        harness.read(context=None, title="Somebody - Song")
        harness.started()
        harness.undo()
        assert harness.plays[-1].playlist == Playlist("t", "Somebody - Song", Place("t", 10.0))

    def test_a_refusal_is_said_and_is_no_lasting_problem(self) -> None:
        harness = MusicHarness()
        harness.read()
        harness.started()
        harness.undo()
        harness.failed(PlayerError("Spotify does not let programs start it."))
        assert harness.told(NotificationKind.WARNING) == [
            "Spotify does not let programs start it. What plays now is left alone."
        ]
        assert harness.music.error is None
        harness.undo()
        assert len(harness.plays) == 2

    def test_trouble_of_the_whole_player_keeps_its_own_words(self) -> None:
        harness = MusicHarness()
        harness.read()
        harness.started()
        harness.undo()
        harness.failed(NOWHERE)
        assert harness.told(NotificationKind.DEVICE) == ["Spotify is open nowhere."]
        harness.recovered()
        assert len(harness.plays) == 2  # an Undo does not wait for a device

    def test_of_a_switch_that_is_no_longer_the_last_it_leaves_the_music_alone(self) -> None:
        harness = MusicHarness(cooldown=0.0)
        harness.read()
        harness.started()
        old = harness.music.switch
        harness.mood = MoodState.SAD
        harness.decide()
        harness.started()
        harness.undo(old)
        assert harness.uris == ["joy", "blues"]
        assert harness.told(NotificationKind.INFO) == [OVER]
        harness.undo(harness.music.switch)
        assert harness.uris == ["joy", "blues", "joy"]
        harness.undo(old)
        assert harness.uris == ["joy", "blues", "joy"]

    @pytest.mark.parametrize("before", [PlayState.PLAYING, PlayState.PAUSED])
    def test_what_the_user_chose_since_is_left_alone(self, before: PlayState) -> None:
        harness = MusicHarness()
        harness.read(state=before)
        harness.ask()
        harness.started()
        harness.read(H.USER_CHOSE, context="mine", chosen_by=Chooser.USER)
        harness.effects.clear()
        harness.undo(harness.music.switch)
        assert harness.plays == []
        assert harness.all(effects.PauseMusic) == []
        assert harness.told(NotificationKind.INFO) == [OVER]

    def test_one_on_its_way_does_not_swallow_a_wish(self) -> None:
        harness = MusicHarness()
        harness.read()
        harness.started()
        harness.undo()
        harness.ask()
        harness.started()
        harness.wait(2.0)
        assert harness.uris == ["joy", "x", "joy2"]


def test_a_playlist_that_is_found_again_plays_at_once() -> None:
    harness = MusicHarness()
    harness.mood = MoodState.SAD
    harness.read()
    harness.failed(PlaylistGone("Blues is empty."))
    assert harness.music.decision is not None
    assert "cannot be found" in harness.music.decision.reason
    harness.music.playlist_back(BLUES)
    harness.wait(harness.policy.cooldown + 1.0)
    harness.decide()
    assert [play.playlist for play in harness.all(effects.Play)] == [BLUES, BLUES]
    assert harness.music.error is None
