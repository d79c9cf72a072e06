"""What was said holds until it ends, its end is told, and nothing is said that is not so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from agent import effects, events
from agent.core.music import READ_PATIENCE
from agent.core.person import Person
from agent.errors import (
    CameraBusy,
    NeedsLogin,
    NoDevice,
    Offline,
    PlayerError,
    PlaylistGone,
    RateLimited,
    ServiceDown,
    WhichDevice,
)
from agent.players.local import NAME
from agent.settings import PolicySettings, ResponseSettings, Settings
from agent.store import catalogues
from agent.timing import PLAY_AT_WORST, WISH_LIFE, WISH_TRIES, tomorrow
from agent.translation import _
from agent.types import (
    EMOTIONS,
    CameraState,
    Chooser,
    Command,
    Happening,
    Mood,
    MoodState,
    NotificationKind,
    Observation,
    Playlist,
    PlayState,
)
from agent.web.status_text import why_text
from agent.wording import SCREEN_SHARED, camera_line, follow_line, mood_line, music_line, why_lines
from tests.core.test_controller import NOW, PLAYLISTS
from tests.core.test_wishes import Story, folder_taken_away, happy_music

ONE_EACH = {MoodState(name): (Playlist(f"p:{name}", name.title()),) for name in EMOTIONS}


def undone() -> Story:
    """Happy music was changed to neutral music, and that was taken back."""
    story = Story(NOW)
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.music()
    story.look("happy", 15)
    story.started()
    story.pass_time(130)  # the cool-down
    story.heard("p:happy")
    story.look("neutral", 60)
    story.started()
    story.heard("p:neutral")
    assert story.uris == ["p:happy", "p:neutral"]
    story.send(events.UndoSwitch())
    story.started()
    story.heard("p:happy")
    return story


# --- an Undo that fails, and a word that holds ---------------------------------------------------


def test_an_undo_that_fails_is_nowhere_told_as_done() -> None:
    """The history counted it, and the reason said 'you took back a change'."""
    story = undone_in_vain()
    assert story.answer.title == "The change was not taken back"
    assert "What you said of your mood holds no more." in story.answer.body, "it ends all the same"
    assert not [kept for kept in story.all(effects.RecordFeedback) if kept.kind == "undo"]
    told = "\n".join(why_lines(story.controller.snapshot))
    assert "you took back" not in told
    assert "Now: you wanted a change taken back, which failed" in told


def test_what_is_resumed_after_an_undo_is_not_what_was_said_before_it() -> None:
    """'Resume' took back a word as well that the Undo had left alone."""
    story = undone()
    undo = story.answer
    assert "leaves the music alone until" in undo.body
    story.send(events.SetMood(MoodState.SAD))
    story.press(undo, "Resume")
    snapshot = story.controller.snapshot
    assert (snapshot.mood.state, snapshot.mood.by_hand) == (MoodState.SAD, True)
    assert snapshot.left_alone_until is None
    assert story.answer.title == "The music may change again"
    assert story.answer.body.startswith("You said you feel sad")


def undone_in_vain() -> Story:
    """What played before the change, which a word had brought, is gone."""
    story = Story(NOW)
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.music()
    story.send(events.SetMood(MoodState.HAPPY, 30.0))
    story.started()
    story.heard("p:happy")
    story.send(events.UndoSwitch())
    back = story.all(effects.Play)[-1].playlist
    story.send(events.PlayerFailed(PlaylistGone("It is gone."), back))
    return story


def test_an_undo_is_noted_once_it_is_heard() -> None:
    assert [kept.kind for kept in undone().all(effects.RecordFeedback)] == ["undo"]


def test_who_allows_the_camera_is_told_that_a_word_holds() -> None:
    story = Story(NOW)
    story.send(events.ConsentWithdrawn())
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.music()
    story.send(events.SetMood(MoodState.SAD, 30.0))
    story.started()
    story.heard("p:sad")
    story.send(events.ConsentGiven())
    until = f"{story.controller.snapshot.mood_until:%H:%M}"
    assert story.answer.title == "The camera is allowed"
    assert f"You said you feel sad. The music goes by that until {until}." in story.answer.body
    assert "When your mood is clear" not in story.answer.body


@pytest.mark.parametrize("shared", [True, False])
def test_what_was_chosen_in_the_app_just_before_a_rest_goes_on_after_it(shared: bool) -> None:
    """The first reading after our pause shows the user's new music, paused: by us."""
    story = happy_music()
    story.heard("p:happy")
    rest = events.SessionChanged(SCREEN_SHARED) if shared else events.TakeBreak()
    story.send(rest)
    story.music(
        Happening.USER_CHOSE, PlayState.PAUSED, "y", chosen_by=Chooser.USER, paused_by_hand=True
    )
    assert "you paused the music" not in "\n".join(why_lines(story.controller.snapshot))
    assert not story.all(effects.ResumeMusic)
    story.send(events.SessionChanged(None) if shared else events.ResumeCamera())
    assert len(story.all(effects.ResumeMusic)) == 1


@pytest.mark.parametrize("rest", [events.TakeBreak(), events.PauseMusic()])
@pytest.mark.parametrize("then", ["happy", "nobody"])
def test_a_journey_that_is_wished_at_rest_begins_when_the_music_goes_on(
    rest: events.Event, then: str
) -> None:
    story = happy_music()
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.heard("p:happy")
    story.send(rest)
    story.music(Happening.ECHO, PlayState.PAUSED, "p:happy", paused_by_hand=True)
    story.send(events.BeginJourney(MoodState.HAPPY, MoodState.SAD))
    story.send(events.ResumeCamera() if rest == events.TakeBreak() else events.ResumeMusic())
    if then == "happy":
        story.look("happy", 15)
    story.music(Happening.ECHO, context="p:happy", chosen_by=Chooser.AGENT)
    assert story.uris[-1] == "p:sad"
    assert story.controller.snapshot.journey is not None


def test_a_song_that_only_ends_is_none_of_the_step_that_follows_it() -> None:
    """With one song a step, the middle step was never heard."""
    one_song = ResponseSettings(sad="lift", tracks=1)
    story = Story(NOW.model_copy(update={"response": one_song, "policy": PolicySettings()}))
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.music()
    story.look("sad", 30)
    heard: list[str] = []
    for _time in range(4):
        story.music(Happening.TRACK_ENDED, context=story.uris[-1] if story.uris else "x")
        story.pass_time(130)
        if story.uris[len(heard) :]:
            story.started()
            heard = story.uris
            story.heard(heard[-1])
    assert heard == ["p:sad", "p:neutral", "p:happy"]


def test_who_has_no_journey_is_not_told_what_the_music_goes_by() -> None:
    story = undone()
    story.send(events.EndJourney())
    assert story.answer.title == "There is no journey to end"
    assert story.answer.body == "So nothing changes."


def test_a_word_on_a_journey_is_answered_with_the_journey() -> None:
    """'The music goes by that until 18:43' was told, and another mood's music came in a while."""
    story = Story(NOW)
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.music()
    story.send(events.SetMood(MoodState.SAD, 30.0))
    story.started()
    assert story.answer.body.startswith("You said you feel sad. The music goes by that until")
    story.heard("p:sad")
    story.send(events.BeginJourney(MoodState.HAPPY))
    story.send(events.SetMood(MoodState.ANGRY, 30.0))
    story.started()
    led = "he music leads from angry to happy, step 1 of 3"
    assert led in story.answer.body
    assert "goes by that" not in story.answer.body
    story.heard("p:angry")
    story.send(events.SetMood(MoodState.ANGRY, 30.0))
    assert led in story.answer.body
    assert story.answer.body.startswith("That holds until")


def test_a_journey_whose_step_has_no_music_says_so() -> None:
    """'Play for my mood' begins it, it said, and that begins nothing."""
    story = Story(NOW)
    some = {MoodState.HAPPY: ONE_EACH[MoodState.HAPPY], MoodState.ANGRY: ONE_EACH[MoodState.ANGRY]}
    story.send(events.PlayerChanged("test player", some))
    for state in (PlayState.PLAYING, PlayState.PAUSED):
        story.music(state=state, context="p:angry", paused_by_hand=state is PlayState.PAUSED)
        story.send(events.BeginJourney(MoodState.HAPPY, MoodState.SAD))
        assert story.answer.body.startswith("No playlist is set for sad. So this step changes")
        assert "begins it" not in story.answer.body
        assert story.answer.buttons[0][0] == "Music for my moods"


def test_a_journey_begins_at_the_mood_that_the_first_looks_point_to() -> None:
    story = Story(Settings())
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.music()
    story.look("sad", 2)
    assert not story.controller.snapshot.mood.state.is_emotion
    story.send(events.PlayForMood())
    assert story.uris == ["p:sad"]
    story.started()
    story.heard("p:sad")
    story.send(events.BeginJourney(MoodState.HAPPY))
    assert story.controller.snapshot.journey is not None
    assert story.controller.snapshot.journey.start is MoodState.SAD


def test_music_of_another_player_ends_the_rest_that_it_was_never_in() -> None:
    """'No music plays. You are taking a break.' was told while it played."""
    story = happy_music()
    story.send(events.PlayForMood())
    story.send(events.TakeBreak())
    story.send(events.PlayerChanged("other", ONE_EACH))
    story.music(context="y")
    story.send(events.SetMood(MoodState.SAD, 30.0))
    assert "No music plays" not in story.answer.body


def test_a_word_is_answered_by_what_is_so_where_the_music_had_just_been_paused() -> None:
    """The player's worker looks first, and gives the change up."""
    story = happy_music()
    story.heard("p:happy")
    story.send(events.SetMood(MoodState.SAD, 30.0))
    play = story.all(effects.Play)[-1]
    assert (play.asked, play.over_pause) == (True, False)
    story.music(Happening.PAUSED, PlayState.PAUSED, "p:happy", paused_by_hand=True)
    story.send(events.PlayDropped(play.playlist))
    assert story.answer.title == "You said you feel sad"
    assert "No music plays: 'Play for my mood' begins it." in story.answer.body
    assert len([uri for uri in story.uris if uri.startswith("p:sad")]) == 1
    story.send(events.PlayForMood())
    assert story.all(effects.Play)[-1].over_pause


def test_a_word_in_silence_names_no_music_that_there_is_not() -> None:
    story = Story(NOW)
    story.send(events.PlayerChanged("test player", {MoodState.HAPPY: ONE_EACH[MoodState.HAPPY]}))
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.SetMood(MoodState.SAD, 30.0))
    assert "No playlist is set for sad. Set some under 'Music for my moods'." in story.answer.body
    assert [label for label, _ in story.answer.buttons] == [
        "Music for my moods",
        "Take back what I said",
    ]


def test_a_camera_that_could_not_be_used_is_not_said_to_come_back() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.CameraChanged(CameraState.BUSY, CameraBusy("busy")))
    story.send(events.TakeBreak())
    assert "Both come back" not in story.answer.body
    assert "The camera could not be used; it is tried again then." in story.answer.body
    story.send(events.CameraChanged(CameraState.OFF))
    story.send(events.ResumeCamera())
    assert story.answer.body.startswith("Moodtray tries the camera again")
    story.send(events.PauseCamera(story.clock.now() + timedelta(minutes=15)))
    assert "comes back" not in story.answer.body
    assert "it is tried again then" in story.answer.body
    story.send(events.PauseCamera())
    assert "'Resume camera' to try it again" in story.answer.body
    story.send(events.ResumeCamera())
    story.send(events.CameraChanged(CameraState.ON))
    story.send(events.TakeBreak())
    story.send(events.CameraChanged(CameraState.OFF))
    story.send(events.ResumeCamera())
    assert story.answer.body.startswith("Moodtray switches the camera on again.")


def test_no_silence_is_promised_where_music_may_begin_by_itself() -> None:
    by_itself = Settings(policy=PolicySettings(start_when_silent=True))
    story = Story(by_itself)
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.ConsentWithdrawn())
    story.send(events.ConsentGiven())
    assert "Silence is normal" not in story.answer.body
    assert "music may begin by itself" in story.answer.body
    story.send(events.TakeBreak())
    assert "after the break Moodtray may begin some by itself" in story.answer.body


# --- left alone ----------------------------------------------------------------------------------


def test_until_when_the_music_is_left_alone_is_seen_and_told() -> None:
    story = undone()
    snapshot = story.controller.snapshot
    until = f"{snapshot.left_alone_until:%H:%M}"
    assert music_line(snapshot) == f"♪ X, left alone until {until}"
    assert why_lines(snapshot)[-1] == f"Moodtray leaves the music alone until {until}"


