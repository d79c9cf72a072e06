"""The sentences that menu, status, notifications, preview and demo share, as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from agent.core import messages
from agent.desktop.tray.menu import build_menu
from agent.players.local import loop
from agent.store import catalogues
from agent.types import (
    Action,
    CameraState,
    Candidate,
    Decision,
    Evidence,
    Mood,
    MoodState,
    Observation,
    Pause,
    Playback,
    Playlist,
    PlayState,
    Status,
)
from agent.wording import (
    LINE_WIDTH,
    LOOKING,
    MOOD_WORDS,
    MOODS,
    NO_MOOD_YET,
    camera_line,
    decided,
    describe,
    evidence_line,
    lasting,
    mood_line,
    music_line,
    no_picture_line,
    parse_minutes,
    parse_mood,
    sentence,
    shorten,
    track_line,
    watch_line,
    why_lines,
)
from tests.desktop.tray_program import sample_snapshot

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def mood(state: MoodState, by_hand: bool = False) -> Mood:
    return Mood(state, 0.0, 0.8, by_hand=by_hand)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "You look happy"),
        ({"mood": mood(MoodState.DISGUST)}, "You look disgusted"),
        ({"mood": mood(MoodState.SAD, True)}, "You said you feel sad"),
        ({"mood": mood(MoodState.UNSURE), "status": Status.UNSURE}, LOOKING),
        (
            {
                "mood": mood(MoodState.UNSURE),
                "status": Status.UNSURE,
                "observation": Observation(0.0, 1, None),
            },
            "Not sure how you feel",
        ),
        (
            {
                "mood": mood(MoodState.UNSURE),
                "status": Status.UNSURE,
                "observation": Observation(0.0, 1, None, unclear="turned away"),
            },
            "Not sure how you feel: turned away",
        ),
        (
            {
                "mood": mood(MoodState.AWAY),
                "status": Status.AWAY,
                "observation": Observation(0.0, 0, None, unclear="too dark to see"),
            },
            "Too dark to see",
        ),
        ({"mood": mood(MoodState.AWAY), "status": Status.AWAY}, "Nobody in front of the camera"),
        ({"camera": CameraState.OFF, "observation": None}, "Switching the camera on…"),
        ({"mood": mood(MoodState.UNSURE), "observation": None}, "Looking for your face…"),
        ({"status": Status.PAUSED, "camera_paused": True}, "Camera paused"),
        (
            {"status": Status.PAUSED, "camera_paused": True, "paused_until": NOON},
            "Camera paused until 12:00",
        ),
        (
            {"status": Status.PAUSED, "camera_paused": True, "on_break": True, "until_back": True},
            "Taking a break until you are back",
        ),
        (
            {"mood": mood(MoodState.SAD, True), "mood_until": NOON},
            "You said you feel sad, until 12:00",
        ),
        (
            {"status": Status.PAUSED, "held_off": "the screen is locked"},
            "Camera off: the screen is locked",
        ),
        ({"camera": CameraState.BUSY}, "The camera cannot be used"),
        ({"camera": CameraState.LOST}, "The camera is gone; looking for it"),
        ({"status": Status.PAUSED, "consent": False}, "The camera is not allowed"),
        ({"status": Status.ERROR, "stopped": ("watcher",)}, "Not watching"),
        ({"status": Status.ERROR, "stopped": ("player",)}, "You look happy"),
        # Trouble with the music does not hide what the camera knows.
        ({"status": Status.OFFLINE}, "You look happy"),
    ],
)
def test_mood_line(changes: dict[str, object], text: str) -> None:
    assert mood_line(replace(sample_snapshot(), **changes)) == text  # type: ignore[arg-type]


def test_an_empty_picture_says_why_it_is_empty_and_not_what_was_said() -> None:
    said = replace(
        sample_snapshot(), mood=replace(mood(MoodState.SAD), by_hand=True), camera=CameraState.BUSY
    )
    assert mood_line(said) == "You said you feel sad"
    assert no_picture_line(said) == "The camera cannot be used"


def playback(state: PlayState, name: str | None = "Sunny days") -> Playback:
    return Playback(0.0, state, "local:happy", name)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "♪ Sunny days"),
        ({"playback": playback(PlayState.PAUSED)}, "Paused: Sunny days"),
        ({"playback": playback(PlayState.STOPPED)}, "No music plays"),
        ({"playback": playback(PlayState.PLAYING, None)}, "♪ music"),
        ({"playback": playback(PlayState.UNAVAILABLE)}, "No music player answers"),
        ({"playback": None}, "No music player answers"),
        ({"status": Status.NEEDS_LOGIN}, "Please log in to Spotify"),
        ({"status": Status.OFFLINE}, "No connection to the music service"),
        ({"status": Status.ERROR, "stopped": ("player",)}, "Out of touch with the music"),
    ],
)
def test_music_line(changes: dict[str, object], text: str) -> None:
    assert music_line(replace(sample_snapshot(), **changes)) == text  # type: ignore[arg-type]


@pytest.mark.parametrize("said", ["surprised", "SURPRISE", " Surprised ", "I feel surprised"])
def test_moods_are_named_by_the_words_of_menu_and_settings_in_any_case(said: str) -> None:
    assert parse_mood(said) is MoodState.SURPRISE


def test_every_mood_has_its_word_and_auto_is_none() -> None:
    assert [parse_mood(MOOD_WORDS[state].upper()) for state in MOODS] == list(MOODS)
    assert parse_mood("Auto") is None


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("mood", MOODS)
def test_the_names_that_we_ship_are_told_in_full(mood: MoodState, language: str) -> None:
    try:
        catalogues.speak(language)
        ours = loop(mood.value).name
        playback = Playback(0.0, PlayState.PLAYING, "local:x", ours)
        until = datetime(2026, 1, 1, 23, 59, tzinfo=UTC)
        shown = replace(sample_snapshot(), playback=playback, undo_to=ours, left_alone_until=until)
        assert ours in music_line(shown)
        assert ours in build_menu(shown)[0].label
    finally:
        catalogues.speak("en")


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_menus_words_name_a_mood_in_every_language(language: str) -> None:
    try:
        catalogues.speak(language)
        wrong = next(item for item in build_menu(sample_snapshot()) if len(item.children) > 7)
        feelings = [item.label for item in wrong.children[: len(MOODS)]]
        assert [parse_mood(words) for words in feelings] == list(MOODS)
        assert feelings[0] == {"en": "I feel happy", "de": "Ich bin fröhlich"}[language]
    finally:
        catalogues.speak("en")


def test_a_word_that_is_no_mood_is_told_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"no mood 'joyful'.*angry, disgusted.*auto"):
        parse_mood("joyful")


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        ("15", 15),
        ("90s", 1.5),
        ("15 min", 15),
        ("1h", 60),
        ("1.5H", 90),
        ("1h30m", 90),
        ("2d", 2880),
    ],
)
def test_times_as_people_write_them(said: str, minutes: float) -> None:
    assert parse_minutes(said) == pytest.approx(minutes)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "said",
    [
        "",
        "0",
        "-5",
        "soon",
        "1x",
        "8d",
        "1.2.3h",
        "inf",
        "nan",
        "1e9",
        "1" * 60 + "!",
        "." * 60 + "x",
    ],
)
def test_times_that_are_none_are_told(said: str) -> None:
    with pytest.raises(ValueError, match="15m, 1h or 1h30m"):
        parse_minutes(said)


def test_what_was_said_is_told_as_said() -> None:
    assert describe(mood(MoodState.SAD)) == "you look sad"
    assert describe(mood(MoodState.SAD, True)) == "you said you feel sad"


@pytest.mark.parametrize(
    ("state", "look", "text"),
    [
        (MoodState.HAPPY, None, "You look happy"),
        (MoodState.HAPPY, MoodState.HAPPY, "You look happy"),
        (MoodState.HAPPY, MoodState.SAD, "You look happy – this look: sad"),
        (MoodState.HAPPY, MoodState.AWAY, "No face in the picture"),
        (MoodState.UNSURE, MoodState.HAPPY, "Not sure yet – this look: happy"),
        (MoodState.UNSURE, MoodState.AWAY, "No face in the picture"),
        (MoodState.AWAY, MoodState.AWAY, "Nobody in front of the camera"),
        (MoodState.AWAY, MoodState.HAPPY, "Nobody in front of the camera"),
    ],
)
def test_one_look_is_not_yet_a_mood(state: MoodState, look: MoodState | None, text: str) -> None:
    seen = replace(sample_snapshot(), mood=mood(state))
    assert watch_line(seen, look) == text


def test_why_a_frame_says_nothing_is_told_once() -> None:
    assert (
        watch_line(sample_snapshot(), MoodState.SAD, "turned away")
        == "You look happy  ·  turned away"
    )
    dark = replace(
        sample_snapshot(),
        mood=mood(MoodState.AWAY),
        status=Status.AWAY,
        observation=Observation(0.0, 0, None, unclear="too dark to see"),
    )
    assert watch_line(dark, None, "too dark to see") == "Too dark to see"


def test_the_track_is_told_where_it_says_more_than_the_playlist() -> None:
    both = Playback(0.0, PlayState.PLAYING, "x", "Sunny days", title="Ann - Song")
    alone = Playback(0.0, PlayState.PLAYING, None, None, title="Ann - Song")
    silent = replace(both, state=PlayState.STOPPED)
    told = [track_line(replace(sample_snapshot(), playback=each)) for each in (both, alone, silent)]
    assert told == ["Ann - Song", None, None]


def test_why_tells_the_switch_and_what_holds_now() -> None:
    snapshot = sample_snapshot()
    assert why_lines(replace(snapshot, change=None, decision=None)) == (NO_MOOD_YET,)
    newer = Decision(0.0, Action.KEEP, MoodState.HAPPY, None, "you paused the music")
    told = why_lines(replace(snapshot, decision=newer))
    assert told[0].startswith("Sunny days: you have looked happy")
    assert told[1] == "Now: you paused the music"


def test_a_reason_is_told_in_the_past_once_the_face_looks_otherwise_or_nobody_looks() -> None:
    blue = Playlist("b", "Blue hour")
    change = Decision(0.0, Action.SWITCH_NOW, MoodState.SAD, blue, describe(MoodState.SAD))
    kept = Decision(9.0, Action.KEEP, MoodState.SAD, None, "you paused the music")
    sad = Mood(MoodState.SAD, 0.0, 0.9)
    still = replace(sample_snapshot(), change=change, decision=kept, mood=sad)
    assert why_lines(still)[0] == "Blue hour: you look sad"
    for changes in (
        {"mood": Mood(MoodState.HAPPY, 0.0, 0.9)},
        {"mood": Mood(MoodState.UNSURE, 0.0, 0.5)},
        {"mood": Mood(MoodState.AWAY, 0.0, 0.5)},
        {"mood": replace(sad, by_hand=True)},
        {"camera_paused": True},
        {"held_off": "the screen is locked"},
    ):
        assert why_lines(replace(still, **changes))[0] == "Blue hour: you looked sad"


def test_why_tells_of_a_journey_that_has_not_changed_the_music() -> None:
    change = Decision(0.0, Action.SWITCH_NOW, MoodState.HAPPY, Playlist("x", "X"), "you look happy")
    way = "you look happy, and the music leads to calm, and what plays fits already"
    kept = Decision(9.0, Action.KEEP, MoodState.HAPPY, None, way)
    told = why_lines(replace(sample_snapshot(), change=change, decision=kept))
    assert told == ("X: you look happy", f"Now: {way}")


def evidence(correction: tuple[float, ...] | None = None) -> Evidence:
    return Evidence((0, 0, 0, 0.92, 0.05, 0, 0.03), MoodState.SAD, 240.0, correction, 0.88)


@pytest.mark.parametrize(
    ("mood", "found", "text"),
    [
        (
            MoodState.HAPPY,
            evidence(),
            "happy was at 92 %, a mood is named from 88 %; for 4 min; next came sad with 5 %",
        ),
        (  # it was named before and is held, or asked for before it is named
            MoodState.HAPPY,
            replace(evidence(), threshold=0.95),
            "happy was at 92 %; for 4 min; next came sad with 5 %",
        ),
        (MoodState.UNSURE, evidence(), "happy came nearest with 92 %"),  # it was denied
        (
            MoodState.UNSURE,
            replace(evidence(), threshold=0.95),
            "happy came nearest with 92 %, and 95 % is needed",
        ),
        (  # never "92 %, and 92 % is needed"
            MoodState.UNSURE,
            replace(evidence(), threshold=0.924),
            "happy came nearest with 91 %, and 92 % is needed",
        ),
        (
            MoodState.AWAY,
            evidence((0.1,) * 7),
            "happy came nearest with 92 %; read as your own face",
        ),
    ],
)
def test_evidence_in_plain_words(mood: MoodState, found: Evidence, text: str) -> None:
    assert evidence_line(mood, found) == text


def test_why_tells_what_it_rests_on() -> None:
    snapshot = sample_snapshot()
    why = "you look happy, and what plays fits already"
    kept = Decision(0.0, Action.KEEP, MoodState.HAPPY, None, why, evidence())
    told = why_lines(replace(snapshot, decision=kept), evidence=True)
    assert len(told) == 2
    assert told[1].startswith("Now: you look happy, and what plays fits already (happy was at 92 %")
    assert "92 %" not in "".join(why_lines(replace(snapshot, decision=kept)))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"consent": False}, "Nothing has been decided yet. The camera is not allowed"),
        ({"camera_paused": True}, "Nothing has been decided yet. Camera paused"),
        (
            {"candidate": Candidate(MoodState.SAD, 0.62, 0.88)},
            "Nothing has been decided yet. You may look sad, but that is at 62 %, "
            "and 88 % is needed",
        ),
        ({}, NO_MOOD_YET),
    ],
)
def test_why_tells_why_nothing_was_decided(changes: dict[str, Any], text: str) -> None:
    snapshot = replace(sample_snapshot(), change=None, decision=None, **changes)
    assert why_lines(snapshot, evidence=True) == (text,)


def test_what_waits_for_the_end_of_the_track_says_so() -> None:
    later = Decision(
        0.0, Action.SWITCH_AT_END, MoodState.SAD, Playlist("x", "Blue hour"), "you look sad"
    )
    assert decided(later) == "you look sad; Blue hour follows when this track ends"


@pytest.mark.parametrize(
    ("pause", "text"),
    [
        (Pause(None), "off until you resume it"),
        (Pause(None, until_back=True), "off until you are back"),
        (Pause(None, on_break=True), "off until you say so"),
        (Pause(NOON.replace(hour=15, minute=30)), "off until 15:30"),
        (Pause(NOON + timedelta(days=1)), "off until Mon 23, 12:00"),
        (Pause(NOON.astimezone(timezone(timedelta(hours=9)))), "off until 12:00"),
    ],
)
def test_how_long_it_lasts(pause: Pause, text: str) -> None:
    assert lasting("off", pause, NOON) == text


def test_the_day_of_a_time_is_named_in_the_language_in_force() -> None:
    try:
        catalogues.speak("de")
        assert lasting("aus", Pause(NOON + timedelta(days=1)), NOON) == "aus bis Mo 23., 12:00"
    finally:
        catalogues.speak("en")


def test_a_clause_has_its_comma_in_german_and_a_time_has_none() -> None:
    """'Pause bis du zurück bist', 'pausiert bis du sie wieder einschaltest'."""
    paused = replace(sample_snapshot(), camera_paused=True)
    on_break = replace(paused, on_break=True, until_back=True)
    later = NOON + timedelta(hours=1)
    try:
        catalogues.speak("de")
        told = [
            camera_line(paused, NOON),
            camera_line(replace(paused, paused_until=later), NOON),
            camera_line(replace(on_break, after_break=Pause(later)), NOON),
            messages.on_break(None, True, NOON, music=True, camera=True).title,
            messages.on_break(None, False, NOON, music=True, camera=True).title,
            messages.on_break(later, False, NOON, music=True, camera=True).title,
            messages.break_goes_on(None, NOON, camera=True).title,
        ]
    finally:
        catalogues.speak("en")
    assert told == [
        "pausiert, bis du sie wieder einschaltest",
        "pausiert bis 13:00",
        "pausiert, bis du zurück bist, die Kamera allein bis 13:00",
        "Pause, bis du zurück bist",
        "Pause, bis du es sagst",
        "Pause bis 13:00",
        "Deine Pause geht weiter, bis du es sagst",
    ]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "on"),
        ({"consent": False}, "not allowed; 'moodtray consent' tells"),
        ({"camera_paused": True}, "paused until you resume it"),
        ({"held_off": "the screen is locked"}, "off: the screen is locked"),
        ({"camera": CameraState.BUSY}, "cannot be used"),
        ({"stopped": ("watcher",)}, "off"),
    ],
)
def test_camera_line(changes: dict[str, object], text: str) -> None:
    told = camera_line(replace(sample_snapshot(), **changes), NOON)  # type: ignore[arg-type]
    assert told.startswith(text)


def test_names_of_any_length_and_shape() -> None:
    long = playback(PlayState.PLAYING, "Rock & Roll\n" * 50)
    text = music_line(replace(sample_snapshot(), playback=long))
    assert len(text) <= LINE_WIDTH
    assert "\n" not in text
    assert shorten("short") == "short"
    assert sentence("you look happy") == "You look happy."
