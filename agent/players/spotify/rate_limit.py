"""How many requests went out today, and until when none may: kept across restarts.

Spotify bans for the length of Retry-After (seconds for the rate, hours for the developer quota);
asking meanwhile makes it longer. Our own daily budget keeps us below the quota.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from agent.errors import QuotaExceeded, RateLimited, StoreError
from agent.players.backend import ReadingsSpent
from agent.players.spotify.documents import Document
from agent.ports import Clock

log = logging.getLogger(__name__)

LONGEST_WAIT = timedelta(days=7)
"""A longer Retry-After is a mistake of the server or of this computer's clock."""
RESERVED_SHARE = 20
"""One part in so many of the daily budget is kept for commands: polling stops earlier."""
SAVE_EVERY = 10
"""Requests between two writes of the count; a crash loses fewer than that."""


@dataclass(frozen=True, slots=True)
class _State:
    day: str = ""  # ISO date, local
    count: int = 0
    until: datetime | None = None
    quota: bool = False


class Ledger:
    """Counts requests and says no. Any thread; other processes' counts are taken in."""

    def __init__(self, document: Document, clock: Clock, daily_budget: int) -> None:
        self._document = document
        self._clock = clock
        self.daily_budget = daily_budget
        self._memory = _State()
        self._lock = threading.Lock()

    def check(self, *, command: bool = False) -> None:
        """Raises RateLimited or QuotaExceeded when no request may go out now; ReadingsSpent when
        only those for a ``command`` may."""
        with self._lock:
            state = self._read()
            now = self._clock.now()
            if state.until is not None and now < state.until:
                raise _refusal(state.until, state.quota, now)
            budget = self.daily_budget
            allowed = budget if command else budget - budget // RESERVED_SHARE
            if state.count < allowed:
                return
            midnight = _next_midnight(now)
            if state.count < budget:
                raise ReadingsSpent(
                    f"Moodtray has used its {budget} requests to Spotify for today, but for a few "
                    "that are kept for your own commands, and goes on at midnight. The number is "
                    "the setting spotify.daily_requests.",
                    until=midnight,
                )
            raise QuotaExceeded(
                f"Moodtray has used its {budget} requests to Spotify for today and goes on at "
                "midnight. The number is the setting spotify.daily_requests.",
                until=midnight,
            )

    def count(self) -> None:
        """One request goes out."""
        with self._lock:
            state = self._read()
            self._memory = replace(state, count=state.count + 1)
            # Not every request is worth a write to the disk.
            if self._memory.count % SAVE_EVERY == 1:
                self._write(self._memory)

    def flush(self) -> None:
        """Write down what was counted; before the program ends."""
        with self._lock:
            if self._memory.day:
                self._write(self._read())

    def block(self, seconds: float, *, quota: bool) -> RateLimited:
        """Spotify said: nothing for so many seconds. Returns the error to raise."""
        with self._lock:
            now = self._clock.now()
            wait = min(timedelta(seconds=max(1.0, min(seconds, 1e6))), LONGEST_WAIT)
            state = self._read()
            until = _whole_second(now + wait)
            if state.until is not None and state.until > until:
                until, quota = state.until, state.quota
            self._write(replace(state, until=until, quota=quota))
            log.warning("Spotify asks to wait until %s", until.isoformat(timespec="seconds"))
            return _refusal(until, quota, now)

    @property
    def today(self) -> int:
        """Requests of today."""
        with self._lock:
            return self._read().count

    @property
    def resets_in(self) -> float:
        """Seconds until the count begins anew, at local midnight."""
        now = self._clock.now()
        return (_next_midnight(now) - now).total_seconds()

    @property
    def blocked_until(self) -> datetime | None:
        """None when requests may go out."""
        with self._lock:
            until = self._read().until
            return until if until is not None and self._clock.now() < until else None

    # -- under the lock

    def _read(self) -> _State:
        now = self._clock.now()
        today = now.date().isoformat()
        stored = _parse(self._document.load())
        mine = self._memory
        count = max((s.count for s in (stored, mine) if s.day == today), default=0)
        latest = max(
            (s for s in (stored, mine) if s.until is not None and s.until - now <= LONGEST_WAIT),
            key=lambda s: s.until or now,
            default=_State(),
        )
        return _State(today, count, latest.until, latest.quota)

    def _write(self, state: _State) -> None:
        self._memory = state
        try:
            self._document.save(
                {
                    "day": state.day,
                    "requests": state.count,
                    "wait_until": state.until.isoformat() if state.until else None,
                    "quota": state.quota,
                }
            )
        except StoreError as error:
            log.warning("the count of requests is kept in memory only: %s", error)


def _whole_second(moment: datetime) -> datetime:
    """Rounded up: a date is coarser than a clock, and a hair too early makes the ban longer."""
    rest = moment.microsecond
    return moment + timedelta(microseconds=1_000_000 - rest) if rest else moment


def _next_midnight(now: datetime) -> datetime:
    return datetime.combine(now.date() + timedelta(days=1), time(), tzinfo=now.tzinfo)


def _parse(value: dict[str, object] | None) -> _State:
    if value is None:
        return _State()
    day, count, until = value.get("day"), value.get("requests"), value.get("wait_until")
    moment: datetime | None = None
    if isinstance(until, str):
        try:
            moment = datetime.fromisoformat(until)
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo is None:
            moment = moment.astimezone()
    return _State(
        day if isinstance(day, str) else "",
        count if isinstance(count, int) and count >= 0 else 0,
        moment,
        value.get("quota") is True,
    )


def _refusal(until: datetime, quota: bool, now: datetime) -> RateLimited:
    local = until.astimezone(now.tzinfo)
    when = f"{local:%H:%M}" if local.date() == now.date() else f"{local:%a %d %b, %H:%M}"
    if quota:
        return QuotaExceeded(
            f"Spotify's quota for your developer account is used up. Moodtray goes on at {when}; "
            "your music is not touched until then.",
            until=until,
        )
    return RateLimited(f"Spotify asks us to wait. Moodtray goes on at {when}.", until=until)
