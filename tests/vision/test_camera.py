"""The camera on real streams over loopback and real files."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from agent.errors import BadPicture, CameraBusy, CameraError, CameraLost, CameraNotFound
from agent.vision import bounded_capture, sources
from agent.vision import camera as camera_module
from agent.vision.bounds import Roof
from agent.vision.camera import OpenCVCamera, _StallWatch
from agent.vision.jpeg_head import JpegHead
from agent.vision.sources import Kind, Source, _bounded, parse_source
from tests.vision.bombs import index_of_millions, read_in_two_ways, with_scans
from tests.vision.mjpeg import PERIOD, MjpegServer, number_of, picture

NumberedVideo = Callable[[int, float], Path]


class PlayClock:
    """Time that passes by sleeping and by :meth:`advance` alone."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds

    def advance(self, seconds: float) -> None:
        self.now += seconds


def play(path: Path, clock: PlayClock) -> OpenCVCamera:
    camera = OpenCVCamera(path, clock=clock, sleep=clock.sleep)
    camera.open()
    return camera


# --- what a source means


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        (0, Kind.WEBCAM, 0),
        ("2", Kind.WEBCAM, 2),
        ("rtsp://cam/1", Kind.STREAM, "rtsp://cam/1"),
        ("film.mp4", Kind.FILE, "film.mp4"),
        ("12:30.mp4", Kind.FILE, "12:30.mp4"),
        ("~no-such-user.mp4", Kind.FILE, "~no-such-user.mp4"),
        ("/dev/video3", Kind.WEBCAM, "/dev/video3"),
        (Path("a") / "b.mp4", Kind.FILE, os.path.join("a", "b.mp4")),
    ],
)
def test_source_is_told_by_its_form(text: int | str | Path, kind: Kind, target: int | str) -> None:
    source = parse_source(text)
    assert (source.kind, source.target) == (kind, target)


def test_name_of_a_stream_has_no_password() -> None:
    source = parse_source("http://anna:geheim@cam.local:81/video?key=abc")
    assert source.name == "http://cam.local"
    assert "geheim" in str(source.target)


def test_a_file_that_exists_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("rtsp:", "anna:x@y.mp4", "~no-such-user", " blank.mp4 "):
        (tmp_path / name).touch()
        assert parse_source(name).kind is Kind.FILE
        assert parse_source(name).target == name


# --- files


def test_file_plays_at_its_own_pace(numbered_video: NumberedVideo) -> None:
    clock = PlayClock()
    camera = play(numbered_video(60, 30.0), clock)
    numbers = [number_of(camera.read()) for _ in range(30)]
    assert numbers == pytest.approx(range(30), abs=1)
    assert clock.slept == pytest.approx(29 / 30, abs=0.04)


def test_no_file_has_a_look_wait_for_minutes(numbered_video: NumberedVideo) -> None:
    clock = PlayClock()
    camera = play(numbered_video(10, 0.1), clock)
    for _ in range(4):
        camera.read()
    assert clock.slept <= 4.0


def test_late_reader_gets_the_frame_of_the_time(numbered_video: NumberedVideo) -> None:
    clock = PlayClock()
    camera = play(numbered_video(200, 30.0), clock)
    camera.read()
    for seconds in (0.5, 2.0, 3.0):  # 15, 75 and 165 frames in: dropped or sought
        clock.advance(seconds)
        assert number_of(camera.read()) == pytest.approx((clock.now - 100.0) * 30, abs=1.1)


def test_file_starts_again_at_its_end(numbered_video: NumberedVideo) -> None:
    clock = PlayClock()
    camera = play(numbered_video(10, 10.0), clock)
    numbers = [number_of(camera.read()) for _ in range(25)]
    assert numbers == pytest.approx([*range(10), *range(10), *range(5)], abs=1)


def test_late_reader_is_led_round_the_end(numbered_video: NumberedVideo) -> None:
    clock = PlayClock()
    camera = play(numbered_video(50, 10.0), clock)
    camera.read()
    clock.advance(123.0)  # 24 rounds of 5 s and 3 s more
    assert number_of(camera.read()) == pytest.approx(30, abs=1)
    clock.advance(0.5)
    assert number_of(camera.read()) == pytest.approx(35, abs=1)


