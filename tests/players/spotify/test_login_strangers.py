"""The login as other users of the computer attack it, with all that they can get hold of."""

from __future__ import annotations

import http.client
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest

from agent.players.spotify import storage
from agent.settings import Settings
from agent.store.paths import Paths
from tests.fakes.clock import FakeClock
from tests.fakes.spotify import FakeSpotify
from tests.players.spotify.logins import CLIENT, Login
from tests.stranger import as_stranger

THEIRS = "f" * 32
HELD = 300


@pytest.fixture
def login() -> Iterator[Login]:
    clock = FakeClock()
    with FakeSpotify(clock) as service:
        made = Login(service, clock)
        yield made
        made.cancelled.set()
        made.end()


def port_of(login: Login) -> int:
    port = urlsplit(login.at("/")).port
    assert port is not None
    return port


def held_by_us(port: int) -> int:
    """How many connections this process holds at its own port."""
    return sum(
        c.laddr.port == port and c.status == psutil.CONN_ESTABLISHED
        for c in psutil.Process().net_connections(kind="tcp4")
    )


def asked(source: str, port: int, path: str, cookie: str) -> str:
    """The status and the place that one request leads to, from an address of the attacker's."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    made.settimeout(10)
    if source:
        made.bind((source, port))
    connection.sock = made
    try:
        made.connect(("127.0.0.1", port))
        connection.request("GET", path, headers={"Cookie": cookie})
        answer = connection.getresponse()
        return f"{answer.status} {answer.getheader('location', '')}"
    except (OSError, http.client.HTTPException):
        return "nothing"
    finally:
        connection.close()


def test_another_user_with_the_cookie_does_not_end_the_login(login: Login) -> None:
    """Cookies are not kept apart by port: a stranger's own server may have been sent it."""
    callback = login.callback(login.start())
    page = login.get(callback)
    key = re.search(r'name="key" value="([^"]+)"', page.text)
    assert key is not None
    port = port_of(login)
    cookie = "; ".join(f"{c.name}={c.value}" for c in login.browser.cookies)
    assert "moodtray-login" in cookie

    def attack() -> set[str]:
        paths = ("/account", f"/keep?answer=no&key={key[1]}", f"/start?client_id={THEIRS}&key=x")
        return {
            asked(source, port, path, cookie)
            for source in ("", *(f"127.0.0.{last}" for last in range(2, 30)))
            for path in paths
        }

    assert as_stranger(attack) == "{'nothing'}"
    login.keep(page)
    login.end()
    assert login.error is None
    stored = storage.token_store(Settings(), Paths.default()).load()
    assert stored is not None


def test_a_flood_of_others_cookies_keeps_nobody_from_the_login(login: Login) -> None:
    """All servers on 127.0.0.1 share them, and a browser keeps 180 of 4 kB for one host."""
    login.sent_on(login.start())
    for number in range(180):
        login.browser.cookies.set(f"c{number}", "x" * 4090, domain="127.0.0.1", path="/")
    assert login.get(login.at("/")).status_code == 200


@pytest.mark.parametrize(
    "others", ["OURS; NAME=shadow", "NAME=shadow; OURS", 'x="; OURS', "\xff; OURS"]
)
def test_no_cookie_of_another_program_keeps_the_user_from_the_login(
    login: Login, others: str
) -> None:
    """It may have our name, with a path of its own: the valid one counts, wherever it stands."""
    login.sent_on(login.start())
    ((name, value),) = login.browser.cookies.items()
    login.browser.cookies.clear()
    sent = others.replace("OURS", f"{name}={value}").replace("NAME", name)
    header = {"Cookie": sent.encode("latin-1")}
    assert login.get(login.at("/"), headers=header).status_code == 200


def test_held_connections_do_not_use_up_the_programs_files(login: Login) -> None:
    login.start()
    port = port_of(login)
    with ExitStack() as held:
        for _ in range(HELD):
            held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        assert login.get(login.at("/enter/no")).status_code == 403
        assert held_by_us(port) < 100


def test_other_users_hold_no_connection_at_all(login: Login) -> None:
    login.start()
    port = port_of(login)

    def attack() -> int:
        held, closed = [], 0
        for _ in range(HELD):
            try:
                held.append(socket.create_connection(("127.0.0.1", port), timeout=10))
            except ConnectionResetError:  # before it was told that it is connected
                closed += 1
        for one in held:
            try:
                closed += one.recv(1) == b""
            except ConnectionResetError:
                closed += 1
            except TimeoutError:
                break
        return closed

    assert as_stranger(attack) == str(HELD)


def test_a_client_id_that_was_given_stays(login: Login) -> None:
    """Only a login that was begun without one asks for it."""
    sent_on = login.sent_on(login.start())
    guide = login.get(login.at("/"))
    key = re.search(r'name="key" value="([^"]+)"', guide.text)
    assert key is not None
    start = {"client_id": THEIRS, "key": key[1]}
    answer = login.get(login.at("/start"), params=start, allow_redirects=False)
    assert answer.status_code == 400
    assert THEIRS not in answer.text
    assert login.saved == []
    again = login.get(login.at("/start"), params={**start, "client_id": CLIENT})
    assert again.url.startswith(login.spotify.url)
    assert parse_qs(urlsplit(sent_on).query)["client_id"] == [CLIENT]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_the_rules_of_the_page_hold_for_the_login(login: Login, headers: dict[str, str]) -> None:
    url = login.start()
    given = {name: value.format(port=port_of(login)) for name, value in headers.items()}
    assert login.get(url, headers=given, allow_redirects=False).status_code == 403
    assert login.get(url, allow_redirects=False).status_code == 303, "and the link is not used up"


def test_only_the_page_itself_starts_and_keeps(login: Login) -> None:
    """A link elsewhere may lead to the callback, as Spotify's does; not to what changes things."""
    page = login.get(login.callback(login.start()))
    key = re.search(r'name="key" value="([^"]+)"', page.text)
    assert key is not None
    from_elsewhere = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    for path in ("/keep", "/start"):
        answer = login.get(
            login.at(path), params={"key": key[1], "answer": "no"}, headers=from_elsewhere
        )
        assert answer.status_code == 403
    login.keep(page)
    login.end()
    assert login.error is None
