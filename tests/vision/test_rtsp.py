"""Cameras that speak RTSP: they are read, and whatever they answer, we speak to them alone."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.errors import AgentError, CameraNotFound
from agent.vision.camera import OpenCVCamera
from agent.vision.rtsp_messages import Login, NotRtsp, take_message, take_packets
from agent.vision.rtsp_relay import CameraAddress, Relay, Talk, parse
from agent.vision.sources import open_capture, parse_source
from tests.vision.mjpeg import PERIOD, number_of
from tests.vision.rtsp import RtspCamera, with_login

# --- what must work


def fresh(server: RtspCamera, camera: OpenCVCamera) -> bool:
    return (server.now() - number_of(camera.read()) + 10) % PERIOD <= 20


def read_on(camera: OpenCVCamera) -> None:
    """Until it fails."""
    for _ in range(1000):
        camera.read()


def relays() -> int:
    return sum(thread.name == "camera relay" for thread in threading.enumerate())


def wait_for_none() -> None:
    end = time.monotonic() + 10
    while relays() and time.monotonic() < end:
        time.sleep(0.02)
    assert relays() == 0


@pytest.mark.parametrize("base", [True, False])
def test_a_camera_is_read(base: bool) -> None:
    with RtspCamera(base=base) as server:
        camera = OpenCVCamera(server.url)
        camera.open()
        camera.read()
        for pause in (2.5, 0.3):  # what FFmpeg has read before the first frame is old
            time.sleep(pause)
            assert fresh(server, camera)
        camera.close()
        assert server.connections == 1
        # It hears its own address, not that of anything of ours.
        assert {line.split()[1].partition("/stream?channel=1")[0] for line in server.asked} == {
            f"rtsp://127.0.0.1:{server.port}"
        }
    wait_for_none()


LOGINS = [
    ("anna:geheim", ("anna", "geheim")),
    ("anna:g%40h%3A%2F1", ("anna", "g@h:/1")),
    ("an%C3%A4:ge@he:im", ("anä", "ge@he:im")),
    ("anna", ("anna", "")),
]


@pytest.mark.parametrize("digest", ["MD5", "SHA-256", None])
@pytest.mark.parametrize(("written", "login"), LOGINS)
def test_a_camera_that_wants_a_login_is_read(
    digest: str | None, written: str, login: tuple[str, str]
) -> None:
    with RtspCamera(login=login, digest=digest) as server:
        open_capture(parse_source(with_login(server.url, written))).release()
        # Where the camera can do better, the password itself is not told.
        kinds = {
            kind for head in server.heads for kind in re.findall("Authorization: (.*?) ", head)
        }
        assert kinds == {"Basic" if digest is None else "Digest"}


@pytest.mark.parametrize("login", [None, "anna:wrong"])
def test_a_wrong_login_is_told_and_tried_once(login: str | None) -> None:
    with RtspCamera(login=("anna", "geheim")) as server:
        url = server.url if login is None else with_login(server.url, login)
        with pytest.raises(CameraNotFound, match="wants another name and password") as caught:
            open_capture(parse_source(url))
        assert "wrong" not in str(caught.value)
        assert sum("Authorization" in head for head in server.heads) == (login is not None)
    wait_for_none()


def test_an_encrypted_camera_is_read(tmp_path: Path) -> None:
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=camera"]
    made = ["openssl", "req", *kind, "-keyout", key, "-out", certificate]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with RtspCamera(tls=context, login=("anna", "geheim")) as server:
        camera = OpenCVCamera(with_login(server.url, "anna:geheim"))
        camera.open()
        camera.read()
        end = time.monotonic() + 30
        while not fresh(server, camera):  # a busy machine may need a while to catch up
            assert time.monotonic() < end
        camera.close()
    wait_for_none()


def test_a_camera_that_goes_is_missed_and_one_that_asks_is_answered() -> None:
    asks = b"OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\nANNOUNCE * RTSP/1.0\r\nCSeq: 8\r\n\r\n"
    with RtspCamera() as server:
        camera = OpenCVCamera(server.url)
        camera.open()
        server.send(asks)
        camera.read()
        end = time.monotonic() + 10
        while len(server.answers) < 2 and time.monotonic() < end:
            time.sleep(0.02)
        assert server.answers == ["RTSP/1.0 200 OK", "RTSP/1.0 501 Not Implemented"]
    with pytest.raises(AgentError, match="stopped sending"):
        read_on(camera)
    wait_for_none()


@pytest.mark.parametrize(
    "address",
    ["rtsp://", "rtsp://:554/1", "rtsp://cam:x/1", "rtsp://cam:99999/1", "rtsp://[::1/1",
     "rtsp://a\nb/", "rtsp://no..such/1", "rtsp://" + "a" * 300 + "/", "rtsp://127.0.0.1:9/\udcff"],
)  # fmt: skip
def test_an_address_that_leads_nowhere_is_told(address: str) -> None:
    with pytest.raises(CameraNotFound, match="answers with a video"):
        open_capture(parse_source(address))
    wait_for_none()


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("rtsp://cam", CameraAddress("rtsp", "cam", 554, "rtsp://cam:554", None)),
        (
            "RTSPS://[::1]/a?b#c",
            CameraAddress("rtsps", "::1", 322, "rtsps://[::1]:322/a?b#c", None),
        ),
        ("rtsp://a:b:c@d@e:8/@", CameraAddress("rtsp", "e", 8, "rtsp://e:8/@", ("a", "b:c@d"))),
        ("rtsp://@cam:1/", CameraAddress("rtsp", "cam", 1, "rtsp://cam:1/", None)),
    ],
)  # fmt: skip
def test_addresses_are_taken_apart(address: str, place: CameraAddress) -> None:
    assert parse(address) == place


# --- what must not


class Bystander:
    """A service of this computer. ``heard``: what came to it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while True:
                for ready in select.select([self._tcp, self._udp], [], [])[0]:
                    if ready is self._udp:
                        self.heard.append(self._udp.recv(4096))
                        continue
                    with self._tcp.accept()[0] as connection:
                        connection.settimeout(1)
                        self.heard.append(connection.recv(4096))

    def close(self) -> None:
        self._tcp.close()
        self._udp.close()


