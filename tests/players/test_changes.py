"""What happened between two readings: a table of cases, then what must hold in every one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.players.changes import (
    ECHO_WINDOW,
    LATE_ECHO,
    OwnCommand,
    attribute,
    what_happened,
)
from agent.types import Chooser, Command, Happening, Playback, PlayState

T = 1000.0  # time of the reading before
PLAYING = Playback(T, PlayState.PLAYING, "x", "X", "t1", "One", 100.0, 200.0, "Laptop")
NEAR_END = replace(PLAYING, position=195.0)  # its end is predicted at T + 5
HELD = replace(PLAYING, state=PlayState.PAUSED, paused_by_hand=True)
RAN_OUT = replace(PLAYING, state=PlayState.PAUSED, position=0.0)
SILENT = Playback(T, PlayState.STOPPED, device="Laptop")
NOBODY = Playback(T, PlayState.UNAVAILABLE)
GONE = replace(NOBODY, context="x", context_name="X")  # a device left while x was heard
OURS = replace(PLAYING, context="ours", chosen_by=Chooser.AGENT, chosen_since=T - 50)


def later(seconds: float, playback: Playback = PLAYING, **changes: object) -> Playback:
    """A reading ``seconds`` after T."""
    if playback.state is PlayState.PLAYING and playback.position is not None:
        playback = replace(playback, position=playback.position + seconds)
    return replace(playback, time=T + seconds, **changes)  # type: ignore[arg-type]


def play(age: float, at: float = 5.0) -> OwnCommand:
    """We asked for "ours", ``age`` seconds before the reading at T + ``at``."""
    return OwnCommand(T + at - age, Command.PLAY, "ours")


PAUSED_NOW = later(5, state=PlayState.PAUSED, position=105.0)
H = Happening
CASES: list[tuple[str, Playback | None, Playback, OwnCommand | None, Happening]] = [
    # first looks
    ("music that was there", None, PLAYING, None, H.NOTHING),
    ("silence at the start", None, SILENT, None, H.NOTHING),
    ("our first command", None, later(5, OURS), play(1), H.ECHO),
    ("our first command, not to be seen yet", None, PLAYING, play(1, at=0), H.NOTHING),
    # music goes on
    ("plays on", PLAYING, later(30), None, H.NOTHING),
    ("sought forward", PLAYING, later(5, position=150.0), None, H.NOTHING),
    ("sought back", PLAYING, later(5, position=10.0), None, H.NOTHING),
    ("next track in time", NEAR_END, later(7, track="t2", position=2.0), None, H.TRACK_ENDED),
    ("next track a bit early", NEAR_END, later(3, track="t2", position=0.0), None, H.TRACK_ENDED),
    ("several tracks later", NEAR_END, later(400, track="t4", position=9.0), None, H.TRACK_ENDED),
    ("skipped", PLAYING, later(5, track="t2", position=1.0), None, H.SKIPPED),
    (
        "skipped early, seen after the end",
        NEAR_END,
        later(30, track="t2", position=29.0),
        None,
        H.SKIPPED,
    ),
    (
        "next track of unknown length",
        replace(PLAYING, duration=None),
        later(5, track="t2"),
        None,
        H.TRACK_ENDED,
    ),
    ("the same track again", NEAR_END, later(6, position=1.0), None, H.TRACK_ENDED),
    (
        "a short loop again, seldom read",
        replace(PLAYING, position=5.0, duration=20.0),
        later(30, position=15.0, duration=20.0),
        None,
        H.TRACK_ENDED,
    ),
    ("stays at its end", NEAR_END, later(7, position=200.0), None, H.NOTHING),
    # something else
    ("another playlist", PLAYING, later(5, context="y", track="u"), None, H.USER_CHOSE),
    ("another playlist at the end", NEAR_END, later(7, context="y"), None, H.USER_CHOSE),
    ("a single track", PLAYING, later(5, context=None, track="u"), None, H.USER_CHOSE),
    ("the player goes on by itself", NEAR_END, later(7, context=None), None, H.CONTEXT_ENDED),
    ("chosen while paused", HELD, later(5, HELD, context="y"), None, H.USER_CHOSE),
    ("chosen and played", HELD, later(5, context="y"), None, H.USER_CHOSE),
    ("chosen and paused", PLAYING, replace(PAUSED_NOW, context="y"), None, H.USER_CHOSE),
    # silence
    ("paused", PLAYING, PAUSED_NOW, None, H.PAUSED),
    ("stopped in mid-track", PLAYING, later(5, SILENT), None, H.PAUSED),
    ("stopped at the end", NEAR_END, later(6, SILENT), None, H.CONTEXT_ENDED),
    # a player that only we command: a file that broke off, a disk that was taken out
    ("nothing can be played on", PLAYING, later(5, SILENT, ours_alone=True), None, H.CONTEXT_ENDED),
    (
        "nothing can be played on, right after our start",
        OURS,
        later(5, SILENT, ours_alone=True),
        play(2),
        H.CONTEXT_ENDED,
    ),
    (
        "a track breaks off",
        PLAYING,
        later(5, track="t2", position=1.0, ours_alone=True),
        None,
        H.TRACK_ENDED,
    ),
    (
        "our next track",
        replace(PLAYING, ours_alone=True),
        later(5, track="t2", position=1.0, ours_alone=True),
        OwnCommand(T + 4, Command.NEXT),
        H.ECHO,
    ),
    (
        "ran out, back at the first track",
        NEAR_END,
        later(6, RAN_OUT, track="t0"),
        None,
        H.CONTEXT_ENDED,
    ),
    ("ran out, stands at its end", NEAR_END, later(6, HELD, position=200.0), None, H.CONTEXT_ENDED),
    (
        "paused in the next track",
        NEAR_END,
        later(9, HELD, track="t2", position=4.0),
        None,
        H.PAUSED,
    ),
    ("paused shortly before the end", NEAR_END, later(3, HELD, position=198.0), None, H.PAUSED),
    # seen late: the end was predicted at T + 5, and tells nothing from 90 s behind it on
    ("stopped, seen late", NEAR_END, later(95.0, SILENT), None, H.CONTEXT_ENDED),
    ("stopped, seen too late to tell", NEAR_END, later(96.0, SILENT), None, H.PAUSED),
    ("ran out, seen late", NEAR_END, later(95.0, RAN_OUT), None, H.CONTEXT_ENDED),
    ("ran out, seen too late to tell", NEAR_END, later(96.0, RAN_OUT), None, H.PAUSED),
    (
        "the player goes on, seen too late to tell",
        NEAR_END,
        later(96.0, context=None),
        None,
        H.USER_CHOSE,
    ),
    ("nothing left, seen late", NEAR_END, later(95.0, NOBODY), None, H.CONTEXT_ENDED),
    (
        "nothing left, seen too late to tell",
        NEAR_END,
        later(96.0, NOBODY),
        None,
        H.DEVICE_GONE,
    ),
    ("stays paused", HELD, later(5, HELD), None, H.NOTHING),
    ("paused, then closed", HELD, later(5, SILENT), None, H.NOTHING),
    ("resumed", HELD, later(5), None, H.RESUMED),
    ("started again after its end", RAN_OUT, later(5), None, H.STARTED),
    (
        "what was paused at the first look goes on",
        replace(HELD, paused_by_hand=False),
        later(5),
        None,
        H.RESUMED,
    ),
    ("started from silence", SILENT, later(5), None, H.STARTED),
    ("loaded, not played", SILENT, later(5, HELD), None, H.USER_CHOSE),
    # devices
    ("another device", PLAYING, later(5, device="Phone"), None, H.DEVICE_CHANGED),
    ("another device while paused", HELD, later(5, HELD, device="Phone"), None, H.DEVICE_CHANGED),
    ("the device goes", PLAYING, later(5, NOBODY), None, H.DEVICE_GONE),
    ("the device goes after a pause", HELD, later(5, NOBODY), None, H.DEVICE_GONE),
    ("nothing left at the end", NEAR_END, later(6, NOBODY), None, H.CONTEXT_ENDED),
    ("still nobody", NOBODY, later(5, NOBODY), None, H.NOTHING),
    ("a device comes, silent", NOBODY, later(5, SILENT), None, H.DEVICE_CHANGED),
    ("a device comes, paused", NOBODY, later(5, HELD), None, H.DEVICE_CHANGED),
    ("a device comes, playing", GONE, later(5), None, H.STARTED),
    # our own commands
    ("ours appears", PLAYING, later(5, OURS), play(2), H.ECHO),
    ("ours appears late", PLAYING, later(5, OURS), play(ECHO_WINDOW + 5), H.ECHO),
    ("ours appears far too late", PLAYING, later(5, OURS), play(LATE_ECHO + 1), H.USER_CHOSE),
    (
        "ours appears after an hour without a reading",
        PLAYING,
        later(3600, OURS),
        play(3599, 3600),
        H.ECHO,
    ),
    (
        "ours is loaded and paused after an hour without a reading",
        PLAYING,
        later(3600, OURS, state=PlayState.PAUSED),
        play(3599, 3600),
        H.USER_CHOSE,
    ),
    ("ours is there", OURS, later(5, OURS), play(3), H.NOTHING),
    (
        "a single track of ours",
        PLAYING,
        later(5, context=None, track="ours"),
        play(2),
        H.ECHO,
    ),
    (
        "a short track of ours ends",
        replace(OURS, position=195.0),
        later(5, OURS, track="t2", position=0.0),
        play(5),
        H.TRACK_ENDED,
    ),
    ("ours, with another track first", OURS, later(5, OURS, track="t9"), play(5), H.ECHO),
    ("not to be seen yet", PLAYING, later(5), play(1), H.NOTHING),
    ("silence while it switches", PLAYING, PAUSED_NOW, play(1), H.ECHO),
    ("a device wakes with its old music", NOBODY, later(5, HELD), play(1), H.ECHO),
    ("a third playlist: the user", PLAYING, later(5, context="y"), play(2), H.USER_CHOSE),
    ("back from ours: the user", OURS, later(5, context="x"), play(3), H.USER_CHOSE),
    ("a skip much later", OURS, later(9, OURS, track="t2", position=1), play(20, 9), H.SKIPPED),
    ("our pause", PLAYING, PAUSED_NOW, OwnCommand(T + 4, Command.PAUSE), H.ECHO),
    ("our resume", HELD, later(5), OwnCommand(T + 4, Command.RESUME), H.ECHO),
    (
        "no next track was left to play",
        PLAYING,
        later(5, SILENT),
        OwnCommand(T + 4, Command.NEXT),
        H.CONTEXT_ENDED,
    ),
    (
        "the user's pause within the echo, outlasting it",
        replace(OURS, state=PlayState.PAUSED),
        later(5, replace(OURS, state=PlayState.PAUSED)),
        play(ECHO_WINDOW + 1),
        H.PAUSED,
    ),
]


@pytest.mark.parametrize(
    ("before", "after", "own", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_what_happened(
    before: Playback | None, after: Playback, own: OwnCommand | None, expected: Happening
) -> None:
    assert what_happened(before, after, now=after.time, own=own) is expected


def read(
    before: Playback | None, after: Playback, own: OwnCommand | None = None
) -> tuple[Happening, Playback]:
    happening = what_happened(before, after, now=after.time, own=own)
    return happening, attribute(before, after, happening, own)


CHOSEN = replace(PLAYING, chosen_by=Chooser.USER, chosen_since=T - 9)
CHOICES: list[
    tuple[str, Playback | None, Playback, OwnCommand | None, tuple[Chooser, float | None]]
] = [
    ("there before we looked", None, PLAYING, None, (Chooser.UNKNOWN, None)),
    ("our own", PLAYING, later(5, OURS), play(2), (Chooser.AGENT, T + 3)),
    ("ours plays on", OURS, later(30, OURS), None, (Chooser.AGENT, T - 50)),
    ("the user's", PLAYING, later(5, context="y"), None, (Chooser.USER, T + 5)),
    ("the user's plays on", CHOSEN, later(30), None, (Chooser.USER, T - 9)),
    ("the user's, skipped", CHOSEN, later(5, track="t2", position=0), None, (Chooser.USER, T - 9)),
    ("the user's, paused", CHOSEN, PAUSED_NOW, None, (Chooser.USER, T - 9)),
    ("started by hand", SILENT, later(5), None, (Chooser.USER, T + 5)),
    ("resumed, never ours", HELD, later(5), None, (Chooser.UNKNOWN, None)),
    (
        "the user's ends, the player goes on",
        replace(CHOSEN, position=195.0),
        later(7, context=None),
        None,
        (Chooser.UNKNOWN, None),
    ),
    (
        "ours runs out",
        replace(OURS, position=195.0),
        later(6, SILENT),
        None,
        (Chooser.AGENT, T - 50),
    ),
    (
        "ours ran out, put on again by hand",
        replace(OURS, state=PlayState.PAUSED, position=0.0),
        later(5, OURS),
        None,
        (Chooser.USER, T + 5),
    ),
    (
        "ours again after the device was away",
        attribute(OURS, later(5, NOBODY), Happening.DEVICE_GONE),
        later(9, OURS),
        None,
        (Chooser.AGENT, T - 50),
    ),
    (
        "the user's, asked for by us",
        CHOSEN,
        later(5),
        OwnCommand(T, Command.PLAY, "x"),
        (Chooser.AGENT, T),
    ),
]


@pytest.mark.parametrize(
    ("before", "after", "own", "expected"), [c[1:] for c in CHOICES], ids=[c[0] for c in CHOICES]
)
def test_whose_choice(
    before: Playback | None,
    after: Playback,
    own: OwnCommand | None,
    expected: tuple[Chooser, float | None],
) -> None:
    _, playback = read(before, after, own)
    assert (playback.chosen_by, playback.chosen_since) == expected


HANDS: list[tuple[str, Playback | None, Playback, OwnCommand | None, bool]] = [
    ("paused at the first look", None, replace(HELD, paused_by_hand=False), None, False),
    ("silent at the first look", None, SILENT, None, False),
    ("paused", PLAYING, PAUSED_NOW, None, True),
    ("stopped in mid-track", PLAYING, later(5, SILENT), None, True),
    ("stays paused", HELD, later(5, HELD, paused_by_hand=False), None, True),
    ("the paused player is closed", HELD, later(5, SILENT), None, True),
    ("the paused device goes", HELD, later(5, NOBODY), None, True),
    ("resumed", HELD, later(5), None, False),
    ("ran out", NEAR_END, later(6, RAN_OUT), None, False),
    ("the device goes in mid-music", PLAYING, later(5, NOBODY), None, True),
    ("it is still away", replace(GONE, paused_by_hand=True), later(5, NOBODY), None, True),
    (
        "it comes back, and stands still",
        replace(GONE, paused_by_hand=True),
        later(5, HELD, paused_by_hand=False),
        None,
        True,
    ),
    ("it comes back and plays", replace(GONE, paused_by_hand=True), later(5), None, False),
    ("nothing left at the end", NEAR_END, later(6, NOBODY), None, False),
    ("a silent device goes", RAN_OUT, later(5, NOBODY), None, False),
    ("a paused device appears", NOBODY, later(5, HELD, paused_by_hand=False), None, False),
    ("our pause: it was asked for", PLAYING, PAUSED_NOW, OwnCommand(T + 4, Command.PAUSE), True),
    ("ours is not there yet", HELD, later(5, HELD, paused_by_hand=False), play(1), True),
    ("ours plays", HELD, later(5, OURS), play(1), False),
    ("silence while ours begins", PLAYING, PAUSED_NOW, play(1), False),
]


@pytest.mark.parametrize(
    ("before", "after", "own", "expected"), [c[1:] for c in HANDS], ids=[c[0] for c in HANDS]
)
def test_paused_by_hand(
    before: Playback | None, after: Playback, own: OwnCommand | None, expected: bool
) -> None:
    _, playback = read(before, after, own)
    assert playback.paused_by_hand is expected


def test_a_pause_within_the_echo_ends_as_the_users() -> None:
    own = OwnCommand(T, Command.PLAY, "ours")
    _, seen = read(PLAYING, later(1, OURS, chosen_by=Chooser.UNKNOWN), own)
    stopped = replace(OURS, state=PlayState.PAUSED, chosen_by=Chooser.UNKNOWN, position=103.0)
    for seconds in (3.0, 33.0, 63.0):
        _, seen = read(seen, replace(stopped, time=T + seconds), own)
    assert seen.paused_by_hand
    assert seen.chosen_by is Chooser.AGENT


# --- in every case --------------------------------------------------------------------------------

contexts = st.sampled_from(["ours", "x", "y", None])
raw = st.builds(
    Playback,
    time=st.just(0.0),
    state=st.sampled_from(PlayState),
    context=contexts,
    track=st.sampled_from(["t1", "t2"]),
    position=st.none() | st.floats(0.0, 200.0),
    duration=st.none() | st.just(200.0),
    device=st.sampled_from(["Laptop", "Phone", None]),
)
step = st.tuples(st.floats(0.1, 90.0), raw)
command = st.none() | st.tuples(st.integers(0, 8), st.sampled_from(Command))


@given(st.lists(step, min_size=1, max_size=12), command)
def test_in_every_story(
    steps: list[tuple[float, Playback]], told: tuple[int, Command] | None
) -> None:
    now, seen, own = T, None, None
    for number, (wait, reading) in enumerate(steps):
        if told is not None and told[0] == number:
            uri = "ours" if told[1] is Command.PLAY else None
            own = OwnCommand(now, told[1], uri)
        now += wait
        after = replace(reading, time=now)
        happening, playback = read(seen, after, own)
        age = None if own is None else now - own.time

        if playback.state is PlayState.PLAYING:
            assert not playback.paused_by_hand
        if playback.chosen_by is Chooser.AGENT and (
            seen is None or seen.chosen_by is not Chooser.AGENT
        ):
            assert happening is Happening.ECHO  # nothing becomes ours without a command
            assert own is not None
            assert playback.context == "ours"
        if happening is Happening.ECHO:
            assert age is not None
            assert own is not None
            unread = seen is not None and seen.time <= own.time
            assert age <= LATE_ECHO or unread
        if seen is not None and seen.paused_by_hand and not playback.paused_by_hand:
            assert playback.state is PlayState.PLAYING  # only music ends a pause by hand
        if (
            seen is not None
            and (age is None or age > LATE_ECHO)
            and seen.state is PlayState.PLAYING
            and playback.state in (PlayState.PAUSED, PlayState.STOPPED)
            and happening is not Happening.CONTEXT_ENDED
        ):
            assert playback.paused_by_hand  # silence in mid-track is the user's
        assert replace(
            playback, context=after.context, context_name=after.context_name,
            chosen_by=after.chosen_by, chosen_since=None, paused_by_hand=False,
        ) == after  # the rest of the reading is untouched  # fmt: skip
        seen = playback


@given(st.floats(0.1, 90.0), st.floats(0.0, 100.0), st.sampled_from(Chooser))
def test_a_track_that_plays_on_is_nothing(wait: float, position: float, chooser: Chooser) -> None:
    before = replace(PLAYING, position=position, chosen_by=chooser, chosen_since=T)
    happening, after = read(before, replace(PLAYING, time=T + wait, position=position + wait))
    assert happening is Happening.NOTHING
    assert (after.chosen_by, after.chosen_since) == (chooser, T)


@given(st.floats(LATE_ECHO + 0.1, 1000.0), raw, raw)
def test_an_old_command_changes_nothing(age: float, before: Playback, after: Playback) -> None:
    before, after = replace(before, time=T), replace(after, time=T + 5)
    own = OwnCommand(T + 5 - age, Command.PLAY, "ours")
    assert what_happened(before, after, now=T + 5, own=own) is what_happened(
        before, after, now=T + 5
    )
