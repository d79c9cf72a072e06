"""What the desktop session says about the camera: locked, asleep, idle, lid, battery."""

from __future__ import annotations

import sys

from agent.desktop.session.signals import Signals, combine
from agent.desktop.session.watch import SessionSource, SessionWatch
from agent.ports import Clock

__all__ = ["SessionSource", "SessionWatch", "Signals", "combine", "system_source"]


def system_source(clock: Clock) -> SessionSource:
    """Make the source of this system; nothing is opened yet."""
    if sys.platform == "win32":
        from agent.desktop.session import windows
        from agent.desktop.session.polled import PolledSession

        calls = windows.SystemCalls()
        return PolledSession(lambda: windows.ask(calls))
    elif sys.platform == "darwin":  # noqa: RET505 - mypy checks one branch for each system
        from agent.desktop.session import macos
        from agent.desktop.session.polled import PolledSession

        calls = macos.SystemCalls()
        return PolledSession(lambda: macos.ask(calls))
    else:
        from agent.desktop.session.linux import LinuxSession

        return LinuxSession(clock)