def test_after_an_undo_the_reason_of_what_plays_is_still_told() -> None:
    told = why_lines(undone().controller.snapshot)[0]
    assert told == "X: you took back a change; this music had come before that: you looked happy"


@pytest.mark.parametrize("taken_back", [True, False])
def test_music_that_the_user_chose_since_is_not_explained_by_what_came_before(
    taken_back: bool,
) -> None:
    story = undone() if taken_back else happy_music()
    story.heard("p:happy")
    story.music(Happening.USER_CHOSE, context="p:other", chosen_by=Chooser.USER)
    snapshot = story.controller.snapshot
    why = why_lines(snapshot)
    assert why[0] == "X: you chose this music yourself"
    assert not any("you took back" in line or "happy" in line for line in why)
    assert snapshot.decision is not None
    assert snapshot.decision.reason == "you chose this music yourself"
    assert snapshot.undo_to is None


def test_the_reason_is_the_same_after_a_second_undo() -> None:
    story = undone()
    first = why_lines(story.controller.snapshot)[0]
    story.send(events.FollowFace())
    story.send(events.NextPlaylist())
    story.started()
    story.heard("p:neutral")
    story.send(events.UndoSwitch())
    story.started()
    assert why_lines(story.controller.snapshot)[0] == first


@pytest.mark.parametrize("wish", [events.NextPlaylist(), events.PlayForMood()])
def test_a_wish_for_music_does_not_end_what_was_promised(wish: events.Event) -> None:
    story = happy_music()
    story.send(events.UndoSwitch())
    story.started()
    until = story.controller.snapshot.left_alone_until
    assert until is not None
    story.heard("x")
    story.send(wish)
    story.started()
    assert story.controller.snapshot.left_alone_until == until
    story.heard("p:happy")
    story.look("happy", 1)
    assert "Now: you took back a change before that." in why_text(story.controller.snapshot)
    assert f"Moodtray leaves the music alone until {until:%H:%M}." in story.answer.body
    story.pass_time(130)
    before = len(story.uris)
    story.look("sad", 60)
    assert len(story.uris) == before
    story.press(story.answer, "Resume")
    assert story.controller.snapshot.left_alone_until is None


def test_a_word_on_the_mood_ends_it_while_the_music_is_paused_too() -> None:
    story = undone()
    story.music(
        state=PlayState.PAUSED, context="p:happy", chosen_by=Chooser.AGENT, paused_by_hand=True
    )
    story.send(events.SetMood(MoodState.SAD))
    assert "The music goes by that until" in story.answer.body
    assert story.controller.snapshot.left_alone_until is None
    story.heard("p:happy")
    story.pass_time(130)
    decision = story.controller.snapshot.decision
    assert decision is not None
    assert decision.playlist is not None, "it follows the word once it plays again"
    assert decision.playlist.uri == "p:sad"


def test_after_a_deletion_it_goes_on_without_the_mood_that_was_denied() -> None:
    story = happy_music()
    story.send(events.NotMyMood(MoodState.HAPPY))
    story.started()
    story.heard("x")
    assert "happy" in str(story.controller.snapshot.decision)
    until = story.controller.snapshot.left_alone_until
    assert until is not None
    story.send(events.ForgetEverything())
    decision = story.controller.snapshot.decision
    assert decision is not None
    assert decision.reason == "you took back a change"
    assert story.controller.snapshot.left_alone_until == until


def test_a_journey_that_is_wished_leads_on_after_an_undo() -> None:
    story = undone()
    story.send(events.BeginJourney(MoodState.HAPPY, MoodState.SAD))
    story.started()
    assert story.uris[-1] == "p:sad"
    assert "left alone" not in story.answer.body
    assert "leaves the music alone" not in story.answer.body
    assert story.controller.snapshot.left_alone_until is None


def test_an_undo_of_another_playlist_for_the_told_mood_leaves_the_word_in_force() -> None:
    story = Story(NOW)
    two = (Playlist("p:one", "One"), Playlist("p:two", "Two"))
    story.send(events.PlayerChanged("test player", {**ONE_EACH, MoodState.SAD: two}))
    story.heard("x")
    story.send(events.SetMood(MoodState.SAD))
    story.started()
    first = story.uris[-1]
    story.heard(first)
    story.send(events.NextPlaylist())
    story.started()
    story.heard(story.uris[-1])
    story.send(events.UndoSwitch())
    story.started()
    assert story.uris[-1] == first
    assert story.controller.snapshot.mood.by_hand, "the change was for this word as well"
    assert story.controller.snapshot.mood.state is MoodState.SAD


def test_a_word_on_the_mood_in_a_break_promises_no_music() -> None:
    story = happy_music()
    story.send(events.TakeBreak(story.clock.now() + timedelta(hours=1)))
    story.music(state=PlayState.PAUSED, context="p:happy", chosen_by=Chooser.AGENT)
    story.send(events.SetMood(MoodState.SAD))
    assert story.answer.title == "You said you feel sad"
    assert story.answer.body == "That holds until 09:30. No music plays: you are taking a break."
    assert [label for label, _ in story.answer.buttons] == ["Play now", "Take back what I said"]


# --- how long the camera is off ------------------------------------------------------------------


def camera(story: Story) -> str:
    return camera_line(story.controller.snapshot, story.clock.now())


@pytest.mark.parametrize("wish", [events.NextTrack(), events.UndoSwitch(), None])
@pytest.mark.parametrize("rest", [events.TakeBreak(), events.SessionChanged(SCREEN_SHARED)])
def test_a_word_said_while_music_plays_that_had_rested_is_followed(
    rest: events.Event, wish: events.Event | None
) -> None:
    """In a break, or with a shared screen, the user wants music: here, or in the player itself."""
    story = undone()
    story.send(events.FollowFace())
    story.send(events.NextPlaylist())
    story.started()
    story.heard("p:neutral")
    assert effects.PauseMusic() in story.send(rest)
    story.heard("p:neutral")  # the pause has not come
    assert story.controller.snapshot.music_rests is not None
    story.music(Happening.ECHO, PlayState.PAUSED, "p:neutral")
    if wish is not None:
        story.send(wish)
    story.music(Happening.RESUMED if wish is None else Happening.ECHO, context="p:happy")
    assert story.controller.snapshot.music_rests is None
    assert not story.controller.snapshot.on_break
    if isinstance(wish, events.UndoSwitch):
        story.started()
    story.send(events.SetMood(MoodState.SAD))
    assert story.uris[-1] == "p:sad"
    story.started()
    assert "The music goes by that until" in story.answer.body


@pytest.mark.parametrize(
    ("rest", "end"),
    [
        (events.TakeBreak(), events.ResumeCamera()),
        (events.SessionChanged(SCREEN_SHARED), events.SessionChanged(None)),
    ],
)
def test_a_change_that_is_taken_back_into_silence_at_rest_does_not_come_back(
    rest: events.Event, end: events.Event
) -> None:
    story = Story(NOW)
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.PlayForMood())
    story.pass_time(6.0)
    story.started()
    story.send(rest)
    story.music(Happening.ECHO, PlayState.PAUSED, story.uris[-1])
    story.send(events.UndoSwitch())
    assert story.answer.title == "Back to silence"
    assert effects.ResumeMusic() not in story.send(end)
    assert "The music goes on." not in story.answer.body


def test_a_name_is_told_as_it_is_written() -> None:
    story = Story(NOW)
    story.send(
        events.PlayerChanged("test player", {MoodState.SAD: (Playlist("p:s", "lowercase"),)})
    )
    story.music()
    story.send(events.SetMood(MoodState.SAD))
    story.started()
    assert why_text(story.controller.snapshot).startswith("lowercase: you said you feel sad.")


def test_a_journey_that_is_wished_before_the_pause_of_a_break_has_come_ends_the_rest() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.TakeBreak())
    story.send(events.BeginJourney(MoodState.NEUTRAL, MoodState.SAD))
    assert story.uris[-1] == "p:sad"
    story.started()
    snapshot = story.controller.snapshot
    assert (snapshot.music_rests, snapshot.on_break) == (None, False)


@pytest.mark.parametrize("rest", [events.TakeBreak(), events.SessionChanged(SCREEN_SHARED)])
def test_silence_that_was_there_before_a_rest_is_not_put_on_it(rest: events.Event) -> None:
    story = Story(NOW)
    story.music(state=PlayState.STOPPED, context=None)
    story.send(rest)
    only = "nothing plays, and Moodtray starts music only when asked"
    assert why_lines(story.controller.snapshot)[-1] == f"Now: {only}"
    story.send(events.SetMood(MoodState.SAD))
    assert story.answer.body.endswith("No music plays: 'Play for my mood' begins it.")
    eager = PolicySettings(timing="now", start_when_silent=True)
    story.send(events.SettingsChanged(Settings(policy=eager)))
    assert story.uris == []
    assert "starts music only" not in why_lines(story.controller.snapshot)[-1]


@pytest.mark.parametrize(
    "pause", [events.PauseMusic(), events.TakeBreak(), events.SessionChanged(SCREEN_SHARED)]
)
def test_music_that_was_paused_goes_on_by_the_word_that_was_said_meanwhile(
    pause: events.Event,
) -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(pause)
    story.music(Happening.ECHO, PlayState.PAUSED, "p:happy", paused_by_hand=True)
    story.send(events.SetMood(MoodState.SAD))
    assert story.uris == ["p:happy"]
    assert effects.ResumeMusic() in story.send(events.ResumeMusic())
    story.heard("p:happy")
    assert story.uris[-1] == "p:sad"


@pytest.mark.parametrize("wish", [events.NextPlaylist(), events.PlayForMood()])
@pytest.mark.parametrize(
    ("rest", "end"),
    [
        (events.TakeBreak(), events.ResumeCamera()),
        (events.SessionChanged(SCREEN_SHARED), events.SessionChanged(None)),
    ],
)
def test_a_wish_that_brings_no_music_leaves_a_rest_as_it_was(
    wish: events.Event, rest: events.Event, end: events.Event
) -> None:
    story = happy_music()
    story.send(events.PlayerChanged("test player", {MoodState.HAPPY: (Playlist("p:happy", "H"),)}))
    story.heard("p:happy")
    story.send(rest)
    story.music(Happening.ECHO, PlayState.PAUSED, "p:happy", paused_by_hand=True)
    if isinstance(wish, events.PlayForMood):
        story.send(events.PlayerChanged("test player", {}))
    story.send(wish)
    snapshot = story.controller.snapshot
    assert snapshot.music_rests is not None
    assert snapshot.on_break == isinstance(rest, events.TakeBreak)
    assert not any("you paused" in line for line in why_lines(snapshot))
    assert effects.ResumeMusic() in story.send(end)


def test_in_the_next_call_the_music_rests_again() -> None:
    story = happy_music()
    story.heard("p:happy")
    for _call in range(2):
        assert effects.PauseMusic() in story.send(events.SessionChanged(SCREEN_SHARED))
        story.music(Happening.ECHO, PlayState.PAUSED, "p:happy")
        story.send(events.ResumeMusic())
        story.heard("p:happy")
        assert story.controller.snapshot.music_rests is None
        story.send(events.SessionChanged(None))


def test_a_break_until_the_user_is_back_is_told_of_the_camera_as_well() -> None:
    story = happy_music()
    story.send(events.TakeBreak(None, until_back=True))
    assert camera(story) == "paused until you are back"


def test_a_break_in_a_longer_pause_of_the_camera_tells_both_ends() -> None:
    story = happy_music()
    now = story.clock.now()
    hour, quarter = now + timedelta(hours=1), now + timedelta(minutes=15)
    story.send(events.PauseCamera(hour))
    story.send(events.TakeBreak(quarter))
    told = f"paused until {quarter:%H:%M}, the camera alone until {hour:%H:%M}"
    assert camera(story) == told
    story.send(events.TakeBreak(hour + timedelta(hours=1)))
    assert camera(story) == f"paused until {hour + timedelta(hours=1):%H:%M}"
    story.send(events.TakeBreak(None, until_back=True))
    assert camera(story) == f"paused until you are back, the camera alone until {hour:%H:%M}"
    story.pass_time(3700)
    assert camera(story) == "paused until you are back"


def test_the_next_playlist_is_not_the_one_that_was_taken_back() -> None:
    story = undone()
    story.send(events.NextPlaylist())
    assert story.uris[-1] != "p:neutral"
    assert story.answer.title == "No other music for neutral"
    assert "the one that you have just taken back" in story.answer.body
    story.send(events.FollowFace())
    story.send(events.NextPlaylist())
    assert story.uris[-1] == "p:neutral", "later it is like any other"


