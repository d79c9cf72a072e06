"""A track: an audio file, checked here, decoded by a process of its own, and made sound here.

A decoder that a file breaks costs that one track (``decoding`` says what its process cannot do).
What comes of it is believed as little as the file: a few numbers, and samples of any value.
A file gets there only when its first bytes, behind any tags, are those of a kind that we want:
libsndfile knows two dozen more, which nobody here needs.
"""

from __future__ import annotations

import logging
import math
import os
import stat
import subprocess
import sys
import threading
import time
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import agent
from agent.players.decoding import (
    DAMAGED,
    HEADER,
    LONGEST,
    MAX_CHANNELS,
    RATES,
    SAMPLE,
    SILENT,
    behind_tags,
    is_mpeg,
)
from agent.translation import N_, _

log = logging.getLogger(__name__)

RATE = 44_100
CHANNELS = 2
FRAME_BYTES = 2 * CHANNELS
SUFFIXES = (".mp3", ".flac", ".ogg", ".wav", ".opus", ".oga", ".aiff", ".aif")
OPENING = 20.0
"""Seconds until the first sound must be there; it takes a tenth of one."""
LOUDEST = 4.0
"""Of a sample, where 1 is full loudness: float files may go beyond it, damage goes to 10^38."""
STUCK = 30.0
"""Seconds without any sound, while some is wanted, until the rest of a track is left."""
ENDING = 1.0
"""Seconds that its process and thread have to end, before they are left to do so by themselves."""
PATIENCE = 0.1
"""Seconds that a reader waits for sound, before it hears silence for a moment."""
AHEAD = 2 * RATE * FRAME_BYTES
"""Bytes of sound that are kept before they are wanted: two seconds."""
ONCE = 65_536
"""Bytes that are taken from the process at once; a pipe holds no more."""
DECODE_MUSIC = "--decode-music"
"""What the packaged program is called with to be the decoder; ``__main__`` knows it as well."""

_ELSEWHERE = (
    (4, b"ftyp", N_("it is an MPEG-4 file (AAC or ALAC), which Moodtray cannot play")),
    (0, b"\x30\x26\xb2\x75", N_("it is a Windows Media file, which Moodtray cannot play")),
    (0, b"\x1a\x45\xdf\xa3", N_("it is a Matroska or WebM file, which Moodtray cannot play")),
    (0, b"MAC ", N_("it is a Monkey's Audio file, which Moodtray cannot play")),
    (0, b"wvpk", N_("it is a WavPack file, which Moodtray cannot play")),
    (0, b"DSD ", N_("it is a DSD file, which Moodtray cannot play")),
    (0, b"MThd", N_("it is a MIDI file, which holds no sound")),
)


class Unplayable(Exception):
    """A file that holds no sound we can decode; the text says why."""


class Track:
    """An audio file that is being decoded to 16 bit stereo at RATE. Raises Unplayable.

    Waits until the first of its sound is there: a tenth of a second, and OPENING at most. Any
    thread. A file that becomes damaged ends there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.broke = False
        """Its process was ended by the system, or by us, before the track was over."""
        self._news = threading.Condition()
        self._ready = bytearray()  # decoded, not read yet
        self._over = False  # nothing more comes
        self._closed = False
        self._process = _decoder_of(checked(path))
        self._latest = time.monotonic()  # when sound was given last
        self.duration = 0.0
        """Seconds of it that the file says that it has."""
        self._thread = threading.Thread(target=self._follow, name="decoder", daemon=True)
        self._thread.start()
        self._begin()

    def read(self, frames: int) -> bytes | None:
        """Give at most ``frames`` frames; empty at the end, or where the rest is damaged.

        None where nothing is decoded yet, after PATIENCE seconds.
        """
        with self._news:
            self._news.wait_for(self._can_be_read, PATIENCE)
            given = bytes(self._ready[: frames * FRAME_BYTES])
            del self._ready[: frames * FRAME_BYTES]
            self._news.notify_all()
            if given or self._over:
                self._latest = time.monotonic()
                return given
        if time.monotonic() - self._latest < STUCK:
            return None
        self._give_up()
        return b""

    def close(self) -> None:
        """End the decoding. May be called twice."""
        with self._news:
            self._closed = self._over = True
            self._ready.clear()
            self._news.notify_all()
        self._process.kill()
        self._thread.join(ENDING)

    def _can_be_read(self) -> bool:
        return self._over or len(self._ready) > 0

    def _begin(self) -> None:
        """Wait for the first sound. Raises Unplayable."""
        with self._news:
            if self._news.wait_for(self._can_be_read, OPENING) and self._ready:
                return
            came = self._over
        self.close()
        if not came:
            raise Unplayable(_("it could not be read for too long"))
        code = self._process.returncode
        log.info("the decoder ended with %s", code)
        ours = self.broke and code == 0  # a defect
        raise Unplayable(_(BROKE if ours else _NO_SOUND.get(code, BROKE)))

    def _give_up(self) -> None:
        self.broke = True
        self.close()

    def _follow(self) -> None:
        """Take what the process gives, a little before it is wanted. In a thread of its own."""
        whole = False
        try:
            with self._process:
                self._take_all()
            whole = self._process.returncode == 0
        finally:
            with self._news:
                if not self._closed:
                    self._over, self.broke = True, not whole
                self._news.notify_all()

    def _take_all(self) -> None:
        out = self._process.stdout
        assert out is not None
        head = b""
        while len(head) < HEADER.size:
            if not (piece := out.read(HEADER.size - len(head))):
                return
            head += piece
        try:
            self.duration, conversion = _understood(head)
        except _Nonsense:
            self._process.kill()
            return
        while not self._closed and (piece := out.read(ONCE)):
            self._take(conversion.next(piece))
        self._take(conversion.end())

    def _take(self, sound: bytes) -> None:
        with self._news:
            self._news.wait_for(lambda: self._closed or len(self._ready) < AHEAD)
            if not self._closed:
                self._ready += sound
            self._news.notify_all()


class _Nonsense(Exception):
    """A header that no decoder of ours writes."""


def _understood(head: bytes) -> tuple[float, Conversion]:
    """Read the header: the duration in seconds, and what makes sound of the rest.

    Raises _Nonsense.
    """
    duration, rate, channels = HEADER.unpack(head)
    if (
        not (math.isfinite(duration) and 0.0 < duration <= LONGEST)
        or rate not in RATES
        or not 1 <= channels <= MAX_CHANNELS
    ):
        raise _Nonsense
    return duration, Conversion(rate, channels)


class Conversion:
    """Samples as they were decoded to 16 bit stereo at RATE. One thread at a time."""

    def __init__(self, rate: int, channels: int) -> None:
        self._channels = channels
        self._rest = b""  # of a frame that is not whole yet
        self._resample = _resampler(rate)

    def next(self, piece: bytes) -> bytes:
        """Convert the next bytes, however they are cut."""
        data = self._rest + piece
        end = len(data) - len(data) % (self._channels * SAMPLE)
        self._rest = data[end:]
        return self._convert(data[:end], is_last=False)

    def end(self) -> bytes:
        """Give what is still held back."""
        return self._convert(b"", is_last=True)

    def _convert(self, data: bytes, *, is_last: bool) -> bytes:
        samples = np.frombuffer(data, np.float32).reshape(-1, self._channels)
        stereo = to_stereo(samples)
        if self._resample is not None:
            stereo = self._resample.resample_chunk(stereo, last=is_last)
        whole = np.clip(stereo, -1.0, 1.0) * np.float32(32_767.0)
        return whole.astype(np.int16).tobytes()


def to_stereo(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring samples [frames, channels] to [frames, 2].

    What is beyond two channels goes to both, at half its loudness; what is no number is silence.
    """
    samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    samples = np.clip(samples, -LOUDEST, LOUDEST)
    if samples.shape[1] == 1:
        return np.repeat(samples, CHANNELS, axis=1)
    if samples.shape[1] > CHANNELS:
        around = samples[:, CHANNELS:].mean(axis=1, keepdims=True)
        return np.asarray((samples[:, :CHANNELS] + 0.5 * around) / 1.5, dtype=np.float32)
    return samples


