"""What a stream or a file may have FFmpeg do: nothing but be read."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest

from agent.errors import AgentError, BadPicture, CameraNotFound
from agent.vision import media
from agent.vision.sources import OPTIONS, open_capture, parse_source, plain_name
from tests.agent_process import CLIP


class Hostile(BaseHTTPRequestHandler):
    """Leads on to whatever the path says, or to a file of the user."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer."""
        self.asked.append(self.path)
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/private")
            self.end_headers()
            return
        if self.path == "/of-addresses.m3u8":
            self.list_of(f"http://127.0.0.1:{self.server.server_port}/private")  # type: ignore[attr-defined]
            return
        self.list_of(f"file://{CLIP}")

    def list_of(self, address: str) -> None:
        listed = f"#EXTM3U\n#EXTINF:10,\n{address}\n#EXT-X-ENDLIST\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.apple.mpegurl")
        self.send_header("Content-Length", str(len(listed)))
        self.end_headers()
        self.wfile.write(listed)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hostile() -> Iterator[str]:
    Hostile.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_redirects_are_not_followed(hostile: str) -> None:
    with pytest.raises(CameraNotFound):
        open_capture(parse_source(f"{hostile}/redirect"))
    assert "/redirect" in Hostile.asked
    assert "/private" not in Hostile.asked


def test_a_list_leads_to_no_file(hostile: str) -> None:
    with pytest.raises(CameraNotFound):
        open_capture(parse_source(f"{hostile}/list.m3u8"))
    assert Hostile.asked


def test_a_list_leads_to_no_other_service(hostile: str) -> None:
    """Such as one of this computer, which believes whoever comes from it."""
    with pytest.raises(CameraNotFound):
        open_capture(parse_source(f"{hostile}/of-addresses.m3u8"))
    assert "/of-addresses.m3u8" in Hostile.asked
    assert "/private" not in Hostile.asked


def test_a_file_leads_to_no_address(hostile: str, tmp_path: Path) -> None:
    listed = tmp_path / "holiday.m3u8"
    listed.write_text(f"#EXTM3U\n#EXTINF:10,\n{hostile}/seen\n#EXT-X-ENDLIST\n")
    with pytest.raises(AgentError):
        open_capture(parse_source(str(listed)))
    assert Hostile.asked == []


@pytest.mark.parametrize(
    "address",
    [f"file://{CLIP}", f"concat://{CLIP}", "gopher://127.0.0.1/", "ftp://127.0.0.1/x", "data://x"],
)
def test_other_kinds_of_addresses_are_refused(address: str) -> None:
    with pytest.raises(CameraNotFound, match="no kind of address that a camera has"):
        open_capture(parse_source(address))


@pytest.mark.parametrize("scheme", ["http", "https", "rtsp", "rtmp", "tcp"])
def test_half_a_character_ends_no_program(scheme: str) -> None:
    """A shell makes one of bytes that are no text; OpenCV ended the program over it."""
    code = (
        "from agent.errors import CameraNotFound\n"
        "from agent.vision.sources import open_capture, parse_source\n"
        "try:\n"
        f"    open_capture(parse_source('{scheme}://127.0.0.1:9/\\udcff'))\n"
        "except CameraNotFound:\n"
        "    print('told')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "told\n"), done.stderr


@pytest.mark.parametrize("text", [f"concat:{CLIP}", f"subfile,,start,0,end,0,,:{CLIP}"])
def test_a_protocol_that_looks_like_a_file_is_none(text: str) -> None:
    with pytest.raises(AgentError):
        open_capture(parse_source(text))


def test_files_open_and_the_options_are_as_before() -> None:
    before = os.environ[OPTIONS]
    open_capture(parse_source(str(CLIP))).release()
    assert os.environ[OPTIONS] == before


LISTS = {
    "of-files.mp4": "ffconcat version 1.0\nfile secret.ts\n",
    "of-pipes.mp4": "ffconcat version 1.0\nfile pipe\n",
    "of-files.m3u8": "#EXTM3U\n#EXTINF:10,\n{folder}/secret.ts\n#EXT-X-ENDLIST\n",
    "of-addresses.m3u8": "#EXTM3U\n#EXTINF:10,\nfile://{folder}/secret.ts\n#EXT-X-ENDLIST\n",
    "of-files.mpd": "<MPD><Period><BaseURL>{folder}/secret.ts</BaseURL></Period></MPD>",
}


def listed(folder: Path, name: str) -> Path:
    write_video(folder / "secret.ts", "MPG2")
    path = folder / name
    path.write_text(LISTS[name].format(folder=folder))
    return path


def write_video(path: Path, codec: str) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 25.0, (160, 120))
    assert writer.isOpened()
    for number in range(30):
        writer.write(np.full((120, 160, 3), 8 * number, np.uint8))
    writer.release()


