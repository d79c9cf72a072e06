"""What is deleted is gone from every byte of every file, while the agent runs."""

from __future__ import annotations

import logging
import re
import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from agent import logs
from agent.app import journey_file
from agent.app.forgetting import Retention, forget
from agent.desktop import consent
from agent.desktop.icons.files import IconFiles
from agent.errors import StoreError
from agent.players.spotify import storage
from agent.settings import Settings
from agent.store.files import UNFINISHED
from agent.store.history import SqliteHistory
from agent.store.paths import Paths
from agent.types import Action, Decision, Mood, MoodState, Playlist, Status
from agent.web.door_client import call, call_when_ready
from tests.agent_process import CLIP, AgentProcess, run_command
from tests.desktop.buses import wait_until
from tests.fakes.clock import FakeClock

NOW = datetime(2026, 11, 22, 9, 5, 7).astimezone()
OLD, NEW = b"a-song-of-last-year", b"a-song-of-today"


@pytest.fixture
def paths() -> Paths:
    paths = Paths.default()
    paths.ensure()
    return paths


@pytest.fixture
def history(paths: Paths) -> Iterator[SqliteHistory]:
    history = SqliteHistory(paths.history_file)
    yield history
    history.close()


def fill(history: SqliteHistory) -> None:
    """A year ago and today: moods, switches, answers."""
    for when, name in ((NOW - timedelta(days=400), OLD.decode()), (NOW, NEW.decode())):
        for number in range(50):
            at = when + timedelta(seconds=number)
            playlist = Playlist(f"spotify:playlist:{name}", name)
            happy = MoodState.HAPPY
            history.add_mood(at, Mood(happy, 0.0, 0.9, (0.9, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0)))
            history.add_switch(at, Decision(0.0, Action.SWITCH_NOW, happy, playlist, name))
            history.add_feedback(at, "skip", name)


def everything(paths: Paths) -> bytes:
    """All bytes of all files below the user's folders."""
    root = paths.data.parent
    return b"".join(file.read_bytes() for file in root.rglob("*") if file.is_file())


def write_log(paths: Paths) -> None:
    (paths.logs / "moodtray.log").write_bytes(
        b"2025-10-18 09:05:07,123 INFO    agent: playing " + OLD + b"\n  a second line\n"
        b"2026-11-22 09:05:07,123 INFO    agent: playing " + NEW + b"\n"
    )
    (paths.logs / "moodtray.log.1").write_bytes(
        b"2025-10-17 09:05:07,123 INFO    agent: playing " + OLD + b"\n"
    )


def test_what_is_older_is_gone_and_the_rest_stays(paths: Paths, history: SqliteHistory) -> None:
    fill(history)  # and its connection stays open, as a running agent's does
    write_log(paths)
    assert everything(paths).count(OLD) > 100
    told = forget(paths, NOW - timedelta(days=1))
    assert "before 21 November 2026 is deleted" in told
    assert everything(paths).count(OLD) == 0
    assert NEW in everything(paths)
    assert len(history.moods()) == len(history.switches()) == len(history.feedback()) == 50
    assert (paths.logs / "moodtray.log").read_bytes().startswith(b"2026-11-22")
    assert not (paths.logs / "moodtray.log.1").exists()


@pytest.mark.parametrize("before", [None, NOW])
def test_no_picture_tells_when_which_mood_was_felt(paths: Paths, before: datetime | None) -> None:
    """Panels take icons as files: 'watching-sad', made at the minute of the first sad look."""
    for folder in (paths.runtime / "icons", paths.runtime / "notification-icons"):
        IconFiles(folder).path(Status.WATCHING, MoodState.SAD, 24, True)
    forget(paths, before)
    assert [file for file in paths.runtime.rglob("*") if "sad" in file.name] == []


def test_a_clock_that_was_set_back_keeps_nothing(paths: Paths) -> None:
    """As on a computer without a battery for its clock, which begins in another year."""
    write_log(paths)
    log = paths.logs / "moodtray.log"
    late = b"2025-10-18 09:05:07,123 INFO    agent: playing " + OLD + b"\n    " + OLD + b"\n"
    log.write_bytes(log.read_bytes() + late + b"2026-11-22 09:06:00,000 INFO    agent: the end\n")
    forget(paths, NOW - timedelta(days=1))
    assert OLD not in everything(paths)
    assert NEW in everything(paths)
    assert log.read_bytes().endswith(b"the end\n")


def test_everything_is_everything_but_settings_and_logins(
    paths: Paths, history: SqliteHistory
) -> None:
    fill(history)
    write_log(paths)
    paths.settings_file.write_text("version = 1\n")
    (paths.data / "history.sqlite.broken-2026-01-01").write_bytes(b"damaged " + OLD)
    kept = ("face.json", "face.json.other-20260101-000000", "spotify-names.json")
    for name in kept:
        (paths.state / name).write_text("{}")
    journey_file.save(paths, {"steps": ["sad", NEW.decode()]})
    (paths.config / f".spotify-token.json.abcdefgh{UNFINISHED}").write_bytes(NEW)
    consent.give(paths, NOW)
    told = forget(paths, None)
    assert not any((paths.state / name).exists() for name in kept)
    assert consent.is_given(paths)
    assert told.endswith("Your permission for the camera and your settings stay.")
    assert everything(paths).count(OLD) == 0
    assert everything(paths).count(NEW) == 0
    assert journey_file.load(paths) is None
    assert paths.settings_file.read_text() == "version = 1\n"
    history.add_feedback(NOW, "skip", "after it")
    assert [entry.detail for entry in history.feedback()] == ["after it"]


