"""When a notification is shown: the rules, as tables and as short stories."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from agent.desktop.notifications.rules import (
    LONGEST,
    LOOK,
    WaitingRoom,
    is_quiet,
    safe,
    seconds_until,
)
from agent.effects import Notification
from agent.settings import NotificationSettings
from agent.types import NotificationKind
from tests.fakes.clock import FakeClock

SWITCH, LOGIN = NotificationKind.SWITCH, NotificationKind.LOGIN
NEEDS_USER_IN_ORDER = (
    NotificationKind.LOGIN,
    NotificationKind.DEVICE,
    NotificationKind.CAMERA,
    NotificationKind.PROBLEM,
)
OPEN = NotificationSettings()
NIGHT = NotificationSettings(quiet_from=time(22), quiet_to=time(7))


def told(title: str, kind: NotificationKind = SWITCH, asked: bool = False) -> Notification:
    return Notification(kind, title, "body", asked=asked)


def titles(due: list[Notification]) -> list[str]:
    return [notification.title for notification in due]


def test_one_a_minute_of_a_kind_and_the_newest_of_those_between() -> None:
    clock = FakeClock()
    room = WaitingRoom(clock)
    shown: list[object] = []
    for second in range(0, 190, 10):
        shown += [(second, title) for title in titles(room.due(OPEN))]
        if room.offer(told(f"from {second}"), OPEN):
            shown.append(second)
        if second == 30:
            assert room.offer(told("login", LOGIN), OPEN), "another kind has a minute of its own"
        clock.advance(10)
    assert shown == [0, (60, "from 50"), (120, "from 110"), (180, "from 170")]


def test_waits_as_long_as_needed_and_no_longer() -> None:
    clock = FakeClock()
    room = WaitingRoom(clock)
    assert room.seconds_left(OPEN) is None
    assert room.offer(told("first"), OPEN)
    assert room.seconds_left(OPEN) is None
    clock.advance(20)
    assert not room.offer(told("second"), OPEN)
    assert room.seconds_left(OPEN) == 40
    clock.advance(40)
    assert titles(room.due(OPEN)) == ["second"]
    assert room.seconds_left(OPEN) is None
    assert room.due(OPEN) == []


def test_a_switch_of_long_ago_is_no_news() -> None:
    clock = FakeClock()
    room = WaitingRoom(clock)
    room.offer(told("first"), OPEN)
    room.offer(told("second"), OPEN)
    room.offer(told("first", LOGIN), OPEN)
    room.offer(told("log in again", LOGIN), OPEN)
    clock.advance(121)  # the computer slept
    assert titles(room.due(OPEN)) == ["log in again"]
    assert room.seconds_left(OPEN) is None


def test_trouble_of_the_night_is_told_in_the_morning() -> None:
    clock = FakeClock(datetime(2026, 11, 22, 23, 0, tzinfo=UTC))
    room = WaitingRoom(clock)
    for kind in (SWITCH, NotificationKind.INFO, *NEEDS_USER_IN_ORDER):
        assert not room.offer(told(f"old {kind}", kind), NIGHT)
        clock.advance(60)
        assert not room.offer(told(f"new {kind}", kind), NIGHT)
        clock.advance(60)
    assert room.due(NIGHT) == []
    assert room.seconds_left(NIGHT) == LOOK
    clock.advance(8 * 3600 - 12 * 60 - 20)
    assert room.due(NIGHT) == []
    assert room.seconds_left(NIGHT) == pytest.approx(20)
    clock.advance(20)
    expected = ["new login", "new device", "new camera", "new problem"]
    assert titles(room.due(NIGHT)) == expected
    assert room.due(NIGHT) == []


def test_what_has_come_right_overnight_is_not_told() -> None:
    clock = FakeClock(datetime(2026, 11, 22, 23, 0, tzinfo=UTC))
    open_still = {NotificationKind.CAMERA}
    room = WaitingRoom(clock, lambda kind: kind in open_still)
    room.offer(told("log in", LOGIN), NIGHT)
    room.offer(told("camera", NotificationKind.CAMERA), NIGHT)
    clock.advance(8 * 3600)
    assert titles(room.due(NIGHT)) == ["camera"]
    assert room.seconds_left(NIGHT) is None, "the other one is forgotten"


def test_a_switch_that_waits_when_the_quiet_hours_begin_is_dropped() -> None:
    clock = FakeClock(datetime(2026, 11, 22, 21, 59, 30, tzinfo=UTC))
    room = WaitingRoom(clock)
    room.offer(told("first"), NIGHT)
    room.offer(told("second"), NIGHT)
    clock.advance(61)
    assert room.due(NIGHT) == []
    assert room.seconds_left(NIGHT) is None


def test_switched_off_forgets_what_waits() -> None:
    clock = FakeClock(datetime(2026, 11, 22, 23, 0, tzinfo=UTC))
    room = WaitingRoom(clock)
    off = NIGHT.model_copy(update={"enabled": False})
    room.offer(told("log in", LOGIN), NIGHT)
    assert room.due(off) == []
    clock.advance(9 * 3600)
    assert room.due(NIGHT) == []
    assert not room.offer(told("off"), off)


def test_an_answer_is_shown_at_once_and_pushes_nothing_out() -> None:
    clock = FakeClock(datetime(2026, 11, 22, 23, 0, tzinfo=UTC))
    room = WaitingRoom(clock)
    room.offer(told("trouble", LOGIN), NIGHT)
    assert room.offer(told("answer", LOGIN, asked=True), NIGHT)
    assert room.offer(told("answer", LOGIN, asked=True), NIGHT)
    clock.advance(8 * 3600)
    assert titles(room.due(NIGHT)) == ["trouble"]


def test_what_is_withdrawn_is_not_shown_later() -> None:
    clock = FakeClock()
    room = WaitingRoom(clock)
    room.offer(told("first"), OPEN)
    room.offer(told("undone meanwhile"), OPEN)
    room.withdraw(SWITCH)
    clock.advance(61)
    assert room.due(OPEN) == []


def test_where_nothing_is_held_back_each_is_shown_at_once() -> None:
    room = WaitingRoom(FakeClock(), interval=0.0)
    assert room.offer(told("first"), OPEN)
    assert room.offer(told("second"), OPEN)


@pytest.mark.parametrize(
    ("now", "at", "seconds"), [("06:00", "07:00", 3600), ("08:00", "07:00", 23 * 3600)]
)
def test_seconds_until(now: str, at: str, seconds: float) -> None:
    moment = datetime.combine(datetime(2026, 3, 1), time.fromisoformat(now), UTC)
    assert seconds_until(moment, time.fromisoformat(at)) == seconds


@pytest.mark.parametrize(
    ("now", "start", "end", "quiet"),
    [
        ("12:00", None, None, False),
        ("12:00", "11:00", None, False),
        ("12:00", "11:00", "13:00", True),
        ("11:00", "11:00", "13:00", True),
        ("13:00", "11:00", "13:00", False),
        ("23:30", "22:00", "07:00", True),
        ("06:59", "22:00", "07:00", True),
        ("07:00", "22:00", "07:00", False),
        ("12:00", "22:00", "07:00", False),
        ("12:00", "12:00", "12:00", False),
    ],
)
def test_quiet_hours(now: str, start: str | None, end: str | None, quiet: bool) -> None:
    ends = [time.fromisoformat(t) if t else None for t in (start, end)]
    assert is_quiet(time.fromisoformat(now).replace(tzinfo=UTC), *ends) is quiet


def test_text_is_shown_letter_for_letter() -> None:
    assert safe("<b>R&B</b>", markup=True) == "&lt;b&gt;R&amp;B&lt;/b&gt;"
    assert safe("<b>R&B</b>", markup=False) == "<b>R&B</b>"
    assert safe("a\x1b[31m\x00b\nc", markup=False) == "a[31mb\nc"


def test_of_a_text_without_an_end_the_beginning_is_shown() -> None:
    """A notice of 20 MB had the service stand still for 19 s."""
    shown = safe("<" + "a" * 20_000_000, markup=True)
    assert shown.startswith("&lt;aaa")
    assert shown.endswith("a…")
    assert len(shown) < LONGEST + 10
    assert safe("a" * LONGEST, markup=False) == "a" * LONGEST
