"""The Spotify to test against is itself tested: over real sockets, and against the contract."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from agent.errors import Offline, PlayerError, ServiceDown
from agent.players.spotify import factory, oauth, storage, transport
from agent.players.spotify.player import SpotifyPlayer
from agent.players.spotify.token import Token
from agent.settings import Settings
from agent.store.paths import Paths
from agent.types import Playlist, PlayState
from tests.fakes.clock import FakeClock
from tests.fakes.spotify import FakeSpotify
from tests.fakes.spotify.catalogue import Catalogue
from tests.fakes.spotify.world import World


@pytest.fixture
def server() -> Iterator[FakeSpotify]:
    with FakeSpotify(FakeClock()) as spotify:
        yield spotify
        assert spotify.world.violations == []


@pytest.fixture
def player(server: FakeSpotify) -> Iterator[SpotifyPlayer]:
    settings, paths, clock = Settings(), Paths.default(), server.world.clock
    given = server.accounts.give_login("c")
    now = clock.now().isoformat()
    token = {**given, "expires_at": now, "auth_date": now, "client_id": "c", "issuer": server.url}
    assert Token.from_dict(token) is not None
    storage.token_store(settings, paths).save(token)
    made = factory.build_player(settings, paths, clock, spotify_url=server.url)
    yield made
    made.close()


def test_the_whole_way_over_sockets(server: FakeSpotify, player: SpotifyPlayer) -> None:
    server.world.user.play("sad", "Kitchen")
    player.play(Playlist(server.world.catalogue["happy"].uri, "happy"))
    read = player.playback()
    assert (read.state, read.device, read.context_name) == (
        PlayState.PLAYING,
        "Kitchen",
        "Happy songs",
    )


def test_dropped_connections_over_sockets(server: FakeSpotify, player: SpotifyPlayer) -> None:
    server.world.user.play("sad")
    player.playback()
    for kind in ("drop", "drop midway"):
        server.world.trouble(kind, path="/v1/me/player")
        assert player.playback().state is PlayState.PLAYING  # a reading is tried once more
        server.world.trouble(kind, path="/v1/me/player", times=2)
        with pytest.raises(ServiceDown, match="broke off"):
            player.playback()


def test_a_command_whose_answer_is_lost_is_not_repeated(
    server: FakeSpotify, player: SpotifyPlayer
) -> None:
    server.world.user.play("sad")
    server.world.trouble("drop after", path="/v1/me/player/play")
    with pytest.raises(ServiceDown):
        player.play(Playlist(server.world.catalogue["happy"].uri, "happy"))
    assert len(server.world.calls("PUT", "/v1/me/player/play")) == 1
    assert server.world.truth().context == server.world.catalogue["happy"].uri


def test_a_hanging_server_is_left_after_the_time_out(
    server: FakeSpotify, player: SpotifyPlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    player.playback()
    monkeypatch.setattr(transport, "TIMEOUT", (1.0, 0.3))
    server.world.trouble("hang", path="/v1/me/player", seconds=60)
    begun = time.monotonic()
    with pytest.raises(ServiceDown, match="takes too long"):
        player.playback()
    assert time.monotonic() - begun < 30


def test_time_outs_are_within_what_a_player_may_block() -> None:
    assert sum(oauth.TIMEOUT) <= 10
    assert vars(transport)["TIMEOUT"] == oauth.TIMEOUT


def test_a_server_that_is_not_there_is_offline(server: FakeSpotify, player: SpotifyPlayer) -> None:
    player.playback()
    server.__exit__(None, None, None)
    with pytest.raises((Offline, ServiceDown)):
        player.playback()
    with pytest.raises(Offline, match="Check the internet connection"):
        player.playback()


def test_a_redirect_is_not_followed_with_the_token(
    server: FakeSpotify, player: SpotifyPlayer
) -> None:
    server.world.trouble("redirect", path="/v1/me/player")
    with pytest.raises(Offline, match="log in first"):
        player.playback()


def test_tests_reach_the_world_over_http(server: FakeSpotify, player: SpotifyPlayer) -> None:
    def door(path: str, **body: object) -> requests.Response:
        return requests.post(f"{server.url}/_test/{path}", json=body or None, timeout=10)

    assert door("user/play?argument=happy&device=Kitchen").status_code == 200
    state = requests.get(f"{server.url}/_test/state", timeout=10).json()
    assert (state["playing"], state["playlist"], state["device"]) == (
        True,
        "Happy songs",
        "Kitchen",
    )
    door("settings", premium=False, rotate=False)
    assert not server.world.premium
    assert not server.accounts.rotate
    assert door("settings", nonsense=1).status_code == 404
    assert door("user/dance").status_code == 404
    assert door("nonsense").status_code == 404
    door("trouble/503?path=/v1/me/player&times=0")
    with pytest.raises(ServiceDown):
        player.playback()
    door("calm")
    assert player.playback().state is PlayState.PLAYING
    door("expire_access")
    player.playback()
    sent = requests.get(f"{server.url}/_test/requests?since=0", timeout=10).json()
    assert [entry["path"] for entry in sent].count("/api/token") == 2
    door("revoke")
    with pytest.raises(PlayerError):
        player.playback()


def test_it_starts_by_hand() -> None:
    command = [sys.executable, "-m", "tests.fakes.spotify", "--port", "0", "--play", "sad"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    ) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().split()[-1]
            state = requests.get(f"{url}/_test/state", timeout=10).json()
            assert state["playlist"] == "Sad songs"
        finally:
            process.terminate()


# --- the world


def test_commands_show_late_and_the_users_hand_wins() -> None:
    clock = FakeClock()
    world = World(clock, lag=2.0)
    world.user.play("sad")
    world.play(world.catalogue["happy"], world.devices[0], lag=world.lag)
    seen = world.seen()
    assert seen is not None
    assert seen.context == world.catalogue["sad"].uri
    assert world.truth().context == world.catalogue["happy"].uri
    clock.advance(1)
    world.user.play("angry")
    for _ in range(3):
        seen = world.seen()
        assert seen is not None
        assert seen.context == world.catalogue["angry"].uri
        clock.advance(1)


def test_tracks_follow_one_another_and_the_playlist_ends() -> None:
    clock = FakeClock()
    world = World(clock, Catalogue(track_seconds=100, tracks_each=3))  # 100, 103, 106 s
    world.user.play("sad")
    clock.advance(100 + 50)
    assert (world.truth().index, world.truth().progress) == (1, 50)
    clock.advance(53 + 106 - 1)
    assert (world.truth().index, world.truth().playing) == (2, True)
    clock.advance(1)
    assert (world.truth().index, world.truth().playing, world.truth().progress) == (0, False, 0)
    assert world.active() is not None
    clock.advance(world.sleeps_after + 1)
    assert world.seen() is None
    assert world.active() is None


def test_limits_of_the_server() -> None:
    clock = FakeClock()
    world = World(clock, rate_limit=3, daily_quota=6)
    assert [world.over_limit() for _ in range(4)] == [None] * 3 + [("rate", 10.0)]
    clock.advance(30)
    assert [world.over_limit() for _ in range(3)] == [None, None, ("quota", 46_800.0)]
