"""A service that answers without end, or with numbers without sense."""

from __future__ import annotations

import contextlib
import gzip
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
import requests
from urllib3 import HTTPConnectionPool, PoolManager
from urllib3.connection import HTTPConnection

from agent.errors import PlayerError, ServiceDown
from agent.players.spotify import bounded, storage
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


class Trickling(threading.Thread):
    """A service that sends a byte each moment, from ``begins`` on, for ever; encrypted or not."""

    def __init__(self, begins: bytes, safe: ssl.SSLContext | None = None) -> None:
        super().__init__(daemon=True)
        self._begins, self._safe = begins, safe
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if safe else ''}://127.0.0.1:{self._server.getsockname()[1]}"
        self.asked = 0

    def run(self) -> None:
        """Serve one after another."""
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._server.accept()
                self.asked += 1
                if self._safe is not None:
                    line = self._safe.wrap_socket(line, server_side=True)
                with contextlib.suppress(OSError), line:
                    line.recv(65_536)
                    line.sendall(self._begins)
                    while True:
                        line.sendall(b"x")
                        time.sleep(0.05)

    def close(self) -> None:
        """End it."""
        self._server.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of this computer's own, and its key, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    file = tmp_path / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", file, "-out",
         tmp_path / "only.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    file.write_text(file.read_text() + (tmp_path / "only.pem").read_text())
    return file


@pytest.mark.timeout(60)
@pytest.mark.parametrize("safe", [False, True])
@pytest.mark.parametrize(
    "begins",
    [
        b"HTTP/1.1 2",
        b"HTTP/1.1 200 OK\r\nX-Name: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",  # until the connection ends
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n",
    ],
)
def test_an_answer_that_trickles_is_given_up(
    begins: bytes, safe: bool, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    monkeypatch.setattr(bounded, "ANSWER_SECONDS", 0.5)
    context = None
    if safe:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    service = Trickling(begins, context)
    service.start()
    with bounded_session() as session, pytest.raises(requests.ReadTimeout):
        session.get(service.url, timeout=(3, 6), verify=str(certificate) if safe else True)
    service.close()
    assert service.asked == 1, "and not tried again at once"


class ThroughAnother(HTTPConnection):
    """A connection of a kind of its own, as PySocks brings one along: it leads to the proxy."""

    def _new_conn(self) -> socket.socket:
        where = urlsplit(ThroughAnother.leads_to)
        return socket.create_connection((where.hostname, where.port), timeout=10)

    leads_to = ""


class PoolThroughAnother(HTTPConnectionPool):
    """Keeps such connections."""

    ConnectionCls = ThroughAnother


class ManagerOfAnother(PoolManager):
    """In the place of urllib3's manager for SOCKS, which needs that package."""

    def __init__(self, proxy: str, **words: Any) -> None:
        super().__init__(words["num_pools"])
        ThroughAnother.leads_to = proxy
        self.pool_classes_by_scheme = {"http": PoolThroughAnother}


@pytest.mark.timeout(60)
def test_an_answer_that_trickles_through_a_proxy_of_any_kind_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", ManagerOfAnother)
    service = Trickling(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    service.start()
    proxies = {"http": service.url.replace("http://", "socks5://")}
    with bounded_session() as session:
        for _ in range(2):
            with pytest.raises(requests.ReadTimeout):
                session.get("http://192.0.2.1/", proxies=proxies, timeout=(3, 6))
    service.close()
    assert service.asked == 2


@pytest.mark.timeout(60)
def test_slowness_is_told_as_such_and_the_next_answer_has_its_own_time(
    hostile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "ANSWER_SECONDS", 0.5)
    service = Trickling(b"HTTP/1.1 200 OK\r\n\r\n")
    service.start()
    with pytest.raises(ServiceDown, match="takes too long"):
        account_name(service.url, "access")
    service.close()
    Hostile.body = b'{"display_name": "Anna"}'
    with bounded_session() as session:
        for _ in range(4):  # over one connection
            assert session.get(hostile, timeout=10).json() == {"display_name": "Anna"}
            time.sleep(0.2)
