"""What was seen of a player so far: the latest reading, what it told, and our own part in it."""

from __future__ import annotations

from agent.players.changes import (
    ECHO_WINDOW,
    OwnCommand,
    attribute,
    what_happened,
)
from agent.players.polling import Budget, Watch
from agent.types import Command, Happening, Playback, PlayState

REPORT_EVERY = 30.0
"""A reading in which nothing happened is reported that often."""
FRESH = 1.5
"""An unasked command needs a reading that young: the user may have paused since an older one."""

_FORBIDS_UNASKED = (Happening.PAUSED, Happening.USER_CHOSE, Happening.STARTED)
"""After these no command goes out that nobody asked for."""
_USERS_START = (Happening.STARTED, Happening.RESUMED, Happening.USER_CHOSE)


class Observer:
    """One thread's. Times are monotonic seconds."""

    def __init__(self, known: Playback | None = None) -> None:
        self.seen = known
        """The latest reading, with whose choice it shows."""
        self.happening = Happening.NOTHING
        """What that reading told."""
        self._own: OwnCommand | None = None
        self._silenced = False  # by our pause, and nobody has started music since
        self._read_at = self._reported_at = float("-inf")
        self._reads = 1_000_000  # no command lately
        self._overdue = 0

    def read(self, raw: Playback, now: float) -> bool:
        """Take a reading in; True when it is worth a report."""
        before = self.seen
        self._read_at = now
        self._reads += 1
        self.happening = what_happened(before, raw, now=now, own=self._own)
        self.seen = playback = attribute(before, raw, self.happening, self._own)
        if self._silenced:
            # Readings lag behind the pause; only what plays after its echo was started anew.
            late = self._own is not None and now - self._own.time > ECHO_WINDOW
            heard = late and playback.state is PlayState.PLAYING
            self._silenced = not heard and self.happening not in _USERS_START
        self._overdue = self._overdue + 1 if playback.time_left(now) == 0.0 else 0
        news = (
            before is None
            or self.happening is not Happening.NOTHING
            or before.visible != playback.visible
            or now - self._reported_at >= REPORT_EVERY
        )
        if news:
            self._reported_at = now
        return news

    def report_next(self) -> None:
        """Have the next reading reported, whatever it tells."""
        self._reported_at = float("-inf")

    def commanded(self, kind: Command, uri: str | None, now: float) -> None:
        """Note a command of ours that was carried out, or perhaps was."""
        self._own = OwnCommand(now, kind, uri)
        self._silenced = kind is Command.PAUSE
        self._reads = 0

    def is_fresh(self, now: float) -> bool:
        """Tell whether the user can hardly have done anything since the latest reading."""
        return now - self._read_at <= FRESH

    @property
    def hands_off(self) -> bool:
        """True when the latest reading forbids what nobody asked for.

        The user has paused, chosen or started something, or has closed the device that played.
        """
        return self.silenced_by_hand or self.happening in _FORBIDS_UNASKED

    @property
    def silenced_by_hand(self) -> bool:
        """True when the user has paused the music, as a reading shows, or as they asked."""
        return self._silenced or (self.seen is not None and self.seen.paused_by_hand)

    def watch(self, now: float, *, waiting: bool, budget: Budget | None) -> Watch:
        """Gather all that the time of the next reading depends on."""
        return Watch(
            now,
            self.seen,
            reads_since_command=self._reads,
            overdue_reads=self._overdue,
            waiting=waiting,
            budget=budget,
        )
