"""What a menu click asks of the desktop itself: open the settings, their folder, say who we are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import assert_never

from agent import __version__
from agent.desktop.tray.menu import MenuAction
from agent.errors import DesktopError
from agent.events import Notice
from agent.ports import Report
from agent.store.paths import Paths

OPEN_SECONDS = 10.0


def carry_out(action: MenuAction, paths: Paths, report: Report) -> None:
    """Do it; trouble is told by a notification. May block for seconds: not the tray's thread."""
    try:
        match action:
            case MenuAction.SETTINGS:
                open_with_desktop(paths.settings_file)
            case MenuAction.SETTINGS_FOLDER:
                open_with_desktop(paths.config)
            case MenuAction.ABOUT:
                report(
                    Notice(
                        f"Moodtray {__version__}",
                        "Watches your mood and moves the music to fit. "
                        "No picture ever leaves this computer, and none is kept.",
                        asked=True,
                    )
                )
            case _:
                assert_never(action)
    except DesktopError as error:
        report(Notice(error.title, error.message, asked=True))


def open_with_desktop(path: Path) -> None:
    """Open a file or folder with the program that the user's desktop has for it.
    Raises DesktopError that names the path, so that the user can open it by hand.
    """
    try:
        if sys.platform == "win32":
            os.startfile(path)
            return
        opener = "open" if sys.platform == "darwin" else "xdg-open"
        # Some openers stay until the program they started ends; that is no failure.
        done = subprocess.run(
            [opener, str(path)], timeout=OPEN_SECONDS, capture_output=True, check=False
        )
        failed = done.returncode != 0
    except subprocess.TimeoutExpired:
        return
    except OSError:
        failed = True
    if failed:
        raise DesktopError(f"Please open it by hand: {path}", title="The desktop did not open it")
