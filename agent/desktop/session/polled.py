"""A session source for systems whose state can simply be asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from agent.desktop.session.signals import Signals

STEP = 1.5
"""Seconds between two readings: the longest that a locked screen goes unnoticed."""


class PolledSession:
    """A SessionSource around ``ask``, a function of milliseconds that reads the present state.

    It may raise DesktopError. Asking needs no window and no run loop on the main thread, which the
    systems' notifications would; and it works the same with and without a tray.
    """

    def __init__(self, ask: Callable[[], Signals], step: float = STEP) -> None:
        self._ask = ask
        self._step = step
        self._woken = threading.Event()

    def open(self) -> None:
        """Ask once. Raises DesktopError when that fails."""
        self._ask()

    def read(self) -> Signals:
        """Ask for the present state."""
        return self._ask()

    def wait(self, timeout: float) -> None:
        """Wait for the time, or until :meth:`interrupt`."""
        self._woken.wait(min(timeout, self._step))
        self._woken.clear()

    def let_sleep(self) -> None:
        """Do nothing: systems that are asked do not wait for programs."""

    def interrupt(self) -> None:
        """End the present or the next wait. Any thread."""
        self._woken.set()

    def close(self) -> None:
        """Do nothing: nothing is kept open."""
