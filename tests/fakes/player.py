"""A player whose time, listeners and troubles tests drive. Keeps the contract of ports.Player."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace

from agent.errors import NoDevice, PlayerError, PlaylistGone
from agent.ports import Clock
from agent.types import Playback, Playlist, PlayState


@dataclass(frozen=True)
class FakeTrack:
    id: str
    duration: float = 200.0


def album(uri: str, tracks: int = 10, duration: float = 200.0) -> tuple[FakeTrack, ...]:
    """So many tracks called ``uri/1``, ``uri/2``, ..."""
    return tuple(FakeTrack(f"{uri}/{number}", duration) for number in range(1, tracks + 1))


@dataclass(frozen=True)
class _Scene:
    """What plays, as of ``time``; the present is derived from it and the clock."""

    time: float
    state: PlayState = PlayState.STOPPED
    context: str | None = None
    index: int = 0
    position: float = 0.0


class FakePlayer:
    """``lag`` seconds pass until a command shows in readings, as with Spotify; ``deaf`` commands
    are accepted and have no effect. Unknown playlists are PlaylistGone."""

    def __init__(
        self,
        clock: Clock,
        library: dict[str, tuple[FakeTrack, ...]] | None = None,
        *,
        name: str = "Fake player",
        lag: float = 0.0,
        repeat: bool = False,
    ) -> None:
        self.name = name
        self.clock = clock
        self.library = library or {uri: album(uri) for uri in ("a", "b", "c")}
        self.lag = lag
        self.repeat = repeat
        self.deaf = 0
        self.device: str | None = "Laptop"
        self.calls: list[tuple[float, str, str | None]] = []
        """(time, name of the call, uri) of every call."""
        self.hang: threading.Event | None = None
        """While set to an event, every call blocks until it is set (at most 60 s)."""
        self.raise_without_device = False
        self._failures: dict[str, deque[Exception]] = {}
        self._scene = _Scene(clock.monotonic())
        self._shown = self._scene
        self._shown_until = float("-inf")

    # -- the port

    def playback(self) -> Playback:
        self._enter("playback")
        now = self.clock.monotonic()
        if self.device is None:
            if self.raise_without_device:
                raise NoDevice("Nothing is open")
            return Playback(now, PlayState.UNAVAILABLE)
        shown = self._shown if now < self._shown_until else self._scene
        scene = self._at(shown, now)
        if scene.context is None:
            return Playback(now, scene.state, device=self.device)
        track = self.library[scene.context][scene.index]
        return Playback(
            now,
            scene.state,
            context=scene.context,
            context_name=scene.context.upper(),
            track=track.id,
            title=track.id,
            position=scene.position,
            duration=track.duration,
            device=self.device,
        )

    def play(self, playlist: Playlist) -> None:
        self._enter("play", playlist.uri)
        if playlist.uri not in self.library:
            raise PlaylistGone(f"“{playlist.name}” is gone")
        self._command(_Scene(self.clock.monotonic(), PlayState.PLAYING, playlist.uri))

    def pause(self) -> None:
        self._enter("pause")
        self._command(replace(self._present, state=PlayState.PAUSED))

    def resume(self) -> None:
        self._enter("resume")
        self._command(replace(self._present, state=PlayState.PLAYING))

    def next_track(self) -> None:
        self._enter("next")
        now = self._present
        if now.context is not None:
            following = (now.index + 1) % len(self.library[now.context])
            state = PlayState.PLAYING
            self._command(replace(now, state=state, index=following, position=0.0))

    def close(self) -> None:
        self.calls.append((self.clock.monotonic(), "close", None))

    # -- the listener's hand

    def user_pauses(self) -> None:
        self._scene = replace(self._present, state=PlayState.PAUSED)

    def user_resumes(self) -> None:
        self._scene = replace(self._present, state=PlayState.PLAYING)

    def user_skips(self) -> None:
        now = self._present
        assert now.context is not None
        following = (now.index + 1) % len(self.library[now.context])
        self._scene = replace(now, index=following, position=0.0)

    def user_chooses(self, uri: str, *, index: int = 0, position: float = 0.0) -> None:
        self._scene = _Scene(self.clock.monotonic(), PlayState.PLAYING, uri, index, position)

    # -- troubles

    def fail_next(self, call: str, *errors: Exception) -> None:
        """The next calls of that name raise these, one after the other."""
        self._failures.setdefault(call, deque()).extend(errors)

    def count(self, call: str) -> int:
        return sum(1 for _, name, _ in self.calls if name == call)

    # -- inside

    @property
    def _present(self) -> _Scene:
        return self._at(self._scene, self.clock.monotonic())

    def _enter(self, call: str, uri: str | None = None) -> None:
        self.calls.append((self.clock.monotonic(), call, uri))
        if self.hang is not None:
            self.hang.wait(60.0)
        failures = self._failures.get(call)
        if failures:
            raise failures.popleft()
        if self.device is None and call in ("play", "resume"):
            raise NoDevice("Nothing is open")

    def _command(self, scene: _Scene) -> None:
        if self.deaf > 0:
            self.deaf -= 1
            return
        now = self.clock.monotonic()
        if self.lag > 0.0:
            self._shown, self._shown_until = self._present, now + self.lag
        self._scene = scene

    def _at(self, scene: _Scene, now: float) -> _Scene:
        """The scene as time has moved it: position, next tracks, the end of the playlist."""
        if scene.state is not PlayState.PLAYING or scene.context is None:
            return replace(scene, time=now)
        tracks = self.library[scene.context]
        index, position = scene.index, scene.position + (now - scene.time)
        while position >= tracks[index].duration:
            position -= tracks[index].duration
            index += 1
            if index == len(tracks):
                index = 0
                if not self.repeat:
                    return replace(scene, time=now, state=PlayState.PAUSED, index=0, position=0.0)
        return replace(scene, time=now, index=index, position=position)


def down() -> PlayerError:
    """A failure of no particular kind."""
    return PlayerError("The player does not answer. Start it again.")
