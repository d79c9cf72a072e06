"""How long what was begun may take, how long a wish lives, and how often trouble is told.

Numbers, each with its reason; :class:`ToldOnce`, :func:`local` and :func:`tomorrow`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from agent.translation import _

REQUEST = 10.0
"""Seconds that one request of a player takes at most (:class:`agent.ports.Player`)."""
PLAY_REQUESTS = 10
"""Requests of one start at most: a renewal of the login, a look at the playlist, the devices, the
shuffle, the start; after a device id that died devices, shuffle and start again; a start without
the place in it; one reading where the refusal may mean "plays already"."""
VERIFY_READS = 4
"""Readings in which a started playlist must appear."""
VERIFY_WAIT = 1.0
"""Seconds between them."""
PLAY_AT_WORST = (
    REQUEST  # the call under way when the command comes
    + REQUEST  # the look whether the user was quicker
    + 2 * (PLAY_REQUESTS * REQUEST + VERIFY_READS * (VERIFY_WAIT + REQUEST))  # tried twice
)
"""Seconds from a play command to its outcome while the player answers at all: 308."""

WISH_LIFE = 600.0
"""Seconds for which music that was wished for waits for a device, and a start for its proof: time
to fetch the phone, or to start Spotify on a slow computer. Later nobody expects music any more:
it would startle."""
WISH_TRIES = 3
"""Starts that one wish may cost: a device that appears and fails again is no reason to go on."""


class ToldOnce:
    """Tells each kind of trouble once, until it was well again. One thread's; pure."""

    def __init__(self) -> None:
        self._told: set[object] = set()

    def is_news(self, kind: object = None) -> bool:
        """Take note of trouble of this kind; True when it was not told since it was well."""
        news = kind not in self._told
        self._told.add(kind)
        return news

    def was_told(self, kind: object = None) -> bool:
        """Tell whether trouble of this kind was told and is not over."""
        return kind in self._told

    def well(self, kind: object = None) -> None:
        """Note that trouble of this kind is over."""
        self._told.discard(kind)

    def all_well(self) -> None:
        """Note that no trouble is left."""
        self._told.clear()


def local(moment: datetime) -> datetime:
    """Put a moment into this computer's time zone; one without a zone is in it already.

    One that summer time passes over is as late after it. Raises ValueError where that leads out of
    the calendar.
    """
    try:
        if moment.tzinfo is None:  # whose own ``astimezone`` would go back before the change
            return datetime.fromtimestamp(moment.timestamp()).astimezone()
        return moment.astimezone()
    except (OverflowError, OSError, ValueError) as error:
        raise ValueError(_("This is no date that a calendar knows.")) from error


def tomorrow(now: datetime) -> datetime:
    """Return the coming 6:00; from 3:00 on that of the next day."""
    morning = now.replace(hour=6, minute=0, second=0, microsecond=0)
    return morning if now.hour < 3 else morning + timedelta(days=1)
