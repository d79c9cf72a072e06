"""The policy: a table of situations, and what must hold in every one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.policy import (
    ASK_PATIENCE,
    WAITS_FOR_DEVICE,
    Circumstances,
    Listener,
    choose,
    decide,
)
from agent.settings import PolicySettings
from agent.types import (
    Action,
    Chooser,
    Guide,
    Happening,
    Mood,
    MoodState,
    Playback,
    Playlist,
    PlayState,
)
from agent.wording import evidence_line

NOW = 10_000.0
JOY, JOY2, BLUES = (
    Playlist("p:joy", "Joy"),
    Playlist("p:joy2", "More joy"),
    Playlist("p:b", "Blues"),
)
CALM = Playlist("p:calm", "Calm")
PLAYLISTS = {
    MoodState.HAPPY: (JOY, JOY2),
    MoodState.SAD: (BLUES,),
    MoodState.NEUTRAL: (CALM,),
}
SETTINGS = PolicySettings()
HAPPY = Mood(MoodState.HAPPY, NOW - 60, 0.8)
MUSIC = Playback(
    NOW, PlayState.PLAYING, context="x", track="t", position=10.0, duration=200.0
)  # of unknown choice, in mid-track
SILENCE = Playback(NOW, PlayState.STOPPED)
PAUSED = Playback(NOW, PlayState.PAUSED, context="x", paused_by_hand=True)
CHOSEN = replace(MUSIC, chosen_by=Chooser.USER, chosen_since=NOW - 600)
ASLEEP = Playback(NOW, PlayState.UNAVAILABLE)
EAGER = PolicySettings(start_when_silent=True)
ABOUT = Circumstances(now=NOW)
ASKED = Circumstances(now=NOW, asked_since=NOW)


def mood(state: MoodState) -> Mood:
    return Mood(state, NOW - 60, 0.8)


PODCAST = replace(MUSIC, spoken=True)
AT_ONCE = PolicySettings(timing="now")
CUTS_IN = PolicySettings(timing="now", interrupt_speech=True)
KEEP, SWITCH, LATER = Action.KEEP, Action.SWITCH_NOW, Action.SWITCH_AT_END
TABLE = [
    ("a fitting change waits for the track's end", HAPPY, MUSIC, ABOUT, SETTINGS, LATER),
    ("somebody who speaks is left alone", HAPPY, PODCAST, ABOUT, AT_ONCE, KEEP),
    ("unless that is set", HAPPY, PODCAST, ABOUT, CUTS_IN, SWITCH),
    ("or music is asked for", HAPPY, PODCAST, ASKED, AT_ONCE, SWITCH),
    (
        "between two chapters too",
        HAPPY,
        PODCAST,
        replace(ABOUT, happening=Happening.TRACK_ENDED),
        SETTINGS,
        KEEP,
    ),
    (
        "a podcast that is paused is silence",
        HAPPY,
        replace(PODCAST, state=PlayState.PAUSED),
        ABOUT,
        EAGER,
        SWITCH,
    ),
    (
        "at the track's end it comes",
        HAPPY,
        MUSIC,
        replace(ABOUT, happening=Happening.TRACK_ENDED),
        SETTINGS,
        SWITCH,
    ),
    ("at once by setting", HAPPY, MUSIC, ABOUT, PolicySettings(timing="now"), SWITCH),
    (
        "a radio has no end to wait for",
        HAPPY,
        replace(MUSIC, duration=None),
        ABOUT,
        SETTINGS,
        SWITCH,
    ),
    ("what plays fits already", HAPPY, replace(MUSIC, context="p:joy2"), ABOUT, SETTINGS, KEEP),
    (
        "a loop makes way for music of the user's own, in the cool-down too",
        HAPPY,
        replace(MUSIC, context="local:happy"),
        replace(ABOUT, last_switch=NOW - 5),
        SETTINGS,
        LATER,
    ),
    (
        "the loop of another mood waits as any music does",
        HAPPY,
        replace(MUSIC, context="local:sad"),
        replace(ABOUT, last_switch=NOW - 5),
        SETTINGS,
        KEEP,
    ),
    ("unsure", mood(MoodState.UNSURE), MUSIC, ABOUT, SETTINGS, KEEP),
    ("away", mood(MoodState.AWAY), MUSIC, ABOUT, SETTINGS, KEEP),
    ("no playlist for it", mood(MoodState.FEAR), MUSIC, ABOUT, SETTINGS, KEEP),
    ("no player", HAPPY, None, ABOUT, SETTINGS, KEEP),
    ("no device", HAPPY, ASLEEP, ABOUT, SETTINGS, KEEP),
    ("no device to be seen, and silence may be broken", HAPPY, ASLEEP, ABOUT, EAGER, SWITCH),
    ("nor one to be found", HAPPY, ASLEEP, replace(ABOUT, deviceless=True), EAGER, KEEP),
    (
        "the device that played is gone",
        HAPPY,
        replace(ASLEEP, context="x", paused_by_hand=True),
        ABOUT,
        EAGER,
        KEEP,
    ),
    ("asked, and no device", HAPPY, ASLEEP, replace(ASKED, deviceless=True), SETTINGS, SWITCH),
    ("a device is waited for", HAPPY, MUSIC, replace(ABOUT, awaited=WAITS_FOR_DEVICE), EAGER, KEEP),
    ("a change is owed to silence", HAPPY, SILENCE, replace(ABOUT, owed=True), SETTINGS, SWITCH),
    ("and to a device that wakes", HAPPY, ASLEEP, replace(ABOUT, owed=True), SETTINGS, SWITCH),
    ("but not to a pause by hand", HAPPY, PAUSED, replace(ABOUT, owed=True), EAGER, KEEP),
    ("cool-down", HAPPY, MUSIC, replace(ABOUT, last_switch=NOW - 60), SETTINGS, KEEP),
    ("cooled down", HAPPY, MUSIC, replace(ABOUT, last_switch=NOW - 121), SETTINGS, LATER),
    ("camera paused", HAPPY, MUSIC, replace(ABOUT, watching=False), SETTINGS, KEEP),
    (
        "camera paused, mood by hand",
        replace(HAPPY, by_hand=True),
        MUSIC,
        replace(ABOUT, watching=False),
        SETTINGS,
        LATER,
    ),
    ("paused by hand", HAPPY, PAUSED, ABOUT, SETTINGS, KEEP),
    (
        "paused by hand, even where silence may be broken",
        HAPPY,
        PAUSED,
        ABOUT,
        PolicySettings(start_when_silent=True, timing="now"),
        KEEP,
    ),
    ("chosen by hand", HAPPY, CHOSEN, ABOUT, SETTINGS, KEEP),
    (
        "chosen by hand long ago",
        HAPPY,
        replace(CHOSEN, chosen_since=NOW - 3601),
        ABOUT,
        SETTINGS,
        LATER,
    ),
    ("silence stays silence", HAPPY, SILENCE, ABOUT, SETTINGS, KEEP),
    ("unless set", HAPPY, SILENCE, ABOUT, PolicySettings(start_when_silent=True), SWITCH),
    (
        "our own playlist ran out",
        HAPPY,
        replace(SILENCE, chosen_by=Chooser.AGENT),
        replace(ABOUT, ran_out=True),
        SETTINGS,
        SWITCH,
    ),
    (
        "theirs ran out: silence",
        HAPPY,
        replace(SILENCE, chosen_by=Chooser.USER),
        replace(ABOUT, happening=Happening.CONTEXT_ENDED),
        SETTINGS,
        KEEP,
    ),
    ("asked in silence", HAPPY, SILENCE, ASKED, SETTINGS, SWITCH),
    ("asked while paused", HAPPY, PAUSED, ASKED, SETTINGS, SWITCH),
    ("asked over a chosen playlist", HAPPY, CHOSEN, ASKED, SETTINGS, SWITCH),
    ("asked, mood open yet", mood(MoodState.UNSURE), SILENCE, ASKED, SETTINGS, KEEP),
    (
        "asked, nobody to look at",
        mood(MoodState.UNSURE),
        SILENCE,
        replace(ASKED, watching=False),
        SETTINGS,
        SWITCH,
    ),
    (
        "asked, and patience is over",
        mood(MoodState.UNSURE),
        SILENCE,
        replace(ASKED, asked_since=NOW - ASK_PATIENCE),
        SETTINGS,
        SWITCH,
    ),
    (
        "taken back",
        HAPPY,
        MUSIC,
        replace(ABOUT, hands_off_until=NOW + 5),
        PolicySettings(timing="now"),
        KEEP,
    ),
]


@pytest.mark.parametrize(
    ("mood", "playback", "about", "settings", "expected"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_table(
    mood: Mood,
    playback: Playback | None,
    about: Circumstances,
    settings: PolicySettings,
    expected: Action,
) -> None:
    decision = decide(mood, playback, about, settings, PLAYLISTS)
    assert decision.action is expected
    assert decision.reason
    assert (decision.playlist is None) == (expected is KEEP)


def test_asked_without_a_clear_mood_takes_the_last_clear_one() -> None:
    about = replace(ASKED, last_emotion=MoodState.SAD)
    decision = decide(mood(MoodState.UNSURE), SILENCE, about, SETTINGS, PLAYLISTS)
    assert decision.playlist == BLUES
    assert "sad" in decision.reason


def test_silence_that_waits_for_a_wish_is_not_put_on_an_unclear_mood() -> None:
    unsure, playable = mood(MoodState.UNSURE), {MoodState.HAPPY: (Playlist("p:joy", "Joy"),)}
    told = decide(unsure, SILENCE, ABOUT, SETTINGS, playable).reason
    assert told == "nothing plays, and Moodtray starts music only when asked"
    told = decide(unsure, SILENCE, ABOUT, EAGER, playable).reason
    assert told == "your mood is not clear just now"


@pytest.mark.parametrize(
    "about",
    [
        replace(ABOUT, hands_off_until=NOW + 600.0),
        replace(ABOUT, watching=False, unseen="the camera is paused"),
        replace(ABOUT, watching=False, unseen="the camera is not allowed"),
    ],
)
@pytest.mark.parametrize("state", [PlayState.STOPPED, PlayState.PAUSED])
def test_silence_is_not_put_on_what_ends_without_music(
    about: Circumstances, state: PlayState
) -> None:
    """Nobody waits for the end of a pause, or of the time after an Undo, for music that only a
    wish begins."""
    silent = replace(SILENCE, state=state)
    told = decide(mood(MoodState.HAPPY), silent, about, SETTINGS, PLAYLISTS).reason
    assert told == "nothing plays, and Moodtray starts music only when asked"
    told = decide(mood(MoodState.HAPPY), silent, about, EAGER, PLAYLISTS).reason
    assert told == about.unseen or about.hands_off_until is not None


def test_playlists_take_turns() -> None:
    assert choose((JOY, JOY2), ()) == JOY
    assert choose((JOY, JOY2), ("p:joy",)) == JOY2
    assert choose((JOY, JOY2), ("p:joy", "p:joy2")) == JOY
    assert choose((JOY, JOY2), ("p:joy", "p:joy2", "p:joy")) == JOY2


moods = st.builds(
    Mood, st.sampled_from(list(MoodState)), st.just(NOW - 5), st.floats(0, 1), by_hand=st.booleans()
)
playbacks = st.one_of(
    st.none(),
    st.builds(
        Playback,
        time=st.just(NOW),
        state=st.sampled_from(list(PlayState)),
        context=st.sampled_from([None, "x", "p:joy", "p:b"]),
        position=st.sampled_from([None, 3.0]),
        duration=st.sampled_from([None, 200.0]),
        chosen_by=st.sampled_from(list(Chooser)),
        chosen_since=st.sampled_from([None, NOW - 10, NOW - 7200]),
        paused_by_hand=st.booleans(),
    ),
)
abouts = st.builds(
    Circumstances,
    now=st.just(NOW),
    watching=st.booleans(),
    ran_out=st.booleans(),
    owed=st.booleans(),
    deviceless=st.booleans(),
    awaited=st.booleans(),
    happening=st.sampled_from(list(Happening)),
    last_switch=st.one_of(st.none(), st.floats(NOW - 300, NOW)),
    hands_off_until=st.one_of(st.none(), st.floats(NOW - 10, NOW + 10)),
)
rules = st.builds(
    PolicySettings,
    timing=st.sampled_from(["now", "track_end"]),
    start_when_silent=st.booleans(),
)


@given(moods, playbacks, abouts, rules)
def test_unasked_it_never_goes_against_the_hand_or_the_cooldown(
    mood: Mood, playback: Playback | None, about: Circumstances, settings: PolicySettings
) -> None:
    decision = decide(mood, playback, about, settings, PLAYLISTS)
    if decision.action is Action.KEEP:
        assert decision.playlist is None
        return
    assert playback is not None
    assert not playback.paused_by_hand
    assert not about.awaited
    if playback.state is PlayState.UNAVAILABLE and not about.owed:
        assert not about.deviceless
    assert mood.state.is_emotion
    assert decision.playlist in PLAYLISTS[mood.state]
    assert about.last_switch is None or NOW - about.last_switch >= settings.cooldown
    assert about.hands_off_until is None or about.hands_off_until <= NOW
    if playback.state is PlayState.PLAYING and playback.chosen_by is Chooser.USER:
        assert playback.chosen_since is not None
        assert NOW - playback.chosen_since >= settings.hands_off_minutes * 60
    if playback.state is not PlayState.PLAYING:
        assert settings.start_when_silent or about.ran_out or about.owed
    if decision.action is Action.SWITCH_NOW and settings.timing == "track_end":
        assert (
            playback.state is not PlayState.PLAYING
            or playback.duration is None
            or about.happening in (Happening.TRACK_ENDED, Happening.CONTEXT_ENDED)
        )


def test_playlists_that_are_missing_are_not_said_to_be_unset() -> None:
    empty = {MoodState.HAPPY: ()}
    about = replace(ABOUT, missing=frozenset({MoodState.HAPPY}))
    assert "no playlist is set" in decide(HAPPY, MUSIC, ABOUT, SETTINGS, empty).reason
    assert "cannot be found" in decide(HAPPY, MUSIC, about, SETTINGS, empty).reason
    asked = replace(about, asked_since=NOW)
    assert "cannot be found" in decide(HAPPY, MUSIC, asked, SETTINGS, empty).reason


# --- what a decision rests on --------------------------------------------------------------------


def test_what_came_next_is_never_the_mood_itself() -> None:
    """A wish for music may be met for a mood that is only likely, or was seen last."""
    seven = (0.0, 0.0, 0.02, 0.03, 0.1, 0.0, 0.85)
    listener = Listener(Mood(MoodState.UNSURE, 4.0, 0.85, seven), True, None, threshold=0.75)
    likely = listener.evidence(40.0, MoodState.NEUTRAL)
    assert likely is not None
    assert (likely.runner_up, likely.seconds) == (MoodState.SAD, 0.0)
    assert evidence_line(MoodState.NEUTRAL, likely) == (
        "neutral was at 85 %, a mood is named from 75 %; next came sad with 10 %"
    )
    assert evidence_line(MoodState.UNSURE, likely) == "neutral came nearest with 85 %", "denied"
    unsure = listener.evidence(40.0, MoodState.UNSURE)
    assert unsure is not None
    assert unsure.seconds == 36.0


def test_music_that_leads_elsewhere_is_for_the_mood_it_leads_from() -> None:
    about = Circumstances(now=10.0, asked_since=9.0, guide=Guide(MoodState.HAPPY, "and it leads"))
    mood = Mood(MoodState.SAD, 0.0, 0.9)
    lists = {MoodState.HAPPY: (Playlist("p:happy", "Happy"),)}
    decision = decide(mood, None, about, PolicySettings(), lists)
    assert (decision.mood, decision.playlist) == (MoodState.SAD, lists[MoodState.HAPPY][0])
    assert decision.reason == "you asked for music, and you look sad, and it leads"
