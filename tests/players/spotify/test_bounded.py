"""A service that answers without end, or with numbers without sense."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from agent.errors import PlayerError, ServiceDown
from agent.players.spotify import storage
from agent.players.spotify.bounded import ANSWER_LIMIT, AnswerTooLong, bounded_session
from agent.players.spotify.login import account_name
from agent.players.spotify.oauth import LONGEST, Accounts
from agent.settings import Settings
from agent.store.paths import Paths
from tests.fakes.clock import FakeClock


class Hostile(BaseHTTPRequestHandler):
    """Answers everything with the same."""

    body: ClassVar[bytes] = b""
    headers_too: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        for name, value in self.headers_too.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.body)

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hostile() -> Iterator[str]:
    Hostile.headers_too = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_that_is_far_too_long_is_refused(hostile: str, packed: bool) -> None:
    body = json.dumps({"display_name": "x" * (ANSWER_LIMIT + 1)}).encode()
    Hostile.body = gzip.compress(body) if packed else body
    if packed:
        assert len(Hostile.body) < ANSWER_LIMIT / 100
        Hostile.headers_too = {"Content-Encoding": "gzip"}
    with bounded_session() as session, pytest.raises(AnswerTooLong):
        session.get(hostile, timeout=10)
    with pytest.raises(ServiceDown, match="far too long"):
        account_name(hostile, "access")


@pytest.mark.parametrize("body", [b"[" * 100_000, b"{", b"[]", b'{"display_name": 7, "id": []}'])
def test_an_answer_without_sense_is_no_defect(hostile: str, body: bytes) -> None:
    Hostile.body = body
    told = ""
    try:
        told = account_name(hostile, "access")
    except PlayerError as error:
        told = error.message
    assert told == "an account without a name" or "does not say whose login this is" in told


@pytest.mark.parametrize("lifetime", [10**30, -(10**30), 10**400])
def test_a_lifetime_without_sense_does_not_lose_the_login(hostile: str, lifetime: int) -> None:
    Hostile.body = (
        b'{"access_token": "access-token", "refresh_token": "refresh-token", "expires_in": '
        + str(lifetime).encode()
        + b"}"
    )
    clock = FakeClock()
    accounts = Accounts(hostile, clock, storage.ledger(Settings(), Paths.default(), clock))
    token = accounts.exchange("client", "the-code", "the-verifier", "http://127.0.0.1/callback")
    accounts.close()
    assert token.refresh == "refresh-token"
    assert 0 <= (token.expires_at - clock.now()).total_seconds() <= LONGEST
