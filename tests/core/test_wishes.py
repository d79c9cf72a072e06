"""What the user wishes acts at once and is answered at once: corrections, breaks, the next one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from agent import effects, events
from agent.effects import Notification
from agent.errors import CameraBusy, NoDevice, PlaylistGone
from agent.settings import PolicySettings, SessionSettings, Settings
from agent.types import (
    EMOTIONS,
    Action,
    CameraState,
    Chooser,
    Happening,
    MoodState,
    NotificationKind,
    Observation,
    Playback,
    Playlist,
    PlayState,
)
from agent.web.status_text import why_text
from agent.wording import SCREEN_SHARED, why_lines
from tests.core.test_controller import NOW, PLAYLISTS, ControllerHarness


class Story(ControllerHarness):
    """The controller's harness with shorter words for what a wish leads to."""

    @property
    def uris(self) -> list[str]:
        return [play.playlist.uri for play in self.all(effects.Play)]

    @property
    def answers(self) -> list[Notification]:
        """All that was told at the user's wish."""
        told = [effect.notification for effect in self.all(effects.Notify)]
        return [notification for notification in told if notification.asked]

    @property
    def answer(self) -> Notification:
        return self.answers[-1]

    def press(self, notification: Notification, button: str) -> None:
        self.send(dict(notification.buttons)[button])

    def heard(self, uri: str, chosen_by: Chooser = Chooser.AGENT) -> None:
        """The player reads as playing this."""
        self.music(Happening.ECHO, context=uri, chosen_by=chosen_by)


def happy_music(settings: Settings | None = None) -> Story:
    """Somebody looked happy, and happy music was started for it."""
    story = Story(settings or NOW)
    story.music()
    story.look("happy", 15)
    story.started()
    assert story.uris == ["p:happy"]
    return story


def test_a_mood_that_was_denied_is_not_played_for_a_moment_later() -> None:
    story = Story()
    story.music(context="p:happy")
    story.look("sad", 15)
    story.send(events.NotMyMood())
    story.look("sad", 10)
    assert story.controller.snapshot.candidate is None
    before = len(story.uris)
    story.send(events.PlayForMood())
    assert story.uris[before:] == ["p:neutral"], "at once"
    decision = story.controller.snapshot.decision
    assert decision is not None
    assert "sad" not in decision.reason
    story.started()
    story.send(events.NextPlaylist())
    assert story.uris[-1] == "p:neutral2"


def test_the_only_playlist_is_not_begun_anew_as_another_one_in_a_pause() -> None:
    story = Story(NOW)
    story.send(events.PlayerChanged("test player", {MoodState.NEUTRAL: (Playlist("p:n", "N"),)}))
    story.music(state=PlayState.PAUSED, context="p:n", paused_by_hand=True)
    story.send(events.NextPlaylist())
    assert story.uris == []
    assert story.answer.title == "No other music for neutral"


def test_an_own_choice_is_explained_once_and_what_follows_is_told() -> None:
    story = Story()
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.PlayPlaylist(Playlist("p:other", "Other")))
    story.started()
    story.heard("p:other", Chooser.USER)
    assert why_lines(story.controller.snapshot)[:2] == (
        "Other: you chose this music yourself",
        f"Moodtray leaves the music alone until {story.controller.snapshot.left_alone_until:%H:%M}",
    )
    loops = happy_music()
    loops.heard("p:happy")
    loops.send(events.SettingsChanged(Settings()))  # at the track's end from now on
    loops.send(events.PlayerChanged("test player", {MoodState.HAPPY: (Playlist("p:new", "New"),)}))
    loops.pass_time(130)
    loops.look("happy", 5)
    decision = loops.controller.snapshot.decision
    assert decision is not None
    assert decision.action is Action.SWITCH_AT_END
    assert any("New" in line for line in why_lines(loops.controller.snapshot))


# --- saying how one feels ------------------------------------------------------------------------


def test_a_word_on_the_mood_waits_neither_for_the_cooldown_nor_for_the_track() -> None:
    story = happy_music(Settings(policy=PolicySettings(timing="now", cooldown=600.0)))
    story.controller.handle(events.SettingsChanged(Settings()))  # at the track's end from now on
    story.send(events.SetMood(MoodState.SAD))
    assert story.uris == ["p:happy", "p:sad"]
    story.started()
    told = story.answer
    assert (told.kind, told.title) == (NotificationKind.SWITCH, "♪ Sad")
    until = story.controller.snapshot.mood_until
    assert until is not None
    assert told.body == f"You said you feel sad. The music goes by that until {until:%H:%M}."
    assert [label for label, _ in told.buttons] == ["Undo", "Take back what I said"]


