"""The menu as tables: what a snapshot says and what its lines do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.desktop.tray.menu import (
    SEPARATOR,
    Caps,
    Item,
    MenuAction,
    build_menu,
    needs_user,
    tooltip,
)
from agent.events import (
    AskForConsent,
    BeginJourney,
    EndJourney,
    FollowFace,
    KeepLesson,
    LogIn,
    LogOut,
    NextPlaylist,
    NextTrack,
    NotMe,
    NotMyMood,
    OpenPage,
    PauseCamera,
    PauseMusic,
    PlayForMood,
    Quit,
    RestartWorkers,
    ResumeCamera,
    ResumeMusic,
    SetAutostart,
    SetMood,
    SetVolume,
    ShowMusicFolders,
    ShowPreview,
    StopLesson,
    TakeBreak,
    TellWhy,
    UndoSwitch,
)
from agent.timing import tomorrow
from agent.types import (
    EMOTIONS,
    JourneyView,
    LessonStage,
    LessonView,
    Mood,
    MoodState,
    OwnFace,
    Playback,
    PlayState,
    Status,
)
from agent.wording import LINE_WIDTH, MOODS, part_stopped
from tests.desktop.tray_program import sample_snapshot

AT_REST: dict[str, object] = {"camera_paused": True, "on_break": True}
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
UNHEARD = Playback(0.0, PlayState.PLAYING, unheard=True)


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
        ("Next playlist", NextPlaylist()),
        ("Next track", NextTrack()),
        ("Pause music", PauseMusic()),
        ("You look happy", TellWhy()),
        ("♪ Sunny days", TellWhy()),
        ("Take a break > Until I come back", TakeBreak(until_back=True)),
        ("Take a break > Camera alone: until I resume it", PauseCamera()),
        ("Why this music?", TellWhy()),
        ("Wrong mood? > Lift me, with music", BeginJourney(MoodState.HAPPY)),
        ("Music for my moods…", OpenPage("moods")),
        ("More > My music folders…", ShowMusicFolders()),
        ("Settings…", OpenPage("settings")),
        ("History…", OpenPage("history")),
        ("Delete my data…", OpenPage("history#delete")),
        ("More > Your face…", OpenPage("face")),
        ("More > Somebody else sits here", NotMe()),
        ("More > Show preview", ShowPreview(True)),
        ("More > Start at login", SetAutostart(True)),
        ("More > Log out of Spotify", LogOut()),
        ("Quit", Quit()),
        ("Wrong mood? > I just do not feel happy", NotMyMood(MoodState.HAPPY)),
        ("Wrong mood? > I feel angry", SetMood(MoodState.ANGRY, wrong=MoodState.HAPPY)),
        ("Wrong mood? > I feel surprised", SetMood(MoodState.SURPRISE, wrong=MoodState.HAPPY)),
    ],
)
def test_what_a_line_does(label: str, event: object) -> None:
    assert lines()[label].event == event


@pytest.mark.parametrize(
    ("label", "action"),
    [
        ("More > About Moodtray", MenuAction.ABOUT),
    ],
)
def test_what_a_line_asks_of_the_rim(label: str, action: MenuAction) -> None:
    assert lines()[label].action is action


@pytest.mark.parametrize(
    ("label", "now", "until"),
    [
        ("15 minutes", "12:00", "2026-11-22T12:15"),
        ("1 hour", "23:30", "2026-11-23T00:30"),
        ("Until tomorrow", "12:00", "2026-11-23T06:00"),
        ("Until tomorrow", "02:59", "2026-11-22T06:00"),
        ("Until tomorrow", "03:00", "2026-11-23T06:00"),
    ],
)
def test_breaks_count_from_the_click(label: str, now: str, until: str) -> None:
    clock = datetime.fromisoformat(f"2026-11-22T{now}:00+00:00")
    end = datetime.fromisoformat(f"{until}:00+00:00")
    both = lines()[f"Take a break > {label}"].event
    of_camera = f"Take a break > Camera alone: {label[0].lower()}{label[1:]}"
    alone = lines()[of_camera].event
    assert callable(both)
    assert callable(alone)
    assert (both(clock), alone(clock)) == (TakeBreak(end), PauseCamera(end))


def test_tomorrow_is_never_less_than_three_hours_away() -> None:
    for hour in range(24):
        now = NOON.replace(hour=hour, minute=59)
        assert 3 * 3600 < (tomorrow(now) - now).total_seconds() <= 27 * 3600


def mood(state: MoodState, by_hand: bool = False) -> Mood:
    return Mood(state, 0.0, 0.8, by_hand=by_hand)


@pytest.mark.parametrize(
    ("changes", "there", "not_there"),
    [
        ({"camera_paused": True}, "Resume camera", "Camera paused"),
        ({"camera_paused": True, "paused_until": NOON}, "Resume camera (else at 12:00)", "x"),
        ({**AT_REST, "paused_until": NOON}, "I am back (break until 12:00)", "Resume camera"),
        (
            {**AT_REST, "paused_since": NOON, "paused_until": NOON + timedelta(hours=18)},
            "I am back (break until Mon 23, 06:00)",
            "I am back (break until 06:00)",
        ),
        ({"camera_paused": True, "on_break": True}, "I am back", "Resume camera"),
        ({"undo_to": "Blue hour"}, "Undo: back to Blue hour", "Start again"),
        ({"undo_to": "x", "stopped": ("player",)}, "Start again", "Undo: back to x"),
        ({"volume": 0.8}, "Volume > 80%", "Start again"),
        ({"logged_in": None}, "More > Log in to Spotify…", "More > Log out of Spotify"),
        ({"player": ""}, "Quit", "More > Log in to Spotify…"),
        ({"logged_in": False}, "More > Log in to Spotify…", "Log in to Spotify…"),
        ({"status": Status.NEEDS_LOGIN}, "Log in to Spotify…", "Start again"),
        ({"autostart": None}, "Quit", "More > Start at login"),
        (
            {"playback": Playback(0.0, PlayState.PLAYING, unheard=True)},
            "Nothing is heard: no sound device",
            "x",
        ),
        (
            {"playback": Playback(0.0, PlayState.PLAYING)},
            "Quit",
            "Nothing is heard: no sound device",
        ),
        ({"problem": "The disk is full"}, "The disk is full", "Start again"),
        ({"stopped": ("session",)}, "Start again", "Resume camera"),
        ({"consent": False}, "Allow the camera…", "The camera is not allowed"),
        ({"consent": False, "camera_paused": True}, "Allow the camera…", "Resume camera"),
        ({"consent": False, **AT_REST}, "I am back", "Allow the camera…"),
        ({"stopped": ("watcher",), **AT_REST}, "I am back", "Resume camera"),
        ({}, "Take a break", "Allow the camera…"),
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
    assert lines(logged_in=False)["More > Log in to Spotify…"].event == LogIn()
    shown = lines(preview_open=True)["More > Show preview"]
    assert (shown.checked, shown.event) == (True, ShowPreview(False))
    starts = lines(autostart=True)["More > Start at login"]
    assert (starts.checked, starts.event) == (True, SetAutostart(False))


def test_own_word_is_checked_and_can_be_ended() -> None:
    found = lines(mood=mood(MoodState.SAD, True), mood_until=NOON)
    assert [k for k, v in found.items() if v.checked] == ["Wrong mood? > I feel sad"]
    assert found["Wrong mood? > I feel happy"].event == SetMood(MoodState.HAPPY)
    assert found["Wrong mood? > Go by my face again (else at 12:00)"].event == FollowFace()
    assert not [k for k, v in lines().items() if v.checked]


def test_undo_stands_on_top_and_means_the_switch_that_is_shown() -> None:
    snapshot = replace(sample_snapshot(), undo_to="Blue hour")
    first = build_menu(snapshot)[0]
    assert (first.label, first.event) == ("Undo: back to Blue hour", UndoSwitch(snapshot.switch))


def test_after_an_undo_the_music_may_be_let_change_again() -> None:
    found = lines(left_alone_until=NOON)
    assert found["Wrong mood? > Let the music change again (else at 12:00)"].event == FollowFace()


def test_the_volume_is_checked_at_the_nearest_step() -> None:
    found = lines(volume=0.75)
    assert [k for k, v in found.items() if v.checked] == ["Volume > 80%"]
    assert found["Volume > 40%"].event == SetVolume(0.4)


def test_paused_music_goes_on() -> None:
    playback = Playback(0.0, PlayState.PAUSED, "local:happy", "Sunny days")
    assert lines(playback=playback)["Resume music"].event == ResumeMusic()


def test_the_track_is_told_below_the_playlist() -> None:
    playback = Playback(0.0, PlayState.PLAYING, "local:happy", "Sunny days", title="Ann - Song")
    labels = [item.label for item in build_menu(replace(sample_snapshot(), playback=playback))]
    assert labels[2:5] == ["You look happy", "♪ Sunny days", "Ann - Song"]
    unnamed = replace(sample_snapshot(), player="Moodtray's own player")
    assert [item.label for item in build_menu(unnamed)][4] == "Moodtray's own player"


def test_the_reason_is_asked_for_in_one_place() -> None:
    questions = "Why this music?", "Why is it silent?"
    for playback, question in zip((sample_snapshot().playback, None), questions, strict=True):
        menu = build_menu(replace(sample_snapshot(), playback=playback))
        assert (menu[5].label, menu[5].event) == (question, TellWhy())
        asked = [label for label in flat(menu) if label.rpartition(" > ")[2] in questions]
        assert asked == [question]


def test_a_journey_that_was_wished_last_is_what_an_undo_ends() -> None:
    journey = JourneyView(1, 2, MoodState.SAD, MoodState.HAPPY)
    snapshot = replace(sample_snapshot(), undo_to="x", journey=journey, undoes_journey=True)
    first = build_menu(snapshot)[0]
    assert (first.label, first.event) == ("Undo: end the journey to happy", EndJourney())


def test_seven_feelings_from_light_to_heavy() -> None:
    feel = lines()["Wrong mood?"]
    moods = [i.event.mood for i in feel.children if isinstance(i.event, SetMood)]
    assert tuple(moods) == MOODS
    assert {mood.value for mood in moods} == set(EMOTIONS)


def test_a_problem_is_told_in_full_and_wrapped() -> None:
    problem = "The playlist of that name is gone. " + part_stopped("watcher")
    told = build_menu(replace(sample_snapshot(), problem=problem))[6:]
    texts = [item.label for item in told if item.text]
    assert " ".join(texts) == problem
    assert max(map(len, texts)) <= LINE_WIDTH


def test_what_stopped_is_followed_by_the_way_out() -> None:
    problem = part_stopped("watcher")
    told = build_menu(replace(sample_snapshot(), problem=problem, stopped=("watcher",)))[6:]
    texts = [item.label for item in told[: told.index(SEPARATOR) - 1]]
    assert " ".join(texts[:-1]) == "Looking through the camera stopped after repeated failures."
    assert texts[-1] == "Start again"


def test_names_of_any_length_and_shape() -> None:
    long = Playback(0.0, PlayState.PLAYING, "x", "Rock & Roll\n" * 50, title="T\t" * 90)
    snapshot = replace(sample_snapshot(), playback=long, undo_to="<b>" * 90)
    for item in build_menu(snapshot):
        assert len(item.label) <= LINE_WIDTH
        assert item.label.isprintable()
    assert len(tooltip(snapshot)) <= 127


def test_system_without_preview_and_autostart() -> None:
    found = flat(build_menu(sample_snapshot(), Caps(preview=False, autostart=False)))
    assert "More > Show preview" not in found
    assert "More > Start at login" not in found


def test_equal_states_give_equal_menus() -> None:
    # The tray rebuilds the native menu only when this differs.
    one = sample_snapshot()
    other = replace(one, mood=replace(one.mood, confidence=0.5), observation=None)
    assert build_menu(one) == build_menu(other)
    assert build_menu(one) != build_menu(replace(one, preview_open=True))


def test_the_face_has_a_page_and_a_lesson_an_end() -> None:
    def under_more(**changes: object) -> dict[str, Item]:
        return flat(lines(**changes)["More"].children)

    assert under_more(own_face=OwnFace.LEARNED) == under_more(), (
        "what is kept of it is forgotten on its page"
    )
    going = under_more(lesson=LessonView(LessonStage.REST, 0.3))
    assert going["Stop learning my face"].event == StopLesson()
    assert not {"Your face…", "Keep what was learned"} & set(going)
    ready = under_more(lesson=LessonView(LessonStage.READY, 0.3))
    assert ready["Keep what was learned"].event == KeepLesson()
    assert ready["Stop learning my face"].event == StopLesson()
    over = under_more(lesson=LessonView(LessonStage.FAILED, 1.0, trouble="It is too dark."))
    assert "Your face…" in over


PLAYS = Playback(0.0, PlayState.PLAYING, "local:happy", "Sunny days", title="Ann - Song")
STATES: tuple[dict[str, object], ...] = (
    {},
    {"playback": None},
    {"playback": PLAYS},
    {"playback": replace(PLAYS, state=PlayState.PAUSED)},
    {"playback": replace(PLAYS, state=PlayState.STOPPED)},
    {"undo_to": "Blue hour"},
    {"mood": Mood(MoodState.UNSURE, 0.0, 0.3)},
    {"mood": Mood(MoodState.AWAY, 0.0, 0.9)},
    {"mood": Mood(MoodState.SAD, 0.0, 0.8, by_hand=True), "mood_until": NOON},
    {"left_alone_until": NOON},
    {"journey": JourneyView(1, 3, MoodState.SAD, MoodState.HAPPY)},
    {"camera_paused": True},
    AT_REST,
    {"consent": False},
    {"preview_open": True},
    {"switch": None, "decision": None},
)


@pytest.mark.parametrize("changes", STATES)
def test_lines_keep_their_places(changes: dict[str, object]) -> None:
    usual = build_menu(replace(sample_snapshot(), volume=0.8))
    menu = build_menu(replace(sample_snapshot(), volume=0.8, **changes))  # type: ignore[arg-type]
    assert [line.separator for line in menu] == [line.separator for line in usual]
    assert sum(not line.separator for line in menu) <= 18
    for one, other in zip(usual, menu, strict=True):
        assert len(one.children) == len(other.children), one.label
    fixed = {"Wrong mood?", "Play for my mood", "Next track", "Volume", "Take a break"}
    fixed.add("Delete my data…")
    assert {k.label: i for i, k in enumerate(menu) if k.label in fixed} == {
        k.label: i for i, k in enumerate(usual) if k.label in fixed
    }


def test_what_cannot_be_done_just_now_is_greyed() -> None:
    def greyed(**changes: object) -> set[str]:
        return {label for label, line in lines(**changes).items() if not line.enabled}

    of_mood = {"Wrong mood? > Go by my face again", "Wrong mood? > End the journey"}
    assert greyed(undo_to="x") == of_mood
    assert greyed() == {"Undo", *of_mood}
    assert greyed(playback=None) - greyed() == {
        "Pause music",
        "Next track",
        "Next playlist",
    }
    alone = {"15 minutes", "1 hour", "until tomorrow", "until I resume it"}
    assert greyed(camera_paused=True) - greyed() == {
        f"Take a break > Camera alone: {time}" for time in alone
    }
    unsure = greyed(mood=Mood(MoodState.UNSURE, 0.0, 0.3))
    assert unsure - greyed() == {"Wrong mood? > I do not feel like that"}


def test_a_journey_is_ended_where_it_began() -> None:
    going = lines(journey=JourneyView(1, 3, MoodState.SAD, MoodState.HAPPY))
    assert going["Wrong mood? > End the journey to happy"].event == EndJourney()


def test_no_third_level() -> None:
    assert not [
        inner.label for line in build_menu(sample_snapshot()) for inner in line.children
        if inner.children
    ]  # fmt: skip


def test_what_needs_the_user() -> None:
    assert not needs_user(sample_snapshot())
    assert needs_user(replace(sample_snapshot(), consent=False))
    assert needs_user(replace(sample_snapshot(), stopped=("session",)))
    assert needs_user(replace(sample_snapshot(), status=Status.NEEDS_LOGIN))


@pytest.mark.parametrize("changes", [STATES[at] for at in (2, 5, 6, 7, 9, 10)])
def test_what_comes_by_itself_changes_only_lines_that_may_while_the_menu_is_open(
    changes: dict[str, object],
) -> None:
    def others(items: tuple[Item, ...]) -> list[tuple[str, bool]]:
        return [
            ("", True) if line.text or line.slot else (line.label, line.enabled)
            for item in items
            for line in (item, *item.children)
        ]

    usual = build_menu(sample_snapshot())
    assert others(build_menu(replace(sample_snapshot(), **changes))) == others(usual)  # type: ignore[arg-type]
