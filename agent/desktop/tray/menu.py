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
from agent.translation import N_, _
from agent.types import LessonStage, MoodState, PlayState, Snapshot, Status
from agent.wording import (
    LINE_WIDTH,
    MOODS,
    denial_line,
    follow_line,
    is_loaded,
    is_unheard,
    moment,
    mood_line,
    mood_word,
    music_line,
    part_stopped,
    shorten,
    track_line,
    what_stopped,
    why_question,
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
    system has such a click. ``second``: one with the middle button does it as well, and these words
    say that it was done. ``text``: a line to read, whose words may change while the menu is open; a
    click on it means the same whatever it says. A line that nothing can be done with just now has
    neither event nor action: it is greyed, and those below stay where the hand knows them.
    ``slot``: lines of one slot are one line, whose words may change while the menu is open.
    """

    label: str
    event: Event | EventAt | None = None
    action: MenuAction | None = None
    checked: bool | None = None
    children: tuple[Item, ...] = ()
    default: bool = False
    second: str = ""
    text: bool = False
    slot: str = ""
    separator: bool = False

    @property
    def enabled(self) -> bool:
        """False for lines that do nothing just now."""
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
_ALONE: tuple[tuple[str, Callable[[datetime], datetime]], ...] = (
    (N_("Camera alone: 15 minutes"), in_minutes(15)),
    (N_("Camera alone: 1 hour"), in_minutes(60)),
    (N_("Camera alone: until tomorrow"), tomorrow),
)


# --- the lines ------------------------------------------------------------------------------------


def build_menu(snapshot: Snapshot, caps: Caps = Caps()) -> tuple[Item, ...]:
    """Build the whole menu for this state of affairs.

    Each line keeps its place, whatever happens; only trouble has lines of its own.
    """
    return (
        _undo(snapshot),
        SEPARATOR,
        _mood(snapshot),
        _text(music_line(snapshot)),
        _text(track_line(snapshot) or snapshot.player or _("No player yet")),
        _text(why_question(snapshot)),
        *_trouble(snapshot),
        _correction(snapshot),
        SEPARATOR,
        *_music(snapshot),
        SEPARATOR,
        _break(snapshot),
        SEPARATOR,
        *_program(snapshot, caps),
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


def _undo(snapshot: Snapshot) -> Item:
    if snapshot.undoes_journey and snapshot.journey is not None:
        goal = mood_word(snapshot.journey.goal)
        label = _("Undo: end the journey to {goal}").format(goal=goal)
        return Item(label, event=EndJourney(), slot="undo")
    if snapshot.undo_to is None or "player" in snapshot.stopped:
        return Item(_("Undo"), slot="undo")
    label = shorten(_("Undo: back to {name}").format(name=snapshot.undo_to))
    return Item(label, event=UndoSwitch(snapshot.switch), slot="undo")


def _mood(snapshot: Snapshot) -> Item:
    """Tell what is known of the user; while the camera rests by their wish, the way out of that.

    The way out of a break comes before all else that keeps the camera off: the music rests as well.
    """
    if not snapshot.on_break:
        if not snapshot.consent:
            return Item(_("Allow the camera…"), event=AskForConsent())
        if not snapshot.camera_paused:
            return _text(mood_line(snapshot))
    until = snapshot.paused_until
    if snapshot.on_break:
        label = _("I am back") if until is None else _("I am back (break until {time})")
    else:
        label = _("Resume camera") if until is None else _("Resume camera (else at {time})")
    time = "" if until is None else moment(until, snapshot.paused_since)
    return Item(label.format(time=time), event=ResumeCamera())


def _trouble(snapshot: Snapshot) -> tuple[Item, ...]:
    """Tell what is wrong, in full, and the way out that the menu has for it."""
    problem = snapshot.problem or ""
    for worker in snapshot.stopped:  # how to go on is the next line of this very menu
        problem = problem.replace(part_stopped(worker), what_stopped(worker))
    lines = [_text(line) for line in _wrapped(problem)]
    if is_unheard(snapshot):
        lines.append(_text(_("Nothing is heard: no sound device")))
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
    alone = mood.by_hand or snapshot.left_alone_until is not None
    return Item(
        _("Wrong mood?"),
        children=(
            *feelings,
            _denial(None if mood.by_hand else shown),
            Item(
                follow_line(snapshot) or _("Go by my face again"),
                event=FollowFace() if alone else None,
                slot="follow",
            ),
            SEPARATOR,
            *_journey(snapshot),
        ),
    )


def _denial(shown: MoodState | None) -> Item:
    """Offer to say that it is not the mood that is shown, and no more."""
    if shown is None:
        return Item(_("I do not feel like that"), slot="denial")
    return Item(denial_line(shown), event=NotMyMood(shown), slot="denial")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, LINE_WIDTH, max_lines=5, placeholder=" …")


def _music(snapshot: Snapshot) -> tuple[Item, ...]:
    loaded = is_loaded(snapshot)
    paused = snapshot.playback is not None and snapshot.playback.state is PlayState.PAUSED
    pause: Event = ResumeMusic() if paused else PauseMusic()
    return (
        Item(_("Play for my mood"), event=PlayForMood()),
        Item(
            _("Resume music") if paused else _("Pause music"),
            event=pause if loaded else None,
            second=_("Resuming the music") if paused else _("Pausing the music"),
        ),
        Item(_("Next track"), event=NextTrack() if loaded else None),
        Item(_("Next playlist"), event=NextPlaylist() if loaded else None),
        *_volume(snapshot),
    )


def _journey(snapshot: Snapshot) -> tuple[Item, ...]:
    """List the ways that music can lead, and the end of the one that it leads now."""
    going = snapshot.journey
    stop = Item(_("End the journey"), slot="journey")
    if going is not None:
        label = _("End the journey to {goal}").format(goal=mood_word(going.goal))
        stop = Item(label, event=EndJourney(), slot="journey")
    return (
        Item(_("Lift me, with music"), event=BeginJourney(MoodState.HAPPY)),
        Item(_("Calm me, with music"), event=BeginJourney(MoodState.NEUTRAL)),
        stop,
    )


def _volume(snapshot: Snapshot) -> tuple[Item, ...]:
    if snapshot.volume is None:
        return ()
    present = min(VOLUMES, key=lambda step: abs(step - (snapshot.volume or 0.0)))
    steps = tuple(
        Item(f"{step:.0%}", event=SetVolume(step), checked=step == present) for step in VOLUMES
    )
    return (Item(_("Volume"), children=steps),)


def _break(snapshot: Snapshot) -> Item:
    """Offer rest to camera and music, or to the camera alone, where it is not at rest already."""
    rests = not snapshot.consent or snapshot.camera_paused
    back = None if snapshot.on_break and snapshot.until_back else TakeBreak(until_back=True)
    return Item(
        _("Take a break"),
        children=(
            *(Item(_(name), event=_Until(TakeBreak, end)) for name, end in _TIMES),
            Item(_("Until I come back"), event=back),
            SEPARATOR,
            *(
                Item(_(name), event=None if rests else _Until(PauseCamera, end))
                for name, end in _ALONE
            ),
            Item(_("Camera alone: until I resume it"), event=None if rests else PauseCamera()),
        ),
    )


def _preview(snapshot: Snapshot) -> Item:
    shown = snapshot.preview_open
    return Item(_("Show preview"), event=ShowPreview(not shown), checked=shown, default=True)


def _log_in() -> Item:
    return Item(_("Log in to Spotify…"), event=LogIn())


def _face(snapshot: Snapshot) -> tuple[Item, ...]:
    """Offer to learn the user's face, or to forget it; meanwhile to end that."""
    lesson = snapshot.lesson
    if lesson is not None and lesson.going:
        stop = Item(_("Stop learning my face"), event=StopLesson())
        ready = lesson.stage is LessonStage.READY
        return (Item(_("Keep what was learned"), event=KeepLesson()), stop) if ready else (stop,)
    return (Item(_("Your face…"), event=OpenPage("face")),)


def _program(snapshot: Snapshot, caps: Caps) -> tuple[Item, ...]:
    return (
        Item(_("History…"), event=OpenPage("history")),
        Item(_("Music for my moods…"), event=OpenPage("moods")),
        Item(_("Settings…"), event=OpenPage("settings")),
        Item(_("Delete my data…"), event=OpenPage("history#delete")),
        Item(_("More"), children=_seldom(snapshot, caps)),
    )


def _seldom(snapshot: Snapshot, caps: Caps) -> tuple[Item, ...]:
    """List what is done once, or seldom."""
    lines = [_preview(snapshot)] if caps.preview else []
    lines += _face(snapshot)
    guest = snapshot.guest
    lines.append(Item(_("Somebody else sits here"), event=NotMe(gone=guest), checked=guest))
    lines.append(Item(_("My music folders…"), event=ShowMusicFolders()))
    if snapshot.player:  # before one is there nobody knows
        lines.append(
            Item(_("Log out of Spotify"), event=LogOut()) if snapshot.logged_in else _log_in()
        )
    if caps.autostart and snapshot.autostart is not None:
        enabled = snapshot.autostart
        lines.append(Item(_("Start at login"), event=SetAutostart(not enabled), checked=enabled))
    lines.append(Item(_("About Moodtray"), action=MenuAction.ABOUT))
    return tuple(lines)
