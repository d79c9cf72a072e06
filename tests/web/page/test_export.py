"""The copy of the history: all of it, however long, in little memory."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from agent.store.history import SqliteHistory
from agent.web.page import history_page
from tests.web.page.harness import PageServer

SEVEN = json.dumps([0.01, 0.0, 0.01, 0.86, 0.02, 0.03, 0.07])
BEGAN = 1_600_000_000.0


def fill(file: Path, moods: int, switches: int = 20, answers: int = 5) -> None:
    """Years of use, written past the program; some of it in the very same second."""
    with sqlite3.connect(file) as opened:
        opened.executemany(
            "INSERT INTO moods (at, state, confidence, probabilities, by_hand) VALUES (?,?,?,?,?)",
            ((BEGAN + number // 3, "happy", 0.86, SEVEN, 0) for number in range(moods)),
        )
        opened.executemany(
            "INSERT INTO switches (at, action, mood, playlist_uri, playlist_name, reason)"
            " VALUES (?, 'switch now', 'happy', 'local:happy', 'Summer', 'you look happy')",
            ((BEGAN + 7 * number,) for number in range(switches)),
        )
        opened.executemany(
            "INSERT INTO feedback (at, kind, detail) VALUES (?, 'undo', '')",
            ((BEGAN + 11 * number,) for number in range(answers)),
        )
    opened.close()


@pytest.fixture
def user(server: PageServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=120) as client:
        client.get(server.access.link())
        yield client


def test_all_that_was_ever_noted_is_in_it(server: PageServer, user: httpx.Client) -> None:
    """More than a page would ever draw, of each kind, oldest first, each once."""
    server.history.counts()  # makes the file
    fill(server.paths.history_file, history_page.MOST_MOODS + 1_500, 1_300, 1_100)
    kinds: Counter[str] = Counter()
    last = ""
    with user.stream("GET", "/history/export/csv") as answer:
        assert answer.status_code == 200
        assert "content-length" not in answer.headers
        for row in csv.DictReader(answer.iter_lines()):
            assert row["at"] >= last
            last = row["at"]
            kinds[row["what"]] += 1
    assert kinds == {"mood": history_page.MOST_MOODS + 1_500, "change": 1_300, "answer": 1_100}


def test_the_json_is_one_document(server: PageServer, user: httpx.Client) -> None:
    server.history.counts()
    assert user.get("/history/export/json").json() == {"moods": [], "changes": [], "answers": []}
    assert user.get("/history/export/csv").text.splitlines() == [",".join(history_page.COLUMNS)]
    fill(server.paths.history_file, 2_500)
    kept = user.get("/history/export/json").json()
    assert [len(kept[name]) for name in ("moods", "changes", "answers")] == [2_500, 20, 5]
    assert kept["moods"] == sorted(kept["moods"], key=lambda mood: mood["at"])
    assert kept["moods"][0]["probabilities"]["happy"] == 0.86
    assert (kept["changes"][0]["playlist"], kept["answers"][0]["kind"]) == ("Summer", "undo")


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_long_history_takes_no_more_memory_than_a_short_one(tmp_path: Path, form: str) -> None:
    def peak(moods: int) -> int:
        history = SqliteHistory(tmp_path / f"{moods}.sqlite")
        history.counts()
        fill(history.path, moods)
        every = (history.every_mood(), history.every_switch(), history.every_feedback())
        texts = history_page.as_csv(*every) if form == "csv" else history_page.as_json(*every)
        tracemalloc.start()
        size = sum(len(chunk) for chunk in history_page._in_chunks(texts))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        history.close()
        assert size > 50 * moods
        return most

    short, long = peak(2_000), peak(12_000)
    assert long < short + 300_000, f"{short / 1e6:.1f} MB, then {long / 1e6:.1f} MB"


def test_a_history_that_cannot_be_read_is_told_and_no_file_comes(
    server: PageServer, user: httpx.Client
) -> None:
    server.history.counts()
    server.history.close()
    server.paths.history_file.unlink()
    server.paths.history_file.mkdir()
    answer = user.get("/history/export/csv")
    assert answer.status_code == 409
    assert "content-disposition" not in answer.headers
    assert "history" in answer.json()["error"]


@pytest.mark.parametrize("hour", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00"])
def test_an_hour_of_no_calendar_is_no_defect(user: httpx.Client, hour: str) -> None:
    token = re.search('name="token" content="([^"]+)"', user.get("/history").text)
    assert token is not None
    answer = user.post(
        "/api/history/delete",
        json={"hour": hour},
        headers={"X-Moodtray-Token": token[1], "Origin": str(user.base_url).rstrip("/")},
    )
    assert answer.status_code in (200, 422), answer.text


def test_one_may_delete_while_a_copy_is_made(server: PageServer) -> None:
    """Nobody holds the file between two parts: its bytes can go at once."""
    server.history.counts()
    fill(server.paths.history_file, 2_500)
    every = server.history.every_mood()
    next(every)
    server.history.forget_between(0.0, 4e10)
    assert sum(1 for _mood in every) == 999, "the part that was read already"