def test_a_word_on_the_mood_is_newer_than_the_users_own_choice_and_an_undo() -> None:
    story = happy_music()
    story.send(events.UndoSwitch())
    story.started()
    story.heard("x", Chooser.USER)
    story.send(events.SetMood(MoodState.SAD))
    assert story.uris[-1] == "p:sad"


@pytest.mark.parametrize("state", [PlayState.STOPPED, PlayState.PAUSED, PlayState.UNAVAILABLE])
def test_silence_stays_silence_and_the_answer_offers_music(state: PlayState) -> None:
    story = Story(NOW)
    story.music(state=state, paused_by_hand=state is PlayState.PAUSED)
    story.send(events.SetMood(MoodState.SAD))
    assert story.uris == []
    assert story.answer.title == "You said you feel sad"
    assert story.answer.body.endswith("No music plays: 'Play for my mood' begins it.")
    story.press(story.answer, "Play now")
    assert story.uris == ["p:sad"]


def test_a_word_for_which_the_music_fits_already_is_answered() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.SetMood(MoodState.HAPPY))
    assert story.uris == ["p:happy"]
    assert "What plays fits already." in story.answer.body


def test_a_word_for_which_there_is_no_music_is_answered() -> None:
    story = Story(NOW)
    story.send(events.PlayerChanged("test player", {MoodState.HAPPY: PLAYLISTS[MoodState.HAPPY]}))
    story.music()
    story.send(events.SetMood(MoodState.FEAR))
    assert "No playlist is set for afraid." in story.answer.body


def test_a_word_while_the_player_is_out_is_answered() -> None:
    story = Story(NOW)
    story.send(events.WorkerCrashed("player", ValueError(), gave_up=True))
    story.send(events.SetMood(MoodState.SAD))
    assert "Playing music stopped" in story.answer.body


def test_a_correction_goes_back_to_what_fits_and_says_for_how_long() -> None:
    story = Story(NOW)
    story.heard("p:sad")
    story.look("happy", 15)
    story.started()
    story.send(events.SetMood(MoodState.SAD, wrong=MoodState.HAPPY))
    assert story.uris == ["p:happy", "p:sad"]
    assert story.all(effects.Play)[-1].playlist.place is not None, "where it was left"
    story.started()
    until = story.controller.snapshot.mood_until
    assert until is not None
    assert story.answer.title == "Back to X"
    alone = f"Moodtray leaves the music alone until {until:%H:%M}."
    assert story.answer.body == f"You said you feel sad. {alone}"
    feedback = [kept.kind for kept in story.all(effects.RecordFeedback)]
    assert feedback == ["not my mood", "set by hand", "corrected"]
    story.press(story.answer, "Resume")
    assert not story.controller.snapshot.mood.by_hand
    assert story.answer.title == "Moodtray goes by your face again"


def test_a_correction_where_what_played_before_does_not_fit_starts_what_does() -> None:
    story = happy_music()
    story.send(events.SetMood(MoodState.SAD, wrong=MoodState.HAPPY))
    assert story.uris == ["p:happy", "p:sad"]
    assert not story.all(effects.Play)[-1].playlist.place


def test_undo_of_ones_own_word_takes_the_word_back_too() -> None:
    story = happy_music()
    story.send(events.SetMood(MoodState.SAD))
    story.started()
    story.press(story.answer, "Undo")
    assert not story.controller.snapshot.mood.by_hand
    assert story.uris[-1] == "p:happy"


# --- undo ----------------------------------------------------------------------------------------


def test_an_undo_says_what_plays_and_until_when_it_is_left_alone() -> None:
    story = happy_music()
    assert story.controller.snapshot.undo_to == "X"
    story.send(events.UndoSwitch())
    assert effects.Withdraw(NotificationKind.SWITCH) in story.effects, "its notice is stale"
    assert story.answers == [], "not before it is heard"
    story.started()
    until = story.clock.now() + timedelta(minutes=60)
    assert (story.answer.title, story.answer.body) == (
        "Back to X",
        f"Moodtray leaves the music alone until {until:%H:%M}.",
    )
    snapshot = story.controller.snapshot
    assert (snapshot.undo_to, snapshot.left_alone_until) == (None, until)
    story.pass_time(3601)
    assert story.controller.snapshot.left_alone_until is None


