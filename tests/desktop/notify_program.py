"""A program that notifies, for tests that look at it from outside: lines of JSON in, events out."""

from __future__ import annotations

import json
import logging
import sys

from agent.clock import SystemClock
from agent.desktop.notify import DesktopNotifications
from agent.events import NotMyMood, UndoSwitch
from agent.settings import NotificationSettings
from agent.types import MoodState, Notification, NotificationKind


def main() -> None:
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="log %(message)s")
    notifier = DesktopNotifications(
        lambda event: print("event", event, flush=True), SystemClock(), NotificationSettings
    )
    for line in sys.stdin:
        wish = json.loads(line)
        buttons = (("Undo", UndoSwitch()), ("Not my mood", NotMyMood()))
        notifier.notify(
            Notification(
                NotificationKind(wish["kind"]),
                wish["title"],
                wish["body"],
                buttons=buttons if wish.get("buttons") else (),
                emotion=MoodState(wish.get("emotion", "happy")),
            )
        )
        print("returned", flush=True)
    notifier.close()
    print("ended", flush=True)


if __name__ == "__main__":
    main()
