"""Drives one player: reads it, carries commands out, checks that they took effect.

Its parts: the observer of all readings, the check of a start, the errors that forbid calls, and the
timers of what is not urgent.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import assert_never

from agent.errors import (
    AgentError,
    NeedsLogin,
    NoDevice,
    Offline,
    PlayerError,
    RateLimited,
    ServiceDown,
)
from agent.events import (
    PlaybackChanged,
    PlayDropped,
    PlayerFailed,
    PlayerRecovered,
    PlaylistStarted,
)
from agent.players.backend import KnowsDevices, LosesMusic, PlayerBackend
from agent.players.error_state import ErrorState
from agent.players.observer import Observer
from agent.players.start_check import StartCheck, Verdict
from agent.players.timers import ChoreTimer, DeviceWatch
from agent.ports import Clock, Report
from agent.timing import VERIFY_WAIT
from agent.translation import _
from agent.types import Command, Playback, Playlist, PlayState

log = logging.getLogger(__name__)

_MAYBE_DONE = (Offline, ServiceDown)
"""Failures after which the command may have taken effect all the same."""


@dataclass(frozen=True, slots=True)
class PlayerCommand:
    """``playlist`` is what to play, None for pause and resume. ``asked``: the user wished it.

    ``over_pause`` False: a pause by their hand stands against it all the same.
    """

    kind: Command
    playlist: Playlist | None = None
    asked: bool = True
    over_pause: bool = True


class Driver:
    """Makes all calls to one player. The player's thread only.

    Expected trouble that passes by itself is raised; what keeps every call from getting through is
    reported, and :meth:`turn` then waits for its end.
    """

    def __init__(
        self, backend: PlayerBackend, report: Report, clock: Clock, known: Playback | None = None
    ) -> None:
        self.player = backend.player
        self.waiting = False
        """Does a decision wait for the track's end?"""
        self._backend = backend
        self._report = report
        self._clock = clock
        self._observer = Observer(known)
        self._start_check: StartCheck | None = None
        self._error_state = ErrorState()
        self._device_watch = DeviceWatch(clock, backend.budget)
        self._chore_timer = ChoreTimer(backend.chores, clock)
        self._due = float("-inf")

    def turn(self, command: PlayerCommand | None) -> float | None:
        """Carry ``command`` out, or else do the most urgent thing.

        Returns the seconds until the next turn; None: not before somebody logs in.
        """
        now = self._clock.monotonic()
        if self._start_check is not None and self._start_check.is_stale(now):
            self._drop_check()
        # A start is not over before it was proved.
        commanding = command is not None or self._start_check is not None
        blocked = self._error_state.blocked(self._clock.now(), command=commanding)
        if blocked is not None:
            self._due = now  # read as soon as that is over
            if command is not None:
                self._report(PlayerFailed(blocked, command.playlist, command.kind))
            return self._error_state.wait(self._clock.now())
        if command is not None:
            self._carry_out(command)
        elif now >= self._due:
            self._read()
        elif self._device_watch.wait() == 0.0:
            self._look_for_device()
        elif self._spare_in() == 0.0:
            self._do_chore()
        commanding = self._start_check is not None
        if self._error_state.blocked(self._clock.now(), command=commanding) is not None:
            return self._error_state.wait(self._clock.now())
        self._due = min(self._due, self._next_due())
        waits = (self._due - self._clock.monotonic(), self._device_watch.wait(), self._spare_in())
        return max(0.0, min(wait for wait in waits if wait is not None))

    def read_soon(self, *, tell: bool = False) -> None:
        """Read the player in the next turn: something may have changed.

        ``tell``: what it shows is reported in any case.
        """
        self._due = self._clock.monotonic()
        if tell:
            self._observer.report_next()

    def logged_in(self) -> None:
        """Try again what needs a login: somebody has logged in, or wants another try."""
        self._error_state.logged_in()
        self.read_soon()

    def failed(self, error: AgentError) -> None:
        """Report trouble with something else than a command, each time; the core tells it once."""
        self._error_state.met(error)
        self._report(PlayerFailed(error))

    def leave(self) -> Playback | None:
        """Let go of the player.

        Returns what holds on for the same player with other settings: a pause by hand.
        """
        self._drop_check()
        self.player.close()
        seen = self._observer.seen
        return seen if seen is not None and seen.paused_by_hand else None

    # -- reading

    def _read(self) -> None:
        try:
            playback = self.player.playback()
        except (NeedsLogin, RateLimited) as error:
            self.failed(error)
            return
        except NoDevice as error:
            self.failed(error)
            playback = Playback(self._clock.monotonic(), PlayState.UNAVAILABLE)
        lost = self.player.take_lost() if isinstance(self.player, LosesMusic) else None
        if lost is not None:  # before the silence is told that comes of it
            self._report(PlayerFailed(lost[1], lost[0]))
        now = self._clock.monotonic()
        if self._observer.read(playback, now):
            assert self._observer.seen is not None
            self._report(PlaybackChanged(self._observer.seen, self._observer.happening))
        if playback.state is not PlayState.UNAVAILABLE:
            self._recovered()
        self._verify(now)
        self._due = self._next_due()

    def _recovered(self) -> None:
        """Report a recovery, after the reading that shows it: what waits has to know it first."""
        # A start may be proved while other readings still are not allowed: that is no recovery.
        if not self._error_state.blocked(self._clock.now()) and self._error_state.overcome():
            self._device_watch.end()
            self._report(PlayerRecovered())

    def _look_for_device(self) -> None:
        """Look for a device for the music that waits for one."""
        self._device_watch.looked()
        player = self.player
        knows = isinstance(player, KnowsDevices)
        try:
            if isinstance(player, KnowsDevices) and not player.ready():
                return
        except (NeedsLogin, RateLimited) as error:
            self.failed(error)
            return
        self._read()
        if knows:  # it may sleep yet, and no reading shows it
            self._recovered()

    def _next_due(self) -> float:
        """Compute when to read next, seen from now."""
        now = self._clock.monotonic()
        budget = self._backend.budget()
        watch = self._observer.watch(now, waiting=self.waiting, budget=budget)
        wait = self._backend.cadence(watch)
        return now + (wait if self._start_check is None else min(wait, VERIFY_WAIT))

    # -- what can wait

    def _spare_in(self) -> float | None:
        """Return the seconds until there is time for a chore; None: not before the next reading."""
        if self._observer.seen is None:  # nobody knows yet whether the service answers
            return None
        spare = self._chore_timer.wait(self._due)
        budget = self._backend.budget() if spare is not None else None
        return None if budget is not None and budget.is_low else spare

    def _do_chore(self) -> None:
        try:
            self._chore_timer.work()
        except (NeedsLogin, RateLimited) as error:
            self.failed(error)
        except PlayerError as error:  # the next reading tells whether that lasts
            log.info("put off: %s", error)

    # -- commands

    def _carry_out(self, command: PlayerCommand) -> None:
        self._device_watch.end()
        try:
            heeds_hand = not command.asked or not command.over_pause
            if heeds_hand and not self._look_first(command):
                return
            seen = self._observer.seen
            playing = seen is not None and seen.state is PlayState.PLAYING
            self._send(command)
        except PlayerError as error:
            self._refused(error, command)
            return
        self._drop_check()
        if command.playlist is not None:
            now = self._clock.monotonic()
            self._start_check = StartCheck(
                command.playlist, now, over_music=playing and not command.asked
            )
        self._due = self._next_due()

    def _look_first(self, command: PlayerCommand) -> bool:
        """Read, unless that was just done; False when the command must not go out."""
        if not self._observer.is_fresh(self._clock.monotonic()):
            if self._error_state.blocked(self._clock.now()) is None:
                self._read()
            blocked = self._error_state.blocked(self._clock.now())
            if blocked is not None:
                self._report(PlayerFailed(blocked, command.playlist, command.kind))
                return False
        observer = self._observer
        if observer.silenced_by_hand if command.asked else observer.hands_off:
            log.info("the music is left alone, the user has just changed it")
            if command.playlist is not None:
                self._report(PlayDropped(command.playlist))
            return False
        return True

    def _send(self, command: PlayerCommand) -> None:
        uri = command.playlist.uri if command.playlist is not None else None
        done = True
        try:
            match command.kind:
                case Command.PLAY:
                    if command.playlist is not None:
                        self.player.play(command.playlist)
                case Command.PAUSE:
                    self.player.pause()
                case Command.NEXT:
                    self.player.next_track()
                case Command.RESUME:
                    self.player.resume()
                case _:
                    assert_never(command.kind)
        except PlayerError as error:
            done = isinstance(error, _MAYBE_DONE)
            raise
        finally:
            if done:  # timed from its end: a player may take seconds to accept a command
                self._observer.commanded(command.kind, uri, self._clock.monotonic())

    def _refused(self, error: PlayerError, command: PlayerCommand) -> None:
        playlist = command.playlist
        log.warning("%s: %s", self.player.name, error)
        if self._start_check is not None and self._start_check.playlist == playlist:
            self._start_check = None  # this tells its end
        self._drop_check()
        self._error_state.met(error, in_command=True)
        if isinstance(error, NoDevice) and command.kind in (Command.PLAY, Command.RESUME):
            self._device_watch.begin()
        self._report(PlayerFailed(error, playlist, command.kind))
        if isinstance(error, ServiceDown) and playlist is not None:
            # Its answer was lost; should it have taken effect, that is told as well.
            self._start_check = StartCheck(playlist, self._clock.monotonic(), told=True)

    def _drop_check(self) -> None:
        if self._start_check is not None and not self._start_check.told:
            self._report(PlayDropped(self._start_check.playlist))
        self._start_check = None

    def _verify(self, now: float) -> None:
        """Check whether the playlist started; try once more if not, then report it."""
        check, seen = self._start_check, self._observer.seen
        if check is None or seen is None:
            return
        verdict = check.judge(seen, self._observer.happening, now)
        match verdict:
            case Verdict.OPEN:
                pass
            case Verdict.STARTED:
                self._start_check = None
                self._report(PlaylistStarted(check.playlist, seen))
            case Verdict.USERS:
                self._drop_check()
            case Verdict.AGAIN:
                again = PlayerCommand(Command.PLAY, check.playlist)
                try:
                    self._send(again)
                except PlayerError as error:
                    self._refused(error, again)
            case Verdict.FAILED if check.told:
                self._drop_check()
            case Verdict.FAILED:
                self._start_check = None
                failure = PlayerError(
                    _(
                        "{name} accepted “{playlist}” twice but did not play it. Start "
                        "any music there by hand once, then try again."
                    ).format(name=self.player.name, playlist=check.playlist.name)
                )
                self._report(PlayerFailed(failure, check.playlist, Command.PLAY))
            case _:
                assert_never(verdict)
