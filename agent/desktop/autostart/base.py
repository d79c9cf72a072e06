"""The one face of starting at login."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.desktop.autostart.presence import missing_part, place
from agent.errors import AutostartError, StoreError
from agent.store.files import read_own, unlink
from agent.translation import _

ENTRY_BYTES = 1_000_000
"""Of an entry; ours has some hundreds."""


@dataclass(frozen=True, slots=True)
class AutostartStatus:
    """Whether the system starts Moodtray at login, and what it will start.

    ``command`` None: there is no entry, or it cannot be understood. ``moved``: it is not this
    installation; ``missing``: a path in it that is not there, so that nothing would start.
    """

    enabled: bool
    command: tuple[str, ...] | None = None
    moved: bool = False
    missing: str | None = None

    @property
    def gone(self) -> bool:
        """Nothing would start, because something of it is not there any longer."""
        return self.missing is not None

    def describe(self) -> str:
        """Describe it to the user in one or two sentences."""
        if not self.enabled:
            return _("Moodtray does not start at login.")
        told = _("Moodtray starts at login.")
        if self.command is None:
            return told
        if self.gone:
            return _(
                "Start at login is on, but {missing} is no longer there. "
                "'moodtray autostart enable' points it to this installation."
            ).format(missing=self.missing)
        if self.moved:
            return _(
                "{told} It is another installation that starts: {command}. "
                "'moodtray autostart enable' points it to this one."
            ).format(told=told, command=place(self.command))
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
        """Tell what the system will do at the next login. Raises DesktopError."""

    def renew(self) -> bool:
        """Mend an entry that starts nothing (the installation moved); True when it was mended.

        For the agent's start. An entry that starts another installation which is there is left
        alone: somebody has two, and chose.
        """
        if not self.status().gone:
            return False
        self.enable()
        return True

    def compare(self, enabled: bool, found: tuple[str, ...] | None) -> AutostartStatus:
        """Make the status for an entry that starts ``found``."""
        if found is None or not enabled:
            return AutostartStatus(enabled, found)
        # Windows takes both cases of a letter for the same path.
        moved = [os.path.normcase(word) for word in found] != [
            os.path.normcase(word) for word in self.command
        ]
        return AutostartStatus(enabled, found, moved=moved, missing=missing_part(found))


def remove_entry(file: Path) -> None:
    """Remove an entry that is a file; fine when there is none. Raises DesktopError."""
    try:
        unlink(file)
    except StoreError as error:
        raise AutostartError(
            _("Start at login could not be changed. {message}").format(message=error.message)
        ) from error


def read_entry(file: Path, read: Callable[[Path, int], bytes] = read_own) -> bytes | None:
    """Read an entry that is a file; None: there is none. Raises DesktopError.

    ``read``: how; the system's own may be whose they like.
    """
    try:
        return read(file, ENTRY_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except StoreError as error:
        raise AutostartError(error.message) from error
    except OSError as error:
        raise AutostartError(
            _("{file} cannot be read ({why}). Check its permissions.").format(
                file=file, why=error.strerror or error
            )
        ) from error