def test_resume_after_an_undo_changes_the_music_again() -> None:
    story = happy_music()
    story.send(events.UndoSwitch())
    story.started()
    story.heard("x")
    story.pass_time(130)  # the cool-down
    story.look("happy", 15)
    assert story.uris == ["p:happy", "x"]
    story.press(story.answers[0], "Resume")
    assert story.uris == ["p:happy", "x", "p:happy2"]


def begun_from_silence() -> Story:
    """Silence, a happy face, and the music that was asked for."""
    story = Story(NOW)
    story.music(state=PlayState.STOPPED, context=None)
    story.look("happy", 15)
    story.send(events.PlayForMood())
    story.started()
    assert story.controller.snapshot.undo_to == "silence"
    return story


def test_an_undo_into_silence_says_so() -> None:
    story = begun_from_silence()
    story.music(Happening.PAUSED, state=PlayState.PAUSED)
    assert story.controller.snapshot.undo_to is None, "it is silent already"
    story.music(Happening.RESUMED)
    story.send(events.UndoSwitch())
    assert story.all(effects.PauseMusic)
    assert story.answer.title == "Back to silence"


def test_an_undo_without_a_change_is_answered() -> None:
    story = Story(NOW)
    story.music()
    story.send(events.UndoSwitch())
    assert story.answer.title == "There is nothing to undo"


def test_what_the_user_chose_since_cannot_be_undone() -> None:
    story = happy_music()
    story.music(Happening.USER_CHOSE, context="y", chosen_by=Chooser.USER)
    assert story.controller.snapshot.undo_to is None
    assert effects.Withdraw(NotificationKind.SWITCH) in story.effects


# --- play, next ----------------------------------------------------------------------------------


def test_play_goes_by_the_first_look() -> None:
    story = Story(NOW)
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.PlayForMood())
    assert story.uris == [], "the first look is on its way"
    seen = tuple(0.88 if e == "sad" else 0.02 for e in EMOTIONS)
    story.send(events.Observed(Observation(story.clock.monotonic(), 1, seen)))
    assert story.uris == ["p:sad"]
    story.started()
    assert story.answer.body == "You asked for music, and so far you seem sad."


def test_play_without_a_face_plays_something_calm_within_five_seconds() -> None:
    story = Story(NOW)
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.PlayForMood())
    story.pass_time(6)
    assert story.uris == ["p:neutral"]


def test_play_where_the_music_fits_says_so_and_does_not_begin_it_again() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.PlayForMood())
    assert story.uris == ["p:happy"]
    assert story.answer.title == "♪ Happy plays on"


def test_play_within_the_cooldown_is_told_at_once() -> None:
    story = Story(NOW)
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.SetMood(MoodState.SAD))
    story.send(events.PlayForMood())
    story.started()
    assert story.answer.title == "♪ Sad"
    assert story.answer.asked, "the rule of one a minute is for what nobody asked for"


def test_next_playlist_with_one_playlist_says_so() -> None:
    story = Story(NOW)
    only = {MoodState.HAPPY: (Playlist("p:happy", "Happy"),)}
    story.send(events.PlayerChanged("test player", only))
    story.music()
    story.look("happy", 15)
    story.started()
    story.send(events.NextPlaylist())
    assert story.uris == ["p:happy"]
    assert story.answer.title == "♪ Happy plays on"
    assert "the only playlist for happy" in story.answer.body
    assert [event for _, event in story.answer.buttons] == [events.OpenPage("moods")]


def test_next_track_goes_to_the_player_and_early_it_is_feedback() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.NextTrack())
    assert story.all(effects.NextTrack)
    assert effects.RecordFeedback("skip", "p:happy") in story.effects


@pytest.mark.parametrize(
    ("uri", "why"),
    [("local:happy", "It is one track."), ("/music/Happy", "There is no other track there.")],
)
def test_the_next_track_of_one_alone_is_told_to_be_the_same(uri: str, why: str) -> None:
    """It began anew without a word, and nobody knew whether the click had been taken."""
    story = happy_music()
    now = story.clock.monotonic()
    alone = Playback(now, PlayState.PLAYING, context=uri, context_name="Happy", only_track=True)
    story.send(events.PlaybackChanged(alone, Happening.NOTHING))
    story.send(events.NextTrack())
    assert story.all(effects.NextTrack)
    assert story.answer.title == "♪ Happy begins anew"
    assert story.answer.body.startswith(why)


