"""The pretended Spotify, and the player in use over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.store.paths import Paths
from tests.app.manager_harness import ManagerHarness
from tests.fakes.spotify import FakeSpotify


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
