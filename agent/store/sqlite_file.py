"""One SQLite file of ours.

Opened when it is first needed, set aside when it is damaged, its troubles told in the user's words.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sqlite3
import stat
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TypeAlias, TypeVar

from agent.errors import StoreError
from agent.store.paths import (
    ensure_folder,
    refuse_file_of_strangers,
    refuse_ways_of_strangers,
)
from agent.translation import _

log = logging.getLogger(__name__)

_BUSY_SECONDS = 2.0
_DAMAGE = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_ERROR,
)
_LONGEST = 50_000
"""Bytes of a text, and of a row: ours have some hundreds."""
_MOST_COLUMNS = 20
"""Of a table or an index; ours have nine."""
_SIZES = "page_count", "page_size"
_MOST_MEMORY = 64_000_000
"""Bytes that SQLite may take in all; with a history of years it takes some three million."""
MOST_BYTES = 1_000_000_000
"""Of a file; a year takes some ten million."""
_LARGEST_PAGE = 65_536
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_MOST_MADE, _MOST_STEPS = 100, 20_000
"""Tables and indexes, and instructions of SQLite's machine to read which there are: of ours there
are six, and they take some hundred."""
_WORD = re.compile(r"\w+|[^\w\s]", re.ASCII)
"""Of a statement; for SQLite white space is of ASCII alone, and all beyond it letters."""
_CONNECTION_FILES = ("", "-wal", "-shm", "-journal")

Made: TypeAlias = tuple[str, str, str, object]
"""A table or index as SQLite keeps it: kind, name, name of the table, statement."""
T = TypeVar("T")


class Unusable(StoreError):
    """A file of the user's own cannot be read or written, and nobody else holds it."""


