"""When to read the player again. Pure.

A remote player's requests are counted by its service, so they are spent where something is
expected: right after a command, and at a track's end, which the last reading predicts. Between
them the position is interpolated, not asked for. A player in our own process costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import TypeAlias

from agent.types import Playback, PlayState

AFTER_COMMAND = 1.0
"""Seconds between the readings that follow a command; there are AFTER_COMMAND_READS of them."""
AFTER_COMMAND_READS = 3
NEAR_END = 2.0
"""Seconds between readings while a track's end is due."""
NEAR_WINDOW = 4.0
"""A waiting decision checks the prediction that many seconds before the end."""
PAST_END = 0.5
"""A reading aims that far behind the predicted end, so that it sees the next track."""
OVERDUE_READS = 5
"""Readings that may find the end overdue before it is no longer believed in."""
STEADY = 30.0
"""At most that many seconds between two readings in steady play."""
STEADY_UNKNOWN = 15.0
"""The same while a decision waits for an end that nobody can predict."""
IDLE = 60.0
"""Nothing plays."""
LOOK_OUT = 10.0
"""Seconds between two looks for a device while music waits for one: it then begins within 15 s of
the device's appearance. A look is one request, and WISH_LIFE bounds their number to 60."""

LOW_BUDGET = 0.25
"""Below that share of the day's requests readings are spread evenly over the rest of the day."""
RESERVE = 0.05
"""Share of the day's requests that is kept for commands."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Requests a day: the limit, those used today, and the seconds until the count begins anew."""

    limit: int
    used: int
    resets_in: float

    @property
    def for_reading(self) -> int:
        """Requests that readings may still use today."""
        return max(0, self.limit - self.used - int(self.limit * RESERVE))

    @property
    def is_low(self) -> bool:
        """True when readings are spread over the rest of the day, and what can wait should."""
        return self.for_reading < self.limit * LOW_BUDGET


@dataclass(frozen=True, slots=True)
class Watch:
    """All that the time of the next reading depends on.

    ``reads_since_command`` counts readings after our latest command (a large number: none lately),
    ``overdue_reads`` those in a row that found the track at or behind its end, ``waiting`` says
    that a decision waits for the track's end, ``limited_for`` for how many seconds no request may
    go out.
    """

    now: float
    playback: Playback | None
    reads_since_command: int = AFTER_COMMAND_READS
    overdue_reads: int = 0
    waiting: bool = False
    limited_for: float = 0.0
    budget: Budget | None = None


Cadence: TypeAlias = Callable[[Watch], float]
"""Seconds until the next reading."""


def next_poll(watch: Watch) -> float:
    """Compute the seconds until the next reading of a remote player: each one is a request."""
    if watch.limited_for > 0.0:
        return watch.limited_for
    if watch.reads_since_command < AFTER_COMMAND_READS:
        return AFTER_COMMAND
    wanted = _wanted(watch)
    return wanted if watch.budget is None else _affordable(wanted, watch.budget)


def next_look(budget: Budget | None) -> float:
    """Return the seconds until the next look for a device that music waits for."""
    return LOOK_OUT if budget is None else _affordable(LOOK_OUT, budget)


def next_poll_local(watch: Watch) -> float:
    """Compute the seconds until the next reading of a player of this machine: they are free."""
    if watch.reads_since_command == 0:
        return 0.0
    left = watch.playback.time_left(watch.now) if watch.playback is not None else None
    return 0.5 if watch.waiting or (left is not None and left < NEAR_END) else 1.0


def _wanted(watch: Watch) -> float:
    playback = watch.playback
    if playback is None or playback.state is not PlayState.PLAYING:
        return IDLE
    left = playback.time_left(watch.now)
    if left is None:
        return STEADY_UNKNOWN if watch.waiting else STEADY
    if left <= 0.0:
        return NEAR_END if watch.overdue_reads < OVERDUE_READS else STEADY
    target = left + PAST_END
    if watch.waiting:
        if left <= NEAR_WINDOW:
            return target if target <= NEAR_END + PAST_END else NEAR_END
        target = max(left - NEAR_WINDOW, AFTER_COMMAND)
    # Evenly spaced, so that the last reading does not follow the one before at once.
    return max(AFTER_COMMAND, target / ceil(target / STEADY))


def _affordable(wanted: float, budget: Budget) -> float:
    if not budget.is_low:
        return wanted
    return max(wanted, budget.resets_in / max(1, budget.for_reading))


def requests_per_hour(
    cadence: Cadence = next_poll,
    track_seconds: float = 210.0,
    hours: float = 24.0,
    *,
    switch_every: int = 4,
    command_requests: int = 3,
) -> float:
    """Count the requests per hour of listening, on a simulated clock.

    Tracks of ``track_seconds`` play without a break; during every ``switch_every``-th a decision
    waits for its end and is then carried out (``command_requests``: devices, shuffle, play).
    """
    now = began = 0.0
    track = requests = 0
    reads_since_command = AFTER_COMMAND_READS
    while now < hours * 3600.0:
        requests += 1
        reads_since_command += 1
        waited = track % switch_every == switch_every - 1
        if now - began >= track_seconds:
            track += 1
            began += track_seconds
            if waited:
                requests += command_requests
                reads_since_command = 0
                began = now
        reading = Playback(
            now,
            PlayState.PLAYING,
            track=str(track),
            position=now - began,
            duration=track_seconds,
        )
        waiting = track % switch_every == switch_every - 1
        now += cadence(
            Watch(now, reading, reads_since_command=reads_since_command, waiting=waiting)
        )
    return requests / hours
