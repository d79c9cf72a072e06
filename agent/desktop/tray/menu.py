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
    Event,
    LogIn,
    LogOut,
    NextPlaylist,
    NotMyMood,
    PauseCamera,
    PauseMusic,
    PlayForMood,
    Quit,
    RestartWorkers,
    ResumeCamera,
    ResumeMusic,
    SetAutostart,
    SetMood,
    ShowPreview,
    UndoSwitch,
)
from agent.types import EMOTIONS, CameraState, Decision, MoodState, PlayState, Snapshot, Status
from agent.wording import MOOD_WORDS, part_stopped, what_stopped

LINE_WIDTH = 46
"""Characters: longer texts are wrapped (reasons) or shortened (names)."""

EventAt: TypeAlias = Callable[[datetime], Event]
"""Makes the event from the time of the click."""


class MenuAction(StrEnum):
    """What a click asks of the program's rim instead of the controller."""

    SETTINGS = "settings"
    SETTINGS_FOLDER = "settings folder"
    ABOUT = "about"


@dataclass(frozen=True, slots=True)
class Item:
    """One line. Neither ``event`` nor ``action`` nor ``children``: a line to read.
    ``checked`` None: no check mark. ``default``: what a plain click on the icon does, where the
    system has such a click; ``second``: what one with the middle button does."""

    label: str
    event: Event | EventAt | None = None
    action: MenuAction | None = None
    checked: bool | None = None
    children: tuple[Item, ...] = ()
    default: bool = False
    second: bool = False
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


# --- events made at the click ---------------------------------------------------------------------


def pause_15_minutes(now: datetime) -> PauseCamera:
    return PauseCamera(until=now + timedelta(minutes=15))


def pause_1_hour(now: datetime) -> PauseCamera:
    return PauseCamera(until=now + timedelta(hours=1))


def pause_until_tomorrow(now: datetime) -> PauseCamera:
    """The coming 6:00; from 3:00 on that of the next day, for nobody means "in an hour"."""
    morning = now.replace(hour=6, minute=0, second=0, microsecond=0)
    return PauseCamera(until=morning if now.hour < 3 else morning + timedelta(days=1))


# --- the lines ------------------------------------------------------------------------------------


def build_menu(snapshot: Snapshot, caps: Caps = Caps()) -> tuple[Item, ...]:
    """The whole menu for this state of affairs."""
    return (
        Item(mood_line(snapshot)),
        Item(music_line(snapshot)),
        *_trouble(snapshot),
        SEPARATOR,
        Item("Why?", children=_why(snapshot)),
        Item("Play for my mood", event=PlayForMood()),
        Item("Next playlist for this mood", event=NextPlaylist()),
        *_music(snapshot),
        Item("I feel…", children=_feelings(snapshot)),
        SEPARATOR,
        *_camera(snapshot),
        *([_preview(snapshot)] if caps.preview else []),
        SEPARATOR,
        *_program(snapshot, caps),
        SEPARATOR,
        Item("About Moodtray", action=MenuAction.ABOUT),
        Item("Quit", event=Quit()),
    )


def mood_line(snapshot: Snapshot) -> str:
    """The first line of menu and tooltip: what the program knows about the user now."""
    status, mood = snapshot.status, snapshot.mood
    if "watcher" in snapshot.stopped:
        line = "Not watching"  # the problem's own lines say why
    elif not snapshot.consent:
        line = "The camera is not allowed yet"
    elif snapshot.camera_paused or status is Status.PAUSED:
        line = _paused_line(snapshot)
    elif status is Status.STARTING:
        line = "Starting…"
    elif mood.by_hand and mood.state.is_emotion:
        line = f"You feel {MOOD_WORDS[mood.state]} (you said so)"
    elif snapshot.camera is CameraState.LOST:
        line = "The camera is gone; looking for it"
    elif status is Status.CAMERA_BUSY:
        line = "The camera cannot be used"  # the problem's own line says why
    elif mood.state is MoodState.AWAY:
        line = "Nobody in front of the camera"
    elif mood.state is MoodState.UNSURE:
        line = "Not sure how you feel"
    else:
        line = f"You look {MOOD_WORDS[mood.state]}"
    return line


def _paused_line(snapshot: Snapshot) -> str:
    if not snapshot.camera_paused and snapshot.held_off:
        return f"Camera off: {snapshot.held_off}"
    if snapshot.paused_until is not None:
        return f"Camera paused until {snapshot.paused_until:%H:%M}"
    return "Camera paused"


