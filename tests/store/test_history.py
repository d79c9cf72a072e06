"""The mood journal, on real files and a disk that is really full."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from agent.errors import StoreError
from agent.store import catalogues
from agent.store.history import LONGEST_KEPT, LONGEST_LINE, PART, SCHEMA_VERSION, SqliteHistory
from agent.store.sqlite_file import SqliteFile
from agent.types import Action, Decision, Evidence, Mood, MoodState, Playlist
from agent.wording import describe

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HAPPY = Mood(MoodState.HAPPY, 1.0, 0.75, (0.0, 0.0, 0.0, 0.75, 0.05, 0.1, 0.1))
AWAY = Mood(MoodState.AWAY, 9.0, 0.0)
SWITCH = Decision(
    5.0,
    Action.SWITCH_AT_END,
    MoodState.HAPPY,
    Playlist("local:happy", "Happy loops"),
    "you have looked happy for 20 s",
    Evidence(
        HAPPY.probabilities or (), MoodState.SURPRISE, 240.0, (0.5, 0, 0, 0, -0.7311, 0, 0), 0.88
    ),
)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[SqliteHistory]:
    history = SqliteHistory(tmp_path / "data" / "history.sqlite")
    yield history
    history.close()


def test_everything_comes_back_as_it_went_in(history: SqliteHistory) -> None:
    history.add_mood(NOON, HAPPY, (0.75, -0.125))
    history.add_mood(NOON + timedelta(minutes=1), AWAY)
    history.add_mood(NOON + timedelta(minutes=2), Mood(MoodState.SAD, 2.0, 1.0, by_hand=True))
    history.add_switch(NOON, SWITCH)
    history.add_switch(NOON, Decision(6.0, Action.KEEP, MoodState.UNSURE, None, "not sure"))
    history.add_feedback(NOON, "skip", "Happy loops")
    history.close()

    again = SqliteHistory(history.path)
    happy, away, sad = again.moods()
    assert (happy.at, happy.state, happy.confidence) == (NOON, MoodState.HAPPY, 0.75)
    assert happy.at.tzinfo is not None
    assert happy.probabilities == HAPPY.probabilities
    assert (happy.place, away.place) == ((0.75, -0.125), None)
    assert (away.state, away.probabilities, away.by_hand) == (MoodState.AWAY, None, False)
    assert sad.by_hand
    switch, keep = again.switches()
    assert (switch.action, switch.mood) == (Action.SWITCH_AT_END, MoodState.HAPPY)
    assert (switch.playlist_uri, switch.playlist_name) == ("local:happy", "Happy loops")
    assert switch.reason == SWITCH.reason
    assert switch.evidence == SWITCH.evidence
    assert (keep.playlist_uri, keep.evidence) == (None, None)
    assert again.counts() == (3, 2)
    assert [(f.kind, f.detail) for f in again.feedback()] == [("skip", "Happy loops")]
    again.close()


OF_VERSION_1 = """
CREATE TABLE moods (id INTEGER PRIMARY KEY, at REAL NOT NULL, state TEXT NOT NULL,
    confidence REAL NOT NULL, probabilities TEXT, by_hand INTEGER NOT NULL);
CREATE TABLE switches (id INTEGER PRIMARY KEY, at REAL NOT NULL, action TEXT NOT NULL,
    mood TEXT NOT NULL, playlist_uri TEXT, playlist_name TEXT, reason TEXT NOT NULL);
CREATE TABLE feedback (id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL,
    detail TEXT NOT NULL);
