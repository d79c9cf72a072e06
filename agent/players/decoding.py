"""Audio files to samples, by libsndfile, in a process of its own.

Music comes from anywhere, and a decoder that can be broken by a file breaks the program that it is
in. So this runs as a program of its own (``track`` starts it), which has nothing but the one file
and a pipe for its sound, and has given up all else before it looks at the file::

    python -m agent.players.decoding < song > samples

libsndfile and what it is built from (libFLAC, libogg, libvorbis, opus, mpg123) are fuzzed for a
living; ``tests/players/mutations.py`` tries ours. What of an Ogg libvorbis believes unseen is
looked at before (``ogg_head``).
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import signal
import struct
import sys
import time
from functools import cache
from typing import Any

from agent.players.ogg_head import has_usual_tables

PIECE = 8_192
"""Frames that are decoded at once: a fifth of a second."""
MAX_CHANNELS = 8
RATES = range(4_000, 384_001)
"""Sample rates in use, from telephones to studios; others are taken for damage."""
LONGEST = 7 * 86_400
"""Seconds of a track; a file can say anything of its length."""
MOST_READ = 50_000_000
"""Bytes that are read to open a file, or for one piece of it: covers have a few million."""
MOST_WORK = 1.0
"""Seconds of the processor for the same: music takes some thousandths."""
MOST_WORK_IN_ALL = 10_000
"""Seconds of the processor for a track, whatever the program makes of its other bound: a week of
music takes some thousand."""
MOST_MEMORY = 400_000_000
"""Bytes of data that the program may have, and on Linux of memory of any kind beside its own code:
what is shared, or grows like a stack, is no data to the kernel."""
MOST_TAGS = 16
"""ID3 tags one after the other, or within an MPEG stream; two happen, where several programs wrote
them, or files were put together."""
_TAG = re.compile(rb"ID3(?=[^\xff]{2}.[\0-\x7f]{4})", re.DOTALL)
_TAG_BYTES = 10
"""Before the content of a tag."""
_UNREAD = 0x7E
"""A version of ID3 that does not exist: mpg123 passes over such a tag."""
KINDS = ("WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "AIFF")

DAMAGED, SILENT = 65, 66
"""Exit codes of a file without sound: it cannot be decoded, or it ends before any."""
HEADER = struct.Struct("=dII")
"""Before the samples: how many seconds of them the file says that it has, how many frames make one
of these, and the channels of each."""
SAMPLE = 4
"""Bytes of a sample, a float of the machine's own order."""


class Damaged(Exception):
    """A file that cannot be decoded."""


def main() -> None:
    """Decode the file at the standard input to the standard output, and end the process.

    HEADER, then what :meth:`Decoder.read` gives, both as soon as there are any samples. Exits with
    DAMAGED or SILENT where there are none, with 0 at the end and where nobody listens any more.
    """
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is meant for who started this
        if sys.platform == "win32":
            import msvcrt

            msvcrt.setmode(1, os.O_BINARY)
        _forgo_all_else()
        code = _decode_all()
    except Exception:  # noqa: BLE001 - told, and the process ends
        sys.excepthook(*sys.exc_info())
    os._exit(code)  # nothing is left to tidy up


def _decode_all() -> int:
    _grant_time()
    try:
        decoder = Decoder(0)
    except Damaged:
        return DAMAGED
    with contextlib.suppress(BrokenPipeError), open(1, "wb", buffering=0) as out:
        samples = decoder.read()
        if not samples:
            return SILENT
        waiting = memoryview(decoder.header + samples)
        while waiting:
            waiting = waiting[out.write(waiting) :]
            if not waiting:
                _grant_time()
                waiting = memoryview(decoder.read())
    return 0