def test_music_that_rests_is_not_said_to_play_on() -> None:
    story = undone()
    story.music(state=PlayState.PAUSED, context="p:neutral")  # as after an Undo into silence
    story.send(events.NextPlaylist())
    assert story.answer.title == "No other music for neutral"
    assert story.answer.body.startswith("The only playlist for neutral is the one that you have ")


# --- the history ---------------------------------------------------------------------------------


def noted(story: Story) -> list[MoodState]:
    """The moods as the history gets them, one after the other; AWAY: none is read or said."""
    moods: list[MoodState] = []
    for effect in story.effects:
        if isinstance(effect, effects.Record) and isinstance(effect.item, Mood):
            moods.append(effect.item.state)
        elif isinstance(effect, effects.RecordWatch):
            moods.append(MoodState.AWAY if effect.mood is None else effect.mood.state)
    return moods


def test_no_mood_lasts_on_in_the_history_while_nobody_looks() -> None:
    story = Story(NOW)
    story.look("happy", 15)
    assert noted(story) == [MoodState.UNSURE, MoodState.HAPPY]
    story.send(events.TakeBreak(story.clock.now() + timedelta(hours=1)))
    assert noted(story)[-1] is MoodState.AWAY
    story.pass_time(3000)
    assert noted(story)[-1] is MoodState.AWAY
    story.send(events.ResumeCamera())
    assert noted(story)[-1] is MoodState.UNSURE, "it is looked again"
    story.look("happy", 15)
    assert noted(story)[-1] is MoodState.HAPPY


def test_the_end_of_the_program_ends_the_mood_in_the_history() -> None:
    story = Story(NOW)
    story.look("happy", 15)
    last = story.send(events.Quit())
    assert last[-2:] == [effects.RecordWatch(None), effects.Shutdown()]


def test_what_was_said_lasts_on_while_nobody_looks_until_its_time_is_over() -> None:
    story = Story(NOW)
    story.look("happy", 15)
    story.send(events.SetMood(MoodState.SAD))
    story.send(events.TakeBreak(story.clock.now() + timedelta(hours=2)))
    assert noted(story)[-1] is MoodState.SAD
    story.pass_time(31 * 60)
    assert noted(story)[-1] is MoodState.AWAY


def test_the_mood_of_now_is_noted_again_when_its_entry_is_deleted() -> None:
    """Else the history would show nothing until the mood changes, in hours perhaps."""
    story = Story(NOW)
    story.look("happy", 15)
    before = len(noted(story))
    now = story.clock.now().timestamp()
    story.send(events.HistoryDeleted(now - 7200, now - 3600))
    assert noted(story)[before:] == [], "its entry is there still"
    story.send(events.HistoryDeleted(now - 3600, now + 1))
    assert noted(story)[before:] == [MoodState.HAPPY]
    story.send(events.TakeBreak())
    before = len(noted(story))
    story.send(events.HistoryDeleted(now - 3600, now + 1))
    assert noted(story)[before:] == [], "nobody looks"


def test_a_change_of_a_deleted_time_is_told_no_more() -> None:
    """The page went on telling when the music was changed, and why, of an hour that was deleted."""
    story = happy_music()
    change = story.controller.snapshot.change
    assert change is not None
    now = story.clock.now().timestamp()
    story.send(events.HistoryDeleted(now - 7200, now - 3600))
    assert story.controller.snapshot.change == change
    story.send(events.HistoryDeleted(now - 3600, now + 1))
    snapshot = story.controller.snapshot
    assert (snapshot.change, snapshot.undo_to) == (None, None)


def test_a_program_that_saw_nothing_notes_nothing() -> None:
    story = Story(NOW)
    story.send(events.TakeBreak(None))
    story.send(events.Quit())
    assert noted(story) == []


# --- breaks --------------------------------------------------------------------------------------


def test_a_break_says_how_it_ends_and_tells_that_it_is_over() -> None:
    story = happy_music()
    until = story.clock.now() + timedelta(minutes=15)
    story.send(events.TakeBreak(until))
    assert "Both come back by themselves then, or when you click 'I am back'" in story.answer.body
    story.music(state=PlayState.PAUSED)
    story.pass_time(16 * 60)
    told = [each.notification for each in story.all(effects.Notify)][-1]
    assert (told.title, told.body) == (
        "The break is over",
        "Moodtray switches the camera on again. The music goes on.",
    )
    assert not told.asked, "nobody waits for it"


@pytest.mark.parametrize("pause", [events.TakeBreak, events.PauseCamera])
def test_an_end_on_another_day_is_told_with_that_day(
    pause: type[events.TakeBreak] | type[events.PauseCamera],
) -> None:
    """In the small hours "until 06:00" was read as this very morning."""
    story = happy_music()
    end = tomorrow(story.clock.now())
    assert end.date() != story.clock.now().date()
    story.send(pause(end))
    day = f"{end:%a} {end.day}, 06:00"
    assert story.answer.title.endswith(f"until {day}")
    assert mood_line(story.controller.snapshot).endswith(f"until {day}")


@pytest.mark.parametrize("until_back", [False, True])
def test_a_break_promises_no_music_where_none_was_on(until_back: bool) -> None:
    story = happy_music()
    story.music(state=PlayState.PAUSED, paused_by_hand=True)
    until = None if until_back else story.clock.now() + timedelta(minutes=15)
    story.send(events.TakeBreak(until, until_back))
    assert "Both come back" not in story.answer.body
    assert "The break ends" in story.answer.body
    assert story.answer.body.endswith("No music plays now, so none goes on then.")


def test_a_longer_break_still_promises_the_music_of_before() -> None:
    story = happy_music()
    story.send(events.TakeBreak(story.clock.now() + timedelta(minutes=15)))
    story.music(state=PlayState.PAUSED)
    story.send(events.TakeBreak(story.clock.now() + timedelta(hours=1)))
    assert "Both come back by themselves then" in story.answer.body


@pytest.mark.parametrize("until_back", [False, True])
@pytest.mark.parametrize("minutes", [None, 60, 10], ids=str)
def test_a_break_promises_no_camera_that_stays_paused(
    minutes: int | None, until_back: bool
) -> None:
    story = happy_music()
    now = story.clock.now()
    alone = None if minutes is None else now + timedelta(minutes=minutes)
    story.send(events.PauseCamera(alone))
    story.send(events.TakeBreak(None if until_back else now + timedelta(minutes=15), until_back))
    assert "Both come back" not in story.answer.body
    stays = "The camera stays off then, as it was."
    if alone is not None:
        stays = f"The camera stays paused until {alone:%H:%M}, also if you are back sooner."
    assert story.answer.body.endswith(stays)
    story.send(events.ResumeCamera())
    assert not story.controller.snapshot.sight.is_open, "as was told"


def test_a_break_promises_the_camera_whose_own_pause_is_over() -> None:
    story = happy_music()
    story.send(events.PauseCamera(story.clock.now() + timedelta(minutes=10)))
    story.send(events.TakeBreak(until_back=True))
    story.pass_time(11 * 60)
    story.send(events.TakeBreak(until_back=True))
    assert "The camera" not in story.answer.body


@pytest.mark.parametrize("taken_back", [False, True])
def test_a_word_said_in_a_break_is_acted_on_as_soon_as_the_music_goes_on(taken_back: bool) -> None:
    """It waited for the end of the cool-down, and then of the track."""
    story = happy_music()
    story.heard("p:happy")
    story.send(events.NextPlaylist())
    story.started()
    story.send(events.TakeBreak())
    story.music(state=PlayState.PAUSED, context="p:happy", chosen_by=Chooser.AGENT)
    story.send(events.SetMood(MoodState.SAD))
    if taken_back:
        story.send(events.FollowFace())
    story.send(events.ResumeCamera())
    plays = len(story.uris)
    assert story.all(effects.ResumeMusic)
    story.heard("p:happy")
    assert story.uris[plays:] == ([] if taken_back else ["p:sad"])
    if not taken_back:
        story.started()
        assert story.answer.body.startswith("You said you feel sad. The music goes by that until")


def test_an_undo_after_which_nothing_is_left_alone_promises_no_such_thing() -> None:
    policy = NOW.policy.model_copy(update={"hands_off_minutes": 0.0})
    story = happy_music(NOW.model_copy(update={"policy": policy}))
    story.send(events.SetMood(MoodState.SAD))
    story.started()
    story.send(events.UndoSwitch())
    story.started()
    assert story.controller.snapshot.left_alone_until is None
    assert story.answer.title.startswith("Back to")
    assert "alone" not in story.answer.body
    assert story.answer.buttons == ()


def test_a_pause_of_the_camera_within_a_break_says_that_the_music_goes_on() -> None:
    story = happy_music()
    story.send(events.TakeBreak())
    story.music(state=PlayState.PAUSED)
    story.send(events.PauseCamera())
    assert story.all(effects.ResumeMusic)
    assert story.answer.body.endswith("The break is over for the music, which goes on.")
    story.send(events.PauseCamera())
    assert story.answer.body.endswith("The music is not touched meanwhile.")


def test_a_yes_to_the_camera_claims_no_look_while_the_computer_is_untouched() -> None:
    story = Story(NOW, consent=False)
    story.send(events.SessionChanged("nobody uses the computer"))
    story.send(events.ConsentGiven())
    assert story.answer.title == "The camera is allowed"
    assert story.answer.body.startswith(
        "Moodtray does not look yet: the camera rests, since nobody uses the computer. Silence is "
    )


def test_going_by_the_face_claims_no_end_of_what_was_not_said() -> None:
    story = happy_music()
    story.send(events.PauseCamera())
    story.send(events.FollowFace())
    assert story.answer.title == "Nothing that you said or took back was in force"
    story.send(events.SetMood(MoodState.SAD))
    story.send(events.FollowFace())
    assert story.answer.title == "What you said or took back holds no more"


def test_coming_back_is_confirmed_and_says_what_goes_on() -> None:
    story = Story(NOW, consent=False)
    story.music()
    story.send(events.TakeBreak(until_back=True))
    assert mood_line(story.controller.snapshot) == "Taking a break until you are back"
    story.music(state=PlayState.PAUSED)
    story.send(events.ResumeCamera())
    assert story.all(effects.ResumeMusic)
    assert (story.answer.title, story.answer.body) == (
        "The break is over",
        "Moodtray does not look yet: the camera is not allowed. The music goes on.",
    )


def test_a_pause_of_the_camera_alone_is_confirmed_and_its_end_is_told() -> None:
    story = happy_music()
    story.send(events.PauseCamera(story.clock.now() + timedelta(minutes=15)))
    assert story.answer.title.startswith("The camera is paused until")
    story.pass_time(16 * 60)
    told = [each.notification for each in story.all(effects.Notify)][-1]
    assert (told.title, told.body) == (
        "The camera is no longer paused",
        "Moodtray switches the camera on again.",
    )


def test_a_break_within_a_pause_of_the_camera_does_not_end_that_pause() -> None:
    story = happy_music()
    story.send(events.PauseCamera())
    story.send(events.TakeBreak(story.clock.now() + timedelta(minutes=15)))
    story.pass_time(16 * 60)
    snapshot = story.controller.snapshot
    assert (snapshot.on_break, snapshot.camera_paused, snapshot.paused_until) == (False, True, None)
    told = [each.notification for each in story.all(effects.Notify)][-1]
    assert told.body.startswith("Moodtray does not look yet: the camera is paused.")
    story.send(events.ResumeCamera())
    assert not story.controller.snapshot.camera_paused


def test_music_in_a_break_ends_it_for_the_music_and_claims_to_see_nobody() -> None:
    story = Story(NOW)
    story.music(state=PlayState.STOPPED, context=None)
    story.look("neutral")  # not clear yet
    story.send(events.TakeBreak())
    story.send(events.PlayForMood())
    story.started()
    snapshot = story.controller.snapshot
    assert (snapshot.on_break, snapshot.camera_paused, snapshot.music_rests) == (False, True, None)
    assert mood_line(snapshot) == "Camera paused"
    reason = "You asked for music, and your mood was not known: you were taking a break."
    assert story.answer.body == reason
    assert snapshot.mood.probabilities is None, "nothing of before the break is shown as of now"


def test_nobody_looks_like_anything_while_nobody_looks() -> None:
    story = happy_music()
    story.send(events.CameraChanged(CameraState.BUSY, CameraBusy("another program has it")))
    story.music(state=PlayState.PAUSED)
    story.send(events.PlayForMood())
    story.started()
    assert story.answer.body == "You asked for music, and you last looked happy."


