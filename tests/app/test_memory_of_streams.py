"""Hostile streams and files on the whole agent: it stays under 400 MB, answers, and ends.

Each server sends until the agent has had enough of it, or it has sent more than any memory.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.errors import NotRunning
from agent.store.paths import Paths
from agent.vision import bounds
from agent.web.door_client import call
from tests.agent_process import AgentProcess
from tests.vision.bombs import read_in_two_ways, with_a_scan_for_each_colour
from tests.vision.mjpeg import HEAD

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the peak of memory")

MOST_MEGABYTES = 400
ENOUGH = 1_000_000_000
"""Bytes: far more than the agent may take."""
PATIENCE = 90.0
"""Seconds for a server to be found out, on the slowest of machines."""
FRAMES = 40
"""So many pictures of a size that is allowed are enough."""

Bomb = Callable[[], Iterator[bytes]]


# -- pictures


@cache
def jpeg(width: int, height: int, *options: int) -> bytes:
    small = np.random.default_rng(1).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
    return cv2.imencode(".jpg", picture, list(options))[1].tobytes()


def claiming(width: int, height: int) -> bytes:
    """A JPEG of some kilobytes that says it is so large."""
    head = bytearray(jpeg(640, 480))
    place = head.find(b"\xff\xc0")
    head[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(head)


@cache
def png(width: int, height: int) -> bytes:
    """A PNG of zeros, a thousandth of its size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    packer = zlib.compressobj(9)
    row = b"\0" * (1 + 3 * width)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@cache
def video(folder: Path, width: int, height: int) -> bytes:
    path = folder / f"{width}.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (width, height))
    assert writer.isOpened()
    for number in range(12):
        writer.write(np.full((height, width, 3), 20 * number, np.uint8))
    writer.release()
    return path.read_bytes()


# -- what the servers send

ZEROS = bytes(65_536)


def part(data: bytes, length: int | None = None) -> bytes:
    said = len(data) if length is None else length
    return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % said + data


def answer(kind: bytes, data: bytes = b"") -> bytes:
    return b"HTTP/1.0 200 OK\r\nContent-Type: " + kind + b"\r\n\r\n" + data


def for_ever(piece: bytes) -> Iterator[bytes]:
    while True:
        yield piece


def pictures(*several: bytes, count: int = FRAMES) -> Iterator[bytes]:
    yield HEAD
    for number in range(count):
        yield part(several[number % len(several)]) + b"\r\n"
        time.sleep(0.04)


def a_header_without_end() -> Iterator[bytes]:
    yield b"HTTP/1.0 200 OK\r\nX-A: "
    yield from for_ever(b"a" * 65_536)


def headers_without_end() -> Iterator[bytes]:
    yield b"HTTP/1.0 200 OK\r\n"
    yield from for_ever((b"X-A: " + b"a" * 1000 + b"\r\n") * 60)


def headers_of_a_part_without_end() -> Iterator[bytes]:
    yield HEAD + b"--frame\r\n"
    yield from for_ever((b"X-A: " + b"a" * 1000 + b"\r\n") * 60)


def a_frame_of_two_gigabytes() -> Iterator[bytes]:
    yield HEAD + part(jpeg(640, 480), 2_147_483_000)
    yield from for_ever(ZEROS)


def a_frame_without_end() -> Iterator[bytes]:
    yield HEAD + b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg(640, 480)
    yield from for_ever(ZEROS)


def two_gigabytes_after_some_frames() -> Iterator[bytes]:
    yield from pictures(jpeg(640, 480))
    yield part(jpeg(640, 480), 2_147_483_000)
    yield from for_ever(ZEROS)


def pictures_of_50_million_pixels() -> Iterator[bytes]:
    return pictures(jpeg(8600, 5800))


def such_pictures_after_some_frames() -> Iterator[bytes]:
    yield from pictures(jpeg(640, 480))
    yield from pictures(jpeg(8600, 5800))