def _forgo_all_else() -> None:
    """Load what decoding needs, and lose the right to open, change or start anything more.

    As far as the system goes: Windows has nothing of the kind, and Landlock is of Linux alone.
    """
    _soundfile()
    if sys.platform != "win32":
        import resource

        room = resource.RLIM_INFINITY
        if sys.platform == "linux":
            room = _taken() + MOST_MEMORY
            _confine()
        for limit, value in (
            (resource.RLIMIT_AS, room),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_CPU, MOST_WORK_IN_ALL),
            (resource.RLIMIT_DATA, MOST_MEMORY),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_NPROC, 0),
            (resource.RLIMIT_NOFILE, 0),
        ):
            with contextlib.suppress(OSError, ValueError):  # one less, but music
                resource.setrlimit(limit, (value, value))


def _taken() -> int:
    """Tell the bytes of all addresses in use; where the kernel does not, as if there were none."""
    import resource

    with contextlib.suppress(OSError), open("/proc/self/statm", "rb") as sizes:
        return int(sizes.read().split()[0]) * resource.getpagesize()
    return 0


_NO_NEW_PRIVILEGES, _FILTER_CALLS = 38, 22
_CREATE_RULESET, _RESTRICT_SELF = 444, 446
"""Numbers of Linux, the same on every processor."""
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many there are in each version of Landlock; 16 since the fifth."""


def _confine() -> None:
    """Have the kernel refuse every name of a file, every connection and every signal, and more.

    By Landlock, with a set of rules that allows nothing; kernels before 5.13 do not have it. It
    lets rights and times of files be changed, and limits of other processes, so that all calls of
    the kernel but some are refused besides, where their numbers are known.
    https://docs.kernel.org/userspace-api/landlock.html, seccomp_filter.html
    """
    import ctypes

    libc = ctypes.CDLL(None)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version >= 1:
        files = (1 << _FILE_RIGHTS.get(version, 16)) - 1
        connections = 3 if version >= 4 else 0
        others = 3 if version >= 6 else 0
        refused = struct.pack("=3Q", files, connections, others)
        rules = libc.syscall(_CREATE_RULESET, refused, ctypes.c_size_t(len(refused)), 0)
        if rules >= 0:
            libc.syscall(_RESTRICT_SELF, rules, 0)
            os.close(rules)
    steps = call_filter(os.uname().machine) if sys.maxsize > 2**32 else b""
    if steps:
        kept = ctypes.create_string_buffer(steps)
        program = struct.pack("@HP", len(steps) // _STEP.size, ctypes.addressof(kept))
        libc.prctl(_FILTER_CALLS, 2, program, 0, 0)


_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1), "riscv64": (0xC00000F3, 1)}
"""How the kernel names a processor of 64 bits, and which of the numbers below are its own."""
_CALLS = {
    "read": (0, 63), "pread64": (17, 67), "lseek": (8, 62), "fstat": (5, 80), "close": (3, 57),
    "write": (1, 64), "writev": (20, 66),
    "brk": (12, 214), "mmap": (9, 222), "mremap": (25, 216), "munmap": (11, 215),
    "mprotect": (10, 226), "madvise": (28, 233), "futex": (202, 98),
    "clock_gettime": (228, 113), "getrusage": (98, 165), "getpid": (39, 172),
    "getrandom": (318, 278), "sched_yield": (24, 124),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132), "restart_syscall": (219, 128),
    "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
"""What a program needs that reads, reckons, writes and ends."""
_LIMITS = (302, 261)
"""prlimit64, which also changes those of other processes."""
_STEP = struct.Struct("@HBBI")
_LOAD, _EQUALS, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF_0000, 0x0005_0000 | errno.EPERM
_CALL, _ARCHITECTURE, _FIRST_WORD = 0, 4, 16
"""Where they stand in what such a program looks at (seccomp_data)."""


def call_filter(machine: str) -> bytes:
    """Write the kernel's program that refuses all of its calls but those; empty: not known."""
    if machine not in _ARCHITECTURES:
        return b""
    name, column = _ARCHITECTURES[machine]
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUALS, 1, 0, name),  # other calls have the same numbers for programs of 32 bits
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _CALL),
    ]
    for numbers in _CALLS.values():
        steps += [(_EQUALS, 0, 1, numbers[column]), (_RETURN, 0, 0, _ALLOW)]
    steps += [
        (_EQUALS, 0, 3, _LIMITS[column]),
        (_LOAD, 0, 0, _FIRST_WORD),
        (_EQUALS, 0, 1, 0),  # its own
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(_STEP.pack(*step) for step in steps)


def _grant_time() -> None:
    """Be ended by the system unless this is called again within some seconds of work."""
    if sys.platform == "win32":
        return
    import resource

    _soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    end = int(time.process_time() + 2 * MOST_WORK) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (end if hard < 0 else min(end, hard), hard))


