"""Wishes for music that were not met yet. Pure state; times are monotonic seconds.

A wish is open while the mood is looked for, waits while no device is there, and ends when it is
met, when the user's hand is newer, or after WISH_LIFE.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from agent.timing import WISH_LIFE, WISH_TRIES
from agent.types import Decision


@dataclass(frozen=True, slots=True)
class PlayRequest:
    """``asked``: the user wished for music; else it is a change of ours.

    ``tries``: starts that came to nothing. ``leads``: how the journey ends that begins with it, in
    the user's words; empty: none does. ``very``: the choice of this very playlist, which they made
    themselves; ``left_alone``: seconds for which it is, then. ``by_word``: their word on their mood
    asks for it, as long as that holds.
    """

    since: float
    asked: bool
    tries: int = 0
    leads: str = ""
    very: Decision | None = None
    left_alone: float = 0.0
    by_word: bool = False


class PlayRequests:
    """Those of one player."""

    def __init__(self) -> None:
        self.asked: PlayRequest | None = None
        """To be met at once, as far as the mood is known."""
        self.owed: PlayRequest | None = None
        """A change of ours that found no device; now there is one."""
        self.deviceless = False
        """The latest start found no device, and none has appeared since."""
        self._waiting: PlayRequest | None = None
        self._put_off: PlayRequest | None = None  # until the player answers again
        self._resuming: PlayRequest | None = None  # the wish to play on, which waits
        self._resumed: PlayRequest | None = None  # the latest that failed
        self.resumes = False
        """The music was told to play on, and nothing newer was wished since."""

    @property
    def waits(self) -> bool:
        """True when a request waits for a device, or the wish to play on for that or an answer."""
        return self._waiting is not None or self._resuming is not None

    def put_off(self, wish: PlayRequest, now: float) -> None:
        """Ask again once the player answers, unless that was tried often enough."""
        tried = replace(wish, tries=wish.tries + 1)
        if wish.asked and tried.tries < WISH_TRIES and now - tried.since < WISH_LIFE:
            self._put_off = tried

    @property
    def is_put_off(self) -> bool:
        """True when a request is made again once the player answers."""
        return self._put_off is not None

    def answers_again(self) -> bool:
        """Release what was put off, now that the player answers; True when something was."""
        wish, self._put_off = self._put_off, None
        if wish is not None:
            self.still_ask(wish)
        return wish is not None

    @property
    def waits_until(self) -> float | None:
        """When what waits for a device, or for the player to answer, is waited for no more."""
        waiting = (self._waiting, self._put_off, self._resuming)
        return max((wish.since + WISH_LIFE for wish in waiting if wish is not None), default=None)

    def resuming_failed(self, now: float, *, deviceless: bool) -> bool:
        """Let the wish to play on wait, unless it has tried often enough.

        ``deviceless``: for a device; else for the player to answer. True when it waited before.
        """
        self.deviceless = self.deviceless or deviceless
        known = self._resumed is not None
        wish = self._resumed or PlayRequest(now, True)
        self._resumed = tried = replace(wish, tries=wish.tries + 1)
        lives = tried.tries < WISH_TRIES and now - tried.since < WISH_LIFE
        self._resuming = tried if lives else None
        return known

    def take_resuming(self) -> bool:
        """End that wait, now that the player can; True when something is to play on."""
        wish, self._resuming = self._resuming, None
        return wish is not None

    def ask(self, now: float, leads: str = "") -> None:
        """Note that the user asks for music; that is newer than any other request."""
        self.forget()
        self.asked = PlayRequest(now, True, leads=leads)

    def still_ask(self, wish: PlayRequest) -> None:
        """Keep a request whose start came to nothing: the next playlist may fare better."""
        if wish.asked and self.asked is None:
            self.asked = wish

    def found_again(self, wish: PlayRequest, now: float) -> None:
        """Meet a request that is not too old: what it came to nothing for is there now."""
        if now - wish.since >= WISH_LIFE:
            return
        if wish.asked:
            self.still_ask(wish)
        elif self.owed is None:
            self.owed = wish

    def forget(self) -> None:
        """Drop all requests."""
        self.resumes = False
        self.asked = self.owed = self._waiting = None
        self._put_off = self._resuming = self._resumed = None

    def drop(self, which: Callable[[PlayRequest], bool]) -> None:
        """Drop those requests."""

        def kept(wish: PlayRequest | None) -> PlayRequest | None:
            return None if wish is None or which(wish) else wish

        self.asked, self._waiting = kept(self.asked), kept(self._waiting)
        self._put_off = kept(self._put_off)

    def lose_player(self) -> None:
        """Forget what waited for the devices of a player that is no longer in use."""
        self.resumes = False
        self.owed = self._waiting = None
        self._put_off = self._resuming = self._resumed = None
        self.deviceless = False

    def found_no_device(self, wish: PlayRequest, now: float) -> None:
        """Let a request whose start found no device wait, unless it has tried often enough."""
        self.deviceless = True
        tried = replace(wish, tries=wish.tries + 1)
        if tried.tries < WISH_TRIES and now - wish.since < WISH_LIFE:
            self._waiting = tried

    def device_found(self) -> bool:
        """Release what waits for a device; True when something did.

        A device that refused every try is none: only a reading that shows it makes an end of
        :attr:`deviceless`.
        """
        wish, self._waiting = self._waiting, None
        if wish is None:
            return False
        self.deviceless = False
        if wish.asked:
            self.still_ask(wish)
        else:
            self.owed = wish
        return True

    def pass_time(self, now: float) -> None:
        """End what has waited long enough."""
        if self._waiting is not None and now - self._waiting.since >= WISH_LIFE:
            self._waiting = None
        if self.owed is not None and now - self.owed.since >= WISH_LIFE:
            self.owed = None
        if self._put_off is not None and now - self._put_off.since >= WISH_LIFE:
            self._put_off = None
        if self._resuming is not None and now - self._resuming.since >= WISH_LIFE:
            self._resuming = None

    @property
    def ends(self) -> list[float]:
        """When :meth:`pass_time` has something to do."""
        waiting = (self._waiting, self.owed, self._put_off, self._resuming)
        return [wish.since + WISH_LIFE for wish in waiting if wish is not None]
