"""The one shape of every background thread.

A cycle that is repeated, waits between, and three outcomes of a cycle -- cancelled, expected
trouble, a defect -- told apart in one place.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from agent.errors import AgentError
from agent.events import WorkerCrashed
from agent.ports import Clock, Report

log = logging.getLogger(__name__)

RESTART_BUDGET = 5
"""Defects that are forgiven within RESTART_WINDOW seconds before a worker gives up."""
RESTART_WINDOW = 60.0
BACKOFF = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds to wait after the first, second, ... expected failure in a row."""


class Cancelled(Exception):
    """Raised inside a cycle that notices that it should stop."""


class Worker(ABC):
    """A thread that repeats :meth:`cycle`.

    ``cycle`` returns the seconds to wait before the next one (None: until woken). An AgentError
    leads to :meth:`failed` and a growing wait; any other exception is logged with its traceback,
    reported as WorkerCrashed, and after RESTART_BUDGET of them within RESTART_WINDOW the worker
    gives up: it rests, and holds no device or connection, until :meth:`restart`. The thread is a
    daemon: one that hangs in foreign code cannot keep the program alive. The constructor starts
    nothing.
    """

    def __init__(self, name: str, report: Report, clock: Clock) -> None:
        self.name = name
        self.report = report
        self.clock = clock
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failures = 0
        self._crashes: deque[float] = deque()
        self._gave_up = False

    # -- to be filled in

    @abstractmethod
    def cycle(self) -> float | None:
        """Do one turn, in the worker's thread. Returns seconds to wait, None: until woken."""

    def failed(self, error: AgentError) -> None:  # noqa: B027 - optional to fill in
        """Tell the controller of expected trouble in a cycle. In the worker's thread."""

    def wait_after(self, error: AgentError, wait: float) -> float:
        """Return the seconds until the next try; ``wait``: what grows with each failure."""
        return wait

    def release(self) -> None:  # noqa: B027 - optional to fill in
        """Let go of devices and connections: after a failure, a crash and at the end.

        In the worker's thread; called more than once.
        """

    def given_up(self) -> None:  # noqa: B027 - optional to fill in
        """Say what no longer holds: the budget is spent and all is released.

        In the worker's thread, before WorkerCrashed is reported.
        """

    # -- any thread

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """End the present wait now."""
        self._wake.set()

    def restart(self) -> None:
        """Let a worker that gave up begin anew, with a fresh budget.

        Another one goes on as it is.
        """
        if self._gave_up:
            self._crashes.clear()
            self._failures = 0
            self._gave_up = False
            self.wake()

    @property
    def gave_up(self) -> bool:
        """True while it rests until :meth:`restart`."""
        return self._gave_up

    def request_stop(self) -> None:
        """Ask the thread to end; returns at once."""
        self._stopping.set()
        self._wake.set()

    def join(self, timeout: float) -> bool:
        """Wait for the end; True when the thread has ended (or was never started)."""
        if self._thread is not None:
            self._thread.join(timeout)
            return not self._thread.is_alive()
        return True

    @property
    def stopping(self) -> bool:
        """True once it was asked to end."""
        return self._stopping.is_set()

    def pause_within_cycle(self, seconds: float) -> None:
        """Sleep inside a cycle; raises Cancelled when asked to stop meanwhile."""
        if self._stopping.wait(seconds):
            raise Cancelled

    # -- the worker's thread

    def step(self) -> float | None:
        """Do one cycle and handle its outcome; returns the wait. Tests call it without a thread."""
        wait: float | None = None
        with self._outcomes() as outcome:
            wait = self.cycle()
            self._failures = 0
        return outcome[0] if outcome else wait

    @contextmanager
    def _outcomes(self) -> Iterator[list[float | None]]:
        instead: list[float | None] = []
        try:
            yield instead
        except Cancelled:
            self._stopping.set()
        except AgentError as error:
            wait = self.wait_after(error, BACKOFF[min(self._failures, len(BACKOFF) - 1)])
            self._failures += 1
            log.warning("%s: %s; next try in %.0f s", self.name, error, wait)
            self.release()
            self.failed(error)
            instead.append(wait)
        except Exception as error:
            now = self.clock.monotonic()
            self._crashes.append(now)
            while self._crashes and now - self._crashes[0] > RESTART_WINDOW:
                self._crashes.popleft()
            self._gave_up = len(self._crashes) > RESTART_BUDGET
            log.exception("%s: defect no. %d", self.name, len(self._crashes))
            self.release()
            if self._gave_up:
                self.given_up()
            self.report(WorkerCrashed(self.name, error, gave_up=self._gave_up))
            instead.append(None if self._gave_up else 1.0)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                wait = None if self._gave_up else self.step()
                if self._stopping.is_set():
                    break
                # An event set during the cycle ends the wait at once: nothing is missed.
                self._wake.wait(wait)
                self._wake.clear()
        finally:
            self.release()