@pytest.mark.parametrize("name", LISTS)
def test_a_file_leads_to_no_file(tmp_path: Path, name: str) -> None:
    """Nor to a pipe beside it, on which it would wait."""
    path = listed(tmp_path, name)
    if "pipes" in name:
        if not hasattr(os, "mkfifo"):
            pytest.skip("Windows has no such pipes")
        os.mkfifo(tmp_path / "pipe")
    results: list[object] = []

    def opening() -> None:
        try:
            results.append(open_capture(parse_source(str(path))))
        except BadPicture as error:
            results.append(error)

    thread = threading.Thread(target=opening, daemon=True)
    thread.start()
    thread.join(20)
    assert [type(result) for result in results] == [BadPicture]


@pytest.mark.parametrize("name", ["of-files.mp4", "of-files.m3u8"])
def test_a_file_that_is_looked_at_leads_to_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadPicture):
        list(media.read(listed(tmp_path, name), 0.5).frames)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "mp4v"),
        ("a.mov", "mp4v"),
        ("a.m4v", "mp4v"),
        ("a.mkv", "mp4v"),
        ("a.webm", "VP80"),
        ("a.avi", "MJPG"),
        ("a.mpg", "MPG2"),
        ("a.ts", "MPG2"),
        ("a.flv", "FLV1"),
        ("a.wmv", "WMV2"),
    ],
)
def test_videos_of_all_usual_kinds_open(tmp_path: Path, name: str, codec: str) -> None:
    path = tmp_path / name
    write_video(path, codec)
    capture = open_capture(parse_source(str(path)))
    assert capture.read()[0]
    capture.release()


@pytest.mark.parametrize("codec", ["SNOW", "FFV1", "MJ2C", "drac", "tiff", "ASV1"])
def test_what_no_camera_writes_is_not_decoded(tmp_path: Path, codec: str) -> None:
    """Whoever made the file chooses the decoder: there are hundreds, and few are looked after."""
    path = tmp_path / "a.avi"
    write_video(path, codec)
    with pytest.raises(BadPicture):
        open_capture(parse_source(str(path)))


def test_nor_in_a_stream(tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", "SNOW")

    class Camera(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write((tmp_path / "a.avi").read_bytes())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Camera) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(CameraNotFound):
            open_capture(parse_source(f"http://127.0.0.1:{server.server_port}/a"))
        server.shutdown()


@pytest.mark.parametrize("name", ["50%.mp4", "[1].mp4", "12:30.mp4", "half\udce4.mp4"])
def test_an_odd_name_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """No link that would stay, should the program be killed meanwhile."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    path = tmp_path / name
    path.write_bytes(CLIP.read_bytes())
    with plain_name(str(path)) as plain:
        assert Path(plain).read_bytes() == CLIP.read_bytes()
        assert list(temporary.iterdir()) == []
    capture = open_capture(parse_source(str(path)))
    assert capture.read()[0]
    capture.release()
