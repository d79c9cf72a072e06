"""A webcam as the network knows it: Motion-JPEG over HTTP on loopback, which can stop, stall,
freeze and come back. The picture's grey level tells the frame's number."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Sequence
from types import TracebackType

import cv2
import numpy as np

PERIOD = 240
"""Frames after which the numbers start again."""
HEAD = (
    b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n"
    b"Cache-Control: no-cache\r\n\r\n"
)


def picture(number: int, size: tuple[int, int] = (160, 120)) -> np.ndarray:
    """Two stripes to make it no uniform picture, the rest says ``number`` modulo PERIOD."""
    frame = np.full((size[1], size[0], 3), number % PERIOD + 8, np.uint8)
    frame[:20, : size[0] // 2] = 0
    frame[:20, size[0] // 2 :] = 255
    return frame


def number_of(frame: np.ndarray) -> int:
    """The number that :func:`picture` drew, give or take one."""
    return int(frame[40:].mean().round()) - 8


class MjpegServer:
    """``with MjpegServer() as server: OpenCVCamera(server.url)``. One frame every 1/fps seconds;
    a frame's number is that of the time, so a stale frame is seen."""

    def __init__(self, fps: float = 30.0, frames: Sequence[bytes] | None = None) -> None:
        """``frames``: JPEG pictures to send round and round instead of numbered ones."""
        self.fps = fps
        self.stalled = threading.Event()  # connected, but sends nothing more
        self.frozen = threading.Event()  # sends the same picture again and again
        self.clients = 0
        self._port = 0
        self._began = time.monotonic()
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._frames = frames or [
            cv2.imencode(".jpg", picture(n), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
            for n in range(PERIOD)
        ]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/video.mjpg"

    def now(self) -> int:
        """The number of the frame that is sent now."""
        return int((time.monotonic() - self._began) * self.fps) % PERIOD

    def show(self, frames: Sequence[bytes]) -> None:
        """Send these pictures round and round from now on."""
        self._frames = list(frames)

    def start(self) -> None:
        """Listen; after :meth:`stop` on the same port again."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen(5)
        self._port = listener.getsockname()[1]
        self._listener = listener
        self._spawn(self._accept, listener)

    def stop(self) -> None:
        """As if the camera's plug were pulled: the listener and all connections close."""
        listener, self._listener = self._listener, None
        with self._lock:
            connections, self._open = self._open, []
        for each in [listener, *connections]:
            if each is not None:
                with contextlib.suppress(OSError):  # not connected any more
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
        for thread in self._threads:
            thread.join(5)
        self._threads.clear()

    def __enter__(self) -> MjpegServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _spawn(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.append(connection)
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        self.clients += 1
        try:
            connection.recv(4096)
            connection.sendall(HEAD)
            frozen_at = 0
            number = 0
            while True:
                if not self.stalled.is_set():
                    if not self.frozen.is_set():
                        frozen_at = self.now()
                    data = self._frames[frozen_at % len(self._frames)]
                    head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
                    connection.sendall(head % len(data) + data + b"\r\n")
                number += 1
                time.sleep(1.0 / self.fps)
        except OSError:
            return
