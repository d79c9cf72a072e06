"""The mood journal: moods, switches and the user's answers in one SQLite file of their own.

Nothing in it is a picture. The file is opened at the first use, with write-ahead logging where the
file system can do it, so that a page may read while the agent writes.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from agent.errors import StoreError
from agent.store.paths import ensure_folder
from agent.types import Action, Decision, Mood, MoodState

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS moods (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,           -- seconds since 1970, UTC
    state TEXT NOT NULL,
    confidence REAL NOT NULL,
    probabilities TEXT,         -- JSON list of seven, in the order of agent.types.EMOTIONS
    by_hand INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS switches (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    action TEXT NOT NULL,
    mood TEXT NOT NULL,
    playlist_uri TEXT,
    playlist_name TEXT,
    reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS feedback (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS moods_at ON moods (at);
CREATE INDEX IF NOT EXISTS switches_at ON switches (at);
CREATE INDEX IF NOT EXISTS feedback_at ON feedback (at);
"""

_BUSY_SECONDS = 2.0
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_CONNECTION_FILES = ("", "-wal", "-shm", "-journal")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MoodEntry:
    at: datetime
    state: MoodState
    confidence: float
    probabilities: tuple[float, ...] | None
    by_hand: bool


@dataclass(frozen=True, slots=True)
class SwitchEntry:
    at: datetime
    action: Action
    mood: MoodState
    playlist_uri: str | None
    playlist_name: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class FeedbackEntry:
    at: datetime
    kind: str
    detail: str