class SqliteFile:
    """The connection to one file. Any thread.

    With write-ahead logging where the file system can do it, so that a page may read while the
    agent writes. A file that was removed or replaced beside us is begun anew.

    A damaged file is set aside as ``NAME.broken-DATE`` and a new one is started; ``on_set_aside``
    (default: a warning in the log) is told so in a StoreError's words. ``schema`` makes the tables
    of ``version``, plain columns and indexes of them; what holds anything else is no file of ours,
    and counts as damaged. ``steps`` bring a file of an older version up to date: the key's version
    becomes the next one by these statements, and what is in the file stays.
    """

    def __init__(
        self,
        path: Path,
        schema: str,
        version: int,
        on_set_aside: Callable[[StoreError], None] | None = None,
        steps: Mapping[int, Sequence[str]] | None = None,
    ) -> None:
        self.path = path
        self._schema = schema
        self._steps = steps or {}
        self._version = version
        self._on_set_aside = on_set_aside or _log_warning
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None  # the file that it is open on
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the file; a later call opens it again. May be called twice; never raises."""
        with self._lock:
            self._disconnect()

    def run(self, work: Callable[[sqlite3.Connection], T], *, tells: bool = True) -> T:
        """Let ``work`` use the connection.

        What goes wrong is raised as StoreError, and the next call tries again. ``tells`` False:
        nobody is told of a file that is set aside.
        """
        set_aside: StoreError | None = None
        try:
            with self._lock:
                try:
                    return work(self._connect())
                except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                    if not _is_damage(error) and not self._cannot_be_written(error):
                        raise
                    set_aside = self._set_aside()
                    return work(self._connect())
        except sqlite3.Error as error:
            self.close()  # one that failed may be in any state; a fresh one costs a millisecond
            raise self._translated(error) from error
        finally:
            if set_aside is not None and tells:
                self._on_set_aside(set_aside)

    def _cannot_be_written(self, error: Exception) -> bool:
        """Tell whether SQLite will not write a file that may be written: its head says so."""
        refused = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY
        real = Path(os.path.realpath(self.path))
        there = [file for file in _with_those_beside(real) if os.path.lexists(file)]
        return refused and all(os.access(file, os.W_OK) for file in (real.parent, *there))

    def remove(self) -> None:
        """Remove the file and what SQLite keeps beside it; a later call begins a new one.

        Raises OSError, and StoreError where another user has a hand in it.
        """
        files = _with_those_beside(resolved(self.path))
        for file in files:
            refuse_file_of_strangers(file)
        with self._lock:
            self._disconnect()
            for file in files:
                with contextlib.suppress(FileNotFoundError):
                    file.unlink()

    def _connect(self) -> sqlite3.Connection:
        if self._connection is not None and self._identity() == self._opened:
            return self._connection
        ensure_folder(self.path.parent)
        real = resolved(self.path)
        if self._connection is not None:  # what is written into it nobody would ever find
            log.warning("%s was removed or replaced; it is begun anew", self.path)
            self._disconnect()
            # SQLite leaves these for a file that it cannot see any more; another one they spoil.
            for suffix in ("-wal", "-shm"):
                with contextlib.suppress(OSError):
                    real.with_name(real.name + suffix).unlink()
        # What was planted while the folder was open to others is read by them as we write it.
        for file in _with_those_beside(real):
            refuse_file_of_strangers(file)
        self._opened = self._identity()
        _refuse_what_it_obeys(real)
        # Made before SQLite does, which gives the files beside it the same permissions.
        with contextlib.suppress(OSError):
            self.path.touch(mode=0o600)
        self._opened = self._identity()
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, check_same_thread=False)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
        connection.setlimit(sqlite3.SQLITE_LIMIT_COLUMN, _MOST_COLUMNS)
        # One damaged letter must not make all else unreadable.
        connection.text_factory = lambda text: text.decode(errors="replace")
        connection.execute(f"PRAGMA hard_heap_limit = {_MOST_MEMORY}")
        try:
            self._make_ours(connection)
        except MemoryError as error:  # a few tables of text upon text take gigabytes
            connection.close()
            raise _corrupt("it takes more memory than any history") from error
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _make_ours(self, connection: sqlite3.Connection) -> None:
        """Check a file, make our tables in a new one, and change those of an older version."""
        version = self._known_version(connection)
        if not all(self._may_be_ours(made) for made in _made_in(connection)):
            raise _corrupt("it holds more than our tables and indexes")
        (pages,), (size,) = (connection.execute(f"PRAGMA {of}").fetchone() for of in _SIZES)
        if pages * size > MOST_BYTES:  # as the file says, or what is written ahead
            raise _corrupt("it claims to be larger than any history")
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        if _checked(connection):
            connection.execute("REINDEX")  # what an index holds is in its table
        finding = _checked(connection)
        if finding:
            raise _corrupt(finding)
        if version == 0:
            made = f"{self._schema} PRAGMA user_version = {self._version};"
            connection.executescript(f"BEGIN IMMEDIATE; {made} COMMIT;")
        elif version < self._version:
            self._bring_up_to_date(connection)
        # Whatever the version in it says: else each entry would be refused, and each deletion.
        if _statements(_made_in(connection)) != _statements(self._ours):
            raise _corrupt("its tables are not as they are made")

    def _may_be_ours(self, made: Made) -> bool:
        """Tell whether it is one of our indexes, or one of our tables in some version."""
        if made[0] == "table":
            return made[:3] in [ours[:3] for ours in self._ours] and _is_plain(made[1], made[3])
        return _statements([made]) <= _statements(self._ours)

    def _bring_up_to_date(self, connection: sqlite3.Connection) -> None:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            # Read once nobody else can write: another process may just have done it.
            for step in range(self._known_version(connection), self._version):
                for statement in self._steps.get(step, ()):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {self._version}")

    @cached_property
    def _ours(self) -> list[Made]:
        """The tables and indexes of the schema, as SQLite keeps them."""
        with contextlib.closing(sqlite3.connect(":memory:")) as connection:
            connection.executescript(self._schema)
            return _made_in(connection)

    def _identity(self) -> tuple[int, int] | None:
        """Which file lies at the path; None: there is none."""
        try:
            status = os.stat(self.path)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _known_version(self, connection: sqlite3.Connection) -> int:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version < 0:
            raise _corrupt(f"it is of version {version}")
        if version > self._version:
            raise Unusable(
                _(
                    "{path} was written by a newer Moodtray (its version is "
                    "{version}, this program knows {known}). It is left as it "
                    "is; update Moodtray to go on with it."
                ).format(path=self.path, version=version, known=self._version)
            )
        return version

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _set_aside(self) -> StoreError | None:
        """Move the damaged file away; None: another process has just done so."""
        self._disconnect()
        if self._identity() != self._opened:
            return None
        real = resolved(self.path)
        broken = real.name + datetime.now().strftime(".broken-%Y%m%d-%H%M%S")
        while os.path.lexists(real.with_name(broken)):
            broken += "-more"
        try:
            for file, aside in zip(
                _with_those_beside(real), _with_those_beside(real.with_name(broken)), strict=True
            ):
                with contextlib.suppress(FileNotFoundError):
                    file.replace(aside)
        except OSError as error:
            raise StoreError(
                _(
                    "{path} is damaged and cannot be moved out of the way ({why}). "
                    "Moodtray goes on without a history; move or delete the file "
                    "to start a new one."
                ).format(path=self.path, why=error.strerror)
            ) from error
        return StoreError(
            _(
                "The history {path} is damaged. It is kept, untouched, as "
                "{broken} in the same folder, and a new history has been "
                "started."
            ).format(path=real, broken=broken),
            title=_("The history was damaged"),
        )

    def _translated(self, error: sqlite3.Error) -> StoreError:
        code = _code(error)
        kind: type[StoreError] = Unusable
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            why = _(
                "the disk is full or cannot be written. What was there before "
                "is safe, and Moodtray goes on. Free some space; what you have just asked for "
                "has to be asked for once more."
            )
        elif code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            why = _(
                "it cannot be opened for writing. Check the permissions of the file and folder."
            )
        elif code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            kind = StoreError
            why = _(
                "another program holds it, and Moodtray goes on. Close that program; what you have "
                "just asked for has to be asked for once more."
            )
        else:
            why = _("SQLite says: {error}.").format(error=error)
        return kind(
            _("The history {path} could not be used: {why}").format(path=self.path, why=why)
        )


def resolved(path: Path) -> Path:
    """Find where a file lies that the user has put behind a link, as SQLite does.

    Raises StoreError where it is another user who has, and where it leads to what is no file: as
    /dev/null, which is not to be removed either.
    """
    refuse_ways_of_strangers(path)
    real = Path(os.path.realpath(path))
    if os.path.islink(path) and _is_no_file(real):
        raise StoreError(
            _("The link {path} leads to {real}, which is no file. Remove it.").format(
                path=path, real=real
            )
        )
    return real


def _is_no_file(path: Path) -> bool:
    """Tell whether something else lies there: a folder, a pipe, a link. Nothing may lie there."""
    try:
        return not stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _with_those_beside(real: Path) -> list[Path]:
    """List the file, and where SQLite keeps what belongs to it."""
    return [real.with_name(real.name + suffix) for suffix in _CONNECTION_FILES]


def _log_warning(error: StoreError) -> None:
    log.warning("%s", error)


def _checked(connection: sqlite3.Connection) -> str:
    """Say what is damaged, indexes included; empty: nothing."""
    found = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    return "" if found == "ok" else found


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Have a file written ahead, for which SQLite waits for nobody who reads it just now."""
    end = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def _code(error: Exception) -> int:
    """Return SQLite's primary result code (the extended ones carry it in the low byte).

    What Python itself refuses has none, and is a mistake of ours.
    """
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & 0xFF


