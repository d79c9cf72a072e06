"""What the tray's menu says and does, as plain values: Snapshot in, items out. No tray in here."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from agent.events import (
    AskForConsent,
    BeginJourney,
    EndJourney,
    Event,
    FollowFace,
    KeepLesson,
    LearnFace,
    LogIn,
    LogOut,
    NextPlaylist,
    NextTrack,
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
from agent.translation import N_, _
from agent.types import LessonStage, MoodState, PlayState, Snapshot, Status
from agent.wording import (
    LINE_WIDTH,
    MOODS,
    clock_time,
    journey_line,
    mood_line,
    mood_word,
    music_line,
    part_stopped,
    shorten,
    track_line,
    what_stopped,
    why_lines,
)

EventAt: TypeAlias = Callable[[datetime], Event]
"""Makes the event from the time of the click."""


class MenuAction(StrEnum):
    """What a click asks of the program's rim instead of the controller."""

    ABOUT = "about"


@dataclass(frozen=True, slots=True)
class Item:
    """One line.

    ``checked`` None: no check mark. ``default``: what a plain click on the icon does, where the
    system has such a click; ``second``: what one with the middle button does. ``text``: a line to
    read, whose words may change while the menu is open; a click on it means the same whatever it
    says.
    """

    label: str
    event: Event | EventAt | None = None
    action: MenuAction | None = None
    checked: bool | None = None
    children: tuple[Item, ...] = ()
    default: bool = False
    second: bool = False
    text: bool = False
    separator: bool = False

    @property
    def enabled(self) -> bool:
        """False for lines that are only read."""
        return bool(self.event or self.action or self.children)


SEPARATOR = Item("", separator=True)


@dataclass(frozen=True, slots=True)
class Caps:
    """What this system can do; lines for the rest are left out."""

    preview: bool = True
    autostart: bool = True


VOLUMES = (1.0, 0.8, 0.6, 0.4, 0.2)


# --- events made at the click ---------------------------------------------------------------------


def in_minutes(minutes: float) -> Callable[[datetime], datetime]:
    """Return the time so many minutes after the click."""
    return lambda now: now + timedelta(minutes=minutes)


def tomorrow(now: datetime) -> datetime:
    """Return the coming 6:00; from 3:00 on that of the next day."""
    morning = now.replace(hour=6, minute=0, second=0, microsecond=0)
    return morning if now.hour < 3 else morning + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Until:
    """Makes an event with the time that ``end`` makes of that of the click."""

    make: Callable[[datetime], Event]
    end: Callable[[datetime], datetime]

    def __call__(self, now: datetime) -> Event:
        return self.make(self.end(now))


_TIMES: tuple[tuple[str, Callable[[datetime], datetime]], ...] = (
    (N_("15 minutes"), in_minutes(15)),
    (N_("1 hour"), in_minutes(60)),
    (N_("Until tomorrow"), tomorrow),
)


# --- the lines ------------------------------------------------------------------------------------


def build_menu(snapshot: Snapshot, caps: Caps = Caps()) -> tuple[Item, ...]:
    """Build the whole menu for this state of affairs."""
    track = track_line(snapshot)
    return (
        *_undo(snapshot),
        _text(mood_line(snapshot)),
        _text(music_line(snapshot)),
        *([_text(track)] if track else []),
        *_trouble(snapshot),
        SEPARATOR,
        _correction(snapshot),
        Item(_("Why?"), children=_why(snapshot)),
        SEPARATOR,
        *_music(snapshot),
        SEPARATOR,
        *_breaks(snapshot),
        *([_preview(snapshot)] if caps.preview else []),
        SEPARATOR,
        *_program(snapshot, caps),
        SEPARATOR,
        Item(_("Quit"), event=Quit()),
    )


def starting_menu() -> tuple[Item, ...]:
    """Show something before there is anything to say: some panels do not open an empty menu."""
    return (Item(_("Starting…")), SEPARATOR, Item(_("Quit"), event=Quit()))


