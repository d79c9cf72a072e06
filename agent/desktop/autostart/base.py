"""The one face of starting at login."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AutostartStatus:
    """``command`` is what the system will start (None: there is no entry, or it cannot be
    understood). ``moved``: it is not this installation; ``gone``: its program is not there at all,
    so that nothing would start."""

    enabled: bool
    command: tuple[str, ...] | None = None
    moved: bool = False
    gone: bool = False

    def describe(self) -> str:
        """One or two sentences for the user."""
        if not self.enabled:
            return "Moodtray does not start at login."
        told = "Moodtray starts at login."
        if self.command is None:
            return told
        if self.gone:
            return (
                f"Start at login is on, but {self.command[0]} is no longer there. "
                "'moodtray autostart enable' points it to this installation."
            )
        if self.moved:
            return (
                f"{told} It is another installation that starts: {self.command[0]}. "
                "'moodtray autostart enable' points it to this one."
            )
        return told


class Autostart(ABC):
    """Any thread; a few milliseconds. One subclass for each system's mechanism.

    ``command`` is the program with its arguments that should start (see
    :func:`~agent.desktop.autostart.command.start_command`).
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.command = tuple(command)

    @abstractmethod
    def enable(self) -> None:
        """Start at login from now on; replaces an older entry. Raises DesktopError."""

    @abstractmethod
    def disable(self) -> None:
        """Do not start at login; fine when it did not. Raises DesktopError."""

    @abstractmethod
    def status(self) -> AutostartStatus:
        """What the system will do at the next login. Raises DesktopError."""

    def renew(self) -> bool:
        """Mend an entry whose program is gone (the installation moved); True when it was mended.

        For the agent's start. An entry that starts another installation which is there is left
        alone: somebody has two, and chose.
        """
        if not self.status().gone:
            return False
        self.enable()
        return True

    def compare(self, enabled: bool, found: tuple[str, ...] | None) -> AutostartStatus:
        """The status for an entry that starts ``found``."""
        if found is None or not enabled:
            return AutostartStatus(enabled, found)
        gone = not found or not os.path.exists(found[0])
        return AutostartStatus(enabled, found, moved=found != self.command, gone=gone)