def test_music_in_a_break_plays_for_the_mood_that_was_seen_last() -> None:
    story = happy_music()
    story.send(events.TakeBreak())
    story.music(state=PlayState.PAUSED, paused_by_hand=True)
    story.send(events.PlayForMood())
    story.started()
    assert story.answer.body == "You asked for music, and you last looked happy."
    assert not story.all(effects.ResumeMusic), "what played before does not start as well"


@pytest.mark.parametrize(
    ("pause", "ends"),
    [(events.TakeBreak(), "'I am back'"), (events.PauseCamera(), "'Resume camera'")],
)
def test_the_preview_names_the_line_that_the_menu_has(pause: events.Event, ends: str) -> None:
    story = happy_music()
    story.send(pause)
    story.send(events.ShowPreview(True))
    assert ends in story.answer.body


# --- another player ------------------------------------------------------------------------------


def elsewhere(story: Story, *, state: PlayState = PlayState.STOPPED, by_hand: bool = False) -> None:
    """Another player, with a login, is in use for a while; then the first one is again."""
    story.send(events.PlayerChanged("Spotify", PLAYLISTS, True))
    story.music(state=state, context=None, paused_by_hand=by_hand)
    story.pass_time(30)
    story.send(events.PlayerChanged("test player", PLAYLISTS))


def test_back_at_our_own_player_goes_on_what_played_there() -> None:
    story = happy_music()
    story.heard("p:happy")
    elsewhere(story)
    assert story.uris == ["p:happy", "p:happy"]
    assert story.all(effects.Play)[-1].playlist.place is not None, "where it was left"
    story.started()
    assert story.answer.title == "Back to X"


@pytest.mark.parametrize("hand", [{"by_hand": True}, {"state": PlayState.PLAYING}])
def test_silence_that_the_user_wants_and_other_music_are_left_as_they_are(
    hand: dict[str, object],
) -> None:
    story = happy_music()
    story.heard("p:happy")
    elsewhere(story, **hand)  # type: ignore[arg-type]
    assert story.uris == ["p:happy"]


def test_what_was_left_long_ago_or_was_silent_does_not_start() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.PlayerChanged("Spotify", PLAYLISTS, True))
    story.music(state=PlayState.STOPPED, context=None)
    story.pass_time(3600)
    story.send(events.PlayerChanged("test player", PLAYLISTS))
    story.music(state=PlayState.STOPPED)
    elsewhere(story)
    assert story.uris == ["p:happy"]


def test_nothing_is_shown_of_what_somebody_heard_who_has_logged_out() -> None:
    story = happy_music()
    story.send(events.PlayerChanged("Spotify", PLAYLISTS, True))
    story.send(events.PlayForMood())
    story.started()
    before = story.controller.snapshot
    assert before.playback is not None
    assert before.change is not None
    withdrawn = story.all(effects.Withdraw)
    story.send(events.PlayerChanged("Spotify", PLAYLISTS, False))
    after = story.controller.snapshot
    assert (after.playback, after.switch, after.change, after.undo_to) == (None,) * 4
    assert story.all(effects.Withdraw) == [*withdrawn, effects.Withdraw(NotificationKind.SWITCH)]


# --- forgetting ----------------------------------------------------------------------------------


def test_everything_is_everything_that_is_held_in_memory() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.SetMood(MoodState.SAD, wrong=MoodState.HAPPY))
    assert story.controller.snapshot.own_face is not None
    new = story.send(events.ForgetEverything())
    assert effects.KeepPerson(None) in new
    assert effects.ForgetNames() in new
    # Desktops keep what was told of a mood or of music until somebody takes it down.
    for kind in (NotificationKind.SWITCH, NotificationKind.INFO):
        assert effects.Withdraw(kind) in new
    snapshot = story.controller.snapshot
    assert (snapshot.own_face, snapshot.switch, snapshot.change, snapshot.undo_to) == (None,) * 4
    assert snapshot.mood.state is MoodState.UNSURE
    assert not snapshot.mood.by_hand
    assert "happy" not in " ".join(why_lines(snapshot))
    assert snapshot.consent, "the permission stays"
    before = len(story.uris)
    story.send(events.UndoSwitch())
    assert len(story.uris) == before


def test_a_face_that_was_forgotten_is_not_learned_again_unasked() -> None:
    story = happy_music()
    story.send(events.SetMood(MoodState.SAD, wrong=MoodState.HAPPY))
    story.send(events.LearnFace(None))
    assert effects.KeepSetting("mood.learn", False) in story.effects
    assert "learns nothing of your face" in story.answer.body
    kept = len(story.all(effects.KeepPerson))
    story.look("happy", 15)
    story.send(events.SetMood(MoodState.SAD, wrong=MoodState.HAPPY))
    assert len(story.all(effects.KeepPerson)) == kept
    assert story.controller.snapshot.own_face is None


def test_forgetting_is_told_at_most_once() -> None:
    """Who has switched learning off already keeps that setting."""
    mood = Settings().mood.model_copy(update={"learn": False})
    story = Story(NOW)
    story.send(events.SettingsChanged(NOW.model_copy(update={"mood": mood})))
    story.send(events.LearnFace(None))
    assert not story.all(effects.KeepSetting)


def test_the_start_at_login_is_confirmed_where_it_was_asked_for() -> None:
    story = Story(NOW)
    story.send(events.AutostartChanged(True))
    assert not story.answers
    story.send(events.AutostartChanged(False, asked=True))
    assert story.answer.title == "Moodtray does not start at login"


def test_a_new_lesson_takes_the_learning_up_again_that_forgetting_has_ended() -> None:
    story = happy_music()
    lesson = events.LearnFace(
        Person().learn([np.array([0.1, 0, 0, 0, 0.5, 0, 0.4])] * 4).as_numbers()
    )
    story.send(events.LearnFace(None))
    story.send(lesson)
    assert story.all(effects.KeepSetting)[-1] == effects.KeepSetting("mood.learn", True)
    assert story.controller.settings.mood.learn
    assert "learns no more" not in story.answer.body


def test_a_new_lesson_leaves_the_users_own_choice_not_to_go_on_learning() -> None:
    mood = Settings().mood.model_copy(update={"learn": False})
    story = happy_music()
    story.send(events.LearnFace(None))
    story.send(events.SettingsChanged(NOW))  # switched on ...
    story.send(events.SettingsChanged(NOW.model_copy(update={"mood": mood})))  # ... and off again
    kept = len(story.all(effects.KeepSetting))
    story.send(
        events.LearnFace(Person().learn([np.array([0.1, 0, 0, 0, 0.5, 0, 0.4])] * 4).as_numbers())
    )
    assert len(story.all(effects.KeepSetting)) == kept
    assert "learns no more of it: 'Go on learning' in the settings is off" in story.answer.body


def test_an_undo_ends_a_journey_that_has_not_changed_the_music_yet() -> None:
    story = happy_music()
    story.look("happy", 15)
    story.send(events.BeginJourney(MoodState.NEUTRAL))
    snapshot = story.controller.snapshot
    assert snapshot.undoes_journey
    plays = len(story.uris)
    story.send(events.UndoSwitch())
    assert len(story.uris) == plays, "the change before it stays"
    snapshot = story.controller.snapshot
    assert (snapshot.journey, snapshot.undoes_journey) == (None, False)
    assert story.answer.title == "The journey is over"
    assert snapshot.switch is not None, "a second one takes that back"


def test_the_undo_of_a_change_that_a_journey_made_takes_that_back() -> None:
    story = happy_music()
    story.send(events.BeginJourney(MoodState.NEUTRAL, MoodState.NEUTRAL))
    story.pass_time(700)
    story.look("happy", 5)
    story.started()
    assert not story.controller.snapshot.undoes_journey


def test_who_follows_the_face_again_is_told_what_becomes_of_the_music() -> None:
    story = happy_music(Settings(policy=PolicySettings(timing="now", cooldown=600.0)))
    story.send(events.SetMood(MoodState.SAD))
    story.started()
    gone = len(story.all(effects.Withdraw))
    story.send(events.FollowFace())
    before = story.clock.now() + timedelta(seconds=600 + 59.5)
    assert story.answer.body == (
        "You look happy. The music was changed a moment ago, and is not changed again until about "
        f"{before:%H:%M}. What plays goes on."
    )
    assert effects.Withdraw(NotificationKind.SWITCH) in story.all(effects.Withdraw)[gone:]


def test_nobody_goes_by_a_face_at_which_nobody_looks() -> None:
    story = happy_music()
    story.send(events.SetMood(MoodState.SAD))
    story.send(events.ConsentWithdrawn())
    story.send(events.FollowFace())
    assert story.answer.title == "What you said or took back holds no more"
    assert story.answer.body == "Moodtray does not look yet: the camera is not allowed."


def test_what_plays_and_fits_the_face_needs_no_more_words() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.SetMood(MoodState.HAPPY))
    story.send(events.FollowFace())
    assert story.answer.body == "You look happy, and what plays fits already."


def test_a_change_in_the_try_out_is_told_as_such() -> None:
    story = Story()
    story.music()
    story.send(events.TryNow(180.0))
    story.look("happy", 15)
    story.started()
    story.look("sad", 15)
    story.started()
    change = story.controller.snapshot.change
    assert change is not None
    assert change.reason == "you look sad, in the try-out"


def test_the_try_out_changes_the_music_also_after_an_undo() -> None:
    story = undone()
    assert story.controller.snapshot.left_alone_until is not None
    story.send(events.TryNow(180.0))
    assert story.controller.snapshot.left_alone_until is None
    story.started()
    story.pass_time(10)
    story.look("sad", 15)
    assert story.uris[-1] == "p:sad"


def test_an_undo_in_the_try_out_ends_it_and_is_kept() -> None:
    story = happy_music()
    story.send(events.TryNow(180.0))
    story.pass_time(10)
    story.look("sad", 15)
    story.started()
    story.heard("p:sad")
    story.send(events.UndoSwitch())
    story.started()
    story.heard("p:happy")
    snapshot = story.controller.snapshot
    assert snapshot.trial_until is None
    assert snapshot.left_alone_until is not None
    assert f"alone until {snapshot.left_alone_until:%H:%M}" in story.answer.body
    plays = len(story.uris)
    story.look("sad", 60)
    assert len(story.uris) == plays


@pytest.mark.parametrize(
    ("happening", "chosen_by", "why"),
    [
        (Happening.RESUMED, Chooser.AGENT, "you resumed the music"),
        (Happening.ECHO, Chooser.AGENT, "you resumed the music"),  # by our own menu
        (Happening.USER_CHOSE, Chooser.USER, "you chose this music yourself"),
    ],
)
def test_music_after_an_undo_into_silence_is_not_called_silence(
    happening: Happening, chosen_by: Chooser, why: str
) -> None:
    story = Story(NOW)
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.music(state=PlayState.STOPPED)
    story.look("happy", 15)
    story.send(events.PlayForMood())
    story.started()
    story.heard("p:happy")
    story.send(events.UndoSwitch())
    story.heard("p:happy")  # until the pause has come
    assert why_lines(story.controller.snapshot)[0] == "Silence: you took back a change"
    story.music(state=PlayState.PAUSED, context="p:happy", paused_by_hand=True)
    assert why_lines(story.controller.snapshot)[0] == "Silence: you took back a change"
    story.music(happening, context="p:happy", chosen_by=chosen_by)
    assert why_lines(story.controller.snapshot)[0] == f"X: {why}"
    story.music(Happening.PAUSED, state=PlayState.PAUSED, context="p:happy", paused_by_hand=True)
    assert "took back" not in " ".join(why_lines(story.controller.snapshot)[:1])


def test_an_undo_after_a_deletion_says_what_became_of_the_change() -> None:
    story = happy_music()
    story.send(events.ForgetEverything())
    story.send(events.UndoSwitch())
    assert story.answer.body.startswith("What was noted of the latest change is deleted")
    story.send(events.NextPlaylist())
    story.started()
    story.send(events.UndoSwitch())
    story.started()
    story.send(events.UndoSwitch())
    assert story.answer.body.endswith("has taken its change back already.")


# --- said by somebody whom the camera does not find ----------------------------------------------


def test_a_word_of_somebody_unseen_holds_until_they_were_seen_and_left() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.look(None, 60)
    assert story.controller.snapshot.mood.state is MoodState.AWAY
    story.send(events.SetMood(MoodState.SAD))
    story.started()
    assert story.uris[-1] == "p:sad"
    story.heard("p:sad")
    story.look(None, 60)
    assert story.controller.snapshot.mood.state is MoodState.SAD
    assert story.controller.snapshot.mood.by_hand
    story.look("happy", 30)
    assert story.controller.snapshot.mood.state is MoodState.SAD
    story.look(None, 60)
    assert story.controller.snapshot.mood.state is MoodState.AWAY


