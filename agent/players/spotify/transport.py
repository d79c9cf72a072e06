"""The rim towards the network: every request to Spotify's API passes here.

A plain requests session underneath spotipy: no automatic repeats, no sleeping, time-outs, the
token added at the last moment (so that spotipy never holds or logs it), requests counted, waits
honoured, and every failure told as an :mod:`agent.errors` exception that passes through spotipy
untouched.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from requests.auth import AuthBase

from agent.errors import NotPremium, PlayerError
from agent.players.spotify.api_errors import (
    BrokenOff,
    Unauthorized,
    not_understood,
    refused,
    unreachable,
    wait_of,
)
from agent.players.spotify.bounded import bound
from agent.players.spotify.login import TokenKeeper
from agent.players.spotify.oauth import TIMEOUT
from agent.players.spotify.rate_limit import Ledger
from agent.ports import Clock


class _Bearer(AuthBase):
    """Sets the header; holds the token out of every repr."""

    def __init__(self, access: str) -> None:
        self._access = access

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._access}"
        return request


class SpotifySession(requests.Session):
    """What spotipy uses as its ``requests_session``. The player's thread only."""

    def __init__(self, api_url: str, keeper: TokenKeeper, ledger: Ledger, clock: Clock) -> None:
        super().__init__()
        bound(self)
        self._api_url = api_url
        self._keeper = keeper
        self._ledger = ledger
        self._clock = clock
        self._commanding = False

    @contextmanager
    def commanding(self) -> Iterator[None]:
        """Let what is read in here belong to a command, and use what is kept for it."""
        before, self._commanding = self._commanding, True
        try:
            yield
        finally:
            self._commanding = before

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Send, and once more where the first failure is known to pass by itself.

        401 'token missing' and 403 'premium required' have been seen without cause, and both are
        told before anything is done, so repeating is safe for commands too. A connection that
        broke off is tried again for reading only: a command may have arrived.
        """
        method, url = str(method).upper(), str(url)
        # Before the token too: its renewal is a request like any other.
        self._check(method)
        access = self._keeper.access()
        try:
            return self._once(method, url, access, *args, **kwargs)
        except Unauthorized:
            access = self._keeper.access(rejected=access)
        except NotPremium:
            pass
        except BrokenOff:
            if method != "GET":
                raise
        return self._once(method, url, access, *args, **kwargs)

    def _once(
        self, method: str, url: str, access: str, *args: Any, **kwargs: Any
    ) -> requests.Response:
        self._check(method)
        self._ledger.count()
        ours = {"timeout": TIMEOUT, "allow_redirects": False, "auth": _Bearer(access)}
        try:
            response = super().request(method, url, *args, **{**kwargs, **ours})
        except requests.RequestException as error:
            raise unreachable(error) from None
        if response.status_code >= 300:
            raise self._refusal(response)
        # spotipy takes broken JSON for "nothing"; for a reading that would be a lie.
        if method == "GET" and response.status_code not in (202, 204):
            _object_of(response)
        else:  # spotipy reads it all the same
            with contextlib.suppress(ValueError):
                _read(response)
        return response

    def _check(self, method: str) -> None:
        self._ledger.check(command=self._commanding or method != "GET")

    def _refusal(self, response: requests.Response) -> PlayerError:
        message = reason = ""
        try:
            error = response.json().get("error")
        except (AttributeError, RecursionError):
            error = None
        except ValueError:  # some refusals are one plain sentence; a page is none
            text = response.text[:200].strip()
            error = None if text.startswith("<") else text
        if isinstance(error, dict):
            message, reason = str(error.get("message") or ""), str(error.get("reason") or "")
        elif isinstance(error, str):
            message = error
        if response.status_code == 429:
            quota = reason == "QUOTA_EXCEEDED"
            header = response.headers.get("Retry-After")
            seconds = wait_of(header, quota=quota, now=self._clock.now())
            return self._ledger.block(seconds, quota=quota)
        path = str(response.url).removeprefix(self._api_url)
        return refused(response.status_code, message, reason, path=path)


def _object_of(response: requests.Response) -> dict[str, object]:
    try:
        value = _read(response)
    except ValueError:
        raise not_understood() from None
    if not isinstance(value, dict):
        raise not_understood()
    return value


def _read(response: requests.Response) -> object:
    """Raise ValueError for what is no JSON, and PlayerError for lists within lists without end."""
    try:
        return response.json()
    except RecursionError:
        raise not_understood() from None
