"""Moodtray's own player: folders of audio files, or the loops that the program ships."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path

from agent.errors import PlaylistGone
from agent.players.folders import LISTS, OTHER_AUDIO, Found, find, is_for_music, some
from agent.players.sound import NULL, Deck, Output, listed
from agent.players.track import SUFFIXES, Unplayable
from agent.ports import Clock
from agent.printable import printable
from agent.settings import LocalSettings, Settings
from agent.store.catalogues import mood_named
from agent.store.paths import expanded, resources_dir, short
from agent.store.walk import MOST_ENTRIES
from agent.translation import N_, _
from agent.types import EMOTIONS, LOOPS, MoodState, Playback, Playlist, PlayState
from agent.wording import MOODS, capital, mood_word

log = logging.getLogger(__name__)

NAME = N_("Moodtray's own player")
SILENT = N_("this computer, without sound: no sound device was found; connect one, or switch it on")
MOST_OF_A_MOOD, MOST_BESIDE = 20, 100
"""Folders named after one mood, and what lies beside them; anybody may have filled the place."""
STALL = 3.0
"""A device that asked for no sound that long is gone."""


def _nobody() -> None:
    pass


class LocalPlayer:
    """Implements agent.ports.Player; the player's thread only, except :meth:`set_volume`.

    ``on_change`` is called in the audio thread at the end of each track. ``null`` True plays on
    the null device on any machine; ``seed`` makes the shuffle repeatable.
    """

    def __init__(
        self,
        settings: LocalSettings,
        clock: Clock,
        *,
        null: bool = False,
        seed: int | None = None,
    ) -> None:
        self.name = _(NAME)
        self.on_change: Callable[[], None] = _nobody
        self._clock = clock
        self._chance = random.Random(seed) if settings.shuffle else None
        self._output = Output(null=null)
        self._output.volume = settings.volume
        self._deck: Deck | None = None
        self._playlist: Playlist | None = None
        self._lost: tuple[Playlist, PlaylistGone] | None = None  # and not told yet
        self._paused = False
        self._pulled = (0, 0.0)  # the output's pulls, and when they last grew

    def playback(self) -> Playback:
        """Read the present state; a sound device that went away is replaced by another."""
        now = self._clock.monotonic()
        if self._deck is None or self._playlist is None:
            return Playback(now, PlayState.STOPPED, ours_alone=True)
        if not self._paused:
            self._watch_device(now)
        unheard = self._output.name == NULL
        device = _(SILENT) if unheard else _("this computer")
        present = self._deck.now
        if present is None:
            self._lose(self._deck, self._playlist)
            return Playback(now, PlayState.STOPPED, device=device, ours_alone=True)
        path, position, duration = present
        return Playback(
            now,
            PlayState.PAUSED if self._paused else PlayState.PLAYING,
            context=self._playlist.uri,
            context_name=self._playlist.name,
            track=str(path).encode("utf-8", "backslashreplace").decode(),
            title=None if self._playlist.uri.startswith(LOOPS) else _title(path),
            position=position,
            duration=duration,
            device=device,
            unheard=unheard,
            ours_alone=True,
            only_track=self._deck.has_one,
        )

    def play(self, playlist: Playlist) -> None:
        """Start from the first track (shuffled: from any).

        Raises PlaylistGone; what played before then plays on.
        """
        paths = tracks_of(playlist)
        try:
            deck = Deck(paths, chance=self._chance, on_end=self._track_ended)
        except Unplayable as error:
            raise _none_can_be_played(playlist, len(paths), str(error)) from error
        before = self._deck
        self._deck, self._playlist, self._paused = deck, playlist, False
        self._output.play(deck)
        self._pulled = (self._output.pulls, self._clock.monotonic())
        if before is not None:
            before.close()

    def pause(self) -> None:
        """Pause; nothing happens in silence."""
        if self._deck is not None:
            self._output.pause()
            self._paused = True

    def resume(self) -> None:
        """Play on; does nothing when nothing was played before."""
        if self._deck is not None:
            self._output.resume()
            self._pulled = (self._output.pulls, self._clock.monotonic())
            self._paused = False

    def next_track(self) -> None:
        """Go on with the next track; does nothing when nothing was played before."""
        if self._deck is not None:
            self._deck.next()
            if self._paused:
                self.resume()

    def set_volume(self, volume: float) -> None:
        """Set the volume, 0..1. Any thread."""
        self._output.volume = volume

    def close(self) -> None:
        """Let go of the sound device."""
        self._output.close()
        if self._deck is not None:
            self._deck.close()
        self._deck, self._playlist = None, None

    def take_lost(self) -> tuple[Playlist, PlaylistGone] | None:
        """Return what played and can be played no more, and why, once."""
        lost, self._lost = self._lost, None
        return lost

    def _lose(self, deck: Deck, playlist: Playlist) -> None:
        """Let go of a deck of which nothing can be played any more, and note why."""
        bad = deck.unplayable
        try:
            tracks_of(playlist)
            error = _none_can_be_played(playlist, len(bad), listed(bad))
        except PlaylistGone as gone:  # the folder itself
            error = gone
        self._lost = playlist, error
        deck.close()
        self._deck, self._playlist = None, None

    def _track_ended(self) -> None:
        self.on_change()

    def _watch_device(self, now: float) -> None:
        pulls, since = self._pulled
        if self._output.pulls != pulls:
            self._pulled = (self._output.pulls, now)
        elif now - since > STALL:
            log.warning("the sound device %s went away", self._output.name)
            self._output.reopen()
            self._pulled = (self._output.pulls, now)


def _none_can_be_played(playlist: Playlist, count: int, why: str) -> PlaylistGone:
    return PlaylistGone(
        _(
            "None of the {n} audio files of “{name}” can be played: "
            "{error}. Replace them, or choose another one under 'Music for my moods'."
        ).format(n=count, name=playlist.name, error=why),
        title=_("No music in “{name}”").format(name=playlist.name),
    )


def _title(path: Path) -> str:
    return printable(path.stem.replace("_", " "))


def playlists_for(
    settings: Settings, adopted: Mapping[str, tuple[Path, ...]] | None = None
) -> dict[str, tuple[Playlist, ...]]:
    """Find every emotion's playlists: those of the settings, else the user's folder, else a loop.

    The folders are those of :func:`mood_folders`. An emotion with an empty list in the settings has
    none.
    """
    own = adopted or {}
    named_by_emotion = {str(emotion): names for emotion, names in settings.local_playlists.items()}
    found: dict[str, tuple[Playlist, ...]] = {}
    for emotion in EMOTIONS:
        named = named_by_emotion.get(emotion)
        if named is not None:
            found[emotion] = tuple(playlist(text) for text in named)
        elif emotion in own:
            found[emotion] = tuple(playlist(str(folder)) for folder in own[emotion])
        else:
            found[emotion] = (loop(emotion),)
    return found


def mood_folders(root: Path) -> dict[str, tuple[Path, ...]]:
    """Find the folders below ``root`` that are named after an emotion and hold music.

    "Happy", "Afraid", "Traurig" or "fear" are such names, in any case. Music of a kind that is not
    played is music, too: it is told when it is to play. Takes as long as the disk does; of one mood
    MOST_OF_A_MOOD are looked at, each once, by whatever links.
    """
    found: dict[str, tuple[Path, ...]] = {}
    looked: dict[MoodState, set[tuple[int, int]]] = {mood: set() for mood in MOODS}
    try:
        with os.scandir(root) as entries:
            some = islice(entries, MOST_ENTRIES)
            folders = sorted(root / entry.name for entry in some if os.path.isdir(entry))
    except OSError:
        return found
    for folder in folders:
        mood = mood_named(folder.name)
        if mood is None or len(looked[mood]) >= MOST_OF_A_MOOD:
            continue
        this = _identity(folder)
        if this is None or this in looked[mood]:
            continue
        looked[mood].add(this)
        if is_for_music(folder):
            found[mood.value] = (*found.get(mood.value, ()), folder)
    return found


def _identity(folder: Path) -> tuple[int, int] | None:
    """Which folder it is, whatever its name; None: it is gone."""
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def beside_moods(root: Path, settings: Settings) -> str:
    """Say which music below ``root`` no mood plays, since it is in no mood's folder; empty: none.

    What the settings name is played. Takes as long as the disk does; MOST_BESIDE are looked at.
    """
    entries = (entry for named in settings.local_playlists.values() for entry in named)
    played = {expanded(entry) for entry in entries if not entry.startswith(LOOPS)}
    if not played.isdisjoint((root, *root.parents)):
        return ""  # all of it is
    hold_some = {above for each in played for above in (each, *each.parents)}
    try:
        with os.scandir(root) as found:
            there = sorted(root / entry.name for entry in islice(found, MOST_BESIDE))
    except OSError:
        return ""
    beside = [
        printable(path.name)
        for path in there
        if not path.name.startswith(".") and path not in hold_some and _is_music_of_no_mood(path)
    ]
    if not beside:
        return ""
    return _(
        "No mood plays what is in {place} beside the moods' folders: {some}. Move it into one of "
        "them, such as “{example}”, or add it under 'Music for my moods'."
    ).format(place=short(root), some=some(beside), example=capital(mood_word(MoodState.HAPPY)))


def _is_music_of_no_mood(path: Path) -> bool:
    if os.path.isdir(path):
        return mood_named(path.name) is None and is_for_music(path)
    return path.suffix.lower() in (*SUFFIXES, *OTHER_AUDIO)


def loop(emotion: str) -> Playlist:
    """Return the shipped loop of an emotion."""
    name = mood_word(MoodState(emotion)) if emotion in EMOTIONS else printable(emotion)
    return Playlist(
        f"{LOOPS}{emotion}", _("{emotion} (Moodtray loop)").format(emotion=capital(name))
    )


def playlist(text: str) -> Playlist:
    """Turn an entry of the settings into a playlist: a folder, a file, or ``local:<emotion>``."""
    if text.startswith(LOOPS):
        return loop(text.removeprefix(LOOPS))
    path = expanded(text)
    is_file = path.suffix.lower() in (*SUFFIXES, *LISTS)
    return Playlist(str(path), printable(path.stem if is_file else path.name or str(path)))


def tracks_of(playlist: Playlist) -> list[Path]:
    """List the audio files of a playlist in the order in which people number them.

    Folders within it included, hidden files not. Raises PlaylistGone when there are none.
    """
    return look_at(playlist).tracks


def look_at(playlist: Playlist) -> Found:
    """List the same as :func:`tracks_of`, with what was passed over."""
    if playlist.uri.startswith(LOOPS):
        return Found([_loop_file(playlist)])
    return find(Path(playlist.uri), playlist.name)


def _loop_file(playlist: Playlist) -> Path:
    emotion = playlist.uri.removeprefix(LOOPS)
    if emotion not in EMOTIONS:
        raise PlaylistGone(
            _("Moodtray has no loop called “{emotion}”. Allowed are {emotions}.").format(
                emotion=printable(emotion), emotions=", ".join(EMOTIONS)
            )
        )
    file = resources_dir() / "sounds" / f"{emotion}.ogg"
    if not file.is_file():
        raise PlaylistGone(
            _(
                "The Moodtray loop {file} is missing. Install Moodtray again, or choose a folder "
                "of yours under 'Music for my moods'."
            ).format(file=file)
        )
    return file