# --- one break after another ---------------------------------------------------------------------


def test_a_break_after_one_that_music_ended_leaves_no_pause_of_the_camera() -> None:
    story = happy_music()
    story.send(events.TakeBreak(story.clock.now() + timedelta(minutes=15)))
    story.send(events.NextPlaylist())
    story.started()
    assert story.controller.snapshot.camera_paused
    story.send(events.TakeBreak(story.clock.now() + timedelta(hours=1)))
    story.send(events.ResumeCamera())
    assert not story.controller.snapshot.camera_paused
    assert "Moodtray does not look yet" not in story.answer.body


# --- an Undo of the user's own word --------------------------------------------------------------


def test_an_undo_of_the_own_word_says_so_and_unlearns_what_it_taught() -> None:
    story = happy_music()
    known = story.controller.person
    story.heard("p:happy")
    story.look("neutral", 1)
    story.send(events.SetMood(MoodState.SAD))
    story.started()
    story.heard("p:sad")
    assert story.controller.person != known, "it taught something of the face"
    story.send(events.UndoSwitch())
    story.started()
    assert story.answer.title == "Back to X"
    assert story.answer.body.startswith("What you said of your mood holds no more.")
    assert not story.controller.snapshot.mood.by_hand
    assert story.controller.person == known
    assert isinstance(story.all(effects.KeepPerson)[-1], effects.KeepPerson)


def test_an_undo_to_the_loop_that_stood_in_leaves_the_word_in_force() -> None:
    """The loop for a told mood made way for the user's own music; taking that back unsaid it."""
    story = Story(NOW)
    loop = Playlist("local:sad", "Sad")
    story.send(events.PlayerChanged("test player", {**ONE_EACH, MoodState.SAD: (loop,)}))
    story.heard("x")
    story.send(events.SetMood(MoodState.SAD))
    story.started()
    story.heard("local:sad")
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.send(events.NextPlaylist())
    story.started()
    story.heard("p:sad")
    story.send(events.UndoSwitch())
    story.started()
    assert story.uris[-1] == "local:sad"
    assert story.controller.snapshot.mood.by_hand


# --- what is offered while nobody looks ----------------------------------------------------------


def test_nobody_is_offered_to_go_by_a_face_that_is_not_looked_at() -> None:
    story = undone()
    assert follow_line(story.controller.snapshot).startswith("Let the music change again (else")
    story.send(events.SetMood(MoodState.SAD))
    assert follow_line(story.controller.snapshot).startswith("Go by my face again (else at ")
    story.send(events.FollowFace())
    story.send(events.TakeBreak())
    story.send(events.SetMood(MoodState.SAD))
    assert follow_line(story.controller.snapshot).startswith("Take back what I said (else at ")


def test_a_journey_with_paused_music_names_both_ways_to_begin_it() -> None:
    story = happy_music()
    story.music(state=PlayState.PAUSED, context="p:happy", paused_by_hand=True)
    story.send(events.BeginJourney(MoodState.HAPPY, MoodState.SAD))
    assert story.answer.body.startswith(
        "The music is paused: 'Resume music' or 'Play for my mood' begins it."
    )


def test_a_look_of_before_the_break_says_nothing_of_now() -> None:
    story = Story(NOW)
    story.look("happy", 15)
    away = Observation(story.clock.monotonic(), 1, None, unclear="turned away")
    story.send(events.Observed(away))
    story.send(events.TakeBreak())
    story.send(events.ResumeCamera())
    assert "turned away" not in mood_line(story.controller.snapshot)


def test_what_the_mood_rests_on_is_told_only_of_decisions_that_rest_on_it() -> None:
    told = why_lines(undone().controller.snapshot, evidence=True)
    assert any("you took back a change" in line for line in told)
    assert not any("came nearest" in line or " %" in line for line in told), told


@pytest.mark.parametrize("state", [CameraState.LOST, CameraState.BUSY])
def test_a_camera_that_goes_is_the_reason_at_once(state: CameraState) -> None:
    """The status said 'Not watching', and below it that you look happy."""
    story = happy_music()
    story.send(events.CameraChanged(CameraState.ON))
    story.send(events.CameraChanged(state))
    decision = story.controller.snapshot.decision
    assert decision is not None
    assert decision.reason.startswith("the camera ")


def test_what_a_denied_look_showed_is_shown_until_the_next() -> None:
    story = Story(NOW)
    story.send(events.CameraChanged(CameraState.ON))
    story.look("happy", 15)
    story.send(events.NotMyMood(MoodState.HAPPY))
    assert mood_line(story.controller.snapshot) == "Not sure how you feel"


@pytest.mark.parametrize(
    ("blind", "end", "why"),
    [
        (events.PauseCamera(), events.ResumeCamera(), "the camera was paused"),
        (
            events.SessionChanged(SCREEN_SHARED), events.SessionChanged(None),
            "the camera rested, since the screen was shared",
        ),
        (events.ConsentWithdrawn(), events.ConsentGiven(), "the camera was not allowed"),
    ],
)  # fmt: skip
def test_why_nobody_looked_is_told_as_of_then(
    blind: events.Event, end: events.Event, why: str
) -> None:
    story = Story(NOW)
    story.music(state=PlayState.STOPPED, context=None)
    story.send(blind)
    story.send(events.PlayForMood())
    story.started()
    story.send(end)
    story.look("neutral", 15)
    told = why_lines(story.controller.snapshot)[0]
    assert told.endswith(f": you asked for music, and your mood was not known: {why}")


def test_a_mood_that_was_said_was_never_seen() -> None:
    """Where nobody has looked yet, what was said and taken back is no 'last looked'."""
    story = Story(NOW)
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.CameraChanged(CameraState.BUSY))
    story.send(events.SetMood(MoodState.HAPPY))
    story.send(events.FollowFace())
    story.send(events.PlayForMood())
    story.started()
    reason = "You asked for music, and your mood was not known: the camera could not be used."
    assert story.answer.body == reason


def test_a_camera_that_is_not_allowed_has_no_pause_to_resume() -> None:
    story = happy_music()
    story.send(events.ConsentWithdrawn())
    story.send(events.PauseCamera())
    assert not story.controller.snapshot.camera_paused
    assert (story.answer.title, story.answer.body) == (
        "The camera is not allowed",
        "So it is off, and there is nothing to pause.",
    )
    assert not story.answer.buttons


@pytest.mark.parametrize(
    ("state", "becomes"),
    [
        (PlayState.PLAYING, "What plays goes on."),
        (PlayState.STOPPED, "No music plays."),
    ],
)
def test_the_end_of_a_journey_claims_no_mood_that_nobody_sees(
    state: PlayState, becomes: str
) -> None:
    story = happy_music()
    story.send(events.BeginJourney(MoodState.SAD, MoodState.HAPPY))
    story.send(events.ConsentWithdrawn())
    story.music(state=state)
    story.send(events.EndJourney())
    seen = "Moodtray does not look yet: the camera is not allowed."
    assert story.answer.body == f"{seen} {becomes}"


def test_what_stands_in_the_way_is_the_reason_at_once() -> None:
    """Also where the camera stays off, for another reason than before."""
    story = happy_music()
    story.send(events.SessionChanged("the screen is locked"))
    story.send(events.ConsentWithdrawn())
    assert story.controller.snapshot.decision is not None
    assert story.controller.snapshot.decision.reason == "the camera is not allowed"
    story.send(events.ConsentGiven())
    assert (
        story.controller.snapshot.decision.reason == "the camera rests, since the screen is locked"
    )
    story.send(events.SessionChanged("asleep"))
    assert story.controller.snapshot.decision.reason == "the camera rests, since asleep"


def test_a_journey_ends_by_a_word_where_nobody_looks() -> None:
    story = happy_music()
    story.send(events.ConsentWithdrawn())
    story.music(state=PlayState.PAUSED, context="p:happy", paused_by_hand=True)
    story.send(events.BeginJourney(MoodState.HAPPY, MoodState.SAD))
    assert "This ends when you say you feel happy" in story.answer.body
    story.send(events.SetMood(MoodState.HAPPY))
    assert story.controller.snapshot.journey is None


# --- music that the user chose on the page -------------------------------------------------------


def chosen(playlist: str = "p:sad") -> Story:
    """Happy music plays by the mood, and the user chose other music by hand."""
    story = happy_music()
    story.heard("p:happy")
    story.send(events.PlayPlaylist(Playlist(playlist, "Mine")))
    story.started()
    story.heard(playlist)
    return story


def test_chosen_music_is_left_alone_and_says_until_when() -> None:
    story = chosen()
    until = story.controller.snapshot.left_alone_until
    assert until is not None
    assert story.answer.body == (
        f"You chose this music yourself. Moodtray leaves the music alone until {until:%H:%M}."
    )
    story.look("happy", 600)
    assert story.uris[-1] == "p:sad"
    decision = story.controller.snapshot.decision
    assert decision is not None
    assert decision.reason == "you chose this music yourself"
    story.press(story.answer, "Resume")
    story.look("happy", 60)
    assert story.uris[-1].startswith("p:happy")


@pytest.mark.parametrize("wish", [events.PlayForMood(), events.NextPlaylist()])
def test_another_wish_for_music_ends_that(wish: events.Event) -> None:
    story = chosen()
    story.send(wish)
    story.started()
    assert story.uris[-1].startswith("p:happy")
    assert story.controller.snapshot.left_alone_until is None
    assert "alone" not in story.answer.body


def test_its_end_ends_that() -> None:
    story = chosen()
    story.music(Happening.CONTEXT_ENDED, state=PlayState.STOPPED, chosen_by=Chooser.AGENT)
    assert story.controller.snapshot.left_alone_until is None


def test_music_that_is_not_there_is_not_left_alone() -> None:
    story = happy_music()
    gone = Playlist("p:gone", "Gone")
    story.send(events.PlayPlaylist(gone))
    story.send(events.PlayerFailed(PlaylistGone("Gone is gone"), gone))
    assert story.controller.snapshot.left_alone_until is None


def test_chosen_music_ends_the_try_out_and_a_journey() -> None:
    story = happy_music()
    story.send(events.BeginJourney(MoodState.HAPPY, MoodState.SAD))
    story.started()
    story.send(events.TryNow(180.0))
    story.send(events.PlayPlaylist(Playlist("p:angry", "Mine")))
    snapshot = story.controller.snapshot
    assert (snapshot.trial_until, snapshot.journey) == (None, None)


def test_after_a_deletion_it_is_still_the_users_choice() -> None:
    story = chosen()
    story.send(events.ForgetEverything())
    decision = story.controller.snapshot.decision
    assert decision is not None
    assert decision.reason == "you chose this music yourself"


def test_a_denied_mood_is_repeated_before_what_follows() -> None:
    story = happy_music()
    notice = story.all(effects.Notify)[-1].notification
    story.press(notice, "Not my mood")
    story.started()
    assert story.answer.title == "Back to X"
    assert story.answer.body.startswith("You do not feel happy. Moodtray leaves the music alone")


def test_a_face_is_read_also_where_its_mood_was_named() -> None:
    story = happy_music()
    story.send(events.SetMood(MoodState.SAD))
    story.look("happy", 1)
    place = story.controller.snapshot.affect
    assert place is not None
    assert place[0] > 0.3, "how happy somebody seems, whatever they say"
    story.send(events.PauseCamera())
    assert story.controller.snapshot.affect is None


def test_the_end_of_the_time_after_an_undo_is_no_news_of_the_face() -> None:
    story = undone()
    story.send(events.FollowFace())
    assert story.answer.title == "The music may change again"
    story.send(events.SetMood(MoodState.SAD))
    story.send(events.FollowFace())
    assert story.answer.title == "Moodtray goes by your face again"


# --- another language ----------------------------------------------------------------------------


def test_a_player_stays_the_same_in_another_language() -> None:
    story = Story(NOW)
    story.send(events.PlayerChanged(_(NAME), ONE_EACH))
    story.music()
    story.look("happy", 15)
    story.started()
    story.heard("p:happy")
    before = story.controller.snapshot
    assert before.undo_to == "X"
    catalogues.speak("de")
    try:
        story.send(events.PlayerChanged(_(NAME), ONE_EACH))
        after = story.controller.snapshot
        assert after.player != before.player
        assert (after.playback, after.undo_to) == (before.playback, "X")
    finally:
        catalogues.speak("en")


