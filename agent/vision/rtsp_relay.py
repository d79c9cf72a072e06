"""What stands between FFmpeg and an RTSP camera: one connection there, one here.

FFmpeg follows a camera's redirect to any address, one of this computer's own services among them,
and takes the login along; asked for UDP, it sends to whatever address the camera names. No option
of FFmpeg's forbids it. So it is given an address on this computer alone, whose other end is this
relay: it is connected to the camera that the user named, and to nothing else, takes the video over
that connection (RFC 2326, 10.12), brings the login itself, and lets FFmpeg see neither a redirect
nor anything that it has not understood itself.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import secrets
import selectors
import socket
import threading
import time
from dataclasses import dataclass
from urllib.parse import unquote

from agent import addresses
from agent.errors import CameraError, CameraNotFound
from agent.printable import printable
from agent.store.paths import has_controls
from agent.translation import _
from agent.vision.rtsp_messages import (
    Login,
    Message,
    NotRtsp,
    split_request,
    take_message,
    take_packets,
)

SCHEMES = {"rtsp": 554, "rtsps": 322}
"""The kinds of address that go through a relay, and their ports (IANA)."""
_ADDRESS = re.compile(r"(rtsps?)://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\]]+\]|[^:\[\]]+)(?::(\d{0,5}))?")
_FOR_FFMPEG = ("Session", "Range", "Content-Base", "RTP-Info", "Public", "Content-Type")
"""What it reads of an answer. Left out: names of servers for which it speaks other dialects."""
_CHANNELS = re.compile(r"interleaved=\d{1,3}(-\d{1,3})?")
_PIECE = 65_536
_FULL = 65_536
"""Bytes that wait for one side before no more are taken from the other."""
_MOST_OPEN = 16
"""Requests that a camera may leave without an answer."""
_MOST_SILENT = 64
"""Connections that are kept while FFmpeg is waited for; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class CameraAddress:
    """An RTSP address in its parts; ``address`` is without the login, ``login`` None without."""

    scheme: str
    host: str
    port: int
    address: str
    login: tuple[str, str] | None


def parse(address: str) -> CameraAddress | None:
    """Take an address apart as FFmpeg does; None: it has no host, an odd port, or lines."""
    whole = _ADDRESS.fullmatch(address)
    if whole is None or has_controls(address):
        return None
    authority, _at, where = whole[2].rpartition("@")
    found = _AUTHORITY.fullmatch(where)
    if found is None:
        return None
    scheme = whole[1].lower()
    port = int(found[2] or SCHEMES[scheme])
    if not 0 < port < 65_536:
        return None
    name, _colon, password = authority.partition(":")
    login = (_plain(name), _plain(password)) if authority else None
    told = f"{scheme}://{found[1]}:{port}{whole[3]}"
    return CameraAddress(scheme, found[1].strip("[]"), port, told, login)


def _plain(part: str) -> str:
    return unquote(part, errors="surrogateescape")


class Talk:
    """What the relay knows of the two sides' talk. Pure: bytes come in, and bytes wait to go out.

    Raises NotRtsp, at which the talk is over.
    """

    def __init__(self, place: CameraAddress, name: str, here: str) -> None:
        self.to_camera = bytearray()
        self.to_ffmpeg = bytearray()
        self.trouble: CameraError | None = None
        self._place = place
        self._name = name
        self._here = here
        self._login = Login(*place.login) if place.login is not None else None
        self._from_camera = bytearray()
        self._from_ffmpeg = bytearray()
        self._open: dict[int, _RtspRequest] = {}
        self._count = 0

    def from_ffmpeg(self, data: bytes) -> None:
        """Take what FFmpeg has sent."""
        buffer = self._from_ffmpeg
        buffer += data
        while buffer:
            self.to_camera += take_packets(buffer)
            message = take_message(buffer)
            if message is None:
                return
            if message.status is None:  # else an answer to a camera that has asked; we have it
                self._ask(_RtspRequest.of(message))

    def from_camera(self, data: bytes) -> None:
        """Take what the camera has sent."""
        buffer = self._from_camera
        buffer += data
        while buffer:
            self.to_ffmpeg += take_packets(buffer)
            message = take_message(buffer)
            if message is None:
                return
            if message.status is None:
                self._answer(message)
            else:
                self._pass_on(message, message.status)

    def _ask(self, request: _RtspRequest) -> None:
        self._count += 1
        address = request.address
        if address.startswith(self._here):
            address = self._place.address + address[len(self._here) :]
        proof = self._login.prove(request.method, address) if self._login is not None else ()
        fields = (("CSeq", str(self._count)), *request.fields, *proof)
        first = f"{request.method} {address} RTSP/1.0"
        self.to_camera += Message(first, fields, request.body).encoded()
        self._open[self._count] = request
        if len(self._open) > _MOST_OPEN:
            del self._open[min(self._open)]

    def _pass_on(self, answer: Message, status: int) -> None:
        if not self._open:  # nobody has asked
            raise NotRtsp
        told = (answer.all_of("CSeq") or [""])[0]
        number = int(told) if re.fullmatch("[0-9]{1,9}", told) else 0
        request = self._open.pop(number if number in self._open else min(self._open))
        if 300 <= status < 400:
            self.trouble = _redirected(self._name, answer)
            raise NotRtsp
        login = None if status != 401 or request.again else self._login
        if login is not None and login.learn(answer.all_of("WWW-Authenticate")):
            self._ask(dataclasses.replace(request, again=True))
            return
        self.trouble = _refused(self._name, status)
        fields = (("CSeq", request.number), *answer.only(*_FOR_FFMPEG), *_transport(answer))
        word = "OK" if status == 200 else "Refused"
        self.to_ffmpeg += Message(f"RTSP/1.0 {status} {word}", fields, answer.body).encoded()

    def _answer(self, question: Message) -> None:
        """Answer a camera that asks whether we are there (10.1); nothing else is its to ask."""
        method, _address = split_request(question)
        first = "RTSP/1.0 200 OK" if method == "OPTIONS" else "RTSP/1.0 501 Not Implemented"
        self.to_camera += Message(first, question.only("CSeq")).encoded()


