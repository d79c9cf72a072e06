"""The mood journal: moods, switches and the user's answers in one SQLite file of their own.

Nothing in it is a picture. The file is opened at the first use, with write-ahead logging where the
file system can do it, so that a page may read while the agent writes.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from agent.errors import StoreError
from agent.printable import printable
from agent.store.files import holds, unlink
from agent.store.paths import is_there, names_in
from agent.store.sqlite_file import MOST_BYTES, SqliteFile, Unusable, resolved
from agent.translation import _, from_recipe, recipe
from agent.types import EMOTIONS, Action, Decision, Evidence, Mood, MoodState

S = TypeVar("S", str, str | None)
T = TypeVar("T")

SCHEMA_VERSION = 3
PATIENCE = 5.0
"""Seconds to wait for readers of the journal: pages that one of them needs cannot be dropped."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS moods (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,           -- seconds since 1970, UTC
    state TEXT NOT NULL,
    confidence REAL NOT NULL,
    probabilities TEXT,         -- JSON list of seven, in the order of agent.types.EMOTIONS
    by_hand INTEGER NOT NULL,
    valence REAL,               -- -1 to 1
    arousal REAL
);
CREATE TABLE IF NOT EXISTS switches (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    action TEXT NOT NULL,
    mood TEXT NOT NULL,
    playlist_uri TEXT,
    playlist_name TEXT,
    reason TEXT NOT NULL,
    evidence TEXT,              -- JSON of agent.types.Evidence
    recipe TEXT                 -- how the reason is told in any language: agent.translation
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

LONGEST = timedelta(hours=4)
"""A mood that lasted longer without any other entry is an agent that was ended without a word."""
NO_TIME = "(typeof(at) NOT IN ('real', 'integer') OR at < 0 OR at >= 1e11)"
"""Of a row that nobody of us has written, as SQLite keeps what it is given. 1e11: the year 5138."""
LONGEST_KEPT = 2_000
"""Characters of a text that is written: a whole row is bounded."""
LONGEST_LINE = 1_000
"""Characters of a name or a reason that is read; ours have some hundreds."""
MOST_NAMES = 2_000
"""That are told of at once: nobody has as many playlists for their moods."""
PART = 1000
"""Entries that are read in one go where all are read."""

_STEPS = {
    1: (
        "ALTER TABLE moods ADD COLUMN valence REAL",
        "ALTER TABLE moods ADD COLUMN arousal REAL",
        "ALTER TABLE switches ADD COLUMN evidence TEXT",
    ),
    2: ("ALTER TABLE switches ADD COLUMN recipe TEXT",),
}
"""From each older version to the next. What was noted before has no place and no evidence, and its
reasons stay in the language of then."""


@dataclass(frozen=True, slots=True)
class MoodEntry:
    """One mood, as it was kept; ``place``: valence and arousal, -1 to 1 each."""

    at: datetime
    state: MoodState
    confidence: float
    probabilities: tuple[float, ...] | None
    by_hand: bool
    place: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class SwitchEntry:
    """One change of the music, as it was kept."""

    at: datetime
    action: Action
    mood: MoodState
    playlist_uri: str | None
    playlist_name: str | None
    reason: str
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class FeedbackEntry:
    """One answer of the user, as it was kept."""

    at: datetime
    kind: str
    detail: str


class SqliteHistory:
    """Implements :class:`agent.ports.History`. Any thread; each call is one short transaction.

    A damaged file is set aside as ``history.sqlite.broken-DATE`` and a new one is started;
    ``on_set_aside`` (default: a warning in the log) is told so in a StoreError's words. All else
    that goes wrong is raised as StoreError, and the next call tries again.

    A playlist for whose address ``forgotten`` is true is written without name and address: the
    agent may learn a moment late that :meth:`forget_playlists` was called in another process.
    """

    def __init__(
        self,
        path: Path,
        *,
        on_set_aside: Callable[[StoreError], None] | None = None,
        forgotten: Callable[[str], bool] = lambda uri: False,
    ) -> None:
        self.path = path
        self._forgotten = forgotten
        self._file = SqliteFile(path, _SCHEMA, SCHEMA_VERSION, on_set_aside, _STEPS)

    # -- writing

    def add_mood(
        self, when: datetime, mood: Mood, place: tuple[float, float] | None = None
    ) -> None:
        """Keep a mood, with its valence and arousal where they are known."""
        probabilities = None
        valence, arousal = place or (None, None)
        if mood.probabilities is not None:
            probabilities = json.dumps([round(float(p), 4) for p in mood.probabilities])
        self._insert(
            "INSERT INTO moods (at, state, confidence, probabilities, by_hand, valence, arousal)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            when,
            lambda: (
                mood.state.value,
                float(mood.confidence),
                probabilities,
                int(mood.by_hand),
                _rounded(valence),
                _rounded(arousal),
            ),
        )

    def add_switch(self, when: datetime, decision: Decision) -> None:
        """Keep a change of the music."""
        playlist = decision.playlist

        def values() -> Sequence[Any]:
            known = playlist if playlist and not self._forgotten(playlist.uri) else None
            uri, name = (known.uri, known.name) if known else (None, None)
            evidence = _written(decision.evidence)
            retold = recipe(decision.reason)
            told = _cut(str(decision.reason)), evidence, retold if retold == _cut(retold) else None
            return decision.action.value, decision.mood.value, _cut(uri), _cut(name), *told

        self._insert(
            "INSERT INTO switches (at, action, mood, playlist_uri, playlist_name, reason, evidence,"
            " recipe) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            when,
            values,
        )

    def add_feedback(self, when: datetime, kind: str, detail: str) -> None:
        """Keep the user's answer."""
        self._insert(
            "INSERT INTO feedback (at, kind, detail) VALUES (?, ?, ?)",
            when,
            lambda: (kind, "" if self._forgotten(detail) else _cut(detail)),
        )

    def forget_playlists(self, prefix: str) -> bool:
        """Blank every playlist whose address begins with ``prefix``; True when there was one.

        The switches stay, with their moods and times. Damaged files that were set aside are looked
        at as well. Afterwards the bytes are gone from the files, not only from the tables. Raises
        StoreError.
        """
        found = False
        try:
            found = is_there(self.path) and self._file.run(lambda opened: _blank(opened, prefix))
        finally:  # the file itself may just have become one that is set aside
            found = _remove_set_aside(self.path, prefix) or found
        return found

    def playlist_names(self, prefix: str) -> set[str]:
        """Name the playlists whose address begins with ``prefix``, MOST_NAMES at most.

        Raises StoreError.
        """
        if not is_there(self.path):
            return set()
        query = (
            f"SELECT DISTINCT {_cut_in_sql(f'playlist_name:{LONGEST_KEPT}')} FROM switches"
            f" WHERE substr(playlist_uri, 1, ?) = ? LIMIT {MOST_NAMES}"
        )
        rows = self._file.run(
            lambda opened: opened.execute(query, (len(prefix), prefix)).fetchall()
        )
        return {name for (name,) in rows if name}

    def forget_between(self, since: float, until: float) -> None:
        """Remove all that was noted from ``since`` up to ``until`` (seconds since 1970).

        A mood that lasted into that time ends at its beginning, and one that lasted on goes on from
        its end: no other entry tells what was then. Damaged files that were set aside go as well:
        nobody can tell what time they are of, as of a row whose time is none.
        Afterwards the bytes are gone from the files, not only from the tables. Raises StoreError.
        """
        try:
            if is_there(self.path):
                # What is set aside goes as well, so nobody is told that it is kept.
                self._file.run(lambda opened: _remove_between(opened, since, until), tells=False)
        except Unusable:
            if (since, until) != (float("-inf"), float("inf")):
                raise
            self._remove()  # all of it is to go, though it cannot be read
        finally:
            _remove_set_aside(self.path, "")

    def has_older_than(self, when: float) -> bool:
        """Tell whether anything is older than that (seconds since 1970). Raises StoreError."""
        if not is_there(self.path):
            return False
        query = " UNION ALL ".join(
            f"SELECT 1 FROM {table} WHERE at < :when" for table in ("moods", "switches", "feedback")
        )
        found = self._file.run(
            lambda opened: opened.execute(f"{query} LIMIT 1", {"when": when}).fetchone()
        )
        return found is not None

    # -- reading: oldest first

    def moods(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        last: int = 1000,
    ) -> list[MoodEntry]:
        """Read the latest ``last`` moods, from ``since`` up to before ``until``."""
        return _sensible(_mood, self._select(_MOOD, "moods", since, until, last))

    def switches(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        last: int = 1000,
    ) -> list[SwitchEntry]:
        """Read the latest ``last`` switches, from ``since`` up to before ``until``.

        Their reasons are told in the language in force.
        """
        return _sensible(_switch, self._select(_SWITCH, "switches", since, until, last))

    def feedback(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        last: int = 1000,
    ) -> list[FeedbackEntry]:
        """Read the latest ``last`` answers of the user, from ``since`` up to before ``until``."""
        return _sensible(_feedback, self._select(_FEEDBACK, "feedback", since, until, last))

    def every_mood(self) -> Iterator[MoodEntry]:
        """Read all moods, a part at a time.

        Between two parts the file is free for others. Raises StoreError, also on the way.
        """
        return self._every(_MOOD, "moods", _mood)

    def every_switch(self) -> Iterator[SwitchEntry]:
        """Read all switches, as :meth:`every_mood` does."""
        return self._every(_SWITCH, "switches", _switch)

    def every_feedback(self) -> Iterator[FeedbackEntry]:
        """Read all answers of the user, as :meth:`every_mood` does."""
        return self._every(_FEEDBACK, "feedback", _feedback)

    def counts(self) -> tuple[int, int]:
        """Count the moods and the switches."""

        def work(connection: sqlite3.Connection) -> tuple[int, int]:
            query = "SELECT (SELECT COUNT(*) FROM moods), (SELECT COUNT(*) FROM switches)"
            moods, switches = connection.execute(query).fetchone()
            return int(moods), int(switches)

        return self._file.run(work)

    def close(self) -> None:
        """Close the file; a later call opens it again. May be called twice; never raises."""
        self._file.close()

    # -- inside

    def _remove(self) -> None:
        try:
            self._file.remove()
        except OSError as error:
            raise StoreError(
                _("The history {path} cannot be removed ({why}). Remove it by hand.").format(
                    path=self.path, why=error.strerror
                )
            ) from error

    def _insert(self, statement: str, when: datetime, values: Callable[[], Sequence[Any]]) -> None:
        def work(connection: sqlite3.Connection) -> None:
            with connection:
                # The values are asked for once nobody else can write: a logout comes before, and
                # is known here, or after, and finds what was written.
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(statement, (when.timestamp(), *values()))

        self._file.run(work)

    def _select(
        self,
        columns: str,
        table: str,
        since: datetime | None,
        until: datetime | None,
        last: int,
    ) -> list[tuple[Any, ...]]:
        statement = (
            f"SELECT {columns} FROM {table} WHERE at >= ? AND at < ? AND NOT {NO_TIME}"
            " ORDER BY at DESC, id DESC LIMIT ?"
        )
        earliest = since.timestamp() if since is not None else 0.0
        end = until.timestamp() if until is not None else float("inf")

        def work(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(statement, (earliest, end, last)).fetchall()

        return self._file.run(work)[::-1]

    def _every(self, columns: str, table: str, make: Callable[[tuple[Any, ...]], T]) -> Iterator[T]:
        statement = (
            f"SELECT at, id, {columns} FROM {table} WHERE (at, id) > (?, ?) AND NOT {NO_TIME}"
            " ORDER BY at, id LIMIT ?"
        )
        place: tuple[Any, Any] = (0.0, -1)

        def work(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(statement, (*place, PART)).fetchall()

        while rows := self._file.run(work):
            place = rows[-1][:2]
            yield from _sensible(make, [row[2:] for row in rows])


def _sensible(make: Callable[[tuple[Any, ...]], T], rows: list[tuple[Any, ...]]) -> list[T]:
    """Read rows; one that nobody of us has written is passed over: the others are still true."""
    made = []
    for row in rows:
        with contextlib.suppress(ValueError, TypeError, OverflowError, OSError, RecursionError):
            made.append(make(row))
    return made


def _cut_in_sql(columns: str) -> str:
    """List the columns, each text cut to what ours may have, so that it takes no more memory.

    ``columns``: "name" of a number, "name:most" of a text of so many characters.
    """

    def cut(name: str, most: int) -> str:
        # A character has four bytes at most; cutting ends at a zero, of which ours have none.
        longer = f"length(CAST({name} AS BLOB)) > {4 * most}"
        return f"CASE WHEN {longer} THEN substr({name}, 1, {most}) ELSE {name} END"

    parted = (each.partition(":") for each in columns.split())
    return ", ".join(cut(name, int(most)) if most else name for name, _colon, most in parted)


_MOOD = _cut_in_sql("at state:40 confidence probabilities:200 by_hand valence arousal")
_SWITCH = _cut_in_sql(
    f"at action:40 mood:40 playlist_uri:{LONGEST_KEPT} playlist_name:{LONGEST_KEPT}"
    f" reason:{LONGEST_KEPT} evidence:1000 recipe:{LONGEST_KEPT}"
)
_FEEDBACK = _cut_in_sql(f"at kind:40 detail:{LONGEST_KEPT}")


def _mood(row: tuple[Any, ...]) -> MoodEntry:
    at, state, confidence, probabilities, by_hand, valence, arousal = row
    seven = None if probabilities is None else _shares(json.loads(probabilities))
    place = None
    if valence is not None and arousal is not None:
        place = _within(valence, -1, 1), _within(arousal, -1, 1)
    sure = _within(confidence, 0, 1)
    return MoodEntry(_date(at), MoodState(state), sure, seven, bool(by_hand), place)


def _switch(row: tuple[Any, ...]) -> SwitchEntry:
    at, action, mood, uri, name, reason, evidence, written = row
    return SwitchEntry(
        _date(at),
        Action(action),
        MoodState(mood),
        None if uri is None else printable(str(uri), LONGEST_KEPT),
        None if name is None else _line(name),
        _line(from_recipe(written, str(reason))),
        _read(evidence),
    )


def _feedback(row: tuple[Any, ...]) -> FeedbackEntry:
    at, kind, detail = row
    return FeedbackEntry(_date(at), _line(kind), printable(str(detail), LONGEST_KEPT))


def _cut(text: S) -> S:
    """Bound a text, and write '?' for what is no letter: a path may hold such bytes."""
    return text if text is None else text[:LONGEST_KEPT].encode(errors="replace").decode()


def _line(text: object) -> str:
    return printable(str(text), LONGEST_LINE)


def _within(number: object, low: float, high: float) -> float:
    """Return the number. Raises ValueError where it is none that we write, such as infinity."""
    read = float(number)  # type: ignore[arg-type]
    kept = min(max(read, low), high)
    if not abs(read - kept) <= 1e-3:  # a share may be above 1 by the last digit
        raise ValueError(number)
    return kept


def _shares(seven: Sequence[object]) -> tuple[float, ...]:
    """Read the shares of the seven. Raises ValueError."""
    if len(seven) != len(EMOTIONS):
        raise ValueError(seven)
    return tuple(_within(share, 0, 1) for share in seven)


def _blank(connection: sqlite3.Connection, prefix: str) -> bool:
    """Blank names and addresses; True when there were some. Raises sqlite3.Error."""
    connection.execute("PRAGMA secure_delete = ON").fetchone()
    like = (prefix.replace("%", r"\%").replace("_", r"\_") + "%",)
    with connection:
        switches = connection.execute(
            "UPDATE switches SET playlist_uri = NULL, playlist_name = NULL"
            " WHERE playlist_uri LIKE ? ESCAPE '\\'",
            like,
        )
        feedback = connection.execute(
            "UPDATE feedback SET detail = '' WHERE detail LIKE ? ESCAPE '\\'", like
        )
    # Also without a find: an earlier call may have been cut short before this.
    connection.execute("VACUUM")
    _empty_log(connection)
    return switches.rowcount + feedback.rowcount > 0


def _remove_between(connection: sqlite3.Connection, since: float, until: float) -> None:
    """Remove the rows of a time, and their bytes. Raises sqlite3.Error."""
    connection.execute("PRAGMA secure_delete = ON").fetchone()
    tables = ("moods", "switches", "feedback")
    with connection:
        for table in tables:
            # A damaged index tells of other times than the rows.
            connection.execute(f"REINDEX {table}_at")
            connection.execute(f"DELETE FROM {table} WHERE {NO_TIME}")
        into, beyond = _mood_at(connection, since), _mood_at(connection, until)
        for table in tables:
            connection.execute(f"DELETE FROM {table} WHERE at >= ? AND at < ?", (since, until))
        if into is not None:
            connection.execute(_LASTED, (since, str(MoodState.AWAY), False))
        if beyond is not None and beyond.lasted:
            connection.execute(_LASTED, (until, beyond.state, beyond.by_hand))
    connection.execute("VACUUM")
    _empty_log(connection)


@dataclass(frozen=True, slots=True)
class _Lasting:
    """A mood that was in force; ``lasted``: a later entry tells that it went on."""

    state: str
    by_hand: bool
    lasted: bool


_LASTED = "INSERT INTO moods (at, state, confidence, by_hand) VALUES (?, ?, 0.0, ?)"


def _mood_at(connection: sqlite3.Connection, at: float) -> _Lasting | None:
    """Find the mood that was in force up to that time; None: none was. Raises sqlite3.Error."""
    longest = LONGEST.total_seconds()
    before = connection.execute(
        "SELECT at, state, by_hand FROM moods WHERE at < ? AND at > ? ORDER BY at DESC, id DESC",
        (at, at - longest),
    ).fetchone()
    after = connection.execute("SELECT min(at) FROM moods WHERE at >= ?", (at,)).fetchone()[0]
    if before is None or before[1] == MoodState.AWAY:
        return None
    lasted = after is not None and at < after <= before[0] + longest
    return _Lasting(before[1], bool(before[2]), lasted)


def _set_aside(places: Iterable[Path]) -> Iterator[Path]:
    """List the damaged copies that lie beside these files."""
    for place in places:
        for name in names_in(place.parent):
            if name.startswith(f"{place.name}.broken-"):
                yield place.with_name(name)


def _remove_set_aside(path: Path, prefix: str) -> bool:
    """Remove damaged copies of the journal ``path`` that hold such addresses.

    Nothing can be blanked in them. True when there was one. Raises StoreError.
    """
    places = {path}
    with contextlib.suppress(StoreError):  # another user's link, behind which nothing is ours
        places.add(resolved(path))
    found = False
    for copy in _set_aside(places):
        try:
            huge = copy.lstat().st_size > MOST_BYTES  # it would be read for hours
            if not prefix or huge or holds(copy, prefix.encode()):
                found = unlink(copy) or found
        except OSError as error:
            raise StoreError(
                _(
                    "The damaged history {copy} cannot be removed ({why}). Remove it by hand."
                ).format(copy=copy, why=error.strerror)
            ) from error
    return found


def _empty_log(connection: sqlite3.Connection) -> None:
    """Bring all into the file itself: the log beside it still holds the old pages."""
    end = time.monotonic() + PATIENCE
    while True:
        busy, _rest, _rest = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            return
        if time.monotonic() > end:
            error = sqlite3.OperationalError("the journal is being read")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        time.sleep(0.05)


def _written(evidence: Evidence | None) -> str | None:
    if evidence is None:
        return None
    values = asdict(evidence)
    for name in ("probabilities", "correction"):
        if values[name] is not None:
            values[name] = [round(float(each), 4) for each in values[name]]
    values["seconds"] = round(evidence.seconds, 1)
    return json.dumps(values)


def _read(text: str | None) -> Evidence | None:
    """Read evidence; None where there is none, or what nobody of us has written."""
    if text is None:
        return None
    try:
        values = json.loads(text)
        runner_up, correction = values["runner_up"], values["correction"]
        if runner_up is not None and runner_up not in EMOTIONS:
            raise ValueError(runner_up)
        if correction is not None and len(correction) != len(EMOTIONS):
            raise ValueError(correction)
        return Evidence(
            _shares(values["probabilities"]),
            None if runner_up is None else MoodState(runner_up),
            _within(values["seconds"], 0, 1e9),
            None if correction is None else tuple(_within(x, -1e3, 1e3) for x in correction),
            _within(values["threshold"], 0, 1),
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)


def _date(at: float) -> datetime:
    return datetime.fromtimestamp(at).astimezone()
