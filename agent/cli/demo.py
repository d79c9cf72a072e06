"""``moodtray demo``: the whole loop on the clip that the program ships, with shortened times.

Real detection, network, mood, policy and player; tray, notifications and preview where there is a
display. It keeps nothing: its folders are temporary. People are told each mood and what plays for
it, ten lines in all; ``--verbose`` tells every look and decision.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.markup import escape

from agent import events, logs
from agent.app.lifecycle import App
from agent.app.options import Options
from agent.errors import BadPicture
from agent.settings import (
    CameraSettings,
    MoodSettings,
    NotificationSettings,
    PolicySettings,
    Settings,
)
from agent.store.paths import Paths, ensure_folder, resources_dir
from agent.translation import _
from agent.types import MoodState
from agent.wording import capital, describe, mood_word

DEMO_SETTINGS = Settings(
    camera=CameraSettings(interval=0.7, burst_frames=3, burst_duration=0.2),
    mood=MoodSettings(certainty=0.75, pace=0.05, away_after=2.5),
    policy=PolicySettings(timing="now", cooldown=4.0),
    notifications=NotificationSettings(enabled=True),
)
"""A day in under a minute: looks every 0.7 s instead of 5, a mood after 1 s instead of 10, away
after 2.5 s instead of 15, 4 s between two switches instead of 120."""

Print = Callable[[str], None]

STORY_SECONDS = 45.0
"""How much of the clip people are shown: each mood that it plays, and the empty chair."""
WIDTH = 60
"""Characters of a line."""
FOLDER = "moodtray-demo-"
"""So begins the name of a demo's folder; then come the number of its process and some letters."""
CLEAR = "\r\x1b[K"
"""Takes the live line away, on a terminal."""


def clip() -> Path:
    """Find the demo clip. Raises BadPicture when the installation lacks it."""
    path = resources_dir() / "demo" / "clip.mp4"
    if not path.is_file():
        raise BadPicture(
            _("The demo clip is missing from this installation ({path}).").format(path=path)
        )
    return path


@dataclass
class Summary:
    """What the demo saw and did, counted."""

    observations: int = 0
    with_face: int = 0
    moods: list[str] = field(default_factory=list)
    switches: list[str] = field(default_factory=list)
    notifications: int = 0

    def add(self, line: dict[str, Any]) -> None:
        """Count one line of the event log."""
        match line["event"]:
            case "observation":
                self.observations += 1
                self.with_face += line["faces"] > 0
            case "mood":
                self.moods.append(line["state"])
            case "playback" if line["state"] == "playing" and line["context_name"]:
                if not self.switches or self.switches[-1] != line["context_name"]:
                    self.switches.append(line["context_name"])
            case "notification":
                self.notifications += 1

    def as_dict(self) -> dict[str, Any]:
        """Give the figures as plain values."""
        return {
            "observations": self.observations,
            "with_face": self.with_face,
            "moods": self.moods,
            "played": self.switches,
            "notifications": self.notifications,
        }


class Story:
    """The demo for people: a line for each mood with what plays for it. One thread at a time.

    On a terminal a live line for the face stands between them.
    """

    PATIENCE = 4.5
    """Seconds that a mood's line waits for the music that follows it: the demo's cool-down."""
    LINES = 8
    """That many at most; with the first and the last they are ten."""

    def __init__(self, out: Print, live: Print | None) -> None:
        """``live`` writes to the terminal without an end of the line; None: there is none."""
        self._out = out
        self._live = live
        self._mood: tuple[float, str] | None = None  # not told yet
        self._told = ""
        self._playing: str | None = None
        self._lines = 0

    def tell(self, line: dict[str, Any]) -> None:
        """Take in one line of the event log."""
        at = float(line["t"])
        if self._mood is not None and at - self._mood[0] > self.PATIENCE:
            self.end()
        match line["event"]:
            case "observation":
                self._show(line["probabilities"])
            case "mood" if line["state"] != MoodState.UNSURE and line["state"] != self._told:
                self.end()
                self._mood, self._told = (at, line["state"]), line["state"]
            case "decision" if line["action"] == "switch now" and self._mood is None:
                if line["mood"] != self._told:
                    self._mood, self._told = (at, line["mood"]), line["mood"]
            case "playback" if line["state"] == "playing" and line["context_name"]:
                if line["context_name"] != self._playing:
                    self._playing = line["context_name"]
                    self.end(f"♪ {self._playing}")

    def end(self, music: str = "") -> None:
        """Tell the mood that waits, with the music that follows it."""
        if (self._mood is None and not music) or self._lines == self.LINES:
            return
        self._lines += 1
        at, state = self._mood or (None, "")
        when = "      " if at is None else f"{at:4.0f} s"
        words = f"{capital(describe(MoodState(state))):<20} " if state else ""
        self._mood = None
        text = f"{when}  {words}{music}".rstrip()
        self._out(f"{CLEAR if self._live else ''}{escape(text[:WIDTH])}")

    def _show(self, seen: dict[str, float] | None) -> None:
        if self._live is None:
            return
        if seen is None:
            self._live(_("{clear}        no face").format(clear=CLEAR))
            return
        name, share = max(seen.items(), key=lambda pair: pair[1])
        bar = "█" * round(share * 20)
        self._live(f"{CLEAR}        {mood_word(MoodState(name)):<10}{share:4.0%} {bar}")


@dataclass(frozen=True, slots=True)
class DemoPlayer:
    """What the demo plays on: the shipped loops, or a player that was prepared for it."""

    settings: Settings = DEMO_SETTINGS
    player: str = "local"
    spotify_url: str | None = None
    prepare: Callable[[Paths], None] | None = None  # called before the agent starts