def test_next_track_brings_what_waits_for_the_end_of_this_one() -> None:
    story = happy_music()
    story.send(events.SettingsChanged(Settings()))  # at the track's end from now on
    story.heard("p:happy")
    story.pass_time(130)
    story.look("sad", 90)
    decision = story.controller.snapshot.decision
    assert decision is not None
    assert decision.action is Action.SWITCH_AT_END
    story.send(events.NextTrack())
    assert story.uris == ["p:happy", "p:sad"]
    assert not story.all(effects.NextTrack)
    assert story.all(effects.ExpectTrackEnd)[-1] == effects.ExpectTrackEnd(False)
    story.started()
    assert (story.answer.title, story.answer.body) == ("♪ Sad", "You look sad.")
    story.heard("p:sad")
    story.send(events.NextTrack())
    assert story.all(effects.NextTrack), "nothing waits any more"


def test_next_track_in_silence_is_answered() -> None:
    story = Story(NOW)
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.NextTrack())
    assert not story.all(effects.NextTrack)
    assert story.answer.title == "No music plays"


def test_the_volume_is_kept_and_applied() -> None:
    story = Story(NOW)
    story.send(events.SetVolume(0.4))
    assert story.effects[-3:-1] == [
        effects.ApplySettings(story.controller.settings),
        effects.KeepSetting("local.volume", 0.4),
    ]
    assert story.controller.settings.local.volume == 0.4
    assert story.controller.snapshot.volume == 0.4


# --- breaks and calls ----------------------------------------------------------------------------


def test_a_break_rests_camera_and_music_and_both_go_on_afterwards() -> None:
    story = happy_music()
    story.heard("p:happy")
    until = story.clock.now() + timedelta(minutes=15)
    story.send(events.TakeBreak(until))
    assert story.all(effects.WatchCamera)[-1] == effects.WatchCamera(False)
    assert len(story.all(effects.PauseMusic)) == 1
    assert story.answer.title == f"Taking a break until {until:%H:%M}"
    story.music(Happening.ECHO, PlayState.PAUSED, "p:happy", paused_by_hand=True)
    snapshot = story.controller.snapshot
    assert snapshot.on_break
    assert snapshot.decision is not None
    assert snapshot.decision.reason == "you are taking a break"
    story.pass_time(16 * 60)
    assert story.all(effects.WatchCamera)[-1] == effects.WatchCamera(True)
    assert len(story.all(effects.ResumeMusic)) == 1
    assert not story.controller.snapshot.on_break


def test_a_break_in_silence_ends_in_silence() -> None:
    story = Story(NOW)
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.TakeBreak())
    story.press(story.answer, "I am back")
    assert not story.all(effects.PauseMusic)
    assert not story.all(effects.ResumeMusic)


def test_music_that_the_user_starts_in_a_break_is_left_alone() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.TakeBreak())
    story.music(Happening.STARTED, context="y", chosen_by=Chooser.USER)
    story.music(Happening.PAUSED, PlayState.PAUSED, "y", paused_by_hand=True)
    story.send(events.ResumeCamera())
    assert not story.all(effects.ResumeMusic)


def test_a_break_until_i_come_back_ends_when_the_session_is_used_again() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.TakeBreak(until_back=True))
    assert story.controller.snapshot.camera_paused
    story.send(events.SessionChanged("the screen is locked"))
    assert story.controller.snapshot.on_break
    story.send(events.SessionChanged(None))
    assert story.controller.snapshot.on_break, "a lock is not all that the session tells"
    story.send(events.UserIsBack())
    assert not story.controller.snapshot.camera_paused
    assert len(story.all(effects.ResumeMusic)) == 1


def test_the_end_of_a_shared_screen_is_no_return() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.SessionChanged(SCREEN_SHARED))
    story.send(events.TakeBreak(until_back=True))
    story.send(events.SessionChanged(None))
    assert story.controller.snapshot.on_break
    assert story.all(effects.WatchCamera)[-1] == effects.WatchCamera(False)
    assert not story.all(effects.ResumeMusic)


