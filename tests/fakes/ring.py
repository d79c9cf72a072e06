"""The system's keyring, in memory."""

from __future__ import annotations

import keyring
import pytest


class Ring:
    """Takes the place of the keyring library's functions. ``problem`` is raised by each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.problem: Exception | None = None
        monkeypatch.setattr(keyring, "get_password", self._get)
        monkeypatch.setattr(keyring, "set_password", self._set)
        monkeypatch.setattr(keyring, "delete_password", self._delete)

    def _get(self, service: str, user: str) -> str | None:
        self._refuse()
        return self.kept.get((service, user))

    def _set(self, service: str, user: str, secret: str) -> None:
        self._refuse()
        self.kept[service, user] = secret

    def _delete(self, service: str, user: str) -> None:
        self._refuse()
        del self.kept[service, user]

    def _refuse(self) -> None:
        if self.problem is not None:
            raise self.problem
