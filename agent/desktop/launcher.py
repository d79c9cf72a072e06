"""Moodtray among the desktop's programs: an entry for its menu, icons and a description.

For installations that no package brings (pipx, uv, pip). All of it lies below the user's own data
folder and is taken away again without a trace.

Formats: freedesktop.org's Desktop Entry, Icon Theme and AppStream specifications.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from agent.errors import DesktopError, StoreError
from agent.store.files import cannot_write, unlink, write_atomic
from agent.store.paths import make_folder, refuse_ways_of_strangers, resources_dir
from agent.translation import _

ENTRY = "moodtray.desktop"
APP_ID = "io.github.moodtray.Moodtray"
ICON_SIZES = (16, 22, 24, 32, 48, 64, 128, 256)

_ENTRY = """\
[Desktop Entry]
Type=Application
Version=1.0
Name=Moodtray
GenericName=Music for your mood
Comment=Reads your mood from the webcam and moves the music to fit
TryExec={program}
Exec={command} run
Icon=moodtray
Terminal=false
Categories=AudioVideo;Audio;Player;
Keywords=mood;music;emotion;webcam;spotify;playlist;
StartupNotify=false
Actions=preview;pause;quit;

[Desktop Action preview]
Name=Show or hide the preview
Exec={command} preview

[Desktop Action pause]
Name=Pause the camera
Exec={command} pause

[Desktop Action quit]
Name=Quit
Exec={command} quit
"""

_METAINFO = """\
<?xml version="1.0" encoding="UTF-8"?>
<component type="desktop-application">
  <id>{id}</id>
  <metadata_license>CC0-1.0</metadata_license>
  <project_license>MIT</project_license>
  <name>Moodtray</name>
  <summary>Music that follows your mood</summary>
  <description>
    <p>
      Moodtray lives in the tray, looks at your face through the webcam every few seconds, keeps a
      steady estimate of your mood, and moves the music to a playlist that fits: its own calm
      loops, your folders, or your playlists on Spotify. It tells what it did and why.
    </p>
    <p>Pictures are judged in memory and never kept or sent. Pausing releases the camera.</p>
  </description>
  <launchable type="desktop-id">{entry}</launchable>
  <icon type="stock">moodtray</icon>
  <developer_name>The Moodtray developers</developer_name>
  <categories>
    <category>AudioVideo</category>
    <category>Audio</category>
    <category>Player</category>
  </categories>
  <content_rating type="oars-1.1"/>
  <provides><binary>moodtray</binary></provides>
</component>
"""


def entry_text(command: Sequence[str]) -> str:
    """Write the desktop entry of a program that ``command`` calls, its verb left out.

    Raises DesktopError for a path that no desktop entry can hold.
    """
    from agent.desktop.autostart.linux import quote_exec

    # In TryExec there are no arguments and so no quotes; only the string's own escape.
    program = command[0].replace("\\", "\\\\")
    return _ENTRY.format(program=program, command=quote_exec(command))


def metainfo_text() -> str:
    """Write what software centres show of the program."""
    return _METAINFO.format(id=APP_ID, entry=ENTRY)


def files(command: Sequence[str]) -> dict[str, bytes]:
    """Make all of it: place below a data folder (``/usr/share``, ``~/.local/share``) -> content.

    Draws the icons. Raises DesktopError.
    """
    from agent.desktop.icons.drawing import app_icon

    found = {
        f"applications/{ENTRY}": entry_text(command).encode(),
        f"metainfo/{APP_ID}.metainfo.xml": metainfo_text().encode(),
    }
    for size in ICON_SIZES:
        picture = io.BytesIO()
        app_icon(size).save(picture, "PNG", optimize=True)
        found[_icon(f"{size}x{size}", "png")] = picture.getvalue()
    drawing = resources_dir() / "icons" / "moodtray.svg"
    if drawing.is_file():
        found[_icon("scalable", "svg")] = drawing.read_bytes()
    return found


def install(command: Sequence[str], environment: Mapping[str, str] = os.environ) -> Path:
    """Write all files for this user and return the entry's path.

    Files of an earlier time are replaced. Raises DesktopError or StoreError.
    """
    folder = data_folder(environment)
    for place, content in files(command).items():
        path = folder / place
        refuse_ways_of_strangers(path)
        try:
            make_folder(path.parent, 0o755)
        except OSError as error:
            raise cannot_write(path, error) from error
        write_atomic(path, content, mode=0o644)
    _announce(folder)
    return folder / "applications" / ENTRY


def uninstall(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Delete what :func:`install` has written, and the folders that are empty then.

    Returns what was there. Raises StoreError.
    """
    folder = data_folder(environment)
    places = [f"applications/{ENTRY}", f"metainfo/{APP_ID}.metainfo.xml"]
    places += [_icon(f"{size}x{size}", "png") for size in ICON_SIZES] + [_icon("scalable", "svg")]
    gone = []
    for path in (folder / place for place in places):
        if unlink(path):
            gone.append(path)
    for path in gone:
        for parent in path.relative_to(folder).parents:
            with contextlib.suppress(OSError):  # others have something there
                (folder / parent).rmdir()
    if gone:
        _announce(folder)
    return gone


def data_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Find where the user's own programs announce themselves.

    Raises DesktopError without a home.
    """
    named = environment.get("XDG_DATA_HOME", "")
    if named and Path(named).is_absolute():
        return Path(named)
    home = environment.get("HOME", "")
    if not home:
        raise DesktopError(
            _(
                "Neither XDG_DATA_HOME nor HOME is set, so there is no place "
                "for the entry. Run this from your own login."
            )
        )
    return Path(home) / ".local" / "share"


def _icon(size: str, kind: str) -> str:
    return f"icons/hicolor/{size}/apps/moodtray.{kind}"


def _announce(folder: Path) -> None:
    """Change the theme's own time: by it desktops see that its icons have changed."""
    theme = folder / "icons" / "hicolor"
    with contextlib.suppress(OSError, StoreError):
        refuse_ways_of_strangers(theme)
        os.utime(theme)
