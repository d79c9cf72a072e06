"""A program that has a tray and nothing else, for tests that look at it from outside.

Commands come as lines of JSON on the standard input (``{"show": {...}}``, ``{"stop": true}``),
events and actions go out as lines of text.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from dataclasses import replace

from agent.clock import SystemClock
from agent.desktop.tray.tray import make_tray
from agent.events import Event, Looked
from agent.types import Action as DecisionAction
from agent.types import (
    CameraState,
    Decision,
    Mood,
    MoodState,
    Playback,
    Playlist,
    PlayState,
    Snapshot,
    Status,
)


def say(*words: object) -> None:
    print(*words, flush=True)


def sample_snapshot(
    status: str = "watching", mood: str = "happy", playlist: str = "Sunny days", **changes: object
) -> Snapshot:
    """A state of affairs worth a picture."""
    state = MoodState(mood)
    chosen = Decision(
        10.0,
        DecisionAction.SWITCH_AT_END,
        state,
        Playlist("local:happy", playlist),
        f"you have looked {mood} for 20 s and the track came to its end",
    )
    return replace(
        Snapshot(
            status=Status(status),
            mood=Mood(state, 0.0, 0.8),
            playback=Playback(12.0, PlayState.PLAYING, "local:happy", playlist),
            decision=chosen,
            switch=chosen,
            change=chosen,
            camera=CameraState.ON,
            autostart=False,
            logged_in=True,
            player="Moodtray's own player",
        ),
        **changes,  # type: ignore[arg-type]
    )


def main() -> None:
    def report(event: Event) -> None:
        say("look" if isinstance(event, Looked) else "event", event)

    tray, reason = make_tray(report, SystemClock(), lambda action: say("action", action))
    if reason:
        say("reason", reason)
    if tray is None:
        sys.exit(4)
    say("backend", tray.backend.name)

    def listen() -> None:
        for line in sys.stdin:
            command = json.loads(line)
            if "show" in command:
                tray.update(sample_snapshot(**command["show"]))
            elif "stop" in command:
                tray.stop()

    tray.update(sample_snapshot())
    signal.signal(signal.SIGTERM, lambda *_: tray.stop())
    threading.Thread(target=listen, daemon=True).start()
    tray.run()
    say("ended")


if __name__ == "__main__":
    main()