def test_what_is_wished_in_a_break_is_answered_as_in_a_break() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.TakeBreak())
    story.music(Happening.ECHO, PlayState.PAUSED, "p:happy", paused_by_hand=True)
    story.send(events.BeginJourney(MoodState.HAPPY, MoodState.SAD))
    body = story.answer.body
    assert "The music rests now, and leads there when it goes on." in body
    assert "This ends when you look happy" in body, "it looks again after the break"
    story.send(events.NotMe(gone=True))
    assert story.answer.body == (
        "Moodtray does not look yet: you are taking a break. Then it reads your face as yours."
    )


def test_a_plain_break_does_not_end_with_a_locked_screen() -> None:
    story = happy_music()
    story.send(events.TakeBreak())
    story.send(events.SessionChanged("the screen is locked"))
    story.send(events.SessionChanged(None))
    assert story.controller.snapshot.on_break


def test_music_can_be_asked_for_in_a_break_and_plays_on_after_it() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.TakeBreak())
    story.music(Happening.ECHO, PlayState.PAUSED, "p:happy", paused_by_hand=True)
    story.send(events.PlayForMood())
    assert story.uris == ["p:happy", "p:happy2"]
    story.started()
    story.send(events.ResumeCamera())
    assert not story.all(effects.ResumeMusic)


def test_a_change_that_was_under_way_when_the_break_began_rests_too() -> None:
    story = Story(NOW)
    story.music()
    story.look("happy", 15)
    story.send(events.TakeBreak())
    paused = len(story.all(effects.PauseMusic))
    story.started()
    assert len(story.all(effects.PauseMusic)) == paused + 1


@pytest.mark.parametrize("pause", [True, False])
def test_a_shared_screen_rests_the_music_unless_set_otherwise(pause: bool) -> None:
    story = happy_music(with_calls(pause))
    story.heard("p:happy")
    story.send(events.SessionChanged(SCREEN_SHARED))
    assert bool(story.all(effects.PauseMusic)) is pause
    told = [each.notification.title for each in story.all(effects.Notify)]
    assert ("The music rests" in told) is pause
    story.send(events.SessionChanged(None))
    assert bool(story.all(effects.ResumeMusic)) is pause


def with_calls(pause: bool) -> Settings:
    return NOW.model_copy(update={"session": SessionSettings(pause_music_in_calls=pause)})


def test_a_camera_that_a_call_takes_rests_the_music_one_that_never_worked_does_not() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.CameraChanged(CameraState.BUSY, CameraBusy("Another program has it.")))
    assert len(story.all(effects.PauseMusic)) == 1
    story.send(events.CameraChanged(CameraState.ON))
    assert len(story.all(effects.ResumeMusic)) == 1
    gone = [each.kind for each in story.all(effects.Withdraw)]
    assert gone[-1] is NotificationKind.REST, "that it rests holds no more"
    fresh = Story(NOW)
    fresh.send(events.CameraChanged(CameraState.OFF))
    fresh.music()
    fresh.send(events.CameraChanged(CameraState.BUSY, CameraBusy("The system refuses it.")))
    assert not fresh.all(effects.PauseMusic)


# --- trouble that is mended -----------------------------------------------------------------------


def test_a_folder_that_was_mended_plays_at_once() -> None:
    story = Story(NOW)
    only = Playlist("p:sad", "Sad")
    story.send(events.PlayerChanged("test player", {MoodState.SAD: (only,)}))
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.SetMood(MoodState.SAD))
    story.send(events.PlayForMood())
    story.send(events.PlayerFailed(PlaylistGone("The folder is not there."), only))
    assert story.all(effects.AwaitPlaylist) == [effects.AwaitPlaylist(only)]
    assert story.controller.snapshot.problem == "The folder is not there."
    story.pass_time(120)
    story.send(events.PlaylistBack(only))
    assert story.uris == ["p:sad", "p:sad"]
    assert story.controller.snapshot.problem is None
    assert effects.Withdraw(NotificationKind.PROBLEM) in story.effects


