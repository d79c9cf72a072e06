"""The player's thread. All calls to a player are made here, so a slow one delays nobody else; who
makes them is the player's attendant."""

from __future__ import annotations

from collections import deque

from agent.errors import AgentError
from agent.events import Event, PlayDropped
from agent.players.backend import PlayerBackend, TellsChanges
from agent.players.changes import Command
from agent.players.driver import Driver, PlayerCommand
from agent.ports import Clock, Report
from agent.types import Playlist
from agent.worker import Worker


class CommandQueue:
    """Given in any thread, taken by one. A newer order replaces one that was not taken yet, but
    what nobody asked for never replaces what the user did ask for."""

    def __init__(self) -> None:
        self._given: deque[PlayerCommand] = deque()

    def give(self, order: PlayerCommand) -> None:
        self._given.append(order)

    def take(self) -> tuple[PlayerCommand | None, list[Playlist]]:
        """The one that counts, and the playlists of those that it replaces."""
        newest: PlayerCommand | None = None
        replaced: list[PlayerCommand] = []
        while self._given:
            order = self._given.popleft()
            if newest is None:
                newest = order
            elif order.asked or not newest.asked:
                replaced.append(newest)
                newest = order
            else:
                replaced.append(order)
        kept = None if newest is None else newest.playlist
        return newest, [
            order.playlist
            for order in replaced
            if order.playlist is not None and order.playlist != kept
        ]


class PlayerWorker(Worker):
    """Owns the player in use. Its public methods may be called in any thread and return at once;
    see :class:`CommandQueue` for which command counts."""

    def __init__(
        self, backend: PlayerBackend | None, report: Report, clock: Clock, *, name: str = "player"
    ) -> None:
        """``backend`` None: commands come to nothing until :meth:`replace`."""
        super().__init__(name, report, clock)
        self._commands = CommandQueue()
        self._next_backend = backend
        self._driver: Driver | None = None
        self._spent = False  # the player in use was let go of when the worker gave up
        self._waiting = False
        self._changed = False
        self._retry = False

    # -- any thread

    def play(self, playlist: Playlist, *, asked: bool = False) -> None:
        """Start the playlist; PlaylistStarted, PlayDropped or PlayerFailed tells the outcome.

        Unless the user ``asked`` for it, the player is read first and left alone when it turns
        out that the user has paused or chosen something meanwhile; PlaybackChanged tells so.
        """
        self._order(PlayerCommand(Command.PLAY, playlist, asked))

    def pause(self) -> None:
        """Pause at the user's wish: it counts as paused by hand."""
        self._order(PlayerCommand(Command.PAUSE))

    def resume(self) -> None:
        self._order(PlayerCommand(Command.RESUME))

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

    @property
    def needs_backend(self) -> bool:
        """True when there is no player to use: none was given yet, or its worker gave up."""
        return self._next_backend is None and (self._driver is None or self._spent)

    def _order(self, order: PlayerCommand) -> None:
        self._commands.give(order)
        self.wake()

    # -- the worker's thread

    def cycle(self) -> float | None:
        if self._next_backend is not None:
            backend, self._next_backend = self._next_backend, None
            self._driver = self._hand_over(backend)
        order, replaced = self._commands.take()
        for playlist in replaced:
            self.report(PlayDropped(playlist))
        driver = self._driver
        if driver is None or self._spent:
            if order is not None and order.playlist is not None:
                self.report(PlayDropped(order.playlist))
            return None
        if self._retry:
            self._retry = False
            driver.logged_in()
        if self._changed:
            self._changed = False
            driver.read_soon()
        driver.waiting = self._waiting
        return driver.turn(order)

    def failed(self, error: AgentError) -> None:
        if self._driver is not None:
            self._driver.failed(error)

    def release(self) -> None:
        # Kept over a failure: closing would stop music that plays on without us.
        if self._driver is not None and (self.stopping or self._gave_up):
            self._driver.player.close()

    def given_up(self) -> None:
        self._spent = True

    def _hand_over(self, backend: PlayerBackend) -> Driver:
        before, known = self._driver, None
        if before is not None:
            left = before.leave()
            known = left if before.player.name == backend.player.name else None
        self._spent = False
        if isinstance(backend.player, TellsChanges):
            backend.player.on_change = self.notify_changed
        return Driver(backend, self._tell, self.clock, known)

    def _tell(self, event: Event) -> None:
        self.report(event)  # looked up each time: who listens may change
