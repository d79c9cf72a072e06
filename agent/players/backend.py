"""What all players share: how the player's worker is given one, and how often it may be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from agent.errors import PlaylistGone, QuotaExceeded
from agent.players.polling import Budget, Cadence, next_poll, next_poll_local
from agent.ports import Player
from agent.types import Playlist


def _unlimited() -> Budget | None:
    return None


class ReadingsSpent(QuotaExceeded):
    """Our own budget for readings is used up; what is kept for the user's commands is not."""


class Chores(Protocol):
    """Work for a player that can wait: it is done bit by bit while nothing else is due.

    The player's thread only.
    """

    def pending(self) -> bool:
        """Tell whether there is any; sends nothing."""
        ...

    def work(self) -> None:
        """Do one piece: at most one request.

        Raises the PlayerError family; it is then tried again later.
        """
        ...


@dataclass(frozen=True, slots=True)
class PlayerBackend:
    """A player, the cost of reading it, and what else it has to do.

    ``budget`` is asked in the player's thread.
    """

    player: Player
    cadence: Cadence
    budget: Callable[[], Budget | None] = _unlimited
    chores: Chores | None = None

    @classmethod
    def remote(
        cls,
        player: Player,
        budget: Callable[[], Budget | None] = _unlimited,
        chores: Chores | None = None,
    ) -> PlayerBackend:
        """Describe a player whose readings are requests to a service."""
        return cls(player, next_poll, budget, chores)

    @classmethod
    def near(cls, player: Player) -> PlayerBackend:
        """Describe a player in this process or on this machine: readings are free."""
        return cls(player, next_poll_local)


@runtime_checkable
class TellsChanges(Protocol):
    """A player that knows of itself when a track ended.

    The player's worker sets ``on_change``; it may be called in any thread and never blocks.
    """

    on_change: Callable[[], None]


@runtime_checkable
class LosesMusic(Protocol):
    """A player that notices when what plays can be played no more, since its files are gone."""

    def take_lost(self) -> tuple[Playlist, PlaylistGone] | None:
        """Return what that is and why, once; None: nothing."""
        ...


@runtime_checkable
class KnowsDevices(Protocol):
    """A player whose readings do not show a device that is open and silent."""

    def ready(self) -> bool:
        """Tell whether there is a device that a start would take.

        At most one request; raises the PlayerError family.
        """
        ...
