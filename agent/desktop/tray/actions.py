"""What a menu click asks of the desktop itself: open the settings, their folder, say who we are."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import assert_never

from agent.desktop.tray.menu import MenuAction
from agent.errors import DesktopError
from agent.events import Notice
from agent.ports import Report
from agent.store.catalogues import mood_named
from agent.store.paths import Paths, make_folder, names_in
from agent.translation import N_, _
from agent.wording import MOODS, capital, clock_time, mood_word

OPEN_SECONDS = 10.0

_FOLDERS = N_(
    "Put music into the folder of a mood: it plays for that mood from the next track on, where "
    "nothing else is set."
)
_IN_SILENCE = N_(
    "Put music into the folder of a mood: it plays for that mood, where nothing else is set. No "
    "music plays now; 'Play for my mood' begins it."
)
_NOT_NOW = N_(
    "Put music into the folder of a mood. Moodtray plays Spotify now: under 'Music for my moods', "
    "'Music on this computer', you can have it play these folders instead."
)
_ALONE = N_("Until {time} the music is left alone; 'Play for my mood' changes it sooner.")


def carry_out(action: MenuAction, paths: Paths, report: Report) -> None:
    """Do what was clicked; trouble is told by a notification.

    May block, as long as the window of *About* is open: not the tray's thread.
    """
    try:
        match action:
            case MenuAction.ABOUT:
                from agent.desktop import about

                about.show(paths)
            case _:
                assert_never(action)
    except DesktopError as error:
        report(Notice(error.title, error.message, asked=True, trouble=True))


def show_music_folders(
    paths: Paths,
    report: Report,
    left_alone_until: datetime | None = None,
    plays: bool = True,
    *,
    in_use: bool = True,
) -> None:
    """Open the folders for the user's own music, one for each mood; those missing are made.

    ``plays``: some music does; ``in_use``: such music is what Moodtray plays;
    ``left_alone_until``: it does not change it by itself before that. May block for seconds.
    """
    try:
        for folder in _folders(paths):
            make_folder(folder, 0o755)
        open_with_desktop(paths.music)
    except OSError as error:
        why = _("The folder {music} cannot be made ({why}). Check its permissions.").format(
            music=paths.music, why=error.strerror
        )
        report(Notice(_("No folders for your music"), why, asked=True, trouble=True))
    except DesktopError as error:
        report(Notice(error.title, error.message, asked=True, trouble=True))
    else:
        title = _("Your music folders are open")
        told = _(_FOLDERS if plays else _IN_SILENCE) if in_use else _(_NOT_NOW)
        if in_use and plays and left_alone_until is not None:
            told = f"{told} {_(_ALONE).format(time=clock_time(left_alone_until))}"
        report(Notice(title, told, asked=True))


def _folders(paths: Paths) -> list[Path]:
    """Name a folder for each mood: the one that there is, else one in the language in force."""
    there = {mood_named(name): name for name in sorted(names_in(paths.music), reverse=True)}
    return [paths.music / there.get(mood, capital(mood_word(mood))) for mood in MOODS]


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
        raise DesktopError(
            _("Please open it by hand: {path}").format(path=path),
            title=_("The desktop did not open it"),
        )
