"""Small files that claim to be large, or are, of every kind that a picture library may open."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

HUGE = 7_000
"""Pixels a side: 49 million."""


def png(width: int, height: int, bits: int = 8, colour: int = 0) -> bytes:
    """One of zeros. ``colour``: 0 grey, 2 RGB, 6 RGBA."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    packer = zlib.compressobj(1)
    row = b"\0" + bytes(width * bits * {0: 1, 2: 3, 6: 4}[colour] // 8)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return data.getvalue()


def jpeg(mode: str = "RGB", *, progressive: bool = False, side: int = 64) -> bytes:
    """Of all colours at full size."""
    return saved(
        Image.new(mode, (side, side), 99 if mode == "L" else "teal"),
        "JPEG",
        progressive=progressive,
        subsampling=0,
    )


def claiming(data: bytes, width: int, height: int) -> bytes:
    """The same JPEG with another size in its head."""
    place = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    size = struct.pack(">HH", height, width)
    return data[: place + 5] + size + data[place + 9 :]


def with_a_scan_for_each_colour(data: bytes) -> bytes:
    """The same baseline JPEG with the first of its colours alone in the first scan."""
    place = data.find(b"\xff\xda")
    return data[:place] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + bytes(200) + b"\xff\xd9"


def with_scans(side: int, scans: int) -> bytes:
    """A grey progressive JPEG, each of whose scans says in some bytes that nothing changes."""

    def segment(marker: int, data: bytes) -> bytes:
        return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data

    def packed(bits: str) -> bytes:
        bits += "1" * (-len(bits) % 8)
        data = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
        return data.replace(b"\xff", b"\xff\x00")

    blocks = ((side + 7) // 8) ** 2
    one_code = bytes([1] + [0] * 15)
    head = segment(0xDB, b"\0" + bytes([1] * 64))
    head += segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\x01\x11\x00")
    head += segment(0xC4, b"\x00" + one_code + b"\x00")
    head += segment(0xC4, b"\x10" + one_code + b"\xe0")
    first = segment(0xDA, b"\x01\x01\x00\x00\x00\x00") + packed("0" * blocks)
    nothing = packed(("0" + "1" * 14) * -(-blocks // 32_767))
    more = segment(0xDA, b"\x01\x01\x00\x01\x3f\x00") + nothing
    return b"\xff\xd8" + head + first + more * (scans - 1) + b"\xff\xd9"


def read_in_two_ways(width: int, height: int) -> bytes:
    """A JPEG that is small to whoever gives FF 00 a length, and so large to libjpeg."""
    data = jpeg(progressive=True)
    place = data.find(b"\xff\xc2")
    end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    large = claiming(data, width, height)[place:end]
    small = b"\xff\xc0\x00\x11\x08\x01\xe0\x02\x80\x03\x01\x11\x00\x02\x11\x01\x03\x11\x01"
    comment = b"\xff\xfe" + struct.pack(">H", 2 + len(small))
    hidden = data[2:place] + large + comment
    return data[:2] + b"\xff\x00" + struct.pack(">H", 2 + len(hidden)) + hidden + small + data[end:]


def moving(kind: str, side: int, **options: object) -> bytes:
    """Two pictures, each other than the last in all its pixels."""
    first, second = (Image.new("RGB", (side, side), colour) for colour in ("teal", "navy"))
    return saved(first, kind, save_all=True, append_images=[second], duration=600, **options)


def growing_gif() -> bytes:
    """A small one whose second picture is 13,000 pixels wide and high."""
    data = moving("GIF", 10)
    place = data.rfind(b"," + struct.pack("<HHHH", 0, 0, 10, 10))
    return data[:place] + b"," + struct.pack("<HHHH", 0, 0, 13_000, 13_000) + data[place + 9 :]


def icon(inner: bytes) -> bytes:
    head = struct.pack("<HHH", 0, 1, 1)
    return head + struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 8, len(inner), 22) + inner


def apple_icon(inner: bytes) -> bytes:
    body = b"ic07" + struct.pack(">I", len(inner) + 8) + inner
    return b"icns" + struct.pack(">I", len(body) + 8) + body


def run_length_bmp(side: int) -> bytes:
    """A bitmap of runs of one colour."""
    head = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, 2, 0, 0, 0, 0)
    row = b"\xff\x07" * (side // 255) + bytes([side % 255, 7]) + b"\0\0"
    begins = b"BM" + struct.pack("<IHHI", 1082, 0, 0, 1078) + head + bytes(1024)
    return begins + row * side + b"\0\1"


def webp_of_many_codes() -> bytes:
    """A million pixels without loss, each sixteen of which have codes of their own.

    By RFC 9649: no transforms, no cache, an entropy image of 256 x 256 that names 65,536 groups of
    codes; each code is of one symbol, so the pixels themselves take no bits.
    """

    def bits(value: int, count: int) -> list[int]:
        return [value >> place & 1 for place in range(count)]

    one_symbol = [1, 0, 0, 0]
    lengths = [bits(int(symbol in (0, 8)), 3) for symbol in (17, 18, *range(6), 16, 6, 7, 8)]
    of_eight_bits = [0, *bits(8, 4), *(bit for length in lengths for bit in length), 0]
    head = [*bits(0x2F, 8), *bits(1023, 14), *bits(1023, 14), 0, 0, 0, 0, 0, 0, 1, *bits(0, 3), 0]
    codes = [*of_eight_bits, *[1] * 256, *[0] * 24, *of_eight_bits, *[1] * 256, *one_symbol * 3]
    names = (np.arange(2**16)[:, None] >> np.arange(16) & 1).ravel()
    whole = np.concatenate([head, codes, names, np.tile(one_symbol * 5, 2**16), np.zeros(64)])
    data = np.packbits(whole.astype(np.uint8), bitorder="little").tobytes()
    chunk = b"VP8L" + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def tiff(array: np.ndarray) -> bytes:
    return saved(Image.fromarray(array), "TIFF", compression="tiff_deflate")


Bomb = tuple[str, Callable[[], bytes]]

REFUSED: tuple[Bomb, ...] = (
    ("grey_56000.jpg", lambda: claiming(jpeg("L", progressive=True), 56_000, 56_000)),
    ("grey_16000.jpg", lambda: claiming(jpeg("L", progressive=True), 16_000, 16_000)),
    ("colours_7000.jpg", lambda: claiming(jpeg(progressive=True), HUGE, HUGE)),
    ("scans.jpg", lambda: with_a_scan_for_each_colour(claiming(jpeg(), HUGE, HUGE))),
    ("many_scans.jpg", lambda: with_scans(3_500, 5_000)),
    ("two_ways.jpg", lambda: read_in_two_ways(HUGE, HUGE)),
    ("in_an.ico", lambda: icon(png(20_000, 20_000))),
    ("in_an.icns", lambda: apple_icon(png(20_000, 20_000))),
    ("moving.webp", lambda: moving("WEBP", HUGE, method=0, quality=10)),
    ("still.webp", lambda: saved(Image.new("RGB", (HUGE, HUGE)), "WEBP", method=0, lossless=True)),
    ("many_codes.webp", webp_of_many_codes),
    ("moving.gif", lambda: moving("GIF", HUGE)),
    ("moving.png", lambda: moving("PNG", HUGE, compress_level=1)),
    ("deep.png", lambda: png(HUGE, HUGE, 16, 6)),
    ("deep_grey.png", lambda: png(HUGE, HUGE, 16)),
    ("high.png", lambda: png(1, 5_000_000)),
    ("float.tiff", lambda: tiff(np.zeros((HUGE, HUGE), np.float32))),
    ("cmyk.tiff", lambda: saved(Image.new("CMYK", (HUGE, HUGE)), "TIFF", compression="packbits")),
    ("lengths.bmp", lambda: run_length_bmp(HUGE)),
)
"""What no program of 400 MB can decode."""

GROWING: Bomb = ("growing.gif", growing_gif)

TAKEN: tuple[Bomb, ...] = (
    ("largest.jpg", lambda: jpeg(side=5_970)),
    ("shrunk.jpg", lambda: jpeg(side=9_000)),
    ("largest_progressive.jpg", lambda: jpeg(side=4_380, progressive=True)),
    ("shrunk_progressive.jpg", lambda: jpeg(side=5_670, progressive=True)),
    ("largest.png", lambda: png(5_970, 5_970, 8, 2)),
    ("largest_deep.png", lambda: png(5_000, 5_000, 16, 6)),
    ("largest_grey.png", lambda: png(5_970, 5_970, 16)),
    ("largest.bmp", lambda: saved(Image.new("RGB", (5_970, 5_970)), "BMP")),
    ("lengths.bmp", lambda: run_length_bmp(5_970)),
    ("largest.webp", lambda: saved(Image.new("RGB", (3_530, 3_530)), "WEBP", lossless=True)),
    ("largest_moving.webp", lambda: moving("WEBP", 3_530, lossless=True)),
    ("largest_moving.gif", lambda: moving("GIF", 3_220)),
    ("largest_clearing.gif", lambda: moving("GIF", 3_220, disposal=2)),
    ("largest_moving.png", lambda: moving("PNG", 3_220, disposal=2, compress_level=1)),
)
"""The largest of each kind."""


def _box(kind: bytes, *parts: bytes) -> bytes:
    whole = b"".join(parts)
    return struct.pack(">I4s", 8 + len(whole), kind) + whole


def _full(kind: bytes, flags: int, *parts: bytes) -> bytes:
    return _box(kind, struct.pack(">I", flags), *parts)


def index_of_millions(frame: bytes, tracks: int = 90, samples: int = 1_000_000) -> bytes:
    """An MP4 in fragments: some JPEG ``frame`` of 64 x 64 first, then so many tracks that name so
    many samples without a byte for any (ISO/IEC 14496-12)."""
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)

    def track(number: int) -> bytes:
        if number == 1:
            handler, media = b"vide", _full(b"vmhd", 1, bytes(8))
            entry = _box(
                b"jpeg", bytes(6), b"\0\1", bytes(16), struct.pack(">HH", 64, 64),
                struct.pack(">IIIH", 0x480000, 0x480000, 0, 1), bytes(32), b"\0\x18\xff\xff",
            )  # fmt: skip
        else:
            handler, media = b"meta", _full(b"nmhd", 0)
            entry = _box(b"mett", bytes(6), b"\0\1", b"\0a/b\0")
        tables = _box(
            b"stbl",
            _full(b"stsd", 0, struct.pack(">I", 1), entry),
            *(_full(name, 0, bytes(4)) for name in (b"stts", b"stsc")),
            _full(b"stsz", 0, bytes(8)),
            _full(b"stco", 0, bytes(4)),
        )
        where = _box(b"dinf", _full(b"dref", 0, struct.pack(">I", 1), _full(b"url ", 1)))
        head = struct.pack(">IIIII", 0, 0, number, 0, 0) + bytes(16) + matrix + bytes(8)
        return _box(
            b"trak",
            _full(b"tkhd", 3, head),
            _box(
                b"mdia",
                _full(b"mdhd", 0, struct.pack(">IIIIHH", 0, 0, 1000, 0, 0x55C4, 0)),
                _full(b"hdlr", 0, bytes(4), handler, bytes(13)),
                _box(b"minf", media, where, tables),
            ),
        )

    numbers = range(1, tracks + 2)
    movie = struct.pack(">IIIIIH", 0, 0, 1000, 0, 0x10000, 0x100) + bytes(10) + matrix + bytes(24)
    head = _box(b"ftyp", b"isom", bytes(4), b"isom") + _box(
        b"moov",
        _full(b"mvhd", 0, movie, struct.pack(">I", tracks + 2)),
        *map(track, numbers),
        _box(
            b"mvex", *(_full(b"trex", 0, struct.pack(">IIIII", n, 1, 500, 1, 0)) for n in numbers)
        ),
    )

    def run(number: int, count: int, size: int, at: int, since: int = 0) -> bytes:
        known = struct.pack(">III", number, 500, size)  # the same for each of the samples
        samples = _full(b"trun", 0x1, struct.pack(">Ii", count, at))
        time = _full(b"tfdt", 0, struct.pack(">I", since))
        return _box(b"traf", _full(b"tfhd", 0x20018, known), time, samples)

    def fragment(*runs: bytes) -> bytes:
        return _box(b"moof", _full(b"mfhd", 0, struct.pack(">I", 1)), *runs)

    pictures = fragment(run(1, 20, len(frame), 0))
    pictures = fragment(run(1, 20, len(frame), len(pictures) + 8)) + _box(b"mdat", 20 * frame)
    endless = fragment(
        *(run(n, samples, 1, 0, 10_000) for n in numbers[1:]), run(1, 1, len(frame), 0, 10_000)
    ) + _box(b"mdat", frame)
    # A list of the fragments, so that the second one is not read before its time has come.
    listed = ((pictures, 10_000), (endless, 500))
    entries = (struct.pack(">III", len(part), time, 0x90000000) for part, time in listed)
    index = _full(b"sidx", 0, struct.pack(">IIIIHH", 1, 1000, 0, 0, 0, 2), *entries)
    return head + index + pictures + endless