def _resampler(rate: int) -> Any:
    if rate == RATE:
        return None
    import soxr

    return soxr.ResampleStream(rate, RATE, CHANNELS, dtype="float32")


BROKE = N_("it broke the decoder")
_NO_SOUND = {
    0: N_("it holds no sound"),
    SILENT: N_("it holds no sound"),
    DAMAGED: N_("it is damaged"),
}
"""What the decoder's exit code says of a file of which no sound came."""


def checked(path: Path) -> int:
    """Open a file whose first bytes are those of music; returns its descriptor.

    Raises Unplayable.
    """
    descriptor = _open_regular(path)
    try:
        _check_kind(behind_tags(descriptor)[1])
    except OSError as error:
        os.close(descriptor)
        raise Unplayable(_("it cannot be read ({why})").format(why=error.strerror)) from error
    except Unplayable:
        os.close(descriptor)
        raise
    return descriptor


def _decoder_of(descriptor: int) -> subprocess.Popen[bytes]:
    """Start the process that decodes an open file, which is closed here. Raises Unplayable."""
    try:
        return subprocess.Popen(
            _command(),
            stdin=descriptor,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libraries print what a file wants them to
            bufsize=0,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise Unplayable(_("it cannot be decoded ({why})").format(why=error.strerror)) from error
    finally:
        os.close(descriptor)


def _command() -> list[str]:
    """Find what starts the decoder: this program's own Python, with no more than it needs."""
    if getattr(sys, "frozen", False):
        return [sys.executable, DECODE_MUSIC]
    program = "from agent.players import decoding; decoding.main()"
    program = f"import sys; sys.path += {_places()!r}; {program}"
    return [sys.executable, "-I", "-S", "-c", program]


@cache
def _places() -> list[str]:
    """List the folders of the modules that the decoder has beside Python's own.

    Not those of this process, where a library may look for its own modules just now (cv2 does). Nor
    what is loaded is asked: another thread may be loading it, and it does not know its place yet.
    """
    found = [PathFinder.find_spec(name) for name in ("soundfile", "_soundfile", "_cffi_backend")]
    files = [spec.origin for spec in found if spec is not None and spec.origin is not None]
    folders = [Path(agent.__file__).parents[1], *(Path(file).parent for file in files)]
    return list(dict.fromkeys(os.path.abspath(folder) for folder in folders))


def _open_regular(path: Path) -> int:
    """Open a file for reading; not a pipe or a device, which would hang. Raises Unplayable."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise Unplayable(_("it cannot be read ({why})").format(why=error.strerror)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unplayable(_("it is no file"))
    return descriptor


def _check_kind(head: bytes) -> None:
    """Raise Unplayable for a file that does not begin like one of ours."""
    for offset, mark, why in _ELSEWHERE:
        if head[offset:].startswith(mark):
            raise Unplayable(_(why))
    wave = head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE"
    aiff = head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")
    if not (wave or aiff or is_mpeg(head) or head[:4] in (b"fLaC", b"OggS")):
        raise Unplayable(_("it is no audio file that Moodtray knows"))
