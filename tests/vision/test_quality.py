"""From a found face to a framed crop, and how far the look can be trusted."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from agent.types import EMOTIONS, Box, Frame
from agent.vision.alignment import SIDE, TRAINING, crop, face_side, pose
from agent.vision.burst import Look
from agent.vision.faces import FaceTracker
from agent.vision.quality import CLEAR, HARD_TO_READ, WEIGHTS, Measures, measure, trust, unclear
from tests.vision.scenes import actor, blurred, dark, tilted

HAPPY = EMOTIONS.index("happy")
SURE = np.full(7, 0.01)
SURE[HAPPY] = 0.94
FINE = Measures(
    small=0, dark=0, noisy=0, blurred=0, turned=0, tilted=0, mouth=0, eyes=0, score=0.85
)


def seen(frame: Frame) -> tuple[Box, Measures]:
    box = FaceTracker().search(frame)[0]
    return box, measure(box, crop(frame, box))


def drawn(left: tuple[float, float], right: tuple[float, float], mouth: float) -> Box:
    """A face of which only the points are given; the mouth lies so far below the eyes' middle, at
    a right angle, the nose half way."""
    a, b = np.array(left), np.array(right)
    across = (b - a) / np.hypot(*(b - a))
    down = np.array([-across[1], across[0]])
    middle = (a + b) / 2
    points = (a, b, middle + 0.5 * mouth * down, middle + mouth * down, a, b)
    return Box(0, 0, 100, 100, landmarks=tuple((float(x), float(y)) for x, y in points))


# --- the crop


def test_pose_of_a_face() -> None:
    level = pose(drawn((100, 200), (160, 200), 66))
    assert level is not None
    assert (level.roll, level.yaw, level.eyes, level.mouth) == pytest.approx((0, 0, 60, 66))
    assert level.middle == (130, 200)
    leaning = pose(drawn((100, 200), (160, 260), 66))
    assert leaning is not None
    assert leaning.roll == pytest.approx(45)
    assert leaning.mouth == pytest.approx(66)


def test_boxes_without_points_have_no_pose() -> None:
    assert pose(Box(1, 2, 30, 30)) is None
    assert pose(drawn((100, 200), (100.1, 200), 66)) is None
    same = Box(0, 0, 9, 9, landmarks=((float("nan"), 0.0),) * 6)
    assert pose(same) is None


@pytest.mark.parametrize("degrees", [-75, -40, -10, 0, 25, 60, 180])
@pytest.mark.parametrize("eyes", [20.0, 60.0, 400.0])
def test_known_points_come_to_their_places(degrees: float, eyes: float) -> None:
    """Dots are painted where the points are, and looked for where the crop should have them."""
    turn = np.radians(degrees)
    along = np.array([np.cos(turn), np.sin(turn)])
    middle = np.array([800.0, 700.0])
    left, right = middle - along * eyes / 2, middle + along * eyes / 2
    box = drawn(tuple(left), tuple(right), eyes)
    frame = np.zeros((1400, 1600, 3), np.uint8)
    for point in (left, right):
        at = (round(float(point[0]) * 16), round(float(point[1]) * 16))
        cv2.circle(frame, at, round(eyes), (255, 255, 255), -1, cv2.LINE_AA, shift=4)
    face = crop(frame, box)
    assert face.shape == (SIDE, SIDE, 3)
    seen_pose = pose(box)
    assert seen_pose is not None
    apart = eyes / face_side(seen_pose) * SIDE
    for side in (-1, 1):
        x, y = SIDE / 2 + side * apart / 2, TRAINING.eye_line * SIDE
        window = np.zeros((SIDE, SIDE), np.float32)
        half = face[:, : SIDE // 2, 0] if side < 0 else face[:, SIDE // 2 :, 0]
        window[:, : SIDE // 2] = half
        moments = cv2.moments(window)
        centre_x = moments["m10"] / moments["m00"] + (0 if side < 0 else SIDE // 2)
        centre_y = moments["m01"] / moments["m00"]
        assert centre_x == pytest.approx(x - 0.5, abs=1.5)
        assert centre_y == pytest.approx(y - 0.5, abs=1.5)


@pytest.mark.parametrize("degrees", [-40, -20, 20, 40])
def test_a_tilted_face_is_cropped_as_the_upright_one(degrees: float) -> None:
    frame = actor()
    upright = crop(frame, FaceTracker().search(frame)[0])
    turned = tilted(frame, degrees)
    level = crop(turned, FaceTracker().search(turned)[0])
    box = FaceTracker().search(turned)[0]
    untouched = cv2.resize(
        turned[box.y : box.y + box.height, box.x : box.x + box.width], (SIDE, SIDE)
    )
    assert likeness(level, upright) > 0.85
    assert likeness(level, upright) > likeness(np.asarray(untouched, np.uint8), upright) + 0.1


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two pictures."""
    return float(np.corrcoef(a.astype(float).ravel(), b.astype(float).ravel())[0, 1])


