"""``analyze`` on real files: pictures, videos, and what is neither."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from agent.errors import BadPicture, CameraError
from agent.types import EMOTIONS
from agent.vision.analyze import analyze
from agent.vision.expression import ExpressionClassifier
from agent.vision.media import read
from tests.vision.conftest import write_model
from tests.vision.matroska import matroska
from tests.vision.mjpeg import picture


@pytest.fixture
def classifier(tiny_model: Path) -> ExpressionClassifier:
    return ExpressionClassifier.load(tiny_model)


def test_video_is_sampled(short_clip: Path, classifier: ExpressionClassifier) -> None:
    result = analyze(short_clip, classifier)
    assert result.kind == "video"
    assert [frame.time for frame in result.frames] == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert all(len(frame.faces) == 1 for frame in result.frames)
    assert result.summary.startswith("A face in 5 of 5 moments of ")
    faces = [frame.faces[0] for frame in result.frames]
    said = ["unsure" if face.unsure else face.emotion for face in faces]
    for name in set(said):
        assert f"{name} in {said.count(name)}" in result.summary
    data = json.loads(json.dumps(result.as_dict()))
    face = data["frames"][1]["faces"][0]
    assert set(face["probabilities"]) == set(EMOTIONS)
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=0.001)
    assert face["emotion"] in EMOTIONS
    assert face["box"]["width"] > 60


def test_picture_with_two_faces(
    short_clip: Path, classifier: ExpressionClassifier, tmp_path: Path
) -> None:
    frame = cv2.VideoCapture(str(short_clip)).read()[1]
    path = tmp_path / "two people ö.png"  # a name that is no ASCII
    pair = np.hstack([frame, cv2.resize(frame, None, fx=0.8, fy=1.0)])
    path.write_bytes(cv2.imencode(".png", pair)[1].tobytes())
    result = analyze(path, classifier)
    assert result.kind == "picture"
    (seen,) = result.frames
    assert len(seen.faces) == 2
    assert seen.faces[0].box.area >= seen.faces[1].box.area
    assert result.summary.startswith("2 faces")
    assert "time" not in json.loads(json.dumps(result.as_dict()))["frames"][0]


def test_picture_without_a_face_is_a_result(
    classifier: ExpressionClassifier, tmp_path: Path
) -> None:
    path = tmp_path / "room.jpg"
    path.write_bytes(cv2.imencode(".jpg", picture(90, (640, 480)))[1].tobytes())
    result = analyze(path, classifier)
    assert not result.found
    assert result.summary == "No face found in room.jpg."
    assert result.as_dict()["found"] is False


@pytest.mark.parametrize("limit", [0.0, 1.0])
def test_a_face_that_says_too_little_is_called_unsure(
    short_clip: Path, tmp_path: Path, limit: float
) -> None:
    model = write_model(tmp_path / "models" / "emotion.onnx", unsure_below=limit)
    path = tmp_path / "me.png"
    path.write_bytes(cv2.imencode(".png", cv2.VideoCapture(str(short_clip)).read()[1])[1].tobytes())
    result = analyze(path, ExpressionClassifier.load(model))
    (face,) = result.frames[0].faces
    assert face.unsure is (limit == 1.0)
    assert face.as_dict()["unsure"] is face.unsure
    told = f"{face.emotion} {face.confidence:.0%}"
    said = f"unsure (perhaps {told})" if limit == 1.0 else told
    assert result.summary == f"1 face in me.png: {said}."


def test_video_without_a_face(
    classifier: ExpressionClassifier, numbered_video: Callable[[int, float], Path]
) -> None:
    result = analyze(numbered_video(20, 10.0), classifier)
    assert not result.found
    assert len(result.frames) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "not there"), (b"", "empty"), (b"hello, I am text\n" * 50, "neither a picture")],
)
def test_file_that_cannot_be_analysed(
    classifier: ExpressionClassifier, tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "thing.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadPicture, match=message):
        analyze(path, classifier)


# --- odd videos and pictures


def test_times_of_a_video_are_its_own(
    short_clip: Path, classifier: ExpressionClassifier, tmp_path: Path
) -> None:
    """A variable frame rate, as telephones and screen recorders make: its first half second has 15
    frames, the eight seconds after it have 17."""
    path = tmp_path / "uneven.mkv"
    data = cv2.imencode(".jpg", cv2.VideoCapture(str(short_clip)).read()[1])[1].tobytes()
    stamps = [*range(0, 500, 33), *range(500, 8501, 500)]
    path.write_bytes(matroska([(stamp, data) for stamp in stamps], (640, 480)))
    times = [seen.time for seen in analyze(path, classifier).frames]
    assert times == pytest.approx([n / 2 for n in range(18)], abs=0.05)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_sampled_like_a_video(
    short_clip: Path, classifier: ExpressionClassifier, tmp_path: Path, kind: str
) -> None:
    capture = cv2.VideoCapture(str(short_clip))
    face = Image.fromarray(capture.read()[1][:, :, ::-1])
    empty = Image.new("RGB", face.size, "gray")
    path = tmp_path / f"moving.{kind.lower()}"
    pictures = [empty, empty.point(lambda v: v + 9), face, face.point(lambda v: v + 9)]
    pictures[0].save(path, kind, save_all=True, append_images=pictures[1:], duration=400, loop=0)
    result = analyze(path, classifier)
    assert result.kind == "video"
    assert [seen.time for seen in result.frames] == [0.0, 0.8, 1.2]
    assert [len(seen.faces) for seen in result.frames] == [0, 1, 1]


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("form", ["grey.png", "colour.png"])
def test_a_deep_picture_is_scaled_by_what_it_holds(
    short_clip: Path, classifier: ExpressionClassifier, tmp_path: Path, bits: int, form: str
) -> None:
    frame = cv2.VideoCapture(str(short_clip)).read()[1]
    if "grey" in form:
        frame = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    deep = (frame.astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16)
    path = tmp_path / form
    cv2.imwrite(str(path), deep)
    assert len(analyze(path, classifier).frames[0].faces) == 1


def test_deep_colours_are_read_whole(tmp_path: Path) -> None:
    """Scaled from all sixteen bits, not from the upper eight."""
    ramp = np.arange(64 * 64 * 3, dtype=np.uint16).reshape(64, 64, 3) * 5 + 3
    ramp[0, 0] = 65_535
    path = tmp_path / "deep.png"
    cv2.imwrite(str(path), ramp)
    ((_time, frame),) = read(path, 0.5).frames
    white = np.sort(ramp.ravel())[int(ramp.size * 0.999)]
    assert np.abs(frame - np.minimum(ramp * (255.0 / white), 255)).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_is_put_upright(tmp_path: Path, kind: str, orientation: int) -> None:
    quarters = np.zeros((60, 90, 3), np.uint8)
    quarters[:30, :45], quarters[:30, 45:], quarters[30:, :45] = (250, 0, 0), (0, 250, 0), 250
    path = tmp_path / "turned"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(quarters).save(path, kind, exif=exif)
    ((_time, frame),) = read(path, 0.5).frames
    expected = ImageOps.exif_transpose(Image.open(path))
    assert np.array_equal(frame[:, :, ::-1], np.asarray(expected))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_pictures_of_all_modes_are_read(tmp_path: Path, mode: str) -> None:
    picture = Image.linear_gradient("L").resize((1_200, 900)).convert(mode)
    path = tmp_path / "picture"
    picture.save(path, "JPEG" if mode == "CMYK" else "PNG")
    ((_time, frame),) = read(path, 0.5).frames
    expected = np.asarray(Image.open(path).convert("RGB"))
    assert np.array_equal(frame[:, :, ::-1], expected)


def test_a_photo_with_its_previews_is_one_picture(tmp_path: Path) -> None:
    """As telephones and cameras with two lenses write it."""
    path = tmp_path / "photo.jpg"
    photo = Image.new("RGB", (7_000, 6_000), "teal")
    photo.save(path, "MPO", save_all=True, append_images=[Image.new("RGB", (70, 60))])
    media = read(path, 0.5)
    assert media.kind == "picture"
    ((_time, frame),) = media.frames
    assert frame.shape == (3_000, 3_500, 3), "decoded at half its size"


@pytest.mark.parametrize("kind", ["TIFF", "ICO", "ICNS", "PPM", "JPEG2000", "EPS", "PCX", "TGA"])
def test_pictures_of_other_kinds_are_refused_with_a_way_out(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "picture.png"
    Image.new("RGB", (64, 64)).save(path, kind)
    with pytest.raises(BadPicture, match="Save what is of another kind as one of these"):
        list(read(path, 0.5).frames)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_damage_of_any_kind_is_told(tmp_path: Path, kind: str) -> None:
    """Cut or scribbled over: it is looked at as far as it goes, or refused."""
    rng = np.random.default_rng(5)
    path = tmp_path / "picture"
    noise = [Image.fromarray(rng.integers(0, 255, (48, 64, 3), np.uint8)) for _number in range(2)]
    moves: dict[str, object] = {"save_all": True, "append_images": noise[1:]}
    noise[0].save(path, kind, **({} if kind in ("JPEG", "BMP") else moves))
    whole = path.read_bytes()
    for _number in range(150):
        data = bytearray(whole[: rng.integers(8, len(whole))] if rng.random() < 0.3 else whole)
        for place in rng.integers(0, min(len(data), 400), rng.integers(0, 5)):
            data[place] = rng.integers(0, 256)
        path.write_bytes(data)
        with contextlib.suppress(BadPicture, CameraError):
            list(read(path, 0.05).frames)


@pytest.mark.parametrize("form", ["cut.jpg", "cut.png"])
def test_a_picture_that_breaks_off_is_told(
    short_clip: Path, classifier: ExpressionClassifier, tmp_path: Path, form: str
) -> None:
    data = cv2.imencode(Path(form).suffix, cv2.VideoCapture(str(short_clip)).read()[1])[1].tobytes()
    path = tmp_path / form
    path.write_bytes(data[: len(data) * 9 // 10])
    result = analyze(path, classifier)
    assert len(result.frames[0].faces) == 1, "what is there is looked at"
    assert "damaged" in result.summary
    assert result.as_dict()["damaged"] is True
    path.write_bytes(data)
    assert "damaged" not in analyze(path, classifier).summary


def test_pictures_are_turned_as_the_camera_was_held(
    short_clip: Path, classifier: ExpressionClassifier, tmp_path: Path
) -> None:
    upright = Image.fromarray(cv2.VideoCapture(str(short_clip)).read()[1][:, :, ::-1])
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    result = analyze(path, classifier)
    assert (result.width, result.height) == (640, 480)
    assert len(result.frames[0].faces) == 1


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header claims that size; its one row is all there is."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 + min(width, 10_000)))
    ends = chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + ends


@pytest.mark.parametrize(
    ("width", "height"), [(2**15, 2**15), (2**20, 2**10), (10_000, 10_000), (2**31 - 1, 2**31 - 1)]
)
def test_a_bomb_is_refused_in_a_sentence(
    classifier: ExpressionClassifier, tmp_path: Path, width: int, height: int
) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of_size(width, height))
    with pytest.raises(BadPicture, match=r"too large|neither"):
        analyze(path, classifier)


@pytest.mark.parametrize("size", [(30_000, 1), (1, 30_000), (1, 1), (19, 19), (21, 3000)])
def test_a_picture_without_room_for_a_face_has_none(
    classifier: ExpressionClassifier, tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / "strip.png"
    Image.new("RGB", size, "gray").save(path)
    assert not analyze(path, classifier).found


def test_a_large_photo_is_looked_at(
    short_clip: Path, classifier: ExpressionClassifier, tmp_path: Path
) -> None:
    """As telephones make them: 64 million pixels."""
    frame = Image.fromarray(cv2.VideoCapture(str(short_clip)).read()[1][:, :, ::-1])
    path = tmp_path / "large.jpg"
    frame.resize((9248, 6936), Image.Resampling.NEAREST).save(path)
    assert len(analyze(path, classifier).frames[0].faces) == 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: os.mkfifo(path), "no file but a pipe"),
        (lambda path: path.symlink_to(os.devnull), "no file but a device"),
        (lambda path: path.symlink_to(path), "cannot be read"),
        (lambda path: path.symlink_to("nowhere"), "not there"),
    ],
)
def test_what_is_no_file_is_told_as_what_it_is(
    classifier: ExpressionClassifier, tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    path = tmp_path / "thing"
    make(path)
    with pytest.raises(BadPicture, match=words):
        analyze(path, classifier)


def test_a_locked_folder_is_told(
    classifier: ExpressionClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("agent.vision.media.os.stat", locked)
    with pytest.raises(BadPicture, match="permissions"):
        analyze(tmp_path / "locked" / "me.jpg", classifier)


def test_folder_is_told(classifier: ExpressionClassifier, tmp_path: Path) -> None:
    with pytest.raises(BadPicture, match="folder"):
        analyze(tmp_path, classifier)
