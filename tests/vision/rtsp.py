"""An RTSP camera on loopback: Motion-JPEG in RTP packets within the connection (RFC 2435, RFC 2326
10.12), with or without a login, and what it answers can be made hostile."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import ssl
import struct
import threading
import time
from base64 import b64decode
from collections.abc import Callable
from types import TracebackType
from urllib.request import parse_http_list, parse_keqv_list

import cv2

from tests.vision.mjpeg import PERIOD, picture

SIZE = (160, 120)
NONCE = "b7ab12c9"
Answer = Callable[[str], bytes | None]
"""Takes the method; the bytes to answer, or None for the ordinary answer."""


def jpeg(number: int) -> bytes:
    return cv2.imencode(".jpg", picture(number, SIZE), [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def packets(data: bytes, sequence: int, timestamp: int) -> list[bytes]:
    """The RTP packets of a JPEG with 4:2:0 colours and the usual Huffman tables."""
    tables, place = b"", 2
    while data[place + 1] != 0xDA:  # up to the scan
        length = struct.unpack_from(">H", data, place + 2)[0]
        if data[place + 1] == 0xDB:
            segment = data[place + 4 : place + 2 + length]
            for start in range(0, len(segment), 65):
                tables += segment[start + 1 : start + 65]
        place += 2 + length
    scan = data[place + 2 + struct.unpack_from(">H", data, place + 2)[0] : -2]
    made = []
    for offset in range(0, len(scan), 1200):
        last = offset + 1200 >= len(scan)
        head = struct.pack(">BBHII", 0x80, last << 7 | 26, sequence & 0xFFFF, timestamp, 0x1234)
        shape = bytes((1, 255, SIZE[0] // 8, SIZE[1] // 8))
        head += struct.pack(">I", offset) + shape
        if offset == 0:
            head += struct.pack(">HH", 0, len(tables)) + tables
        made.append(head + scan[offset : offset + 1200])
        sequence += 1
    return made


class RtspCamera:
    """``with RtspCamera() as camera: OpenCVCamera(camera.url)``.

    ``asked``: the requests as they came, ``heads`` with their fields; ``answers``: what was said to
    :meth:`send`; ``sent``: packets. ``answer`` may put other bytes in an answer's place.
    """

    def __init__(
        self,
        *,
        login: tuple[str, str] | None = None,
        digest: str | None = "MD5",
        answer: Answer | None = None,
        base: bool = True,
        tls: ssl.SSLContext | None = None,
        fps: float = 25.0,
    ) -> None:
        self.asked: list[str] = []
        self.heads: list[str] = []
        self.answers: list[str] = []
        self.sent = 0
        self.connections = 0
        self.fps = fps
        self._login = login
        self._digest = digest
        self._answer = answer
        self._base = base
        self._tls = tls
        self._began = time.monotonic()
        self._jpegs = [jpeg(n) for n in range(PERIOD)]
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.address = f"{'rtsps' if tls else 'rtsp'}://127.0.0.1:{self.port}/stream?channel=1"
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return self.address

    def now(self) -> int:
        """The number of the frame that is sent now."""
        return int((time.monotonic() - self._began) * self.fps) % PERIOD

    def __enter__(self) -> RtspCamera:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in [self._listening, *self._open]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def send(self, data: bytes) -> None:
        """Send this between two frames."""
        with self._lock:
            self._open[-1].sendall(data)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.connections += 1
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            reader = connection.makefile("rb")
            while True:
                lines = []
                while line := reader.readline().decode().strip():
                    lines.append(line)
                if not lines:
                    return
                if lines[0].startswith("RTSP/"):
                    self.answers.append(lines[0])
                    continue
                method, address, _ = lines[0].split(" ")
                self.asked.append(lines[0])
                self.heads.append("\n".join(lines))
                fields = {n.lower(): v.strip() for n, _, v in (one.partition(":") for one in lines)}
                answered = self._answered(method, address, fields)
                with self._lock:
                    connection.sendall(answered)
                if method == "PLAY":
                    threading.Thread(target=self._play, args=(connection,), daemon=True).start()

    def _answered(self, method: str, address: str, fields: dict[str, str]) -> bytes:
        if self._answer is not None and (other := self._answer(method)) is not None:
            return other
        number = fields["cseq"]
        if self._login is not None and method != "OPTIONS":
            shown = fields.get("authorization", "")
            if not self._knows(method, address, shown):
                return self._says(number, "401 Unauthorized", *self._challenges())
        if method == "DESCRIBE":
            sdp = (
                b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\na=control:*\r\n"
                b"m=video 0 RTP/AVP 26\r\nc=IN IP4 0.0.0.0\r\na=control:track1\r\n"
            )
            more = [f"Content-Base: {self.address}/"] if self._base else []
            length = f"Content-Length: {len(sdp)}"
            return (
                self._says(number, "200 OK", "Content-Type: application/sdp", *more, length) + sdp
            )
        if method == "SETUP":
            if "TCP" not in fields["transport"]:
                return self._says(number, "461 Unsupported Transport")
            transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
            return self._says(number, "200 OK", transport, "Session: 12345678;timeout=60")
        return self._says(number, "200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")

    def _says(self, number: str, status: str, *fields: str) -> bytes:
        return "\r\n".join([f"RTSP/1.0 {status}", f"CSeq: {number}", *fields, "", ""]).encode()

    def _challenges(self) -> list[str]:
        basic = 'WWW-Authenticate: Basic realm="cam"'
        if self._digest is None:
            return [basic]
        asked = f'realm="cam", nonce="{NONCE}", algorithm={self._digest}, qop="auth"'
        return [f"WWW-Authenticate: Digest {asked}", basic]

    def _knows(self, method: str, address: str, shown: str) -> bool:
        """As strict as a camera can be: the address in the proof is that of the request."""
        assert self._login is not None
        kind, _, rest = shown.partition(" ")
        if self._digest is None:
            return kind == "Basic" and b64decode(rest).decode() == ":".join(self._login)
        if kind != "Digest":
            return False
        told = parse_keqv_list(parse_http_list(rest))

        def hashed(*parts: str) -> str:
            return hashlib.new(
                (self._digest or "").lower().replace("-", ""), ":".join(parts).encode()
            ).hexdigest()

        secret = hashed(self._login[0], "cam", self._login[1])
        expected = hashed(
            secret, NONCE, told["nc"], told["cnonce"], "auth", hashed(method, address)
        )
        return (told["uri"], told["response"]) == (address, expected)

    def _play(self, connection: socket.socket) -> None:
        sequence = 0
        with contextlib.suppress(OSError):
            while True:
                moment = time.monotonic() - self._began
                row = packets(self._jpegs[self.now()], sequence, int(moment * 90_000) & 0xFFFFFFFF)
                sequence += len(row)
                framed = [struct.pack(">cBH", b"$", 0, len(one)) + one for one in row]
                with self._lock:
                    connection.sendall(b"".join(framed))
                self.sent = sequence
                time.sleep(1.0 / self.fps)


def with_login(address: str, login: str) -> str:
    return re.sub("://", f"://{login}@", address, count=1)
