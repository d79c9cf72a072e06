"""The mapped playlists are looked up in the player's spare time: names come, gone ones go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent.errors import RateLimited
from agent.events import Event, Notice, PlayerChanged, PlayerFailed, SettingsBroken
from agent.players.backend import PlayerBackend
from agent.players.player_worker import PlayerWorker
from agent.players.spotify.playlist_lookup import MOST_TOLD, MappedPlaylists
from agent.settings import Settings
from agent.types import MoodState, Playlist
from tests.fakes.player import FakePlayer
from tests.fakes.spotify import spotify_id
from tests.players.conftest import WorkerHarness
from tests.players.spotify.conftest import SpotifyHarness

NOWHERE = spotify_id("never made")
DAY = 86_400.0


class Agent:
    """A worker with Spotify's player; ``begin`` is a new process, ``use`` another mapping."""

    def __init__(self, spotify: SpotifyHarness) -> None:
        self.spotify = spotify
        self.begin()

    def begin(self) -> None:
        spotify = self.spotify
        spotify.restart()
        self.mapped = MappedPlaylists("Spotify", spotify.player.look_up, spotify.cache, self.report)
        backend = PlayerBackend.remote(spotify.player, spotify.player.budget, self.mapped)
        worker = PlayerWorker(backend, lambda event: self.report(event), spotify.clock)
        self.harness = WorkerHarness(
            FakePlayer(spotify.clock), spotify.clock, worker
        )  # its player is not used

    def report(self, event: Event) -> None:
        self.harness.report(event)

    def use(self, **playlists: tuple[str, ...]) -> None:
        self.mapped.use(Settings.model_validate({"spotify_playlists": playlists}), True)

    def run(self, seconds: float = 30.0) -> None:
        self.harness.run(seconds)

    @property
    def changes(self) -> list[PlayerChanged]:
        return self.harness.of(PlayerChanged)

    @property
    def notices(self) -> list[Notice]:
        return self.harness.of(Notice)

    def lookups(self) -> int:
        return sum("/playlists/" in path for path in self.spotify.paths())


@pytest.fixture
def agent(spotify: SpotifyHarness) -> Agent:
    return Agent(spotify)


@pytest.fixture
def uri(spotify: SpotifyHarness) -> Callable[[str], str]:
    return lambda emotion: spotify.world.catalogue[emotion].uri


def test_names_come_for_all_at_once(agent: Agent, uri: Callable[[str], str]) -> None:
    agent.use(happy=(uri("happy"),), sad=(uri("sad"), uri("happy")))
    before, happy = agent.changes[0], Playlist(uri("happy"), "Happy songs")
    assert before.playlists[MoodState.HAPPY] == (Playlist(uri("happy"), "your happy playlist"),)
    agent.run()
    (_, after) = agent.changes
    assert after == PlayerChanged(
        "Spotify",
        {MoodState.HAPPY: (happy,), MoodState.SAD: (Playlist(uri("sad"), "Sad songs"), happy)},
        True,
    )
    assert agent.notices == []
    assert agent.lookups() == 2
    assert agent.spotify.cache.cover(uri("sad")) is not None


def test_what_is_gone_is_named_with_its_place_and_left_out(
    agent: Agent, uri: Callable[[str], str]
) -> None:
    agent.spotify.player.check(uri("sad"))
    agent.spotify.clock.advance(DAY)
    agent.spotify.world.catalogue["sad"].deleted = True
    link = f"https://open.spotify.com/playlist/{NOWHERE}"
    agent.use(happy=(uri("happy"), link), sad=(uri("sad"),), fear=(link, uri("sad")))
    agent.run()
    (notice,) = agent.notices
    assert notice.title == "2 playlists cannot be used"
    assert "“Sad songs” (settings: spotify_playlists.sad, spotify_playlists.fear)" in notice.message
    assert f"“{link}” (settings: spotify_playlists.happy, spotify_playlists.fear)" in notice.message
    assert agent.changes[-1].playlists == {
        MoodState.HAPPY: (Playlist(uri("happy"), "Happy songs"),),
        MoodState.SAD: (),
        MoodState.FEAR: (),
    }


def test_one_that_is_gone_has_a_title_of_its_own(agent: Agent) -> None:
    agent.use(happy=(NOWHERE,))
    agent.run()
    (notice,) = agent.notices
    assert notice.title == "A playlist is gone"


def test_it_is_told_once_however_long_it_stays_gone(
    agent: Agent, uri: Callable[[str], str]
) -> None:
    agent.use(happy=(NOWHERE, uri("happy")))
    for _ in range(3):
        agent.run(60.0)
        agent.spotify.clock.advance(DAY)
    assert len(agent.notices) == 1
    assert agent.lookups() == 6  # both once a day
    agent.spotify.clock.advance(-DAY / 2)
    agent.begin()  # within the day of the latest look
    agent.use(happy=(NOWHERE, uri("happy")))
    agent.run()
    assert len(agent.notices) == 0
    assert agent.lookups() == 6
    assert agent.changes[-1].playlists[MoodState.HAPPY] == (Playlist(uri("happy"), "Happy songs"),)


def test_one_that_comes_back_is_played_again(agent: Agent, uri: Callable[[str], str]) -> None:
    agent.spotify.world.catalogue["happy"].deleted = True
    agent.use(happy=(uri("happy"),))
    agent.run()
    assert agent.changes[-1].playlists == {MoodState.HAPPY: ()}
    agent.spotify.world.catalogue["happy"].deleted = False
    agent.spotify.clock.advance(DAY)
    agent.run(90.0)
    assert agent.changes[-1].playlists[MoodState.HAPPY] == (Playlist(uri("happy"), "Happy songs"),)