def music_line(snapshot: Snapshot) -> str:
    """The second line: what plays."""
    if "player" in snapshot.stopped:
        return "Out of touch with the music"
    if snapshot.status is Status.NEEDS_LOGIN:
        return "Please log in to Spotify"
    if snapshot.status is Status.OFFLINE:
        return "No connection to the music service"
    playback = snapshot.playback
    if playback is None or playback.state is PlayState.UNAVAILABLE:
        return "No player to be reached"
    name = shorten(playback.context_name or playback.title or "music", LINE_WIDTH - 8)
    if playback.state is PlayState.PLAYING:
        return f"♪ {name}"
    if playback.state is PlayState.PAUSED:
        return f"Paused: {name}"
    return "No music plays"


def tooltip(snapshot: Snapshot) -> str:
    """Mood and playlist for the mouse that rests on the icon; under Windows' 127 characters."""
    return f"Moodtray – {mood_line(snapshot)}\n{music_line(snapshot)}"[:127]


def needs_user(snapshot: Snapshot) -> bool:
    """Whether nothing goes on without the user: a question is open, a login, or a part gave up."""
    needs = snapshot.status in (Status.NEEDS_LOGIN, Status.ERROR)
    return needs or not snapshot.consent or bool(snapshot.stopped)


def shorten(text: str, width: int = LINE_WIDTH) -> str:
    """One line of at most ``width`` characters."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def _trouble(snapshot: Snapshot) -> tuple[Item, ...]:
    """What is wrong, in full, and the way out that the menu has for it."""
    problem = snapshot.problem or ""
    for worker in snapshot.stopped:  # how to go on is the next line of this very menu
        problem = problem.replace(part_stopped(worker), what_stopped(worker))
    lines = [Item(line) for line in _wrapped(problem)]
    again = [Item("Start again", event=RestartWorkers())] if snapshot.stopped else []
    return (*lines, *again)


def _why(snapshot: Snapshot) -> tuple[Item, ...]:
    reasons = [d for d in (snapshot.switch, snapshot.decision) if d is not None]
    if not reasons:
        return (Item("Nothing has been decided yet"),)
    lines: list[Item] = []
    switch = snapshot.switch
    if switch is not None:
        name = switch.playlist.name if switch.playlist else "music"
        lines += [Item(line) for line in _wrapped(f"{name}: {switch.reason}")]
        lines += [Item("Undo: back to what played before", event=UndoSwitch(switch))]
    if snapshot.decision is not None and snapshot.decision.reason != _reason(switch):
        lines += [SEPARATOR] if lines else []
        lines += [Item(line) for line in _wrapped(f"Now: {snapshot.decision.reason}")]
    # The menu may stay open while the mood changes.
    shown = snapshot.mood.state if snapshot.mood.state.is_emotion else None
    return (*lines, SEPARATOR, Item("This is not my mood", event=NotMyMood(shown)))


def _reason(decision: Decision | None) -> str | None:
    return decision.reason if decision else None


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, LINE_WIDTH, max_lines=5, placeholder=" …")


def _feelings(snapshot: Snapshot) -> tuple[Item, ...]:
    told = snapshot.mood.state if snapshot.mood.by_hand else None
    states = [MoodState(name) for name in EMOTIONS]
    return tuple(
        Item(MOOD_WORDS[state], event=SetMood(state), checked=state is told) for state in states
    )


def _music(snapshot: Snapshot) -> tuple[Item, ...]:
    state = None if snapshot.playback is None else snapshot.playback.state
    if state is PlayState.PLAYING:
        return (Item("Pause music", event=PauseMusic(), second=True),)
    if state is PlayState.PAUSED:
        return (Item("Resume music", event=ResumeMusic(), second=True),)
    return ()


def _camera(snapshot: Snapshot) -> tuple[Item, ...]:
    if not snapshot.consent:
        return (Item("Allow the camera…", event=AskForConsent()),)
    if snapshot.camera_paused:
        return (Item("Resume camera", event=ResumeCamera()),)
    return (
        Item("Pause camera", event=PauseCamera()),
        Item(
            "Pause camera for",
            children=(
                Item("15 minutes", event=pause_15_minutes),
                Item("1 hour", event=pause_1_hour),
                Item("until tomorrow", event=pause_until_tomorrow),
            ),
        ),
    )


def _preview(snapshot: Snapshot) -> Item:
    shown = snapshot.preview_open
    return Item("Show preview", event=ShowPreview(not shown), checked=shown, default=True)


def _program(snapshot: Snapshot, caps: Caps) -> tuple[Item, ...]:
    lines = []
    if caps.autostart and snapshot.autostart is not None:
        enabled = snapshot.autostart
        lines.append(Item("Start at login", event=SetAutostart(not enabled), checked=enabled))
    lines.append(Item("Settings…", action=MenuAction.SETTINGS))
    lines.append(Item("Open settings folder", action=MenuAction.SETTINGS_FOLDER))
    if snapshot.player:  # before one is there nobody knows
        lines.append(
            Item("Log out of Spotify", event=LogOut())
            if snapshot.logged_in
            else Item("Log in to Spotify…", event=LogIn())
        )
    return tuple(lines)
