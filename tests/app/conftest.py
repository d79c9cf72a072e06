"""The pretended Spotify and the player in use over it, a webcam, and a place without a desktop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.store.paths import Paths
from tests.app.manager_harness import ManagerHarness
from tests.fakes.spotify import FakeSpotify
from tests.vision.mjpeg import MjpegServer


@pytest.fixture
def spotify() -> Iterator[FakeSpotify]:
    """The pretended Spotify, on a port of its own."""
    with FakeSpotify() as running:
        yield running


@pytest.fixture
def harness(moodtray_home: Path, spotify: FakeSpotify) -> Iterator[ManagerHarness]:
    """The player in use over it; ended after the test."""
    paths = Paths.default()
    paths.ensure()
    made = ManagerHarness(paths, spotify)
    yield made
    made.stop()


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave what is started here without a screen and a session bus."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def webcam() -> Iterator[MjpegServer]:
    """A camera in the network, which counts who looks through it."""
    with MjpegServer() as server:
        yield server
