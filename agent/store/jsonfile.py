"""One JSON object in one private file: written whole or not at all, readable by its owner only."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from agent.store.files import parse_json, read_private, remove, write_private

log = logging.getLogger(__name__)


LIMIT = 10_000_000
"""Bytes: the largest of ours keeps the names of playlists, some hundred bytes each."""


class JsonFile:
    """A small document that survives crashes: temporary file, fsync, rename; mode 0600.

    A missing file reads as None, and so does a damaged one, a link or another user's (with a
    warning in the log that names the file, never its content).
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> dict[str, object] | None:
        """Read the object; None when the file is missing or damaged."""
        try:
            text = read_private(self.path, LIMIT)
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("%s cannot be read (%s); treated as empty", self.path, error.strerror)
            return None
        try:
            value = parse_json(text)
        except ValueError:
            log.warning("%s is damaged; treated as empty", self.path)
            return None
        if not isinstance(value, dict):
            log.warning("%s does not hold an object; treated as empty", self.path)
            return None
        return value

    def save(self, value: dict[str, object]) -> None:
        """Replace the file. Raises StoreError; the old file is then still whole."""
        write_private(self.path, (json.dumps(value, indent=1) + "\n").encode())

    def delete(self) -> bool:
        """Remove the file, and what was left of it; True when there was one. Raises StoreError."""
        return remove(self.path)