def tooltip(snapshot: Snapshot) -> str:
    """Write mood and playlist for the mouse that rests on the icon; below 127 characters."""
    return f"Moodtray – {mood_line(snapshot)}\n{music_line(snapshot)}"[:127]


def needs_user(snapshot: Snapshot) -> bool:
    """Tell whether nothing goes on without the user: a question, a login, a part gave up."""
    needs_login = snapshot.status is Status.NEEDS_LOGIN
    return needs_login or snapshot.status.is_error or not snapshot.consent or bool(snapshot.stopped)


def _text(words: str) -> Item:
    """Make a line to read. Greyed text is hard to read, so a click on it tells the whole."""
    return Item(words, event=TellWhy(), text=True)


def _undo(snapshot: Snapshot) -> tuple[Item, ...]:
    if snapshot.undo_to is None or "player" in snapshot.stopped:
        return ()
    label = shorten(_("Undo: back to {name}").format(name=snapshot.undo_to))
    return (Item(label, event=UndoSwitch(snapshot.switch)), SEPARATOR)


def _trouble(snapshot: Snapshot) -> tuple[Item, ...]:
    """Tell what is wrong, in full, and the way out that the menu has for it."""
    problem = snapshot.problem or ""
    for worker in snapshot.stopped:  # how to go on is the next line of this very menu
        problem = problem.replace(part_stopped(worker), what_stopped(worker))
    lines = [_text(line) for line in _wrapped(problem)]
    again = [Item(_("Start again"), event=RestartWorkers())] if snapshot.stopped else []
    login = [_log_in()] if snapshot.status is Status.NEEDS_LOGIN else []
    return (*lines, *again, *login)


def _correction(snapshot: Snapshot) -> Item:
    """Offer one place to say how one feels, whatever is shown."""
    mood = snapshot.mood
    # The menu may stay open while the mood changes.
    shown = mood.state if mood.state.is_emotion else None
    feelings = [
        Item(
            _("I feel {mood}").format(mood=mood_word(state)),
            event=SetMood(state, wrong=None if mood.by_hand else shown),
            checked=mood.by_hand and state is mood.state,
        )
        for state in MOODS
    ]
    none = () if mood.by_hand or shown is None else (Item(_("None of these"), NotMyMood(shown)),)
    alone = mood.by_hand or snapshot.left_alone_until is not None
    follow = (Item(_follow(snapshot), FollowFace()),) if alone else ()
    label = _("I feel…") if shown is None or mood.by_hand else _("Wrong mood?")
    rest = (*none, *follow)
    return Item(label, children=(*feelings, *((SEPARATOR, *rest) if rest else ())))


def _follow(snapshot: Snapshot) -> str:
    until = snapshot.mood_until if snapshot.mood.by_hand else snapshot.left_alone_until
    if until is None:
        return _("Go by my face again")
    return _("Go by my face again (else at {time})").format(time=clock_time(until))


def _why(snapshot: Snapshot) -> tuple[Item, ...]:
    lines: list[Item] = []
    for text in why_lines(snapshot):
        lines += [SEPARATOR] if lines else []
        lines += [_text(line) for line in _wrapped(text)]
    return tuple(lines)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, LINE_WIDTH, max_lines=5, placeholder=" …")


def _music(snapshot: Snapshot) -> tuple[Item, ...]:
    state = None if snapshot.playback is None else snapshot.playback.state
    play = Item(_("Play for my mood"), event=PlayForMood())
    ways = (
        Item(_("Next track"), event=NextTrack()),
        Item(_("Next playlist for this mood"), event=NextPlaylist()),
        *_journey(snapshot),
        *_volume(snapshot),
    )
    if state is PlayState.PLAYING:
        return (play, Item(_("Pause music"), event=PauseMusic(), second=True), *ways)
    if state is PlayState.PAUSED:
        return (play, Item(_("Resume music"), event=ResumeMusic(), second=True), *ways)
    return (play, *_volume(snapshot))


