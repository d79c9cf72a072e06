"""What of the history stands on the page: which changes were taken back, and of which days."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from agent.store.history import (
    LONGEST_LINE,
    FeedbackEntry,
    MoodEntry,
    SqliteHistory,
    SwitchEntry,
)
from agent.types import Action, MoodState
from agent.web.page import history_view
from agent.web.page.history_page import MOST_CHANGES
from tests.web.page.test_export import BEGAN, fill

DAY = history_view.midnight(datetime(2026, 11, 26).date())


def test_as_many_answers_as_changes_are_told_apart_in_one_pass() -> None:
    """Each answer went through all changes: a page of some thousand never came."""
    number = 30_000
    switches = [
        SwitchEntry(
            DAY + timedelta(seconds=2 * n), Action.SWITCH_NOW, MoodState.SAD, "a", "A", "why"
        )
        for n in range(number)
    ]
    answers = [
        FeedbackEntry(DAY + timedelta(seconds=2 * n + 1), "undo", "a") for n in range(number)
    ]
    told = history_view.period(DAY, DAY + timedelta(days=1), DAY, (), switches, answers)
    assert (len(told.changes), told.taken_back) == (number, number)


def test_each_answer_means_the_latest_change_that_still_stands() -> None:
    def change(minute: int) -> SwitchEntry:
        at = DAY + timedelta(minutes=minute)
        return SwitchEntry(at, Action.SWITCH_NOW, MoodState.SAD, "a", "A", "why")

    def answer(minute: int, kind: str) -> FeedbackEntry:
        return FeedbackEntry(DAY + timedelta(minutes=minute), kind, "a")

    told = history_view.period(
        DAY,
        DAY + timedelta(days=1),
        DAY,
        (),
        [change(0), change(10), change(20), change(90)],
        [answer(5, "skip"), answer(21, "undo"), answer(22, "corrected"), answer(80, "undo")],
    )
    back = [(change.taken_back, change.corrected) for change in told.changes]
    assert back == [(True, False), (False, True), (True, False), (False, False)]


def test_a_day_long_ago_is_read_however_much_came_after_it(tmp_path: Path) -> None:
    history = SqliteHistory(tmp_path / "history.sqlite")
    history.counts()  # makes the file
    fill(history.path, 3000, MOST_CHANGES + 1000)
    first = datetime.fromtimestamp(BEGAN).astimezone()
    end = first + timedelta(seconds=70)
    assert len(history.switches(since=first, until=end, last=MOST_CHANGES)) == 10
    assert len(history.moods(since=first, until=end, last=100)) == 100
    history.close()


def test_a_text_of_somebody_else_s_is_read_no_further_than_ours_are(tmp_path: Path) -> None:
    history = SqliteHistory(tmp_path / "history.sqlite")
    history.counts()
    fill(history.path, 1)
    history._file.run(
        lambda opened: opened.execute("UPDATE switches SET reason = hex(zeroblob(20000))")
    )
    assert {len(entry.reason) for entry in history.switches()} == {LONGEST_LINE}
    history.close()


@pytest.fixture(params=["America/Santiago", "America/Havana", "Africa/Cairo", "Europe/Berlin"])
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """A time zone; in all but the last the clock passes over midnight in spring."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a process has the system's time zone")
def test_each_day_begins_within_itself_and_after_the_one_before(zone: str) -> None:
    """A page never came: midnight was 23:00 of the day before, and the day had no end."""
    day, before = date(2026, 1, 1), datetime(2025, 12, 31).astimezone()
    while day.year == 2026:
        begins = history_view.midnight(day)
        assert begins.date() == day
        assert timedelta(hours=23) <= begins - before <= timedelta(hours=25)
        seen = [
            MoodEntry(begins - timedelta(minutes=30), MoodState.SAD, 0.9, None, False),
            MoodEntry(begins + timedelta(minutes=30), MoodState.HAPPY, 0.9, None, False),
        ]
        told = history_view.period(before, begins, begins + timedelta(days=1), seen, (), ())
        assert [span.minutes for span in told.spans] == [30.0]
        before, day = begins, day + timedelta(days=1)
