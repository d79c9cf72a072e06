"""A session source for systems whose state can simply be asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from agent.desktop.session.signals import Signals

STEP = 1.5
"""Seconds between two readings: the longest that a locked screen goes unnoticed."""


class PolledSession:
    """Implements agent.desktop.session.watch.SessionSource around ``ask``, a function of
    milliseconds that reads the present state; it may raise DesktopError.

    Asking needs no window and no run loop on the main thread, which the systems' notifications
    would; and it works the same with and without a tray.
    """

    def __init__(self, ask: Callable[[], Signals], step: float = STEP) -> None:
        self._ask = ask
        self._step = step
        self._woken = threading.Event()

    def open(self) -> None:
        self._ask()

    def read(self) -> Signals:
        return self._ask()

    def wait(self, timeout: float) -> None:
        self._woken.wait(min(timeout, self._step))
        self._woken.clear()

    def let_sleep(self) -> None:
        """Systems that are asked do not wait for programs."""

    def interrupt(self) -> None:
        self._woken.set()

    def close(self) -> None:
        """Nothing is kept open."""
