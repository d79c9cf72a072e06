"""Read a picture, an animation or a video from a file, as frames with their times.

The name may be anything a file system allows, the content anything at all: what cannot be read is a
BadPicture in one sentence, and no file takes more memory than a picture of MOST_PIXELS.
"""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.errors import BadPicture
from agent.printable import printable
from agent.translation import _
from agent.types import Frame
from agent.vision import MOST_PIXELS
from agent.vision.sources import Kind, Source, open_capture

if TYPE_CHECKING:
    from PIL.Image import Image

IN_MEMORY = 64 * 1024 * 1024
"""Bytes of a file up to which OpenCV is asked whether it is a picture of a kind that Pillow does
not know; a larger one is a video or nothing."""
ANIMATED = ("GIF", "WEBP", "PNG")
"""What shows its pictures one after the other. Several pictures in a TIFF are pages, in a photo of
a telephone its previews."""
STILL_MILLISECONDS = 100.0
"""How long a picture of an animation stands that names no time: as browsers have it."""
BRIGHTEST = 99.9
"""Percentile of a deep picture's values that becomes white: one hot pixel is no measure."""


@dataclass(frozen=True, slots=True)
class Media:
    """A picture, or a video, as its frames.

    ``frames`` gives (time in seconds, None for a picture; uint8 H x W x 3 BGR) and is read once; it
    raises BadPicture when the first frame does not come. ``damaged``: a part of the picture is
    missing.
    """

    kind: str  # "picture" or "video"
    frames: Iterator[tuple[float | None, Frame]]
    damaged: bool = False


def read(path: Path, sample_seconds: float) -> Media:
    """Open a file. Of what moves the first frame and then one every ``sample_seconds`` is given.

    Raises BadPicture: missing, unreadable, too large, or neither picture nor video.
    """
    size = _check_readable(path)
    picture = _by_pillow(path, sample_seconds)
    if picture is None and size <= IN_MEMORY:
        picture = _by_opencv(path)
    if picture is None:
        picture = Media("video", _video(path, sample_seconds))
    return picture


def _check_readable(path: Path) -> int:
    """Return its size in bytes. Raises BadPicture."""
    shown = printable(str(path))
    try:
        status = os.stat(path)
        if stat.S_ISREG(status.st_mode):
            with path.open("rb"):
                pass
    except FileNotFoundError as error:
        raise BadPicture(
            _("The file {shown} is not there. Check its name and folder.").format(shown=shown)
        ) from error
    except PermissionError as error:
        raise BadPicture(
            _("{shown} cannot be read. Check its permissions and those of its folder.").format(
                shown=shown
            )
        ) from error
    except (OSError, ValueError) as error:  # too long a name, a file in the place of a folder, \0
        why = getattr(error, "strerror", None) or str(error)
        raise BadPicture(
            _("{shown} cannot be read: {why}. Check the name.").format(shown=shown, why=why)
        ) from error
    if stat.S_ISDIR(status.st_mode):
        raise BadPicture(
            _("{shown} is a folder, not a picture or video. Name the files in it.").format(
                shown=shown
            )
        )
    if not stat.S_ISREG(status.st_mode):
        raise BadPicture(
            _("{shown} is no file but {special}. Save what it gives into a file.").format(
                shown=shown, special=_special(status.st_mode)
            )
        )
    if status.st_size == 0:
        raise BadPicture(_("{shown} is empty.").format(shown=shown))
    return status.st_size


