"""Answers of services have a size that can be read: whatever is longer is no answer of theirs."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter

ANSWER_LIMIT = 2_000_000
"""Bytes of an answer, unpacked; a page of fifty playlists has some hundred thousand."""


class AnswerTooLong(requests.RequestException):
    """The service sent more than ANSWER_LIMIT."""


class BoundedAdapter(HTTPAdapter):
    """Reads an answer up to ANSWER_LIMIT. Raises AnswerTooLong beyond it."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Send it, and have the whole answer read."""
        response = super().send(request, *args, **{**kwargs, "stream": True})
        pieces, size = [], 0
        try:
            for piece in response.iter_content(65_536):
                size += len(piece)
                if size > ANSWER_LIMIT:
                    raise AnswerTooLong(f"more than {ANSWER_LIMIT} bytes")
                pieces.append(piece)
        except BaseException:
            response.close()
            raise
        response._content = b"".join(pieces)
        response._content_consumed = True  # type: ignore[attr-defined]
        return response


def bounded_session() -> requests.Session:
    """Make a session with bounded answers, which sends no login of a .netrc file along."""
    session = requests.Session()
    bound(session)
    session.auth = no_auth
    return session


def bound(session: requests.Session) -> None:
    """Let all answers to the session be bounded."""
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter())


def no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add nothing; without it a .netrc entry would be sent along."""
    return request
