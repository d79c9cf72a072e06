"""Answers of a service that has gone mad, or is somebody else's, are bounded in every value."""

from __future__ import annotations

import contextlib
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
import spotipy

from agent.errors import PlayerError
from agent.players.spotify.api_errors import DEFAULT_WAIT, refused, wait_of
from agent.players.spotify.bounded import bounded_session
from agent.players.spotify.login import TokenKeeper
from agent.players.spotify.oauth import _Answer
from agent.players.spotify.parsing import read_devices, read_player, read_playlist, read_playlists
from agent.players.spotify.rate_limit import Ledger
from agent.players.spotify.token import Token
from agent.players.spotify.transport import SpotifySession
from agent.printable import LIMIT, is_harmless
from agent.store.jsonfile import JsonFile
from tests.fakes.clock import FakeClock


def answer(**item: Any) -> dict[str, Any]:
    track = {"uri": "spotify:track:x", "name": "Song", "type": "track", "duration_ms": 200_000}
    return {"is_playing": True, "progress_ms": 1, "item": {**track, **item}}


def test_a_title_is_short_however_many_have_made_it() -> None:
    several = [{"name": "a" * 150}] * 190
    title = read_player(answer(artists=several), 0.0).playback.title
    assert title is not None
    assert len(title) == LIMIT


EMPTY = 400_000
"""Objects that one answer has room for, with brackets; as our values they took 400 MB."""


@pytest.mark.parametrize(
    "read",
    [
        lambda many: read_player(answer(artists=many), 0.0),
        lambda many: read_devices({"devices": many}),
        lambda many: read_playlist({"id": "x", "name": "y", "images": many}),
        lambda many: read_playlists({"items": [{"id": "x", "name": "y", "images": many}]}),
        lambda many: read_playlists({"items": many}),
    ],
    ids=["artists", "devices", "pictures", "pictures of one of several", "playlists"],
)
def test_a_list_without_an_end_takes_no_memory(read: Callable[[list[object]], object]) -> None:
    many: list[object] = [{} for _ in range(EMPTY)]
    tracemalloc.start()
    with contextlib.suppress(PlayerError):
        read(many)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 10_000_000


def test_a_usual_title_stays() -> None:
    found = read_player(answer(artists=[{"name": "One"}, {"name": "Two"}]), 0.0)
    assert found.playback.title == "One, Two - Song"


@pytest.mark.parametrize(
    "absurd",
    [{"duration_ms": 1e300}, {"duration_ms": 10**30}, {"uri": "spotify:track:" + "x" * 1_000_000}],
    ids=["long", "longer", "address"],
)
def test_what_nobody_can_mean_is_no_answer(absurd: dict[str, Any]) -> None:
    with pytest.raises(PlayerError):
        read_player(answer(**absurd), 0.0)


def test_nothing_plays_from_an_endless_address() -> None:
    absurd = {**answer(), "context": {"uri": "spotify:playlist:" + "x" * 1_000_000}}
    with pytest.raises(PlayerError):
        read_player(absurd, 0.0)


@pytest.mark.parametrize("name", ["expires_at", "auth_date"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
def test_a_login_of_no_time_is_none(name: str, moment: str) -> None:
    usual = dict.fromkeys(("expires_at", "auth_date"), "2026-11-27T12:00:00+00:00")
    texts = dict.fromkeys(("access_token", "refresh_token", "client_id", "issuer", "scope"), "x")
    kept: dict[str, object] = {**texts, **usual}
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    login = Token.from_dict(kept)
    assert login is not None
    assert not login.needs_reminder(now)
    assert Token.from_dict({**kept, name: moment}) is None, "it could not even be asked its age"


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 16 Nov 2009 13:32:02 +99999999999999999999",
        "Mon, 16 Nov 99999999999 13:32:02 GMT",
        "Nov 99999999999 0 13.32.02 -9999999999999",
        "9" * 5_000,
    ],
    ids=["zone", "year", "row", "digits"],
)
def test_a_wait_until_no_time_is_the_usual_one(date: str) -> None:
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert wait_of(date, quota=False, now=now) == DEFAULT_WAIT


@pytest.mark.parametrize("status", [400, 403, 418])
def test_the_words_of_a_refusal_are_few_and_plain(status: int) -> None:
    told = "\x1b[31m\u202e\n" + "x" * 1_000_000
    error = refused(status, told, "", path="/me/player/play")
    assert len(error.message) < LIMIT + 100
    assert all(is_harmless(character) for character in error.message)


class Nested(BaseHTTPRequestHandler):
    """Answers with lists within lists: the status is the path."""

    def do_GET(self) -> None:
        """Answer."""
        body = b"[" * 100_000
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def nested() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Nested)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Keeper:
    """Has a token."""

    def access(self, rejected: str | None = None) -> str:
        """Give it out."""
        return "token"


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("status", [200, 202, 400, 403, 429, 500])
def test_lists_within_lists_are_no_defect(
    nested: str, method: str, status: int, tmp_path: Path
) -> None:
    clock = FakeClock()
    ledger = Ledger(JsonFile(tmp_path / "limits.json"), clock, 1000)
    client: Any = spotipy.Spotify(
        auth="unused",
        requests_session=SpotifySession(nested, cast("TokenKeeper", Keeper()), ledger, clock),
    )
    call = client._get if method == "GET" else client._put
    with contextlib.suppress(PlayerError):
        call(f"{nested}/{status}")


@pytest.mark.parametrize("secret", ["access_token", "refresh_token"])
@pytest.mark.parametrize("odd", ["\u20ac", "\xe9", "a\r\nX-Evil: 1", "\0", "\ud800"])
def test_a_token_that_no_request_can_carry_is_none(odd: str, secret: str) -> None:
    """RFC 6749 allows what can be seen of ASCII. It was a defect at each request, for an hour."""
    told = {"access_token": "a", "refresh_token": "r", "expires_in": 3600, secret: odd}
    usual = dict.fromkeys(("expires_at", "auth_date"), "2026-11-27T12:00:00+00:00")
    texts = dict.fromkeys(("client_id", "issuer", "scope"), "x")
    assert Token.from_dict({**texts, **usual, **told}) is None
    assert getattr(_Answer.model_validate(told), secret) is None


class Crumbs(BaseHTTPRequestHandler):
    """Hands out cookies, and notes what was brought back of them."""

    count = 0
    brought: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        """Answer."""
        self.brought.append(self.headers["Cookie"])
        self.send_response(200)
        for _number in range(80):
            Crumbs.count += 1
            self.send_header("Set-Cookie", f"c{Crumbs.count}={'x' * 50_000}; Max-Age=99999999")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_no_cookie_is_kept(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Crumbs)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    clock = FakeClock()
    ledger = Ledger(JsonFile(tmp_path / "limits.json"), clock, 1000)
    both = [
        SpotifySession(address, cast("TokenKeeper", Keeper()), ledger, clock),
        bounded_session(),
    ]
    try:
        for session in both:
            for _time in range(2):
                session.get(f"{address}/x", timeout=10)
            assert len(session.cookies) == 0, "four megabytes more with each answer, for ever"
    finally:
        server.shutdown()
        server.server_close()
    assert Crumbs.brought == [None] * 4, "one run, one listener: no service needs to know"
