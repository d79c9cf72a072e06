"""What the page asks Spotify for: a long list of playlists, and what is behind a pasted link."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from agent.app.page_desks import LIST_LIFE, MusicChoice, SpotifyLink
from agent.clock import SystemClock
from agent.errors import AgentError, NeedsLogin, PlaylistGone, SettingsError
from agent.players.spotify import storage
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile
from tests.app.manager_harness import ManagerHarness
from tests.fakes.spotify import FakeSpotify
from tests.fakes.spotify.catalogue import FakePlaylist, spotify_id

LIST = "/v1/me/playlists"


class Ahead(SystemClock):
    """The real clock, put ahead by so many seconds."""

    seconds = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.seconds


class Desks(NamedTuple):
    link: SpotifyLink
    music: MusicChoice
    clock: Ahead


@pytest.fixture
def desks(harness: ManagerHarness, spotify: FakeSpotify) -> Desks:
    """Somebody is logged in who has 120 playlists."""
    catalogue = spotify.world.catalogue
    for number in range(len(catalogue.playlists), 120):
        catalogue.add(f"Evening {number}", tracks=1)
    harness.log_in(spotify.accounts.give_login())
    paths, clock = harness.paths, Ahead()
    file = SettingsFile(paths)
    link = SpotifyLink(paths, clock, file, harness.account, spotify.url)
    return Desks(link, MusicChoice(paths, clock, file, link, harness.account, None), clock)


def pages(spotify: FakeSpotify) -> list[tuple[object, object]]:
    """Which parts of the list were asked for."""
    return [(s.query["offset"], s.query["limit"]) for s in spotify.world.calls("GET", LIST)]


THREE = [("0", "50"), ("50", "50"), ("100", "50")]


def test_all_of_many_playlists_are_listed_page_by_page(desks: Desks, spotify: FakeSpotify) -> None:
    cards = desks.link.playlists()
    wanted = [playlist.uri for playlist in spotify.world.catalogue.playlists.values()]
    assert [card.entry for card in cards] == wanted
    assert len(cards) == 120
    assert pages(spotify) == THREE
    assert (cards[0].name, cards[0].detail) == ("Angry songs", "5 songs · by Sam")
    assert (cards[119].name, cards[119].detail) == ("Evening 119", "1 song · by Sam")
    assert cards[119].cover == f"https://i.scdn.co/image/{wanted[119].rpartition(':')[2]}"
    assert spotify.world.violations == []


def test_the_list_is_asked_for_once_in_a_while_and_when_the_user_says_so(
    desks: Desks, spotify: FakeSpotify
) -> None:
    first = desks.link.playlists()
    new = spotify.world.catalogue.add("Just made", tracks=1)
    desks.clock.seconds = LIST_LIFE - 30
    assert desks.link.playlists() == first, "the second visit"
    assert desks.link.known(new.uri) is None
    assert pages(spotify) == THREE
    again = desks.link.playlists(fresh=True)  # 'Look again'
    assert [card.name for card in again[len(first) :]] == ["Just made"]
    assert pages(spotify) == 2 * THREE
    desks.clock.seconds += LIST_LIFE - 30
    assert desks.link.playlists() == again, "its age counts from the latest look"
    desks.clock.seconds += 60
    desks.link.playlists()
    assert pages(spotify) == 3 * THREE
    listed = desks.link.known(new.uri)
    assert listed is not None
    assert listed.name == "Just made"


def test_a_list_that_cannot_be_had_leaves_the_former_one(
    desks: Desks, spotify: FakeSpotify
) -> None:
    first = desks.link.playlists()
    spotify.world.trouble("500", path=LIST, times=None)
    with pytest.raises(AgentError):
        desks.link.playlists(fresh=True)
    assert desks.link.playlists() == first


def test_nothing_is_left_of_the_list_after_a_logout(desks: Desks, spotify: FakeSpotify) -> None:
    uri = desks.link.playlists()[0].entry
    desks.link.log_out()
    assert desks.link.known(uri) is None
    assert not desks.link.state().logged_in
    asked = len(spotify.world.sent)
    for ask in (desks.link.playlists, desks.link.devices, lambda: desks.link.look_up(uri)):
        with pytest.raises(NeedsLogin, match="Nobody is logged in to Spotify here yet"):
            ask()
    assert len(spotify.world.sent) == asked


@pytest.mark.parametrize(
    "form",
    [
        "spotify:playlist:{id}",
        "{id}",
        "https://open.spotify.com/playlist/{id}?si=0123456789abcdef",
        "  <https://open.spotify.com/intl-de/playlist/{id}>\n",
    ],
)
def test_a_pasted_link_is_looked_up_and_its_name_is_kept(
    desks: Desks, spotify: FakeSpotify, form: str
) -> None:
    happy = spotify.world.catalogue["happy"]
    card = desks.music.look_up("spotify", form.format(id=happy.id))
    assert (card.entry, card.name, card.detail) == (happy.uri, "Happy songs", "by Sam")
    assert desks.music.card("spotify", happy.uri).name == "Happy songs"


def deleted(spotify: FakeSpotify) -> FakePlaylist:
    spotify.world.catalogue["sad"].deleted = True
    return spotify.world.catalogue["sad"]


def private(spotify: FakeSpotify) -> FakePlaylist:
    spotify.world.catalogue["sad"].hidden = True
    return spotify.world.catalogue["sad"]


def foreign(_spotify: FakeSpotify) -> FakePlaylist:
    """Somebody else's, which Spotify does not name to us."""
    return FakePlaylist(spotify_id("somebody else's"), "", ())


@pytest.mark.parametrize("made", [deleted, private, foreign])
def test_a_playlist_that_spotify_does_not_show_is_told_at_once(
    desks: Desks, spotify: FakeSpotify, made: Callable[[FakeSpotify], FakePlaylist]
) -> None:
    playlist = made(spotify)
    with pytest.raises(PlaylistGone) as error:
        desks.music.look_up("spotify", f"https://open.spotify.com/playlist/{playlist.id}")
    assert error.value.message == (
        "Spotify does not show this playlist: it was deleted, or it is private and not yours. "
        "Make it public in Spotify, or choose another one."
    )
    cache = storage.display_cache(Paths.default(), desks.clock)
    assert cache.name(playlist.uri) is None


@pytest.mark.parametrize(
    ("pasted", "told"),
    [
        ("https://music.example/playlist/37i9dQZF1DXcBWIGoYBM5M", "no Spotify playlist"),
        ("https://spotify.link/abcdefgh", "short link"),
        ("https://open.spotify.com/track/6rqhFgbbKwnb9MLmUQDhG6", "song"),
    ],
)
def test_a_link_that_leads_to_no_playlist_is_told_unasked(
    desks: Desks, spotify: FakeSpotify, pasted: str, told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        desks.music.look_up("spotify", pasted)
    assert spotify.world.sent == []
