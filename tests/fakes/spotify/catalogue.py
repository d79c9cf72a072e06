"""The music that exists: tracks and playlists, made up and always the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def spotify_id(seed: str) -> str:
    """22 base-62 digits, the same for the same seed."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest())
    digits = []
    for _ in range(22):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(digits)


@dataclass(frozen=True)
class Track:
    id: str
    name: str
    artist: str
    duration_ms: int

    @property
    def uri(self) -> str:
        return f"spotify:track:{self.id}"

    def to_json(self) -> dict[str, object]:
        artist = {
            "external_urls": {"spotify": f"https://open.spotify.com/artist/{self.artist}"},
            "href": "https://api.spotify.com/v1/artists/" + spotify_id(self.artist),
            "id": spotify_id(self.artist),
            "name": self.artist,
            "type": "artist",
            "uri": "spotify:artist:" + spotify_id(self.artist),
        }
        return {
            "album": {
                "album_type": "album",
                "total_tracks": 10,
                "available_markets": [],
                "external_urls": {},
                "href": "https://api.spotify.com/v1/albums/" + self.id,
                "id": self.id,
                "images": [],
                "name": f"Album of {self.name}",
                "release_date": "2026",
                "release_date_precision": "year",
                "type": "album",
                "uri": f"spotify:album:{self.id}",
                "artists": [artist],
            },
            "artists": [artist],
            "duration_ms": self.duration_ms,
            "explicit": False,
            "id": self.id,
            "is_local": False,
            "name": self.name,
            "type": "track",
            "uri": self.uri,
        }


@dataclass
class FakePlaylist:
    id: str
    name: str
    tracks: tuple[Track, ...]
    deleted: bool = False
    hidden: bool = False  # may be played, not looked at
    kind: str = "playlist"  # or "album", "artist", "show", "collection": the user's liked songs

    @property
    def uri(self) -> str:
        liked = self.kind == "collection"
        return "spotify:user:sam:collection" if liked else f"spotify:{self.kind}:{self.id}"

    def to_json(self) -> dict[str, object]:
        href = f"https://api.spotify.com/v1/playlists/{self.id}"
        return {
            "collaborative": False,
            "description": None,
            "external_urls": {"spotify": f"https://open.spotify.com/playlist/{self.id}"},
            "href": href,
            "id": self.id,
            "images": [{"url": f"https://i.scdn.co/image/{self.id}", "height": 640, "width": 640}],
            "items": {
                "href": f"{href}/items",
                "items": [
                    {"added_at": "2026-01-01T00:00:00Z", "is_local": False, "item": t.to_json()}
                    for t in self.tracks
                ],
                "limit": 100,
                "next": None,
                "offset": 0,
                "previous": None,
                "total": len(self.tracks),
            },
            "name": self.name,
            "owner": {
                "display_name": "Sam",
                "external_urls": {},
                "href": "https://api.spotify.com/v1/users/sam",
                "id": "sam",
                "type": "user",
                "uri": "spotify:user:sam",
            },
            "public": True,
            "snapshot_id": "AAAA",
            "type": "playlist",
            "uri": self.uri,
        }


@dataclass
class Catalogue:
    """``playlists`` by ID. At the start one for each emotion, named after it."""

    track_seconds: float = 200.0
    tracks_each: int = 5
    playlists: dict[str, FakePlaylist] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for emotion in EMOTIONS:
            self.add(f"{emotion.title()} songs", seed=emotion)

    def add(
        self,
        name: str,
        *,
        seed: str | None = None,
        tracks: int | None = None,
        kind: str = "playlist",
    ) -> FakePlaylist:
        """A playlist, or another context, whose tracks differ a little in length."""
        seed = seed or name
        made = tuple(
            Track(
                spotify_id(f"{seed} track {n}"),
                f"{name} no. {n + 1}",
                "The Stand-ins",
                int((self.track_seconds + 3 * n) * 1000),
            )
            for n in range(tracks or self.tracks_each)
        )
        playlist = FakePlaylist(spotify_id(seed), name, made, kind=kind)
        self.playlists[playlist.id] = playlist
        return playlist

    def __getitem__(self, seed: str) -> FakePlaylist:
        """By the seed or name it was added with."""
        return self.playlists[spotify_id(seed)]

    def by_uri(self, uri: str) -> FakePlaylist | None:
        return next((p for p in self.playlists.values() if p.uri == uri and not p.deleted), None)

    def track(self, uri: str) -> Track | None:
        every = (track for playlist in self.playlists.values() for track in playlist.tracks)
        return next((track for track in every if track.uri == uri), None)