@pytest.mark.parametrize(
    "newer",
    [
        events.PauseMusic(),
        events.TakeBreak(),
        events.UndoSwitch(),
        events.FollowFace(),
        events.SetMood(MoodState.HAPPY),
    ],
)
@pytest.mark.parametrize("asked", [True, False])
def test_a_folder_that_was_mended_plays_nothing_against_a_newer_wish(
    newer: events.Event, asked: bool
) -> None:
    """It played out of a pause, in a break and after an Undo, and said 'you asked for music'."""
    story = Story(NOW)
    only = Playlist("p:sad", "Sad")
    happy = (Playlist("p:happy", "Happy"),)
    story.send(events.PlayerChanged("test", {MoodState.SAD: (only,), MoodState.HAPPY: happy}))
    story.music()
    story.look("happy", 15)
    story.started()
    story.heard("p:happy")
    story.send(events.SetMood(MoodState.SAD))
    if asked:
        story.send(events.PlayForMood())
    story.send(events.PlayerFailed(PlaylistGone("It is empty."), only))
    trouble = [note for note in story.answers if note.kind is NotificationKind.PROBLEM]
    assert [note.asked for note in trouble] == [True]
    assert story.answer in trouble, "one answer is enough"
    story.send(newer)
    if isinstance(newer, events.PauseMusic | events.TakeBreak):
        story.music(Happening.ECHO, PlayState.PAUSED, "p:happy", paused_by_hand=True)
    story.send(events.PlaylistBack(only))
    story.pass_time(5.0)
    assert story.uris.count("p:sad") == 1, "the start that failed"
    assert "you asked for music" not in "\n".join(note.body for note in story.answers).lower()


def test_a_folder_that_was_mended_is_played_by_the_word_that_holds() -> None:
    story = happy_music()
    only = Playlist("p:sad", "Sad")
    story.send(events.PlayerChanged("test", {MoodState.SAD: (only,)}))
    story.heard("p:happy")
    story.send(events.SetMood(MoodState.SAD))
    story.send(events.PlayerFailed(PlaylistGone("It is empty."), only))
    story.send(events.PlaylistBack(only))
    story.music(context="p:happy", chosen_by=Chooser.AGENT)
    assert story.uris[-2:] == ["p:sad", "p:sad"]
    story.started()
    assert story.answer.body.startswith("You said you feel sad.")


def test_one_that_comes_back_after_long_begins_nothing() -> None:
    story = Story(NOW)
    only = Playlist("p:sad", "Sad")
    story.send(events.PlayerChanged("test player", {MoodState.SAD: (only,)}))
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.SetMood(MoodState.SAD))
    story.send(events.PlayForMood())
    story.send(events.PlayerFailed(PlaylistGone("The folder is not there."), only))
    story.pass_time(1200)
    story.send(events.PlaylistBack(only))
    assert story.uris == ["p:sad"]
    assert story.controller.snapshot.problem is None


def test_notices_of_trouble_go_when_it_is_mended() -> None:
    story = Story(NOW)
    story.music()
    story.send(events.PlayerFailed(NoDevice("Open Spotify.")))
    before = len(story.all(effects.Withdraw))
    story.send(events.PlayerRecovered())
    gone = [each.kind for each in story.all(effects.Withdraw)[before:]]
    assert NotificationKind.DEVICE in gone


# --- consent, why ---------------------------------------------------------------------------------


@pytest.mark.parametrize("plays", [True, False])
def test_after_the_yes_it_is_said_what_follows(plays: bool) -> None:
    story = Story(NOW, consent=False)
    story.music(state=PlayState.PLAYING if plays else PlayState.STOPPED)
    story.send(events.ConsentGiven())
    told = story.answer
    assert told.title == "The camera is allowed"
    assert ("Silence is normal" in told.body) is not plays
    assert [label for label, _ in told.buttons] == ["Play now", "Music for my moods"]
    story.send(events.ConsentGiven())
    assert len(story.answers) == 1


def test_after_the_yes_no_change_is_promised_while_the_music_is_left_alone() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.UndoSwitch())
    story.send(events.ConsentWithdrawn())
    story.send(events.ConsentGiven())
    until = story.controller.snapshot.left_alone_until
    assert until is not None
    assert f"leaves the music alone until {until:%H:%M}" in story.answer.body
    assert "the music changes" not in story.answer.body


def test_why_is_told_in_full() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.TellWhy())
    assert story.answer.title == "You look happy"
    assert "♪ X" in story.answer.body
    assert "Happy: you look happy." in story.answer.body


