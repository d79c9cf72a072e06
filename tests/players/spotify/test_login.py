"""The login over real HTTP: guide, Spotify's page, callback, result; and all that goes wrong."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import secrets
import socket
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from agent.addresses import LOOPBACK
from agent.app import spotify_login
from agent.errors import NeedsLogin, SettingsError, StoreError
from agent.players.spotify import factory, storage
from agent.players.spotify.oauth import challenge_of, new_verifier
from agent.settings import Settings, SpotifySettings
from agent.store.paths import Paths
from tests.fakes.clock import FakeClock
from tests.fakes.spotify import FakeSpotify
from tests.fakes.spotify.service import json_reply
from tests.players.spotify.logins import CLIENT, Login


@pytest.fixture
def service() -> Iterator[FakeSpotify]:
    with FakeSpotify(FakeClock()) as spotify:
        yield spotify
        assert spotify.world.violations == []


@pytest.fixture
def login(service: FakeSpotify) -> Iterator[Login]:
    clock = service.world.clock
    assert isinstance(clock, FakeClock)
    made = Login(service, clock)
    yield made
    made.cancelled.set()
    made.end()


def token() -> dict[str, object] | None:
    return storage.token_store(Settings(), Paths.default()).load()


# --- the good way


def test_login_from_the_printed_address(login: Login) -> None:
    url = login.start()
    assert login.out == [url]  # alone on its line
    sent_on = login.get(url, allow_redirects=False).headers["location"]
    query = parse_qs(urlsplit(sent_on).query)
    assert query["client_id"] == [CLIENT]
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"][0].startswith("http://127.0.0.1:")
    assert set(query["scope"][0].split()) == {
        "user-read-playback-state",
        "user-modify-playback-state",
        "user-read-currently-playing",
        "playlist-read-private",
    }
    asked = login.get(login.callback(sent_on))
    assert '<p class="account" id="account">Sam</p>' in asked.text
    assert token() is None, "nothing is kept before the user has seen whose it is"
    assert urlsplit(asked.url).query == ""
    page = login.keep(asked)
    assert "Done, you may close this" in page.text
    assert urlsplit(page.url).path == "/done"  # no code stays in the address bar
    assert urlsplit(page.url).query == ""
    login.end()
    assert login.error is None
    stored = token()
    assert stored is not None
    assert stored["client_id"] == CLIENT
    assert stored["auth_date"] == login.clock.now().isoformat()
    assert login.saved == []  # it was known
    assert login.told[-1].startswith(
        "Logged in to Spotify. Now choose playlists under 'Music for my moods'"
    )
    player = factory.build_player(
        Settings(), Paths.default(), login.clock, spotify_url=login.spotify.url
    )
    login.spotify.world.user.play("happy")
    assert player.playback().title == "The Stand-ins - Happy songs no. 1"
    player.close()


def test_with_playlists_nothing_more_is_asked_for(login: Login) -> None:
    playlists = {"happy": ("spotify:playlist:4Yq8sQyqQnPEvQ7uGqVpTr",)}
    login.settings = login.settings.model_copy(update={"spotify_playlists": playlists})
    login.agree(login.start())
    login.end()
    assert login.told[-1] == "Logged in to Spotify."


def test_a_given_client_id_is_kept(login: Login) -> None:
    login.settings = Settings(spotify=SpotifySettings(port=0))
    login.client_id = f"  {CLIENT} "
    login.agree(login.start())
    login.end()
    assert login.saved == [CLIENT]
    assert login.error is None


def test_the_guide_takes_the_client_id_and_goes_on_to_spotify(login: Login) -> None:
    login.settings = Settings(spotify=SpotifySettings(port=0))
    login.no_browser = False
    url = login.start()
    assert login.opened == [url]
    assert url.startswith("file:"), "what a browser is started with, all users can read"
    assert login.out == []
    guide = login.get(url, timeout=10)
    assert "developer.spotify.com/dashboard" in guide.text
    assert "http://127.0.0.1/callback" in guide.text  # any port: registered without one
    assert "frame-ancestors 'none'" in guide.headers["content-security-policy"]
    assert guide.headers["cache-control"] == "no-store"
    assert guide.headers["referrer-policy"] == "no-referrer"
    key = re.search(r'name="key" value="([^"]+)"', guide.text)
    assert key is not None
    start = {"client_id": f" {CLIENT}\n", "key": key.group(1)}
    sent_on = login.get(login.at("/start"), params=start, timeout=10, allow_redirects=False)
    assert sent_on.status_code == 303
    login.agree(sent_on.headers["location"])
    login.end()
    assert login.error is None
    assert login.saved == [CLIENT]


def test_the_address_is_told_beside_the_browser(login: Login) -> None:
    """One may take it and show nothing."""
    login.no_browser = False
    url = login.start()
    file = Paths.default().runtime / f"login-{os.getpid()}.html"
    assert url == file.as_uri()
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    login.agree(url)
    login.end()
    assert login.opened == [url]
    assert login.out == []
    assert f"If no page opened: {login.at('/enter/')}" in "".join(login.told)
    assert not file.exists()


def test_a_fixed_port_is_told_with_the_port(service: FakeSpotify) -> None:
    port = free_port()
    login = Login(service, FakeClock(), Settings(spotify=SpotifySettings(port=port)))
    login.no_browser = False
    guide = login.get(login.start(), timeout=10)
    assert f"http://127.0.0.1:{port}/callback" in guide.text
    login.cancelled.set()
    login.end()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"client_id": "https://developer.spotify.com/"}, "no client ID"),
        ({"client_id": ""}, "no client ID"),
        ({"key": "guessed"}, "own button"),
        ({"key": ""}, "own button"),
    ],
)
def test_the_guide_refuses_what_is_wrong(login: Login, change: dict[str, str], words: str) -> None:
    login.settings = Settings(spotify=SpotifySettings(port=0))
    login.no_browser = False
    url = login.start()
    key = re.search(r'name="key" value="([^"]+)"', login.get(url, timeout=10).text)
    assert key is not None
    query = {"client_id": CLIENT, "key": key.group(1), **change}
    answer = login.get(login.at("/start"), params=query, timeout=10, allow_redirects=False)
    assert answer.status_code == 400
    assert words in answer.text
    assert login.saved == []


def test_what_is_entered_is_shown_as_text(login: Login) -> None:
    login.settings = Settings(spotify=SpotifySettings(port=0))
    login.no_browser = False
    url = login.start()
    key = re.search(r'name="key" value="([^"]+)"', login.get(url, timeout=10).text)
    assert key is not None
    query = {"client_id": '"><script>alert(1)</script>', "key": key.group(1)}
    assert "<script>alert" not in login.get(login.at("/start"), params=query, timeout=10).text


def test_other_names_for_this_computer_are_turned_away(login: Login) -> None:
    url = login.start()
    for path in ("/", urlsplit(url).path):
        answer = login.get(login.at(path), headers={"Host": "rebound.example"})
        assert answer.status_code == 403


# --- other users of the computer, and other programs


def test_another_browser_does_not_get_into_a_waiting_login(login: Login) -> None:
    """Whoever finds the port, and even the callback, has not the cookie of the user's browser."""
    login.settings = Settings(spotify=SpotifySettings(port=0))
    login.no_browser = False
    guide = login.get(login.start())
    key = re.search(r'name="key" value="([^"]+)"', guide.text)
    assert key is not None
    sent_on = login.get(
        login.at("/start"), params={"client_id": CLIENT, "key": key.group(1)}, allow_redirects=False
    ).headers["location"]
    callback = login.callback(sent_on)
    stranger = requests.Session()
    stranger.cookies.set(f"moodtray-login-{urlsplit(callback).port}", "guessed")
    for url in (
        login.at("/"),
        login.at(f"/start?client_id={CLIENT}&key={key.group(1)}"),
        callback,
        login.at("/account"),
        login.at(f"/keep?key={key.group(1)}&answer=yes"),
        login.at("/done"),
        login.at("/enter/guessed"),
    ):
        for browser in (requests.Session(), stranger):
            answer = browser.get(url, timeout=10, allow_redirects=False)
            assert answer.status_code == 403, url
            assert key.group(1) not in answer.text
            assert "Sam" not in answer.text
    assert login.saved == [CLIENT]
    assert token() is None
    login.keep(login.get(callback))
    login.end()
    assert login.error is None


