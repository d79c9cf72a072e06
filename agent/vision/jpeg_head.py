"""What the head of a JPEG says of its size, and of the memory that decoding takes.

By ISO/IEC 10918-1, B.1.1: markers, each with its length, up to the frame's header. libjpeg passes
over much that does not belong there; what it would pass over is no head to us. So the two may
disagree on whether something is a picture, but not on how large it is.

How long decoding takes is up to the number of scans, too: each may be a dozen bytes that say that
nothing changes, and libjpeg goes over the whole picture for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

START = b"\xff\xd8"
READ_FIRST = 20_000_000
"""Bytes of a file in which the head ends: a colour profile may take 16 million."""
BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
FRAMES = (BASELINE, EXTENDED, PROGRESSIVE)
"""Those that are in use; the others are arithmetic, lossless or hierarchical."""
SCAN = 0xDA
FILL = 0xFF
PASSED_OVER = frozenset({0xC4, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)})
"""Tables, the interval of restarts, comments and what programs have left there."""
COLOURS = (1, 3, 4)
"""Grey; YCbCr or RGB; CMYK."""
MOST_SCANS = 100
"""Of a picture; progressive ones have about ten."""
_END = 0xD9
_FIRST_WITH_LENGTH = 0xC0
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
"""All but bytes of the picture, restarts and fill bytes."""


@dataclass(frozen=True, slots=True)
class JpegHead:
    """``kept``: bytes for each pixel that stay while it is decoded, beside the picture itself.

    That is none where one scan holds all colours, in rows. Otherwise all coefficients are kept till
    the last scan has come, each in two bytes.
    """

    width: int
    height: int
    colours: int
    kept: float

    @property
    def pixels(self) -> int:
        """Of the whole picture."""
        return self.width * self.height


def read_head(data: bytes) -> JpegHead | None:
    """Read the head of a JPEG; None: it is none, or none of a usual kind."""
    segments = _segments(data)
    for marker, content in segments:
        if marker in FRAMES:
            head = _frame(content)
            if head is None or (marker != PROGRESSIVE and _is_one_scan(segments, head)):
                return head
            return JpegHead(head.width, head.height, head.colours, _coefficients(content))
        if marker not in PASSED_OVER:
            return None
    return None


def has_few_scans(data: bytes | mmap) -> bool:
    """Tell whether a JPEG has no more than MOST_SCANS, up to its end: there may be more behind."""
    scans, found = 0, _MARKER.search(data, len(START))
    while found is not None and found[1][0] != _END and scans <= MOST_SCANS:
        scans += found[1][0] == SCAN
        place = found.end()
        if found[1][0] >= _FIRST_WITH_LENGTH:
            place += int.from_bytes(data[place : place + 2], "big")
        found = _MARKER.search(data, place)
    return scans <= MOST_SCANS


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each marker with what belongs to it, up to where something else comes."""
    place = len(START)
    if data[:place] != START:
        return
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == FILL:
            place += 1
            continue
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        if length < 2 or not (marker in PASSED_OVER or marker in FRAMES or marker == SCAN):
            return
        end = place + 2 + length
        if end > len(data):
            return
        yield marker, data[place + 4 : end]
        place = end


def _frame(content: bytes) -> JpegHead | None:
    if len(content) < 6 or len(content) != 6 + 3 * content[5] or content[5] not in COLOURS:
        return None
    height, width = int.from_bytes(content[1:3], "big"), int.from_bytes(content[3:5], "big")
    if not (width and height and all(1 <= n <= 4 for pair in _sampling(content) for n in pair)):
        return None
    return JpegHead(width, height, content[5], 0.0)


def _sampling(content: bytes) -> list[tuple[int, int]]:
    """Tell how many samples each colour has across and down, compared with the others."""
    return [(content[n] >> 4, content[n] & 15) for n in range(7, len(content), 3)]


def _coefficients(content: bytes) -> float:
    pairs = _sampling(content)
    most = max(across for across, _down in pairs) * max(down for _across, down in pairs)
    return 2.0 * sum(across * down for across, down in pairs) / most


def _is_one_scan(segments: Iterator[tuple[int, bytes]], head: JpegHead) -> bool:
    """Tell whether the first scan, which is the next but tables, holds all colours."""
    for marker, content in segments:
        if marker == SCAN:
            return len(content) > 0 and content[0] == head.colours
        if marker not in PASSED_OVER:
            return False
    return False