def _journey(snapshot: Snapshot) -> tuple[Item, ...]:
    """List the ways that music can lead, or where it is on its way."""
    going = snapshot.journey
    if going is not None:
        stop = Item(_("End the journey"), event=EndJourney())
        label = _("Journey: {where}").format(where=journey_line(going))
        return (Item(shorten(label), children=(stop,)),)
    ways = (
        Item(_("Lift me"), event=BeginJourney(MoodState.HAPPY)),
        Item(_("Calm me"), event=BeginJourney(MoodState.NEUTRAL)),
    )
    return (Item(_("Lift or calm me"), children=ways),)


def _volume(snapshot: Snapshot) -> tuple[Item, ...]:
    if snapshot.volume is None:
        return ()
    present = min(VOLUMES, key=lambda step: abs(step - (snapshot.volume or 0.0)))
    steps = tuple(
        Item(f"{step:.0%}", event=SetVolume(step), checked=step == present) for step in VOLUMES
    )
    return (Item(_("Volume"), children=steps),)


def _breaks(snapshot: Snapshot) -> tuple[Item, ...]:
    if not snapshot.consent:
        return (Item(_("Allow the camera…"), event=AskForConsent()),)
    if snapshot.camera_paused:
        label = _("I am back") if snapshot.on_break else _("Resume camera")
        return (Item(label, event=ResumeCamera()),)
    alone = (
        *(Item(_(name), event=_Until(PauseCamera, end)) for name, end in _TIMES),
        Item(_("Until I resume it"), event=PauseCamera()),
    )
    return (
        Item(
            _("Take a break"),
            children=(
                *(Item(_(name), event=_Until(TakeBreak, end)) for name, end in _TIMES),
                Item(_("Until I come back"), event=TakeBreak(until_back=True)),
                SEPARATOR,
                Item(_("Pause the camera alone"), children=alone),
            ),
        ),
    )


def _preview(snapshot: Snapshot) -> Item:
    shown = snapshot.preview_open
    return Item(_("Show preview"), event=ShowPreview(not shown), checked=shown, default=True)


def _log_in() -> Item:
    return Item(_("Log in to Spotify…"), event=LogIn())


def _face(snapshot: Snapshot) -> tuple[Item, ...]:
    """Offer to learn the user's face; meanwhile to end that, and afterwards to forget it."""
    lesson = snapshot.lesson
    if lesson is not None and lesson.going:
        stop = Item(_("Stop learning my face"), event=StopLesson())
        ready = lesson.stage is LessonStage.READY
        return (Item(_("Keep what was learned"), event=KeepLesson()), stop) if ready else (stop,)
    learn = Item(_("Learn my face…"), event=OpenPage("face"))
    forget = Item(_("Forget my face"), event=LearnFace(None))
    return (learn, forget) if snapshot.own_face else (learn,)


def _program(snapshot: Snapshot, caps: Caps) -> tuple[Item, ...]:
    return (
        Item(_("History…"), event=OpenPage("history")),
        Item(_("Music for my moods…"), event=OpenPage("moods")),
        Item(_("My music folders"), event=ShowMusicFolders()),
        Item(_("Settings…"), event=OpenPage("settings")),
        Item(_("More"), children=_seldom(snapshot, caps)),
    )


def _seldom(snapshot: Snapshot, caps: Caps) -> tuple[Item, ...]:
    """List what is done once, or seldom."""
    lines = [*_face(snapshot)]
    if snapshot.player:  # before one is there nobody knows
        lines.append(
            Item(_("Log out of Spotify"), event=LogOut()) if snapshot.logged_in else _log_in()
        )
    if caps.autostart and snapshot.autostart is not None:
        enabled = snapshot.autostart
        lines.append(Item(_("Start at login"), event=SetAutostart(not enabled), checked=enabled))
    lines.append(Item(_("Forget…"), event=OpenPage("history#delete")))
    lines.append(Item(_("About Moodtray"), action=MenuAction.ABOUT))
    return tuple(lines)
