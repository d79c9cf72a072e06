"""What all players share: how the player's worker is given one, and how often it may be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from agent.core.cadence import Budget, Cadence, next_poll, next_poll_local
from agent.ports import Player


def _unlimited() -> Budget | None:
    return None


@dataclass(frozen=True, slots=True)
class PlayerBackend:
    """A player and the cost of reading it. ``budget`` is asked in the player's thread."""

    player: Player
    cadence: Cadence
    budget: Callable[[], Budget | None] = _unlimited

    @classmethod
    def remote(
        cls, player: Player, budget: Callable[[], Budget | None] = _unlimited
    ) -> PlayerBackend:
        """A player whose readings are requests to a service."""
        return cls(player, next_poll, budget)

    @classmethod
    def near(cls, player: Player) -> PlayerBackend:
        """A player in this process or on this machine: readings are free."""
        return cls(player, next_poll_local)


@runtime_checkable
class TellsChanges(Protocol):
    """A player that knows of itself when a track ended. The player's worker sets ``on_change``;
    it may be called in any thread and never blocks."""

    on_change: Callable[[], None]