@pytest.mark.parametrize("corner", [(0, 0), (620, 5), (635, 470), (-30, 240)])
def test_a_face_at_the_border_is_cropped_whole(corner: tuple[int, int]) -> None:
    x, y = corner
    face = crop(actor(), drawn((x, y + 4), (x + 60, y + 4), 66))
    assert face.shape == (SIDE, SIDE, 3)


# --- quality


def growing(change: Callable[[Frame, float], Frame], amounts: list[float]) -> list[float]:
    """Quality of a sure answer on ever worse pictures of one face."""
    frame = actor()
    box = FaceTracker().search(frame)[0]
    out = []
    for amount in amounts:
        worse = change(frame, amount)
        out.append(trust(measure(box, crop(worse, box)), SURE))
    return out


@pytest.mark.parametrize(
    ("change", "amounts"),
    [
        (lambda f, a: blurred(f, a) if a else f, [0, 2, 4, 8, 14]),
        (lambda f, a: dark(f, 1 / 2**a), [0, 2, 3, 4, 5, 6]),
    ],
    ids=["blur", "dark"],
)
def test_worse_pictures_are_never_better_looks(
    change: Callable[[Frame, float], Frame], amounts: list[float]
) -> None:
    values = growing(change, amounts)
    assert all(later <= earlier + 1e-6 for earlier, later in zip(values, values[1:]))  # noqa: B905, RUF007
    assert values[-1] < values[0] - 0.02


def test_the_further_it_is_turned_the_less_a_look_counts() -> None:
    """The nose moves from the middle towards an eye."""
    face = crop(actor(), FaceTracker().search(actor())[0])
    values = []
    for share in np.linspace(0, 1, 9):
        points = ((100.0, 100.0), (160.0, 100.0), (130.0 + 30 * share, 130.0), (130.0, 166.0))
        box = Box(80, 60, 100, 120, landmarks=points, score=0.85)
        values.append(trust(measure(box, face), SURE))
    assert values == sorted(values, reverse=True)
    assert values[0] > CLEAR
    assert values[-1] == 0.0


@pytest.mark.parametrize("name", WEIGHTS)
def test_each_lack_counts(name: str) -> None:
    worse = Measures(**{field: getattr(FINE, field) for field in FINE.__slots__} | {name: 0.4})
    assert trust(worse, SURE) < trust(FINE, SURE)


def test_a_doubtful_answer_is_not_clear() -> None:
    assert unclear(FINE, trust(FINE, SURE)) == ""
    doubtful = np.array([0.35, 0.02, 0.02, 0.02, 0.3, 0.02, 0.27])
    assert unclear(FINE, trust(FINE, doubtful)) == HARD_TO_READ


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (((300.0, 200.0), (305.0, 200.0), 5.5), "too far away"),
        (((300.0, 200.0), (310.0, 255.0), 60.0), "head tilted too far"),
    ],
)
def test_the_reason_is_said(
    points: tuple[tuple[float, float], tuple[float, float], float], reason: str
) -> None:
    box = drawn(*points)
    look = Look.of(1, box, crop(actor(), box), SURE.astype(np.float32))
    assert look.unclear == reason
    assert look.quality == 0.0


def test_darkness_is_said() -> None:
    box = FaceTracker().search(actor())[0]
    look = Look.of(1, box, crop(dark(actor(), 1 / 40), box), SURE.astype(np.float32))
    assert look.unclear == "too dark"
    assert look.quality == 0.0


@pytest.mark.parametrize("degrees", range(90, 140, 2))
def test_of_a_face_far_on_its_side_no_mood_is_made(degrees: float) -> None:
    frame = tilted(actor(), degrees)
    boxes = FaceTracker().search(frame)
    assert [trust(measure(box, crop(frame, box)), SURE) for box in boxes] == [0.0] * len(boxes)
    assert boxes or not 118 <= degrees <= 130, "they are found, and it is for the quality to say"


@pytest.mark.parametrize("degrees", [150, 180])
def test_a_face_upside_down_is_not_found(degrees: float) -> None:
    assert FaceTracker().search(tilted(actor(), degrees)) == []


def test_a_covered_mouth_is_noticed() -> None:
    frame = actor()
    box, free = seen(frame)
    covered = frame.copy()
    y = int(box.landmarks[2][1])
    covered[y + 4 : y + box.height, box.x : box.x + box.width] = 128
    assert free.mouth < 0.5
    assert unclear(measure(box, crop(covered, box)), 0.9) == "mouth covered"


def test_haars_boxes_have_a_quality_too() -> None:
    frame = actor()
    box = FaceTracker("haar").search(frame)[0]
    assert not box.landmarks
    assert trust(measure(box, crop(frame, box)), SURE) > CLEAR