def test_no_answer_says_you_look_of_what_was_said() -> None:
    story = happy_music()
    story.heard("p:happy")
    for wish in (
        events.SetMood(MoodState.SAD, wrong=MoodState.HAPPY),
        events.PlayForMood(),
        events.NextPlaylist(),
        events.TellWhy(),
    ):
        story.send(wish)
        if story.all(effects.Play)[-1].playlist.uri != "p:happy":
            story.started()
    told = [f"{each.title} {each.body}" for each in story.answers if "sad" in each.body.lower()]
    assert told
    assert not [text for text in told if "look sad" in text.lower()]


def test_candidates_are_shown_with_how_sure_they_are() -> None:
    story = Story(NOW)
    story.look("sad")
    candidate = story.controller.snapshot.candidate
    assert candidate is not None
    assert candidate.state is MoodState.SAD
    assert 0.1 < candidate.probability < candidate.certainty


# --- why the music is as it is -------------------------------------------------------------------


def test_a_mood_that_was_denied_is_why_the_music_went_back() -> None:
    """It is neither silence about the change, nor an Undo that nobody pressed."""
    story = Story(NOW)
    story.heard("p:calm")
    story.look("happy", 15)
    story.started()
    story.heard("p:happy")
    story.send(events.NotMyMood(MoodState.HAPPY))
    before = story.controller.snapshot
    assert before.change is not None
    assert before.change.mood is MoodState.HAPPY
    assert before.change.reason == "you look happy", "it plays still"
    assert before.decision is not None
    assert before.decision.reason == "happy was not your mood"
    story.started()
    snapshot = story.controller.snapshot
    assert (snapshot.switch, snapshot.undo_to) == (None, None)
    alone = "Moodtray leaves the music alone until 10:00"
    assert why_lines(snapshot) == ("X: happy was not your mood", alone)
    story.heard("p:calm")
    story.look("sad", 15)
    told = why_lines(story.controller.snapshot)
    assert told == ("X: happy was not your mood", alone), "and it is left alone for the same reason"
    kinds = [kept.kind for kept in story.all(effects.RecordFeedback)]
    assert kinds == ["not my mood", "corrected"]


def test_a_mood_that_was_denied_after_silence_leads_back_to_silence() -> None:
    story = begun_from_silence()
    story.send(events.NotMyMood(MoodState.HAPPY))
    assert why_lines(story.controller.snapshot)[0] == "Silence: happy was not your mood"
    story.music(Happening.ECHO, state=PlayState.PAUSED, context="p:happy", paused_by_hand=True)
    told = why_lines(story.controller.snapshot)
    assert told[0] == "Silence: happy was not your mood", "nobody paused it"
    assert len(told) == 2, "and that it is left alone"
    story.music(Happening.RESUMED, context="p:happy")
    story.music(Happening.PAUSED, state=PlayState.PAUSED, context="p:happy", paused_by_hand=True)
    assert why_lines(story.controller.snapshot)[1] == "Now: you paused the music"


def test_an_undo_is_why_the_music_went_back() -> None:
    story = Story(NOW)
    story.heard("p:calm")
    story.look("happy", 15)
    story.started()
    story.send(events.UndoSwitch())
    story.started()
    alone = "Moodtray leaves the music alone until 10:00"
    assert why_lines(story.controller.snapshot) == ("X: you took back a change", alone)
    assert story.all(effects.RecordFeedback)[-1].kind == "undo"


def test_a_word_that_corrects_is_why_the_music_went_back() -> None:
    story = Story(NOW)
    story.heard("p:sad")
    story.look("happy", 15)
    story.started()
    story.send(events.SetMood(MoodState.SAD, wrong=MoodState.HAPPY))
    story.started()
    story.heard("p:sad")
    assert why_lines(story.controller.snapshot)[0] == "X: you said you feel sad"


def test_a_paused_camera_is_why_nothing_is_planned() -> None:
    story = happy_music()
    story.heard("p:calm")
    for pause, told in (
        (events.PauseCamera(), "the camera is paused"),
        (events.TakeBreak(), "you are taking a break"),
    ):
        story.send(pause)
        decision = story.controller.snapshot.decision
        assert decision is not None
        assert decision.reason == told


def test_the_player_is_read_for_who_looks_at_what_plays() -> None:
    """The latest reading of a player that others command as well may be a minute old."""
    story = happy_music()
    story.pass_time(30)
    before = len(story.all(effects.ReadPlayer))

    def looked() -> int:
        story.send(events.Looked())
        return len(story.all(effects.ReadPlayer)) - before

    assert looked() == 1
    assert looked() == 1, "a second look at once costs nothing"
    story.pass_time(6)
    assert looked() == 2
    story.pass_time(6)
    story.heard("p:happy")
    assert looked() == 2, "it was read just now"


