"""The face tracker, against the search of the whole frame that it saves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.errors import ModelError
from agent.store.paths import resources_dir
from agent.types import Box
from agent.vision.faces import RECHECK, REMEMBER, FaceTracker, load_cascade, overlap

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "video"
CLIPS = {
    resources_dir() / "demo" / "clip.mp4": 45,
    REAL / "WolfgangLanger_Pexels.mp4": 24,
    REAL / "face_noface.mov": 10,
    REAL / "noface_face.mov": 10,
    REAL / "single_face.mp4": 10,
}
"""A frame of so many is looked at. Real people's clips are no part of the project; where they are
not, the shipped one is all there is."""
HERE = [path for path in CLIPS if path.is_file() or path.parent != REAL]


def frames_of(path: Path, every: int = 1) -> Iterator[np.ndarray]:
    """640 wide, as a webcam would give them."""
    capture = cv2.VideoCapture(str(path))
    number = 0
    while capture.grab():
        if number % every == 0:
            frame = capture.retrieve()[1]
            yield cv2.resize(frame, (640, frame.shape[0] * 640 // frame.shape[1]))
        number += 1


def full_search(frame: np.ndarray) -> list[Box]:
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    found = load_cascade().detectMultiScale(grey, 1.1, 5, minSize=(30, 30))
    return [Box(*map(int, box)) for box in found]


@pytest.fixture
def face(short_clip: Path) -> np.ndarray:
    """A face cut out with its surroundings: 240 x 240."""
    frame = next(frames_of(short_clip))
    box = full_search(frame)[0]
    pad = box.width // 4
    cut = frame[
        max(0, box.y - pad) : box.y + box.height + pad,
        max(0, box.x - pad) : box.x + box.width + pad,
    ]
    return cv2.resize(cut, (240, 240))


def scene(*placed: tuple[np.ndarray, int, int, int]) -> np.ndarray:
    """A grey 640 x 480 room with faces at (x, y, size)."""
    frame = np.full((480, 640, 3), 110, np.uint8)
    for face, x, y, size in placed:
        frame[y : y + size, x : x + size] = cv2.resize(face, (size, size))
    return frame


@pytest.mark.parametrize("clip", HERE, ids=lambda path: path.name)
def test_no_face_is_missed_that_the_full_search_finds(clip: Path) -> None:
    """Every clip shows one person: of the boxes that the full search finds the largest is the
    face; it finds a few chins and patches of wall besides."""
    tracker = FaceTracker()
    found = 0
    for frame in frames_of(clip, every=CLIPS[clip]):
        followed = tracker.detect(frame)
        cold = tracker.search(frame)
        boxes = full_search(frame)
        if not boxes:
            continue
        found += 1
        face = max(boxes, key=lambda box: box.area)
        assert overlap(face, followed[0]) > 0.5
        assert overlap(face, cold[0]) > 0.5
    assert found >= 6


def test_overlap() -> None:
    a = Box(0, 0, 10, 10)
    assert overlap(a, a) == 1.0
    assert overlap(a, Box(5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert overlap(a, Box(10, 0, 10, 10)) == 0.0


def test_largest_face_is_followed_and_kept(face: np.ndarray) -> None:
    tracker = FaceTracker()
    both = scene((face, 40, 100, 240), (face, 380, 120, 200))
    first = tracker.detect(both)
    assert len(first) == 2
    assert first[0].x < 320
    # The other comes nearer and is now the larger one: the first stays the person.
    nearer = scene((face, 40, 100, 240), (face, 340, 100, 290))
    for _ in range(RECHECK + 3):
        followed = tracker.detect(nearer)
        assert followed[0].x < 320
    tracker.reset()
    assert tracker.detect(nearer)[0].x > 320


def test_picture_on_the_wall_does_not_hold_us(face: np.ndarray) -> None:
    tracker = FaceTracker()
    assert tracker.detect(scene((face, 20, 20, 130)))
    person = scene((face, 20, 20, 130), (face, 300, 100, 300))
    followed = [tracker.detect(person)[0] for _ in range(RECHECK + 1)]
    assert followed[0].x < 200
    assert followed[-1].x > 300


def test_lost_face_is_found_elsewhere(face: np.ndarray) -> None:
    tracker = FaceTracker()
    assert tracker.detect(scene((face, 40, 100, 220)))
    moved = tracker.detect(scene((face, 400, 200, 220)))
    assert len(moved) == 1
    assert moved[0].x > 400


def test_person_is_remembered_for_a_while_only(face: np.ndarray) -> None:
    tracker = FaceTracker()
    both = scene((face, 20, 100, 220), (face, 340, 100, 280))
    assert tracker.detect(scene((face, 20, 100, 220)))
    for _ in range(REMEMBER):
        assert tracker.detect(scene()) == []
    assert tracker.detect(both)[0].x < 300
    for _ in range(REMEMBER + 1):
        tracker.detect(scene())
    assert tracker.detect(both)[0].x > 300


def test_search_all_finds_the_small_beside_the_large(face: np.ndarray) -> None:
    group = scene((face, 30, 30, 60), (face, 300, 100, 300), (face, 120, 300, 90))
    found = FaceTracker().search_all(group)
    assert len(found) == 3
    assert [box.area for box in found] == sorted((box.area for box in found), reverse=True)


def test_following_searches_the_surroundings_only(
    face: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = FaceTracker()
    frame = scene((face, 200, 100, 240))
    tracker.detect(frame)
    whole = []
    monkeypatch.setattr(tracker, "search", lambda f: whole.append(f) or [])
    for _ in range(RECHECK):
        assert tracker.detect(frame)
    assert not whole
    tracker.detect(frame)
    assert len(whole) == 1


def test_everybody_is_found_beside_who_is_followed(face: np.ndarray) -> None:
    tracker = FaceTracker("haar")
    two = scene((face, 20, 120, 240), (face, 370, 120, 240))
    assert len(tracker.detect(two)) == 2
    assert len(tracker.detect(two)) == 1
    assert len(tracker.detect(two, everybody=True)) == 2


def test_boxes_stay_within_the_frame(face: np.ndarray) -> None:
    tracker = FaceTracker()
    large = cv2.resize(face, (470, 470))
    frame = np.full((480, 640, 3), 110, np.uint8)
    frame[5:475, 165:635] = large
    for _ in range(3):
        for box in tracker.detect(frame):
            assert box.x >= 0
            assert box.y >= 0
            assert box.x + box.width <= 640
            assert box.y + box.height <= 480


@pytest.mark.parametrize("shape", [(20, 20), (25, 400), (48, 48), (480, 640), (1080, 1920)])
def test_any_size_of_frame(shape: tuple[int, int]) -> None:
    assert FaceTracker().detect(np.full((*shape, 3), 90, np.uint8)) == []


def test_opencv_without_the_cascade_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cv2.data.haarcascades", "/nowhere/")
    with pytest.raises(ModelError, match="opencv-python 4"):
        FaceTracker("haar").detect(scene())


# --- who is the user


class Now:
    """A clock for the tracker."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def noisy(frame: np.ndarray, seed: int, light: float = 1.0) -> np.ndarray:
    """As a camera would give it again: its noise, and the light of the moment."""
    noise = np.random.default_rng(seed).normal(0, 3, frame.shape)
    return (frame * light + noise).clip(0, 255).astype(np.uint8)


