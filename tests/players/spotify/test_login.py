"""The login over real HTTP: guide, Spotify's page, callback, result; and all that goes wrong."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from agent.app import spotify_login
from agent.errors import NeedsLogin, SettingsError, StoreError
from agent.players.spotify import factory, storage
from agent.players.spotify.oauth import challenge_of, new_verifier
from agent.settings import Settings, SpotifySettings
from agent.store.paths import Paths
from agent.web.loopback import HOST
from tests.fakes.clock import FakeClock
from tests.fakes.spotify import FakeSpotify
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


def callback_of(url: str, answer: str = "agree") -> str:
    """Answer Spotify's page; the address to which it sends the browser."""
    page = requests.get(url, timeout=10)
    assert page.status_code == 200, page.text
    decide = re.search(rf'id="{answer}" href="([^"]+)"', page.text)
    assert decide is not None
    base = f"http://{urlsplit(url).netloc}"
    target = base + decide.group(1).replace("&amp;", "&")
    return requests.get(target, timeout=10, allow_redirects=False).headers["location"]


# --- the good way


def test_login_from_the_printed_address(login: Login) -> None:
    url = login.start()
    query = parse_qs(urlsplit(url).query)
    assert login.out == [url]  # alone on its line
    assert query["client_id"] == [CLIENT]
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"][0].startswith("http://127.0.0.1:")
    assert set(query["scope"][0].split()) == {
        "user-read-playback-state",
        "user-modify-playback-state",
        "user-read-currently-playing",
        "playlist-read-private",
    }
    page = requests.get(callback_of(url), timeout=10)
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
    assert login.told[-1].startswith("Logged in to Spotify. Now name a playlist for each mood")
    player = factory.build_player(
        Settings(), Paths.default(), login.clock, spotify_url=login.spotify.url
    )
    login.spotify.world.user.play("happy")
    assert player.playback().title == "The Stand-ins - Happy songs no. 1"
    player.close()


def test_with_playlists_nothing_more_is_asked_for(login: Login) -> None:
    playlists = {"happy": ("spotify:playlist:4Yq8sQyqQnPEvQ7uGqVpTr",)}
    login.settings = login.settings.model_copy(update={"spotify_playlists": playlists})
    requests.get(callback_of(login.start()), timeout=10)
    login.end()
    assert login.told[-1] == "Logged in to Spotify."


def test_a_given_client_id_is_kept(login: Login) -> None:
    login.settings = Settings(spotify=SpotifySettings(port=0))
    login.client_id = f"  {CLIENT} "
    requests.get(callback_of(login.start()), timeout=10)
    login.end()
    assert login.saved == [CLIENT]
    assert login.error is None


def test_the_guide_takes_the_client_id_and_goes_on_to_spotify(login: Login) -> None:
    login.settings = Settings(spotify=SpotifySettings(port=0))
    login.no_browser = False
    url = login.start()
    assert login.opened == [url]
    assert login.out == []
    guide = requests.get(url, timeout=10)
    assert "developer.spotify.com/dashboard" in guide.text
    assert "http://127.0.0.1/callback" in guide.text  # any port: registered without one
    assert "frame-ancestors 'none'" in guide.headers["content-security-policy"]
    assert guide.headers["cache-control"] == "no-store"
    assert guide.headers["referrer-policy"] == "no-referrer"
    key = re.search(r'name="key" value="([^"]+)"', guide.text)
    assert key is not None
    start = {"client_id": f" {CLIENT}\n", "key": key.group(1)}
    sent_on = requests.get(url + "start", params=start, timeout=10, allow_redirects=False)
    assert sent_on.status_code == 303
    requests.get(callback_of(sent_on.headers["location"]), timeout=10)
    login.end()
    assert login.error is None
    assert login.saved == [CLIENT]


def test_the_address_is_told_beside_the_browser(login: Login) -> None:
    """One may take it and show nothing."""
    login.no_browser = False
    url = login.start()
    requests.get(callback_of(url), timeout=10)
    login.end()
    assert login.opened == [url]
    assert login.out == []
    assert f"If no page opened: {url}" in login.told


def test_a_fixed_port_is_told_with_the_port(service: FakeSpotify) -> None:
    port = free_port()
    login = Login(service, FakeClock(), Settings(spotify=SpotifySettings(port=port)))
    login.no_browser = False
    guide = requests.get(login.start(), timeout=10)
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
    key = re.search(r'name="key" value="([^"]+)"', requests.get(url, timeout=10).text)
    assert key is not None
    query = {"client_id": CLIENT, "key": key.group(1), **change}
    answer = requests.get(url + "start", params=query, timeout=10, allow_redirects=False)
    assert answer.status_code == 400
    assert words in answer.text
    assert login.saved == []


