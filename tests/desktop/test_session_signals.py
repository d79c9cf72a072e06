"""What follows from the session's signals: pure."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.desktop.session import watch as watch_module
from agent.desktop.session.signals import NOT_LOCKED_AFTER, LockSense, Signals, combine
from agent.desktop.session.watch import SessionWatch
from agent.errors import DesktopError
from agent.events import PowerChanged, SessionChanged, UserIsBack
from agent.settings import SessionSettings
from agent.wording import SCREEN_SHARED
from tests.fakes.clock import FakeClock

DEFAULTS = SessionSettings()


def test_nothing_is_said_while_all_is_calm() -> None:
    assert combine(Signals(), DEFAULTS) is None
    assert combine(Signals(on_battery=True, idle_seconds=599.0), DEFAULTS) is None


@pytest.mark.parametrize(
    ("signals", "reason"),
    [
        (Signals(asleep=True), "the computer sleeps"),
        (Signals(lid_closed=True), "the lid is closed"),
        (Signals(in_background=True), "another user has the screen"),
        (Signals(locked=True), "the screen is locked"),
        (Signals(sharing=True), SCREEN_SHARED),
        (Signals(idle_seconds=600.0), "nobody has touched the computer for 10 minutes"),
        (Signals(idle_hint=True), "nobody uses the computer"),
    ],
)
def test_each_signal_has_its_reason(signals: Signals, reason: str) -> None:
    assert combine(signals, DEFAULTS) == reason


@pytest.mark.parametrize(
    ("signals", "switch"),
    [
        (Signals(locked=True), "release_when_locked"),
        (Signals(idle_seconds=9999.0), "release_when_idle"),
        (Signals(idle_hint=True), "release_when_idle"),
        (Signals(sharing=True), "release_when_sharing"),
    ],
)
def test_each_may_be_switched_off(signals: Signals, switch: str) -> None:
    assert combine(signals, SessionSettings(**{switch: False})) is None


def test_measured_idle_time_outweighs_the_desktops_opinion() -> None:
    assert combine(Signals(idle_hint=True, idle_seconds=5.0), DEFAULTS) is None


def test_idle_minutes_are_the_users() -> None:
    settings = SessionSettings(idle_minutes=2.0)
    assert combine(Signals(idle_seconds=119.0), settings) is None
    reason = combine(Signals(idle_seconds=120.0), settings)
    assert reason == "nobody has touched the computer for 2 minutes"


def test_who_listens_does_not_type() -> None:
    assert combine(Signals(idle_seconds=1799.0), DEFAULTS, music=True) is None
    reason = combine(Signals(idle_seconds=1800.0), DEFAULTS, music=True)
    assert reason == "nobody has touched the computer for 30 minutes"
    assert combine(Signals(idle_hint=True), DEFAULTS, music=True) is None
    longer = SessionSettings(idle_minutes=45.0)
    assert combine(Signals(idle_seconds=1800.0), longer, music=True) is None


@given(
    st.builds(
        Signals,
        asleep=st.booleans(),
        lid_closed=st.booleans(),
        locked=st.booleans(),
        in_background=st.booleans(),
        idle_seconds=st.none() | st.floats(0, 1e6),
        idle_hint=st.booleans(),
        sharing=st.none() | st.booleans(),
    )
)
def test_a_sleeping_computer_never_gets_the_camera(signals: Signals) -> None:
    assert combine(replace(signals, asleep=True), DEFAULTS) == "the computer sleeps"
    everything_off = SessionSettings(
        release_when_locked=False, release_when_idle=False, release_when_sharing=False
    )
    held = signals.asleep or signals.lid_closed or signals.in_background
    assert (combine(signals, everything_off) is not None) == held


# --- lock


def test_a_locked_state_is_believed_for_ever() -> None:
    lock = LockSense()
    lock.hint(True)
    for second in range(0, 3600, 15):
        lock.seen(second, 0.0)
    assert lock.locked
    lock.hint(False)
    assert not lock.locked


def test_a_request_counts_at_once_and_until_unlocked() -> None:
    lock = LockSense()
    lock.requested(True)
    assert lock.locked
    lock.seen(0.0, None)
    lock.seen(10_000.0, None)
    assert lock.locked
    lock.requested(False)
    assert not lock.locked


def test_unlocking_ends_what_the_screen_saver_said() -> None:
    lock = LockSense()
    lock.saver(True)
    lock.requested(True)
    lock.hint(True)
    lock.hint(False)
    lock.saver(False)
    assert not lock.locked


def test_a_locker_that_never_tells_its_end_does_not_hold_the_camera_for_good() -> None:
    lock = LockSense()
    lock.requested(True)
    for second in range(0, 60, 2):
        lock.seen(second, 1.0)
    lock.seen(61.0, 45.0)  # a pause: the clock starts anew
    lock.seen(63.0, 0.5)
    lock.seen(62.0 + NOT_LOCKED_AFTER, 0.5)
    assert lock.locked
    lock.seen(63.0 + NOT_LOCKED_AFTER, 0.5)
    assert not lock.locked


# --- the worker, with a source that is played


class PlayedSource:
    def __init__(self, *readings: Signals | DesktopError) -> None:
        self.readings = list(readings)
        self.waits: list[float] = []
        self.opened = 0
        self.closed = 0
        self.let_go = 0
        self.refuse = False

    def open(self) -> None:
        self.opened += 1
        if self.refuse:
            raise DesktopError("nothing here")

    def read(self) -> Signals:
        reading = self.readings.pop(0)
        if isinstance(reading, DesktopError):
            raise reading
        return reading

    def wait(self, timeout: float) -> None:
        self.waits.append(timeout)

    def let_sleep(self) -> None:
        self.let_go += 1

    def interrupt(self) -> None: ...

    def close(self) -> None:
        self.closed += 1


def test_each_change_is_told_once() -> None:
    told: list[object] = []
    calm = Signals(on_battery=False)
    locked = Signals(on_battery=False, locked=True)
    source = PlayedSource(calm, calm, locked, locked, Signals(on_battery=True))
    watch = SessionWatch(told.append, FakeClock(), DEFAULTS, source)
    for _ in range(5):
        assert watch.step() == 0.0
    assert told == [
        PowerChanged(False),
        SessionChanged("the screen is locked"),
        SessionChanged(None),
        UserIsBack(),
        PowerChanged(True),
    ]
    assert source.opened == 1
    assert source.waits[2] < source.waits[0]  # back soon after the user is


def test_sleep_waits_for_the_camera_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "RELEASE_STEP", 0.0)
    asleep = Signals(asleep=True)
    source = PlayedSource(Signals(), asleep, asleep, Signals(), asleep)
    answers = [False, False, True, True]
    order: list[object] = []

    def camera_is_off() -> bool:
        order.append(answers[0])
        return answers.pop(0)

    watch = SessionWatch(order.append, FakeClock(), DEFAULTS, source, camera_is_off)
    watch.step()
    assert (order, source.let_go) == ([], 0)
    watch.step()
    assert order == [SessionChanged("the computer sleeps"), False, False, True]
    assert source.let_go == 1
    watch.step()
    assert source.let_go == 1, "once for each sleep"
    watch.step()
    watch.step()
    assert source.let_go == 2


def test_a_camera_that_hangs_does_not_keep_the_computer_awake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch_module, "RELEASE_STEP", 0.0)
    source = PlayedSource(Signals(asleep=True))
    watch = SessionWatch(lambda _: None, FakeClock(), DEFAULTS, source, lambda: False)
    watch.step()
    assert source.let_go == 1


def test_changed_settings_count_at_once() -> None:
    told: list[object] = []
    locked = Signals(locked=True)
    watch = SessionWatch(told.append, FakeClock(), DEFAULTS, PlayedSource(locked, locked))
    watch.step()
    watch.apply(SessionSettings(release_when_locked=False))
    watch.step()
    assert told == [SessionChanged("the screen is locked"), SessionChanged(None)]


def test_a_lost_connection_is_made_anew_and_the_state_kept() -> None:
    told: list[object] = []
    locked = Signals(locked=True)
    source = PlayedSource(locked, DesktopError("gone"), locked, Signals())
    watch = SessionWatch(told.append, FakeClock(), DEFAULTS, source)
    watch.step()
    assert watch.step() == 1.0
    assert source.closed == 1
    watch.step()
    assert told == [SessionChanged("the screen is locked")]
    watch.step()
    assert told[-2:] == [SessionChanged(None), UserIsBack()]
    assert source.opened == 2


def test_a_longer_patience_with_who_listens_is_no_return() -> None:
    told: list[object] = []
    plays = False
    source = PlayedSource(*[Signals(idle_seconds=seconds) for seconds in (650.0, 660.0, 0.5)])
    watch = SessionWatch(told.append, FakeClock(), DEFAULTS, source, music_plays=lambda: plays)
    watch.step()
    plays = True
    watch.step()
    assert told[1:] == [SessionChanged(None)]
    watch.step()
    assert told[2:] == [UserIsBack()]


def test_the_end_of_a_shared_screen_is_no_return() -> None:
    told: list[object] = []
    source = PlayedSource(Signals(sharing=True, idle_seconds=0.0), Signals(idle_seconds=0.0))
    watch = SessionWatch(told.append, FakeClock(), DEFAULTS, source)
    watch.step()
    watch.step()
    assert told == [SessionChanged(SCREEN_SHARED), SessionChanged(None)]


def test_without_a_session_it_is_quiet_and_looks_again() -> None:
    told: list[object] = []
    source = PlayedSource(Signals(locked=True))
    source.refuse = True
    watch = SessionWatch(told.append, FakeClock(), DEFAULTS, source)
    assert watch.step() == 60.0
    assert watch.step() == 60.0
    assert told == []
    source.refuse = False
    watch.step()
    assert told == [SessionChanged("the screen is locked")]