def test_a_face_that_never_moves_is_no_person(face: np.ndarray) -> None:
    """A poster, under changing light, in the noise of the sensor."""
    now = Now()
    tracker = FaceTracker(now=now)
    poster = scene((face, 200, 100, 240))
    found = []
    for look in range(16):
        found.append(bool(tracker.detect(noisy(poster, look, light=1 - 0.02 * look))))
        now.seconds += 2.5
    assert found[:8] == [True] * 8
    assert found[9:] == [False] * 7
    assert tracker.ignored == 1
    assert not tracker.following


def test_two_looks_far_apart_that_are_alike_by_chance_prove_nothing(face: np.ndarray) -> None:
    now = Now()
    tracker = FaceTracker(now=now)
    for look in range(6):
        assert tracker.detect(noisy(scene((face, 200, 100, 240)), look)), look
        now.seconds += 60.0


def test_looks_in_quick_succession_are_compared_now_and_then(face: np.ndarray) -> None:
    """Thirty a second, as the preview takes them: what counts is how long nothing changed."""
    now = Now()
    tracker = FaceTracker(now=now)
    seen = []
    for look in range(240):
        seen.append(bool(tracker.detect(noisy(scene((face, 200, 100, 240)), look))))
        now.seconds += 0.1
    assert all(seen[:195])
    assert not any(seen[210:])


def test_the_poster_is_known_again_and_the_person_before_it_is_not_it(face: np.ndarray) -> None:
    now = Now()
    tracker = FaceTracker(now=now)
    poster = scene((face, 40, 60, 150))
    for look in range(12):
        tracker.detect(noisy(poster, look))
        now.seconds += 2.5
    assert tracker.detect(noisy(poster, 50)) == []
    # Somebody sits down beside it, moves a little, and leaves again.
    for look in range(12):
        both = scene((face, 40, 60, 150), (face, 330 + 9 * (look % 3), 120, 260))
        [person] = tracker.detect(noisy(both, 100 + look))
        assert person.x > 280
        now.seconds += 2.5
    for look in range(12):
        assert tracker.detect(noisy(poster, 200 + look)) == []
        now.seconds += 2.5


def test_the_room_stays_away_when_its_user_leaves_a_screen_behind(face: np.ndarray) -> None:
    """A face in a film moves; but it was behind the user all the time, and as small."""
    now = Now()
    tracker = FaceTracker(now=now)
    for look in range(RECHECK + 4):
        film = (face, 500 + 4 * (look % 2), 40, 100)
        found = tracker.detect(scene(film, (face, 120 + 6 * (look % 3), 120, 280)))
        assert found[0].x < 300
        now.seconds += 1.0
    for look in range(40):
        assert tracker.detect(scene((face, 500 + 4 * (look % 2), 40, 100))) == []
        now.seconds += 1.0
    # The user comes back; and somebody from behind who comes near is one, too.
    assert tracker.detect(scene((face, 500, 40, 100), (face, 150, 100, 280)))[0].x < 300
    tracker.reset()
    assert tracker.detect(scene((face, 509, 46, 106)))  # moved: no picture on the wall


def test_somebody_who_comes_nearer_takes_the_place(face: np.ndarray) -> None:
    tracker = FaceTracker(now=Now())
    tracker.detect(scene((face, 500, 40, 100), (face, 120, 120, 280)))
    assert tracker.detect(scene((face, 490, 40, 110))) == []
    assert tracker.detect(scene((face, 460, 30, 170)))


def test_who_sits_in_the_middle_is_the_user(face: np.ndarray) -> None:
    beside = scene((face, 0, 120, 215), (face, 230, 120, 200))
    assert FaceTracker().detect(beside)[0].x > 200


def test_a_living_face_stays(short_clip: Path) -> None:
    """However long: it never looks quite the same."""
    now = Now()
    tracker = FaceTracker(now=now)
    for frame in frames_of(short_clip, every=6):
        assert tracker.detect(frame)
        now.seconds += 15.0
    assert tracker.ignored == 0
