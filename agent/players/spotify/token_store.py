"""Where the login to a music service is kept: a private file, or the system's keyring by setting.

Both are a :class:`TokenStore`, whose lock is held while a token is read, renewed and written:
Spotify's refresh tokens work once; two programs renewing with the same one would log the user out.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from agent.errors import StoreError
from agent.store.jsonfile import JsonFile
from agent.store.lock import ExclusiveLock
from agent.translation import _


class TokenStore(Protocol):
    """Any thread. The JSON-like secrets of one login."""

    def exclusive(self) -> contextlib.AbstractContextManager[None]:
        """Hold the lock across threads and processes. Raises StoreError when another keeps it."""
        ...

    def load(self) -> dict[str, object] | None:
        """Read the login; None: there is none."""
        ...

    def save(self, token: dict[str, object]) -> None:
        """Replace the login, atomically. Raises StoreError."""
        ...

    def delete(self) -> bool:
        """Remove the login; True when there was one."""
        ...


class FileTokenStore:
    """The token in a file of mode 0600. Without ``lock`` it has one of its own, beside it."""

    def __init__(self, path: Path, lock: ExclusiveLock | None = None) -> None:
        self.path = path
        self._file = JsonFile(path)
        self._lock = lock or ExclusiveLock(path.with_name(path.name + ".lock"))

    def exclusive(self) -> contextlib.AbstractContextManager[None]:
        """Hold the lock. Raises StoreError when another keeps it."""
        return self._lock.hold()

    def load(self) -> dict[str, object] | None:
        """Read the login; None: there is none."""
        return self._file.load()  # rename makes every reading whole: no lock needed

    def save(self, token: dict[str, object]) -> None:
        """Replace the login. Raises StoreError."""
        with self.exclusive():
            self._file.save(token)

    def delete(self) -> bool:
        """Remove the login; True when there was one."""
        with self.exclusive():
            return self._file.delete()


class KeyringTokenStore:
    """The token in the system's keyring (extra ``keyring``); asked for by ``use_keyring``."""

    SERVICE = "moodtray"
    USER = "spotify"

    def __init__(self, lock: ExclusiveLock) -> None:
        self._lock = lock

    def exclusive(self) -> contextlib.AbstractContextManager[None]:
        """Hold the lock. Raises StoreError when another keeps it."""
        return self._lock.hold()

    def load(self) -> dict[str, object] | None:
        """Read the login; None: there is none."""
        with _keyring() as keyring:
            text = keyring.get_password(self.SERVICE, self.USER)
        if text is None:
            return None
        try:
            value = json.loads(text)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def save(self, token: dict[str, object]) -> None:
        """Replace the login. Raises StoreError."""
        with self.exclusive(), _keyring() as keyring:
            keyring.set_password(self.SERVICE, self.USER, json.dumps(token))

    def delete(self) -> bool:
        """Remove the login; True when there was one."""
        with self.exclusive(), _keyring() as keyring:
            if keyring.get_password(self.SERVICE, self.USER) is None:
                return False
            keyring.delete_password(self.SERVICE, self.USER)
            return True


@contextlib.contextmanager
def _keyring() -> Iterator[Any]:
    """Give out the keyring library; its absence and its failures are raised as StoreError."""
    try:
        import keyring
        import keyring.errors
    except ImportError as error:
        raise StoreError(
            _(
                "The setting spotify.use_keyring needs the package 'keyring'. "
                "Install it with pip install 'moodtray[keyring]', or set "
                "use_keyring = false."
            )
        ) from error
    try:
        yield keyring
    except keyring.errors.KeyringError as error:
        raise StoreError(
            _(
                "The system's keyring cannot be used ({name}). Unlock it, or "
                "set spotify.use_keyring = false to keep the login in a "
                "private file."
            ).format(name=type(error).__name__)
        ) from error
