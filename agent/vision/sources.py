"""What a camera setting means (a webcam, a stream, a file) and how OpenCV is asked to open it."""

from __future__ import annotations

import math
import os
import platform
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from agent import addresses, logs
from agent.errors import AgentError, BadPicture, CameraBusy, CameraError, CameraNotFound
from agent.opencv import cv2
from agent.printable import printable
from agent.settings import MOST_CAMERAS
from agent.store.paths import expanded
from agent.translation import _
from agent.vision import bounds, rtsp_relay

cv2.utils.logging.setLogLevel(
    cv2.utils.logging.LOG_LEVEL_SILENT
)  # its complaints go to stderr; ours, in the user's words, take their place

DEVICE_SIZE = (640, 480)
DEVICE_FPS = 30
LINUX = platform.system() == "Linux"
MAC = platform.system() == "Darwin"
SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "rtp", "udp", "tcp")
STREAM_PROTOCOLS = "rtp,udp,tcp,tls,http,https,rtmp,rtmps,crypto"
RELAY_PROTOCOLS = "rtsp,tcp"
FILE_PROTOCOLS = "file"
VIDEO_FORMATS = "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,h264,hevc,av1,m4v,mjpeg"
"""What a video may be, in a file or a stream. FFmpeg knows hundreds more, any could have a hole.
Those that are lists of others (concat, HLS, DASH) are left out: a list could name any service here,
and any file."""
STREAM_FORMATS = f"{VIDEO_FORMATS},mpjpeg,jpeg_pipe,rtsp,rtp,live_flv"
"""Beside them, what cameras and their servers send."""
VIDEO_CODECS = (
    "h264,hevc,av1,libdav1d,libaom-av1,vp8,vp9,libvpx,libvpx-vp9,mjpeg,mpeg4,mpegvideo,mpeg1video,"
    "mpeg2video,h263,h263p,flv,msmpeg4,msmpeg4v2,wmv1,wmv2,wmv3,vc1,theora,dvvideo,prores"
)
"""How the pictures in it may be written, by FFmpeg's names of what reads them: cameras, telephones
and film makers write so. There are hundreds more of these, too, and each is a program of its own.
"""
OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_options_lock = threading.Lock()
_opening: threading.Thread | None = None  # the latest that opens a capture
OPEN_SECONDS = 5.0
READ_SECONDS = 3.0


class Kind(StrEnum):
    """What a source is."""

    WEBCAM = "webcam"
    STREAM = "stream"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Source:
    """``target`` is what OpenCV takes; ``name`` is for people and carries no password."""

    kind: Kind
    target: int | str
    name: str

    @property
    def title(self) -> str:
        """The name as a sentence's beginning."""
        return f"C{self.name[1:]}" if self.kind is Kind.WEBCAM else self.name


def parse_source(source: int | str | Path) -> Source:
    """Tell a webcam (a number, also as text, or a device below /dev) from a stream and a file.

    scheme:// is a stream, the rest a file. A file that exists is a file, be it called as it may.
    """
    if isinstance(source, int):
        return Source(Kind.WEBCAM, source, _("camera {source}").format(source=source))
    whole = str(source)
    text = whole.strip()
    if text.isdecimal() and text.isascii() and len(text) <= len(str(MOST_CAMERAS)):
        return Source(Kind.WEBCAM, int(text), _("camera {text}").format(text=int(text)))
    if LINUX and text.startswith("/dev/") and not os.path.isfile(text):
        return Source(Kind.WEBCAM, text, _("camera {text}").format(text=printable(text)))
    if isinstance(source, Path) or _exists(whole):
        return _file(whole)
    if addresses.is_address(text) or addresses.seems_meant(text):
        logs.hide(*addresses.secrets(text), kind="camera")
        return Source(Kind.STREAM, text, addresses.place(text))
    return _file(text)


def needs_consent(named: int | str | None) -> bool:
    """Tell whether a camera that is named in a command (None: that of the settings) needs consent.

    A webcam does; a file or an address that the user names is consent enough.
    """
    return named is None or parse_source(named).kind is Kind.WEBCAM


def _file(text: str) -> Source:
    path = str(expanded(text))
    return Source(Kind.FILE, path, printable(path))


def _exists(text: str) -> bool:
    try:
        return expanded(text).exists()
    except (OSError, ValueError):  # too long for a name; a zero byte in it
        return False


def open_capture(
    source: Source, *, seconds: float = OPEN_SECONDS, roof: bounds.Roof | None = None
) -> cv2.VideoCapture:
    """Open a capture; at most about ``seconds``. ``roof``: under which it is read later, too.

    Raises CameraNotFound, CameraBusy, BadPicture (a file that is missing or no video), and the
    CameraError of what would take too much memory.
    """
    roof = roof or bounds.Roof()
    match source.kind:
        case Kind.FILE:
            return _bounded(lambda: _open_file(source), source, roof, math.inf)
        case Kind.STREAM:
            return _bounded(lambda: _open_stream(source, seconds), source, roof, seconds + 2.0)
        case Kind.WEBCAM:
            _check_device(source)
            return _bounded(lambda: _open_device(source), source, roof, seconds + 5.0)
        case _:
            assert_never(source.kind)


