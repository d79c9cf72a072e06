"""Notes what last happened to the login, for other processes; after a logout nothing of it is kept.

The note holds no secret. Whoever changes the login writes it, under the login's lock; a running
agent sees by it that 'moodtray login' or 'logout' was called beside it, wherever the login is kept.
"""

from __future__ import annotations

import secrets
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Strict

from agent.players.spotify.json_models import Flag, JsonModel, read
from agent.store.jsonfile import JsonFile
from agent.store.lock import ExclusiveLock


class LoginChange(StrEnum):
    """The user logged in or out, or the service ended the login."""

    LOGIN = "login"
    LOGOUT = "logout"
    ENDED = "ended"


class Noted(JsonModel):
    """``number`` differs for each change, ``era`` for each logout (empty before the first)."""

    what: Annotated[LoginChange, Strict(False)]
    number: str
    era: str
    keyring: Flag = False  # a login was put into the system's keyring at some time


class LoginNote:
    """The note. Any thread; noting is done under the login's lock.

    Reading costs one ``stat`` while nothing changes. ``keyring``: logins are put there.
    """

    def __init__(self, path: Path, *, keyring: bool = False) -> None:
        self._path = path
        self._file = JsonFile(path)
        self._keyring = keyring
        self._known: tuple[tuple[int, ...] | None, Noted | None] = (None, None)

    def read(self) -> Noted | None:
        """Read the latest change; None before the first."""
        stamp = self._stamp()
        known, noted = self._known
        if stamp != known:
            noted = read(Noted, self._file.load()) if stamp is not None else None
            self._known = (stamp, noted)
        return noted

    def note_login(self) -> None:
        """Note a login. Raises StoreError, as all that write."""
        self._write(LoginChange.LOGIN)

    def note_logout(self) -> None:
        """Note that the user has logged out, and that nothing of the login may stay."""
        self._write(LoginChange.LOGOUT)

    def note_end(self) -> None:
        """Note that the service accepts the login no more."""
        self._write(LoginChange.ENDED)

    @property
    def logged_out(self) -> bool:
        """The user has logged out, and not in again."""
        noted = self.read()
        return noted is not None and noted.what is LoginChange.LOGOUT

    @property
    def number(self) -> str:
        """Another text after each change."""
        noted = self.read()
        return noted.number if noted is not None else ""

    @property
    def era(self) -> str:
        """Another text after each logout."""
        noted = self.read()
        return noted.era if noted is not None else ""

    def _write(self, what: LoginChange) -> None:
        before = self.read()
        number = secrets.token_hex(8)
        known = before.era if before is not None else ""
        in_keyring = self._keyring and what is LoginChange.LOGIN
        noted = Noted(
            what=what,
            number=number,
            era=number if what is LoginChange.LOGOUT else known,
            keyring=in_keyring or (before is not None and before.keyring),
        )
        self._file.save(noted.model_dump(mode="json"))

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size


class PersonalFile:
    """A JSON file that a logout removes and that does not come back.

    What was learned before a logout is not written after it. One object serves from one logout to
    the next.
    """

    def __init__(self, file: JsonFile, lock: ExclusiveLock, note: LoginNote) -> None:
        self._file = file
        self._lock = lock
        self._note = note
        self._era: str | None = None  # of the first use

    def load(self) -> dict[str, object] | None:
        """Read the object; None after a logout."""
        return self._file.load() if self._is_ours() else None

    def save(self, value: dict[str, object]) -> None:
        """Replace the object. Raises StoreError.

        After a logout nothing is written, and that is no error.
        """
        with self._lock.hold():
            if self._is_ours() and not self._note.logged_out:
                self._file.save(value)

    def delete(self) -> bool:
        """Remove the file; True when there was one."""
        with self._lock.hold():
            return self._file.delete()

    def _is_ours(self) -> bool:
        era = self._note.era
        if self._era is None:
            self._era = era
        return self._era == era
