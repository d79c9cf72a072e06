"""How many requests went out today, and until when none may: kept across restarts.

Spotify bans for the length of Retry-After (seconds for the rate, hours for the developer quota);
asking meanwhile makes it longer. Our own daily budget keeps us below the quota.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, time, timedelta
from typing import Annotated

from pydantic import Field

from agent.errors import QuotaExceeded, RateLimited, StoreError
from agent.players.backend import ReadingsSpent
from agent.players.spotify.json_models import AnyMoment, Flag, JsonModel, or_else, read
from agent.ports import Clock
from agent.store.jsonfile import JsonFile
from agent.translation import _

log = logging.getLogger(__name__)

LONGEST_WAIT = timedelta(days=7)
"""A longer Retry-After is a mistake of the server or of this computer's clock."""
RESERVED_SHARE = 20
"""One part in so many of the daily budget is kept for commands: polling stops earlier."""
SAVE_EVERY = 10
"""Requests between two writes of the count; a crash loses fewer than that."""


class _State(JsonModel):
    day: Annotated[str, or_else(str)] = ""  # ISO date, local
    requests: Annotated[int, Field(ge=0), or_else(int)] = 0
    wait_until: AnyMoment = None
    quota: Flag = False

    @property
    def until(self) -> datetime | None:
        """When requests may go out again; a time without a zone is local."""
        moment = self.wait_until
        return moment.astimezone() if moment is not None and moment.tzinfo is None else moment


class Ledger:
    """Counts requests and says no. Any thread; other processes' counts are taken in."""

    def __init__(self, document: JsonFile, clock: Clock, daily_budget: int) -> None:
        self._document = document
        self._clock = clock
        self.daily_budget = daily_budget
        self._memory = _State()
        self._lock = threading.Lock()

    def check(self, *, command: bool = False) -> None:
        """Raise RateLimited or QuotaExceeded when no request may go out now.

        ReadingsSpent when only those for a ``command`` may.
        """
        with self._lock:
            state = self._read()
            now = self._clock.now()
            if state.until is not None and now < state.until:
                raise _refusal(state.until, state.quota, now)
            budget = self.daily_budget
            allowed = budget if command else budget - budget // RESERVED_SHARE
            if state.requests < allowed:
                return
            midnight = _next_midnight(now)
            if state.requests < budget:
                raise ReadingsSpent(
                    _(
                        "Moodtray has used its {budget} requests to Spotify for today, "
                        "but for a few that are kept for your own commands, and goes "
                        "on at midnight. The number is the setting "
                        "spotify.daily_requests."
                    ).format(budget=budget),
                    until=midnight,
                )
            raise QuotaExceeded(
                _(
                    "Moodtray has used its {budget} requests to Spotify for today "
                    "and goes on at midnight. The number is the setting "
                    "spotify.daily_requests."
                ).format(budget=budget),
                until=midnight,
            )

    def count(self) -> None:
        """Count one request that goes out."""
        with self._lock:
            state = self._read()
            self._memory = state.model_copy(update={"requests": state.requests + 1})
            # Not every request is worth a write to the disk.
            if self._memory.requests % SAVE_EVERY == 1:
                self._write(self._memory)

    def flush(self) -> None:
        """Write down what was counted; before the program ends."""
        with self._lock:
            if self._memory.day:
                self._write(self._read())

    def block(self, seconds: float, *, quota: bool) -> RateLimited:
        """Note that Spotify wants no request for so many seconds; returns the error to raise."""
        with self._lock:
            now = self._clock.now()
            wait = min(timedelta(seconds=max(1.0, min(seconds, 1e6))), LONGEST_WAIT)
            state = self._read()
            until = _whole_second(now + wait)
            if state.until is not None and state.until > until:
                until, quota = state.until, state.quota
            self._write(state.model_copy(update={"wait_until": until, "quota": quota}))
            log.warning("Spotify asks to wait until %s", until.isoformat(timespec="seconds"))
            return _refusal(until, quota, now)

    @property
    def today(self) -> int:
        """Requests of today."""
        with self._lock:
            return self._read().requests

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
        stored = read(_State, self._document.load()) or _State()
        mine = self._memory
        count = max((s.requests for s in (stored, mine) if s.day == today), default=0)
        latest = max(
            (s for s in (stored, mine) if s.until is not None and s.until - now <= LONGEST_WAIT),
            key=lambda s: s.until or now,
            default=_State(),
        )
        return _State(day=today, requests=count, wait_until=latest.until, quota=latest.quota)

    def _write(self, state: _State) -> None:
        self._memory = state
        try:
            self._document.save(state.model_dump(mode="json"))
        except StoreError as error:
            log.warning("the count of requests is kept in memory only: %s", error)


def _whole_second(moment: datetime) -> datetime:
    """Round up: a date is coarser than a clock, and a hair too early makes the ban longer."""
    rest = moment.microsecond
    return moment + timedelta(microseconds=1_000_000 - rest) if rest else moment


def _next_midnight(now: datetime) -> datetime:
    return datetime.combine(now.date() + timedelta(days=1), time(), tzinfo=now.tzinfo)


def _refusal(until: datetime, quota: bool, now: datetime) -> RateLimited:
    local = until.astimezone(now.tzinfo)
    when = f"{local:%H:%M}" if local.date() == now.date() else f"{local:%a %d %b, %H:%M}"
    if quota:
        return QuotaExceeded(
            _(
                "Spotify's quota for your developer account is used up. "
                "Moodtray goes on at {when}; your music is not touched until "
                "then."
            ).format(when=when),
            until=until,
        )
    return RateLimited(
        _("Spotify asks us to wait. Moodtray goes on at {when}.").format(when=when), until=until
    )
