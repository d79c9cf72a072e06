"""How this very installation of Moodtray is removed again, in words."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path, PurePath

from agent.desktop.autostart import command
from agent.translation import _

FIRST = ("uninstall",)
"""Takes the entries away that no package has made, on Linux."""
FIRST_ELSEWHERE = ("autostart", "disable")


def how_to_remove(*, entries_gone: bool = False) -> str:
    """Say how the program itself goes, for the way in which it was installed.

    ``entries_gone``: ``moodtray uninstall`` was run just now.
    """
    source = Path(__file__).resolve().parents[2]
    if getattr(sys, "frozen", False):
        return of_package(sys.platform, Path(sys.executable).parent, entries_gone)
    last = f"'{tool(PurePath(sys.prefix))} moodtray'"
    if not command.is_installed(source):
        last = _("delete the folder {folder}").format(folder=source)
    return of_python(sys.platform, last, entries_gone)


def of_package(platform: str, folder: PurePath, entries_gone: bool = False) -> str:
    """Say it of a package, an installer's program or an app, which lies in ``folder``."""
    if platform == "win32":
        return _(
            "To remove Moodtray: quit it, then Windows' Settings, 'Apps', 'Moodtray', 'Uninstall'."
        )
    if platform == "darwin":
        return _("To remove Moodtray: switch 'Start at login' off, quit it, and delete the app.")
    if folder.is_relative_to("/usr"):
        return _(
            "To remove Moodtray: quit it, and uninstall the package 'moodtray' with your system's "
            "program for software, or with 'sudo apt remove moodtray'."
        )
    last = _("delete the folder {folder}").format(folder=folder)
    return of_python("linux", last, entries_gone)


def of_python(platform: str, last: str, entries_gone: bool = False) -> str:
    """Say it of a wheel or a clone; ``last``: what ends it."""
    if entries_gone:
        return _("The program itself is still there: {last}.").format(last=last)
    first = typed(*(FIRST if platform.startswith("linux") else FIRST_ELSEWHERE))
    return _("To remove Moodtray: quit it, run '{first}', then {last}.").format(
        first=first, last=last
    )


def typed(*verbs: str) -> str:
    """Write a command as it is typed into a terminal: with its path, where it is on no path."""
    found = shutil.which("moodtray")
    own = Path(sys.prefix) / ("Scripts" if os.name == "nt" else "bin") / "moodtray"
    if found is None and own.exists():
        return " ".join((str(own), *verbs))
    return " ".join(("moodtray", *verbs))


def tool(prefix: PurePath) -> str:
    """Name the command that takes a program out of this environment."""
    parts = [part.casefold() for part in prefix.parts]
    if "pipx" in parts:
        return "pipx uninstall"
    if "uv" in parts and "tools" in parts:
        return "uv tool uninstall"
    return "pip uninstall"
