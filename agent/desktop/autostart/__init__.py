"""Start at login: one small file for each system behind one face."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from agent.desktop.autostart.base import Autostart, AutostartStatus
from agent.desktop.autostart.command import home_option, start_command

__all__ = ["Autostart", "AutostartStatus", "autostart", "start_command"]


def autostart(command: Sequence[str] | None = None) -> Autostart:
    """Return the mechanism of this system.

    ``command`` None: this installation, with its folders where they are now.
    """
    command = (*start_command(), *home_option()) if command is None else command
    if sys.platform == "win32":
        from agent.desktop.autostart.windows import RunKeyAutostart
        from agent.desktop.autostart.winreg_access import CurrentUser

        return RunKeyAutostart(command, CurrentUser())
    elif sys.platform == "darwin":  # noqa: RET505 - mypy checks one branch for each system
        from agent.desktop.autostart.macos import LaunchAgent

        return LaunchAgent(command, Path.home() / "Library" / "LaunchAgents")
    else:
        from agent.desktop.autostart.linux import XdgAutostart

        return XdgAutostart(command)