def _is_damage(error: Exception) -> bool:
    """Tell whether the file is damaged.

    SQLite takes what we ask of our own tables for an error only where they are no longer ours; of
    names that are no text Python itself says so.
    """
    return isinstance(error, UnicodeDecodeError) or _code(error) in _DAMAGE


def _refuse_what_it_obeys(real: Path) -> None:
    """Raise the error of a damaged file for what SQLite obeys before anything can be checked.

    A journal of changes to several files ends with the name of another one, which is deleted once
    they are taken back: we change one at a time. It begins with the size that the file is given
    then, and of that each page costs memory. The places are those of SQLite's file format, "The
    Rollback Journal".
    """
    for file in _with_those_beside(real):
        with contextlib.suppress(OSError):  # which SQLite meets as well, and has words for
            if file.stat().st_size > MOST_BYTES:
                raise _corrupt(f"{file} is larger than any history")
    for beside in _with_those_beside(real)[1:]:
        if _is_no_file(beside):
            raise _corrupt(f"{beside} is no file")  # a pipe would be waited for, for ever
    with contextlib.suppress(OSError):
        with real.with_name(f"{real.name}-journal").open("rb") as journal:
            head = journal.read(28)
            journal.seek(-min(8, journal.seek(0, os.SEEK_END)), os.SEEK_END)
            names_another = journal.read() == _JOURNAL_MAGIC
        if names_another:
            raise _corrupt("its journal names another file")
        if head.startswith(_JOURNAL_MAGIC) and len(head) == 28:
            pages, _sector, size = struct.unpack(">III", head[16:])
            if pages * (size or _LARGEST_PAGE) > MOST_BYTES:
                raise _corrupt("its journal would make it larger than any history")


def _made_in(connection: sqlite3.Connection) -> list[Made]:
    """List what is made in a file, some more than ours at most.

    Raises the error of a damaged file where there is so much that SQLite takes minutes to read it.
    """
    connection.set_progress_handler(lambda: 1, _MOST_STEPS)  # ends what takes more
    try:
        query = "SELECT type, name, tbl_name, sql FROM sqlite_master"
        return connection.execute(query).fetchmany(_MOST_MADE)
    except sqlite3.OperationalError as error:
        if _code(error) != sqlite3.SQLITE_INTERRUPT:
            raise
        raise _corrupt("it has too many tables and indexes") from error
    finally:
        connection.set_progress_handler(None, 0)


def _is_plain(table: str, sql: object) -> bool:
    """Tell whether it is a table of plain columns.

    Columns that are computed from each other, or checked, take gigabytes for one entry: all of
    these need a second bracket. SQLite also obeys a schema that is kept as bytes.
    """
    plain = re.escape(f"CREATE TABLE {table}") + r"\s*\([^()]*\)"
    return isinstance(sql, str) and re.fullmatch(plain, sql) is not None


def _statements(found: list[Made]) -> set[tuple[str, ...]]:
    """Return what it is and the words that made it: columns that came later are written so."""
    texts = [(*which, re.sub("--.*", "", str(sql))) for *which, sql in found]
    return {(*which, *_WORD.findall(text)) for *which, text in texts}


def _corrupt(finding: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(finding)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error
