"""Icons as files, for the systems that take a path: written once, reused, in a private folder."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from agent.desktop.icons.drawing import icon, note_icon
from agent.errors import StoreError
from agent.store.files import read_private, remove_folder, write_private
from agent.types import MoodState, Status

log = logging.getLogger(__name__)

MOST_BYTES = 1_000_000
"""Of an icon; ours have some thousand."""
NOWHERE = Path(os.devnull)
"""Nobody can put a file below it."""


class IconFiles:
    """PNG files below ``folder``, named by what they show. Any thread may ask."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, status: Status, mood: MoodState, size: int, dark_panel: bool) -> Path:
        """Return the file with this icon; written when it is not there yet.

        A folder that cannot be written is logged, the path then leads nowhere and the system shows
        its own stand-in.
        """
        shade = "dark" if dark_panel else "light"
        name = f"{status.value}-{mood.value}-{size}-{shade}.png".replace(" ", "-")
        return self._written(name, lambda: icon(status, mood, size, dark_panel))

    def note(self, size: int) -> Path:
        """Return the file with the note, for what is told of no mood; as :meth:`path`."""
        return self._written(f"note-{size}.png", lambda: note_icon(size))

    def _written(self, name: str, draw: Callable[[], Image.Image]) -> Path:
        path = self.folder / name
        try:
            # Of another user it could show that the camera is off while it is on.
            read_private(path, MOST_BYTES)
        except OSError:
            picture = io.BytesIO()
            draw().save(picture, "PNG")
            try:
                write_private(path, picture.getvalue())
            except StoreError as error:
                log.warning("The icon %s cannot be written: %s", path, error)
                return NOWHERE / name
        return path

    def remove(self) -> None:
        """Delete the files; they are drawn again when needed."""
        remove_folder(self.folder)