def test_an_answer_of_no_use_is_asked_for_twice_and_the_playlist_stays(
    agent: Agent, uri: Callable[[str], str]
) -> None:
    agent.spotify.world.trouble("broken json", path=f"/v1/playlists/{uri('sad')[-22:]}", times=None)
    agent.use(sad=(uri("sad"),), happy=(uri("happy"),))
    agent.run()
    (notice,) = agent.notices
    assert notice.title == "A playlist cannot be used"
    assert "no usable answer" in notice.message
    assert "spotify_playlists.sad" in notice.message
    assert agent.lookups() == 3
    assert agent.changes[-1].playlists[MoodState.SAD] == (
        Playlist(uri("sad"), "your sad playlist"),
    )


def test_during_a_ban_nothing_is_asked_and_later_all(
    agent: Agent, uri: Callable[[str], str]
) -> None:
    agent.spotify.world.trouble("rate", path="/v1/playlists/", seconds=500)
    agent.use(happy=(uri("happy"),), sad=(uri("sad"),))
    agent.run(499.0)
    assert len(agent.spotify.world.sent) == 2  # a reading and the one that was refused
    assert [type(event.error) for event in agent.harness.of(PlayerFailed)] == [RateLimited]
    agent.run(60.0)
    assert agent.changes[-1].playlists[MoodState.SAD] == (Playlist(uri("sad"), "Sad songs"),)


def test_an_outage_is_waited_out(agent: Agent, uri: Callable[[str], str]) -> None:
    agent.spotify.world.trouble("503", path="/v1/playlists/", times=2)
    agent.use(happy=(uri("happy"),))
    agent.run(50.0)
    assert len(agent.changes) == 1
    agent.run(150.0)
    assert agent.notices == []
    assert agent.changes[-1].playlists[MoodState.HAPPY] == (Playlist(uri("happy"), "Happy songs"),)


def test_another_mapping_is_looked_up_with_what_is_known_already(
    agent: Agent, uri: Callable[[str], str]
) -> None:
    agent.use(happy=(uri("happy"),))
    agent.run()
    agent.use(happy=(uri("happy"),), sad=(uri("sad"),))
    agent.run(90.0)
    assert agent.lookups() == 2
    assert agent.changes[-1].playlists[MoodState.SAD] == (Playlist(uri("sad"), "Sad songs"),)


def test_a_wrong_entry_is_told_once_and_skipped(agent: Agent, uri: Callable[[str], str]) -> None:
    short = "https://spotify.link/AbCdEf"
    for _ in range(2):
        agent.use(happy=(uri("happy"), short), sad=("blue", uri("sad")))
    agent.run()
    (told,) = agent.harness.of(SettingsBroken)
    assert "spotify_playlists.happy" in told.error.message
    assert f"'{short}' is a short link" in told.error.message
    assert "spotify_playlists.sad: 'blue' is no Spotify playlist" in told.error.message
    assert agent.changes[-1].playlists == {
        MoodState.HAPPY: (Playlist(uri("happy"), "Happy songs"),),
        MoodState.SAD: (Playlist(uri("sad"), "Sad songs"),),
    }
    agent.use(happy=(uri("happy"),))
    agent.use(happy=(uri("happy"), short))
    assert len(agent.harness.of(SettingsBroken)) == 2, "a new mistake is told anew"


def test_of_many_wrong_entries_some_are_told(agent: Agent) -> None:
    """All of them made a notice of megabytes."""
    agent.use(happy=tuple(f"blue{number}" for number in range(100)))
    agent.run()
    (told,) = agent.harness.of(SettingsBroken)
    lines = told.error.message.splitlines()
    assert len(lines) == MOST_TOLD + 1
    assert lines[-1] == "90 more are skipped as well."


def test_albums_and_the_like_are_not_asked_for_by_name(agent: Agent) -> None:
    album = f"spotify:album:{NOWHERE}"
    agent.use(happy=(f"https://open.spotify.com/album/{NOWHERE}?si=1",))
    agent.run()
    assert agent.changes[-1].playlists == {MoodState.HAPPY: (Playlist(album, "your happy album"),)}
    assert agent.lookups() == 0
    assert agent.notices == []


def test_a_retired_one_says_and_asks_nothing(agent: Agent, uri: Callable[[str], str]) -> None:
    agent.use(happy=(NOWHERE,))
    agent.harness.forget()
    agent.mapped.retire()
    agent.run()
    assert (agent.changes, agent.notices, agent.lookups()) == ([], [], 0)


def test_retired_while_it_asks_it_keeps_silent(agent: Agent, uri: Callable[[str], str]) -> None:
    """The controller has changed the player, and the player's thread does not know yet."""
    look_up = agent.spotify.player.look_up

    def meanwhile(asked: str, name: str) -> None:
        agent.mapped.retire()
        look_up(asked, name)

    agent.mapped._look_up = meanwhile
    agent.use(happy=(NOWHERE,))
    agent.harness.forget()
    agent.run()
    assert agent.lookups() == 1
    assert (agent.changes, agent.notices) == ([], [])


def test_many_are_counted(agent: Agent) -> None:
    agent.use(happy=tuple(spotify_id(f"never made {n}") for n in range(8)))
    agent.run()
    (notice,) = agent.notices
    assert notice.title == "8 playlists cannot be used"
    assert notice.message.count("spotify_playlists.happy") == 5
    assert "and 3 more" in notice.message
