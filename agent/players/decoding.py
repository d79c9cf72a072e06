"""Audio files to sound: libsndfile decodes them, soxr brings them to the device's rate.

Music comes from anywhere, and a decoder that can be broken by a file breaks the whole agent.
libsndfile and what it is built from (libFLAC, libogg, libvorbis, opus, mpg123) are fuzzed for a
living; ``tests/players/mutations.py`` tries ours. A file gets to it only when its first bytes,
behind any tags, are those of a kind that we want: libsndfile knows two dozen more, which nobody
here needs. What of an Ogg libvorbis believes unseen is looked at before (``ogg_head``).
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import stat
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.players.ogg_head import has_usual_tables
from agent.translation import N_, _

RATE = 44_100
CHANNELS = 2
FRAME_BYTES = 2 * CHANNELS
PIECE = 8_192
"""Frames that are decoded at once: a fifth of a second."""
SUFFIXES = (".mp3", ".flac", ".ogg", ".wav", ".opus", ".oga", ".aiff", ".aif")
MAX_CHANNELS = 8
LOUDEST = 4.0
"""Of a sample, where 1 is full loudness: float files may go beyond it, damage goes to 10^38."""
RATES = range(4_000, 384_001)
"""Sample rates in use, from telephones to studios; others are taken for damage."""
LONGEST = 7 * 86_400
"""Seconds of a track; a file can say anything of its length."""
MOST_READ = 50_000_000
"""Bytes that are read to open a file, or for one piece of it: covers have a few million."""
MOST_WORK = 1.0
"""Seconds of the processor for the same: music takes some thousandths."""
MOST_TAGS = 16
"""ID3 tags one after the other, or within an MPEG stream; two happen, where several programs wrote
them, or files were put together."""
_TAG = re.compile(rb"ID3(?=[^\xff]{2}.[\0-\x7f]{4})", re.DOTALL)
_TAG_BYTES = 10
"""Before the content of a tag."""
_UNREAD = 0x7E
"""A version of ID3 that does not exist: mpg123 passes over such a tag."""

KINDS = ("WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "AIFF")
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
    """An open audio file, decoded to 16 bit stereo at RATE. Raises Unplayable.

    One thread at a time. A file that becomes damaged ends there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _File(path)
        sound = self._file.sound
        self.duration: float = sound.frames / sound.samplerate
        self._resample = _resampler(sound.samplerate)
        self._ready = b""  # decoded, not read yet
        self._over = False

    def read(self, frames: int) -> bytes:
        """Give at most ``frames`` frames; empty at the end, or where the rest is damaged."""
        wanted = frames * FRAME_BYTES
        while not self._ready and not self._over:
            self._ready = self._decode()
        given, self._ready = self._ready[:wanted], self._ready[wanted:]
        return given

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._file.close()
        self._over = True
        self._ready = b""

    def _decode(self) -> bytes:
        import soundfile

        try:
            piece = self._file.read(PIECE)
        except (soundfile.SoundFileError, RuntimeError):
            piece = np.zeros((0, CHANNELS), np.float32)
        self._over = len(piece) == 0
        stereo = to_stereo(piece)
        if self._resample is not None:
            stereo = self._resample.resample_chunk(stereo, last=self._over)
        samples = np.clip(stereo, -1.0, 1.0) * np.float32(32_767.0)
        return samples.astype(np.int16).tobytes()


def _resampler(rate: int) -> Any:
    if rate == RATE:
        return None
    import soxr

    return soxr.ResampleStream(rate, RATE, CHANNELS, dtype="float32")