def _open_file(source: Source) -> cv2.VideoCapture:
    path = str(source.target)
    try:
        is_file = stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError as error:
        raise BadPicture(
            _("The video file {name} is not there. Check its name and folder.").format(
                name=source.name
            )
        ) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise BadPicture(
            _("{name} cannot be read: {why}.").format(name=source.name, why=why)
        ) from error
    if not is_file:
        raise BadPicture(_("{name} is no file. Name a video file.").format(name=source.name))
    if not os.access(path, os.R_OK):
        raise BadPicture(
            _("{name} cannot be read as a file. Check its permissions.").format(name=source.name)
        )
    with plain_name(path) as name, _only_by(FILE_PROTOCOLS, VIDEO_FORMATS):
        capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not _is_readable(capture):
        capture.release()
        raise BadPicture(
            _(
                "{name} is not a video that can be read. MP4, MOV, MKV, WebM "
                "and AVI are known; check that the file is complete."
            ).format(name=source.name)
        )
    return capture


@contextmanager
def plain_name(path: str) -> Iterator[str]:
    """Give a name of the file that foreign libraries understand.

    They end the program over half a character, and take '12:30.mp4' for an address and '[1].png'
    for many files. Where the name is not plain, that of a descriptor, which is gone at the end
    however this program ends; Windows has no such names. Raises OSError.
    """
    whole = os.path.abspath(path)
    plain = not set("%*?[]{}") & set(whole) and _is_text(whole)
    if plain or sys.platform == "win32":
        yield whole
        return
    descriptor = os.open(whole, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield f"/dev/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _is_text(name: str) -> bool:
    return name.encode("utf-8", "replace").decode() == name


def _open_stream(source: Source, seconds: float) -> cv2.VideoCapture:
    if not addresses.is_address(str(source.target)):
        raise CameraNotFound(
            _(
                "The address of the camera lacks its beginning. Write it in "
                "full in the settings (camera.source), such as "
                "rtsp://192.168.1.5/stream or http://192.168.1.5/video."
            )
        )
    scheme = str(source.target).partition("://")[0].lower()
    if scheme not in SCHEMES:
        raise CameraNotFound(
            _(
                "{scheme}:// is no kind of address that a camera has. Known "
                "are {what}; a video file is named by its path."
            ).format(scheme=printable(scheme), what=", ".join(f"{known}://" for known in SCHEMES))
        )
    if not _is_text(str(source.target)):  # OpenCV ends the program over half a character
        raise _no_video(source)
    end = time.monotonic() + seconds
    relay = _relay(source, seconds) if scheme in rtsp_relay.SCHEMES else None
    address = str(source.target) if relay is None else relay.url
    protocols = STREAM_PROTOCOLS if relay is None else RELAY_PROTOCOLS
    with _only_by(protocols, STREAM_FORMATS):
        capture = cv2.VideoCapture(
            address,
            cv2.CAP_FFMPEG,
            [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                int(max(1.0, end - time.monotonic()) * 1000),
                cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                int(READ_SECONDS * 1000),
                cv2.CAP_PROP_N_THREADS,
                1,
            ],
        )
    if not _is_readable(capture):
        capture.release()
        raise (relay and relay.trouble) or _no_video(source)
    return capture


def _relay(source: Source, seconds: float) -> rtsp_relay.Relay:
    place = rtsp_relay.parse(str(source.target))
    try:
        if place is not None:
            return rtsp_relay.Relay(place, source.name, seconds)
    except (OSError, ValueError):  # the latter: a name that no computer can have
        pass
    raise _no_video(source)


def _no_video(source: Source) -> CameraNotFound:
    return CameraNotFound(
        _(
            "Nothing at {name} answers with a video. Check the address and "
            "that the camera is switched on and in the same network."
        ).format(name=source.name)
    )


@contextmanager
def _only_by(protocols: str, formats: str) -> Iterator[None]:
    """Let FFmpeg use these protocols and formats alone in what is opened, and follow no redirect.

    A stream, or a file that is a list of others, could else have it read files of the user and ask
    other services on this computer. OpenCV takes such options from the environment only, at each
    opening.
    """
    with _options_lock:
        before = os.environ[OPTIONS]
        os.environ[OPTIONS] = (
            f"{before}|protocol_whitelist;{protocols}|format_whitelist;{formats}"
            f"|codec_whitelist;{VIDEO_CODECS}|max_redirects;0|rtsp_transport;tcp"
        )
        try:
            yield
        finally:
            os.environ[OPTIONS] = before


def _is_readable(capture: cv2.VideoCapture) -> bool:
    """Tell whether it is open, and its pictures are written in one of VIDEO_CODECS.

    FFmpeg looks into no other ones, and so cannot tell what a pixel is there; OpenCV has no such
    list, and would decode them.
    """
    return capture.isOpened() and capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT) != -1


def _open_device(source: Source) -> cv2.VideoCapture:
    backend = cv2.CAP_V4L2 if LINUX else cv2.CAP_ANY
    capture = cv2.VideoCapture(source.target, backend)
    if not capture.isOpened():
        capture.release()
        raise _refused(source)
    width, height = DEVICE_SIZE
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
    capture.set(cv2.CAP_PROP_FPS, DEVICE_FPS)
    return capture