def test_end_that_comes_earlier_than_promised(
    numbered_video: NumberedVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = PlayClock()
    camera = play(numbered_video(10, 10.0), clock)
    monkeypatch.setattr(camera._reader, "_count", 0)
    numbers = [number_of(camera.read()) for _ in range(22)]
    assert numbers == pytest.approx([*range(10), *range(10), 0, 1], abs=1)


def test_clip_with_rare_key_frames_is_kept_in_pace(short_clip: Path) -> None:
    """Seeking in a compressed video lands where decoding every frame lands."""
    truth = cv2.VideoCapture(str(short_clip))
    frames = [truth.read()[1] for _ in range(72)]
    clock = PlayClock()
    camera = play(short_clip, clock)
    camera.read()
    for step in (0.2, 1.5, 0.3, 1.7, 1.3):
        clock.advance(step)
        frame = camera.read()
        due = int((clock.now - 100.0) * 30 + 1e-6) % 72
        errors = [float(np.abs(frame.astype(int) - f).mean()) for f in frames]
        assert abs(int(np.argmin(errors)) - due) <= 2


@pytest.mark.parametrize("content", [None, b"", b"this is no video\n" * 100])
def test_file_that_is_no_video(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "film.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadPicture, match=r"film\.mp4"):
        OpenCVCamera(path).open()


def test_folder_and_truncated_video(tmp_path: Path, numbered_video: NumberedVideo) -> None:
    with pytest.raises(BadPicture, match="file"):
        OpenCVCamera(tmp_path).open()
    whole = numbered_video(10, 10.0)
    stump = tmp_path / "stump.avi"
    stump.write_bytes(whole.read_bytes()[:300])
    with pytest.raises(BadPicture, match=r"stump\.avi"):
        OpenCVCamera(stump).open()


# --- a live stream


def fresh(server: MjpegServer, frame: np.ndarray) -> bool:
    """Is this the frame of now, give or take a few?"""
    return (server.now() - number_of(frame) + 6) % PERIOD <= 12


def read_on(camera: OpenCVCamera) -> None:
    """Until it fails."""
    for _ in range(1000):
        camera.read()


def test_stream_gives_the_newest_frame_after_a_pause(server: MjpegServer) -> None:
    camera = OpenCVCamera(server.url)
    camera.open()
    for pause in (0.0, 0.3, 2.5):
        time.sleep(pause)
        assert fresh(server, camera.read())
    assert server.clients == 1
    camera.close()


def test_stream_that_stops_and_returns(server: MjpegServer) -> None:
    camera = OpenCVCamera(server.url, open_seconds=1.0)
    camera.open()
    camera.read()
    server.stop()
    with pytest.raises(CameraLost, match="stopped sending"):
        read_on(camera)
    with pytest.raises(CameraNotFound):
        camera.open()
    with pytest.raises(CameraLost):
        camera.read()
    server.start()
    camera.open()
    assert fresh(server, camera.read())
    camera.close()


def test_stream_that_stalls(server: MjpegServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "READ_SECONDS", 0.5)
    camera = OpenCVCamera(server.url, open_seconds=1.0)
    camera.open()
    server.stalled.set()
    began = time.monotonic()
    with pytest.raises(CameraLost, match="stopped sending"):
        read_on(camera)
    assert time.monotonic() - began < 10  # a guard against hanging
    server.stalled.clear()
    camera.open()
    assert fresh(server, camera.read())
    camera.close()


def test_stream_whose_picture_stands_still(server: MjpegServer) -> None:
    camera = OpenCVCamera(server.url, stall_seconds=0.5)
    camera.open()
    server.frozen.set()
    with pytest.raises(CameraLost, match="stood still"):
        read_on(camera)
    server.frozen.clear()
    camera.open()
    for _ in range(30):
        camera.read()
    camera.close()


def test_stream_dropped_by_its_server_while_unread_is_taken_up_again(server: MjpegServer) -> None:
    camera = OpenCVCamera(server.url)
    camera.open()
    camera.read()
    server.stop()
    server.start()
    time.sleep(2.2)
    assert fresh(server, camera.read())
    assert server.clients == 2
    camera.close()


@pytest.mark.parametrize("every", [2, 3, 10])
def test_damaged_frames_of_a_stream_are_passed_over(every: int) -> None:
    whole = [encoded(picture(n)) for n in range(30)]
    frames = [data if n % every else data[: len(data) // 3] for n, data in enumerate(whole)]
    with MjpegServer(frames=frames) as server:
        camera = OpenCVCamera(server.url)
        camera.open()
        for _ in range(40):
            assert camera.read().shape == (120, 160, 3)
        camera.close()


def test_a_stream_of_damaged_frames_alone_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module, "DAMAGED_SECONDS", 0.5)
    data = encoded(picture(1))
    with (
        MjpegServer(frames=[data[: len(data) // 3]]) as server,
        pytest.raises(CameraNotFound, match="sends no picture"),
    ):
        OpenCVCamera(server.url).open()


def test_strips_and_claims_of_giant_frames_are_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A JPEG's header may claim any size; decoded it would take all memory."""
    giant = bytearray(encoded(picture(1)))
    at = giant.index(b"\xff\xc0") + 5
    giant[at : at + 4] = b"\xff\xdc\xff\xdc"  # 65,500 x 65,500
    strip = encoded(np.full((1, 640, 3), 90, np.uint8))
    frames = [bytes(giant), strip, encoded(picture(2))]
    with MjpegServer(frames=frames) as server:
        camera = OpenCVCamera(server.url)
        camera.open()
        for _ in range(10):
            assert camera.read().shape == (120, 160, 3)
        camera.close()


def test_a_frame_of_many_scans_holds_nobody_up() -> None:
    """Each is some bytes in which nothing changes, and libjpeg goes over the whole picture."""
    frames = [with_scans(3_400, 8_000), encoded(picture(1)), encoded(picture(2))]
    with MjpegServer(frames=frames) as server:
        began = time.thread_time()
        camera = OpenCVCamera(server.url)
        camera.open()
        for _number in range(6):
            assert camera.read().shape == (120, 160, 3)
        assert time.thread_time() - began < 3.0
        camera.close()


def test_a_picture_for_print_is_passed_over() -> None:
    """Of four colours and in several scans it takes half as much memory again."""
    data = io.BytesIO()
    Image.new("CMYK", (160, 120), "teal").save(data, "JPEG", progressive=True)
    with MjpegServer(frames=[data.getvalue(), encoded(picture(1))]) as server:
        camera = OpenCVCamera(server.url)
        camera.open()
        for _number in range(6):
            seen = number_of(camera.read())
            assert abs(seen - 1) <= 1
        camera.close()


def test_a_video_of_useless_frames_is_not_read_to_its_end(
    numbered_video: NumberedVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """600,000 tiny frames kept the camera opening for half a minute."""
    file = numbered_video(300, 30.0)
    monkeypatch.setattr(camera_module, "DAMAGED_SECONDS", 0.0)
    monkeypatch.setattr(camera_module, "SMALLEST", 10_000)
    grabbed: list[bool] = []
    grab = bounded_capture.BoundedCapture.grab
    monkeypatch.setattr(
        bounded_capture.BoundedCapture, "grab", lambda self: grabbed.append(True) or grab(self)
    )
    with pytest.raises(BadPicture):
        OpenCVCamera(file).open()
    assert len(grabbed) < 10


def test_damaged_pictures_are_read_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    """libjpeg writes a line for each on stderr, into the journal of whoever starts us at login."""
    noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)
    damaged = bytearray(encoded(noise))
    damaged[9_000:9_040] = np.random.default_rng(2).bytes(40)
    decoded = cv2.imdecode(np.frombuffer(damaged, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    said = capfd.readouterr().err
    assert "Corrupt JPEG data" in said
    with MjpegServer(frames=[bytes(damaged), read_in_two_ways(320, 240)]) as server:
        camera = OpenCVCamera(server.url)
        camera.open()
        for _number in range(10):
            assert camera.read().shape == (240, 320, 3)
        camera.close()
    assert capfd.readouterr().err == ""
    cv2.imdecode(np.frombuffer(damaged, np.uint8), cv2.IMREAD_COLOR)
    assert capfd.readouterr().err == said, "others are heard as before"


def test_a_frame_that_is_larger_than_its_head_said_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Should a decoder ever read a size that we did not."""
    monkeypatch.setattr(bounded_capture, "read_head", lambda data: JpegHead(160, 120, 3, 0.0))
    monkeypatch.setattr(bounded_capture, "MOST_PIXELS", 200 * 200)
    with MjpegServer(frames=[encoded(picture(1, (320, 240)))]) as server:
        camera = OpenCVCamera(server.url)
        with pytest.raises(CameraError, match="320 x 240"):
            camera.open()


def encoded(frame: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", frame)[1].tobytes()


def test_a_stream_never_goes_through_a_proxy(
    server: MjpegServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0.2)
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, address)
        monkeypatch.delenv("no_proxy", raising=False)
        camera = OpenCVCamera(server.url, open_seconds=1.0)
        camera.open()
        assert fresh(server, camera.read())
        camera.close()
        with pytest.raises(TimeoutError):
            proxy.accept()  # nobody asked it


def test_dark_picture_may_stand_still() -> None:
    watch = _StallWatch(1.0)
    dark = np.zeros((120, 160, 3), np.uint8)
    assert not any(watch.stands_still(dark, now) for now in range(30))
    lit = picture(100)
    assert [watch.stands_still(lit, now) for now in range(30, 40)][-1]
    assert not watch.stands_still(picture(120), 40)


def test_close_twice_and_open_again(server: MjpegServer) -> None:
    camera = OpenCVCamera(server.url)
    camera.close()
    camera.open()
    camera.close()
    camera.close()
    with pytest.raises(CameraLost, match="not open"):
        camera.read()
    camera.open()
    camera.read()
    camera.close()


def test_opening_is_bounded_and_a_late_capture_is_released() -> None:
    released = []

    class Late:
        def release(self) -> None:
            released.append(True)

    def slow() -> cv2.VideoCapture:
        time.sleep(0.4)
        return Late()  # type: ignore[return-value]

    with pytest.raises(CameraBusy, match="did not open"):
        _bounded(slow, Source(Kind.WEBCAM, 0, "camera 0"), Roof(), 0.1)
    for _ in range(100):
        if released:
            break
        time.sleep(0.05)
    assert released


@pytest.mark.skipif(sys.platform != "linux", reason="webcams are files on Linux only")
def test_missing_webcam_is_told_and_stderr_stays_clean(tmp_path: Path) -> None:
    with pytest.raises(CameraNotFound, match="There is no camera 97"):
        OpenCVCamera(97).open()
    with pytest.raises(CameraError, match="Camera /dev/null"):
        OpenCVCamera("/dev/null").open()
    script = (
        "from agent.vision.camera import OpenCVCamera\n"
        "from agent.errors import AgentError\n"
        "import sys\n"
        "for source in [97, '/dev/null', 'http://127.0.0.1:9/x', sys.argv[1]]:\n"
        "    try: OpenCVCamera(source).open()\n"
        "    except AgentError: print('told')\n"
    )
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\0\0\0\x18ftypmp42" + b"junk" * 500)
    done = subprocess.run(
        [sys.executable, "-c", script, str(broken)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["told"] * 4
    assert done.stderr == ""


@pytest.mark.parametrize("number", ["99999", "9" * 300, "9" * 5_000], ids=len)
def test_a_number_that_no_camera_has_is_taken_for_a_file(number: str) -> None:
    assert parse_source(number).kind is Kind.FILE
    with pytest.raises(BadPicture):
        sources.open_capture(parse_source(number))


@pytest.mark.skipif(sys.platform != "linux", reason="devices have other names there")
def test_a_device_whose_name_is_too_long_is_told() -> None:
    with pytest.raises(CameraNotFound):
        sources.open_capture(parse_source("/dev/video" + "9" * 310))


READ_TO_THE_END = """
import re, sys
from pathlib import Path
from agent.errors import CameraError
from agent.vision.bounded_capture import BoundedCapture
from agent.vision.sources import open_capture, parse_source

def most():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

source = parse_source(sys.argv[1])
capture, seen = BoundedCapture(open_capture(source), source), 0
before = most()
try:
    while capture.grab():
        seen += 1
except CameraError as error:
    print(seen, most() - before, error.message)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_one_packet_cannot_fill_the_memory(tmp_path: Path) -> None:
    """It named millions of pictures, and its 140 kB took 3 GB before it came back."""
    file = tmp_path / "a.mp4"
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    file.write_bytes(index_of_millions(cv2.imencode(".jpg", noise)[1].tobytes()))
    done = subprocess.run(
        [sys.executable, "-c", READ_TO_THE_END, str(file)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    seen, kilobytes, told = done.stdout.split(maxsplit=2)
    assert int(seen) == 20, "what came before"
    assert int(kilobytes) < 350_000
    assert "takes too much memory" in told
