"""What this room asks of the places where it keeps things."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from agent.ports import TokenStore


class Document(Protocol):
    """One small JSON object that survives a restart. Any thread."""

    def load(self) -> dict[str, object] | None:
        """None when missing or damaged."""
        ...

    def save(self, value: dict[str, object]) -> None:
        """Atomic; raises StoreError."""
        ...

    def delete(self) -> bool: ...


class LockedTokenStore(TokenStore, Protocol):
    """A token store with a lock across threads and processes."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Raises StoreError when another process keeps the lock."""
        ...


class LoginNotes(Protocol):
    """Takes note of what happens to the login, under its lock. Noting raises StoreError."""

    @property
    def number(self) -> str:
        """Another one after each login, logout and end."""
        ...

    def note_login(self) -> None: ...

    def note_end(self) -> None:
        """Spotify accepts it no more."""
        ...