def test_the_link_works_once(login: Login) -> None:
    url = login.start()
    assert login.get(url).status_code == 200
    again = requests.get(url, timeout=10, allow_redirects=False)
    assert again.status_code == 403
    assert "its link works once" in again.text
    assert not again.cookies


def test_the_link_works_once_for_two_who_bring_it_at_one_time(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = login.start()
    both = threading.Barrier(2)

    def compare(one: bytes, other: bytes) -> bool:
        same = secrets.compare_digest(one, other)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(2.0)  # who is let in alone waits for nobody who comes
        return same

    slow = SimpleNamespace(compare_digest=compare, token_urlsafe=secrets.token_urlsafe)
    monkeypatch.setattr("agent.web.login.secrets", slow)
    with ThreadPoolExecutor(2) as browsers:
        ask = partial(requests.get, timeout=30, allow_redirects=False)
        answers = list(browsers.map(ask, [url, url]))
    assert sorted(bool(answer.cookies) for answer in answers) == [False, True]


def test_the_cookie_is_for_this_server_and_no_script(login: Login) -> None:
    answer = login.get(login.start(), allow_redirects=False)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert cookie.startswith(f"moodtray-login-{urlsplit(login.at('/')).port}=")


def test_another_account_is_not_kept(login: Login) -> None:
    page = login.keep(login.get(login.callback(login.start())), answer="no")
    assert "Not this account" in page.text
    login.end()
    assert isinstance(login.error, NeedsLogin)
    assert token() is None


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a" * 5_000, ""])
def test_an_account_of_any_name_is_shown_as_text(
    login: Login, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tests.fakes.spotify.service.Service._me",
        lambda _: json_reply(200, {"display_name": name, "id": "sam"}),
    )
    page = login.get(login.callback(login.start())).text
    assert "<script>alert" not in page
    assert len(page) < 12_000
    assert name or "sam" in page


def test_an_account_that_may_not_use_the_app_is_told(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tests.fakes.spotify.service.Service._me",
        lambda _: json_reply(403, {"error": {"status": 403, "message": "no"}}),
    )
    page = login.get(login.callback(login.start())).text
    assert "This account is not allowed" in page
    login.end()
    assert token() is None


# --- what goes wrong


def test_a_denial_is_told_on_the_page_and_in_the_terminal(login: Login) -> None:
    page = login.get(login.callback(login.start(), "cancel"), timeout=10)
    assert "The login was cancelled" in page.text
    assert "nothing was stored" in page.text
    login.end()
    assert isinstance(login.error, NeedsLogin)
    assert "moodtray login" in login.error.message
    assert token() is None


def test_a_wrong_state_changes_nothing_and_the_login_goes_on(login: Login) -> None:
    url = login.start()
    callback = login.callback(url)
    base = callback.split("?")[0]
    for wrong in ({"code": "x", "state": "guessed"}, {"code": "x"}, {"error": "access_denied"}):
        page = login.get(base, params=wrong, timeout=10)
        assert page.status_code == 400
        assert "belongs to no login" in page.text
    assert any("belongs to no login" in line for line in login.told)
    assert token() is None
    login.keep(login.get(callback))
    login.end()
    assert login.error is None
    assert token() is not None


def test_a_callback_works_once(login: Login) -> None:
    callback = login.callback(login.start())
    asked = login.get(callback)
    again = login.get(callback, timeout=10, allow_redirects=False)
    assert again.status_code == 400
    assert "already answered" in again.text
    login.keep(asked)
    login.end()
    assert login.error is None
    assert [s.path for s in login.spotify.world.sent].count("/api/token") == 1


def test_after_five_minutes_it_is_given_up(login: Login) -> None:
    callback = login.callback(login.start())
    login.clock.advance(301)
    login.end()
    assert isinstance(login.error, NeedsLogin)
    assert login.error.title == "The login took too long"
    with pytest.raises(requests.ConnectionError):
        login.get(callback, timeout=10)
    assert token() is None


def test_an_expired_code_is_told(login: Login) -> None:
    callback = login.callback(login.start())
    login.spotify.accounts.expire_codes()
    page = login.get(callback, timeout=10)
    assert "The login has expired" in page.text
    login.end()
    assert isinstance(login.error, NeedsLogin)
    assert "too old or was used before" in login.error.message
    assert token() is None


def test_another_programs_verifier_does_not_fit(login: Login) -> None:
    """PKCE: who catches the code cannot use it."""
    callback = login.callback(login.start())
    code = parse_qs(urlsplit(callback).query)["code"][0]
    stolen = {
        "grant_type": "authorization_code",
        "client_id": CLIENT,
        "code": code,
        "redirect_uri": callback.split("?")[0],
        "code_verifier": new_verifier(),
    }
    answer = requests.post(f"{login.spotify.url}/api/token", data=stolen, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("503", "has a problem"),
        ("drop", "broke off"),
        ("html", "could not be understood"),
        ("rate", "asks us to wait"),
    ],
)
def test_a_failing_exchange_is_told(login: Login, trouble: str, words: str) -> None:
    callback = login.callback(login.start())
    login.spotify.world.trouble(trouble, path="/api/token")
    assert words in login.get(callback, timeout=20).text
    login.end()
    assert login.error is not None
    assert words in login.error.message
    assert token() is None


