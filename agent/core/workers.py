"""The workers that gave up, as the controller knows them. Pure state.

A part that the user cannot do without makes the whole an error; another one's end is a problem to
be told, and the rest goes on. All of them may try again.
"""

from __future__ import annotations

from agent import effects
from agent.core import messages
from agent.wording import part_stopped

NEEDED = ("watcher", "player")
"""Without one of these Moodtray does not do what it is for."""


class WorkerStates:
    """Who gave up, the first one first."""

    def __init__(self) -> None:
        self.stopped: tuple[str, ...] = ()
        self._told: set[str] = set()  # whose defects the user knows of

    def crashed(self, worker: str) -> list[effects.Effect]:
        """Tell once of a defect after which it goes on: that may cost something all the same."""
        if worker in self._told:
            return []
        self._told.add(worker)
        return [effects.Notify(messages.worker_crashed(worker))]

    def gave_up(self, worker: str) -> list[effects.Effect]:
        """Note that a worker failed too often and rests now."""
        self._told.add(worker)
        if worker not in self.stopped:
            self.stopped = (*self.stopped, worker)
        return [effects.Notify(messages.worker_gave_up(worker))]

    def restart(self) -> list[effects.Effect]:
        """Let all try again; empty: nobody gave up."""
        if not self.stopped:
            return []
        self.stopped = ()
        return [effects.RestartWorkers()]

    def lacks(self, worker: str) -> bool:
        """Tell whether this worker gave up."""
        return worker in self.stopped

    @property
    def in_need(self) -> bool:
        """True when one gave up that is needed."""
        return any(worker in NEEDED for worker in self.stopped)

    @property
    def problem(self) -> str | None:
        """What stopped and what to do about it; the needed ones first."""
        ordered = sorted(self.stopped, key=lambda worker: worker not in NEEDED)
        return part_stopped(ordered[0]) if ordered else None