def to_stereo(piece: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring samples [frames, channels] to [frames, 2].

    What is beyond two channels goes to both, at half its loudness; what is no number is silence.
    """
    piece = np.nan_to_num(piece, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    piece = np.clip(piece, -LOUDEST, LOUDEST)
    if piece.shape[1] == 1:
        return np.repeat(piece, CHANNELS, axis=1)
    if piece.shape[1] > CHANNELS:
        around = piece[:, CHANNELS:].mean(axis=1, keepdims=True)
        return np.asarray((piece[:, :CHANNELS] + 0.5 * around) / 1.5, dtype=np.float32)
    return piece


class _Bounded(io.FileIO):
    """A file without the tags before ``start``, which ends where one call has taken too much.

    mpg123 keeps a tag whole, and libogg a packet, twice each: they are as large as the file says.
    libogg sums up each page that seems to begin, and one can seem to begin at every fourth byte.
    """

    def __init__(self, descriptor: int, start: int, *, is_mpeg: bool) -> None:
        super().__init__(descriptor, closefd=False)
        self._start = start
        self._is_mpeg = is_mpeg
        self._tags: set[int] = set()  # where they were met
        self.begin()
        self.seek(0)

    def begin(self) -> None:
        """Count anew: another call begins."""
        self._read = 0
        self._began = time.thread_time()

    def readinto(self, buffer: Any) -> int:
        """Read; called by the library, in the thread that called it."""
        self._read += len(buffer)
        if self._read > MOST_READ or time.thread_time() - self._began > MOST_WORK:
            return 0
        count = super().readinto(buffer) or 0
        if count and self._is_mpeg and not self._passes_over_tags(buffer, count):
            return 0
        return count

    def _passes_over_tags(self, buffer: Any, count: int) -> bool:
        """Have mpg123 pass over the tags within the stream; False: there are too many.

        It compares each text of a tag with all before it, which takes minutes for a million of
        them, and prints a line for each that is damaged. A tag's head may lie across two reads.
        """
        place = super().tell() - count
        begin = max(0, place - _TAG_BYTES)
        super().seek(begin)
        around = self._whole(place - begin + count + _TAG_BYTES)
        super().seek(place + count)
        for found in _TAG.finditer(around):
            version = begin + found.start() + len(b"ID3")
            if place <= version < place + count:
                self._tags.add(version)
                memoryview(buffer).cast("B")[version - place] = _UNREAD
        return len(self._tags) <= MOST_TAGS

    def _whole(self, size: int) -> bytes:
        """Read that much, or to the end; what the library does not see is not counted."""
        whole = b""
        while len(whole) < size and (more := os.read(self.fileno(), size - len(whole))):
            whole += more
        return whole

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place behind the tags; where damage leads before the file, stay."""
        with contextlib.suppress(OSError):  # it would be printed, not raised
            super().seek(offset + (self._start if whence == os.SEEK_SET else 0), whence)
        return self.tell()

    def tell(self) -> int:
        """Tell the place behind the tags."""
        return super().tell() - self._start


class _File:
    """A file that libsndfile has open. Raises Unplayable."""

    def __init__(self, path: Path) -> None:
        import soundfile

        self._descriptor = _open_regular(path)
        self.sound: Any = None
        try:
            start, head = _behind_tags(self._descriptor)
            _check_kind(head)
            # The very file that was looked at, whatever its name.
            self._bounded = _Bounded(self._descriptor, start, is_mpeg=_is_mpeg(head))
            if head.startswith(b"OggS") and not has_usual_tables(self._next):
                raise Unplayable(_("it is damaged"))
            self._bounded.seek(0)
            self._bounded.begin()
            self.sound = _straight_reader()(self._bounded)
        except (soundfile.SoundFileError, RuntimeError, OSError) as error:
            raise Unplayable(_("it is damaged")) from error
        finally:
            if self.sound is None:
                os.close(self._descriptor)
        if (
            self.sound.format not in KINDS
            or self.sound.frames <= 0
            or self.sound.samplerate not in RATES
            or self.sound.frames > LONGEST * self.sound.samplerate
            or not 1 <= self.sound.channels <= MAX_CHANNELS
        ):
            self.close()
            raise Unplayable(_("it is damaged"))

    def read(self, frames: int) -> NDArray[np.float32]:
        """Decode a piece [frames, channels]. Raises what soundfile does."""
        self._bounded.begin()
        piece: NDArray[np.float32] = self.sound.read(frames, dtype="float32", always_2d=True)
        return piece

    def _next(self, count: int) -> bytes:
        """Read on, within the same bounds as the library; fewer bytes at the end."""
        buffer = bytearray(count)
        return bytes(buffer[: self._bounded.readinto(buffer)])

    def close(self) -> None:
        """Close it. May be called twice."""
        if not self.sound.closed:
            self.sound.close()
            os.close(self._descriptor)


@cache
def _straight_reader() -> Any:
    """Give soundfile's class without its habit of seeking to where it is after each piece.

    In an MP3 that loses what the decoder still holds, and the piece's beginning with it.
    """
    import soundfile

    class StraightReader(soundfile.SoundFile):  # type: ignore[misc]
        def seekable(self) -> bool:
            return False

    return StraightReader


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


def _behind_tags(descriptor: int) -> tuple[int, bytes]:
    """Find what the file is behind its tags: the place, and the first bytes there.

    A tag is ten bytes, the last four of which tell in seven bits each how much follows.
    """
    place = 0
    for _number in range(MOST_TAGS):
        os.lseek(descriptor, place, os.SEEK_SET)
        head = os.read(descriptor, 16)
        if head[:3] != b"ID3" or len(head) < 10:
            return place, head
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        place += 10 + size
    return place, b""


def _check_kind(head: bytes) -> None:
    """Raise Unplayable for a file that does not begin like one of ours."""
    for offset, mark, why in _ELSEWHERE:
        if head[offset:].startswith(mark):
            raise Unplayable(_(why))
    wave = head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE"
    aiff = head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")
    if not (wave or aiff or _is_mpeg(head) or head[:4] in (b"fLaC", b"OggS")):
        raise Unplayable(_("it is no audio file that Moodtray knows"))


def _is_mpeg(head: bytes) -> bool:
    """Tell whether it begins like a frame of an MPEG stream, such as MP3."""
    return head[:1] == b"\xff" and head[1:2] >= b"\xe0"
