"""The login as a value, and how it is written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from agent import logs
from agent.players.spotify.json_models import JsonModel, Moment, Secret, read

LIFETIME = timedelta(days=180)
"""A login dies six months after the user agreed, however often it was renewed. Counted short."""
REMIND_BEFORE = timedelta(days=30)
EARLY = timedelta(seconds=60)
"""An access token is renewed so long before its end: clocks differ and requests take time."""


@dataclass(frozen=True, slots=True)
class Token:
    """Secrets never show in ``repr``, so that no traceback or log line can carry them."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: datetime
    auth_date: datetime  # when the user agreed; kept through all renewals
    client_id: str
    issuer: str  # the accounts service; a token is shown to no other
    scope: str = ""

    def __post_init__(self) -> None:
        """Keep it out of every log, wherever it comes from."""
        logs.hide(self.access, self.refresh, kind="spotify")

    def is_fresh(self, now: datetime) -> bool:
        """Tell whether the access token can still be used."""
        return now < self.expires_at - EARLY

    def needs_reminder(self, now: datetime) -> bool:
        """Tell whether it is in the last month before the login dies."""
        return now >= self.auth_date + LIFETIME - REMIND_BEFORE

    @property
    def ends(self) -> datetime:
        """When the login dies."""
        return self.auth_date + LIFETIME

    def to_dict(self) -> dict[str, object]:
        """Write it as JSON-like values."""
        return {
            "access_token": self.access,
            "refresh_token": self.refresh,
            "expires_at": self.expires_at.isoformat(),
            "auth_date": self.auth_date.isoformat(),
            "client_id": self.client_id,
            "issuer": self.issuer,
            "scope": self.scope,
        }

    @classmethod
    def from_dict(cls, value: dict[str, object] | None) -> Token | None:
        """Read it; None for what is no complete token: the user logs in again."""
        return None if (kept := read(_StoredToken, value)) is None else kept.token()


class _StoredToken(JsonModel):
    access_token: Secret
    refresh_token: Annotated[Secret, Field(min_length=1)]
    expires_at: Moment
    auth_date: Moment
    client_id: str
    issuer: str
    scope: str

    def token(self) -> Token:
        return Token(
            self.access_token,
            self.refresh_token,
            self.expires_at,
            self.auth_date,
            self.client_id,
            self.issuer,
            self.scope,
        )
