"""Answers to what was wished on the page: told there, where the user looks, and nowhere else."""

from __future__ import annotations

import threading

from agent import events
from agent.effects import Notification
from agent.ports import Report

PATIENCE = 3.0
"""Seconds that a wish waits for its answer: a slow Spotify takes that long. One that comes later is
shown by the desktop."""


class PageAnswers:
    """Hand the controller's answer to the request of the page that waits for it. Any thread."""

    def __init__(self, report: Report, patience: float = PATIENCE) -> None:
        self._report = report
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting: list[_Wish] = []

    def wish(self, event: events.Event) -> str | None:
        """Report a wish and return what came of it; None: that is not known yet. Blocks."""
        wish = _Wish()
        with self._lock:
            self._waiting.append(wish)
        self._report(event)
        wish.answered.wait(self._patience)
        with self._lock:
            if wish in self._waiting:
                self._waiting.remove(wish)
        return wish.told

    def take(self, notification: Notification) -> bool:
        """Take an answer from the desktop; False: nobody on the page waits for one."""
        if not notification.asked:
            return False
        with self._lock:
            if not self._waiting:
                return False
            wish = self._waiting.pop(0)
        wish.told = told(notification)
        wish.answered.set()
        return True


class _Wish:
    """One that waits for its answer."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.told: str | None = None


def told(notification: Notification) -> str:
    """Write an answer as running text."""
    title, body = notification.title, notification.body
    if not body:
        return title
    return f"{title} {body}" if title.endswith((".", "!", "?")) else f"{title}. {body}"
