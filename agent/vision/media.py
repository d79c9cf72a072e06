"""Read a picture, an animation or a video from a file, as frames with their times.

The name may be anything a file system allows, the content anything at all: what cannot be read is a
BadPicture in one sentence. Memory is bounded before anything is decoded: few kinds of pictures are
opened at all, each by one decoder, and what it takes is counted from the size that this decoder has
read. What cannot be counted (a WebP may have 65,536 tables of codes) the system holds back. Kinds
that hold pictures of other kinds (TIFF, ICO, ICNS), or call other programs (EPS), are not among
those that are opened.
"""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import BadPicture
from agent.opencv import cv2
from agent.printable import printable
from agent.translation import _
from agent.types import Frame
from agent.vision.bounded_capture import BoundedCapture
from agent.vision.bounds import Roof, Wall
from agent.vision.jpeg_head import READ_FIRST, START, JpegHead, has_few_scans, read_head
from agent.vision.sources import Kind, Source, open_capture

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

MOST_BYTES = 250_000_000
"""That decoding one picture may take, the finished frame included; the program is then below 400
MB. An ordinary JPEG that would take more is decoded at a smaller size."""
ROOM = 30_000_000
"""Bytes beyond them until the system gives no more: small things, and what lies unused between."""
MOST_SIDE = 65_535
"""Pixels, as in a JPEG. Pillow keeps a pointer for each row: a strip would take more for them."""
KINDS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
STILL = 7
"""Bytes of each pixel at most: four in Pillow, three in the frame."""
DEEP = 10
"""The same for colours of 16 bits, which are decoded in two parts."""
WEBP = 20
"""The same for WebP, where the decoder of animations has two canvases and gives a copy."""
MOVING = 24
"""The same for other animations: the canvas, the picture before, the one that comes, copies."""
DEEP_COLOURS = ("RGB;16B", "RGBA;16B")
"""Names of Pillow's."""
STRIP_PIXELS = 500_000
MOST_PICTURES = 10_000
"""Of an animation."""
MOST_DECODED = 3_000_000_000
"""Pixels of an animation, all of its pictures together: half a minute."""
MOST_EXIF = 65_536
"""Bytes of what cameras note, as in a JPEG; a PNG may have any number."""
ORIENTATION = 0x0112
TURNS: dict[int, Callable[[Frame], Frame]] = {
    2: lambda frame: frame[:, ::-1],
    3: lambda frame: frame[::-1, ::-1],
    4: lambda frame: frame[::-1],
    5: lambda frame: frame.transpose(1, 0, 2),
    6: lambda frame: np.rot90(frame, -1),
    7: lambda frame: frame[::-1, ::-1].transpose(1, 0, 2),
    8: lambda frame: np.rot90(frame),
}
"""How a picture is put upright again, by the value of EXIF's Orientation."""
ANIMATED = ("GIF", "WEBP", "PNG")
"""What shows its pictures one after the other. In a photo of a telephone they are its previews."""
STILL_MILLISECONDS = 100.0
"""How long a picture of an animation stands that names no time: as browsers have it."""
BRIGHTEST = 0.999
"""Quantile of a deep picture's values that becomes white: one hot pixel is no measure."""


@dataclass(frozen=True, slots=True)
class Media:
    """A picture, or a video, as its frames.

    ``frames`` gives (time in seconds, None for a picture; uint8 H x W x 3 BGR) and is read once; it
    raises BadPicture when the first frame does not come, CameraError when it takes too much memory.
    ``damaged``: a part of the picture is
    missing.
    """

    kind: str  # "picture" or "video"
    frames: Iterator[tuple[float | None, Frame]]
    damaged: bool = False


def read(path: Path, sample_seconds: float) -> Media:
    """Open a file. Of what moves the first frame and then one every ``sample_seconds`` is given.

    Raises BadPicture: missing, unreadable, too large, or neither picture nor video.
    """
    _check_readable(path)
    with Wall(MOST_BYTES + ROOM).stands():
        picture = _by_pillow(path, sample_seconds)
    return picture or Media("video", _video(path, sample_seconds))


def _check_readable(path: Path) -> None:
    """Raise BadPicture."""
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


