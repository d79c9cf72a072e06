"""Ogg files whose few bytes ask for tables of gigabytes, and those of music."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from agent.players.ogg_head import has_usual_tables
from agent.players.track import Track, Unplayable
from agent.store.paths import resources_dir

IDENTITY = b"\x01vorbis" + struct.pack("<IBIiiiBB", 0, 1, 44_100, 0, 128_000, 0, 0xB8, 1)
COMMENTS = b"\x03vorbis" + struct.pack("<I", 1) + b"x" + struct.pack("<I", 0) + b"\x01"
BITS = 22
"""Of the codes in the tables: there is one of each."""
STREAM = 7


class Written:
    """Numbers of any number of bits, the lowest first."""

    def __init__(self) -> None:
        self._value = self._bits = 0

    def put(self, *numbers: tuple[int, int]) -> None:
        """Add numbers, each with how many bits it takes."""
        for number, bits in numbers:
            self._value |= number << self._bits
            self._bits += bits

    def bytes(self) -> bytes:
        """Give all, filled up with zeros."""
        return self._value.to_bytes((self._bits + 7) // 8, "little")


def tables(count: int, *, bits: int = BITS, width: int = 1, is_last_empty: bool = False) -> bytes:
    """A third packet with that many tables, and with the least else.

    The last may be one of values of which none belongs to an entry.
    """
    written = Written()
    written.put((count - 1, 8))
    entries = 1 << bits
    for number in range(1, count + 1):
        is_empty = is_last_empty and number == count
        written.put((0x564342, 24), (0 if is_empty else width, 16), (entries, 24))
        written.put((1, 1), (bits - 1, 5), (entries, bits + 1))
        written.put(*([(1, 4), (0, 64), (0, 4), (0, 1)] if is_empty else [(0, 4)]))
    written.put((0, 6), (0, 16))  # times
    written.put((0, 6), (1, 16), (0, 5), (0, 2), (4, 4))  # floors
    written.put((0, 6), (0, 16), (0, 72), (0, 6), (0, 8), (0, 4))  # residues
    written.put((0, 6), (0, 16), (0, 4), (0, 24))  # mappings
    written.put((0, 6), (0, 1), (0, 40), (1, 1))  # modes, and the end
    return b"\x05vorbis" + written.bytes()


def page(number: int, *packets: bytes, flags: int = 0, stream: int = STREAM) -> bytes:
    """A page of whole packets."""
    lengths = b"".join(b"\xff" * (len(one) // 255) + bytes([len(one) % 255]) for one in packets)
    head = b"OggS\0" + struct.pack("<BqIII", flags, 0, stream, number, 0) + bytes([len(lengths)])
    data = bytearray(head + lengths + b"".join(packets))
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _bit in range(8):
            crc = crc << 1 & 0xFFFFFFFF ^ (0x04C11DB7 if crc >> 31 else 0)
    data[22:26] = crc.to_bytes(4, "little")
    return bytes(data)


def ogg(third: bytes) -> bytes:
    """A file with that third packet, and some that are silent."""
    silence = b"".join(page(number, *[b"\0"] * 50) for number in (2, 3))
    return page(0, IDENTITY, flags=2) + page(1, COMMENTS, third) + silence


def spoilt(first: bytes) -> bytes:
    """A page that libogg passes over, for its checksum is wrong."""
    return first[:22] + bytes([first[22] ^ 1]) + first[23:]


OTHER = page(0, b"OpusHead\x01\x02" + bytes(9), flags=2, stream=8)
BOMBS = {
    "one table": ogg(tables(1)),
    "tables": ogg(tables(40)),
    "wide tables": ogg(tables(40, bits=7, width=65_535)),
    "a table of nothing": ogg(tables(2, bits=4, is_last_empty=True)),
    "many tables": ogg(tables(100, bits=14)),
    "behind a page that is passed over": spoilt(OTHER) + ogg(tables(1)),
    "behind what is no page": b"OggS" + bytes(500) + ogg(tables(1)),
    "between pages of another stream": ogg(tables(1)).replace(
        page(1, COMMENTS, tables(1)), OTHER + page(1, COMMENTS, tables(1))
    ),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_no_file_asks_for_other_tables_than_music(tmp_path: Path, kind: str) -> None:
    """libvorbis would sort them upon the stack, over its end, and take gigabytes, or never end."""
    path = tmp_path / "song.ogg"
    path.write_bytes(BOMBS[kind])
    program = (
        "import sys; from pathlib import Path\n"
        "from agent.players.track import Track, Unplayable\n"
        "try: Track(Path(sys.argv[1]))\n"
        "except Unplayable as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (0, "it is damaged\n")


@pytest.mark.parametrize("quality", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 2), (48_000, 6), (96_000, 2)])
def test_music_has_usual_tables(rate: int, channels: int, quality: float) -> None:
    file = io.BytesIO()
    noise = np.random.default_rng(1).standard_normal((4_000, channels)) / 10
    soundfile.write(file, noise, rate, format="OGG", subtype="VORBIS", compression_level=quality)
    file.seek(0)
    assert has_usual_tables(file.read)


@pytest.mark.parametrize("sound", sorted((resources_dir() / "sounds").glob("*.ogg")))
def test_the_loops_have_usual_tables(sound: Path) -> None:
    with sound.open("rb") as file:
        assert has_usual_tables(file.read)
    Track(sound).close()


def test_the_sound_of_a_film_is_played(tmp_path: Path) -> None:
    """Its pictures are another stream, between the pages of the sound."""
    whole = (resources_dir() / "sounds" / "happy.ogg").read_bytes()
    end = 27 + whole[26] + sum(whole[27 : 27 + whole[26]])
    path = tmp_path / "film.ogg"
    path.write_bytes(whole[:end] + OTHER + whole[end:])
    track = Track(path)
    assert track.read(1_000)
    track.close()


def test_a_head_that_ends_is_refused(tmp_path: Path) -> None:
    whole = ogg(tables(1, bits=4))
    third = whole.index(b"\x05vorbis")
    path = tmp_path / "song.ogg"
    for end in (10, 27, 40, third + 3, third + 12):
        path.write_bytes(whole[:end])
        with pytest.raises(Unplayable, match="damaged"):
            Track(path)