@dataclass(frozen=True, slots=True)
class _RtspRequest:
    """What FFmpeg asks. ``number`` is its own; ``again``: after the camera wanted the login."""

    method: str
    address: str
    number: str
    fields: tuple[tuple[str, str], ...]
    body: bytes
    again: bool = False

    @classmethod
    def of(cls, message: Message) -> _RtspRequest:
        method, address = split_request(message)
        fields = tuple(one for one in message.fields if one[0].lower() != "cseq")
        number = (message.all_of("CSeq") or ["0"])[0]
        return cls(method, address, number, fields, message.body)


def _transport(answer: Message) -> tuple[tuple[str, str], ...]:
    """Tell over which channels of the connection the video comes. Raises NotRtsp for other ways."""
    told = answer.all_of("Transport")
    if not told:
        return ()
    way, *details = told[0].partition(",")[0].lower().split(";")
    if not way.strip().endswith("/tcp"):
        raise NotRtsp
    channels = [one.strip() for one in details if _CHANNELS.fullmatch(one.strip())]
    return (("Transport", ";".join(["RTP/AVP/TCP", "unicast", *channels[:1]])),)


def _redirected(name: str, answer: Message) -> CameraError:
    location = (answer.all_of("Location") or [""])[0]
    return CameraNotFound(
        _(
            "The camera at {name} sends us on to another address ({place}). Moodtray does not "
            "follow: it could lead to anything in your network. If you trust that address, write "
            "it into the settings (camera.source)."
        ).format(name=name, place=printable(addresses.place(location), 80))
    )


def _refused(name: str, status: int) -> CameraError | None:
    """Say why a camera's answer ends the matter; None where it does not, or nobody knows."""
    if status == 401:
        return CameraNotFound(
            _(
                "The camera at {name} wants another name and password. Write them into the "
                "address in the settings (camera.source), such as "
                "rtsp://NAME:PASSWORD@192.168.1.5/stream."
            ).format(name=name)
        )
    if status == 461:  # Unsupported Transport
        return CameraNotFound(
            _(
                "The camera at {name} sends its video by UDP only, which would let it choose where "
                "we send to. Choose TCP (RTP over RTSP) in the camera's own settings, or its "
                "address that begins with http://."
            ).format(name=name)
        )
    return None


