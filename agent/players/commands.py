"""Commands on their way to the player's thread."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from agent.players.changes import Command
from agent.types import Playlist


@dataclass(frozen=True, slots=True)
class PlayerCommand:
    """``playlist`` is what to play, None for pause and resume. ``asked``: the user wished it."""

    kind: Command
    playlist: Playlist | None = None
    asked: bool = True


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