# --- music that was paused before a change -------------------------------------------------------


def silenced_again() -> Story:
    """Music was paused by hand, then asked for, and that was taken back into silence."""
    story = Story(NOW)
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.look("happy", 15)
    story.music(state=PlayState.PAUSED, context="p:neutral", paused_by_hand=True)
    story.send(events.PlayForMood())
    story.started()
    story.heard("p:happy")
    story.send(events.UndoSwitch())
    story.music(state=PlayState.PAUSED, context="p:happy", paused_by_hand=True)
    return story


def test_resumed_after_an_undo_is_what_was_paused_before_the_change() -> None:
    story = silenced_again()
    story.send(events.ResumeMusic())
    assert story.uris[-1] == "p:neutral"
    assert not story.all(effects.ResumeMusic)
    story.started()
    assert story.answer.title == "Back to X"
    assert why_lines(story.controller.snapshot)[0] == "X: you resumed the music"
    story.music(state=PlayState.PAUSED, context="p:neutral", paused_by_hand=True)
    story.send(events.ResumeMusic())
    assert story.all(effects.ResumeMusic), "the next one is as ever"


@pytest.mark.parametrize("after", ["they chose other music", "Moodtray played", "deleted"])
def test_it_is_not_where_something_came_between(after: str) -> None:
    story = silenced_again()
    match after:
        case "they chose other music":
            story.music(Happening.USER_CHOSE, context="mine", chosen_by=Chooser.USER)
        case "Moodtray played":
            story.send(events.NextPlaylist())
            story.started()
        case _:
            story.send(events.ForgetEverything())
    story.music(state=PlayState.PAUSED, context="mine", paused_by_hand=True)
    plays = len(story.uris)
    story.send(events.ResumeMusic())
    assert story.all(effects.ResumeMusic)
    assert len(story.uris) == plays


# --- how a journey ends, and what holds beside it -------------------------------------------------


def test_a_journey_that_begins_with_a_change_tells_how_it_ends() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.BeginJourney(MoodState.HAPPY, MoodState.SAD))
    story.started()
    assert story.answer.title == "♪ Sad"
    assert "the music leads from sad to happy" in story.answer.body
    assert "This ends when you look happy, after the last step" in story.answer.body
    story.press(story.answer, "End the journey")
    assert story.controller.snapshot.journey is None


def test_a_journey_s_end_leaves_the_music_to_what_was_said() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.SetMood(MoodState.SAD))
    story.started()
    story.heard("p:sad")
    story.send(events.BeginJourney(MoodState.HAPPY))
    story.send(events.EndJourney())
    assert story.answer.body.startswith("You said you feel sad. The music goes by that until")


def test_why_tells_of_a_journey_while_the_mood_is_unclear() -> None:
    story = Story(NOW)
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.BeginJourney(MoodState.HAPPY, MoodState.SAD))
    assert "Journey: from sad to happy, step 1 of 3" in why_lines(story.controller.snapshot)


def test_a_break_promises_no_music_where_the_user_has_paused_it() -> None:
    starts = Settings(policy=PolicySettings(timing="now", start_when_silent=True))
    story = happy_music(starts)
    story.music(Happening.PAUSED, state=PlayState.PAUSED, context="p:happy", paused_by_hand=True)
    story.send(events.TakeBreak(story.clock.now() + timedelta(hours=1)))
    assert "No music plays now, so none goes on then." in story.answer.body


def test_music_that_goes_by_a_word_is_not_said_to_be_left_alone_while_the_camera_is_paused() -> (
    None
):
    """A journey's next step followed, within the pause."""
    story = happy_music()
    story.send(events.SetMood(MoodState.SAD))
    story.send(events.PauseCamera())
    assert story.answer.title == "The camera is paused"
    until = story.controller.snapshot.mood_until
    assert until is not None
    assert story.answer.body == (
        "Click 'Resume camera' in the tray's menu to go on. "
        f"You said you feel sad. The music goes by that until {until:%H:%M}."
    )


def test_a_journey_that_was_wished_for_leads_whatever_is_seen() -> None:
    """Its steps were counted, and the music of the first one played on."""
    story = happy_music()
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.heard("p:happy")
    story.send(events.BeginJourney(MoodState.HAPPY, MoodState.SAD))
    story.started()
    story.heard("p:sad")
    story.send(events.PauseCamera())
    assert story.answer.body.endswith("The music leads from sad to happy, step 1 of 3.")
    for mood, step in (("neutral", 2), ("happy", 3)):
        story.pass_time(60.0 * Settings().response.minutes + 1.0)
        assert story.uris[-1] == f"p:{mood}"
        story.started()
        told = story.all(effects.Notify)[-1].notification
        assert told.title == f"♪ {mood.title()}"
        leads = f"You asked for a journey, and the music leads from sad to happy, step {step} of 3."
        assert told.body.startswith(leads)
        assert "when you say you feel happy" in told.body
        assert [label for label, _event in told.buttons] == ["Undo", "End the journey"]
        story.heard(f"p:{mood}")
    decision = story.controller.snapshot.switch
    assert decision is not None
    assert decision.evidence is None, "it rests on none"


def test_a_journey_that_answers_a_mood_stands_still_while_none_is_seen() -> None:
    story = Story(NOW.model_copy(update={"response": ResponseSettings(sad="lift")}))
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.music()
    story.look("sad", 30)
    story.started()
    story.heard("p:sad")
    story.send(events.PauseCamera())
    assert story.answer.body.endswith("The music is not touched meanwhile.")
    story.pass_time(60.0 * Settings().response.minutes * 3)
    assert story.uris == ["p:sad"]
    journey = story.controller.snapshot.journey
    assert journey is not None
    assert journey.step == 1, "which is what plays"


def test_a_journey_that_a_word_leads_is_not_said_to_end_by_a_look() -> None:
    story = happy_music()
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.send(events.SetMood(MoodState.SAD))
    story.started()
    story.heard("p:sad")
    story.send(events.BeginJourney(MoodState.HAPPY))
    assert "This ends when you say you feel happy, after the last step" in story.answer.body
    story.look("happy", 60)
    assert story.controller.snapshot.journey is not None


def test_a_break_in_a_call_does_not_promise_both_when_it_ends() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.SessionChanged(SCREEN_SHARED))
    story.send(events.TakeBreak(story.clock.now() + timedelta(minutes=15)))
    assert "Both come back" not in story.answer.body
    stays = "The camera stays off as long as this is so: the screen is shared."
    assert story.answer.body.endswith(stays)


def test_a_word_that_is_over_is_not_answered_as_if_it_held() -> None:
    """The player was busy with another start for longer than the word held."""
    story = Story(NOW)
    story.music(context="x")
    story.send(events.PlayForMood())
    story.send(events.SetMood(MoodState.SAD, 1.0))
    before = len(story.answers)
    story.pass_time(PLAY_AT_WORST + 70.0)
    assert not [told for told in story.answers[before:] if "You said you feel" in told.title]


def test_what_follows_from_a_word_offers_to_take_the_word_back() -> None:
    """It offered 'Not my mood', of a mood that the user had said themselves."""
    story = happy_music()
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.send(events.SetMood(MoodState.SAD))
    story.started()
    story.heard("p:sad")
    story.send(events.BeginJourney(MoodState.HAPPY))
    story.pass_time(60.0 * Settings().response.minutes + 1.0)
    assert story.uris[-1] == "p:neutral"
    story.started()
    told = story.all(effects.Notify)[-1].notification
    assert [label for label, _event in told.buttons] == ["Undo", "Take back what I said"]


@pytest.mark.parametrize("error", [NeedsLogin("Log in again."), NoDevice("Open Spotify.")])
def test_no_music_is_offered_that_the_player_cannot_begin(error: PlayerError) -> None:
    """'Play for my mood' began nothing: the trouble was known, and stood in the menu."""
    story = Story(NOW)
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.PlayerFailed(error))
    story.send(events.SetMood(MoodState.SAD))
    until = story.controller.snapshot.mood_until
    assert until is not None
    assert story.answer.body == f"That holds until {until:%H:%M}. {error.message}"
    needs_login = isinstance(error, NeedsLogin)
    assert story.answer.buttons[0][0] == ("Log in" if needs_login else "Play now")
    story.send(events.BeginJourney(MoodState.HAPPY))
    assert story.answer.body.startswith(f"{error.message} This ends when")
    assert error.message in why_text(story.controller.snapshot)


def test_what_was_to_play_on_does_so_once_there_is_a_device() -> None:
    """'Moodtray waits for it' was told, and nothing waited."""
    story = happy_music()
    story.music(Happening.PAUSED, state=PlayState.PAUSED, context="p:happy", paused_by_hand=True)
    story.send(events.ResumeMusic())
    resumed = len(story.all(effects.ResumeMusic))
    story.send(events.PlayerFailed(NoDevice("Open Spotify."), None, Command.RESUME))
    story.send(events.PlayerRecovered())
    assert len(story.all(effects.ResumeMusic)) == resumed + 1
    story.send(events.PlayerRecovered())
    assert len(story.all(effects.ResumeMusic)) == resumed + 1, "once"


def test_a_device_that_refuses_to_play_on_is_not_asked_without_end() -> None:
    """A phone that sleeps is listed, and each look found it: 59 tries, and as many notices."""
    story = happy_music()
    story.send(events.ResumeMusic())
    before = len(story.all(effects.Notify)), len(story.all(effects.ResumeMusic))
    for _try in range(20):
        story.send(events.PlayerFailed(NoDevice("Open Spotify."), None, Command.RESUME))
        story.send(events.PlayerRecovered())
        story.pass_time(10.0)
    assert len(story.all(effects.Notify)) == before[0] + 1
    assert len(story.all(effects.ResumeMusic)) == before[1] + WISH_TRIES - 1
    story.send(events.ResumeMusic())
    story.send(events.PlayerFailed(NoDevice("Open Spotify."), None, Command.RESUME))
    assert len(story.all(effects.Notify)) == before[0] + 2, "a new wish is answered"


@pytest.mark.parametrize("newer", [events.PauseMusic(), events.TakeBreak(), None])
def test_what_was_to_play_on_does_not_where_something_newer_is_wished(
    newer: events.Event | None,
) -> None:
    story = happy_music()
    story.send(events.ResumeMusic())
    resumed = len(story.all(effects.ResumeMusic))
    story.send(events.PlayerFailed(NoDevice("Open Spotify."), None, Command.RESUME))
    if newer is None:
        story.pass_time(WISH_LIFE + 1.0)
    else:
        story.send(newer)
    story.send(events.PlayerRecovered())
    assert len(story.all(effects.ResumeMusic)) == resumed


def test_what_was_to_play_on_fails_too_late_to_be_tried_again() -> None:
    story = happy_music()
    story.send(events.ResumeMusic())
    resumed = len(story.all(effects.ResumeMusic))
    story.send(events.PauseMusic())
    told = len(story.answers)
    story.send(events.PlayerFailed(WAIT, None, Command.RESUME))
    assert len(story.answers) == told
    story.send(events.PlayerRecovered())
    assert len(story.all(effects.ResumeMusic)) == resumed


def test_a_break_s_end_claims_no_music_where_its_device_is_gone() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.TakeBreak())
    story.music(Happening.PAUSED, state=PlayState.PAUSED, context="p:happy", paused_by_hand=True)
    story.music(state=PlayState.UNAVAILABLE, context=None, paused_by_hand=True)
    story.send(events.ResumeCamera())
    assert story.all(effects.ResumeMusic), "which finds the device, or waits for it"
    assert story.answer.body.endswith("The music goes on once a device is there to play on.")


def test_the_music_may_change_again_after_a_journey_that_was_undone_within_a_word() -> None:
    """'The music may change again' was followed by 'the music is left alone for this mood'."""
    story = happy_music()
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.send(events.SetMood(MoodState.SAD))
    story.started()
    story.heard("p:sad")
    story.send(events.BeginJourney(MoodState.HAPPY))
    story.pass_time(60.0 * Settings().response.minutes + 1.0)
    story.started()
    story.heard("p:neutral")
    story.send(events.UndoSwitch())
    story.started()
    story.heard("p:sad")
    story.press(story.answer, "Resume")
    assert story.answer.title == "The music may change again"
    assert "left alone" not in story.answer.body
    assert "took it in hand" not in why_text(story.controller.snapshot)