def test_who_never_logged_in_is_not_told_how_to_log_out(paths: Paths) -> None:
    assert "moodtray logout" not in forget(paths, None)
    assert not paths.settings_file.exists(), "asking writes none"
    token = storage.token_file(paths)
    token.write_text("{}")
    told = forget(paths, None)
    assert "your settings and the login to Spotify stay" in told
    assert "moodtray logout" in told
    assert token.exists()


def test_a_keyring_that_nobody_can_ask_may_hold_a_login(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> bool:
        raise StoreError("The keyring is locked.")

    paths.settings_file.write_text("[spotify]\nuse_keyring = true\n")
    monkeypatch.setattr(storage, "is_logged_in", lambda *_: False)
    assert "moodtray logout" not in forget(paths, None)
    monkeypatch.setattr(storage, "is_logged_in", locked)
    assert "moodtray logout" in forget(paths, None)


def test_a_log_that_is_open_goes_on(paths: Paths) -> None:
    root = logging.getLogger()
    before = list(root.handlers)
    logs.set_up(paths.logs, "INFO")
    log = logging.getLogger("agent.test")
    log.warning("playing %s", OLD.decode())
    forget(paths, None)
    log.warning("and on")
    text = (paths.logs / "moodtray.log").read_bytes()
    logs.tear_down()
    assert root.handlers == before
    assert text.endswith(b"and on\n")
    assert OLD not in text
    assert b"\0" not in text


def test_retention_deletes_once_a_day(paths: Paths, history: SqliteHistory) -> None:
    fill(history)
    clock = FakeClock(NOW)
    retention = Retention(history, clock)
    retention.look(Settings().history.keep_days)
    end = time.monotonic() + 30
    while everything(paths).count(OLD):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert len(history.moods()) == 50
    assert not history.has_older_than((NOW - timedelta(days=365)).timestamp())


def test_the_command_beside_a_running_agent(paths: Paths, history: SqliteHistory) -> None:
    fill(history)
    (paths.config / f".spotify-token.json.abcdefgh{UNFINISHED}").write_bytes(NEW)
    with AgentProcess("run", "--headless", "--events-json", "--camera", str(CLIP)) as agent:
        agent.wait_for(lambda line: line["event"] == "observation")
        paths.state.mkdir(exist_ok=True)
        aside = paths.state / "face.json.other-20260101-000000"
        aside.write_text("{}")
        learned = {"rest": [0.5] * 7, "spread": 0.6, "looks": 9, "shift": [0.0] * 7}
        call_when_ready(paths, "face", taken=lambda: True, numbers=learned)
        wait_until((paths.state / "face.json").exists)
        call(paths, "journey", start="sad", goal="happy")
        wait_until(lambda: journey_file.load(paths) is not None)
        left = paths.config / f".spotify-token.json.abcdefgh{UNFINISHED}"
        assert not left.exists(), "what a killed agent left is gone at the start"
        done = run_command("forget", "--everything")
        assert done.returncode == 0, done.stderr
        assert "is deleted" in done.stdout
        assert not (paths.state / "face.json").exists()
        assert call(paths, "status")["own_face"] is False
        assert call(paths, "why")["evidence"]["switch"] is None
        assert not aside.exists()
        assert everything(paths).count(OLD) == everything(paths).count(NEW) == 0
        agent.stop()
    assert everything(paths).count(OLD) == everything(paths).count(NEW) == 0
    assert journey_file.load(paths) is None, "nor was the next step of a journey noted"


def test_a_history_that_another_program_holds_is_told_truly(
    paths: Paths, history: SqliteHistory
) -> None:
    fill(history)
    with sqlite3.connect(paths.history_file) as other:
        other.execute("BEGIN IMMEDIATE")
        done = run_command("forget", "--everything")
        other.rollback()
    assert done.returncode == 1
    assert "another program holds it" in done.stderr
    assert "once more" in done.stderr, "for nothing tries again by itself"


def test_everything_by_the_page_is_what_the_command_deletes(
    paths: Paths, history: SqliteHistory
) -> None:
    fill(history)
    with AgentProcess("run", "--headless", "--events-json", "--camera", str(CLIP)) as agent:
        agent.wait_for(lambda line: line["event"] == "observation")
        learned = {"rest": [0.5] * 7, "spread": 0.6, "looks": 9, "shift": [0.0] * 7}
        call_when_ready(paths, "face", taken=lambda: True, numbers=learned)
        wait_until((paths.state / "face.json").exists)
        link = call_when_ready(paths, "page", taken=lambda: True, page="", show=False)["url"]
        with requests.Session() as browser:
            browser.get(link, timeout=60)
            page = urljoin(link, "/")
            found = re.search(r'name="token" content="(\w+)"', browser.get(page, timeout=60).text)
            assert found is not None
            told = browser.post(
                urljoin(link, "/api/history/delete"),
                json={},
                headers={"Origin": page.rstrip("/"), "X-Moodtray-Token": found[1]},
                timeout=60,
            ).json()["text"]
        assert "what was learned of your face" in told
        assert not (paths.state / "face.json").exists()
        assert everything(paths).count(OLD) == everything(paths).count(NEW) == 0
        wait_until(lambda: call(paths, "status")["own_face"] is False)
        agent.stop()
    assert not (paths.state / "face.json").exists(), "nor is it written again"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--everything", "--before", "2026-01-01"),
        ("--before", "x"),
        ("--before", "0001-01-01"),  # east of Greenwich that is before all years
    ],
)
def test_wrong_words_delete_nothing(
    paths: Paths,
    history: SqliteHistory,
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    fill(history)
    done = run_command("forget", *words)
    assert done.returncode == 2
    assert len(history.moods()) == 100


def test_nothing_was_ever_noted(tmp_path: Path) -> None:
    assert "is deleted" in forget(Paths.below(tmp_path / "empty"), None)
