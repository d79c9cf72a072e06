"""Start at login on Windows: a value under HKEY_CURRENT_USER ... Run.

The Task Manager and the settings app switch entries off without removing them: they write a
binary value under StartupApproved whose first byte is odd for 'off'. It is understood, and removed
when the user switches the entry on here.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Protocol

from agent.desktop.autostart.base import Autostart, AutostartStatus
from agent.errors import AutostartError, DesktopError
from agent.translation import _

RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
APPROVED_KEY = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
VALUE = "Moodtray"
LONGEST = 260
"""Characters of a command under Run; longer ones are ignored by the system."""

REG_SZ = 1


class Registry(Protocol):
    """The part of HKEY_CURRENT_USER that we need. Methods raise OSError."""

    def get(self, key: str, name: str) -> tuple[str | bytes, int] | None:
        """Read (data, type); None: there is no such value."""
        ...

    def set(self, key: str, name: str, data: str, kind: int) -> None:
        """Write a value, making the key when needed."""
        ...

    def delete(self, key: str, name: str) -> None:
        """Remove a value; fine when there is none."""
        ...


class RunKeyAutostart(Autostart):
    """An entry under the user's Run key."""

    def __init__(self, command: Sequence[str], registry: Registry) -> None:
        super().__init__(command)
        self._registry = registry

    def enable(self) -> None:
        """Start at login from now on. Raises DesktopError."""
        line = subprocess.list2cmdline(self.command)
        if len(line) > LONGEST:
            raise AutostartError(
                _(
                    "The path of Moodtray is too long for start at login: {n} "
                    "characters, Windows takes {longest}. Install it in a folder "
                    "with a shorter name."
                ).format(n=len(line), longest=LONGEST)
            )
        try:
            self._registry.set(RUN_KEY, VALUE, line, REG_SZ)
            self._registry.delete(APPROVED_KEY, VALUE)
        except OSError as error:
            raise _refused(error) from error

    def disable(self) -> None:
        """Do not start at login. Raises DesktopError."""
        try:
            self._registry.delete(RUN_KEY, VALUE)
            self._registry.delete(APPROVED_KEY, VALUE)
        except OSError as error:
            raise _refused(error) from error

    def status(self) -> AutostartStatus:
        """Read the Run key, and whether the user switched it off elsewhere."""
        try:
            found = self._registry.get(RUN_KEY, VALUE)
            approved = self._registry.get(APPROVED_KEY, VALUE)
        except OSError as error:
            raise _refused(error) from error
        if found is None or not isinstance(found[0], str):
            return AutostartStatus(False)
        return self.compare(not _switched_off(approved), split_command_line(found[0]))


def _switched_off(approved: tuple[str | bytes, int] | None) -> bool:
    return (
        approved is not None
        and isinstance(approved[0], bytes)
        and len(approved[0]) > 0
        and approved[0][0] % 2 == 1
    )


def _refused(error: OSError) -> DesktopError:
    return AutostartError(
        _(
            "Windows refused to change start at login ({error}). A policy "
            "of your organisation may forbid it."
        ).format(error=error)
    )


def split_command_line(line: str) -> tuple[str, ...] | None:
    """Split a Windows command line into its arguments, by the rules of the C run time.

    None for an empty line.
    """
    arguments: list[str] = []
    current: list[str] | None = None
    quoted = False
    slashes = 0
    for character in line + " ":
        if character == "\\":
            slashes += 1
            continue
        # Backslashes mean themselves, except before a quote: there each pair is one of them.
        before_quote = character == '"'
        if slashes:
            current = (current or []) + ["\\"] * (slashes // 2 if before_quote else slashes)
        literal_quote = before_quote and slashes % 2 == 1
        slashes = 0
        if before_quote and not literal_quote:
            quoted = not quoted
            current = current or []
        elif character in " \t" and not quoted:
            if current is not None:
                arguments.append("".join(current))
            current = None
        else:
            current = [*(current or []), character]
    return tuple(arguments) or None
