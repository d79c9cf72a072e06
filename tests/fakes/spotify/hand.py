"""The hand of the user in the Spotify app."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fakes.spotify.world import World


class UserHand:
    """What somebody does in the Spotify app; readings show it at once."""

    def __init__(self, world: World) -> None:
        self._world = world

    def play(self, playlist: str, device: str | None = None) -> None:
        """``playlist``: a seed of the catalogue."""
        world = self._world
        chosen = world.device(device) if device else world.active() or world.devices[0]
        assert chosen is not None, device
        world.play(world.catalogue[playlist], chosen)

    def pause(self) -> None:
        self._world.set(replace(self._world.truth(), playing=False))

    def resume(self) -> None:
        state = self._world.truth()
        self._world.set(replace(state, playing=bool(state.tracks)))

    def skip(self) -> None:
        state = self._world.truth()
        if state.tracks:
            index = (state.index + 1) % len(state.tracks)
            self._world.set(replace(state, index=index, progress=0.0))

    def seek(self, seconds: float) -> None:
        self._world.set(replace(self._world.truth(), progress=seconds))

    def move_to(self, device: str) -> None:
        self._world.set(replace(self._world.truth(), device=device))

    def close(self, device: str) -> None:
        """Quit Spotify there; music stops with it."""
        found = self._world.device(device)
        assert found is not None, device
        found.online = False
        state = self._world.truth()
        if state.device == device:
            self._world.set(replace(state, playing=False))

    def open(self, device: str) -> None:
        found = self._world.device(device)
        assert found is not None, device
        found.online = True