class Relay:
    """Connects to a camera, then carries what it and FFmpeg say, until one of them is gone.

    Raises OSError where nothing listens at the camera's address. ``url`` is what FFmpeg opens,
    once, within ``seconds``. The thread that carries ends with FFmpeg's connection.
    """

    def __init__(self, place: CameraAddress, name: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        camera = socket.create_connection((place.host, place.port), seconds)
        try:
            encrypted = place.scheme == "rtsps"
            self._camera = _Tls(camera, place.host, end) if encrypted else _Side(camera)
            self._listening = socket.create_server((addresses.LOOPBACK, 0), backlog=128)
        except BaseException:
            camera.close()
            raise
        self._until = time.monotonic() + seconds
        port = self._listening.getsockname()[1]
        self.url = f"rtsp://{addresses.LOOPBACK}:{port}/{secrets.token_urlsafe(16)}"
        self._talk = Talk(place, name, self.url)
        threading.Thread(target=self._run, name="camera relay", daemon=True).start()

    @property
    def trouble(self) -> CameraError | None:
        """Why the camera gives no video, where it has said so. Any thread."""
        return self._talk.trouble

    def _run(self) -> None:
        with self._camera.socket, contextlib.suppress(OSError, NotRtsp):
            with self._listening:
                ffmpeg = self._greeted()
            with ffmpeg:
                self._carry(self._camera, _Side(ffmpeg))

    def _greeted(self) -> socket.socket:
        """Wait for who knows the address, which is FFmpeg: every user can connect to a port.

        It speaks at once; nobody who connects and says nothing keeps it waiting. Raises OSError
        when it does not come in time.
        """
        greeting = f"OPTIONS {self.url} ".encode()
        silent: list[socket.socket] = []
        self._listening.setblocking(False)
        with selectors.DefaultSelector() as selector, contextlib.ExitStack() as ended:
            ended.callback(_close_all, silent)
            selector.register(self._listening, selectors.EVENT_READ)
            while (left := self._until - time.monotonic()) > 0:
                for key, _events in selector.select(left):
                    side = key.fileobj
                    if side is not self._listening and isinstance(side, socket.socket):
                        silent.remove(side)
                        selector.unregister(side)
                        if _says(side, greeting):
                            return side
                        side.close()
                with contextlib.suppress(BlockingIOError):
                    silent.append(self._listening.accept()[0])
                    selector.register(silent[-1], selectors.EVENT_READ)
                if len(silent) > _MOST_SILENT:
                    selector.unregister(silent[0])
                    silent.pop(0).close()
        raise TimeoutError

    def _carry(self, camera: _Side, ffmpeg: _Side) -> None:
        """Carry until one is gone; OSError and NotRtsp end it as well."""
        talk = self._talk
        heard = {camera: talk.from_camera, ffmpeg: talk.from_ffmpeg}
        with selectors.DefaultSelector() as selector:
            while True:
                camera.put(talk.to_camera)
                ffmpeg.put(talk.to_ffmpeg)
                is_over = not ffmpeg.is_there or not (camera.is_there or ffmpeg.waiting)
                if is_over or len(camera.waiting) > _FULL:
                    return
                camera.watch(selector, reads=len(ffmpeg.waiting) < _FULL)
                ffmpeg.watch(selector, reads=True)
                for key, events in selector.select():
                    side: _Side = key.data
                    if events & selectors.EVENT_WRITE:
                        side.write()
                    if events & selectors.EVENT_READ:
                        heard[side](side.read())


def _close_all(connections: list[socket.socket]) -> None:
    for one in connections:
        one.close()


def _says(caller: socket.socket, greeting: bytes) -> bool:
    """Tell whether that is what a caller has said first; it stays to be read."""
    try:
        caller.setblocking(False)
        return secrets.compare_digest(caller.recv(len(greeting), socket.MSG_PEEK), greeting)
    except OSError:
        return False


class _Side:
    """A connection, and what waits to go out on it."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.socket = connection
        self.waiting = bytearray()
        self.is_there = True

    def put(self, data: bytearray) -> None:
        """Take over what is to go out."""
        self.waiting += data
        data.clear()

    def watch(self, selector: selectors.BaseSelector, *, reads: bool) -> None:
        """Have the selector wait for what can be done with this side now."""
        wanted = selectors.EVENT_READ if reads and self.is_there else 0
        wanted |= selectors.EVENT_WRITE if self.waiting else 0
        known = selector.get_map().get(self.socket)
        if known is not None and known.events != wanted:
            selector.unregister(self.socket)
            known = None
        if known is None and wanted:
            selector.register(self.socket, wanted, self)

    def write(self) -> None:
        """Send what goes out without waiting."""
        with contextlib.suppress(BlockingIOError):
            del self.waiting[: self.socket.send(self.waiting)]

    def read(self) -> bytes:
        """Return what has come; nothing more comes once ``is_there`` is false."""
        try:
            data = self.socket.recv(_PIECE)
        except BlockingIOError:
            return b""
        self.is_there = bool(data)
        return data


class _Tls(_Side):
    """The same, encrypted. Cameras sign their certificates themselves: whose it is is not asked."""

    def __init__(self, connection: socket.socket, host: str, end: float) -> None:
        import ssl  # only few need it

        self._wants_more = ssl.SSLWantReadError
        self._is_closed = ssl.SSLZeroReturnError
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=host)
        self._shake_hands(connection, end)
        super().__init__(connection)

    def _shake_hands(self, connection: socket.socket, end: float) -> None:
        """Agree on keys. Raises OSError, also where that is not done by ``end``."""
        is_done = False
        while not is_done:
            with contextlib.suppress(self._wants_more):
                self._tls.do_handshake()
                is_done = True
            connection.settimeout(max(0.01, end - time.monotonic()))
            connection.sendall(self._out.read())
            if not is_done:
                came = connection.recv(_PIECE)
                if not came:
                    raise ConnectionResetError
                self._in.write(came)

    def put(self, data: bytearray) -> None:
        """Take over what is to go out."""
        if data:
            self._tls.write(data)
            data.clear()
        self.waiting += self._out.read()

    def read(self) -> bytes:
        """Return what has come; nothing more comes once ``is_there`` is false."""
        self._in.write(super().read())
        plain = bytearray()
        with contextlib.suppress(self._wants_more):
            try:
                while piece := self._tls.read(_PIECE):
                    plain += piece
            except self._is_closed:
                pass
            self.is_there = False
        return bytes(plain)