def _special(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"


# -- pictures


def _by_pillow(path: Path, sample_seconds: float) -> Media | None:
    """Decode by Pillow; None: it is no picture that Pillow knows."""
    from PIL import Image, UnidentifiedImageError

    try:
        with _bounded_by_us():
            picture = Image.open(path)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        return None
    with picture:
        width, height = picture.size
        draft = picture.format == "JPEG" and width * height > MOST_PIXELS
        if draft:  # decoded at half, a quarter or an eighth of its size
            parts = next((n for n in (2, 4) if width * height <= n * n * MOST_PIXELS), 8)
            picture.draft("RGB", (width // parts, height // parts))
            width, height = picture.size
        if width * height > MOST_PIXELS:
            raise _too_large(path, width, height)
        if picture.format in ANIMATED and getattr(picture, "n_frames", 1) > 1:
            return Media("video", _animation(path, sample_seconds))
        damaged = _is_damaged(picture)
        if not damaged and not draft:
            frame = _decoded(path)
            if frame is not None:
                return Media("picture", iter([(None, frame)]))
        try:
            frame = _upright(picture)
        except (OSError, SyntaxError, ValueError) as error:
            raise BadPicture(_neither(path)) from error
        return Media("picture", iter([(None, frame)]), damaged)


@contextmanager
def _bounded_by_us() -> Iterator[None]:
    """Replace Pillow's own warning and refusal of large pictures by ours."""
    from PIL import Image

    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _is_damaged(picture: Image) -> bool:
    """Decode it; what breaks off is decoded as far as it goes."""
    from PIL import ImageFile

    with _bounded_by_us(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata that are not looked at
        try:
            picture.load()
        except (OSError, SyntaxError, ValueError):
            ImageFile.LOAD_TRUNCATED_IMAGES = True
            try:
                picture.load()
            except (OSError, SyntaxError, ValueError):
                pass  # _upright tells it
            finally:
                ImageFile.LOAD_TRUNCATED_IMAGES = False
            return True
    return False


def _upright(picture: Image) -> Frame:
    """Turn what Pillow has decoded as the camera was held."""
    from PIL import ImageOps

    turned = ImageOps.exif_transpose(picture)
    return _bgr(turned)


def _bgr(picture: Image) -> Frame:
    return np.ascontiguousarray(np.asarray(picture.convert("RGB"), dtype=np.uint8)[:, :, ::-1])


def _decoded(path: Path) -> Frame | None:
    """Decode by OpenCV, which keeps the depth of deep pictures and turns them."""
    try:
        data = np.fromfile(path, dtype=np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    except (cv2.error, OSError):
        return None
    return None if picture is None else _eight_bits(np.asarray(picture))


def _eight_bits(picture: NDArray[Any]) -> Frame:
    """Scale deep values by what the picture holds: 12 bits are often kept in 16."""
    if picture.dtype == np.uint8:
        return np.asarray(picture, dtype=np.uint8)
    values = np.nan_to_num(picture.astype(np.float32), posinf=0.0, neginf=0.0)
    white = float(np.percentile(values, BRIGHTEST)) or float(values.max()) or 1.0
    return np.asarray(np.clip(values * (255.0 / white), 0, 255), dtype=np.uint8)


def _by_opencv(path: Path) -> Media | None:
    frame = _decoded(path)
    if frame is None:
        return None
    if frame.shape[0] * frame.shape[1] > MOST_PIXELS:
        raise _too_large(path, frame.shape[1], frame.shape[0])
    return Media("picture", iter([(None, frame)]))


def _animation(path: Path, sample_seconds: float) -> Iterator[tuple[float, Frame]]:
    from PIL import Image

    with Image.open(path) as picture:
        time, due = 0.0, 0.0
        for number in range(getattr(picture, "n_frames", 1)):
            try:
                picture.seek(number)
                picture.load()  # before that a WebP does not know its duration
                if time + 1e-9 >= due:
                    yield time, _bgr(picture)
                    due += sample_seconds * (1 + int((time - due) / sample_seconds))
            except (OSError, SyntaxError, ValueError, EOFError) as error:
                if number == 0:
                    raise BadPicture(_neither(path)) from error
                return  # it breaks off here
            time += (picture.info.get("duration") or STILL_MILLISECONDS) / 1000.0


# -- videos


def _video(path: Path, sample_seconds: float) -> Iterator[tuple[float, Frame]]:
    try:
        source = Source(Kind.FILE, str(path), printable(str(path)))
        capture = open_capture(source, most_pixels=MOST_PIXELS)
    except BadPicture as error:
        raise BadPicture(_neither(path)) from error
    try:
        given = False
        for time, frame in _sampled(capture, sample_seconds):
            if frame.shape[0] * frame.shape[1] > MOST_PIXELS:
                raise _too_large(path, frame.shape[1], frame.shape[0])
            given = True
            yield time, frame
        if not given:
            raise BadPicture(_neither(path))
    finally:
        capture.release()


def _sampled(capture: cv2.VideoCapture, seconds: float) -> Iterator[tuple[float, Frame]]:
    """Yield (time, frame) of an opened video."""
    fps = capture.get(cv2.CAP_PROP_FPS)
    rate = fps if 0.1 <= fps <= 240.0 else 25.0
    number, due, latest = 0, 0.0, -1.0
    start: float | None = None
    while capture.grab():
        stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
        start = stamp if start is None else start
        # A container without times counts its frames.
        time = stamp - start if stamp - start > latest else max(latest, 0.0) + 1.0 / rate
        time = time if number else 0.0
        latest, number = time, number + 1
        if time + 1e-6 < due:
            continue
        ok, frame = capture.retrieve()
        if ok and frame is not None:
            yield time, np.asarray(frame, dtype=np.uint8)
            due += seconds * (1 + int((time - due) / seconds))


def _too_large(path: Path, width: int, height: int) -> BadPicture:
    return BadPicture(
        _(
            "{path} is too large: {width} x {height} pixels. Moodtray "
            "looks at pictures of up to {most_pixels} million; save a "
            "smaller copy of it."
        ).format(
            path=printable(str(path)),
            width=width,
            height=height,
            most_pixels=MOST_PIXELS // 1_000_000,
        )
    )


def _neither(path: Path) -> str:
    return _(
        "{path} is neither a picture nor a video that can be read. "
        "Pictures: JPEG, PNG, WebP, GIF, BMP, TIFF; videos: MP4, MOV, "
        "MKV, WebM, AVI. Check that the file is complete."
    ).format(path=printable(str(path)))
