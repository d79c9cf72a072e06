"""Every fault at every call: which error, which words, and what is sent next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from agent.errors import (
    NeedsLogin,
    NoDevice,
    NotPremium,
    Offline,
    PlayerError,
    PlaylistGone,
    QuotaExceeded,
    RateLimited,
    ServiceDown,
)
from agent.players.spotify.start_request import start_of
from agent.types import Playlist
from tests.fakes.spotify import trouble
from tests.players.spotify.conftest import SpotifyHarness

CALLS: dict[str, tuple[str, str, Callable[[SpotifyHarness], object]]] = {
    "read": ("GET", "/me/player", lambda spotify: spotify.client.player()),
    "devices": ("GET", "/me/player/devices", lambda spotify: spotify.client.devices()),
    "playlist": (
        "GET",
        "/playlists/",
        lambda spotify: spotify.client.playlist(spotify.world.catalogue["happy"].id),
    ),
    "start": (
        "PUT",
        "/me/player/play",
        lambda spotify: spotify.client.start(
            start_of(Playlist(spotify.world.catalogue["happy"].uri, "happy")),
            spotify.world.devices[0].id,
        ),
    ),
    "resume": ("PUT", "/me/player/play", lambda spotify: spotify.client.resume()),
    "pause": ("PUT", "/me/player/pause", lambda spotify: spotify.client.pause()),
    "shuffle": (
        "PUT",
        "/me/player/shuffle",
        lambda spotify: spotify.client.shuffle(True, spotify.world.devices[0].id),
    ),
}
READS = ("read", "devices", "playlist")

Expected = tuple[type[PlayerError], str]

EVERYWHERE: dict[str, Expected] = {
    "401": (NeedsLogin, "Log in again"),
    "premium": (NotPremium, 'player = "local"'),
    "scope": (NeedsLogin, "lacks a permission"),
    "not registered": (NeedsLogin, "User Management"),
    "rate": (RateLimited, "goes on at 09:01"),
    "quota": (QuotaExceeded, "quota for your developer account"),
    "rate without header": (RateLimited, "goes on at 09:00"),
    "500": (ServiceDown, r"on its side \(500\)"),
    "502": (ServiceDown, r"on its side \(502\)"),
    "503": (ServiceDown, r"on its side \(503\)"),
    "redirect": (Offline, "log in first"),
    "drop": (ServiceDown, "broke off"),
    "drop midway": (ServiceDown, "broke off"),
    "drop after": (ServiceDown, "broke off"),
    "hang": (ServiceDown, "takes too long"),
}
READING: dict[str, Expected] = {
    "html": (PlayerError, "could not be understood"),
    "broken json": (PlayerError, "could not be understood"),
    "wrong json": (PlayerError, "could not be understood"),
    "empty": (PlayerError, "could not be understood"),
}
AT_PLAYER: dict[str, Expected] = {
    "no device": (NoDevice, "not open on any device"),
    "device not found": (NoDevice, "not open on any device"),
    "restricted": (PlayerError, "refuses this command"),
}
TWICE = {"401", "premium"}
TWICE_READING = TWICE | {"drop", "drop midway", "drop after"}


def cases() -> list[tuple[str, str, Expected | None]]:
    made: list[tuple[str, str, Expected | None]] = []
    for call, (_, path, _) in CALLS.items():
        for kind in trouble.KINDS:
            expected = EVERYWHERE.get(kind)
            if expected is None and call in READS:
                expected = READING.get(kind)
            if expected is None and path.startswith("/me/player"):
                expected = AT_PLAYER.get(kind)
            if call == "playlist" and kind in ("no device", "device not found"):
                expected = (PlaylistGone, "is gone")
            if call == "playlist" and kind == "restricted":
                expected = (PlayerError, "refuses this command")
            made.append((call, kind, expected))
    return made


@pytest.mark.parametrize(("call", "kind", "expected"), cases())
def test_fault_matrix(
    spotify: SpotifyHarness, call: str, kind: str, expected: Expected | None
) -> None:
    method, path, do = CALLS[call]
    spotify.world.user.play("sad")
    if call == "resume":
        spotify.world.user.pause()
    spotify.world.trouble(kind, path=f"/v1{path}", method=method, times=None, seconds=60)
    if expected is None:
        do(spotify)  # a slow answer, or a command's answer whose body is noise
    else:
        with pytest.raises(expected[0], match=expected[1]) as caught:
            do(spotify)
        assert type(caught.value).__module__.startswith("agent.")
        assert caught.value.title
        assert caught.value.__cause__ is None or isinstance(caught.value.__cause__, PlayerError)
    sent = [line for line in spotify.paths() if line.startswith(f"{method} {path}")]
    again = kind in (TWICE_READING if call in READS else TWICE)
    assert len(sent) == (2 if again else 1), sent


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["401", "premium"])
def test_passing_faults_pass(spotify: SpotifyHarness, call: str, kind: str) -> None:
    method, path, do = CALLS[call]
    spotify.world.user.play("sad")
    if call == "resume":
        spotify.world.user.pause()
    spotify.world.trouble(kind, path=f"/v1{path}", method=method, times=1)
    do(spotify)
    expected = 1 if kind == "401" else 0
    assert spotify.paths().count("POST /api/token") == expected


@pytest.mark.parametrize("call", CALLS)
def test_without_network(spotify: SpotifyHarness, call: str) -> None:
    spotify.transport.unplugged = True
    with pytest.raises(Offline, match="Check the internet connection"):
        CALLS[call][2](spotify)
    spotify.transport.unplugged = False
    CALLS["read"][2](spotify)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["rate", "quota"])
def test_a_wait_holds_for_every_call_and_survives_a_restart(
    spotify: SpotifyHarness, call: str, kind: str
) -> None:
    spotify.world.trouble(kind, path="/v1/me/player", seconds=46_800)
    with pytest.raises(RateLimited) as caught:
        spotify.client.player()
    assert caught.value.until == spotify.clock.now() + timedelta(hours=13)
    sent = len(spotify.world.sent)
    for wait in (0.0, 3600.0, 43_199.0):
        spotify.clock.advance(wait)
        spotify.restart()
        with pytest.raises(QuotaExceeded if kind == "quota" else RateLimited) as later:
            CALLS[call][2](spotify)
        assert later.value.until == caught.value.until
    assert len(spotify.world.sent) == sent
    spotify.clock.advance(1.0)
    spotify.client.player()


def test_a_free_account_is_told_so(spotify: SpotifyHarness) -> None:
    spotify.world.user.play("sad")
    spotify.world.premium = False
    with pytest.raises(NotPremium):
        spotify.player.play(Playlist(spotify.world.catalogue["happy"].uri, "happy"))
    spotify.player.playback()  # reading goes on


# --- the accounts service


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("500", ServiceDown, "login service"),
        ("503", ServiceDown, "login service"),
        ("rate", RateLimited, "asks us to wait"),
        ("hang", ServiceDown, "login service takes too long"),
        ("drop", ServiceDown, "login service broke off"),
        ("html", PlayerError, "could not be understood"),
        ("wrong json", PlayerError, "could not be understood"),
        ("redirect", PlayerError, "could not be understood"),
        ("drop after", ServiceDown, "broke off"),
    ],
)
def test_faults_of_a_renewal(
    spotify: SpotifyHarness, kind: str, error: type[PlayerError], words: str
) -> None:
    spotify.clock.advance(3600)
    spotify.world.trouble(kind, path="/api/token", seconds=60)
    with pytest.raises(error, match=words):
        spotify.player.playback()
    assert spotify.paths() == ["POST /api/token"]
    assert spotify.store.load() is not None  # a bad moment is no reason to log out


def test_the_token_is_renewed_when_it_is_old(spotify: SpotifyHarness) -> None:
    before = spotify.keeper.token()
    spotify.clock.advance(3599)
    spotify.player.playback()
    after = spotify.keeper.token()
    assert before is not None
    assert after is not None
    assert after.access != before.access
    assert after.refresh != before.refresh
    assert after.auth_date == before.auth_date
    assert spotify.paths() == ["POST /api/token", "GET /me/player"]


def test_a_dead_login_is_removed_and_nothing_more_is_sent(spotify: SpotifyHarness) -> None:
    spotify.accounts.revoke()
    with pytest.raises(NeedsLogin, match="has ended"):
        spotify.player.playback()
    assert spotify.paths() == ["GET /me/player", "POST /api/token"]
    assert spotify.store.load() is None
    with pytest.raises(NeedsLogin, match="not logged in"):
        spotify.player.playback()
    assert len(spotify.world.sent) == 2
