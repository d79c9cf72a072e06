"""The menu as tables: what a snapshot says and what its lines do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agent.desktop.tray.menu import (
    LINE_WIDTH,
    SEPARATOR,
    Caps,
    Item,
    MenuAction,
    build_menu,
    mood_line,
    music_line,
    pause_until_tomorrow,
    shorten,
    tooltip,
)
from agent.events import (
    AskForConsent,
    LogIn,
    LogOut,
    NextPlaylist,
    NotMyMood,
    OpenPage,
    PauseCamera,
    PlayForMood,
    Quit,
    RestartWorkers,
    ResumeCamera,
    SetAutostart,
    SetMood,
    ShowPreview,
    UndoSwitch,
)
from agent.types import (
    EMOTIONS,
    CameraState,
    Mood,
    MoodState,
    Playback,
    PlayState,
    Snapshot,
    Status,
)
from agent.wording import part_stopped
from tests.desktop.tray_program import sample_snapshot

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def flat(items: tuple[Item, ...]) -> dict[str, Item]:
    """All lines by label, "Parent > child" for those of a submenu."""
    found: dict[str, Item] = {}
    for item in items:
        if not item.separator:
            found[item.label] = item
            found |= {f"{item.label} > {k}": v for k, v in flat(item.children).items()}
    return found


def lines(**changes: object) -> dict[str, Item]:
    return flat(build_menu(replace(sample_snapshot(), **changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("label", "event"),
    [
        ("Play for my mood", PlayForMood()),
        ("Next playlist for this mood", NextPlaylist()),
        ("Pause camera", PauseCamera()),
        ("Show preview", ShowPreview(True)),
        ("Start at login", SetAutostart(True)),
        ("Log out of Spotify", LogOut()),
        ("Quit", Quit()),
        ("Why? > Undo: back to what played before", UndoSwitch(sample_snapshot().switch)),
        ("Why? > This is not my mood", NotMyMood(MoodState.HAPPY)),
        ("I feel… > angry", SetMood(MoodState.ANGRY)),
        ("I feel… > surprised", SetMood(MoodState.SURPRISE)),
        ("History…", OpenPage("history")),
        ("Settings…", OpenPage("settings")),
    ],
)
def test_what_a_line_does(label: str, event: object) -> None:
    assert lines()[label].event == event


@pytest.mark.parametrize(
    ("label", "action"),
    [
        ("Open settings folder", MenuAction.SETTINGS_FOLDER),
        ("About Moodtray", MenuAction.ABOUT),
    ],
)
def test_what_a_line_asks_of_the_rim(label: str, action: MenuAction) -> None:
    assert lines()[label].action is action


@pytest.mark.parametrize(
    ("label", "now", "until"),
    [
        ("15 minutes", "12:00", "2026-11-22T12:15"),
        ("1 hour", "23:30", "2026-11-23T00:30"),
        ("until tomorrow", "12:00", "2026-11-23T06:00"),
        ("until tomorrow", "02:59", "2026-11-22T06:00"),
        ("until tomorrow", "03:00", "2026-11-23T06:00"),
    ],
)
def test_pauses_count_from_the_click(label: str, now: str, until: str) -> None:
    item = lines()[f"Pause camera for > {label}"]
    clock = datetime.fromisoformat(f"2026-11-22T{now}:00+00:00")
    assert callable(item.event)
    assert item.event(clock) == PauseCamera(datetime.fromisoformat(f"{until}:00+00:00"))


def test_tomorrow_is_never_less_than_three_hours_away() -> None:
    for hour in range(24):
        now = NOON.replace(hour=hour, minute=59)
        until = pause_until_tomorrow(now).until
        assert until is not None
        assert 3 * 3600 < (until - now).total_seconds() <= 27 * 3600


def mood(state: MoodState, by_hand: bool = False) -> Mood:
    return Mood(state, 0.0, 0.8, by_hand=by_hand)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "You look happy"),
        ({"mood": mood(MoodState.DISGUST)}, "You look disgusted"),
        ({"mood": mood(MoodState.SAD, True)}, "You feel sad (you said so)"),
        ({"mood": mood(MoodState.UNSURE), "status": Status.UNSURE}, "Not sure how you feel"),
        ({"mood": mood(MoodState.AWAY), "status": Status.AWAY}, "Nobody in front of the camera"),
        ({"status": Status.STARTING}, "Starting…"),
        ({"status": Status.PAUSED, "camera_paused": True}, "Camera paused"),
        (
            {"status": Status.PAUSED, "camera_paused": True, "paused_until": NOON},
            "Camera paused until 12:00",
        ),
        ({"status": Status.PAUSED, "held_off": "screen locked"}, "Camera off: screen locked"),
        ({"status": Status.CAMERA_BUSY}, "The camera cannot be used"),
        ({"camera": CameraState.LOST}, "The camera is gone; looking for it"),
        ({"status": Status.PAUSED, "consent": False}, "The camera is not allowed yet"),
        ({"status": Status.ERROR, "stopped": ("watcher",)}, "Not watching"),
        ({"status": Status.ERROR, "stopped": ("player",)}, "You look happy"),
        # Trouble with the music does not hide what the camera knows.
        ({"status": Status.OFFLINE}, "You look happy"),
    ],
)
def test_first_line(changes: dict[str, object], text: str) -> None:
    assert mood_line(replace(sample_snapshot(), **changes)) == text  # type: ignore[arg-type]


def playback(state: PlayState, name: str | None = "Sunny days") -> Playback:
    return Playback(0.0, state, "local:happy", name)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "♪ Sunny days"),
        ({"playback": playback(PlayState.PAUSED)}, "Paused: Sunny days"),
        ({"playback": playback(PlayState.STOPPED)}, "No music plays"),
        ({"playback": playback(PlayState.PLAYING, None)}, "♪ music"),
        ({"playback": playback(PlayState.UNAVAILABLE)}, "No player to be reached"),
        ({"playback": None}, "No player to be reached"),
        ({"status": Status.NEEDS_LOGIN}, "Please log in to Spotify"),
        ({"status": Status.OFFLINE}, "No connection to the music service"),
        ({"status": Status.ERROR, "stopped": ("player",)}, "Out of touch with the music"),
    ],
)
def test_second_line(changes: dict[str, object], text: str) -> None:
    assert music_line(replace(sample_snapshot(), **changes)) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "there", "not_there"),
    [
        ({"camera_paused": True}, "Resume camera", "Pause camera"),
        ({"logged_in": None}, "Log in to Spotify…", "Log out of Spotify"),
        ({"player": ""}, "Quit", "Log in to Spotify…"),
        ({"logged_in": False}, "Log in to Spotify…", "Log out of Spotify"),
        ({"autostart": None}, "Quit", "Start at login"),
        ({"switch": None, "decision": None}, "Why? > Nothing has been decided yet", "Undo"),
        ({"problem": "The disk is full"}, "The disk is full", "Start again"),
        ({"stopped": ("session",)}, "Start again", "Resume camera"),
        ({"consent": False}, "Allow the camera…", "Pause camera"),
        ({"consent": False, "camera_paused": True}, "Allow the camera…", "Resume camera"),
        ({}, "Pause camera for", "Allow the camera…"),
    ],
)
def test_lines_come_and_go(changes: dict[str, object], there: str, not_there: str) -> None:
    found = lines(**changes)
    assert there in found
    assert not_there not in found


def test_events_follow_the_state() -> None:
    assert lines(camera_paused=True)["Resume camera"].event == ResumeCamera()
    assert lines(consent=False)["Allow the camera…"].event == AskForConsent()
    assert lines(stopped=("watcher",))["Start again"].event == RestartWorkers()
    assert lines(logged_in=False)["Log in to Spotify…"].event == LogIn()
    shown = lines(preview_open=True)["Show preview"]
    assert (shown.checked, shown.event) == (True, ShowPreview(False))
    starts = lines(autostart=True)["Start at login"]
    assert (starts.checked, starts.event) == (True, SetAutostart(False))


def test_own_word_is_checked() -> None:
    marked = [k for k, v in lines(mood=mood(MoodState.SAD, True)).items() if v.checked]
    assert marked == ["I feel… > sad"]
    assert not [k for k, v in lines().items() if v.checked]


def test_seven_feelings_in_the_order_of_the_network() -> None:
    feel = lines()["I feel…"]
    moods = [i.event.mood for i in feel.children if isinstance(i.event, SetMood)]
    assert moods == [MoodState(name) for name in EMOTIONS]


def test_reason_is_told_in_full_and_wrapped() -> None:
    reason = " ".join(["word"] * 40)
    snapshot = sample_snapshot()
    assert snapshot.switch is not None
    told = replace(snapshot.switch, reason=reason)
    why = flat(build_menu(replace(snapshot, switch=told, decision=told)))["Why?"]
    texts = [i.label for i in why.children if not i.enabled and not i.separator]
    assert " ".join(texts) == f"Sunny days: {reason}"
    assert max(map(len, texts)) <= LINE_WIDTH


def test_a_newer_reason_is_told_beside_the_switch() -> None:
    snapshot = sample_snapshot()
    assert snapshot.decision is not None
    newer = replace(snapshot.decision, reason="you chose this playlist by hand")
    assert "Why? > Now: you chose this playlist by hand" in lines(decision=newer)


def test_a_mood_that_is_none_cannot_be_denied_by_name() -> None:
    found = lines(mood=mood(MoodState.UNSURE), status=Status.UNSURE)
    assert found["Why? > This is not my mood"].event == NotMyMood()


def test_a_problem_is_told_in_full_and_wrapped() -> None:
    problem = "The playlist of that name is gone. " + part_stopped("watcher")
    told = build_menu(replace(sample_snapshot(), problem=problem))[2:]
    texts = [item.label for item in told[: told.index(SEPARATOR)]]
    assert " ".join(texts) == problem
    assert max(map(len, texts)) <= LINE_WIDTH


def test_what_stopped_is_followed_by_the_way_out() -> None:
    problem = part_stopped("watcher")
    told = build_menu(replace(sample_snapshot(), problem=problem, stopped=("watcher",)))[2:]
    texts = [item.label for item in told[: told.index(SEPARATOR)]]
    assert " ".join(texts[:-1]) == "Looking through the camera stopped after repeated failures."
    assert texts[-1] == "Start again"


def test_names_of_any_length_and_shape() -> None:
    long = playback(PlayState.PLAYING, "Rock & Roll\n" * 50)
    text = music_line(replace(sample_snapshot(), playback=long))
    assert len(text) <= LINE_WIDTH
    assert "\n" not in text
    assert len(tooltip(replace(sample_snapshot(), playback=long))) <= 127
    assert shorten("short") == "short"


def test_system_without_preview_and_autostart() -> None:
    found = flat(build_menu(sample_snapshot(), Caps(preview=False, autostart=False)))
    assert "Show preview" not in found
    assert "Start at login" not in found


def test_equal_states_give_equal_menus() -> None:
    # The tray rebuilds the native menu only when this differs.
    one = sample_snapshot()
    other = replace(one, mood=replace(one.mood, confidence=0.5), observation=None)
    assert build_menu(one) == build_menu(other)
    assert build_menu(one) != build_menu(replace(one, preview_open=True))


def test_only_lines_to_read_are_dead() -> None:
    snapshot: Snapshot = sample_snapshot()
    dead = [k for k, v in flat(build_menu(snapshot)).items() if not v.enabled]
    assert [label for label in dead if not label.startswith("Why?")] == [
        "You look happy",
        "♪ Sunny days",
    ]
    assert not SEPARATOR.enabled
