"""The player's thread: reads the player as often as needed, carries commands out, and tells the
controller what happened. All calls to a player are made here, so a slow one delays nobody else."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass

from agent.core.cadence import Watch
from agent.core.happened import (
    ECHO_WINDOW,
    Command,
    OwnCommand,
    attribute,
    visible,
    what_happened,
)
from agent.errors import (
    AgentError,
    NeedsLogin,
    NoDevice,
    Offline,
    PlayerError,
    RateLimited,
    ServiceDown,
)
from agent.events import PlaybackChanged, PlayerFailed, PlayerRecovered, PlaylistStarted
from agent.players.base import PlayerBackend, TellsChanges
from agent.players.leisure import Leisure
from agent.players.obstacles import Obstacles
from agent.ports import Clock, Report
from agent.types import Happening, Playback, Playlist, PlayState
from agent.worker import Worker

log = logging.getLogger(__name__)

REPORT_EVERY = 30.0
"""A reading in which nothing happened is reported that often."""
FRESH = 1.5
"""An unasked command needs a reading that young: the user may have paused since an older one."""
VERIFY_READS = 4
"""Readings in which a started playlist must appear."""
VERIFY_WAIT = 1.0
VERIFY_PATIENCE = 20.0
"""Seconds after which a start that did not take effect is not repeated."""

_MAYBE_DONE = (Offline, ServiceDown)
"""Failures after which the command may have taken effect all the same."""
_USERS_HAND = (Happening.PAUSED, Happening.USER_CHOSE, Happening.STARTED)
_USERS_START = (Happening.STARTED, Happening.RESUMED, Happening.USER_CHOSE)


@dataclass(frozen=True, slots=True)
class _Order:
    kind: Command
    playlist: Playlist | None = None
    asked: bool = True


@dataclass(slots=True)
class _Check:
    """A play command whose effect is not seen yet."""

    playlist: Playlist
    sent: float
    reads: int = 0
    repeated: bool = False


class PlayerWorker(Worker):
    """Owns the player in use. Its public methods may be called in any thread and return at once;
    a newer command replaces one that was not carried out yet, but what nobody asked for never
    replaces what the user did ask for."""

    def __init__(
        self, backend: PlayerBackend, report: Report, clock: Clock, *, name: str = "player"
    ) -> None:
        super().__init__(name, report, clock)
        self._orders: deque[_Order] = deque()
        self._next_backend: PlayerBackend | None = None
        self._waiting = False
        self._changed = False
        self._retry = False
        self._adopt(backend)

    # -- any thread

    def play(self, playlist: Playlist, *, asked: bool = False) -> None:
        """Start the playlist; PlaylistStarted or PlayerFailed tells the outcome.

        Unless the user ``asked`` for it, the player is read first and left alone when it turns
        out that the user has paused or chosen something meanwhile; PlaybackChanged tells so.
        """
        self._order(_Order(Command.PLAY, playlist, asked))

    def pause(self) -> None:
        """Pause at the user's wish: it counts as paused by hand."""
        self._order(_Order(Command.PAUSE))

    def resume(self) -> None:
        self._order(_Order(Command.RESUME))

    def expect(self, waiting: bool) -> None:
        """Say whether a decision waits for the track's end; it is then watched more closely."""
        self._waiting = waiting
        self.wake()

    def notify_changed(self) -> None:
        """The player itself says that something changed: read it now."""
        self._changed = True
        self.wake()

    def retry(self) -> None:
        """The user has logged in, or wants another try: stop idling."""
        self._retry = True
        self.wake()

    def replace(self, backend: PlayerBackend) -> None:
        """Close the present player and use another one."""
        self._next_backend = backend
        self.wake()

    def _order(self, order: _Order) -> None:
        self._orders.append(order)
        self.wake()

    # -- the worker's thread

    def cycle(self) -> float | None:
        if self._next_backend is not None:
            self._player.close()
            backend, self._next_backend = self._next_backend, None
            self._adopt(backend)
        if self._retry:
            self._retry = False
            self._obstacles.logged_in()
            self._due = self.clock.monotonic()
        order = self._take_order()
        # A start is not over before it was proved.
        commanding = order is not None or self._check is not None
        blocked = self._obstacles.blocked(self.clock.now(), command=commanding)
        if blocked is not None:
            self._due = self.clock.monotonic()  # read as soon as that is over
            if order is not None:
                self.report(PlayerFailed(blocked, order.playlist))
            return self._obstacles.wait(self.clock.now())
        if order is not None:
            self._obey(order)
        elif self._changed or self.clock.monotonic() >= self._due:
            self._read()
        elif self._spare_in() == 0.0:
            self._do_chore()
        commanding = self._check is not None
        if self._obstacles.blocked(self.clock.now(), command=commanding) is not None:
            return self._obstacles.wait(self.clock.now())
        self._due = min(self._due, self._next_due())
        wait, spare = max(0.0, self._due - self.clock.monotonic()), self._spare_in()
        return wait if spare is None else min(wait, spare)

    def failed(self, error: AgentError) -> None:
        if self._obstacles.met(error):
            self.report(PlayerFailed(error))

    def release(self) -> None:
        # Kept over a failure: closing would stop music that plays on without us.
        if self.stopping or self._gave_up:
            self._player.close()

    def _adopt(self, backend: PlayerBackend) -> None:
        self._backend = backend
        self._player = backend.player
        self._seen: Playback | None = None
        self._happening = Happening.NOTHING
        self._own: OwnCommand | None = None
        self._silenced = False  # by our pause, and nobody has started music since
        self._check: _Check | None = None
        self._obstacles = Obstacles()
        self._leisure = Leisure(backend.chores, self.clock)
        self._due = self._read_at = self._reported_at = float("-inf")
        self._reads = 1_000_000  # no command lately
        self._overdue = 0
        if isinstance(self._player, TellsChanges):
            self._player.on_change = self.notify_changed

    def _take_order(self) -> _Order | None:
        newest: _Order | None = None
        while self._orders:
            order = self._orders.popleft()
            if newest is None or order.asked or not newest.asked:
                newest = order
        return newest

    # -- reading

    def _read(self) -> None:
        self._changed = False
        try:
            playback = self._player.playback()
        except (NeedsLogin, RateLimited) as error:
            self.failed(error)
            return
        except NoDevice as error:
            self.failed(error)
            playback = Playback(self.clock.monotonic(), PlayState.UNAVAILABLE)
        now = self.clock.monotonic()
        self._read_at = now
        self._reads += 1
        self._observe(playback, now)
        self._verify(now)
        self._due = self._next_due()

    def _observe(self, raw: Playback, now: float) -> None:
        before = self._seen
        self._happening = what_happened(before, raw, now=now, own=self._own)
        playback = attribute(before, raw, self._happening, self._own)
        self._seen = playback
        if self._silenced:
            # Readings lag behind the pause; only what plays after its echo was started anew.
            late = self._own is not None and now - self._own.time > ECHO_WINDOW
            heard = late and playback.state is PlayState.PLAYING
            self._silenced = not heard and self._happening not in _USERS_START
        self._overdue = self._overdue + 1 if playback.time_left(now) == 0.0 else 0
        well = playback.state is not PlayState.UNAVAILABLE
        # A start may be proved while other readings still are not allowed: that is no recovery.
        if well and not self._obstacles.blocked(self.clock.now()) and self._obstacles.overcome():
            self.report(PlayerRecovered())
        if (
            before is None
            or self._happening is not Happening.NOTHING
            or visible(before) != visible(playback)
            or now - self._reported_at >= REPORT_EVERY
        ):
            self._reported_at = now
            self.report(PlaybackChanged(playback, self._happening))

    def _next_due(self) -> float:
        """When to read next, seen from now."""
        now = self.clock.monotonic()
        wait = self._backend.cadence(
            Watch(
                now,
                self._seen,
                reads_since_command=self._reads,
                overdue_reads=self._overdue,
                waiting=self._waiting,
                budget=self._backend.budget(),
            )
        )
        if self._check is not None:
            wait = min(wait, VERIFY_WAIT)
        return now + wait

    # -- what can wait

    def _spare_in(self) -> float | None:
        """Seconds until there is time for a chore; None: not before the next reading."""
        if self._seen is None:  # nobody knows yet whether the service answers
            return None
        spare = self._leisure.wait(self._due)
        budget = self._backend.budget() if spare is not None else None
        return None if budget is not None and budget.is_low else spare

    def _do_chore(self) -> None:
        try:
            self._leisure.work()
        except (NeedsLogin, RateLimited) as error:
            self.failed(error)
        except PlayerError as error:  # the next reading tells whether that lasts
            log.info("%s: put off: %s", self.name, error)

    # -- commands

    def _obey(self, order: _Order) -> None:
        try:
            if not order.asked and not self._look_first(order):
                return
            self._send(order)
        except PlayerError as error:
            self._refused(error, order.playlist)
            return
        self._check = None
        if order.playlist is not None:
            self._check = _Check(order.playlist, self.clock.monotonic())
        self._due = self._next_due()

    def _look_first(self, order: _Order) -> bool:
        """Read, unless that was just done; False when the command must not go out."""
        if self.clock.monotonic() - self._read_at > FRESH:
            if self._obstacles.blocked(self.clock.now()) is None:
                self._read()
            blocked = self._obstacles.blocked(self.clock.now())
            if blocked is not None:
                self.report(PlayerFailed(blocked, order.playlist))
                return False
        by_hand = self._seen is not None and self._seen.paused_by_hand
        if by_hand or self._silenced or self._happening in _USERS_HAND:
            log.info("the music is left alone, the user has just changed it")
            return False
        return True

    def _send(self, order: _Order) -> None:
        uri = order.playlist.uri if order.playlist is not None else None
        done = True
        try:
            if order.kind is Command.PLAY and order.playlist is not None:
                self._player.play(order.playlist)
            elif order.kind is Command.PAUSE:
                self._player.pause()
            else:
                self._player.resume()
        except PlayerError as error:
            done = isinstance(error, _MAYBE_DONE)
            raise
        finally:
            if done:  # timed from its end: a player may take seconds to accept a command
                self._own = OwnCommand(self.clock.monotonic(), order.kind, uri)
                self._silenced = order.kind is Command.PAUSE
                self._reads = 0

    def _refused(self, error: PlayerError, playlist: Playlist | None) -> None:
        log.warning("%s: %s", self.name, error)
        self._check = None
        self._obstacles.met(error, in_command=True)
        self.report(PlayerFailed(error, playlist))

    def _verify(self, now: float) -> None:
        """Did the playlist start? Once more if not, then say so."""
        check, seen = self._check, self._seen
        if check is None or seen is None:
            return
        there = seen.context == check.playlist.uri and seen.state is not PlayState.UNAVAILABLE
        if there and seen.state is PlayState.PLAYING:
            self._check = None
            self.report(PlaylistStarted(check.playlist, seen))
            return
        if self._happening is Happening.USER_CHOSE:  # the user's hand is newer than our command
            self._check = None
            return
        check.reads += 1
        if check.reads < VERIFY_READS:
            return
        if there:  # it was started, and paused at once: by the user
            self._check = None
        elif check.repeated or now - check.sent > VERIFY_PATIENCE:
            self._check = None
            self.report(
                PlayerFailed(
                    PlayerError(
                        f"{self._player.name} accepted “{check.playlist.name}” twice but did not "
                        "play it. Start any music there by hand once, then try again."
                    ),
                    check.playlist,
                )
            )
        else:
            check.repeated, check.reads = True, 0
            try:
                self._send(_Order(Command.PLAY, check.playlist))
            except PlayerError as error:
                self._refused(error, check.playlist)