CREATE INDEX moods_at ON moods (at);
CREATE INDEX switches_at ON switches (at);
CREATE INDEX feedback_at ON feedback (at);
INSERT INTO moods VALUES (1, 1000.0, 'sad', 0.6, '[0,0,0,0.1,0.6,0.1,0.2]', 0);
INSERT INTO switches VALUES (1, 1001.0, 'switch now', 'sad', 'local:sad', 'Rain', 'you look sad');
INSERT INTO feedback VALUES (1, 1002.0, 'undo', '');
PRAGMA user_version = 1;
"""
"""As Moodtray wrote it before moods had a place and switches had evidence."""


def test_what_was_noted_by_an_older_moodtray_stays(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(OF_VERSION_1)
    connection.close()
    programs = [SqliteHistory(path) for _ in range(4)]  # 'moodtray logout' beside the agent
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(SqliteHistory.counts, programs)) == [(1, 1)] * 4
    for each in programs[1:]:
        each.close()
    history = programs[0]
    history.add_mood(NOON, HAPPY, (0.5, 0.5))
    history.add_switch(NOON, SWITCH)
    old, new = history.moods()
    assert (old.state, old.confidence, old.place) == (MoodState.SAD, 0.6, None)
    assert new.place == (0.5, 0.5)
    assert [entry.evidence for entry in history.switches()] == [None, SWITCH.evidence]
    assert [entry.playlist_name for entry in history.switches()] == ["Rain", "Happy loops"]
    assert [entry.reason for entry in history.switches()] == ["you look sad", SWITCH.reason]
    assert len(history.feedback()) == 1
    history.forget_between(0.0, 2000.0)
    assert b"Rain" not in bytes_of(history)
    history.close()


OF_VERSION_2 = """
CREATE TABLE moods (id INTEGER PRIMARY KEY, at REAL NOT NULL, state TEXT NOT NULL,
    confidence REAL NOT NULL, probabilities TEXT, by_hand INTEGER NOT NULL,
    valence REAL,               -- -1 to 1
    arousal REAL
);
CREATE TABLE switches (id INTEGER PRIMARY KEY, at REAL NOT NULL, action TEXT NOT NULL,
    mood TEXT NOT NULL, playlist_uri TEXT, playlist_name TEXT, reason TEXT NOT NULL,
    evidence TEXT               -- JSON of agent.types.Evidence
);
CREATE TABLE feedback (id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX moods_at ON moods (at);
CREATE INDEX switches_at ON switches (at);
CREATE INDEX feedback_at ON feedback (at);
INSERT INTO feedback VALUES (1, 1002.0, 'undo', '');
PRAGMA user_version = 2;
"""
"""As Moodtray wrote it before reasons could be retold: columns are added before a comment."""


def test_what_was_noted_before_reasons_could_be_retold_stays(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(OF_VERSION_2)
    for _ in range(2):
        history = SqliteHistory(path)
        assert len(history.feedback()) == 1
        history.add_switch(NOON, SWITCH)
        history.close()


def test_programs_that_open_an_old_file_at_once_wait_for_each_other(tmp_path: Path) -> None:
    """SQLite itself refuses all but one of those who would have it written ahead at once."""
    for number in range(100):  # it happened to one in 30
        path = tmp_path / f"{number}.sqlite"
        connection = sqlite3.connect(path)
        connection.executescript(OF_VERSION_1)
        connection.close()
        programs = [SqliteHistory(path) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(SqliteHistory.counts, programs)) == [(1, 1)] * 4
        for each in programs:
            each.close()


def evidence(**changed: object) -> str:
    """What we write, with something else in it."""
    seven: list[object] = [0.0, 0.0, 0.0, 0.75, 0.05, 0.1, 0.1]
    ours = {"probabilities": seven, "runner_up": "sad", "seconds": 4.0, "correction": seven}
    return json.dumps(ours | {"threshold": 0.88} | changed)


def test_evidence_that_we_wrote_is_read(history: SqliteHistory) -> None:
    history.add_switch(NOON, SWITCH)
    history.close()
    with sqlite3.connect(history.path) as connection:
        connection.execute("UPDATE switches SET evidence = ?", (evidence(),))
    assert history.switches()[0].evidence is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '{"probabilities": "x"}',
        "7",
        evidence(probabilities=[]),
        evidence(probabilities=8 * [0.1]),
        evidence(probabilities=7 * [float("nan")]),
        evidence(probabilities=7 * [7.0]),
        evidence(runner_up="away"),
        evidence(runner_up=["sad"]),
        evidence(correction=[0.0]),
        evidence(correction=7 * [float("inf")]),
        evidence(seconds=float("inf")),
        evidence(threshold=float("nan")),
        evidence(seconds="long"),
    ],
)
def test_evidence_that_nobody_of_us_wrote_is_none(history: SqliteHistory, text: str) -> None:
    history.add_switch(NOON, SWITCH)
    history.close()
    with sqlite3.connect(history.path) as connection:
        connection.execute("UPDATE switches SET evidence = ?", (text,))
    connection.close()
    (entry,) = history.switches()
    assert (entry.evidence, entry.reason) == (None, SWITCH.reason)


def test_a_reason_is_told_in_the_language_of_now(history: SqliteHistory) -> None:
    history.add_switch(NOON, replace(SWITCH, reason=describe(MoodState.HAPPY)))
    assert history.switches()[0].reason == "you look happy"
    catalogues.speak("de")
    try:
        assert history.switches()[0].reason == describe(MoodState.HAPPY) != "you look happy"
    finally:
        catalogues.speak("en")


def test_last_and_since(history: SqliteHistory) -> None:
    times = [NOON + timedelta(minutes=minute) for minute in range(10)]
    for at in times:
        history.add_mood(at, AWAY)
        history.add_switch(at, SWITCH)
    assert [m.at for m in history.moods(last=3)] == times[7:]
    assert [s.at for s in history.switches(since=times[8])] == times[8:]
    assert [m.at for m in history.moods(since=times[5], last=2)] == times[8:]


SPOTIFYS = Decision(
    6.0,
    Action.SWITCH_NOW,
    MoodState.SAD,
    Playlist("spotify:playlist:4Yq8sQyqQnPEvQ7uGqVpTr", "Rainy Sundays of Sam"),
    "you look sad",
)


def bytes_of(history: SqliteHistory) -> bytes:
    """The file with all that lies beside it."""
    return b"".join(f.read_bytes() for f in sorted(history.path.parent.iterdir()))


def test_spotify_is_forgotten_down_to_the_bytes(history: SqliteHistory) -> None:
    for minute in range(200):  # several pages
        when = NOON + timedelta(minutes=minute)
        history.add_mood(when, HAPPY)
        history.add_switch(when, SPOTIFYS if minute % 3 else SWITCH)
        history.add_feedback(when, "skip", "spotify:playlist:4Yq8sQyqQnPEvQ7uGqVpTr")
        history.add_feedback(when, "skip", "local:happy")
    assert b"Rainy Sundays" in bytes_of(history)

    other = SqliteHistory(history.path)  # 'moodtray logout' beside the agent, which has it open
    assert other.forget_playlists("spotify:")
    other.close()
    left = bytes_of(history)
    assert b"Rainy Sundays" not in left
    assert b"spotify:" not in left
    assert b"4Yq8sQyqQnPEvQ7uGqVpTr" not in left
    assert history.counts() == (200, 200)
    local, blank, *_ = history.switches()
    assert (local.playlist_uri, local.playlist_name) == ("local:happy", "Happy loops")
    assert (blank.playlist_uri, blank.playlist_name) == (None, None)
    assert (blank.mood, blank.reason) == (MoodState.SAD, "you look sad")
    assert {f.detail for f in history.feedback()} == {"", "local:happy"}
    assert not history.forget_playlists("spotify:")
    history.add_mood(NOON, HAPPY)  # and the agent goes on


def test_forgetting_makes_no_history(tmp_path: Path) -> None:
    history = SqliteHistory(tmp_path / "history.sqlite")
    assert not history.forget_playlists("spotify:")
    assert list(tmp_path.iterdir()) == []


def test_after_a_logout_nothing_of_spotify_is_written(tmp_path: Path) -> None:
    out = True
    history = SqliteHistory(
        tmp_path / "history.sqlite", forgotten=lambda uri: out and uri.startswith("spotify:")
    )
    history.add_switch(NOON, SPOTIFYS)
    history.add_switch(NOON, SWITCH)
    history.add_feedback(NOON, "undo", "spotify:playlist:4Yq8sQyqQnPEvQ7uGqVpTr")
    history.add_feedback(NOON, "set by hand", "sad")
    assert b"spotify:" not in bytes_of(history)
    assert [s.playlist_uri for s in history.switches()] == [None, "local:happy"]
    assert [f.detail for f in history.feedback()] == ["", "sad"]
    out = False
    history.add_switch(NOON, SPOTIFYS)
    assert history.switches()[-1].playlist_name == "Rainy Sundays of Sam"
    history.close()


@pytest.mark.parametrize("playlist", [SPOTIFYS, SWITCH])
def test_damaged_copies_with_spotify_in_them_are_removed(
    tmp_path: Path, playlist: Decision
) -> None:
    path = tmp_path / "history.sqlite"
    history = SqliteHistory(path)
    history.add_switch(NOON, playlist)
    history.close()
    damaged = path.read_bytes()
    path.write_bytes(b"damage" + damaged[6:])
    assert history.forget_playlists("spotify:") is (playlist is SPOTIFYS)
    copies = list(tmp_path.glob("*.broken-*"))
    assert [copy.read_bytes() for copy in copies] == (
        [] if playlist is SPOTIFYS else [b"damage" + damaged[6:]]
    )
    history.close()


def test_a_reader_in_the_way_is_told(
    history: SqliteHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.store.history.PATIENCE", 0.1)
    history.add_switch(NOON, SPOTIFYS)
    reader = sqlite3.connect(history.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM switches").fetchall()
    with pytest.raises(StoreError, match="another program"):
        history.forget_playlists("spotify:")
    reader.execute("ROLLBACK")
    reader.close()
    history.forget_playlists("spotify:")
    assert b"spotify:" not in bytes_of(history)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_only_the_owner_may_read_the_journal(history: SqliteHistory) -> None:
    history.add_mood(NOON, HAPPY)
    for file in history.path.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


def test_another_reader_sees_what_was_written_while_the_agent_runs(history: SqliteHistory) -> None:
    history.add_mood(NOON, HAPPY)
    reader = SqliteHistory(history.path)
    assert len(reader.moods()) == 1
    history.add_mood(NOON, AWAY)
    assert len(reader.moods()) == 2
    reader.close()


@pytest.mark.parametrize("damage", ["not a database", "torn in the middle", "header gone"])
def test_a_damaged_file_is_kept_and_a_new_one_started(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "history.sqlite"
    first = SqliteHistory(path)
    for minute in range(2000):
        first.add_feedback(NOON + timedelta(minutes=minute), "skip", "something long " * 5)
    first.close()
    whole = path.read_bytes()
    torn = {
        "not a database": b"holiday pictures\n" * 400,
        "torn in the middle": whole[:8192] + os.urandom(len(whole) - 8192),
        "header gone": b"\0" * 4096 + whole[4096:],
    }[damage]
    path.write_bytes(torn)

    told: list[StoreError] = []
    history = SqliteHistory(path, on_set_aside=told.append)
    history.add_mood(NOON, HAPPY)
    assert [m.state for m in history.moods()] == [MoodState.HAPPY]
    history.close()
    [aside] = tmp_path.glob("history.sqlite.broken-*")
    assert aside.read_bytes() == torn
    assert len(told) == 1
    assert aside.name in str(told[0])
    assert "new history has been started" in str(told[0])


def test_damage_while_it_is_open_loses_neither_the_entry_nor_the_file(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    told: list[StoreError] = []
    history = SqliteHistory(path, on_set_aside=told.append)
    history.add_mood(NOON, HAPPY)
    history.close()
    history.moods()  # open again
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    history.close()
    history.add_mood(NOON, AWAY)
    assert [m.state for m in history.moods()] == [MoodState.AWAY]
    assert len(told) == 1


@pytest.mark.parametrize("removed", ["the file", "all of it", "the folder", "replaced", "moved"])
def test_a_file_removed_by_hand_is_noticed_and_begun_anew(
    history: SqliteHistory, tmp_path: Path, removed: str
) -> None:
    for _ in range(2):
        history.add_mood(NOON, HAPPY)
    if removed == "the file":
        history.path.unlink()
    elif removed == "all of it":
        for file in history.path.parent.iterdir():
            file.unlink()
    elif removed == "the folder":
        shutil.rmtree(history.path.parent)
    elif removed == "replaced":
        other = SqliteHistory(tmp_path / "other.sqlite")
        other.add_mood(NOON, AWAY)
        other.close()
        os.replace(other.path, history.path)
    else:
        history.path.rename(tmp_path / "moved.sqlite")
    history.add_mood(NOON, HAPPY)
    history.close()
    states = [mood.state for mood in SqliteHistory(history.path).moods()]
    assert states == ([AWAY.state] if removed == "replaced" else []) + [HAPPY.state]


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer Moodtray"):
        SqliteHistory(path).add_mood(NOON, HAPPY)
    assert path.read_bytes() == before
    assert list(tmp_path.glob("*.broken*")) == []


def test_a_link_to_what_is_no_file_is_told_and_nothing_behind_it_touched(tmp_path: Path) -> None:
    """A device or a pipe behind a link of root's was removed with everything."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "data").mkdir(mode=0o700)
    history = SqliteHistory(tmp_path / "data" / "history.sqlite")
    history.path.symlink_to(pipe)
    with pytest.raises(StoreError, match="which is no file"):
        history.add_mood(NOON, HAPPY)
    with pytest.raises(StoreError, match="which is no file"):
        history.forget_between(float("-inf"), float("inf"))
    assert pipe.is_fifo()
    assert history.path.is_symlink()


def test_a_folder_in_the_way_is_told(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    path.mkdir()
    with pytest.raises(StoreError, match="cannot be opened"):
        SqliteHistory(path).add_mood(NOON, HAPPY)


def test_a_writer_that_holds_the_file_is_told_and_got_over(
    history: SqliteHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.store.sqlite_file._BUSY_SECONDS", 0.1)
    history.add_mood(NOON, HAPPY)
    history.close()
    other = sqlite3.connect(history.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="another program"):
        history.add_mood(NOON, AWAY)
    other.execute("ROLLBACK")
    other.close()
    history.add_mood(NOON, AWAY)
    assert [m.state for m in history.moods()] == [MoodState.HAPPY, MoodState.AWAY]


FULL_DISK = textwrap.dedent(
    """
    import sys
    from datetime import datetime, UTC
    from pathlib import Path
    from agent.errors import StoreError
    from agent.store.history import SqliteHistory

    folder, how = Path(sys.argv[1]), sys.argv[2]
    history = SqliteHistory(folder / "history.sqlite")
    written, error = 0, None
    if how == "limit":  # no file of this process may grow beyond 300 KB
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    while error is None and written < 20_000:
        try:
            history.add_feedback(datetime.now(UTC), "skip", "x" * 1000)
            written += 1
        except StoreError as caught:
            error = caught
    assert error is not None, "the disk never became full"
    assert "disk is full" in str(error) and "history.sqlite" in str(error), str(error)
    assert len(history.feedback(last=10**6)) == written  # nothing that was accepted is lost

    if how == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    else:
        (folder / "ballast").unlink()
    history.add_feedback(datetime.now(UTC), "skip", "room again")  # and it goes on by itself
    assert len(history.feedback(last=10**6)) == written + 1
    history.close()
    print("survived", written)
    """
)


def full_disk(folder: Path, how: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(folder), how],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limits")
def test_files_that_may_not_grow(tmp_path: Path) -> None:
    assert "survived" in full_disk(tmp_path, "limit")


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="needs root to mount a small disk"
)
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    folder = tmp_path / "small-disk"
    folder.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(folder)],
        check=True,
        timeout=30,
    )
    try:
        (folder / "ballast").write_bytes(b"\0" * 500_000)
        assert "survived" in full_disk(folder, "full")
    finally:
        subprocess.run(["umount", str(folder)], check=True, timeout=30)


