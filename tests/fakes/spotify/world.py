"""The state behind the service: devices, what plays, who is banned."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field, replace

from agent.ports import Clock
from tests.fakes.spotify.catalogue import Catalogue, FakePlaylist, Track, spotify_id
from tests.fakes.spotify.hand import UserHand

WINDOW = 30.0
DAY = 86_400.0


@dataclass
class FakeDevice:
    name: str
    type: str = "Computer"
    online: bool = True
    restricted: bool = False
    supports_volume: bool = True
    id: str = ""

    def __post_init__(self) -> None:
        self.id = self.id or spotify_id(f"device {self.name}")


@dataclass(frozen=True)
class Playing:
    """What the player does since the time ``at``. ``device`` is a name."""

    at: float
    playing: bool = False
    device: str | None = None
    context: str | None = None
    tracks: tuple[Track, ...] = ()
    index: int = 0
    progress: float = 0.0  # seconds
    shuffle: bool = False
    repeat: str = "off"

    @property
    def track(self) -> Track | None:
        return self.tracks[self.index] if self.tracks else None

    def at_time(self, now: float) -> Playing:
        """Roll on to ``now``: tracks follow one another, a playlist without repeat runs out."""
        state = self
        while state.playing and state.track is not None:
            left = state.track.duration_ms / 1000 - state.progress
            if now - state.at < left:
                return replace(state, at=now, progress=state.progress + now - state.at)
            ended = state.at + left
            index = state.index if state.repeat == "track" else state.index + 1
            over = index >= len(state.tracks)
            state = replace(
                state,
                at=ended,
                progress=0.0,
                index=0 if over else index,
                playing=not over or state.repeat == "context",
            )
        return state


@dataclass
class Trouble:
    """A fault that meets requests. ``kind``: see :mod:`tests.fakes.spotify.trouble`."""

    kind: str
    path: str = ""  # prefix; empty: every one
    method: str = ""
    times: int | None = 1  # None: until removed
    seconds: float = 60.0  # a hang's, a wait's

    def meets(self, method: str, path: str) -> bool:
        return path.startswith(self.path) and self.method in ("", method)


@dataclass
class Sent:
    """A request as it came in."""

    time: float
    method: str
    path: str
    query: dict[str, str]
    body: dict[str, object] | None
    banned: bool = False
    status: int = 0
    spoiled: bool = False  # a fault met it


@dataclass
class World:
    """All state; touched under the service's lock, or by a test while nothing is under way."""

    clock: Clock
    catalogue: Catalogue = field(default_factory=Catalogue)
    premium: bool = True
    starts_liked_songs: bool = True
    """The contract does not name them among the contexts."""
    lag: float = 0.0
    """Seconds until a command shows in readings."""
    sleeps_after: float = 600.0
    """Seconds of silence after which a device is no longer active: 204."""
    rate_limit: int | None = None
    """Requests in 30 s."""
    rate_wait: float = 10.0
    daily_quota: int | None = None
    quota_wait: float = 46_800.0
    seed: int = 1
    devices: list[FakeDevice] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    """What broke the contract, on either side."""
    banned_until: float = float("-inf")

    def __post_init__(self) -> None:
        if not self.devices:
            self.devices = [FakeDevice("Desk"), FakeDevice("Kitchen", "Speaker")]
        self._random = random.Random(self.seed)
        self._states: list[tuple[float, Playing]] = [(float("-inf"), Playing(self.now))]
        self._window: deque[float] = deque()
        self._day: deque[float] = deque()
        self.user = UserHand(self)

    @property
    def now(self) -> float:
        return self.clock.monotonic()

    # -- what plays

    def truth(self) -> Playing:
        return self._states[-1][1].at_time(self.now)

    def seen(self) -> Playing | None:
        """What a reading tells: late by the lag. None: 204."""
        now = self.now
        newest = max((n for n, (shown, _) in enumerate(self._states) if shown <= now), default=0)
        # What came before it is history, even what would have shown later.
        self._states = self._states[newest:]
        state = self._states[0][1].at_time(now)
        device = self.device(state.device)
        if device is None or not device.online:
            return None
        silent = 0.0 if state.playing else now - state.at
        return None if silent > self.sleeps_after else state

    def set(self, state: Playing, *, lag: float = 0.0) -> None:
        self._states.append((self.now + lag, replace(state, at=self.now)))

    def active(self) -> FakeDevice | None:
        seen = self.truth()
        device = self.device(seen.device)
        if device is None or not device.online:
            return None
        silent = 0.0 if seen.playing else self.now - seen.at
        return None if silent > self.sleeps_after else device

    def device(self, name: str | None) -> FakeDevice | None:
        return next((d for d in self.devices if d.name == name), None)

    def device_by_id(self, identity: str) -> FakeDevice | None:
        return next((d for d in self.devices if d.id == identity and d.online), None)

    def play(
        self,
        playlist: FakePlaylist,
        device: FakeDevice,
        *,
        lag: float = 0.0,
        begin: Track | None = None,
        progress: float = 0.0,
    ) -> None:
        """From its beginning, or at ``progress`` seconds into the track ``begin``."""
        tracks = list(playlist.tracks)
        if self.truth().shuffle:
            self._random.shuffle(tracks)
            if begin is not None:  # the rest follows in any order
                tracks.sort(key=lambda track: track != begin)
        index = 0 if begin is None else tracks.index(begin)
        self._begin(playlist.uri, tuple(tracks), device, lag, index, progress)

    def play_track(
        self, track: Track, device: FakeDevice, *, lag: float = 0.0, progress: float = 0.0
    ) -> None:
        """A single track, without a context."""
        self._begin(None, (track,), device, lag, 0, progress)

    def _begin(
        self,
        context: str | None,
        tracks: tuple[Track, ...],
        device: FakeDevice,
        lag: float,
        index: int,
        progress: float,
    ) -> None:
        self.set(
            replace(
                self.truth(),
                playing=True,
                device=device.name,
                context=context,
                tracks=tracks,
                index=index,
                progress=progress,
            ),
            lag=lag,
        )

    def new_device_ids(self) -> None:
        """They last only to some extent."""
        for device in self.devices:
            device.id = spotify_id(f"{device.id} again")

    # -- limits

    def over_limit(self) -> tuple[str, float] | None:
        """Count a request; (kind, seconds to wait) when it is one too many."""
        now = self.now
        for times, span in ((self._window, WINDOW), (self._day, DAY)):
            while times and times[0] <= now - span:
                times.popleft()
            times.append(now)
        if self.daily_quota is not None and len(self._day) > self.daily_quota:
            return "quota", self.quota_wait
        if self.rate_limit is not None and len(self._window) > self.rate_limit:
            return "rate", self.rate_wait
        return None

    # -- trouble

    def trouble(
        self,
        kind: str,
        *,
        path: str = "",
        method: str = "",
        times: int | None = 1,
        seconds: float = 60.0,
    ) -> Trouble:
        """From now on a fault meets the next ``times`` requests that fit."""
        made = Trouble(kind, path, method, times, seconds)
        self.troubles.append(made)
        return made

    def take_trouble(self, method: str, path: str) -> Trouble | None:
        for trouble in self.troubles:
            if trouble.meets(method, path):
                if trouble.times is not None:
                    trouble.times -= 1
                    if trouble.times <= 0:
                        self.troubles.remove(trouble)
                return trouble
        return None

    def calls(self, method: str = "", path: str = "") -> list[Sent]:
        """Requests that came in, oldest first."""
        return [s for s in self.sent if method in ("", s.method) and s.path.startswith(path)]

    def commands(self) -> list[Sent]:
        return [s for s in self.sent if s.method != "GET" and s.path.startswith("/v1/")]
