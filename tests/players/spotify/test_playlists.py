"""What users paste, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import SettingsError
from agent.players.spotify.cache import DisplayCache
from agent.players.spotify.playlists import canonical, canonical_context, playlists_for, refused
from agent.settings import Settings
from agent.store.jsonfile import JsonFile
from agent.types import MoodState, Playlist
from tests.fakes.clock import FakeClock

ID = "37i9dQZF1DX3rxVfibe1L0"


@pytest.fixture
def cache(tmp_path: Path) -> DisplayCache:
    return DisplayCache(JsonFile(tmp_path / "names.json"), FakeClock())


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f"  {ID}\n",
        f"spotify:playlist:{ID}",
        f"spotify:user:somebody:playlist:{ID}",
        f"https://open.spotify.com/playlist/{ID}",
        f"https://open.spotify.com/playlist/{ID}?si=0123456789abcdef&pi=x",
        f"https://open.spotify.com/intl-de/playlist/{ID}/",
        f"https://open.spotify.com/embed/playlist/{ID}#top",
        f"open.spotify.com/playlist/{ID}",
        f"http://play.spotify.com/user/somebody/playlist/{ID}",
        f"spotify:playlist:{ID}?si=0123456789abcdef",
        f"spotify:user:somebody:playlist:{ID}?si=1",
        f"HTTPS://Open.Spotify.COM/playlist/{ID}",
        f"https://open.spotify.com/intl-pt-BR/playlist/{ID}?si=1",
        f"https://open.spotify.com/playlist/{ID}\u200b",
        f"\ufeffhttps://open.spotify.com/playlist/\u2060{ID}",
        f"<https://open.spotify.com/playlist/{ID}>",
        f'"spotify:playlist:{ID}"',
    ],
)
def test_accepted(text: str) -> None:
    assert canonical(text) == f"spotify:playlist:{ID}"


@pytest.mark.parametrize("kind", ["album", "artist", "show"])
def test_other_contexts_are_accepted(kind: str) -> None:
    for text in (f"spotify:{kind}:{ID}?si=1", f"https://open.spotify.com/intl-de/{kind}/{ID}?si=1"):
        assert canonical(text) == f"spotify:{kind}:{ID}"


def test_liked_songs_are_accepted_with_their_user() -> None:
    assert canonical("spotify:user:sam:collection") == "spotify:user:sam:collection"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("https://spotify.link/AbCdEf", "short link"),
        ("https://spotify.app.link/AbCdEf?x", "short link"),
        (f"https://open.spotify.com/track/{ID}", "single song"),
        (f"spotify:episode:{ID}", "single episode"),
        ("https://open.spotify.com/collection/tracks", "spotify:user:YOUR-USER-NAME:collection"),
        ("spotify:collection", "spotify:user:YOUR-USER-NAME:collection"),
    ],
)
def test_what_cannot_be_played_is_told_with_its_remedy(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        canonical(text)


@given(st.text(max_size=80))
def test_whatever_is_pasted_is_taken_or_told(text: str) -> None:
    try:
        uri = canonical(text)
    except SettingsError as error:
        uri = error.message
    assert uri.startswith(("spotify:", "'"))
    assert len(uri) < 500
    assert "\n" not in uri


@pytest.mark.parametrize(
    "text",
    [
        "",
        "happy songs",
        ID[:-1],
        ID + "A",
        f"https://open.spotify.com.example.org/playlist/{ID}",
        f"https://example.org/open.spotify.com/playlist/{ID}",
        f"spotify:playlist:{ID}\nspotify:playlist:{ID}",
        f"../{ID}",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="Copy link to playlist"):
        canonical(text)


def test_contexts_that_are_no_playlists_stay_as_they_are() -> None:
    assert canonical_context(f"spotify:user:sam:playlist:{ID}") == f"spotify:playlist:{ID}"
    assert canonical_context("spotify:user:sam:collection") == "spotify:user:sam:collection"


def test_the_mapping_has_names_and_no_gone_playlists(cache: DisplayCache) -> None:
    other = "0" * 22
    settings = Settings(
        spotify_playlists={"happy": (ID, f"spotify:playlist:{ID}", other), "sad": (other,)}
    )
    uris = f"spotify:playlist:{ID}", f"spotify:playlist:{other}"
    assert playlists_for(settings, cache) == {
        MoodState.HAPPY: (
            Playlist(uris[0], "your happy playlist"),
            Playlist(uris[1], "your happy playlist"),
        ),
        MoodState.SAD: (Playlist(uris[1], "your sad playlist"),),
    }
    cache.remember(uris[0], "Sunshine", None)
    cache.mark_gone(uris[1])
    assert playlists_for(settings, cache) == {
        MoodState.HAPPY: (Playlist(uris[0], "Sunshine"),),
        MoodState.SAD: (),
    }


def test_a_wrong_entry_is_skipped_and_named_with_its_emotion(cache: DisplayCache) -> None:
    settings = Settings(spotify_playlists={"sad": ("blue", ID, "https://spotify.link/x")})
    (first, second) = refused(settings)
    assert str(first).startswith("spotify_playlists.sad: 'blue' is no")
    assert second.entry == "https://spotify.link/x"
    uri = f"spotify:playlist:{ID}"
    assert playlists_for(settings, cache) == {MoodState.SAD: (Playlist(uri, "your sad playlist"),)}


def test_what_is_gone_is_looked_at_again_after_a_day(tmp_path: Path) -> None:
    clock = FakeClock()
    cache = DisplayCache(JsonFile(tmp_path / "names.json"), clock)
    cache.mark_gone("u")
    assert cache.is_gone("u")
    clock.advance(86_400)
    assert not cache.is_gone("u")


def test_names_survive_a_restart_and_damage_does_no_harm(tmp_path: Path) -> None:
    file, clock = JsonFile(tmp_path / "names.json"), FakeClock()
    cache = DisplayCache(file, clock)
    cache.remember("u", "Name", "https://cover")
    cache.remember_device("Kitchen", "speaker")
    cache = DisplayCache(file, clock)
    assert (cache.name("u"), cache.cover("u")) == ("Name", "https://cover")
    assert cache.device == ("Kitchen", "speaker")
    damages: tuple[dict[str, object], ...] = (
        {"playlists": [1], "device": "x"},
        {"playlists": {"u": {"checked": "x"}}},
    )
    for damage in damages:
        file.save(damage)
        cache = DisplayCache(file, clock)
        assert cache.name("u") is None
        assert not cache.is_recent("u")
        assert cache.device is None
    assert cache.forget()
    assert not cache.forget()
