"""``moodtray demo``: the whole loop on the clip that the program ships, with shortened times.

Real detection, network, mood, policy and player; tray, notifications and preview where there is a
display. It keeps nothing: its folders are temporary.
"""

from __future__ import annotations

import json
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
from agent.types import MoodState
from agent.wording import describe

DEMO_SETTINGS = Settings(
    camera=CameraSettings(interval=0.7, burst_frames=3, burst_duration=0.2),
    mood=MoodSettings(certainty=0.75, pace=0.05, away_after=2.5),
    policy=PolicySettings(timing="now", cooldown=4.0),
    notifications=NotificationSettings(enabled=True),
)
"""A day in under a minute: looks every 0.7 s instead of 5, a mood after 1 s instead of 10, away
after 2.5 s instead of 15, 4 s between two switches instead of 120."""

Print = Callable[[str], None]


def clip() -> Path:
    """Find the demo clip. Raises BadPicture when the installation lacks it."""
    path = resources_dir() / "demo" / "clip.mp4"
    if not path.is_file():
        raise BadPicture(f"The demo clip is missing from this installation ({path}).")
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
    player: DemoPlayer = DemoPlayer(),
) -> Summary:
    """Run the demo for so many seconds (None: once through the clip). Raises AgentError."""
    path = clip()
    length = seconds if seconds is not None else _length(path)
    summary = Summary()
    lock = threading.Lock()

    def listen(line: dict[str, Any]) -> None:
        with lock:  # lines come from one thread, but the summary is read by another
            summary.add(line)
            out(json.dumps(line) if as_json else tell(line))

    if not as_json:
        out(f"[bold]Moodtray demo[/] - {length:.0f} s of a synthetic face, seen as if by a webcam.")
        out(
            "[dim]Times are shortened: a look every 0.7 s (normally 5), a mood after 1 s (10), "
            "away after 2.5 s (15), 4 s between switches (120), which come at once.[/]"
        )
    with tempfile.TemporaryDirectory(prefix="moodtray-demo-") as folder:
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
    if as_json:
        out(json.dumps({"t": length, "event": "summary", **summary.as_dict()}))
    else:
        out(_told(summary))
    return summary


def _length(path: Path) -> float:
    import cv2

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
            return f"{at}[bold cyan]mood[/]      {words}{share}"
        case "decision":
            what = f" → {escape(line['playlist_name'])}" if line["playlist_name"] else ""
            return f"{at}[magenta]decision[/]  {line['action']}{what}: {line['reason']}"
        case "playback":
            what = escape(line["context_name"] or line["title"] or "nothing")
            return f"{at}[green]music[/]     {line['state']}: {what}"
        case _:
            return f"{at}[yellow]notice[/]    {escape(line['title'])} - {escape(line['body'])}"


def _seen(line: dict[str, Any]) -> str:
    seen = line["probabilities"]
    if seen is None:
        return "[dim]seen      no face[/]"
    best = sorted(seen.items(), key=lambda pair: -pair[1])[:3]
    bar = "█" * round(best[0][1] * 20)
    return "seen      " + "  ".join(f"{n} {p:.0%}" for n, p in best) + f"  [dim]{bar}[/]"


def _told(summary: Summary) -> str:
    moods = ", ".join(dict.fromkeys(summary.moods)) or "none"
    played = " → ".join(summary.switches) or "nothing"
    return (
        f"\n[bold]Summary[/]: {summary.observations} looks, {summary.with_face} with a face.\n"
        f"  moods    {moods}\n  played   {played}\n  notices  {summary.notifications}"
    )
