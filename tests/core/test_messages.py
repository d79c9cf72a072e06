"""The words of notifications: when they no longer hold, and what wears which sign."""

from __future__ import annotations

import pytest

from agent.core.messages import (
    holds,
    info,
    journey_begun,
    journey_ends,
    stale,
    trouble,
    welcome,
    why,
)
from agent.errors import NeedsLogin, PlaylistGone
from agent.events import EndJourney, LogIn, OpenPage
from agent.types import (
    Action,
    CameraState,
    Chooser,
    Decision,
    Evidence,
    JourneyView,
    Mood,
    MoodState,
    NotificationKind,
    Playback,
    Playlist,
    PlayState,
    Snapshot,
    Status,
)


def snapshot(**changes: object) -> Snapshot:
    mood = Mood(MoodState.HAPPY, 0.0, 1.0)
    switch = Decision(0.0, Action.SWITCH_NOW, MoodState.HAPPY, Playlist("a", "A"), "happy")
    fields = {"playback": None, "decision": switch, "switch": switch, "camera": CameraState.ON}
    return Snapshot(Status.WATCHING, mood, **{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "now", "still"),
    [
        ("login", {"logged_in": False}, True),
        ("login", {"logged_in": True}, False),
        ("login", {"logged_in": None}, False),
        ("camera", {"camera": CameraState.BUSY}, True),
        ("camera", {"camera": CameraState.LOST}, True),
        ("camera", {}, False),
        ("camera", {"consent": False}, True),
        ("camera", {"camera_paused": True}, True),
        ("warning", {}, True),
        ("device", {"problem": "No device"}, True),
        ("device", {}, False),
        ("problem", {"problem": "Broken"}, True),
        ("problem", {}, False),
        ("switch", {}, True),
        ("switch", {"switch": None}, False),
        ("switch", {"playback": Playback(0, PlayState.PLAYING, chosen_by=Chooser.USER)}, False),
        ("switch", {"playback": Playback(0, PlayState.PLAYING, chosen_by=Chooser.AGENT)}, True),
        ("switch", {"music_rests": "you are taking a break"}, False),
        ("switch", {"playback": Playback(0, PlayState.PAUSED, paused_by_hand=True)}, False),
        ("switch", {"playback": Playback(0, PlayState.STOPPED, chosen_by=Chooser.AGENT)}, False),
        ("rest", {"music_rests": "another program uses the camera"}, True),
        ("rest", {}, False),
        ("info", {}, True),
    ],
)
def test_whether_it_still_holds(kind: str, now: dict[str, object], still: bool) -> None:
    assert holds(NotificationKind(kind), snapshot(**now)) is still
    assert holds(NotificationKind(kind), None)


def test_only_what_held_before_is_stale() -> None:
    well, broken = snapshot(), snapshot(problem="Broken")
    assert stale(None, well) == ()
    assert stale(well, broken) == ()
    assert stale(broken, broken) == ()
    assert set(stale(broken, well)) == {NotificationKind.DEVICE, NotificationKind.PROBLEM}


def test_trouble_has_its_kind_and_the_way_out() -> None:
    login = trouble(NeedsLogin("Log in again."))
    assert (login.kind, login.buttons) == (NotificationKind.LOGIN, (("Log in", LogIn()),))
    gone = trouble(PlaylistGone("The folder is not there."))
    assert gone.buttons == (("Music for my moods", OpenPage("moods")),)
    assert info("t", "m", trouble=True).kind is NotificationKind.WARNING
    assert info("t", "m").kind is NotificationKind.INFO


def test_no_face_is_shown_before_a_mood_is_known() -> None:
    assert welcome(plays=False).emotion is None


def test_the_journey_is_told_in_steps_and_how_it_ends() -> None:
    ends = journey_ends(MoodState.HAPPY, seen=True)
    told = journey_begun(JourneyView(1, 3, MoodState.SAD, MoodState.HAPPY), True, ends=ends)
    assert told.title == "The music leads from sad to happy, step 1 of 3"
    assert "when you look happy, after the last step" in told.body
    assert told.buttons == (("End the journey", EndJourney()),)


def test_why_says_nothing_twice() -> None:
    plays = Playback(0.0, PlayState.PLAYING, "a", "A")
    change = Decision(0.0, Action.SWITCH_NOW, MoodState.HAPPY, Playlist("a", "A"), "you look happy")
    fits = "you look happy, and what plays fits already"
    kept = Decision(9.0, Action.KEEP, MoodState.HAPPY, None, fits)
    told = why(snapshot(playback=plays, change=change, switch=change, decision=kept))
    assert (told.title, told.body) == ("You look happy", "♪ A\nBecause you look happy.")


def test_why_is_told_in_plain_words() -> None:
    evidence = Evidence((0.0, 0.0, 0.0, 0.92, 0.0, 0.0, 0.08), MoodState.NEUTRAL, 240.0, None, 0.88)
    kept = Decision(0.0, Action.KEEP, MoodState.HAPPY, None, "it fits", evidence=evidence)
    assert "%" not in why(snapshot(decision=kept)).body