def test_an_unknown_client_id_is_told(login: Login) -> None:
    callback = login.callback(login.start())
    login.spotify.accounts.known_clients = set()
    assert "does not know this client ID" in login.get(callback, timeout=10).text
    login.end()


def test_a_missing_permission_is_told(login: Login) -> None:
    url = login.sent_on(login.start()).replace("playlist-read-private", "")
    assert (
        "no permission for playlist-read-private" in login.get(login.callback(url), timeout=10).text
    )
    login.end()
    assert token() is None


def test_a_login_that_cannot_be_stored_is_told(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr("agent.store.jsonfile.write_private", full)
    assert "The disk is full" in login.agree(login.start()).text
    login.end()
    assert isinstance(login.error, StoreError)


def test_a_defect_ends_the_login_and_shows_nothing_of_its_inside(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr("agent.players.spotify.oauth.Accounts.exchange", broken)
    page = login.get(login.callback(login.start()), timeout=10).text
    assert "defect in Moodtray" in page
    assert "inside" not in page
    login.end()
    assert isinstance(login.error, NeedsLogin)


def test_a_taken_port_is_told(service: FakeSpotify) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        login = Login(service, FakeClock())
        login.settings = Settings(spotify=SpotifySettings(port=port, client_id=CLIENT))
        with pytest.raises(IndexError):
            login.start()
        login.end()
    assert isinstance(login.error, NeedsLogin)
    assert f"Port {port}" in login.error.message
    assert "another login of Moodtray" in login.error.message


def test_a_browser_that_cannot_open_leaves_the_address(login: Login) -> None:
    login.no_browser = False
    login.opens = False
    url = login.start()
    assert login.out == [url]
    assert "Open this address yourself" in login.told[0]
    login.agree(url)
    login.end()
    assert login.error is None


def test_without_a_screen_no_browser_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    assert not spotify_login._open_browser("http://127.0.0.1/")
    assert opened == []
    monkeypatch.setenv("DISPLAY", ":0")
    assert spotify_login._open_browser("http://127.0.0.1/")


def test_cancelling_ends_the_server(login: Login) -> None:
    redirect = login.start()
    login.cancelled.set()
    login.end()
    assert isinstance(login.error, NeedsLogin)
    with pytest.raises(requests.ConnectionError):
        login.get(redirect, timeout=5)


def test_without_a_client_id_the_terminal_gets_the_guide(login: Login) -> None:
    login.settings = Settings()
    with pytest.raises(IndexError):
        login.start()
    assert isinstance(login.error, NeedsLogin)
    assert "http://127.0.0.1:8888/callback" in login.error.message
    assert "moodtray login --client-id" in login.error.message
    login.error = None
    with pytest.raises(SettingsError, match="no client ID"):
        spotify_login.login(
            Settings(), Paths.default(), FakeClock(), client_id="a b", save_client_id=print
        )


def test_an_early_look_at_the_result_leads_to_the_guide(login: Login) -> None:
    login.settings = Settings(spotify=SpotifySettings(port=0))
    login.no_browser = False
    login.get(login.start())
    for path in ("/done", "/account"):
        assert urlsplit(login.get(login.at(path)).url).path == "/"


def test_only_this_computer_is_listened_to(login: Login) -> None:
    redirect = urlsplit(login.start())
    assert LOOPBACK == "127.0.0.1"
    assert redirect.port is not None
    connection = http.client.HTTPConnection("127.0.0.2", redirect.port, timeout=5)
    with pytest.raises(OSError):
        connection.request("GET", "/")


# --- PKCE


def test_the_challenge_is_that_of_the_standard() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert 43 <= len(new_verifier()) <= 128
    assert new_verifier() != new_verifier()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
