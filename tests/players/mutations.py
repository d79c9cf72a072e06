"""Damaged music by the thousand: whatever is in a file, the decoder must not crash, hang or fill
the memory.

    python -m tests.players.mutations                  10,000 changes of each kind
    python -m tests.players.mutations --count 500 ogg  fewer, of one kind
    python -m tests.players.mutations --only ogg:1234  one again, in this process

Each change is made from its number alone and decoded in a child process with limits of time and
memory. Ogg's checksums are mended after three changes of four, since a decoder looks no further
into a page whose checksum is wrong.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import select
import signal
import sys
import tempfile
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import psutil
import soundfile

from agent.players.decoding import HEADER, Damaged, Decoder
from agent.players.track import FRAME_BYTES, RATE, Conversion, Unplayable, checked

SECONDS = 20.0
"""Of a child, at most; an undamaged file takes some hundredths."""
MEMORY = 800_000_000
"""Bytes of address space of a child beyond what its parent has already."""
HEARD = 60 * RATE * FRAME_BYTES
"""Bytes after which a child stops listening."""
KINDS = {
    "wav": [("WAV", "PCM_16", 44_100), ("WAV", "FLOAT", 22_050), ("WAV", "IMA_ADPCM", 22_050),
            ("WAV", "MS_ADPCM", 22_050), ("WAV", "GSM610", 8_000), ("WAVEX", "PCM_24", 48_000)],
    "flac": [("FLAC", "PCM_16", 44_100), ("FLAC", "PCM_24", 96_000)],
    "ogg": [("OGG", "VORBIS", 44_100), ("OGG", "VORBIS", 8_000)],
    "opus": [("OGG", "OPUS", 48_000), ("OGG", "OPUS", 16_000)],
    "mp3": [("MP3", "MPEG_LAYER_III", 44_100), ("MP3", "MPEG_LAYER_III", 22_050)],
    "aiff": [("AIFF", "PCM_16", 44_100), ("AIFF", "ULAW", 8_000), ("AIFF", "FLOAT", 44_100)],
}  # fmt: skip
EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@dataclass
class Outcome:
    """What came of the changes of one kind."""

    played: int = 0
    refused: int = 0
    wrong: dict[int, str] = field(default_factory=dict)  # number of the change -> what happened

    def __str__(self) -> str:
        told = f"{self.played} played, {self.refused} refused, {len(self.wrong)} went wrong"
        return told + "".join(f"\n    {number}: {what}" for number, what in self.wrong.items())


@cache
def originals(kind: str) -> list[bytes]:
    """Undamaged files of the kind: a chord with some noise, mono and stereo."""
    files = []
    noise = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        for form, subtype, rate in KINDS[kind]:
            for channels, seconds in ((1, 0.4), (2, 0.25)):
                if subtype == "GSM610" and channels > 1:
                    continue
                at = np.arange(int(rate * seconds))[:, None] / rate
                chord = sum(np.sin(2 * np.pi * hertz * at) for hertz in (220.0, 277.2, 329.6))
                samples = 0.2 * chord + 0.02 * noise.standard_normal((len(at), channels))
                path = Path(folder) / "original"
                with soundfile.SoundFile(
                    str(path), "w", rate, channels, subtype, format=form
                ) as file:
                    file.title, file.artist = "A title", "Somebody"
                    file.write(samples)
                files.append(path.read_bytes())
    return files


def mutation(kind: str, number: int) -> bytes:
    """The change of that number, always the same."""
    chance = random.Random(f"{kind}:{number}")
    data = bytearray(chance.choice(originals(kind)))
    for _ in range(chance.choice((1, 1, 2, 3, 5, 10, 40))):
        _change(data, kind, chance)
    if kind in ("ogg", "opus") and number % 4:
        _mend_ogg(data)
    return bytes(data)


def _change(data: bytearray, kind: str, chance: random.Random) -> None:
    # What decides most stands at the beginning.
    size = max(8, len(data))
    place = chance.randrange(min(size, 600) if chance.random() < 0.5 else size)
    match chance.randrange(8):
        case 0 | 1:
            data[place : place + 1] = bytes([chance.randrange(256)])
        case 2:
            if place < len(data):
                data[place] ^= 1 << chance.randrange(8)
        case 3:
            width = chance.choice((1, 2, 4))
            edge = chance.choice(EDGES) & (256**width - 1)
            order = chance.choice(("little", "big"))
            data[place : place + width] = edge.to_bytes(width, order)
        case 4:
            del data[place : place + chance.randrange(1, 200)]
        case 5:
            data[place:place] = chance.randbytes(chance.randrange(1, 60))
        case 6:
            other = chance.choice(originals(kind))
            start = chance.randrange(len(other))
            piece = other[start : start + chance.randrange(1, 400)]
            data[place : place + len(piece)] = piece
        case _:
            del data[place + chance.randrange(size) :]


def _mend_ogg(data: bytearray) -> None:
    """Set the checksum of each page right."""
    at = data.find(b"OggS")
    while 0 <= at <= len(data) - 27:
        segments = data[at + 26]
        table = data[at + 27 : at + 27 + segments]
        end = at + 27 + segments + sum(table)
        data[at + 22 : at + 26] = bytes(4)
        data[at + 22 : at + 26] = _ogg_checksum(bytes(data[at:end])).to_bytes(4, "little")
        at = data.find(b"OggS", at + 4)


def _ogg_checksum(page: bytes) -> int:
    """CRC-32 with Ogg's polynomial 0x04C11DB7, not reflected, from 0 (RFC 3533). Made from zlib's,
    which is the reflected one with other ends."""
    mirrored = page.translate(_MIRROR)
    # zlib starts from all ones and turns the end round; both are undone here.
    reflected = zlib.crc32(mirrored, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reflected:032b}"[::-1], 2)


_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def listen(path: Path) -> bool:
    """Decode it as the player's decoder does, in this process; True when it
    played."""
    try:
        descriptor = checked(path)
    except Unplayable:
        return False
    try:
        decoder = Decoder(descriptor)
        _duration, rate, channels = HEADER.unpack(decoder.header)
        conversion, heard = Conversion(rate, channels), 0
        while heard < HEARD and (piece := decoder.read()):
            heard += len(conversion.next(piece))
        conversion.end()
    except Damaged:
        return False
    finally:
        os.close(descriptor)
    return True


def in_a_child(path: Path) -> str:
    """ "played", "refused", or what went wrong."""
    import resource

    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 3
        try:
            faulthandler.disable()  # the parent tells how it ended
            os.dup2(write, 2)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS), int(SECONDS)))
            most = psutil.Process().memory_info().vms + MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
            code = 0 if listen(path) else 1
        except BaseException as error:  # noqa: BLE001 - told to the parent
            os.write(2, f"{type(error).__name__}: {error}".encode()[:500])
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as told:
        if not select.select([told], [], [], SECONDS * 3)[0]:
            os.kill(child, signal.SIGKILL)
        said = told.read()[:500].decode(errors="replace")
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name} {said}".strip()
    code = os.WEXITSTATUS(status)
    return {0: "played", 1: "refused"}.get(code, said or f"exit code {code}")


def run(kind: str, numbers: range) -> Outcome:
    """Try the changes of these numbers."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as at:
        path = Path(at) / f"damaged.{kind}"
        for number in numbers:
            path.write_bytes(mutation(kind, number))
            what = in_a_child(path)
            if what == "played":
                outcome.played += 1
            elif what == "refused":
                outcome.refused += 1
            else:
                outcome.wrong[number] = what
    return outcome


def main() -> int:
    """Run the job that the command line asks for; 1 when anything went wrong."""
    parser = argparse.ArgumentParser(description="Decode damaged music.")
    parser.add_argument("kinds", nargs="*", default=list(KINDS), metavar="KIND")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", metavar="KIND:NUMBER")
    words = parser.parse_args()
    if words.only:
        kind, _, number = words.only.partition(":")
        with tempfile.NamedTemporaryFile(suffix=f".{kind}") as file:
            file.write(mutation(kind, int(number)))
            file.flush()
            print("played" if listen(Path(file.name)) else "refused")
        return 0
    wrong: Counter[str] = Counter()
    for kind in words.kinds:
        began = time.monotonic()
        outcome = run(kind, range(words.first, words.first + words.count))
        wrong[kind] = len(outcome.wrong)
        print(f"{kind}: {outcome} ({time.monotonic() - began:.0f} s)", flush=True)
    return 1 if wrong.total() else 0


if __name__ == "__main__":
    sys.exit(main())
