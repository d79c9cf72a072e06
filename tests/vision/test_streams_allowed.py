"""What a stream or a file may have FFmpeg do: nothing but be read."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from agent.errors import AgentError, CameraNotFound
from agent.vision.sources import OPTIONS, open_capture, parse_source
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


@pytest.mark.parametrize("text", [f"concat:{CLIP}", f"subfile,,start,0,end,0,,:{CLIP}"])
def test_a_protocol_that_looks_like_a_file_is_none(text: str) -> None:
    with pytest.raises(AgentError):
        open_capture(parse_source(text))


def test_files_open_and_the_options_are_as_before() -> None:
    before = os.environ[OPTIONS]
    open_capture(parse_source(str(CLIP))).release()
    assert os.environ[OPTIONS] == before
