"""Videos whose frames stand at any times: the smallest Matroska file that holds JPEG pictures."""

from __future__ import annotations

import struct
from collections.abc import Sequence


def matroska(frames: Sequence[tuple[int, bytes]], size: tuple[int, int]) -> bytes:
    """``frames``: (milliseconds, JPEG); ``size``: width and height."""
    header = _element("1A45DFA3", _element("4282", b"matroska") + _number("4287", 4))
    info = _element("1549A966", _number("2AD7B1", 1_000_000))  # times count milliseconds
    video = _element("E0", _number("B0", size[0]) + _number("BA", size[1]))
    track = _number("D7", 1) + _number("73C5", 1) + _number("83", 1)
    tracks = _element("1654AE6B", _element("AE", track + _element("86", b"V_MJPEG") + video))
    clusters = b"".join(
        _element(
            "1F43B675",
            _number("E7", time) + _element("A3", b"\x81" + struct.pack(">hB", 0, 0x80) + data),
        )
        for time, data in frames
    )
    return header + _element("18538067", info + tracks + clusters)


def _element(identity: str, content: bytes) -> bytes:
    return bytes.fromhex(identity) + struct.pack(">Q", len(content) | 1 << 56) + content


def _number(identity: str, value: int) -> bytes:
    return _element(identity, value.to_bytes(8, "big"))
