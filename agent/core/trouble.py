"""What of the player's trouble is told: each kind once, until it was well again. Pure."""

from __future__ import annotations

from agent.errors import AgentError, PlayerError, PlaylistGone


class ReportedErrors:
    """Those of the player in use."""

    def __init__(self) -> None:
        self.error: PlayerError | None = None
        """The latest that is not over."""
        self._told: set[type[AgentError]] = set()

    def met(self, error: AgentError) -> bool:
        """Take note of it; True when it is news."""
        if isinstance(error, PlayerError):
            self.error = error
        known = type(error) in self._told
        self._told.add(type(error))
        return not known

    def over(self) -> None:
        """The player answers again."""
        self.error = None
        self._told.clear()


def hinders_all(error: AgentError) -> bool:
    """Trouble of the player as a whole, which has its own words whatever was tried."""
    return type(error) not in (PlayerError, PlaylistGone)