def test_a_player_of_ours_alone_is_known_without_reading() -> None:
    story = happy_music()
    playback = story.controller.snapshot.playback
    assert playback is not None
    ours = replace(playback, ours_alone=True)
    story.send(events.PlaybackChanged(ours, Happening.NOTHING))
    story.pass_time(30)
    before = len(story.all(effects.ReadPlayer))
    story.send(events.Looked())
    assert len(story.all(effects.ReadPlayer)) == before


def lost_music(story: Story) -> None:
    """The folder of the happy music that plays is moved away."""
    story.send(events.PlayerFailed(PlaylistGone("There is no folder."), Playlist("p:happy", "H")))
    story.music(Happening.CONTEXT_ENDED, PlayState.STOPPED, None)


def test_music_that_is_gone_is_told_and_other_music_follows_at_once() -> None:
    """Two minutes of silence went by: 'the music was changed a moment ago'."""
    story = happy_music()
    others = (Playlist("p:happy", "H"), Playlist("p:more", "More"))
    story.send(events.PlayerChanged("test player", {MoodState.HAPPY: others}))
    story.heard("p:happy")
    lost_music(story)
    assert "There is no folder." in [
        effect.notification.body for effect in story.all(effects.Notify)
    ]
    assert story.uris[-1] == "p:more"
    assert story.all(effects.AwaitPlaylist) == [effects.AwaitPlaylist(others[0])]


def test_music_that_is_gone_is_why_it_is_silent_where_the_music_is_left_alone() -> None:
    story = happy_music()
    story.send(events.PlayerChanged("test", {MoodState.HAPPY: (Playlist("p:happy", "H"),)}))
    story.heard("p:happy")
    story.send(events.UndoSwitch())
    story.started()
    story.send(events.PlayForMood())
    story.started()
    story.heard("p:happy")
    lost_music(story)
    assert "There is no folder." in why_text(story.controller.snapshot)
    story.send(events.PlaylistBack(Playlist("p:happy", "H")))
    assert "There is no folder." not in why_text(story.controller.snapshot)


def folder_taken_away() -> tuple[Story, dict[MoodState, tuple[Playlist, ...]]]:
    """The only folder for sad was not found at a wish, and is adopted no more; what was set."""
    story, sad = Story(NOW), Playlist("p:sad", "Sad")
    only: dict[MoodState, tuple[Playlist, ...]] = {MoodState.SAD: (sad,)}
    story.send(events.PlayerChanged("test player", only))
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.SetMood(MoodState.SAD))
    story.send(events.PlayForMood())
    story.send(events.PlayerFailed(PlaylistGone("There is no folder."), sad))
    story.send(events.PlayerChanged("test player", {}))
    return story, only


def test_a_folder_that_was_taken_away_and_put_back_is_tried_anew() -> None:
    """It lay there, and 'cannot be found or played just now' was told for an hour."""
    story, only = folder_taken_away()
    story.send(events.PlayerChanged("test player", only))
    before = len(story.uris)
    story.send(events.PlayForMood())
    assert story.uris[before:] == ["p:sad"]


def test_a_denied_mood_is_not_led_back_to_other_music_for_it() -> None:
    """'Back to Sad' was told to somebody who had just said that they do not feel sad."""
    story = Story(NOW)
    two = (Playlist("p:sad", "Sad"), Playlist("p:blues", "Blues"))
    story.send(events.PlayerChanged("test player", {MoodState.SAD: two}))
    story.music()
    story.look("sad", 15)
    story.started()
    story.heard("p:sad")
    story.send(events.NextPlaylist())
    story.started()
    story.heard("p:blues")
    before = len(story.uris)
    story.send(events.NotMyMood())
    assert story.uris[before:] == []
    assert "Back to" not in story.answer.title
    assert story.controller.snapshot.left_alone_until is None


def test_an_undo_that_failed_for_a_missing_folder_may_be_tried_again() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.UndoSwitch())
    back = story.all(effects.Play)[-1].playlist
    story.send(events.PlayerFailed(PlaylistGone("There is no folder."), back))
    assert story.answer.title == "The change was not taken back"
    before = len(story.uris)
    story.send(events.UndoSwitch())
    assert len(story.uris) == before + 1, "it was put back meanwhile"
