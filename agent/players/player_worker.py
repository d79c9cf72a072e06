"""The player's thread: takes commands in, and lets the driver make all calls to the player.

A slow player delays nobody else. Read on in ``driver``, ``observer``, ``start_check``, ``timers``.
"""

from __future__ import annotations

from collections import deque

from agent.errors import AgentError
from agent.events import Event, PlayDropped
from agent.players.backend import PlayerBackend, TellsChanges
from agent.players.driver import Driver, PlayerCommand
from agent.ports import Clock, Report
from agent.types import Command, Playlist
from agent.worker import Worker


class CommandQueue:
    """Commands on their way to the player's thread: given in any thread, taken by one.

    A newer command replaces one that was not taken yet, but what nobody asked for never replaces
    what the user did ask for.
    """

    def __init__(self) -> None:
        self._given: deque[PlayerCommand] = deque()

    def give(self, command: PlayerCommand) -> None:
        """Add a command."""
        self._given.append(command)

    def take(self) -> tuple[PlayerCommand | None, list[Playlist]]:
        """Take the command that counts, and the playlists of those that it replaces."""
        newest: PlayerCommand | None = None
        replaced: list[PlayerCommand] = []
        while self._given:
            command = self._given.popleft()
            if newest is None:
                newest = command
            elif command.asked or not newest.asked:
                replaced.append(newest)
                newest = command
            else:
                replaced.append(command)
        kept = None if newest is None else newest.playlist
        return newest, [
            command.playlist
            for command in replaced
            if command.playlist is not None and command.playlist != kept
        ]


class PlayerWorker(Worker):
    """Owns the player in use.

    Its public methods may be called in any thread and return at once; see :class:`CommandQueue` for
    which command counts.
    """

    def __init__(
        self, backend: PlayerBackend | None, report: Report, clock: Clock, *, name: str = "player"
    ) -> None:
        """Use this player; None: commands come to nothing until :meth:`replace`."""
        super().__init__(name, report, clock)
        self._commands = CommandQueue()
        self._next_backend = backend
        self._driver: Driver | None = None
        self._spent = False  # the player in use was let go of when the worker gave up
        self._waiting = False
        self._changed = False
        self._asked = False
        self._retry = False

    # -- any thread

    def play(self, playlist: Playlist, *, asked: bool = False, over_pause: bool = True) -> None:
        """Start the playlist; PlaylistStarted, PlayDropped or PlayerFailed tells the outcome.

        Unless the user ``asked`` for it, the player is read first and left alone when it turns
        out that the user has paused or chosen something meanwhile; PlaybackChanged tells so. Where
        they did but ``over_pause`` is False, only a pause counts.
        """
        self._send(PlayerCommand(Command.PLAY, playlist, asked, over_pause))

    def pause(self) -> None:
        """Pause, as the user asks: it counts as paused by hand."""
        self._send(PlayerCommand(Command.PAUSE))

    def resume(self) -> None:
        """Let the music play on, as the user asks."""
        self._send(PlayerCommand(Command.RESUME))

    def next_track(self) -> None:
        """Go on with the next track of what plays."""
        self._send(PlayerCommand(Command.NEXT))

    def expect(self, waiting: bool) -> None:
        """Say whether a decision waits for the track's end; it is then watched more closely."""
        self._waiting = waiting
        self.wake()

    def read(self) -> None:
        """Read the player now; PlaybackChanged tells what it shows, whatever that is."""
        self._asked = True
        self.wake()

    def notify_changed(self) -> None:
        """Read the player now: it says itself that something changed."""
        self._changed = True
        self.wake()

    def retry(self) -> None:
        """Stop idling: the user has logged in, or wants another try."""
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

    def _send(self, command: PlayerCommand) -> None:
        self._commands.give(command)
        self.wake()

    # -- the worker's thread

    def cycle(self) -> float | None:
        """Take over a new player or command, and let the driver do one thing."""
        if self._next_backend is not None:
            backend, self._next_backend = self._next_backend, None
            self._driver = self._hand_over(backend)
        command, replaced = self._commands.take()
        for playlist in replaced:
            self.report(PlayDropped(playlist))
        driver = self._driver
        if driver is None or self._spent:
            if command is not None and command.playlist is not None:
                self.report(PlayDropped(command.playlist))
            return None
        if self._retry:
            self._retry = False
            driver.logged_in()
        if self._changed or self._asked:
            driver.read_soon(tell=self._asked)
            self._changed = self._asked = False
        driver.waiting = self._waiting
        return driver.turn(command)

    def failed(self, error: AgentError) -> None:
        """Report trouble of the player."""
        if self._driver is not None:
            self._driver.failed(error)

    def release(self) -> None:
        # Kept over a failure: closing would stop music that plays on without us.
        """Let go of the player, at the end or when the worker gave up."""
        if self._driver is not None and (self.stopping or self._gave_up):
            self._driver.player.close()

    def given_up(self) -> None:
        """Note that the player was let go of: another one is needed."""
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
