"""The worker that all background threads are: its outcomes, its waits, its end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from agent.clock import SystemClock
from agent.errors import AgentError
from agent.events import Event, WorkerCrashed
from agent.ports import Clock
from agent.worker import BACKOFF, RESTART_BUDGET, RESTART_WINDOW, Cancelled, Worker
from tests.fakes.clock import FakeClock

HANG = 20.0
"""Seconds after which a test gives up waiting."""

Cycle = Callable[["Scripted"], float | None]


class Scripted(Worker):
    """Does what the test says in each cycle and remembers what befell it."""

    def __init__(self, script: Cycle, clock: Clock | None = None) -> None:
        self.events: list[Event] = []
        super().__init__("scripted", self.events.append, clock or FakeClock())
        self.script = script
        self.cycles = 0
        self.history: list[object] = []
        self.turned = threading.Condition()

    def cycle(self) -> float | None:
        with self.turned:
            self.cycles += 1
            self.turned.notify_all()
        return self.script(self)

    def failed(self, error: AgentError) -> None:
        self.history.append(error)

    def release(self) -> None:
        self.history.append("released")

    def given_up(self) -> None:
        self.history.append("gave up")

    def wait_for_cycles(self, number: int) -> None:
        with self.turned:
            assert self.turned.wait_for(lambda: self.cycles >= number, HANG), self.cycles


def _has_events(worker: Scripted, count: int) -> bool:
    return len(worker.events) == count


def raising(error: BaseException) -> Cycle:
    def cycle(worker: Scripted) -> float | None:
        raise error

    return cycle


@pytest.fixture
def start() -> Iterator[Callable[[Scripted], Scripted]]:
    running: list[Scripted] = []

    def begin(worker: Scripted) -> Scripted:
        worker.start()
        running.append(worker)
        return worker

    yield begin
    for worker in running:
        worker.request_stop()
        assert worker.join(HANG)


# --- one cycle at a time, without a thread


@pytest.mark.parametrize("wait", [0.0, 2.5, None])
def test_step_returns_what_the_cycle_says(wait: float | None) -> None:
    worker = Scripted(lambda _: wait)
    assert worker.step() == wait
    assert worker.history == []
    assert worker.events == []


def test_expected_trouble_is_told_and_waits_grow(caplog: pytest.LogCaptureFixture) -> None:
    error = AgentError("the cable is out")
    worker = Scripted(raising(error))
    waits = [worker.step() for _ in range(len(BACKOFF) + 2)]
    assert waits == [*BACKOFF, BACKOFF[-1], BACKOFF[-1]]
    assert worker.history == ["released", error] * len(waits), "released before it is told"
    assert worker.events == []
    assert "the cable is out" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_good_cycle_lets_the_waits_begin_anew() -> None:
    worker = Scripted(raising(AgentError("no")))
    assert [worker.step(), worker.step()] == [BACKOFF[0], BACKOFF[1]]
    worker.script = lambda _: 7.0
    assert worker.step() == 7.0
    worker.script = raising(AgentError("no"))
    assert worker.step() == BACKOFF[0]


def test_a_defect_is_reported_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    defect = ZeroDivisionError("oops")
    worker = Scripted(raising(defect))
    with caplog.at_level(logging.ERROR):
        assert worker.step() == 1.0
    assert worker.events == [WorkerCrashed("scripted", defect, gave_up=False)]
    assert worker.history == ["released"]
    assert "Traceback" in caplog.text
    assert not worker.stopping


def test_more_defects_than_the_budget_within_its_time_end_it() -> None:
    worker = Scripted(raising(ValueError()))
    assert [worker.step() for _ in range(RESTART_BUDGET)] == [1.0] * RESTART_BUDGET
    assert worker.step() is None
    gave_up = [e.gave_up for e in worker.events if isinstance(e, WorkerCrashed)]
    assert gave_up == [False] * RESTART_BUDGET + [True]
    assert worker.gave_up
    assert worker.history[-2:] == ["released", "gave up"]


def test_defects_of_long_ago_are_forgiven() -> None:
    clock = FakeClock()
    worker = Scripted(raising(ValueError()), clock)
    for _ in range(4 * RESTART_BUDGET):
        assert worker.step() == 1.0
        clock.advance(RESTART_WINDOW / RESTART_BUDGET + 0.1)
    assert not any(e.gave_up for e in worker.events if isinstance(e, WorkerCrashed))


def test_a_cancelled_cycle_is_the_end_and_no_trouble() -> None:
    worker = Scripted(raising(Cancelled()))
    assert worker.step() is None
    assert worker.stopping
    assert worker.events == []
    assert worker.history == []


# --- with the thread


def test_constructor_starts_nothing_and_join_of_that_is_true() -> None:
    worker = Scripted(lambda _: None)
    assert worker.cycles == 0
    assert worker.join(0.0)


def test_it_goes_on_after_a_defect(start: Callable[[Scripted], Scripted]) -> None:
    def once(worker: Scripted) -> float | None:
        if worker.cycles == 1:
            raise KeyError
        return None

    worker = start(Scripted(once, SystemClock()))
    worker.wait_for_cycles(2)
    assert [type(e) for e in worker.events] == [WorkerCrashed]


def spend_the_budget(worker: Scripted, before: int = 0) -> None:
    """Each try fails; instead of the second between two of them it is woken. ``before``: cycles
    of earlier budgets."""
    for number in range(1, RESTART_BUDGET + 2):
        worker.wait_for_cycles(before + number)
        wait_until(partial(_has_events, worker, before + number))
        worker.wake()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + HANG
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


def test_it_rests_when_the_budget_is_used_up(start: Callable[[Scripted], Scripted]) -> None:
    worker = start(Scripted(raising(ValueError())))
    spend_the_budget(worker)
    for _ in range(3):
        worker.wake()  # settings, a click: none of them lets it try again
        time.sleep(0.02)
    assert worker.cycles == RESTART_BUDGET + 1
    assert isinstance(worker.events[-1], WorkerCrashed)
    assert worker.events[-1].gave_up
    assert not worker.stopping, "it was not asked to"


def test_one_that_gave_up_ends_when_asked_to() -> None:
    worker = Scripted(raising(ValueError()))
    worker.start()
    spend_the_budget(worker)
    worker.request_stop()
    assert worker.join(HANG)
    assert worker.cycles == RESTART_BUDGET + 1


def test_a_restart_gives_a_fresh_budget(start: Callable[[Scripted], Scripted]) -> None:
    worker = start(Scripted(raising(ValueError())))
    spend_the_budget(worker)
    worker.restart()
    spend_the_budget(worker, before=RESTART_BUDGET + 1)
    gave_up = [e.gave_up for e in worker.events if isinstance(e, WorkerCrashed)]
    assert gave_up == 2 * ([False] * RESTART_BUDGET + [True])
    worker.script = lambda _: None
    worker.restart()
    worker.wait_for_cycles(2 * RESTART_BUDGET + 3)
    assert not worker.gave_up


def test_a_restart_of_one_that_works_changes_nothing(
    start: Callable[[Scripted], Scripted],
) -> None:
    worker = start(Scripted(lambda _: None))
    worker.wait_for_cycles(1)
    worker.restart()
    time.sleep(0.05)
    assert worker.cycles == 1


def test_wake_ends_a_wait_without_end(start: Callable[[Scripted], Scripted]) -> None:
    worker = start(Scripted(lambda _: None))
    worker.wait_for_cycles(1)
    worker.wake()
    worker.wait_for_cycles(2)


def test_a_wake_during_the_cycle_is_not_missed(start: Callable[[Scripted], Scripted]) -> None:
    def woken(worker: Scripted) -> float | None:
        if worker.cycles == 1:
            worker.wake()
        return None

    start(Scripted(woken)).wait_for_cycles(2)


def test_stop_ends_the_wait_and_releases() -> None:
    worker = Scripted(lambda _: 3600.0)
    worker.start()
    worker.wait_for_cycles(1)
    worker.request_stop()
    assert worker.join(HANG)
    assert worker.history == ["released"]
    assert worker.cycles == 1


def test_stop_ends_a_pause_within_a_cycle() -> None:
    def long(worker: Scripted) -> float | None:
        worker.pause_within_cycle(3600.0)
        raise AssertionError("the pause was not broken off")

    worker = Scripted(long)
    worker.start()
    worker.wait_for_cycles(1)
    worker.request_stop()
    assert worker.join(HANG)
    assert worker.events == []
    assert worker.history == ["released"]


def test_a_pause_that_nobody_breaks_off_just_passes() -> None:
    worker = Scripted(lambda _: 0.0)
    worker.pause_within_cycle(0.01)
    assert not worker.stopping


def test_one_that_hangs_is_told_by_join_and_keeps_nobody_alive() -> None:
    release = threading.Event()

    def hanging(worker: Scripted) -> float | None:
        release.wait(HANG)
        return None

    worker = Scripted(hanging)
    worker.start()
    worker.wait_for_cycles(1)
    worker.request_stop()
    assert not worker.join(0.05)
    thread = next(t for t in threading.enumerate() if t.name == "scripted")
    assert thread.daemon
    release.set()
    assert worker.join(HANG)
    assert worker.history == ["released"]