class SqliteHistory:
    """Implements :class:`agent.ports.History`. Any thread; each call is one short transaction.

    A damaged file is set aside as ``history.sqlite.broken-DATE`` and a new one is started;
    ``on_set_aside`` (default: a warning in the log) is told so in a StoreError's words. All else
    that goes wrong is raised as StoreError, and the next call tries again.
    """

    def __init__(
        self, path: Path, *, on_set_aside: Callable[[StoreError], None] | None = None
    ) -> None:
        self.path = path
        self._on_set_aside = on_set_aside or _log_warning
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    # -- writing

    def add_mood(self, when: datetime, mood: Mood) -> None:
        probabilities = None
        if mood.probabilities is not None:
            probabilities = json.dumps([round(float(p), 4) for p in mood.probabilities])
        self._insert(
            "INSERT INTO moods (at, state, confidence, probabilities, by_hand)"
            " VALUES (?, ?, ?, ?, ?)",
            when,
            (mood.state.value, float(mood.confidence), probabilities, int(mood.by_hand)),
        )

    def add_switch(self, when: datetime, decision: Decision) -> None:
        playlist = decision.playlist
        self._insert(
            "INSERT INTO switches (at, action, mood, playlist_uri, playlist_name, reason)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            when,
            (
                decision.action.value,
                decision.mood.value,
                playlist.uri if playlist else None,
                playlist.name if playlist else None,
                decision.reason,
            ),
        )

    def add_feedback(self, when: datetime, kind: str, detail: str) -> None:
        self._insert(
            "INSERT INTO feedback (at, kind, detail) VALUES (?, ?, ?)", when, (kind, detail)
        )

    # -- reading: oldest first

    def moods(self, *, since: datetime | None = None, last: int = 1000) -> list[MoodEntry]:
        """The latest ``last`` moods, none older than ``since``."""
        rows = self._select("at, state, confidence, probabilities, by_hand", "moods", since, last)
        return [
            MoodEntry(
                _date(at),
                MoodState(state),
                confidence,
                tuple(json.loads(probabilities)) if probabilities is not None else None,
                bool(by_hand),
            )
            for at, state, confidence, probabilities, by_hand in rows
        ]

    def switches(self, *, since: datetime | None = None, last: int = 1000) -> list[SwitchEntry]:
        """The latest ``last`` switches, none older than ``since``."""
        columns = "at, action, mood, playlist_uri, playlist_name, reason"
        return [
            SwitchEntry(_date(at), Action(action), MoodState(mood), uri, name, reason)
            for at, action, mood, uri, name, reason in self._select(
                columns, "switches", since, last
            )
        ]

    def feedback(self, *, since: datetime | None = None, last: int = 1000) -> list[FeedbackEntry]:
        """The latest ``last`` answers of the user, none older than ``since``."""
        return [
            FeedbackEntry(_date(at), kind, detail)
            for at, kind, detail in self._select("at, kind, detail", "feedback", since, last)
        ]

    def counts(self) -> tuple[int, int]:
        """How many moods and switches there are."""

        def work(connection: sqlite3.Connection) -> tuple[int, int]:
            query = "SELECT (SELECT COUNT(*) FROM moods), (SELECT COUNT(*) FROM switches)"
            moods, switches = connection.execute(query).fetchone()
            return int(moods), int(switches)

        return self._run(work)

    def close(self) -> None:
        """May be called twice; a later call opens the file again. Never raises."""
        with self._lock:
            self._disconnect()

    # -- inside

    def _insert(self, statement: str, when: datetime, values: Sequence[Any]) -> None:
        def work(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute(statement, (when.timestamp(), *values))

        self._run(work)

    def _select(
        self, columns: str, table: str, since: datetime | None, last: int
    ) -> list[tuple[Any, ...]]:
        statement = f"SELECT {columns} FROM {table} WHERE at >= ? ORDER BY at DESC, id DESC LIMIT ?"
        earliest = since.timestamp() if since is not None else 0.0

        def work(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(statement, (earliest, last)).fetchall()

        return self._run(work)[::-1]

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        set_aside: StoreError | None = None
        with self._lock:
            try:
                try:
                    result = work(self._connect())
                except sqlite3.DatabaseError as error:
                    if _code(error) not in _CORRUPT:
                        raise
                    set_aside = self._set_aside()
                    result = work(self._connect())
            except sqlite3.Error as error:
                # A connection that failed may be in any state; a fresh one costs a millisecond.
                self._disconnect()
                raise self._translated(error) from error
        if set_aside is not None:
            self._on_set_aside(set_aside)
        return result

    def _connect(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        ensure_folder(self.path.parent)
        # Made before SQLite does, which gives the files beside it the same permissions.
        with contextlib.suppress(OSError):
            self.path.touch(mode=0o600)
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, check_same_thread=False)
        try:
            version = self._known_version(connection)
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute("PRAGMA synchronous = NORMAL")
            check = connection.execute("PRAGMA quick_check(1)").fetchone()
            if check != ("ok",):
                raise _corrupt(str(check[0]))
            if version < SCHEMA_VERSION:
                connection.executescript(
                    f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
                )
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _known_version(self, connection: sqlite3.Connection) -> int:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{self.path} was written by a newer Moodtray (its version is {version}, this "
                f"program knows {SCHEMA_VERSION}). It is left as it is; update Moodtray to go on "
                "with it."
            )
        return version

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _set_aside(self) -> StoreError:
        self._disconnect()
        broken = self.path.name + datetime.now().strftime(".broken-%Y%m%d-%H%M%S")
        try:
            for suffix in _CONNECTION_FILES:
                with contextlib.suppress(FileNotFoundError):
                    self.path.with_name(self.path.name + suffix).replace(
                        self.path.with_name(broken + suffix)
                    )
        except OSError as error:
            raise StoreError(
                f"{self.path} is damaged and cannot be moved out of the way ({error.strerror}). "
                "Moodtray goes on without a history; move or delete the file to start a new one."
            ) from error
        return StoreError(
            f"The history {self.path} is damaged. It is kept, untouched, as {broken} in the same "
            "folder, and a new history has been started.",
            title="The history was damaged",
        )

    def _translated(self, error: sqlite3.Error) -> StoreError:
        code = _code(error)
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            why = (
                "the disk is full or cannot be written. What was there before is safe. "
                "Free some space; Moodtray goes on and tries again."
            )
        elif code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            why = "it cannot be opened for writing. Check the permissions of the file and folder."
        elif code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            why = "another program holds it. Moodtray goes on and tries again."
        else:
            why = f"SQLite says: {error}."
        return StoreError(f"The history {self.path} could not be used: {why}")


def _log_warning(error: StoreError) -> None:
    log.warning("%s", error)


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code (the extended ones carry it in the low byte)."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _corrupt(finding: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(finding)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _date(at: float) -> datetime:
    return datetime.fromtimestamp(at).astimezone()
