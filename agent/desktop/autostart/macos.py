"""Start at login on macOS: a LaunchAgent.

The file alone is enough: launchd reads the folder at the next login. It is not loaded at once,
since that would start a second agent on the spot.
"""

from __future__ import annotations

import plistlib
from collections.abc import Sequence
from pathlib import Path

from agent.desktop.autostart.base import Autostart, AutostartStatus, read_entry, remove_entry
from agent.errors import AutostartError, StoreError
from agent.store.files import write_atomic
from agent.translation import _

LABEL = "org.moodtray.agent"


class LaunchAgent(Autostart):
    """``folder`` is ~/Library/LaunchAgents."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        super().__init__(command)
        self.file = folder / f"{LABEL}.plist"

    def enable(self) -> None:
        """Start at login from now on. Raises DesktopError."""
        entry = {
            "Label": LABEL,
            "ProgramArguments": list(self.command),
            "RunAtLoad": True,
            # Only in a session with a screen, and with the priority of something people wait for.
            "LimitLoadToSessionType": "Aqua",
            "ProcessType": "Interactive",
        }
        try:
            write_atomic(self.file, plistlib.dumps(entry, sort_keys=True), mode=0o644)
        except StoreError as error:
            raise AutostartError(
                _("Start at login could not be changed. {message}").format(message=error.message)
            ) from error

    def disable(self) -> None:
        """Do not start at login. Raises DesktopError."""
        remove_entry(self.file)

    def status(self) -> AutostartStatus:
        """Read the agent's property list."""
        data = read_entry(self.file)
        if data is None:
            return AutostartStatus(False)
        try:
            entry = plistlib.loads(data)
        except (ValueError, plistlib.InvalidFileException):
            return AutostartStatus(False)  # launchd cannot read it either
        arguments = entry.get("ProgramArguments") if isinstance(entry, dict) else None
        if not isinstance(arguments, list) or not arguments:
            return AutostartStatus(False)
        enabled = entry.get("RunAtLoad") is True and entry.get("Disabled") is not True
        return self.compare(enabled, tuple(str(argument) for argument in arguments))
