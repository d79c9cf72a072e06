"""What a logout takes out of the mood journal: every playlist of Spotify's, down to the bytes."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from agent.errors import StoreError

SPOTIFYS = "spotify:"
"""So begins each address of Spotify's, and no other player's."""
PATIENCE = 5.0
"""Seconds to wait for readers of the journal: pages that one of them needs cannot be dropped."""


def forget(connection: sqlite3.Connection) -> bool:
    """Blank names and addresses; True when there were some. Raises sqlite3.Error."""
    connection.execute("PRAGMA secure_delete = ON").fetchone()
    like = (SPOTIFYS + "%",)
    with connection:
        switches = connection.execute(
            "UPDATE switches SET playlist_uri = NULL, playlist_name = NULL"
            " WHERE playlist_uri LIKE ?",
            like,
        )
        feedback = connection.execute("UPDATE feedback SET detail = '' WHERE detail LIKE ?", like)
    # Also without a find: an earlier call may have been cut short before this.
    connection.execute("VACUUM")
    _empty_log(connection)
    return switches.rowcount + feedback.rowcount > 0


def forget_between(connection: sqlite3.Connection, since: float, until: float) -> None:
    """Remove the rows of a time, and their bytes. Raises sqlite3.Error."""
    connection.execute("PRAGMA secure_delete = ON").fetchone()
    with connection:
        for table in ("moods", "switches", "feedback"):
            connection.execute(f"DELETE FROM {table} WHERE at >= ? AND at < ?", (since, until))
    connection.execute("VACUUM")
    _empty_log(connection)


def remove_set_aside(path: Path) -> None:
    """Remove damaged copies of the journal ``path``; nobody can tell what time they are of. Raises
    StoreError."""
    for copy in path.parent.glob(f"{path.name}.broken-*"):
        try:
            copy.unlink()
        except OSError as error:
            raise StoreError(
                f"The damaged history {copy} cannot be removed ({error.strerror}). "
                "Remove it by hand."
            ) from error


def forget_set_aside(path: Path) -> bool:
    """Remove damaged copies of the journal ``path`` that hold Spotify's addresses; nothing can be
    blanked in them. True when there was one. Raises StoreError."""
    found = False
    for copy in path.parent.glob(f"{path.name}.broken-*"):
        try:
            if SPOTIFYS.encode() in copy.read_bytes():
                copy.unlink()
                found = True
        except OSError as error:
            raise StoreError(
                f"The damaged history {copy} cannot be removed ({error.strerror}). "
                "Remove it by hand."
            ) from error
    return found


def _empty_log(connection: sqlite3.Connection) -> None:
    """Bring all into the file itself: the log beside it still holds the old pages."""
    end = time.monotonic() + PATIENCE
    while True:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            return
        if time.monotonic() > end:
            error = sqlite3.OperationalError("the journal is being read")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        time.sleep(0.05)