def the_largest_pictures_that_are_taken() -> Iterator[bytes]:
    whole_colours = int(cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
    return pictures(
        jpeg(
            4096, 3072, cv2.IMWRITE_JPEG_PROGRESSIVE, 1,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR, whole_colours,
        )
    )  # fmt: skip


def claimed_sizes() -> Iterator[bytes]:
    yield from pictures(jpeg(640, 480))
    yield from pictures(claiming(50_000, 50_000), claiming(60_000, 10_000), claiming(7_000, 7_000))


def other_pictures_in_the_place_of_jpegs() -> Iterator[bytes]:
    yield from pictures(jpeg(640, 480))
    yield from pictures(png(50_000, 5_000), png(9_000, 5_000))


def heads_that_may_be_read_in_two_ways() -> Iterator[bytes]:
    return pictures(jpeg(640, 480), read_in_two_ways(7_000, 7_000))


def pictures_with_a_scan_for_each_colour() -> Iterator[bytes]:
    return pictures(jpeg(640, 480), with_a_scan_for_each_colour(claiming(4096, 3072)))


def changing_sizes() -> Iterator[bytes]:
    sizes = ((640, 480), (4000, 3000), (24, 8000), (160, 120), (8000, 6000), (1920, 1080))
    return pictures(*(jpeg(*size) for size in sizes), count=3 * FRAMES)


def a_png() -> Iterator[bytes]:
    yield answer(b"image/png", png(50_000, 5_000))


def no_frame_at_all() -> Iterator[bytes]:
    yield HEAD
    while True:
        yield b""
        time.sleep(0.1)


def rubbish() -> Iterator[bytes]:
    yield answer(b"video/mp4")
    yield from for_ever(np.random.default_rng(2).bytes(65_536))


def packets_without_a_picture() -> Iterator[bytes]:
    yield answer(b"video/mp2t")
    yield from for_ever((b"\x47" + np.random.default_rng(3).bytes(187)) * 300)


def a_table_of_two_gigabytes() -> Iterator[bytes]:
    yield answer(b"video/mp4", struct.pack(">I", 20) + b"ftypisom\0\0\0\0isom")
    yield struct.pack(">I", 0x7FFFFFFF) + b"moov" + struct.pack(">I", 0x7FFFFFF0) + b"trak"
    yield from for_ever(ZEROS)


def an_rtsp_answer_of_two_gigabytes() -> Iterator[bytes]:
    yield b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS, DESCRIBE\r\n\r\n"
    yield b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\n"
    yield b"Content-Length: 2147483000\r\n\r\nv=0\r\n"
    yield from for_ever(b"a=x:" + b"y" * 1000 + b"\r\n")


def an_rtsp_header_without_end() -> Iterator[bytes]:
    yield b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n"
    yield from for_ever((b"X-A: " + b"a" * 1000 + b"\r\n") * 60)


BOMBS: tuple[Bomb, ...] = (
    a_header_without_end,
    headers_without_end,
    headers_of_a_part_without_end,
    a_frame_of_two_gigabytes,
    a_frame_without_end,
    two_gigabytes_after_some_frames,
    pictures_of_50_million_pixels,
    such_pictures_after_some_frames,
    the_largest_pictures_that_are_taken,
    claimed_sizes,
    other_pictures_in_the_place_of_jpegs,
    heads_that_may_be_read_in_two_ways,
    pictures_with_a_scan_for_each_colour,
    changing_sizes,
    a_png,
    no_frame_at_all,
    rubbish,
    packets_without_a_picture,
    a_table_of_two_gigabytes,
    an_rtsp_answer_of_two_gigabytes,
    an_rtsp_header_without_end,
)


class Hostile:
    """Sends a bomb to whoever comes. ``struck``: somebody has had it, or has hung up."""

    def __init__(self, bomb: Bomb) -> None:
        self._bomb = bomb
        self.struck = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        scheme = "rtsp" if "rtsp" in bomb.__name__ else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listening.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._send, args=(connection,), daemon=True).start()

    def _send(self, connection: socket.socket) -> None:
        sent = 0
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            connection.settimeout(20)  # it reads no more
            for piece in self._bomb():
                connection.sendall(piece or b"\0")
                sent += len(piece)
                if sent > ENOUGH:
                    break
        self.struck.set()

    def close(self) -> None:
        self._listening.close()


def peak_megabytes(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) // 1000


def answered(end: float) -> bool:
    """It answers, as soon as it is up."""
    while time.monotonic() < end:
        with contextlib.suppress(NotRunning):
            return bool(call(Paths.default(), "status")["text"])
        time.sleep(0.1)
    return False


@pytest.fixture
def without_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


def assert_it_bears(camera: str, done: Callable[[], bool]) -> None:
    with AgentProcess("run", "--headless", "--events-json", "--camera", camera) as agent:
        end = time.monotonic() + PATIENCE
        peak = 0
        while time.monotonic() < end and not (done() and peak):
            assert agent.process.poll() is None, agent.said
            peak = max(peak, peak_megabytes(agent.process.pid))
            assert peak < MOST_MEGABYTES
            time.sleep(0.1)
        assert answered(end), agent.said
        peak = peak_megabytes(agent.process.pid)
        agent.stop()
    assert 50 < peak < MOST_MEGABYTES
    assert done(), "the attack was not carried through"


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_no_stream_fills_the_memory(bomb: Bomb, without_screen: None) -> None:
    hostile = Hostile(bomb)
    try:
        assert_it_bears(hostile.url, hostile.struck.is_set)
    finally:
        hostile.close()


@pytest.mark.parametrize("size", [(4096, 3072), (8000, 6000)])
def test_no_video_fills_it(size: tuple[int, int], tmp_path: Path, without_screen: None) -> None:
    sent = answer(b"video/x-msvideo", video(tmp_path, *size))
    hostile = Hostile(lambda: iter([sent]))
    try:
        assert_it_bears(hostile.url, hostile.struck.is_set)
    finally:
        hostile.close()


@pytest.mark.parametrize("kind", ["png", "jpg", "avi"])
def test_no_file_fills_it(kind: str, tmp_path: Path, without_screen: None) -> None:
    file = tmp_path / f"bomb.{kind}"
    big = {"png": lambda: png(50_000, 5_000), "jpg": lambda: jpeg(8600, 5800)}
    file.write_bytes(big[kind]() if kind in big else video(tmp_path, 8000, 6000))
    began = time.monotonic()
    assert_it_bears(str(file), lambda: time.monotonic() - began > 8.0)


def test_ffmpeg_keeps_to_our_limit() -> None:
    """The library is found: without it some of the above would hold by chance only."""
    assert bounds._avutil() is not None
