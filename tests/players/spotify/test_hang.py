"""While Spotify hangs the camera's picture flows on, and nothing else waits for it either."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.clock import SystemClock
from agent.events import Event, PlaybackChanged
from agent.players.backend import PlayerBackend
from agent.players.player_worker import PlayerWorker
from agent.players.spotify import factory, storage
from agent.players.spotify.token import Token
from agent.players.spotify.token_store import FileTokenStore
from agent.settings import Settings
from agent.store.paths import Paths
from agent.types import Box, Frame, FrameView, Playlist
from agent.vision.camera import OpenCVCamera
from agent.vision.watcher import Watcher
from tests.agent_process import CLIP, AgentProcess, run_command
from tests.fakes.spotify import EMOTIONS, FakeSpotify
from tests.vision.mjpeg import MjpegServer

HANG = 60.0
SPAN = 4.0
"""Seconds for which frames are counted, with and without the hang."""
PATIENCE = 45.0
"""Seconds after which a test gives up."""


class NobodyThere:
    """A detector and a classifier: this test is about the flow of frames."""

    def detect(self, frame: Frame, everybody: bool = False) -> list[Box]:
        return []

    def reset(self) -> None:
        """Nothing is remembered."""

    def predict(self, faces: object) -> NDArray[np.float32]:
        raise AssertionError("there is no face")


@pytest.fixture
def spotify() -> Iterator[FakeSpotify]:
    with FakeSpotify() as running:
        running.world.user.play("happy")
        yield running


@pytest.fixture
def paths(moodtray_home: Path, spotify: FakeSpotify) -> Paths:
    """Logged in at the fake, with a playlist for each mood."""
    found = Paths.default()
    found.ensure()
    now = SystemClock().now().isoformat()
    more = {"expires_at": now, "auth_date": now, "client_id": "client", "issuer": spotify.url}
    token = Token.from_dict({**spotify.accounts.give_login(), **more})
    assert token is not None
    FileTokenStore(storage.token_file(found)).save(token.to_dict())
    entries = [f'{e} = ["{spotify.world.catalogue[e].uri}"]' for e in EMOTIONS]
    found.settings_file.write_text(
        "\n".join(["[camera]", "interval = 0.5", "[spotify_playlists]", *entries, ""])
    )
    return found


@pytest.fixture
def worker(paths: Paths, spotify: FakeSpotify) -> Iterator[PlayerWorker]:
    """The player's thread with the real client, running."""
    clock = SystemClock()
    events: list[Event] = []
    player = factory.build_player(Settings(), paths, clock, spotify.url)
    running = PlayerWorker(PlayerBackend.remote(player, player.budget), events.append, clock)
    running.start()
    wait_until(lambda: any(isinstance(event, PlaybackChanged) for event in events))
    yield running
    running.request_stop()
    assert running.join(PATIENCE)


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def begin_to_hang(spotify: FakeSpotify) -> Callable[[], bool]:
    """No request is answered from now on; the result tells whether one waits for its answer."""
    before = len(spotify.world.sent)
    with spotify.service.lock:
        spotify.world.trouble("hang", times=None, seconds=HANG)
    return lambda: len(spotify.world.sent) > before


def test_the_preview_keeps_its_frame_rate(spotify: FakeSpotify, worker: PlayerWorker) -> None:
    shown: list[float] = []

    def tap(_: FrameView) -> None:
        shown.append(time.monotonic())

    def frames() -> int:
        before = len(shown)
        time.sleep(SPAN)
        return len(shown) - before

    nobody = NobodyThere()
    with MjpegServer(fps=30.0) as server:
        watcher = Watcher(
            lambda: OpenCVCamera(server.url), nobody, nobody, lambda _: None, SystemClock()
        )
        watcher.set_tap(tap)
        watcher.start()
        try:
            wait_until(lambda: len(shown) >= 30)
            before = frames()
            hangs = begin_to_hang(spotify)
            worker.retry()
            worker.play(Playlist(spotify.world.catalogue["sad"].uri, "Sad"), asked=True)
            wait_until(hangs)
            hanging = frames()
            with spotify.service.lock:
                spotify.world.troubles.clear()
            worker.retry()
            # The machine's load changes: what is normal is measured before and after.
            normal = (before + frames()) / 2
        finally:
            watcher.request_stop()
            assert watcher.join(PATIENCE)
    assert normal / SPAN > 5.0, "there was no picture to speak of"
    assert hanging / normal >= 0.9


def test_the_players_end_is_not_waited_for_longer_than_asked(
    spotify: FakeSpotify, worker: PlayerWorker
) -> None:
    hangs = begin_to_hang(spotify)
    worker.retry()
    wait_until(hangs)
    began = time.monotonic()
    worker.request_stop()
    assert not worker.join(0.2), "it waits for the answer"
    assert time.monotonic() - began < 3.0  # the client's own patience is 6 s


def test_the_agent_answers_and_ends_while_spotify_hangs(paths: Paths, spotify: FakeSpotify) -> None:
    hangs = begin_to_hang(spotify)  # from the very first request on
    with AgentProcess(
        "run", "--headless", "--events-json", "--camera", str(CLIP), "--spotify-url", spotify.url
    ) as agent:
        agent.wait_for(lambda line: line["event"] == "observation")
        wait_until(hangs)
        looked = len(agent.of("observation"))
        assert run_command("status", timeout=PATIENCE).returncode == 0
        wait_until(lambda: len(agent.of("observation")) > looked + 1)
        before = len(spotify.world.sent)
        wait_until(lambda: len(spotify.world.sent) > before)  # the next one has begun to hang
        assert agent.stop() < 4.0  # the client's own patience is 6 s
    assert agent.process.returncode == 0