def test_what_is_forgotten_is_gone_from_the_bytes(tmp_path: Path) -> None:
    """An hour, then all: from tables, log, free pages and what was set aside."""
    history = SqliteHistory(tmp_path / "history.sqlite")
    noon = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    for hours, name in ((0, "early-secret"), (1, "hour-secret"), (2, "late-secret")):
        at = noon + timedelta(hours=hours)
        seen = Evidence((0.0,) * 7, None, 4.0, None, 0.5 if name == "late-secret" else 0.7311)
        sad, list_ = MoodState.SAD, Playlist(name, name)
        decision = Decision(0.0, Action.SWITCH_NOW, sad, list_, name, seen)
        for _ in range(300):
            history.add_switch(at, decision)
            history.add_feedback(at, "undo", name)
            history.add_mood(at, Mood(MoodState.SAD, 0.0, 0.5), (-0.5, -0.25))
    (tmp_path / "history.sqlite.broken-20260101-000000").write_bytes(b"old-secret")

    def bytes_of_all() -> bytes:
        return b"".join(file.read_bytes() for file in tmp_path.iterdir())

    assert b"hour-secret" in bytes_of_all()
    since = (noon + timedelta(hours=1)).timestamp()
    history.forget_between(since, since + 3600)
    kept = bytes_of_all()
    assert b"hour-secret" not in kept
    assert b"old-secret" not in kept
    assert b"early-secret" in kept
    assert b"late-secret" in kept
    assert {entry.playlist_name for entry in history.switches()} == {"early-secret", "late-secret"}
    assert b"0.7311" in kept
    history.forget_between(0.0, (noon + timedelta(hours=1)).timestamp())
    assert b"0.7311" not in bytes_of_all(), "evidence goes with its change"
    history.forget_between(0.0, 4e10)
    assert b"secret" not in bytes_of_all()
    assert history.counts() == (0, 0)
    history.add_mood(noon, Mood(MoodState.HAPPY, 0.0, 0.5))
    assert history.counts() == (1, 0)
    history.close()