def test_what_is_entered_is_shown_as_text(login: Login) -> None:
    login.settings = Settings(spotify=SpotifySettings(port=0))
    login.no_browser = False
    url = login.start()
    key = re.search(r'name="key" value="([^"]+)"', requests.get(url, timeout=10).text)
    assert key is not None
    query = {"client_id": '"><script>alert(1)</script>', "key": key.group(1)}
    assert "<script>alert" not in requests.get(url + "start", params=query, timeout=10).text


def test_other_names_for_this_computer_are_turned_away(login: Login) -> None:
    url = urlsplit(login.start())
    redirect = urlsplit(parse_qs(url.query)["redirect_uri"][0])
    answer = requests.get(
        f"http://127.0.0.1:{redirect.port}/", headers={"Host": "rebound.example"}, timeout=10
    )
    assert answer.status_code == 400


# --- what goes wrong


def test_a_denial_is_told_on_the_page_and_in_the_terminal(login: Login) -> None:
    page = requests.get(callback_of(login.start(), "cancel"), timeout=10)
    assert "The login was cancelled" in page.text
    assert "nothing was stored" in page.text
    login.end()
    assert isinstance(login.error, NeedsLogin)
    assert "moodtray login" in login.error.message
    assert token() is None


def test_a_wrong_state_changes_nothing_and_the_login_goes_on(login: Login) -> None:
    url = login.start()
    callback = callback_of(url)
    base = callback.split("?")[0]
    for wrong in ({"code": "x", "state": "guessed"}, {"code": "x"}, {"error": "access_denied"}):
        page = requests.get(base, params=wrong, timeout=10)
        assert page.status_code == 400
        assert "belongs to no login" in page.text
    assert any("belongs to no login" in line for line in login.told)
    assert token() is None
    requests.get(callback, timeout=10)
    login.end()
    assert login.error is None
    assert token() is not None


def test_a_callback_works_once(login: Login) -> None:
    callback = callback_of(login.start())
    # The result page is not fetched, so that the server lingers for the second use.
    requests.get(callback, timeout=10, allow_redirects=False)
    again = requests.get(callback, timeout=10, allow_redirects=False)
    assert again.status_code == 400
    assert "already answered" in again.text
    login.end()
    assert login.error is None
    assert [s.path for s in login.spotify.world.sent].count("/api/token") == 1


def test_after_five_minutes_it_is_given_up(login: Login) -> None:
    callback = callback_of(login.start())
    login.clock.advance(301)
    login.end()
    assert isinstance(login.error, NeedsLogin)
    assert login.error.title == "The login took too long"
    with pytest.raises(requests.ConnectionError):
        requests.get(callback, timeout=10)
    assert token() is None


def test_an_expired_code_is_told(login: Login) -> None:
    callback = callback_of(login.start())
    login.spotify.accounts.expire_codes()
    page = requests.get(callback, timeout=10)
    assert "The login has expired" in page.text
    login.end()
    assert isinstance(login.error, NeedsLogin)
    assert "too old or was used before" in login.error.message
    assert token() is None


def test_another_programs_verifier_does_not_fit(login: Login) -> None:
    """PKCE: who catches the code cannot use it."""
    callback = callback_of(login.start())
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
    callback = callback_of(login.start())
    login.spotify.world.trouble(trouble, path="/api/token")
    assert words in requests.get(callback, timeout=20).text
    login.end()
    assert login.error is not None
    assert words in login.error.message
    assert token() is None


def test_an_unknown_client_id_is_told(login: Login) -> None:
    callback = callback_of(login.start())
    login.spotify.accounts.known_clients = set()
    assert "does not know this client ID" in requests.get(callback, timeout=10).text
    login.end()


def test_a_missing_permission_is_told(login: Login) -> None:
    url = login.start().replace("playlist-read-private", "")
    assert (
        "no permission for playlist-read-private" in requests.get(callback_of(url), timeout=10).text
    )
    login.end()
    assert token() is None


def test_a_login_that_cannot_be_stored_is_told(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr("agent.store.jsonfile.write_atomic", full)
    assert "The disk is full" in requests.get(callback_of(login.start()), timeout=10).text
    login.end()
    assert isinstance(login.error, StoreError)


def test_a_defect_ends_the_login_and_shows_nothing_of_its_inside(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr("agent.players.spotify.oauth.Accounts.exchange", broken)
    page = requests.get(callback_of(login.start()), timeout=10).text
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
    requests.get(callback_of(url), timeout=10)
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
    redirect = parse_qs(urlsplit(login.start()).query)["redirect_uri"][0]
    login.cancelled.set()
    login.end()
    assert isinstance(login.error, NeedsLogin)
    with pytest.raises(requests.ConnectionError):
        requests.get(redirect, timeout=5)


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
    redirect = parse_qs(urlsplit(login.start()).query)["redirect_uri"][0]
    page = requests.get(redirect.replace("/callback", "/done"), timeout=10)
    assert urlsplit(page.url).path == "/"


def test_only_this_computer_is_listened_to(login: Login) -> None:
    redirect = urlsplit(parse_qs(urlsplit(login.start()).query)["redirect_uri"][0])
    assert HOST == "127.0.0.1"
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