def run(
    seconds: float | None,
    *,
    as_json: bool,
    headless: bool,
    preview: bool,
    out: Print,
    verbose: bool = True,
    live: Print | None = None,
    player: DemoPlayer = DemoPlayer(),
) -> Summary:
    """Run the demo for so many seconds (None: once through the clip, or its story).

    ``verbose``: every line of the event log instead of the story; ``live``: see :class:`Story`.
    Raises AgentError.
    """
    path = clip()
    told_as_story = not as_json and not verbose
    length = seconds if seconds is not None else _length(path)
    if told_as_story and seconds is None:
        length = min(length, STORY_SECONDS)
    story = Story(out, live)
    summary = Summary()
    lock = threading.Lock()

    def listen(line: dict[str, Any]) -> None:
        with lock:  # lines come from one thread, but the summary is read by another
            summary.add(line)
            if told_as_story:
                story.tell(line)
            else:
                out(json.dumps(line) if as_json else tell(line))

    if told_as_story:
        out(_("A synthetic face plays the webcam, for {length:.0f} seconds:").format(length=length))
    elif not as_json:
        out(
            _(
                "[bold]Moodtray demo[/] - {length:.0f} s of a synthetic face, "
                "seen as if by a webcam."
            ).format(length=length)
        )
        out(
            _(
                "[dim]Times are shortened: a look every 0.7 s (normally 5), a "
                "mood after 1 s (10), away after 2.5 s (15), 4 s between "
                "switches (120), which come at once.[/]"
            )
        )
    sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=f"{FOLDER}{os.getpid()}-") as folder:
        paths = Paths.below(Path(folder))
        logs.set_up(ensure_folder(paths.logs))
        if player.prepare is not None:
            player.prepare(paths)
        app = App(
            Options(
                camera=str(path),
                player=player.player,
                spotify_url=player.spotify_url,
                headless=headless,
                play=True,
                settings=player.settings,
                control=False,
                session=False,
                listener=listen,
                notice_interval=0.0,
                tell=lambda text: None if as_json else out(f"[yellow]{text}[/]"),
            ),
            paths,
        )
        end = threading.Timer(length, lambda: app.report(events.Quit()))
        end.daemon = True
        end.start()
        if preview and not headless:
            app.report(events.ShowPreview(True))
        try:
            app.run()
        finally:
            end.cancel()
            logs.tear_down()
    if told_as_story:
        story.end()
        out(_("{what}[bold]Now you:[/] moodtray run").format(what=CLEAR if live else ""))
    elif as_json:
        out(json.dumps({"t": length, "event": "summary", **summary.as_dict()}))
    else:
        out(_told(summary))
    return summary


def sweep(place: Path) -> None:
    """Remove the folders of demos that were killed; never raises.

    Everybody may write there: what is no folder of this user's is left alone.
    """
    import psutil

    for folder in place.glob(f"{FOLDER}*"):
        number = folder.name.removeprefix(FOLDER).partition("-")[0]
        try:
            if (
                number.isdecimal()
                and _is_mine(folder.lstat())
                and not psutil.pid_exists(int(number))
            ):
                shutil.rmtree(folder, ignore_errors=True)
        except (OSError, OverflowError):  # another one was faster; a number that no process has
            continue


def _is_mine(status: os.stat_result) -> bool:
    """Tell whether it is a folder, and this user's."""
    # On Windows each user has a place of their own.
    return stat.S_ISDIR(status.st_mode) and (os.name == "nt" or status.st_uid == os.geteuid())


def _length(path: Path) -> float:
    from agent.opencv import cv2

    capture = cv2.VideoCapture(str(path))
    rate = capture.get(cv2.CAP_PROP_FPS) or 30.0
    frames = float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    return frames / rate


def tell(line: dict[str, Any]) -> str:
    """Show one line of the event log to people, with rich's markup."""
    at = f"[dim]{line['t']:6.1f} s[/] "
    match line["event"]:
        case "observation":
            return at + _seen(line)
        case "mood":
            state = MoodState(line["state"])
            words = describe(state)
            share = f" ({line['confidence']:.0%})" if state.is_emotion else ""
            return _("{at}[bold cyan]mood[/]      {words}{share}").format(
                at=at, words=words, share=share
            )
        case "decision":
            what = f" → {escape(line['playlist_name'])}" if line["playlist_name"] else ""
            return _("{at}[magenta]decision[/]  {action}{what}: {reason}").format(
                at=at, action=line["action"], what=what, reason=line["reason"]
            )
        case "playback":
            what = escape(line["context_name"] or line["title"] or "nothing")
            return f"{at}[green]music[/]     {line['state']}: {what}"
        case _:
            return f"{at}[yellow]notice[/]    {escape(line['title'])} - {escape(line['body'])}"


def _seen(line: dict[str, Any]) -> str:
    seen = line["probabilities"]
    if seen is None:
        return _("[dim]seen      no face[/]")
    best = sorted(seen.items(), key=lambda pair: -pair[1])[:3]
    bar = "█" * round(best[0][1] * 20)
    return "seen      " + "  ".join(f"{n} {p:.0%}" for n, p in best) + f"  [dim]{bar}[/]"


def _told(summary: Summary) -> str:
    moods = ", ".join(dict.fromkeys(summary.moods)) or "none"
    played = " → ".join(summary.switches) or "nothing"
    return _(
        "\n[bold]Summary[/]: {observations} looks, {with_face} with a "
        "face.\n  moods    {moods}\n  played   {played}\n  notices  "
        "{notifications}"
    ).format(
        observations=summary.observations,
        with_face=summary.with_face,
        moods=moods,
        played=played,
        notifications=summary.notifications,
    )