def lasting(history: SqliteHistory) -> list[tuple[float, str]]:
    """Hours after NOON, and the mood from then on."""
    return [((e.at - NOON).total_seconds() / 3600, str(e.state)) for e in history.moods()]


@pytest.mark.parametrize(
    ("moods", "left"),
    [
        # Lasts into the time and ends there: it is not read as lasting until something else.
        ({0.5: "happy", 1.5: "away"}, {0.5: "happy", 1.0: "away"}),
        # Lasts through it.
        ({0.5: "happy", 2.5: "sad"}, {0.5: "happy", 1.0: "away", 2.0: "happy", 2.5: "sad"}),
        # Begins there and lasts on.
        ({1.5: "sad", 2.5: "away"}, {2.0: "sad", 2.5: "away"}),
        ({1.0: "sad", 2.0: "happy"}, {2.0: "happy"}),
        ({0.5: "happy", 1.0: "sad", 2.0: "happy"}, {0.5: "happy", 1.0: "away", 2.0: "happy"}),
        # Nobody knows whether it lasted on, or so long.
        ({1.5: "sad"}, {}),
        ({1.5: "sad", 9.0: "happy"}, {9.0: "happy"}),
        ({-9.0: "sad", 1.5: "away"}, {-9.0: "sad"}),
        ({0.5: "away", 2.5: "happy"}, {0.5: "away", 2.5: "happy"}),
        ({}, {}),
    ],
)
def test_what_lasted_into_a_deleted_time_ends_there_and_goes_on_after_it(
    history: SqliteHistory, moods: dict[float, str], left: dict[float, str]
) -> None:
    for hours, state in moods.items():
        history.add_mood(NOON + timedelta(hours=hours), Mood(MoodState(state), 0.0, 0.5))
    hour = NOON.timestamp() + 3600
    history.forget_between(hour, hour + 3600)
    assert dict(lasting(history)) == left
    history.forget_between(float("-inf"), float("inf"))
    assert lasting(history) == []