@pytest.mark.parametrize(
    "error",
    [
        RateLimited("Wait.", until=datetime(2026, 11, 28, tzinfo=UTC)),
        ServiceDown("503."),
        Offline("No network."),
    ],
)
def test_a_wish_that_met_trouble_which_passes_is_met_after_it(error: PlayerError) -> None:
    """It was dropped, and the failed start told as a change 'a moment ago'."""
    story = happy_music()
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.heard("p:happy")
    story.send(events.SettingsChanged(Settings()))  # at the track's end from now on
    story.send(events.SetMood(MoodState.SAD))
    (wanted,) = ONE_EACH[MoodState.SAD]
    story.send(events.PlayerFailed(error, wanted))
    plays = len(story.uris)
    story.heard("p:happy")
    story.pass_time(20.0)
    assert "a moment ago" not in why_text(story.controller.snapshot)
    assert len(story.uris) == plays, "not before it answers"
    story.send(events.PlayerRecovered())
    assert story.uris[plays:] == ["p:sad"]
    story.started()
    assert story.answer.title == "♪ Sad"


def test_who_is_back_is_not_told_that_nobody_has_touched_the_computer() -> None:
    """They have just clicked; the session is read every two seconds."""
    story = happy_music()
    story.heard("p:happy")
    story.send(events.TakeBreak())
    story.send(events.SessionChanged("nobody has touched the computer for 10 minutes", idle=True))
    story.send(events.ResumeCamera())
    looks = "Moodtray looks again as soon as you use this computer."
    assert story.answer.body.startswith(looks)
    story.send(events.TakeBreak())
    assert "nobody has touched" not in story.answer.body


def test_a_paused_camera_says_nothing_of_how_silence_goes_by_a_word() -> None:
    story = Story(NOW)
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.SetMood(MoodState.SAD))
    story.send(events.PauseCamera())
    assert story.answer.body.endswith("The music is not touched meanwhile.")


def test_trouble_with_one_playlist_is_no_reason_against_another() -> None:
    story = Story(NOW)
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.music(state=PlayState.STOPPED, context=None)
    (angry,) = ONE_EACH[MoodState.ANGRY]
    story.send(events.PlayPlaylist(angry))
    story.send(events.PlayerFailed(PlaylistGone("No music in it."), angry))
    story.send(events.SetMood(MoodState.HAPPY))
    assert story.answer.body.endswith("No music plays: 'Play for my mood' begins it.")
    story.send(events.PlayForMood())
    assert story.uris[-1] == "p:happy"


def test_music_that_may_begin_by_itself_is_not_said_to_be_left_alone() -> None:
    story = Story(Settings(policy=PolicySettings(timing="now", start_when_silent=True)))
    story.send(events.BeginJourney(MoodState.HAPPY, MoodState.SAD))
    story.music(state=PlayState.PAUSED, context=None)
    story.send(events.PauseCamera())
    assert "The music is not touched" not in story.answer.body


# --- what the player cannot do just now ----------------------------------------------------------

WAIT = RateLimited("Wait until noon.", until=datetime(2026, 11, 22, 9, 5, tzinfo=UTC))
NOWHERE = NoDevice("Spotify is open nowhere.")


def told_last(story: Story) -> str:
    told = story.all(effects.Notify)[-1].notification
    return f"{told.title}: {told.body}"


def problem(story: Story) -> str:
    return story.controller.snapshot.problem or ""


def waiting_for_a_device() -> Story:
    story = Story(NOW)
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.music(state=PlayState.STOPPED, context=None)
    story.look("happy", 15)
    story.send(events.PlayForMood())
    (happy,) = ONE_EACH[MoodState.HAPPY]
    story.send(events.PlayerFailed(NOWHERE, happy, Command.PLAY))
    until = story.clock.now() + timedelta(seconds=WISH_LIFE)
    assert f"done by {until:%H:%M}, the music begins" in told_last(story)
    assert problem(story) == story.answer.body
    return story


def test_a_wish_that_waits_for_a_device_outlives_a_word_on_the_mood() -> None:
    """The answer to the word promised it anew, and nothing waited any more."""
    story = waiting_for_a_device()
    story.send(events.SetMood(MoodState.SAD))
    assert "the music begins" in story.answer.body
    story.send(events.PlayerRecovered())
    assert story.uris[-1] == "p:sad"


@pytest.mark.parametrize("newer", [events.PauseMusic(), events.TakeBreak(), None])
def test_nothing_is_promised_any_more_of_a_wish_that_is_over(newer: events.Event | None) -> None:
    """The line of trouble still said that the music begins."""
    story = waiting_for_a_device()
    if newer is None:
        story.pass_time(WISH_LIFE + 1.0)
    else:
        story.send(newer)
        story.pass_time(READ_PATIENCE + 1.0)  # a break reads the player first
    assert problem(story) == NOWHERE.message
    before = len(story.uris)
    story.send(events.PlayerRecovered())
    assert len(story.uris) == before


def test_of_several_devices_none_is_promised_to_play_by_itself() -> None:
    story = waiting_for_a_device()
    story.send(events.PlayForMood())
    (happy,) = ONE_EACH[MoodState.HAPPY]
    story.send(events.PlayerFailed(WhichDevice("Several are open."), happy, Command.PLAY))
    assert problem(story) == "Several are open."
    story.look("happy", 1)
    assert "no device is open" not in why_text(story.controller.snapshot)


def test_what_cannot_be_paused_now_is_paused_as_soon_as_it_can() -> None:
    """'In a moment: The music is paused' was told, or nothing, and it played on."""
    story = happy_music()
    story.heard("p:happy")
    story.send(events.PlayerFailed(WAIT))
    story.send(events.PauseMusic())
    paused = len(story.all(effects.PauseMusic))
    story.send(events.PlayerFailed(WAIT, None, Command.PAUSE))
    assert story.answer.body == (
        "Wait until noon. The music plays on until that is over, and is paused then."
    )
    assert problem(story) == story.answer.body
    story.heard("p:happy")
    story.send(events.PlayerRecovered())
    assert len(story.all(effects.PauseMusic)) == paused + 1
    story.music(Happening.ECHO, state=PlayState.PAUSED, context="p:happy", paused_by_hand=True)
    story.send(events.PlayerRecovered())
    assert len(story.all(effects.PauseMusic)) == paused + 1


def test_a_pause_that_fails_each_time_is_not_tried_without_end() -> None:
    story = happy_music()
    story.send(events.PauseMusic())
    paused, told = len(story.all(effects.PauseMusic)), len(story.answers)
    for _try in range(20):
        story.send(events.PlayerFailed(ServiceDown("503."), None, Command.PAUSE))
        story.heard("p:happy")
        story.send(events.PlayerRecovered())
    assert len(story.all(effects.PauseMusic)) == paused + WISH_TRIES - 1
    first, last = story.answers[told:]
    assert first.body.endswith("is paused then.")
    assert last.body == "503. The music could not be paused, and plays on."
    story.send(events.PlayerFailed(ServiceDown("503.")))
    assert problem(story) == "503."


def test_a_wish_to_pause_is_over_when_the_user_plays_something() -> None:
    story = happy_music()
    story.send(events.PauseMusic())
    story.send(events.PlayerFailed(WAIT, None, Command.PAUSE))
    story.music(Happening.USER_CHOSE, context="x", chosen_by=Chooser.USER)
    paused = len(story.all(effects.PauseMusic))
    story.send(events.PlayerRecovered())
    assert len(story.all(effects.PauseMusic)) == paused


def test_a_break_whose_music_cannot_be_paused_says_so_and_pauses_it_later() -> None:
    """'Camera and music rest' was told, and the music played on all break long."""
    story = happy_music()
    story.heard("p:happy")
    story.send(events.PlayerFailed(WAIT))
    story.send(events.TakeBreak())
    story.pass_time(READ_PATIENCE + 1.0)
    assert story.answer.body.startswith(
        "The camera rests, and the music as soon as it can be paused: Wait until noon."
    )
    story.send(events.PlayerFailed(WAIT, None, Command.PAUSE))
    assert problem(story).endswith("and is paused then.")
    paused = len(story.all(effects.PauseMusic))
    story.heard("p:happy")
    story.send(events.PlayerRecovered())
    assert len(story.all(effects.PauseMusic)) == paused + 1
    story.music(Happening.ECHO, state=PlayState.PAUSED, context="p:happy", paused_by_hand=True)
    story.send(events.ResumeCamera())
    assert len(story.all(effects.ResumeMusic)) == 1
    assert story.answer.body.endswith("The music goes on.")


def test_a_break_that_ends_before_its_music_was_paused_leaves_it_alone() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.TakeBreak())
    story.send(events.PlayerFailed(WAIT, None, Command.PAUSE))
    story.send(events.ResumeCamera())
    assert "music" not in story.answer.body
    paused = len(story.all(effects.PauseMusic))
    story.send(events.PlayerRecovered())
    assert len(story.all(effects.PauseMusic)) == paused
    assert not story.all(effects.ResumeMusic)


def test_a_call_whose_music_cannot_be_paused_says_so() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.PlayerFailed(WAIT))
    story.send(events.SessionChanged(SCREEN_SHARED))
    story.pass_time(READ_PATIENCE + 1.0)
    assert told_last(story) == (
        "The music is to rest: The screen is shared. The music is paused as soon as it can be: "
        "Wait until noon."
    )


def test_music_that_cannot_go_on_after_a_break_does_so_later() -> None:
    """'The music goes on' was told; it never did, and 'you paused the music' was why."""
    story = happy_music()
    story.heard("p:happy")
    story.send(events.TakeBreak())
    story.music(Happening.ECHO, state=PlayState.PAUSED, context="p:happy", paused_by_hand=True)
    story.send(events.PlayerFailed(WAIT))
    story.send(events.ResumeCamera())
    assert story.answer.body.endswith("The music goes on as soon as it can: Wait until noon.")
    story.send(events.PlayerFailed(WAIT, None, Command.RESUME))
    assert "the music begins; later, ask for it again" in told_last(story)
    assert "you paused" not in why_text(story.controller.snapshot)
    resumed = len(story.all(effects.ResumeMusic))
    story.music(state=PlayState.PAUSED, context="p:happy", paused_by_hand=True)
    story.send(events.PlayerRecovered())
    assert len(story.all(effects.ResumeMusic)) == resumed + 1


def test_a_next_track_that_cannot_be_had_now_is_answered() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.PlayerFailed(WAIT))
    story.send(events.NextTrack())
    story.send(events.PlayerFailed(WAIT, None, Command.NEXT))
    assert story.answer.body == "Wait until noon. Ask for the next track again then."


def test_an_undo_that_cannot_be_carried_out_now_may_be_asked_again() -> None:
    """'There is nothing to undo' was the answer to the second try, and the change stood."""
    story = undone()
    story.pass_time(4000)
    story.heard("p:happy")
    story.look("neutral", 60)
    story.started()
    story.heard("p:neutral")
    story.send(events.UndoSwitch())
    back = story.all(effects.Play)[-1].playlist
    story.send(events.PlayerFailed(WAIT, back, Command.PLAY))
    assert story.answer.body == "Wait until noon. The change stands; take it back again then."
    assert story.controller.snapshot.undo_to is not None
    plays = len(story.uris)
    story.send(events.PlayerRecovered())
    story.send(events.UndoSwitch())
    assert story.uris[plays:] == ["p:happy"]
    story.started()
    assert story.answer.title.startswith("Back to")


def playing_out_of_silence_in_a_wait() -> Story:
    """Happy music was begun in silence, then Spotify asked to wait: an Undo leads into silence."""
    story = Story(NOW)
    story.music(state=PlayState.STOPPED, context=None)
    story.look("happy", 15)
    story.send(events.PlayForMood())
    story.started()
    story.heard("p:happy")
    story.send(events.PlayerFailed(WAIT))
    return story


def test_an_undo_into_silence_is_told_once_it_is_silent() -> None:
    """'Back to silence' was told while Spotify asked to wait, and it played on."""
    story = playing_out_of_silence_in_a_wait()
    told = len(story.answers)
    story.send(events.UndoSwitch())
    story.send(events.PlayerFailed(WAIT, None, Command.PAUSE))
    (answer,) = story.answers[told:]
    assert answer.body.endswith("The music plays on until that is over, and is paused then.")
    story.send(events.TakeBreak())
    story.pass_time(READ_PATIENCE + 1.0)
    assert "No music plays now" not in story.answer.body
    assert "No music goes on then." in story.answer.body
    told = len(story.answers)
    story.heard("p:happy")
    story.send(events.PlayerRecovered())
    story.music(Happening.ECHO, state=PlayState.PAUSED, context="p:happy", paused_by_hand=True)
    assert story.answers[told].title == "Back to silence"


