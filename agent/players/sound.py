"""The computer's sound.

A deck that plays tracks in turn, and miniaudio's device that pulls from it.

The device calls back in a thread of its own (the audio thread) a few times a second; what it calls
holds a lock for the time of decoding one buffer and never waits for anything else.
"""

from __future__ import annotations

import logging
import random
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agent.players.track import BROKE, CHANNELS, FRAME_BYTES, RATE, Track, Unplayable
from agent.printable import printable
from agent.timing import ToldOnce
from agent.translation import _

log = logging.getLogger(__name__)

GAP = 0.3
"""Seconds of silence after a track: time to switch before a note of the next one is heard."""
LOOKING = 10.0
"""Seconds in which the next track is looked for: 100,000 empty files take one, 70 damaged ones."""
NAMED = 3
"""So many files that cannot be played are named in one message."""
NULL = "Null"
"""Name of the null device, which is heard nowhere: a machine without sound."""


class NoSound(Exception):
    """A sound device that cannot be opened."""


class Deck:
    """The tracks of one playlist, one after the other and around again.

    The first playable track is opened at once; raises Unplayable when there is none. ``on_end`` is
    called in the audio thread after each track; it must not block.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        chance: random.Random | None = None,
        on_end: Callable[[], None],
    ) -> None:
        self._paths = list(paths)
        self._chance = chance  # None: in order
        self._on_end = on_end
        self._lock = threading.Lock()
        self._bad: dict[Path, str] = {}  # what cannot be played, and why
        self._played = 0  # frames of the present track
        self._gap = 0  # frames of silence still due
        self._latest: Path | None = None
        self._turn = self._order()
        self._track = self._open_next()
        if self._track is None:
            raise Unplayable(listed(self._bad))

    def read(self, frames: int) -> bytes:
        """Read the next sound; shorter than asked for means silence for the rest.

        The audio thread.
        """
        ended = False
        with self._lock:
            silent = min(self._gap, frames)
            self._gap -= silent
            parts = [bytes(silent * FRAME_BYTES)]
            missing = frames - silent
            while missing > 0 and self._track is not None and not ended:
                part = self._track.read(missing)
                if part is None:  # not decoded yet
                    break
                parts.append(part)
                missing -= len(part) // FRAME_BYTES
                self._played += len(part) // FRAME_BYTES
                if not part:
                    self._turn_over()
                    ended = True
        if ended:
            self._on_end()
        return b"".join(parts)

    @property
    def now(self) -> tuple[Path, float, float] | None:
        """The present track, position and duration in seconds.

        None when all have become unplayable.
        """
        with self._lock:
            if self._track is None:
                return None
            position = min(self._played / RATE, self._track.duration)
            return self._track.path, position, self._track.duration

    @property
    def unplayable(self) -> dict[Path, str]:
        """What cannot be played, and why."""
        with self._lock:
            return dict(self._bad)

    @property
    def has_one(self) -> bool:
        """Whether one track plays alone, around again."""
        with self._lock:
            return len(self._paths) - len(self._bad) == 1

    def skip(self) -> None:
        """Go on with the next track, and leave the present one out from now on."""
        with self._lock:
            if self._track is not None:
                self._skip(self._track.path, _(BROKE))
                self._turn_over()

    def next(self) -> None:
        """Go on with the next track at once. Any thread."""
        with self._lock:
            if self._track is not None:
                self._track.close()
                self._track = self._open_next()
                self._played = self._gap = 0

    def close(self) -> None:
        """Close the track that is open."""
        with self._lock:
            if self._track is not None:
                self._track.close()
                self._track = None

    # -- with the lock held

    def _turn_over(self) -> None:
        assert self._track is not None
        if self._track.broke:
            self._skip(self._track.path, _(BROKE))
        self._track.close()
        self._track = self._open_next()
        self._played = 0
        self._gap = int(GAP * RATE)

    def _open_next(self) -> Track | None:
        end = time.monotonic() + LOOKING
        for _rest in range(2 * len(self._paths)):  # the rest of this round and a whole one
            if time.monotonic() > end:
                log.warning("no track was found in %.0f s: the music ends", LOOKING)
                return None
            path = next(self._turn, None)
            if path is None:
                self._turn = self._order()
                continue
            if path in self._bad:
                continue
            try:
                track = Track(path)
            except Unplayable as error:
                self._skip(path, str(error))
                continue
            except Exception:
                log.exception("defect while a track was opened")
                self._skip(path, _(BROKE))
                continue
            self._latest = path
            return track
        return None

    def _skip(self, path: Path, why: str) -> None:
        self._bad[path] = why
        log.warning("skipped, it cannot be played: %s (%s)", printable(str(path)), why)

    def _order(self) -> Iterator[Path]:
        order = list(self._paths)
        if self._chance is not None:
            self._chance.shuffle(order)
            if len(order) > 1 and order[0] == self._latest:  # never the same one twice in a row
                order.append(order.pop(0))
        return iter(order)


def listed(bad: Mapping[Path, str]) -> str:
    """Name some files that cannot be played and say why, for people; count the others."""
    told = [f"{printable(path.name)} ({why})" for path, why in list(bad.items())[:NAMED]]
    more = len(bad) - len(told)
    return ", ".join(told) + (_(" and {more} more").format(more=more) if more else "")


class Output:
    """A sound device, opened when first needed. ``null`` True: the null device, on any machine.

    One thread calls it, except :attr:`pulls` and the audio thread's own callback.
    """

    def __init__(self, *, null: bool = False) -> None:
        self._null_only = null
        self._unheard = ToldOnce()
        self._device: Any = None
        self._deck: Deck | None = None
        self.volume = 1.0
        """0..1; may be set from any thread."""
        self.name = ""
        """The system that plays ("ALSA", "PulseAudio", ... or NULL); "" while none is open."""
        self.pulls = 0
        """Grows while the device asks for sound; a device that went away stops asking."""

    def play(self, deck: Deck) -> None:
        """Play from ``deck`` instead of what was played; opens the device.

        Never fails: without a device it plays on the null device.
        """
        self._deck = deck
        if self.name == NULL and not self._null_only:
            self.close()  # a real one may be there by now
        self.resume()

    def pause(self) -> None:
        """Fall silent where it is."""
        if self._device is not None:
            self._guard(self._device.stop)

    def resume(self) -> None:
        """Play on from there."""
        if self._device is not None and self._device.running:
            return
        for opened in self._candidates():
            if self._start(opened):
                return
        log.error("not even the null sound device could be started")

    def reopen(self) -> None:
        """Take another device: the present one went away."""
        self.close()
        self.resume()

    def close(self) -> None:
        """Let go of the device."""
        if self._device is not None:
            self._guard(self._device.close)
        self._device = None
        self.name = ""

    def _candidates(self) -> Iterator[Any]:
        """List the present device first, then those that can be opened now, null last."""
        if self._device is not None:
            yield self._device
            self.close()
        for backend in [NULL] if self._null_only else [*system_backends(), NULL]:
            try:
                device = open_device(backend)
            except NoSound as error:
                log.info("%s: %s", backend, error)
                continue
            if backend == NULL and not self._null_only and self._unheard.is_news():
                log.warning("no sound device works: the music plays unheard")
            yield device

    def _start(self, device: Any) -> bool:
        import miniaudio

        pump = self._pump()
        next(pump)
        try:
            device.start(pump)
        except miniaudio.MiniaudioError as error:
            log.warning("the sound device %s does not start: %s", device.backend, error)
            device.close()
            return False
        self._device, self.name = device, device.backend
        return True

    def _guard(self, action: Callable[[], None]) -> None:
        import miniaudio

        try:
            action()
        except miniaudio.MiniaudioError as error:  # it is gone already
            log.info("the sound device did not obey: %s", error)

    def _pump(self) -> Generator[bytes, int, None]:
        """Feed the device. Runs in the audio thread."""
        frames = yield b""
        while True:
            self.pulls += 1
            deck = self._deck
            frames = yield quieter(_sound_of(deck, frames), self.volume) if deck else b""


def _sound_of(deck: Deck, frames: int) -> bytes:
    """Draw from a deck; a defect costs one track, not the music."""
    try:
        return deck.read(frames)
    except Exception:  # whatever leaves this thread ends the sound for good
        log.exception("defect while a track was decoded")
        deck.skip()
        return b""


def quieter(sound: bytes, volume: float) -> bytes:
    """Multiply 16 bit samples by ``volume`` in 0..1."""
    if volume >= 1.0:
        return sound
    samples = np.frombuffer(sound, dtype=np.int16) * np.float32(volume)
    return samples.astype(np.int16).tobytes()


def system_backends() -> list[str]:
    """List the sound systems worth trying here, best first, without the null device."""
    if sys.platform != "linux":
        return [""]  # miniaudio knows the only sensible choice
    try:
        cards = Path("/proc/asound/cards").read_text(errors="replace")
    except OSError:
        cards = ""
    # Without a card ALSA only fails, and fills the terminal with its complaints.
    has_card = bool(cards.strip()) and "no soundcards" not in cards
    return ["PulseAudio", "ALSA"] if has_card else ["PulseAudio"]


def open_device(backend: str) -> Any:
    """Open a playback device that is not started yet; "" lets miniaudio choose.

    Raises NoSound.
    """
    import miniaudio

    known = {
        "PulseAudio": miniaudio.Backend.PULSEAUDIO,
        "ALSA": miniaudio.Backend.ALSA,
        NULL: miniaudio.Backend.NULL,
    }
    try:
        device = miniaudio.PlaybackDevice(
            nchannels=CHANNELS,
            sample_rate=RATE,
            backends=[known[backend]] if backend else None,
            app_name="Moodtray",
        )
    except miniaudio.MiniaudioError as error:
        raise NoSound(str(error)) from error
    if backend == "" and device.backend == NULL:
        device.close()
        raise NoSound(_("there is no sound device"))
    return device


def working_backend() -> str:
    """Find the sound system that would play here; NULL: none. Opens it for a moment."""
    for backend in system_backends():
        try:
            device = open_device(backend)
        except NoSound:
            continue
        name = str(device.backend)
        device.close()
        return name
    return NULL
