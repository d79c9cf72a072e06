"""The head of a JPEG, as we read it and as libjpeg does."""

from __future__ import annotations

import os

import cv2
import numpy as np
import pytest

from agent.vision.jpeg_head import MOST_SCANS, has_few_scans, read_head
from tests.vision.bombs import (
    claiming,
    jpeg,
    png,
    read_in_two_ways,
    with_a_scan_for_each_colour,
    with_scans,
)

START = b"\xff\xd8"
PLAIN = jpeg()
SUBSAMPLED = cv2.imencode(".jpg", np.full((200, 328, 3), 90, np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ("data", "size", "kept"),
    [
        (PLAIN, (64, 64), 0.0),
        (jpeg("L"), (64, 64), 0.0),
        (SUBSAMPLED, (328, 200), 0.0),
        (jpeg(progressive=True), (64, 64), 6.0),
        (jpeg("L", progressive=True), (64, 64), 2.0),
        (
            cv2.imencode(
                ".jpg", np.full((200, 328, 3), 90, np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
            )[1].tobytes(),
            (328, 200),
            3.0,
        ),
        (with_a_scan_for_each_colour(PLAIN), (64, 64), 6.0),
        (claiming(PLAIN, 50_000, 40_000), (50_000, 40_000), 0.0),
        (START + b"\xff\xff\xff" + PLAIN[3:], (64, 64), 0.0),
        (START + b"\xff\xfe\x00\x02" * 1000 + PLAIN[2:], (64, 64), 0.0),
    ],
    ids=range(10),
)
def test_a_head_is_read(data: bytes, size: tuple[int, int], kept: float) -> None:
    head = read_head(data)
    assert head is not None
    assert ((head.width, head.height), head.kept) == (size, kept)


@pytest.mark.parametrize(
    "data",
    [
        read_in_two_ways(7_000, 7_000),
        START + b"\x00" + PLAIN[2:],  # libjpeg passes over what is between
        START + b"\xff\x00" + PLAIN[2:],
        START + b"\xff\x01" + PLAIN[2:],
        START + b"\xff\xd0" + PLAIN[2:],
        START + PLAIN,
        START + b"\xff\xe0\x00\x01" + PLAIN[2:],
        START + b"\xff\xfe\x00\x00" + PLAIN[2:],
        START + b"\xff\x02\x00\x02" + PLAIN[2:],
        START + b"\xff\xf0\x00\x02" + PLAIN[2:],
        PLAIN.replace(b"\xff\xc0", b"\xff\xc9"),  # arithmetic
        PLAIN.replace(b"\xff\xc0", b"\xff\xc3"),  # lossless
        claiming(PLAIN, 64, 0),  # the height comes later
        PLAIN[:20],
        PLAIN[:2] + PLAIN[PLAIN.find(b"\xff\xda") :],
        START + b"\xff\xe0\x00\x02" * 1000,
        png(30, 30),
        b"",
        b"\xff",
        START,
        os.urandom(100),
    ],
    ids=range(21),
)
def test_what_is_odd_has_no_head(data: bytes) -> None:
    assert read_head(data) is None


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("plain", [PLAIN, SUBSAMPLED, jpeg(progressive=True)], ids=range(3))
def test_libjpeg_finds_no_larger_picture(plain: bytes, seed: int) -> None:
    """Where we read a size, it reads the same or nothing, whatever is broken before."""
    rng = np.random.default_rng(seed)
    agreed = 0
    head_ends = plain.find(b"\xff\xda") + 20
    odd = (
        b"\xff",
        b"\x00",
        b"\xff\x00",
        b"\xff\xc0",
        b"\xff\xc2",
        b"\xff\xd8",
        b"\xff\xfe\x00\x04",
    )
    for _number in range(400):
        data = bytearray(plain)
        for _change in range(rng.integers(1, 4)):
            place = int(rng.integers(2, head_ends))
            if rng.random() < 0.5:
                data[place] = int(rng.integers(0, 256))
            else:
                data[place:place] = odd[rng.integers(0, len(odd))]
        head = read_head(bytes(data))
        if head is None or head.pixels > 1_000_000:
            continue
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if picture is not None:
            agreed += 1
            assert picture.shape[:2] == (head.height, head.width)
    assert agreed > 10


# --- scans


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        jpeg(progressive=True),
        with_scans(64, MOST_SCANS),
        # What belongs to no scan: in a comment, and behind the end.
        START + b"\xff\xfe\x04\x02" + b"\xff\xda\x00\x08" * 256 + PLAIN[2:],
        PLAIN + b"\xff\xda\x00\x08" * 256,
        PLAIN[:-300],
        b"",
    ],
    ids=range(7),
)
def test_usual_pictures_have_few_scans(data: bytes) -> None:
    assert has_few_scans(data)


@pytest.mark.parametrize(
    "data",
    [
        with_scans(64, MOST_SCANS + 1),
        with_scans(64, MOST_SCANS + 1).replace(b"\xff\xda", b"\xff\xff\xff\xda"),
        with_scans(64, MOST_SCANS + 1).replace(b"\xff\xda", b"\xff\xd0\xff\xda"),
        with_scans(64, MOST_SCANS + 1).replace(b"\xff\xda", b"\x00\xff\x01\xff\xda"),
        # To libjpeg, which looks for a restart there, the wrong marker has no length.
        with_scans(64, MOST_SCANS + 1).replace(b"\xff\xda", b"\xff\x10\xff\xda"),
    ],
    ids=range(5),
)
def test_each_scan_is_counted(data: bytes) -> None:
    assert not has_few_scans(data)