def _special(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"


# -- pictures


def _by_pillow(path: Path, sample_seconds: float) -> Media | None:
    """Decode by Pillow; None: it is no picture of a kind that is wanted."""
    from PIL import Image

    head = _jpeg(path)
    try:
        with _bounded(None if head else MOST_BYTES // STILL):
            picture = Image.open(path, formats=KINDS)
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except Exception:  # noqa: BLE001 - whatever its parsers stumble over, also no picture at all
        return None
    with picture:
        try:
            with _bounded(None if head else MOST_BYTES // STILL):
                moves = picture.format in ANIMATED and getattr(picture, "n_frames", 1) > 1
        except Exception as error:
            raise BadPicture(_neither(path)) from error
        if moves:
            each = _cost_moving(picture)
            _check_cost(path, picture, each)
            _check_length(path, picture)
            return Media("video", _animation(path, sample_seconds, MOST_BYTES // each))
        if head is not None:
            _shrink(path, picture, head)
        else:
            _check_cost(path, picture, _cost(picture))
        try:
            return _still(path, picture)
        except MemoryError as error:
            raise _too_large(path) from error
        except Exception as error:
            raise BadPicture(_neither(path)) from error


def _jpeg(path: Path) -> JpegHead | None:
    """Read the head of a JPEG; None: it is another file. Raises BadPicture: its head is odd."""
    with path.open("rb") as file:
        data = file.read(READ_FIRST) if file.read(len(START)) == START else b""
    if not data:
        return None
    head = read_head(START + data)
    if head is None or not _has_few_scans(path):
        raise BadPicture(_neither(path))
    return head


def _has_few_scans(path: Path) -> bool:
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as whole:
        return has_few_scans(whole)


def _cost(picture: ImageFile) -> int:
    """Tell the most bytes that each pixel takes until it is a frame."""
    if picture.format == "WEBP":
        return WEBP  # a single picture is an animation, too
    return DEEP if _low_bytes(picture) is not None else STILL


def _cost_moving(picture: Image) -> int:
    return WEBP if picture.format == "WEBP" else MOVING


def _check_cost(path: Path, picture: Image, each: float, more: float = 0.0) -> None:
    """Raise BadPicture where ``each`` byte for a pixel, and ``more``, are too many."""
    width, height = picture.size
    if max(width, height) > MOST_SIDE or width * height * each + more > MOST_BYTES:
        raise _too_large(path)


def _check_length(path: Path, picture: Image) -> None:
    """Raise BadPicture for an animation that would take minutes: each picture costs all pixels."""
    width, height = picture.size
    count = getattr(picture, "n_frames", 1)
    if count > MOST_PICTURES or count * width * height > MOST_DECODED:
        raise BadPicture(
            _(
                "{path} has too many pictures to look at: {count} of {width} x {height}. Save a "
                "shorter or smaller part of it."
            ).format(path=printable(str(path)), count=count, width=width, height=height)
        )


def _shrink(path: Path, picture: Image, head: JpegHead) -> None:
    """Have a large JPEG decoded at half, a quarter or an eighth of its size.

    Raises BadPicture: what is kept of the whole while it is decoded is too much by itself.
    """
    if picture.size != (head.width, head.height):
        raise BadPicture(_neither(path))
    kept = head.pixels * head.kept
    fitting = (n for n in (1, 2, 4) if head.pixels / n**2 * STILL + kept <= MOST_BYTES)
    parts = next(fitting, 8)
    picture.draft(None, (max(1, head.width // parts), max(1, head.height // parts)))
    _check_cost(path, picture, STILL, kept)


@contextmanager
def _bounded(most_pixels: int | None) -> Iterator[None]:
    """Have Pillow refuse what is larger, by the size that it finds itself, and warn of nothing.

    Raises DecompressionBombError. ``most_pixels``, None: any size.
    """
    from PIL import Image

    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None if most_pixels is None else most_pixels // 2  # twice is an error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # also about metadata that are not looked at
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _still(path: Path, picture: ImageFile) -> Media:
    low = _low_bytes(picture)
    damaged = _is_damaged(picture)
    turn = _turn(picture)
    if picture.mode.startswith("I;16"):
        grey = np.asarray(picture)
        frame = _scaled(grey.shape, lambda rows: grey[rows][:, :, None])
    else:
        frame = _bgr(picture)
    picture.close()  # its memory is free now
    if low is not None:
        high, rest = frame, _decoded_as(path, low)
        frame = _scaled(
            frame.shape, lambda rows: high[rows].astype(np.uint16) << 8 | rest[rows], high
        )
    turned = TURNS[turn](frame) if turn in TURNS else frame
    return Media("picture", iter([(None, np.ascontiguousarray(turned))]), damaged)


def _turn(picture: Image) -> Any:
    """Return what the camera has noted of how it was held; 1: upright."""
    if len(picture.info.get("exif") or b"") > MOST_EXIF:
        return 1
    with _bounded(None):
        return picture.getexif().get(ORIENTATION, 1)


def _is_damaged(picture: Image) -> bool:
    """Decode it; what breaks off is decoded as far as it goes. Raises what Pillow does."""
    from PIL import ImageFile

    with _bounded(None):
        try:
            picture.load()
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - what is there is wanted, or the same again
            ImageFile.LOAD_TRUNCATED_IMAGES = True
            try:
                picture.load()
            finally:
                ImageFile.LOAD_TRUNCATED_IMAGES = False
            return True
    return False


def _strips(height: int, width: int) -> Iterator[slice]:
    """Divide a picture so that what is made of a part on the way takes little."""
    rows = max(1, STRIP_PIXELS // width)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def _bgr(picture: Image) -> Frame:
    width, height = picture.size
    frame = np.empty((height, width, 3), np.uint8)
    for rows in _strips(height, width):
        part = picture.crop((0, rows.start, width, rows.stop)).convert("RGB")
        frame[rows] = np.asarray(part, dtype=np.uint8)[:, :, ::-1]
    return frame


# Of colours with 16 bits Pillow gives the upper eight. Asked for the other order of the two bytes,
# it gives the lower.


def _low_bytes(picture: ImageFile) -> list[Any] | None:
    """Say how the lower bytes of a deep picture are read; None: it is none."""
    if picture.format != "PNG" or not picture.tile:
        return None
    order = picture.tile[0].args
    if not isinstance(order, str) or order not in DEEP_COLOURS:
        return None
    return [picture.tile[0]._replace(args=order.replace("16B", "16L"))]


def _decoded_as(path: Path, tile: list[Any]) -> Frame:
    from PIL import Image

    with _bounded(None), Image.open(path, formats=KINDS) as picture:
        picture.tile = tile
        _is_damaged(picture)
        return _bgr(picture)


def _scaled(
    shape: tuple[int, ...],
    values: Callable[[slice], NDArray[Any]],
    into: Frame | None = None,
) -> Frame:
    """Scale deep values by what the picture holds: 12 bits are often kept in 16.

    ``values`` gives those of some rows, H x W x 1 or 3, and may read them from ``into``.
    """
    counts = np.zeros(2**16, np.int64)
    for rows in _strips(*shape[:2]):
        counts += np.bincount(values(rows).ravel(), minlength=2**16)
    below = np.cumsum(counts)
    white = int(np.searchsorted(below, BRIGHTEST * below[-1])) or int(np.flatnonzero(counts)[-1])
    table = np.clip(np.arange(2**16) * (255.0 / (white or 1)), 0, 255).astype(np.uint8)
    frame = np.empty((*shape[:2], 3), np.uint8) if into is None else into
    for rows in _strips(*shape[:2]):
        frame[rows] = table[values(rows)]
    return frame


def _animation(
    path: Path, sample_seconds: float, most_pixels: int
) -> Iterator[tuple[float, Frame]]:
    from PIL import Image

    wall = Wall(MOST_BYTES + ROOM)
    with _bounded(most_pixels), wall.stands():
        picture = Image.open(path, formats=KINDS)
    with picture:
        time, due = 0.0, 0.0
        for number in range(getattr(picture, "n_frames", 1)):
            try:
                # A picture of it may be larger than the first.
                with _bounded(most_pixels), wall.stands():
                    picture.seek(number)
                    picture.load()  # before that a WebP does not know its duration
                frame = _bgr(picture) if time + 1e-9 >= due else None
            except (Image.DecompressionBombError, MemoryError) as error:
                raise _too_large(path) from error
            except Exception as error:
                if number == 0:
                    raise BadPicture(_neither(path)) from error
                return  # it breaks off here
            if frame is not None:
                yield time, frame
                due += sample_seconds * (1 + int((time - due) / sample_seconds))
            time += (picture.info.get("duration") or STILL_MILLISECONDS) / 1000.0


# -- videos


def _video(path: Path, sample_seconds: float) -> Iterator[tuple[float, Frame]]:
    source = Source(Kind.FILE, str(path), printable(str(path)))
    try:
        roof = Roof()
        opened = open_capture(source, roof=roof)
    except BadPicture as error:
        raise BadPicture(_neither(path)) from error
    try:
        capture = BoundedCapture(opened, source, roof)
        given = False
        for moment in _sampled(capture, sample_seconds):
            given = True
            yield moment
        if not given:
            raise capture.refused or BadPicture(_neither(path))
    finally:
        opened.release()


def _sampled(capture: BoundedCapture, seconds: float) -> Iterator[tuple[float, Frame]]:
    """Yield (time, frame) of an opened video, up to where a frame is too large."""
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
        frame = capture.retrieve()
        if frame is not None:
            yield time, frame
            due += seconds * (1 + int((time - due) / seconds))
        elif capture.refused is not None:
            return


def _too_large(path: Path) -> BadPicture:
    return BadPicture(
        _(
            "{path} is too large: to look at it would take more than {most} MB of memory. Save a "
            "smaller copy of it, as an ordinary JPEG (not a progressive one)."
        ).format(path=printable(str(path)), most=MOST_BYTES // 1_000_000)
    )


def _neither(path: Path) -> str:
    return _(
        "{path} is neither a picture nor a video that can be read. "
        "Pictures: JPEG, PNG, WebP, GIF, BMP; videos: MP4, MOV, MKV, WebM, AVI. "
        "Save what is of another kind as one of these, and check that the file is complete."
    ).format(path=printable(str(path)))