def test_rows_that_nobody_of_us_wrote_hide_no_others(history: SqliteHistory) -> None:
    """A file from elsewhere, or from a Moodtray that knows more: the page shows what it can."""
    history.add_mood(NOON, HAPPY)
    history.add_switch(NOON, SWITCH)
    history.close()
    with sqlite3.connect(history.path) as file:
        for row in (
            (1e300, "happy", 0.5, None),
            (1.7e9, "\x1b[31m", 0.5, None),
            (1.7e9, "happy", "much", None),
            (1.7e9, "happy", 0.5, "{"),
            (1.7e9, "happy", 0.5, "[1]"),
            (1.7e9, "happy", 0.5, "7"),
            (1.7e9, "happy", 0.5, "[1, 1, NaN, 1, 1, 1, 1]"),
            (1.7e9, "happy", float("inf"), None),
            (b"noon", "happy", 0.5, None),
            *(PART + 1) * [("noon", "sad", 0.5, None)],
        ):
            file.execute(
                "INSERT INTO moods (at, state, confidence, probabilities, by_hand)"
                " VALUES (?, ?, ?, ?, 0)",
                row,
            )
        file.execute("INSERT INTO switches (at, action, mood, reason) VALUES (1e9, 'x', 'x', 'x')")
        file.execute("INSERT INTO feedback (at, kind, detail) VALUES (1e300, 'x', 'x')")
        file.execute("INSERT INTO feedback (at, kind, detail) VALUES (1e9, 'x', 'a secret day')")
        file.execute("UPDATE feedback SET kind = CAST(X'ff78' AS TEXT) WHERE at = 1e9")
    assert [entry.state for entry in history.moods()] == [MoodState.HAPPY]
    assert [entry.reason for entry in history.switches()] == [SWITCH.reason]
    assert [entry.kind for entry in history.feedback()] == ["\ufffdx"]
    assert [entry.state for entry in history.every_mood()] == [MoodState.HAPPY]


def test_texts_of_somebody_else_are_lines_that_can_be_written(history: SqliteHistory) -> None:
    """JSON may hold half a character, and a name whatever turns the writing round."""
    history.add_switch(NOON, SWITCH)
    history.add_feedback(NOON, "undo", "x")
    history.close()
    half = json.dumps({"text": ["{a}", "", 0], "values": {"a": "\ud800"}})
    with sqlite3.connect(history.path) as file:
        file.execute("UPDATE switches SET recipe = ?", (half,))
        file.execute("UPDATE switches SET playlist_name = ?", ("a\u202eb\x1b[31mc\nd",))
        file.execute("UPDATE feedback SET detail = ?", ("x\x00y",))
    (switch,), (answer,) = history.switches(), history.feedback()
    assert switch.reason == "\ufffd"
    assert switch.playlist_name == "a\ufffdb\ufffd[31mc\ufffdd"
    assert answer.detail == "x\ufffdy"


def test_a_share_that_is_above_one_by_its_last_digit_is_ours(history: SqliteHistory) -> None:
    history.add_mood(NOON, Mood(MoodState.HAPPY, 1.0, 1.0000001, (0.0, 0.0, 0.0, 1.0, 0, 0, 0)))
    assert [entry.confidence for entry in history.moods()] == [1.0]


@pytest.mark.parametrize("at", ["'noon'", "X'00'", "9e999", "-9e999", "1e300"])
def test_a_row_without_a_time_goes_with_whatever_is_deleted(
    history: SqliteHistory, at: str
) -> None:
    """A text sorts behind every number: it was of no time, and stayed when all was deleted."""
    history.add_mood(NOON, HAPPY)
    history.add_mood(NOON + timedelta(hours=2), HAPPY)
    history.close()
    with contextlib.closing(sqlite3.connect(history.path)) as file:
        file.execute(
            "INSERT INTO moods (at, state, confidence, by_hand)"
            f" VALUES ({at}, 'a secret day', 0.5, 0)"
        )
        file.execute(f"INSERT INTO feedback (at, kind, detail) VALUES ({at}, 'a secret day', '')")
        file.commit()
    hour = NOON.timestamp() + 3600
    history.forget_between(hour, hour + 1)
    history.close()
    left = b"".join(file.read_bytes() for file in history.path.parent.iterdir())
    assert b"a secret day" not in left
    assert len(history.moods()) > 1


@pytest.mark.parametrize("template", ["{a:>2000000}", "{a:>{b}}", "{a.__class__}", "{a[0]}"])
def test_a_recipe_of_somebody_else_is_not_cooked(history: SqliteHistory, template: str) -> None:
    history.add_switch(NOON, SWITCH)
    history.close()
    kept = json.dumps({"text": [template, "", 0], "values": {"a": "x", "b": "2000000"}})
    with sqlite3.connect(history.path) as file:
        file.execute("UPDATE switches SET recipe = ?", (kept,))
    assert [entry.reason for entry in history.switches()] == [SWITCH.reason]


# --- a file that somebody else has made

COPIES = "CREATE TABLE kept (a, b)"
ENDLESS = "WITH RECURSIVE r(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM r) SELECT max(x) FROM r"

DOUBLED = ["x0 REAL AS (at)", *(f"x{n} REAL AS (x{n - 1} + x{n - 1})" for n in range(1, 25))]
"""Columns the last of which takes gigabytes to compute."""


AS_BYTES = [
    "PRAGMA writable_schema = ON",
    "UPDATE sqlite_master SET sql = CAST(sql AS BLOB) WHERE sql IS NOT NULL",
]