@pytest.fixture
def bystander() -> Iterator[Bystander]:
    one = Bystander()
    yield one
    one.close()


def assert_left_alone(bystander: Bystander) -> None:
    time.sleep(0.3)
    assert bystander.heard == []


@pytest.mark.parametrize("status", [301, 302, 303, 305, 307, 399])
@pytest.mark.parametrize("at", ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"])
def test_a_redirect_is_not_followed(bystander: Bystander, status: int, at: str) -> None:
    """Not to a service of this computer, which believes whoever comes from it."""
    where = f"rtsp://127.0.0.1:{bystander.port}/reboot"
    answer = f"RTSP/1.0 {status} Moved\r\nCSeq: {'%d'}\r\nLocation: {where}\r\n\r\n"
    numbers = {"OPTIONS": 1, "DESCRIBE": 2, "SETUP": 3, "PLAY": 4}

    def lead_on(method: str) -> bytes | None:
        return (answer % numbers[method]).encode() if method == at else None

    with (
        RtspCamera(answer=lead_on) as server,
        pytest.raises(CameraNotFound, match=r"another address \(rtsp://127\.0\.0\.1\)"),
    ):
        open_capture(parse_source(with_login(server.url, "anna:geheim")))
    assert_left_alone(bystander)
    wait_for_none()


def test_a_camera_does_not_choose_where_packets_go(bystander: Bystander) -> None:
    def by_udp(method: str) -> bytes | None:
        if method != "SETUP":
            return None
        if not any("UDP" in head or "RTP/AVP;" in head for head in server.heads):
            return b"RTSP/1.0 461 Unsupported Transport\r\nCSeq: 3\r\n\r\n"
        ports = f"server_port={bystander.port}-{bystander.port};source=127.0.0.1"
        client = re.search(r"client_port=[\d-]+", server.heads[-1])
        told = f"RTP/AVP;unicast;{client[0] if client else ''};{ports}"
        return f"RTSP/1.0 200 OK\r\nCSeq: 4\r\nSession: 1\r\nTransport: {told}\r\n\r\n".encode()

    with (
        RtspCamera(answer=by_udp) as server,
        pytest.raises(CameraNotFound, match="by UDP only"),
    ):
        open_capture(parse_source(server.url))
    assert_left_alone(bystander)


def test_what_was_asked_by_tcp_does_not_come_otherwise(bystander: Bystander) -> None:
    told = f"RTP/AVP;unicast;server_port={bystander.port}-{bystander.port};source=127.0.0.1"
    answer = f"RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: 1\r\nTransport: {told}\r\n\r\n".encode()
    with (
        RtspCamera(answer=lambda method: answer if method == "SETUP" else None) as server,
        pytest.raises(CameraNotFound),
    ):
        open_capture(parse_source(server.url))
    assert_left_alone(bystander)


def test_other_programs_cannot_use_the_relay() -> None:
    """Every user can connect to a port of this computer, and the relay knows the login."""
    with RtspCamera(login=("anna", "geheim")) as server:
        place = parse(with_login(server.url, "anna:geheim"))
        assert place is not None
        relay = Relay(place, "cam", 10.0)
        assert "geheim" not in relay.url
        port = int(relay.url.split(":")[2].partition("/")[0])
        for greeting in (b"\0", b"OPTIONS rtsp://127.0.0.1:%d/ RTSP/1.0\r\nCSeq: 1\r\n\r\n" % port):
            with socket.create_connection(("127.0.0.1", port), 5) as stranger:
                stranger.sendall(greeting)
                with contextlib.suppress(ConnectionResetError):
                    assert stranger.recv(100) == b""
        assert server.asked == []
        with socket.create_connection(("127.0.0.1", port), 5) as ours:
            ours.sendall(f"OPTIONS {relay.url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
            assert ours.recv(100).startswith(b"RTSP/1.0 200 OK\r\n")
            with contextlib.suppress(OSError):  # nobody is let in any more
                socket.create_connection(("127.0.0.1", port), 5).close()
                pytest.fail("it still listens")
    wait_for_none()


def test_a_relay_that_nobody_comes_to_ends() -> None:
    with RtspCamera() as server:
        place = parse(server.url)
        assert place is not None
        Relay(place, "cam", 0.3)
        wait_for_none()


# --- whatever the bytes are, nobody reads a redirect in what is passed on


def statuses(data: bytes) -> list[bytes]:
    """The answers in a stream of bytes, read as leniently as FFmpeg does."""
    found, place = [], 0
    while place < len(data):
        lines: list[bytes] = []
        line = b""
        while place < len(data):
            byte = data[place : place + 1]
            place += 1
            if byte == b"$" and not line:
                place += 3 + int.from_bytes(data[place + 1 : place + 3], "big")
            elif byte == b"\n":
                if not line:
                    break
                lines.append(line)
                line = b""
            elif byte != b"\r":
                line += byte
        for each in lines:
            if each.lower().startswith(b"content-length:"):
                place += int(re.match(rb"\s*(\d*)", each[15:])[1] or b"0")  # type: ignore[index]
        if lines and lines[0].startswith(b"RTSP/"):
            found.append(lines[0].split(maxsplit=1)[1][:3])
    return found


PIECES = st.sampled_from(
    [b"RTSP/1.0 302 Moved", b"RTSP/1.0 200 OK", b"RTSP/1.0  302", b"\r\n", b"\n", b"\r",
     b"CSeq: 1", b"CSeq: 2", b"Content-Length: 4", b"Content-Length: 40", b"Content-Length:-1",
     b"Location: rtsp://127.0.0.1:9/", b"Session: 1", b"$\0\0\4", b"$", b"$\0\0\0", b"abcd",
     b"Public: ", b" folded", b"OPTIONS * RTSP/1.0", b"\0", b"Transport: RTP/AVP/TCP"]
)  # fmt: skip


@given(st.lists(PIECES | st.binary(max_size=8), max_size=40), st.integers(1, 50))
@example([b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n$\0\0\x0aRTSP/1.0 302 M\r\n\r\n"], 50)
@example([b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: a\rRTSP/1.0 302 M\r\n\r\n"], 50)
@example([b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: a\n\r\nRTSP/1.0 302 M\r\n\r\n"], 50)
def test_no_redirect_can_be_read_in_what_ffmpeg_gets(pieces: list[bytes], step: int) -> None:
    place = parse("rtsp://anna:geheim@cam/1")
    assert place is not None
    talk = Talk(place, "cam", "rtsp://here")
    for number in range(1, 5):
        talk.from_ffmpeg(b"OPTIONS rtsp://here RTSP/1.0\r\nCSeq: %d\r\n\r\n" % number)
    data = b"".join(pieces)
    with contextlib.suppress(NotRtsp):
        for start in range(0, len(data), step):
            talk.from_camera(data[start : start + step])
    assert not any(status.startswith(b"3") for status in statuses(bytes(talk.to_ffmpeg)))


def test_the_reader_of_that_test_finds_a_redirect() -> None:
    assert statuses(b"$\0\0\1xRTSP/1.0 200 OK\r\n\r\nRTSP/1.0 302 Moved\r\n\r\n") == [
        b"200",
        b"302",
    ]


@pytest.mark.parametrize(
    "data",
    [b"GARBAGE" * 4000, b"RTSP/1.0 200 OK\r\nContent-Length: 262145\r\n\r\n",
     b"RTSP/1.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
     b"RTSP/1.0 200 OK\r\nX: \0\r\n\r\n", b"RTSP/1.0 200 OK\nCSeq: 1\n\r\r\n\r\n"],
)  # fmt: skip
def test_what_is_not_understood_is_refused(data: bytes) -> None:
    with pytest.raises(NotRtsp):
        take_message(bytearray(data))


@given(st.lists(st.binary(max_size=20)), st.binary(max_size=3))
def test_packets_are_taken_whole(payloads: list[bytes], rest: bytes) -> None:
    whole = b"".join(b"$\0" + len(one).to_bytes(2, "big") + one for one in payloads)
    buffer = bytearray(whole + b"$" + rest)
    assert take_packets(buffer) == whole
    assert buffer == b"$" + rest


def test_nobody_who_connects_and_says_nothing_keeps_ffmpeg_waiting() -> None:
    """Any user of the computer could, and so keep the camera from being opened."""
    with contextlib.ExitStack() as ends, socket.create_server(("127.0.0.1", 0)) as listening:
        place = parse(f"rtsp://127.0.0.1:{listening.getsockname()[1]}/")
        assert place is not None
        relay = Relay(place, "cam", 10.0)
        camera = ends.enter_context(listening.accept()[0])
        camera.settimeout(15)
        where = ("127.0.0.1", int(relay.url.split(":")[2].partition("/")[0]))
        for _number in range(100):
            ends.enter_context(socket.create_connection(where, 5))
        ours = ends.enter_context(socket.create_connection(where, 5))
        ours.sendall(f"OPTIONS {relay.url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        assert camera.recv(100).startswith(b"OPTIONS rtsp://127.0.0.1")


@contextlib.contextmanager
def both_ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A camera's end of a relay, and FFmpeg's, which has sent its greeting."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        place = parse(f"rtsp://127.0.0.1:{listening.getsockname()[1]}/")
        assert place is not None
        relay = Relay(place, "cam", 10.0)
        camera, _ = listening.accept()
        port = int(relay.url.split(":")[2].partition("/")[0])
        with camera, socket.create_connection(("127.0.0.1", port), 5) as ours:
            ours.sendall(f"OPTIONS {relay.url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
            camera.settimeout(1.0)
            ours.settimeout(10.0)
            yield camera, ours


def test_a_camera_that_sends_faster_than_anybody_reads_fills_nothing() -> None:
    """What waits is bounded; the rest waits at the camera."""
    with both_ends() as (camera, _ours):
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 100_000_000:
                camera.sendall(b"$\0\xff\xff" + bytes(65_535))
                sent += 65_539
        assert sent < 40_000_000  # which is what the system keeps
    wait_for_none()


@pytest.mark.parametrize(
    "flood",
    [b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 "],
    ids=["questions", "answers", "no end"],
)
def test_a_camera_that_floods_is_left(flood: bytes) -> None:
    """One that asks without an end and does not listen, or answers what nobody has asked."""
    with both_ends() as (camera, ours):
        camera.settimeout(60.0)  # a flood that rests, because the other side is slow, is none
        ours.settimeout(60.0)
        with contextlib.suppress(ConnectionError):
            for _ in range(2_000):
                camera.sendall(flood * 1_000)
            pytest.fail("it listens on")
        with contextlib.suppress(ConnectionResetError):
            while ours.recv(4096):
                pass
        wait_for_none()


@pytest.mark.parametrize("odd", ["a" * 16_000, "a " * 8_000, 'a="' * 5_000, "=" * 16_000])
def test_what_a_camera_asks_for_is_looked_at_once(odd: str) -> None:
    """Nothing else of the program runs meanwhile: neither the music nor a command."""
    login = Login("me", "secret")
    began = time.thread_time()
    login.learn([f'Digest {odd}, realm="x", nonce="y"'])
    assert time.thread_time() - began < 0.5
