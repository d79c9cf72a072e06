"""A program that notifies, for tests that look at it from outside: lines of JSON in, events out.

``FAST_CLOCK`` lets a minute pass between two notifications; ``WITHOUT_BUTTONS`` plays a
system where the service cannot be spoken to directly.
"""

from __future__ import annotations

import json
import logging
import os
import sys

from agent.clock import SystemClock
from agent.desktop.notifications import notifier as notify
from agent.desktop.notifications.notifier import DesktopNotifications
from agent.effects import Notification
from agent.events import NotMyMood, UndoSwitch
from agent.settings import NotificationSettings
from agent.types import MoodState, NotificationKind


class FastClock(SystemClock):
    """A minute goes by with every look at it."""

    looks = 0

    def monotonic(self) -> float:
        self.looks += 1
        return 61.0 * self.looks


def main() -> None:
    if os.environ.get("WITHOUT_BUTTONS"):
        way = "agent.desktop.notifications.freedesktop"
        sys.modules[way] = None  # type: ignore[assignment]  # its import raises from now on
    clock = FastClock() if os.environ.get("FAST_CLOCK") else SystemClock()
    notify.SECONDS_SHOWN = 600  # a busy machine may need longer than a person to look at it
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="log %(message)s")
    notifier = DesktopNotifications(
        lambda event: print("event", event, flush=True), clock, NotificationSettings
    )
    for line in sys.stdin:
        wish = json.loads(line)
        if "withdraw" in wish:
            notifier.withdraw(NotificationKind(wish["withdraw"]))
            continue
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
