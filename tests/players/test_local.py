"""Moodtray's own player, with real decoders and the null device in real time."""

from __future__ import annotations

import logging
import queue
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.errors import PlaylistGone
from agent.events import Event, PlaybackChanged, PlaylistStarted
from agent.players import sound, track
from agent.players.backend import PlayerBackend, TellsChanges
from agent.players.local import SILENT, LocalPlayer, loop, playlist, playlists_for, tracks_of
from agent.players.player_worker import PlayerWorker
from agent.players.track import FRAME_BYTES, RATE, Track
from agent.settings import LocalSettings, Settings
from agent.store.paths import resources_dir
from agent.types import EMOTIONS, Chooser, Happening, Playlist, PlayState
from tests.fakes.audio import write_broken, write_tone
from tests.fakes.clock import FakeClock

IN_ORDER = LocalSettings()
SHUFFLED = LocalSettings(shuffle=True)


@pytest.fixture
def make() -> Iterator[Callable[..., LocalPlayer]]:
    players: list[LocalPlayer] = []

    def build(settings: LocalSettings = IN_ORDER, **options: object) -> LocalPlayer:
        clock = options.pop("clock", SystemClock())
        players.append(LocalPlayer(settings, clock, null=True, **options))  # type: ignore[arg-type]
        return players[-1]

    yield build
    for player in players:
        player.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An album of three tracks of 0.6 s."""
    for number in (1, 2, 10):
        write_tone(tmp_path / "Calm" / f"{number}_tone.wav", 0.6)
    return tmp_path / "Calm"


def titles_within(player: LocalPlayer, count: int, seconds: float = 20.0) -> list[str]:
    """The next titles that play, one after the other."""
    seen = [str(player.playback().title)]
    # When a track ends, for on a busy machine the next may have ended before it is looked at.
    player.on_change = lambda: seen.append(str(player.playback().title))
    deadline = time.monotonic() + seconds
    while len(seen) < count:
        assert time.monotonic() < deadline, f"only {seen}"
        time.sleep(0.01)
    player.on_change = lambda: None
    return seen[:count]


def wait_for_position(player: LocalPlayer, seconds: float) -> None:
    """Until the present track has come beyond ``seconds``."""
    deadline = time.monotonic() + 20.0
    while (player.playback().position or 0.0) <= seconds:
        assert time.monotonic() < deadline, "the position stands"
        time.sleep(0.02)


def test_nothing_is_opened_before_it_plays(make: Callable[..., LocalPlayer]) -> None:
    player = make()
    assert player.playback().state is PlayState.STOPPED
    assert isinstance(player, TellsChanges)


def test_it_plays_in_order_and_around_again(make: Callable[..., LocalPlayer], folder: Path) -> None:
    player = make()
    player.play(playlist(str(folder)))
    assert titles_within(player, 5) == ["1 tone", "2 tone", "10 tone", "1 tone", "2 tone"]


def test_the_next_track_begins_at_once_also_in_a_pause(
    make: Callable[..., LocalPlayer], folder: Path
) -> None:
    player = make()
    player.next_track()  # nothing was played: nothing happens
    player.play(playlist(str(folder)))
    player.next_track()
    assert player.playback().title == "2 tone"
    player.pause()
    player.next_track()
    reading = player.playback()
    assert (reading.title, reading.state) == ("10 tone", PlayState.PLAYING)
    assert reading.position is not None
    assert reading.position < 0.6


def test_a_loop_of_ours_has_no_title(make: Callable[..., LocalPlayer]) -> None:
    player = make()
    player.play(loop("happy"))
    assert player.playback().title is None
    assert player.playback().only_track


def test_a_reading_tells_all(make: Callable[..., LocalPlayer], folder: Path) -> None:
    player = make()
    wanted = playlist(str(folder))
    player.play(wanted)
    reading = player.playback()
    assert reading.state is PlayState.PLAYING
    assert (reading.context, reading.context_name) == (str(folder), "Calm")
    assert reading.track == str(folder / "1_tone.wav")
    assert reading.duration == pytest.approx(0.6, abs=0.01)
    assert reading.position is not None
    assert 0.0 <= reading.position <= 0.6
    assert (reading.device, reading.unheard) == (SILENT, True)
    assert (reading.chosen_since, reading.paused_by_hand) == (None, False)
    assert not reading.only_track, "there are three"


def test_the_position_moves_with_the_time_and_stands_in_a_pause(
    make: Callable[..., LocalPlayer], tmp_path: Path
) -> None:
    player = make()
    player.play(playlist(str(write_tone(tmp_path / "long.wav", 20.0))))
    wait_for_position(player, 0.3)
    player.pause()
    paused = player.playback()
    assert paused.state is PlayState.PAUSED
    time.sleep(0.5)
    assert player.playback().position == paused.position
    player.resume()
    assert player.playback().state is PlayState.PLAYING
    assert paused.position is not None
    wait_for_position(player, paused.position + 0.1)


def test_one_playlist_after_the_other(
    make: Callable[..., LocalPlayer], folder: Path, tmp_path: Path
) -> None:
    player = make()
    player.play(playlist(str(folder)))
    player.pause()
    other = playlist(str(write_tone(tmp_path / "other.wav", 5.0)))
    player.play(other)
    reading = player.playback()
    assert (reading.context, reading.state) == (other.uri, PlayState.PLAYING)


def test_pausing_and_resuming_nothing_is_no_error(make: Callable[..., LocalPlayer]) -> None:
    player = make()
    player.pause()
    player.resume()
    player.close()
    assert player.playback().state is PlayState.STOPPED


def test_shuffled_it_plays_all_and_none_twice_in_a_row(
    make: Callable[..., LocalPlayer], folder: Path
) -> None:
    player = make(SHUFFLED, seed=3)
    player.play(playlist(str(folder)))
    seen = titles_within(player, 6)
    assert set(seen[:3]) == {"1 tone", "2 tone", "10 tone"}
    assert all(one != next_one for one, next_one in pairwise(seen))


class TestDecks:
    """Without a device: what it would hear."""

    @pytest.fixture(autouse=True)
    def patient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """On a busy machine a device hears some silence instead."""
        monkeypatch.setattr(track, "PATIENCE", 20.0)

    def test_a_gap_follows_each_track(self, tmp_path: Path) -> None:
        ends: list[None] = []
        deck = sound.Deck(
            [write_tone(tmp_path / "a.wav", 0.5)], on_end=lambda: ends.append(None)
        )  # fmt: skip
        heard = b""
        for _ in range(20):
            part = deck.read(RATE // 10)
            heard += part.ljust(RATE // 10 * FRAME_BYTES, b"\0")
        loud = [
            any(heard[start : start + 40 * FRAME_BYTES])
            for start in range(0, len(heard), 40 * FRAME_BYTES)
        ]
        first_gap = loud.index(False)
        after = loud.index(True, first_gap)
        assert first_gap * 40 / RATE == pytest.approx(0.5, abs=0.02)
        gap = (after - first_gap) * 40 / RATE
        assert sound.GAP - 0.02 <= gap <= sound.GAP + 0.12  # and the rest of that buffer
        assert len(ends) == 2

    def test_in_the_gap_the_next_track_stands_at_its_start(self, tmp_path: Path) -> None:
        paths = [write_tone(tmp_path / name, 0.1) for name in ("a.wav", "b.wav")]
        ends: list[None] = []
        deck = sound.Deck(paths, on_end=lambda: ends.append(None))
        for _ in range(int(0.3 * RATE / 1000)):
            if not ends:
                deck.read(1000)
        assert ends
        assert deck.now is not None
        assert deck.now[:2] == (paths[1], 0.0)

    def test_broken_files_are_skipped_and_named(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        paths = [
            write_broken(tmp_path / "1.ogg"),
            write_tone(tmp_path / "2.wav", 0.1),
            write_broken(tmp_path / "3.mp3"),
            tmp_path / "4-has-gone.flac",
        ]
        with caplog.at_level(logging.WARNING):
            deck = sound.Deck(paths, on_end=lambda: None)
            for _ in range(40):
                deck.read(2000)
                assert deck.now is not None
                assert deck.now[0] == paths[1]
        assert deck.has_one, "nothing else is left"
        for name in ("1.ogg", "3.mp3", "4-has-gone.flac"):
            assert sum(name in message for message in caplog.messages) == 1

    def test_it_ends_when_all_have_gone(self, tmp_path: Path) -> None:
        path = write_tone(tmp_path / "a.wav", 0.1)
        deck = sound.Deck([path], on_end=lambda: None)
        path.unlink()
        for _ in range(10):
            deck.read(2000)
        assert deck.now is None
        assert deck.read(2000) == b""

    def test_volume(self) -> None:
        samples = (1000).to_bytes(2, "little", signed=True) * 4
        assert sound.quieter(samples, 1.0) == samples
        assert sound.quieter(samples, 0.5) == (500).to_bytes(2, "little", signed=True) * 4
        assert not any(sound.quieter(samples, 0.0))


class TestTrouble:
    def test_a_missing_folder(self, make: Callable[..., LocalPlayer], tmp_path: Path) -> None:
        with pytest.raises(PlaylistGone, match="There is no folder") as caught:
            make().play(playlist(str(tmp_path / "Gone")))
        assert str(tmp_path / "Gone") in caught.value.message

    def test_a_folder_without_music(self, make: Callable[..., LocalPlayer], tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("no music")
        (tmp_path / ".hidden.mp3").write_bytes(b"x")
        with pytest.raises(PlaylistGone, match=r"holds no music .*mp3, flac, ogg, wav"):
            make().play(playlist(str(tmp_path)))

    def test_only_broken_files(self, make: Callable[..., LocalPlayer], tmp_path: Path) -> None:
        write_broken(tmp_path / "Bad" / "a.mp3")
        with pytest.raises(PlaylistGone, match="None of the 1 audio files of “Bad”"):
            make().play(playlist(str(tmp_path / "Bad")))

    def test_an_unknown_loop(self, make: Callable[..., LocalPlayer]) -> None:
        with pytest.raises(PlaylistGone, match=r"no loop called “joy”.*happy"):
            make().play(Playlist("local:joy", "Joy"))

    def test_after_a_refusal_the_old_music_plays_on(
        self, make: Callable[..., LocalPlayer], folder: Path
    ) -> None:
        player = make()
        player.play(playlist(str(folder)))
        with pytest.raises(PlaylistGone):
            player.play(Playlist("local:joy", "Joy"))
        reading = player.playback()
        assert (reading.context, reading.state) == (str(folder), PlayState.PLAYING)

    def test_a_device_that_went_away_is_replaced(
        self, make: Callable[..., LocalPlayer], tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        clock = FakeClock()
        player = make(clock=clock)
        player.play(playlist(str(write_tone(tmp_path / "long.wav", 30.0))))
        lost = player._output._device
        lost.stop()  # it asks for no more sound, as when it is unplugged
        player.playback()
        clock.advance(4.0)
        with caplog.at_level(logging.WARNING):
            player.playback()
        assert "went away" in caplog.text
        assert player._output._device is not lost
        pulls = player._output.pulls
        deadline = time.monotonic() + 10.0
        while player._output.pulls == pulls:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def test_a_machine_without_sound_plays_into_the_void(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def no_sound(backend: str) -> object:
            if backend != sound.NULL:
                raise sound.NoSound("there is no sound device")
            return open_device(backend)

        open_device = sound.open_device
        monkeypatch.setattr(sound, "open_device", no_sound)
        player = LocalPlayer(IN_ORDER, SystemClock())
        with caplog.at_level(logging.WARNING):
            player.play(playlist(str(write_tone(tmp_path / "a.wav", 5.0))))
        assert player.playback().device == SILENT
        assert "unheard" in caplog.text
        player.close()


class TestPlaylists:
    def test_the_loops_where_nothing_is_set(self) -> None:
        found = playlists_for(Settings())
        assert list(found) == list(EMOTIONS)
        assert found["happy"] == (Playlist("local:happy", "Happy (Moodtray loop)"),)

    def test_the_users_folders(self, tmp_path: Path) -> None:
        settings = Settings(
            local_playlists={"sad": (str(tmp_path / "Blues"), "local:neutral"), "fear": ()}
        )
        found = playlists_for(settings)
        assert found["sad"] == (Playlist(str(tmp_path / "Blues"), "Blues"), loop("neutral"))
        assert found["fear"] == ()

    def test_the_home_folder_is_understood(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        assert playlist("~/Music").uri == str(tmp_path / "Music")

    def test_folders_within_the_folder(self, tmp_path: Path) -> None:
        for name in ("10.wav", "9.wav", "B side/1.WAV"):
            write_tone(tmp_path / name, 0.05)
        files = tracks_of(playlist(str(tmp_path)))
        assert [str(file.relative_to(tmp_path)) for file in files] == [
            "9.wav",
            "10.wav",
            str(Path("B side/1.WAV")),
        ]

    @pytest.mark.parametrize("emotion", EMOTIONS)
    def test_every_shipped_loop_plays(self, emotion: str, make: Callable[..., LocalPlayer]) -> None:
        player = make()
        player.play(loop(emotion))
        reading = player.playback()
        assert reading.duration is not None
        assert reading.duration > 5.0

    def test_a_loop_has_sound_in_it(self, tmp_path: Path) -> None:
        copy = tmp_path / "ünï cödé.ogg"
        shutil.copy(resources_dir() / "sounds" / "happy.ogg", copy)
        deck = sound.Deck([copy], on_end=lambda: None)
        assert any(any(deck.read(4410)) for _ in range(50))
        deck.close()


def test_with_its_worker_a_switch_comes_at_the_tracks_end(
    make: Callable[..., LocalPlayer], tmp_path: Path
) -> None:
    """The device tells the end of a track, the worker reports it, the next playlist starts."""
    first = playlist(str(write_tone(tmp_path / "first.wav", 1.5)))
    second = playlist(str(write_tone(tmp_path / "second.wav", 20.0)))
    player = make()
    events: list[Event] = []

    def report(event: Event) -> None:
        events.append(event)
        if (
            isinstance(event, PlaybackChanged)
            and event.happening is Happening.TRACK_ENDED
            and event.playback.context == first.uri
        ):
            worker.play(second)

    worker = PlayerWorker(PlayerBackend.near(player), report, SystemClock())
    worker.start()
    worker.play(first, asked=True)
    deadline = time.monotonic() + 20.0
    while not any(isinstance(e, PlaylistStarted) and e.playlist == second for e in events):
        assert time.monotonic() < deadline, events
        time.sleep(0.02)
    worker.request_stop()
    assert worker.join(10.0)
    started = [event.playlist for event in events if isinstance(event, PlaylistStarted)]
    assert started == [first, second]


def test_a_defect_in_a_track_costs_that_track_and_not_the_music(
    make: Callable[..., LocalPlayer], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, init = Track.read, Track.__init__

    def breaks(self: Track, frames: int) -> bytes | None:
        if self.path.name == "1_tone.wav":
            raise ZeroDivisionError
        return read(self, frames)

    def breaks_at_once(self: Track, path: Path) -> None:
        if path.name == "2_tone.wav":
            raise ZeroDivisionError
        init(self, path)

    monkeypatch.setattr(Track, "read", breaks)
    monkeypatch.setattr(Track, "__init__", breaks_at_once)
    player = make()
    player.play(playlist(str(folder)))
    end = time.monotonic() + 20.0
    while (now := player.playback()).title != "10 tone" or not now.position:
        assert time.monotonic() < end, now
        time.sleep(0.02)


def test_music_that_breaks_off_was_stopped_by_nobody(
    make: Callable[..., LocalPlayer], tmp_path: Path
) -> None:
    """The only track broke its decoder: silence that came by itself, not a pause by the user."""
    only = playlist(str(write_tone(tmp_path / "only.wav", 20.0)))
    player = make()
    changes: queue.Queue[PlaybackChanged] = queue.Queue()

    def report(event: Event) -> None:
        if isinstance(event, PlaybackChanged):
            changes.put(event)

    worker = PlayerWorker(PlayerBackend.near(player), report, SystemClock())
    worker.start()
    worker.play(only, asked=True)
    while changes.get(timeout=20.0).playback.state is not PlayState.PLAYING:
        pass
    assert player._deck is not None
    assert player._deck._track is not None
    player._deck._track._process.kill()
    while (change := changes.get(timeout=20.0)).playback.state is not PlayState.STOPPED:
        pass
    worker.request_stop()
    assert worker.join(10.0)
    assert change.happening is Happening.CONTEXT_ENDED
    assert not change.playback.paused_by_hand
    assert change.playback.chosen_by is Chooser.AGENT, "ours ran out: it may go on"


def test_music_that_is_gone_is_told_with_its_reason(
    make: Callable[..., LocalPlayer], folder: Path
) -> None:
    """It fell silent without a word, and "you took back a change" was told for a reason."""
    player = make()
    calm = playlist(str(folder))
    player.play(calm)
    shutil.rmtree(folder)
    assert player.take_lost() is None
    player.next_track()
    assert player.playback().state is PlayState.STOPPED
    lost = player.take_lost()
    assert lost is not None
    assert lost[0] == calm
    assert f"There is no folder or file {folder}" in lost[1].message
    assert player.playback().state is PlayState.STOPPED
    assert player.take_lost() is None, "once"


def test_music_of_which_nothing_can_be_played_any_more_is_told(
    make: Callable[..., LocalPlayer], tmp_path: Path
) -> None:
    path = write_tone(tmp_path / "Calm" / "only.wav", 20.0)
    player = make()
    player.play(playlist(str(path.parent)))
    path.write_bytes(b"no sound")
    player.next_track()
    assert player.playback().state is PlayState.STOPPED
    lost = player.take_lost()
    assert lost is not None
    assert lost[1].title == "No music in “Calm”"
    assert "only.wav" in lost[1].message