def assert_all_is_forgotten(history: SqliteHistory) -> None:
    history.forget_between(float("-inf"), float("inf"))
    history.close()
    left = b"".join(file.read_bytes() for file in history.path.parent.iterdir())
    assert b"a secret day" not in left


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TRIGGER t BEFORE DELETE ON feedback BEGIN SELECT raise(IGNORE); END"],
        [
            COPIES,
            "CREATE TRIGGER t BEFORE DELETE ON feedback BEGIN"
            " INSERT INTO kept VALUES (old.at, old.kind); END",
        ],
        [f"CREATE TRIGGER t BEFORE DELETE ON feedback BEGIN {ENDLESS}; END"],
        ["ALTER TABLE feedback RENAME TO f", f"CREATE VIEW feedback AS {ENDLESS}"],
        [
            "DROP TABLE feedback",
            "CREATE VIRTUAL TABLE feedback USING fts5 (at, kind, detail)",
            "INSERT INTO feedback VALUES (1, 'a secret day', '')",
        ],
        [f"ALTER TABLE feedback ADD COLUMN {column}" for column in DOUBLED],
        ["CREATE TABLE x (id INTEGER PRIMARY KEY AUTOINCREMENT, a)"],
        [f"CREATE INDEX i ON moods (({' + '.join(['at'] * 9)}))"],
        ["CREATE INDEX i ON moods (state LIKE '%a%b%')"],
        ["CREATE INDEX i ON moods (at) WHERE state LIKE '%a%b%'"],
        ["ALTER TABLE moods ADD COLUMN x REAL CHECK (at < 0)"],
        ["ALTER TABLE moods ADD COLUMN x REAL CHECK (at < 0)", *AS_BYTES],
        [
            "CREATE VIRTUAL TABLE x USING fts4 (at, kind, detail)",
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_master SET rootpage = 2 WHERE name = 'x'",
        ],
        [
            "PRAGMA writable_schema = ON",
            "WITH RECURSIVE r(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r WHERE n < 5000)"
            " INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql)"
            " SELECT 'table', 'x' || n, 'x' || n, 2, 'CREATE TABLE x' || n || ' (a)' FROM r",
        ],
    ],
    ids=[
        "ignores",
        "copies",
        "never ends",
        "view",
        "virtual table",
        "grows",
        "used up",
        "computed index",
        "computed index without a bracket",
        "partial index",
        "check",
        "check kept as bytes",
        "virtual table with a page",
        "too many",
    ],
)
def test_a_file_that_does_more_than_ours_is_set_aside(
    history: SqliteHistory, statements: list[str]
) -> None:
    """Else it could keep what is deleted, or hold up whoever asks it."""
    history.add_feedback(NOON, "a secret day", "x")
    history.close()
    with contextlib.closing(sqlite3.connect(history.path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    told: list[StoreError] = []
    again = SqliteHistory(history.path, on_set_aside=told.append)
    assert again.counts() == (0, 0)
    assert [error.title for error in told] == ["The history was damaged"]
    assert_all_is_forgotten(again)


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize(
    "statements",
    [
        ["DROP TABLE feedback"],
        ["DROP TABLE moods", "CREATE TABLE moods (x)"],
        ["DROP TABLE moods", "CREATE TABLE moods (x)", "PRAGMA user_version = 0"],
        ["PRAGMA user_version = -2147483648"],
        ["PRAGMA user_version = 1"],
        ["CREATE TABLE pragma_index_xinfo (a)"],
        [
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_master SET sql = replace(sql, 'kind', CAST(X'ff69' AS TEXT))",
        ],
        [
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_master SET sql = CAST(X'43524541544520ff' AS TEXT) WHERE name = 'moods'",
        ],
        ["ALTER TABLE feedback ADD COLUMN more TEXT NOT NULL DEFAULT 'x'"],
        ["CREATE UNIQUE INDEX once ON feedback (kind)"],
        ["DROP INDEX feedback_at"],
        ["DROP INDEX feedback_at", "CREATE INDEX feedback_at ON feedback (detail)"],
        ["DROP INDEX feedback_at", "CREATE UNIQUE INDEX feedback_at ON feedback (at)"],
        [COPIES],
        [f"ALTER TABLE feedback ADD COLUMN more{n} TEXT" for n in range(30)],
        ["CREATE INDEX more ON feedback (detail)"],
        ["ANALYZE"],
        [
            "DROP TABLE feedback",
            "CREATE TABLE feedback (id INTEGER\xa0PRIMARY\xa0KEY, at REAL NOT NULL,"
            " kind TEXT NOT NULL, detail TEXT NOT NULL)",
            "CREATE INDEX feedback_at ON feedback (at)",
        ],
        [
            "DROP TABLE feedback",
            "CREATE TABLE feedback (id INTEGER PRIMARY KEY, at REAL NOT NULL ON CONFLICT IGNORE,"
            " kind TEXT NOT NULL, detail TEXT NOT NULL)",
            "CREATE INDEX feedback_at ON feedback (at)",
        ],
        [
            "DROP TABLE feedback",
            "CREATE TABLE feedback (id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT UNIQUE"
            " NOT NULL, detail TEXT NOT NULL)",
        ],
    ],
    ids=[
        "no table",
        "other columns",
        "before all",
        "before any",
        "older than it is",
        "a name of SQLite's",
        "a name that is no text",
        "no statement",
        "one more",
        "unique",
        "no index",
        "another index",
        "unique index",
        "a table beside",
        "thirty more",
        "an index beside",
        "statistics",
        "no key",
        "ignores",
        "unique column",
    ],
)
def test_a_file_with_other_tables_is_set_aside(
    history: SqliteHistory, version: int, statements: list[str]
) -> None:
    """It was taken as sound: nothing was noted any more, and nothing could be deleted."""
    history.add_feedback(NOON, "a secret day", "x")
    history.close()
    with contextlib.closing(sqlite3.connect(history.path)) as connection:
        for statement in (f"PRAGMA user_version = {version}", *statements):
            connection.execute(statement)
        connection.commit()
    told: list[StoreError] = []
    again = SqliteHistory(history.path, on_set_aside=told.append)
    again.add_mood(NOON, HAPPY)
    again.add_mood(NOON, HAPPY)
    for _ in range(2):
        again.add_feedback(NOON, "undo", "")
    assert (again.counts(), len(again.feedback())) == ((2, 0), 2)
    assert len(told) == 1
    assert_all_is_forgotten(again)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_tables_of_endless_text_take_little(history: SqliteHistory) -> None:
    """Each word of what makes a table cost SQLite a hundred times its length."""
    history.add_feedback(NOON, "skip", "x")
    history.close()
    with contextlib.closing(sqlite3.connect(history.path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        for name in map("t{}".format, range(90)):
            made = f"CREATE TABLE {name} (a CHECK (a IN (1{20_000 * ',1'})))"
            row = ("table", name, name, 2, made)
            connection.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", row)
        connection.commit()
    program = (
        "import os, sys; from pathlib import Path; from agent.store.history import SqliteHistory\n"
        "def most():\n"
        "    status = Path('/proc/self/status').read_text()\n"
        "    return int(status.split('VmHWM:')[1].split()[0])\n"
        "before = most(); told = []\n"
        "history = SqliteHistory(Path(sys.argv[1]), on_set_aside=told.append); history.counts()\n"
        "print(len(told), most() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(history.path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    told, taken = map(int, done.stdout.split())
    assert told == 1
    assert taken < 100_000, "kilobytes"


@pytest.mark.parametrize(
    "damage", ["index", "version of the format", "version for writing", "a newer version"]
)
def test_what_cannot_be_read_is_forgotten_all_the_same(history: SqliteHistory, damage: str) -> None:
    """A bit in the file, and everything that was to be deleted stayed."""
    for second in range(60):
        history.add_feedback(NOON + timedelta(seconds=second + 0.5), "a secret day", "x")
    history.close()
    raw = bytearray(history.path.read_bytes())
    if damage == "index":
        with contextlib.closing(sqlite3.connect(history.path)) as connection:
            query = "SELECT rootpage FROM sqlite_master WHERE name = 'feedback_at'"
            page = connection.execute(query).fetchone()[0]
        at = NOON.timestamp() + 59.5
        place = raw.index(struct.pack(">d", at), 4096 * (page - 1))
        raw[place : place + 8] = struct.pack(">d", -at)
    elif damage == "version of the format":
        raw[18:20] = b"\x03\x03"
    elif damage == "version for writing":
        raw[18] = 3
    else:
        raw[60:64] = struct.pack(">i", SCHEMA_VERSION + 1)
    history.path.write_bytes(raw)
    assert_all_is_forgotten(history)
    assert history.feedback() == []


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_what_the_user_has_locked_is_not_damaged(
    history: SqliteHistory, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """For root everything may be written, so what the system says of it stands in."""
    history.add_feedback(NOON, "skip", "x")
    locked = history.path.with_name(history.path.name + suffix)
    assert locked.exists()
    may = os.access

    def access(path: os.PathLike[str], mode: int) -> bool:
        return os.fspath(path) != str(locked) and may(path, mode)

    monkeypatch.setattr(os, "access", access)
    refused = sqlite3.OperationalError("attempt to write a readonly database")
    refused.sqlite_errorcode = sqlite3.SQLITE_READONLY
    assert not history._file._cannot_be_written(refused)
    monkeypatch.setattr(os, "access", may)
    assert history._file._cannot_be_written(refused)


def test_a_damaged_index_is_made_again_and_nothing_lost(history: SqliteHistory) -> None:
    """Entries in a wrong order made a copy of the history endless."""
    for second in range(60):
        history.add_feedback(NOON + timedelta(seconds=second + 0.5), "undo", str(second))
    history.close()
    with contextlib.closing(sqlite3.connect(history.path)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'feedback_at'"
        page = connection.execute(query).fetchone()[0]
    raw = bytearray(history.path.read_bytes())
    for second in range(10, 50):
        place = raw.index(struct.pack(">d", NOON.timestamp() + second + 0.5), 4096 * (page - 1))
        raw[place : place + 8] = struct.pack(">d", NOON.timestamp() - second)
    history.path.write_bytes(raw)
    told: list[StoreError] = []
    again = SqliteHistory(history.path, on_set_aside=told.append)
    assert [entry.detail for entry in again.every_feedback()] == [str(n) for n in range(60)]
    assert told == []


def test_no_text_of_ours_is_too_long_for_the_file(history: SqliteHistory) -> None:
    """A sound history was set aside for it, and the second within a second took its place."""
    long = 60_000 * "ü"
    history.add_feedback(NOON, "skip", long)
    history.add_switch(NOON, replace(SWITCH, playlist=Playlist(long, long), reason=long))
    assert [len(entry.detail) for entry in history.feedback()] == [LONGEST_KEPT]
    (switch,) = history.switches()
    assert len(switch.reason) == len(switch.playlist_name or "") == LONGEST_LINE
    assert not [file for file in history.path.parent.iterdir() if ".broken-" in file.name]


def test_a_folder_whose_name_is_no_text_is_noted(history: SqliteHistory) -> None:
    history.add_feedback(NOON, "skip", "/music/\udcff")
    history.add_switch(NOON, replace(SWITCH, playlist=Playlist("/music/\udcff", "Music")))
    assert history.feedback()[0].detail == history.switches()[0].playlist_uri == "/music/?"


def test_a_mistake_of_ours_is_no_damage(history: SqliteHistory) -> None:
    history.add_feedback(NOON, "undo", "x")
    with pytest.raises(StoreError):
        history.add_feedback(NOON, cast(str, object()), "x")
    assert len(history.feedback()) == 1


def test_no_copy_that_was_set_aside_takes_the_place_of_another(history: SqliteHistory) -> None:
    for number in range(3):
        history.add_feedback(NOON, "undo", str(number))
        history.close()
        history.path.write_bytes(b"damage number %d, and no database" % number)
        assert history.feedback() == []
    kept = [file for file in history.path.parent.iterdir() if ".broken-" in file.name]
    assert sorted(file.read_bytes()[:15] for file in kept) == [
        b"damage number %d" % number for number in range(3)
    ]


def test_a_damaged_file_behind_a_link_is_set_aside_and_forgotten_itself(tmp_path: Path) -> None:
    """The link was moved and removed, and what it led to stayed."""
    elsewhere, home = tmp_path / "disk", tmp_path / "home"
    for folder in (elsewhere, home):
        folder.mkdir(mode=0o700)
    (home / "history.sqlite").symlink_to(elsewhere / "kept.sqlite")
    history = SqliteHistory(home / "history.sqlite")
    history.add_feedback(NOON, "a secret day", "x")
    history.close()
    with (elsewhere / "kept.sqlite").open("r+b") as file:
        file.write(b"no database at all")
    assert history.counts() == (0, 0)
    history.forget_between(float("-inf"), float("inf"))
    history.close()
    left = b"".join(file.read_bytes() for file in elsewhere.iterdir())
    assert left
    assert b"a secret day" not in left
    assert [file.name for file in home.iterdir()] == ["history.sqlite"]
    assert (home / "history.sqlite").is_symlink()


def journal_that_deletes(place: Path, victim: Path) -> None:
    """A hot journal with nothing to take back, which ends with the name of a file to delete."""
    name = os.fsencode(victim)
    magic = bytes.fromhex("d9d505f920a163d7")
    head = magic + struct.pack(">IIIII", 0, 0, 1, 512, 512)
    end = struct.pack(">I", 0x40000000 // 512 + 1) + name
    end += struct.pack(">II", len(name), sum(name)) + magic
    place.write_bytes(head.ljust(512, b"\0") + end)


def test_a_journal_that_names_another_file_deletes_it_not(
    history: SqliteHistory, tmp_path: Path
) -> None:
    history.add_feedback(NOON, "skip", "x")
    history.close()
    precious = tmp_path / "key"
    precious.write_text("mine")
    journal_that_deletes(history.path.with_name(f"{history.path.name}-journal"), precious)
    assert history.counts() == (0, 0)
    assert precious.read_text() == "mine"
    kept = [file.name for file in history.path.parent.iterdir() if ".broken-" in file.name]
    assert len(kept) == 2, "the file, and its journal"


@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
def test_what_lies_beside_it_and_is_no_file_goes_out_of_the_way(
    history: SqliteHistory, suffix: str, kind: str
) -> None:
    """A pipe was waited for, and a folder ended all deleting with a traceback."""
    history.add_feedback(NOON, "skip", "x")
    history.close()
    place = history.path.with_name(history.path.name + suffix)
    place.unlink(missing_ok=True)
    if kind == "link":
        place.symlink_to(history.path.with_name("elsewhere"))
    else:
        place.mkdir() if kind == "folder" else os.mkfifo(place)
    assert history.counts() == (0, 0)
    history.add_feedback(NOON, "skip", "a secret day")
    history.forget_between(float("-inf"), float("inf"))
    assert history.feedback() == []


@pytest.mark.parametrize("kind", ["-wal", "-journal"])
def test_what_lies_beside_makes_it_no_larger_than_any_history(
    history: SqliteHistory, kind: str
) -> None:
    """Each page that is claimed costs memory, and the file itself was lengthened to terabytes."""
    history.add_feedback(NOON, "skip", "x")
    history.close()
    pages = 1 << 29
    beside = history.path.with_name(history.path.name + kind)
    if kind == "-journal":
        with contextlib.closing(sqlite3.connect(history.path)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        magic = bytes.fromhex("d9d505f920a163d7")
        beside.write_bytes(
            (magic + struct.pack(">IIIII", 0, 0, pages, 512, 4096)).ljust(512, b"\0")
        )
    else:
        page = bytearray(history.path.read_bytes()[:4096])
        page[28:32] = struct.pack(">I", pages)
        head = struct.pack(">IIIIII", 0x377F0682, 3007000, 4096, 0, 1, 2)
        first = wal_sums(head, (0, 0))
        frame = struct.pack(">II", 1, pages)
        after = wal_sums(frame + page, first)
        salted = frame + head[16:24] + struct.pack(">II", *after)
        beside.write_bytes(head + struct.pack(">II", *first) + salted + page)
    assert history.counts() == (0, 0)
    sizes = [file.stat().st_size for file in history.path.parent.iterdir()]
    assert max(sizes) < 1_000_000
    assert [f for f in history.path.parent.iterdir() if ".broken-" in f.name]


def wal_sums(words: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    """Go on with the two check sums of SQLite's "Checksum Algorithm" for write-ahead logs."""
    first, second = sums
    numbers = struct.unpack(f"<{len(words) // 4}I", words)
    for one, other in zip(numbers[::2], numbers[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second


def test_an_index_that_is_not_as_we_make_it_is_not_made_again(history: SqliteHistory) -> None:
    """It may hold a column a thousand times: that made gigabytes of a small file."""
    for number in range(1000):
        history.add_feedback(NOON + timedelta(seconds=number), "skip", "x")
    history.close()
    with contextlib.closing(sqlite3.connect(history.path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        wide = f"CREATE INDEX feedback_at ON feedback ({', '.join(['detail'] * 1000)})"
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'feedback_at'", (wide,))
        connection.commit()
    before = history.path.stat().st_size
    history.counts()
    assert max(file.stat().st_size for file in history.path.parent.iterdir()) <= before


def test_who_forgets_all_is_not_told_that_a_damaged_file_is_kept(tmp_path: Path) -> None:
    told: list[StoreError] = []
    history = SqliteHistory(tmp_path / "data" / "history.sqlite", on_set_aside=told.append)
    history.add_feedback(NOON, "skip", "x")
    history.close()
    history.path.write_bytes(b"damage")
    history.forget_between(float("-inf"), float("inf"))
    assert told == []
    assert not [file for file in history.path.parent.iterdir() if ".broken-" in file.name]


def test_what_another_process_has_just_set_aside_is_not_moved_again(
    history: SqliteHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several that met the same damage, one moved the new file of another away."""
    history.add_feedback(NOON, "skip", "x")
    history.close()
    history.path.write_bytes(b"damage")
    aside = SqliteFile._set_aside

    def meanwhile(file: SqliteFile) -> StoreError | None:
        monkeypatch.setattr(SqliteFile, "_set_aside", aside)
        other = SqliteHistory(history.path)
        other.add_feedback(NOON, "skip", "of another process")
        other.close()
        return aside(file)

    monkeypatch.setattr(SqliteFile, "_set_aside", meanwhile)
    assert [entry.detail for entry in history.feedback()] == ["of another process"]
    kept = [file for file in history.path.parent.iterdir() if ".broken-" in file.name]
    assert [file.read_bytes() for file in kept] == [b"damage"]


@pytest.mark.parametrize("suffix", ["", "-wal", "-journal"])
def test_a_file_that_only_claims_to_be_huge_is_set_aside_unread(
    history: SqliteHistory, suffix: str
) -> None:
    history.add_feedback(NOON, "skip", "x")
    history.close()
    file = history.path.with_name(history.path.name + suffix)
    file.touch()
    os.truncate(file, 1 << 41)
    assert history.feedback() == []
    assert [file for file in history.path.parent.iterdir() if ".broken-" in file.name]
    if suffix == "":
        assert history.forget_playlists("spotify:") is True, "it goes: nobody can read it in time"
    else:
        history.forget_between(float("-inf"), float("inf"))
    assert not [file for file in history.path.parent.iterdir() if ".broken-" in file.name]


def test_a_file_of_giant_texts_is_set_aside(history: SqliteHistory) -> None:
    """A thousand of them are read for one page."""
    history.add_feedback(NOON, "a secret day", "x")
    history.close()
    with contextlib.closing(sqlite3.connect(history.path)) as connection:
        connection.execute("UPDATE feedback SET detail = 'a secret day' || hex(zeroblob(5000000))")
        connection.commit()
    again = SqliteHistory(history.path)
    assert again.feedback() == []
    assert_all_is_forgotten(again)
