"""What a picture or an animation from anybody may ask of who looks at it."""

from __future__ import annotations

import struct
import time
import warnings
from pathlib import Path

import pytest
from PIL import Image

from agent.errors import BadPicture
from agent.vision import media
from agent.vision.media import read


def flickering_gif(side: int, pictures: int) -> bytes:
    """Each picture is one pixel on the canvas, in 22 bytes."""
    head = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    control = b"\x21\xf9\x04\x04" + struct.pack("<H", 6_000) + b"\0\0"
    pixel = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return head + (control + pixel) * pictures + b"\x3b"


@pytest.mark.parametrize(("side", "pictures"), [(3_000, 400), (10, 10_001)])
def test_an_animation_of_hours_is_refused(tmp_path: Path, side: int, pictures: int) -> None:
    """400 pictures in 9 kB take a minute: each costs all pixels of the canvas."""
    path = tmp_path / "moving.gif"
    path.write_bytes(flickering_gif(side, pictures))
    began = time.thread_time()
    with pytest.raises(BadPicture, match=f"too many pictures to look at: {pictures} of {side} x"):
        list(read(path, 0.5).frames)
    assert time.thread_time() - began < 5.0


def test_a_usual_animation_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "moving.gif"
    path.write_bytes(flickering_gif(100, 30))
    assert len(list(read(path, 0.5).frames)) == 30


def notes(entries: int, bytes_each: int) -> bytes:
    """EXIF of that many entries, each of which says that it is as long."""
    listed = b"".join(
        struct.pack("<HHII", number, 7, bytes_each, 0) for number in range(1, entries + 1)
    )
    return b"II*\0\x08\0\0\0" + struct.pack("<H", entries) + listed + b"\0\0\0\0"


@pytest.mark.parametrize("entries", [2_000, 60_000])
def test_odd_notes_of_a_camera_are_passed_over_without_a_word(tmp_path: Path, entries: int) -> None:
    """Pillow warns of each entry, and 60,000 lines are 10 MB on a terminal."""
    path = tmp_path / "picture.png"
    Image.new("RGB", (64, 64)).save(path, exif=notes(entries, 2**30))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        ((_time, frame),) = read(path, 0.5).frames
    assert frame.shape == (64, 64, 3)
    assert not said


def test_a_picture_is_put_upright_by_notes_of_a_usual_size(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[media.ORIENTATION] = 6
    for name in ("picture.png", "picture.jpg"):
        Image.new("RGB", (64, 32)).save(tmp_path / name, exif=exif)
        ((_time, frame),) = read(tmp_path / name, 0.5).frames
        assert frame.shape == (64, 32, 3)
