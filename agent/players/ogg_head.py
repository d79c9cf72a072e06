"""What the head of an Ogg with Vorbis says of the tables that decoding makes of it.

A dozen bytes there can say that a table has four million entries, and there may be 256 of them.
libvorbis makes them all when it opens the file, sorts each upon the stack of its thread, and looks
at no memory that it is not given. So a file is opened only when its tables are as those of music.

By RFC 3533 (pages) and the Vorbis I specification, 3.2.1 and 4.2. libogg passes over much that
does not belong there; what it would pass over is no head to us. So the two may disagree on whether
something is music, but not on its tables.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

MOST_ENTRIES = 20_000
"""Of one table; encoders have at most 6,561. Each takes eight bytes of the stack, and on a Mac the
thread of the sound has half a million of them."""
MOST_NUMBERS = 1_000_000
"""Of all tables together; encoders have at most some 90,000."""
MOST_SETUP = 100_000
"""Bytes of the packet with the tables; those of encoders have at most 11,000."""

_HEAD = 27
"""Bytes of a page before the lengths of its segments."""
_MARK = b"OggS\0"
_CONTINUED, _FIRST = 1, 2
_FULL = 255
"""Bytes of a segment that another one follows."""
_IDENTITY, _COMMENTS, _TABLES = b"\x01vorbis", b"\x03vorbis", b"\x05vorbis"
_TABLE = 0x564342
"""With these bits each table begins."""
_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class NoHead(Exception):
    """Damage, or none that we want to have decoded."""


def has_usual_tables(read: Callable[[int], bytes]) -> bool:
    """Tell whether an Ogg holds no Vorbis, or Vorbis with tables as music has them.

    ``read`` gives the next bytes of the file, from its first page on.
    """
    try:
        packets = _packets(read)
        if not next(packets).startswith(_IDENTITY):
            return True
        if not next(packets).startswith(_COMMENTS):
            return False
        _check_tables(next(packets))
    except NoHead:
        return False
    return True


def _packets(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Give the first packets, cut where they are longer than any with tables. Raises NoHead."""
    packet, is_open = b"", False
    for flags, lengths, body in _pages(read):
        if bool(flags & _CONTINUED) != is_open:
            raise NoHead
        at = 0
        for length in lengths:
            if len(packet) <= MOST_SETUP:
                packet += body[at : at + length]
            at += length
            is_open = length == _FULL
            if not is_open:
                yield packet
                packet = b""


def _pages(read: Callable[[int], bytes]) -> Iterator[tuple[int, bytes, bytes]]:
    """Give flags, lengths and content of the pages of the first stream. Raises NoHead at a gap."""
    stream, number = None, 0
    while True:
        head = read(_HEAD)
        if len(head) < _HEAD or not head.startswith(_MARK):
            raise NoHead
        lengths = read(head[26])
        body = read(sum(lengths))
        if (
            len(lengths) < head[26]
            or len(body) < sum(lengths)
            or not _is_whole(head, lengths + body)
        ):
            raise NoHead
        flags, its_stream = head[5], head[14:18]
        its_number = int.from_bytes(head[18:22], "little")
        if stream is not None and its_stream != stream:  # a film's other half
            continue
        if bool(flags & _FIRST) != (stream is None):
            raise NoHead
        if stream is not None and its_number != number + 1:
            raise NoHead
        stream, number = its_stream, its_number
        yield flags, lengths, body


def _is_whole(head: bytes, rest: bytes) -> bool:
    """Tell whether a page's checksum is right: zlib's, begun at 0, of and in mirrored bits."""
    page = head[:22] + bytes(4) + head[26:] + rest
    crc = zlib.crc32(page.translate(_MIRROR), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return crc.to_bytes(4, "big").translate(_MIRROR) == head[22:26]


class _Bits:
    """Numbers of any number of bits, the lowest first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, bits: int) -> int:
        """Take a number of at most 32 bits. Raises NoHead at the end."""
        at, shift = divmod(self._at, 8)
        self.skip(bits)
        return int.from_bytes(self._data[at : at + 5], "little") >> shift & (1 << bits) - 1

    def skip(self, bits: int) -> None:
        """Pass over some. Raises NoHead at the end."""
        self._at += bits
        if self._at > 8 * len(self._data):
            raise NoHead


def _check_tables(packet: bytes) -> None:
    """Raise NoHead for tables beyond those of music."""
    if not packet.startswith(_TABLES) or len(packet) > MOST_SETUP:
        raise NoHead
    bits = _Bits(packet[len(_TABLES) :])
    numbers = 0
    for _table in range(bits.take(8) + 1):
        if bits.take(24) != _TABLE:
            raise NoHead
        width, entries = bits.take(16), bits.take(24)
        numbers += entries * width
        # Of entries that are nothing libvorbis looks for the root without an end.
        if not width or not 0 < entries <= MOST_ENTRIES or numbers > MOST_NUMBERS:
            raise NoHead
        _pass_lengths(bits, entries)
        _pass_values(bits, entries, width)


def _pass_lengths(bits: _Bits, entries: int) -> None:
    """Pass over how long the code of each entry is."""
    if bits.take(1):  # ordered: how many there are of each length
        bits.skip(5)
        passed = 0
        while passed < entries:
            passed += bits.take((entries - passed).bit_length())
    elif bits.take(1):  # sparse: not all are there
        for _entry in range(entries):
            if bits.take(1):
                bits.skip(5)
    else:
        bits.skip(5 * entries)


def _pass_values(bits: _Bits, entries: int, width: int) -> None:
    """Pass over the values that the entries stand for."""
    kind = bits.take(4)
    if kind == 0:
        return
    if kind > 2:
        raise NoHead
    bits.skip(64)
    size = bits.take(4) + 1
    bits.skip(1)
    count = entries * width if kind == 2 else _root(entries, width)
    bits.skip(size * count)


def _root(entries: int, width: int) -> int:
    """Find the largest number whose ``width``-th power is at most ``entries``."""
    root = 1
    while (root + 1) ** width <= entries:
        root += 1
    return root