class Decoder:
    """An open audio file. Raises Damaged.

    ``descriptor``: the file, which stays open. One thread at a time. A file that becomes damaged
    ends there.
    """

    def __init__(self, descriptor: int) -> None:
        start, head = behind_tags(descriptor)
        self._bounded = _Bounded(descriptor, start, is_mpeg=is_mpeg(head))
        if head.startswith(b"OggS") and not has_usual_tables(self._next):
            raise Damaged
        self._bounded.seek(0)
        self._bounded.begin()
        try:
            self._sound = sound = _straight_reader()(self._bounded)
        except (_soundfile().SoundFileError, RuntimeError, OSError) as error:
            raise Damaged from error
        if (
            sound.format not in KINDS
            or sound.frames <= 0
            or sound.samplerate not in RATES
            or sound.frames > LONGEST * sound.samplerate
            or not 1 <= sound.channels <= MAX_CHANNELS
        ):
            raise Damaged
        self._piece = bytearray(PIECE * sound.channels * SAMPLE)
        self.header = HEADER.pack(sound.frames / sound.samplerate, sound.samplerate, sound.channels)

    def read(self) -> bytes:
        """Give the samples of the next frames; empty at the end, or where the rest is damaged."""
        self._bounded.begin()
        try:
            frames = self._sound.buffer_read_into(self._piece, dtype="float32")
        except (_soundfile().SoundFileError, RuntimeError):
            return b""
        return bytes(self._piece[: frames * self._sound.channels * SAMPLE])

    def _next(self, count: int) -> bytes:
        """Read on, within the same bounds as the library; fewer bytes at the end."""
        buffer = bytearray(count)
        return bytes(buffer[: self._bounded.readinto(buffer)])


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


class _Nothing:
    """Stands for a module of which whatever is done with it comes to nothing."""

    def __getattr__(self, name: str) -> _Nothing:
        return self

    def __getitem__(self, item: object) -> _Nothing:
        return self

    def __or__(self, other: object) -> _Nothing:
        return self


@cache
def _soundfile() -> Any:
    """Import soundfile, without numpy where it can do without.

    It has its types from there, and arrays that are not asked for here; they would take half of the
    memory, and of the time until the first sound.
    """
    if "numpy" in sys.modules:
        import soundfile

        return soundfile
    sys.modules["numpy"] = _Nothing()  # type: ignore[assignment]
    try:
        import soundfile
    except Exception:  # noqa: BLE001 - another version, which makes more of it
        del sys.modules["numpy"]
        import soundfile
    return soundfile


@cache
def _straight_reader() -> Any:
    """Give soundfile's class without its habit of seeking to where it is after each piece.

    In an MP3 that loses what the decoder still holds, and the piece's beginning with it.
    """

    class StraightReader(_soundfile().SoundFile):  # type: ignore[misc]
        def seekable(self) -> bool:
            return False

    return StraightReader


def behind_tags(descriptor: int) -> tuple[int, bytes]:
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


def is_mpeg(head: bytes) -> bool:
    """Tell whether it begins like a frame of an MPEG stream, such as MP3."""
    return head[:1] == b"\xff" and head[1:2] >= b"\xe0"


if __name__ == "__main__":
    main()