def _refused(source: Source) -> AgentError:
    if LINUX:  # the device is there: _check_device saw it
        return CameraBusy(
            _(
                "{title} gives no picture. Another program may be using it: "
                "close that program, or choose another camera in the settings "
                "(camera.source)."
            ).format(title=source.title)
        )
    where = (
        "System Settings > Privacy & Security > Camera"
        if MAC
        else "Settings > Privacy & security > Camera"
    )
    return CameraNotFound(
        _(
            "{title} cannot be opened. Check that it is plugged in, that "
            "no other program uses it, and that programs may use the "
            "camera ({where})."
        ).format(title=source.title, where=where)
    )


def too_large(source: Source, width: int, height: int, most: int) -> AgentError:
    """Make the error for a picture that no camera makes."""
    return CameraError(
        _(
            "{camera} gives pictures of {width} x {height}; Moodtray takes up to {most} million "
            "pixels. Choose a smaller picture in the camera's own settings, or a smaller video."
        ).format(camera=source.title, width=width, height=height, most=f"{most / 1e6:.0f}"),
        title=_("The picture is too large"),
    )


def too_much(source: Source) -> AgentError:
    """Make the error for what would fill the memory."""
    return CameraError(
        _(
            "{camera} takes too much memory. Choose a smaller picture in the camera's own "
            "settings, or a smaller video."
        ).format(camera=source.title),
        title=_("The picture is too large"),
    )


def no_picture(source: Source) -> AgentError:
    """Make the error for a source that opened, but whose first frame did not come."""
    match source.kind:
        case Kind.FILE:
            words = _("{name} holds no picture that can be read; check that the file is complete.")
            return BadPicture(words.format(name=source.name))
        case Kind.STREAM:
            return CameraNotFound(
                _(
                    "{name} answers, but sends no picture. Check the address; some "
                    "cameras serve only a few viewers at once."
                ).format(name=source.name)
            )
        case Kind.WEBCAM:
            return CameraBusy(
                _(
                    "{title} opens but gives no picture. Another program is "
                    "probably using it: close that program, or choose another "
                    "camera in the settings (camera.source)."
                ).format(title=source.title)
            )
        case _:
            assert_never(source.kind)


def device_path(target: int | str) -> Path:
    """Find a webcam's device file on Linux."""
    return Path(f"/dev/video{target}" if isinstance(target, int) else target)


def _check_device(source: Source) -> None:
    """Tell on Linux a device's absence from a refusal, before OpenCV is asked."""
    if not LINUX:
        return
    path = device_path(source.target)
    if not os.path.exists(path):  # also for what is too long for a name
        there = sorted(int(p.name[5:]) for p in Path("/dev").glob("video*") if p.name[5:].isdigit())
        found = (
            _("Cameras that are there: ") + ", ".join(map(str, there)) + "."
            if there
            else _("No camera is connected at all.")
        )
        raise CameraNotFound(
            _(
                "There is no {name}. {found} Plug one in, or set camera.source "
                "in the settings to its number, a video file or a stream's "
                "address."
            ).format(name=source.name, found=found)
        )
    if not os.access(path, os.R_OK | os.W_OK):
        raise CameraBusy(
            _(
                "You may not use {path}. Add your user to the group 'video' "
                "(sudo usermod -aG video $USER) and log in again."
            ).format(path=path),
            title=_("The camera is not allowed"),
        )


def _bounded(
    opener: Callable[[], cv2.VideoCapture], source: Source, roof: bounds.Roof, seconds: float
) -> cv2.VideoCapture:
    """Open in a thread that may be left behind: drivers and name look-ups know no time limit.

    What would take too much memory is made to fail.
    """
    lock = threading.Lock()
    done = threading.Event()
    given_up = False
    captures: list[cv2.VideoCapture] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with roof.stands():
                capture = opener()
        except BaseException as error:  # noqa: BLE001 - handed over to the caller below
            errors.append(error)
        else:
            with lock:
                if given_up:
                    capture.release()
                else:
                    captures.append(capture)
        finally:
            done.set()

    global _opening
    if _opening is not None and source.kind is not Kind.WEBCAM:
        _opening.join(OPEN_SECONDS)  # left behind by an earlier try, it takes memory still
        if _opening.is_alive():
            raise _too_slow(source, OPEN_SECONDS)
    _opening = threading.Thread(target=work, name="open camera", daemon=True)
    _opening.start()
    done.wait(None if math.isinf(seconds) else seconds)
    with lock:
        given_up = True
        if captures:
            return captures[0]
    if roof.was_reached:
        raise too_much(source)
    if errors:
        raise errors[0]
    raise _too_slow(source, seconds)


def _too_slow(source: Source, seconds: float) -> CameraBusy:
    return CameraBusy(
        _(
            "{title} did not open within {seconds:.0f} seconds. Unplug it "
            "and plug it in again, or check the stream's address."
        ).format(title=source.title, seconds=seconds)
    )