def test_a_break_that_ends_without_a_login_does_not_say_that_the_music_goes_on() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.TakeBreak())
    story.music(Happening.ECHO, state=PlayState.PAUSED, context="p:happy", paused_by_hand=True)
    story.send(events.PlayerFailed(NeedsLogin("Log in again.")))
    story.send(events.ResumeCamera())
    assert story.answer.body.endswith("The music cannot go on: Log in again.")


def test_a_break_in_a_wait_is_answered_at_once() -> None:
    """The reading that it waited for could not come."""
    story = happy_music()
    story.heard("p:happy")
    story.send(events.PlayerFailed(WAIT))
    story.pass_time(30.0)
    story.send(events.TakeBreak())
    assert story.answer.title.startswith("Taking a break")


def test_who_closed_the_device_is_not_said_to_have_paused() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.music(Happening.DEVICE_GONE, PlayState.UNAVAILABLE, "p:happy", paused_by_hand=True)
    story.music(Happening.NOTHING, PlayState.PAUSED, "p:happy", paused_by_hand=True)
    assert "Now: the device that played was closed." in why_text(story.controller.snapshot)
    story.send(events.ForgetEverything())
    story.music(Happening.NOTHING, PlayState.PAUSED, "p:happy", paused_by_hand=True)
    assert "you took back" not in why_text(story.controller.snapshot)
    story.music(Happening.RESUMED, context="p:happy", chosen_by=Chooser.USER)
    story.music(Happening.PAUSED, PlayState.PAUSED, "p:happy", paused_by_hand=True)
    assert "you paused the music" in why_text(story.controller.snapshot)


def test_a_word_is_taken_though_its_music_cannot_begin_yet() -> None:
    """'Spotify asks us to wait' was all that was said to 'I feel sad'."""
    story = happy_music()
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.heard("p:happy")
    story.send(events.SetMood(MoodState.SAD))
    until = story.controller.snapshot.mood_until
    assert until is not None
    (sad,) = ONE_EACH[MoodState.SAD]
    story.send(events.PlayerFailed(WAIT, sad, Command.PLAY))
    assert story.answer.body.endswith(f"That you feel sad holds until {until:%H:%M}.")


def test_a_wait_that_outlasts_the_wish_promises_nothing() -> None:
    story = Story(NOW)
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.music(state=PlayState.STOPPED, context=None)
    story.look("happy", 15)
    story.send(events.PlayForMood())
    (happy,) = ONE_EACH[MoodState.HAPPY]
    hours = RateLimited("Wait.", until=story.clock.now() + timedelta(hours=3))
    story.send(events.PlayerFailed(hours, happy, Command.PLAY))
    assert story.answer.body == "Wait. Ask for the music again then."


@pytest.mark.parametrize("error", [WAIT, NOWHERE])
def test_the_very_playlist_that_was_wished_is_what_begins_later(error: PlayerError) -> None:
    """'Happy songs plays on', or other music for the mood, was what came of it."""
    story = happy_music()
    two = (Playlist("p:happy", "H"), Playlist("p:more", "More"), Playlist("p:third", "Third"))
    story.send(events.PlayerChanged("test player", {**ONE_EACH, MoodState.HAPPY: two}))
    story.heard("p:happy")
    story.send(events.NextPlaylist())
    story.send(events.PlayerFailed(error, two[1], Command.PLAY))
    story.heard("p:happy")
    plays = len(story.uris)
    story.send(events.PlayerRecovered())
    assert story.uris[plays:] == ["p:more"]
    story.started()
    story.heard("p:more")
    (angry,) = ONE_EACH[MoodState.ANGRY]
    story.send(events.PlayPlaylist(angry))
    story.send(events.PlayerFailed(error, angry, Command.PLAY))
    story.heard("p:more")
    plays = len(story.uris)
    story.send(events.PlayerRecovered())
    assert story.uris[plays:] == ["p:angry"]
    story.started()
    assert story.controller.snapshot.left_alone_until is not None


def test_one_that_is_gone_leaves_its_place_to_others() -> None:
    story = happy_music()
    two = (Playlist("p:happy", "H"), Playlist("p:more", "More"))
    story.send(events.PlayerChanged("test player", {MoodState.HAPPY: two}))
    story.music(state=PlayState.STOPPED, context=None)
    story.send(events.PlayPlaylist(two[1]))
    plays = len(story.uris)
    story.send(events.PlayerFailed(PlaylistGone("It is gone."), two[1], Command.PLAY))
    assert story.uris[plays:] == ["p:happy"]


def test_music_that_may_play_no_more_is_not_said_to_play_on_in_a_wait() -> None:
    """The user had paused it in its own app, which nobody could read."""
    story = happy_music()
    story.heard("p:happy")
    story.send(events.PlayerFailed(WAIT))
    story.pass_time(30.0)
    story.send(events.PlayForMood())
    assert "plays on" not in story.answer.title
    assert story.answer.body.endswith("the music begins; later, ask for it again.")
    story.music(Happening.PAUSED, PlayState.PAUSED, "p:happy", paused_by_hand=True)
    assert story.answer.title == "The music stays paused"
    plays = len(story.uris)
    story.send(events.PlayerRecovered())
    assert len(story.uris) == plays


def test_music_that_does_play_on_is_said_to_once_it_is_known() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.PlayerFailed(WAIT))
    story.pass_time(30.0)
    story.send(events.PlayForMood())
    story.heard("p:happy")
    story.send(events.PlayerRecovered())
    assert story.answer.title == "♪ Happy plays on"


def test_a_pause_that_the_device_refuses_is_no_wish_for_silence_any_more() -> None:
    """'No music plays now, so none goes on then' was told of the music that played."""
    story = happy_music()
    story.heard("p:happy")
    story.send(events.PauseMusic())
    story.send(events.PlayerFailed(PlayerError("It takes no commands."), None, Command.PAUSE))
    assert story.answer.body == "It takes no commands. The music could not be paused, and plays on."
    story.heard("p:happy")
    story.send(events.TakeBreak())
    assert "No music" not in story.answer.body


def test_a_denied_mood_in_a_wait_lets_the_change_stand() -> None:
    story = Story(NOW)
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.music()
    story.look("sad", 15)
    story.started()
    story.heard("p:sad")
    story.send(events.NotMyMood())
    back = story.all(effects.Play)[-1].playlist
    story.send(events.PlayerFailed(WAIT, back, Command.PLAY))
    assert "The change stands; take it back again then." in story.answer.body
    assert story.controller.snapshot.left_alone_until is None
    plays = len(story.uris)
    story.send(events.PlayerRecovered())
    story.send(events.UndoSwitch())
    assert len(story.uris) == plays + 1


def test_what_ended_with_an_undo_that_failed_is_told() -> None:
    story = happy_music()
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.heard("p:happy")
    story.send(events.SetMood(MoodState.SAD))
    story.started()
    story.heard("p:sad")
    story.send(events.UndoSwitch())
    back = story.all(effects.Play)[-1].playlist
    story.send(events.PlayerFailed(WAIT, back, Command.PLAY))
    assert "What you said of your mood holds no more." in story.answer.body


@pytest.mark.parametrize("quiet", [events.PauseMusic(), events.TakeBreak()])
def test_a_wish_for_music_is_newer_than_a_pause_that_has_not_come(quiet: events.Event) -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.PlayerFailed(WAIT))
    story.send(quiet)
    story.send(events.PlayerFailed(WAIT, None, Command.PAUSE))
    story.send(events.PlayForMood())
    paused = len(story.all(effects.PauseMusic))
    story.heard("p:happy")
    story.send(events.PlayerRecovered())
    assert len(story.all(effects.PauseMusic)) == paused
    assert story.controller.snapshot.music_rests is None


@pytest.mark.parametrize("error", [WAIT, NeedsLogin("Log in again.")])
def test_of_a_player_that_was_not_read_nobody_says_that_it_is_silent(error: PlayerError) -> None:
    """'No music plays now, so none goes on then' was told while Spotify played."""
    story = Story(NOW)
    story.send(events.PlayerFailed(error))
    story.send(events.NextTrack())
    assert "No music plays" not in f"{story.answer.title} {story.answer.body}"
    story.send(events.TakeBreak())
    assert "No music plays" not in story.answer.body
    assert f"Whether music plays is not known: {error.message}" in story.answer.body


def test_a_word_that_had_to_wait_is_over_when_it_is_taken_back() -> None:
    """'You asked for music' was told after a word that held no more."""
    story = happy_music()
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.heard("p:happy")
    story.send(events.SetMood(MoodState.SAD))
    (sad,) = ONE_EACH[MoodState.SAD]
    story.send(events.PlayerFailed(WAIT, sad, Command.PLAY))
    story.send(events.FollowFace())
    plays, told = len(story.uris), len(story.answers)
    story.heard("p:happy")
    story.send(events.PlayerRecovered())
    assert (len(story.uris), len(story.answers)) == (plays, told)


def test_a_word_that_had_to_wait_is_followed_as_one() -> None:
    story = happy_music()
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.heard("p:happy")
    story.send(events.SetMood(MoodState.SAD))
    (sad,) = ONE_EACH[MoodState.SAD]
    story.send(events.PlayerFailed(WAIT, sad, Command.PLAY))
    story.heard("p:happy")
    story.send(events.PlayerRecovered())
    story.started()
    assert story.answer.body.startswith("You said you feel sad.")


def test_a_journey_that_had_to_wait_is_over_when_it_is_ended() -> None:
    story = happy_music()
    story.send(events.PlayerChanged("test player", ONE_EACH))
    story.heard("p:happy")
    story.send(events.BeginJourney(MoodState.HAPPY, MoodState.SAD))
    (sad,) = ONE_EACH[MoodState.SAD]
    story.send(events.PlayerFailed(WAIT, sad, Command.PLAY))
    story.send(events.EndJourney())
    plays = len(story.uris)
    story.heard("p:happy")
    story.send(events.PlayerRecovered())
    assert len(story.uris) == plays


def test_a_denied_mood_leaves_a_wish_that_waits() -> None:
    """'What plays is left alone' was told, and other music followed after the wait."""
    story = waiting_for_a_device()
    story.send(events.NotMyMood())
    assert "begins by itself when it can" in story.answer.body


def test_an_undo_into_silence_that_is_on_its_way_is_not_said_to_be_done() -> None:
    story = playing_out_of_silence_in_a_wait()
    story.send(events.UndoSwitch())
    story.send(events.PlayerFailed(WAIT, None, Command.PAUSE))
    story.send(events.UndoSwitch())
    assert story.answer.body.endswith("and is paused then.")


def test_trouble_with_a_folder_is_over_when_it_is_adopted_again() -> None:
    story, only = folder_taken_away()
    assert problem(story) == "There is no folder."
    story.send(events.PlayerChanged("test player", only))
    assert problem(story) == ""


def test_a_break_that_ends_in_a_call_is_not_told_any_more() -> None:
    """For five seconds 'you are taking a break' stood there: the player was to be read first."""
    story = happy_music()
    story.heard("p:happy")
    story.send(events.SessionChanged(SCREEN_SHARED))
    story.pass_time(READ_PATIENCE + 1.0)
    story.music(Happening.ECHO, PlayState.PAUSED, "p:happy", paused_by_hand=True)
    story.send(events.TakeBreak(story.clock.now() + timedelta(minutes=1)))
    story.pass_time(61.0)
    assert "taking a break" not in why_text(story.controller.snapshot)


def test_a_pause_that_had_to_wait_for_long_comes_no_more() -> None:
    """After three hours it stopped the music of somebody who had long forgotten it."""
    story = happy_music()
    story.heard("p:happy")
    hours = RateLimited("Wait.", until=story.clock.now() + timedelta(hours=3))
    story.send(events.PauseMusic())
    story.send(events.PlayerFailed(hours, None, Command.PAUSE))
    assert story.answer.body == "Wait. The music plays on; pause it again then."
    story.pass_time(WISH_LIFE + 1.0)
    story.heard("p:happy")
    paused = len(story.all(effects.PauseMusic))
    story.send(events.PlayerRecovered())
    assert len(story.all(effects.PauseMusic)) == paused
    story.send(events.TakeBreak())
    assert "No music" not in story.answer.body


def test_a_pause_that_waits_is_over_for_who_skips_a_track() -> None:
    story = happy_music()
    story.heard("p:happy")
    story.send(events.PauseMusic())
    story.send(events.PlayerFailed(WAIT, None, Command.PAUSE))
    story.music(Happening.SKIPPED, context="p:happy", chosen_by=Chooser.AGENT)
    paused = len(story.all(effects.PauseMusic))
    story.send(events.PlayerRecovered())
    assert len(story.all(effects.PauseMusic)) == paused
