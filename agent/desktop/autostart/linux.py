"""Start at login on Linux and the BSDs: an XDG autostart file.

The user's file hides a system-wide one of the same name (a package's). So the entry is switched
off by removing the user's file, or by 'Hidden=true' where a system-wide one would start instead.
Formats: freedesktop.org's Desktop Entry and Desktop Application Autostart specifications.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agent.desktop.autostart.base import Autostart, AutostartStatus, read_entry, remove_entry
from agent.errors import AutostartError, StoreError
from agent.store.files import read_own, read_small, write_atomic
from agent.translation import _

FILE_NAME = "moodtray.desktop"
LONGEST_EXEC = 10_000
"""Characters of a command that could be ours: two paths at most."""

_RESERVED = set(" \t\n\"'\\><~|&;$*?#()`")
_ESCAPED_IN_QUOTES = set('"`$\\')
_STRING_ESCAPES = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}


def quote_exec(command: Sequence[str]) -> str:
    """Write the value of an Exec key: arguments quoted, then the escapes of a string value.

    Raises DesktopError for a control character, which no desktop passes on unharmed.
    """
    return " ".join(_quote(argument) for argument in command).replace("\\", "\\\\")


def _quote(argument: str) -> str:
    if any(ord(character) < 32 for character in argument):
        raise AutostartError(
            _(
                "The path {argument!r} has a control character in its name, "
                "and a desktop file cannot hold that. Install Moodtray in a "
                "folder with a plain name."
            ).format(argument=argument)
        )
    argument = argument.replace("%", "%%")
    if argument and not _RESERVED & set(argument):
        return argument
    inner = "".join(f"\\{c}" if c in _ESCAPED_IN_QUOTES else c for c in argument)
    return f'"{inner}"'


def split_exec(value: str) -> tuple[str, ...] | None:
    """Read the command of an Exec key's value, field codes left out; None: not valid."""
    if len(value) > LONGEST_EXEC:
        return None
    text = _unescape(value)
    arguments: list[str] = []
    current: str | None = None
    quoted = False
    at = 0
    while at < len(text):
        character = text[at]
        following = text[at + 1] if at + 1 < len(text) else ""
        if quoted and character == "\\" and following:
            current = (current or "") + following
            at += 1
        elif character == '"':
            quoted = not quoted
            current = current or ""
        elif character == "%" and following:
            if following == "%":
                current = (current or "") + "%"
            at += 1
        elif character in " \t" and not quoted:
            if current is not None:
                arguments.append(current)
            current = None
        else:
            current = (current or "") + character
        at += 1
    if quoted:
        return None
    if current is not None:
        arguments.append(current)
    return tuple(arguments) or None


def _escape(text: str) -> str:
    """Write a string value: no quotes, unlike in Exec."""
    return text.replace("\\", "\\\\")


def _unescape(value: str) -> str:
    out: list[str] = []
    characters = iter(value)
    for character in characters:
        if character == "\\":
            following = next(characters, "")
            out.append(_STRING_ESCAPES.get(following, "\\" + following))
        else:
            out.append(character)
    return "".join(out)


class XdgAutostart(Autostart):
    """``environment`` is read for the XDG folders and HOME."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None):
        super().__init__(command)
        self._environment = os.environ if environment is None else environment

    @property
    def file(self) -> Path:
        """The user's entry."""
        base = self._environment.get("XDG_CONFIG_HOME", "")
        home = self._environment.get("HOME") or os.path.expanduser("~")
        # A relative path is invalid by the specification and is to be ignored.
        folder = Path(base) if os.path.isabs(base) else Path(home) / ".config"
        return folder / "autostart" / FILE_NAME

    def enable(self) -> None:
        """Start at login from now on. Raises DesktopError."""
        entry = [
            "[Desktop Entry]",
            "Type=Application",
            "Version=1.0",
            "Name=Moodtray",
            "Comment=Reads your mood from the webcam and moves the music to fit",
            f"Exec={quote_exec(self.command)}",
            *self._try_exec(),
            "Icon=moodtray",
            "Terminal=false",
            "X-GNOME-Autostart-enabled=true",
        ]
        self._write("\n".join(entry) + "\n")

    def _try_exec(self) -> list[str]:
        """Make the TryExec key: where the program is gone a desktop passes the entry over.

        Only for an absolute path, since some desktops search with another PATH than others.
        """
        program = self.command[0]
        return [f"TryExec={_escape(program)}"] if os.path.isabs(program) else []

    def disable(self) -> None:
        """Do not start at login. Raises DesktopError."""
        system = self._system_entry()
        if system is not None and _is_on(system):
            entry = ["[Desktop Entry]", "Type=Application", "Name=Moodtray", "Hidden=true"]
            self._write("\n".join(entry) + "\n")
            return
        remove_entry(self.file)

    def status(self) -> AutostartStatus:
        """Read the user's entry, or else the system's."""
        entry = _read(self.file)
        if entry is None:
            entry = self._system_entry()
        if entry is None:
            return AutostartStatus(False)
        return self.compare(_is_on(entry), split_exec(entry.get("Exec", "")))

    def _system_entry(self) -> dict[str, str] | None:
        folders = self._environment.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        for folder in folders.split(":"):
            if os.path.isabs(folder):
                entry = _read(Path(folder) / "autostart" / FILE_NAME, read_small)
                if entry is not None:
                    return entry
        return None

    def _write(self, text: str) -> None:
        try:
            # Paths of another encoding go through byte by byte.
            write_atomic(self.file, text.encode("utf-8", "surrogateescape"), mode=0o644)
        except StoreError as error:
            raise AutostartError(
                _("Start at login could not be changed. {message}").format(message=error.message)
            ) from error


def _is_on(entry: Mapping[str, str]) -> bool:
    return (
        entry.get("Hidden", "false").lower() != "true"
        and entry.get("X-GNOME-Autostart-enabled", "true").lower() != "false"
        and bool(entry.get("Exec"))
    )


def _read(file: Path, read: Callable[[Path, int], bytes] = read_own) -> dict[str, str] | None:
    """Read the keys of the main group; None: there is no such file."""
    data = read_entry(file, read)
    if data is None:
        return None
    text = data.decode("utf-8", "surrogateescape")
    entry: dict[str, str] = {}
    group = ""
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            group = line
        elif group == "[Desktop Entry]" and "=" in line and not line.startswith("#"):
            key, _rest, value = line.partition("=")
            entry.setdefault(key.strip(), value.strip())
    return entry
