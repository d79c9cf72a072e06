"""The webcam's faults, and that training sees a face exactly as the run time does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image

from agent.training import augment
from agent.training.data import as_network_sees
from agent.vision.expression import normalise, preprocess

STEPS = [
    augment.move, augment.low_resolution, augment.blur, augment.side_light, augment.gamma,
    augment.contrast, augment.noise, augment.jpeg, augment.cover, augment.webcam,
    augment.cover_mouth, augment.cover_eyes, augment.beard,
]  # fmt: skip


@pytest.fixture
def faces() -> torch.Tensor:
    """Sixteen smooth random faces, 0..1."""
    torch.manual_seed(5)
    coarse = torch.rand(16, 1, 8, 8)
    return torch.nn.functional.interpolate(coarse, (48, 48), mode="bicubic").clamp(0, 1)


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.__name__)
def test_steps_keep_shape_and_range_and_follow_the_seed(
    step: Callable[..., torch.Tensor], faces: torch.Tensor
) -> None:
    before = faces.clone()
    torch.manual_seed(1)
    once = step(faces)
    torch.manual_seed(1)
    again = step(faces)
    torch.manual_seed(2)
    other = step(faces)
    assert once.shape == faces.shape
    assert float(once.min()) >= -1e-5
    assert float(once.max()) <= 1 + 1e-5
    torch.testing.assert_close(once, again, rtol=0, atol=0)
    assert not torch.equal(once, other) or step is augment.low_resolution
    assert float((once - faces).abs().mean()) > 1e-3
    torch.testing.assert_close(faces, before, rtol=0, atol=0)  # the caller's batch is left alone


def test_strength_zero_only_moves(faces: torch.Tensor) -> None:
    torch.manual_seed(3)
    seen = augment.webcam(faces, 0.0)
    torch.manual_seed(3)
    torch.testing.assert_close(seen, augment.move(faces))


def test_mouth_and_eyes_are_covered_and_the_rest_is_left() -> None:
    torch.manual_seed(4)
    faces = torch.rand(300, 1, 48, 48)
    masked = (augment.cover_mouth(faces) != faces).float().mean(dim=(0, 1))
    assert float(masked[:18].max()) == 0.0  # brows and eyes
    assert float(masked[36:40, 12:36].min()) > 0.9  # the mouth
    worn = (augment.cover_eyes(faces) != faces).float().mean(dim=(0, 1))
    assert float(worn[17:20, 14].min()) > 0.9  # an eye
    assert float(worn[28:].max()) == 0.0
    assert float(worn[:9].max()) == 0.0


def test_gamma_reaches_both_ends(faces: torch.Tensor) -> None:
    torch.manual_seed(0)
    grey = torch.full((4000, 1, 2, 2), 0.5)
    exponents = torch.log(augment.gamma(grey)[:, 0, 0, 0]) / np.log(0.5)
    assert 0.29 < float(exponents.min()) < 0.35
    assert 2.7 < float(exponents.max()) < 3.02


def test_moving_keeps_the_face_in_the_picture() -> None:
    """A bright blob in the middle stays inside: a detector's jitter, no lost faces."""
    torch.manual_seed(0)
    blob = torch.zeros(200, 1, 48, 48)
    blob[:, :, 20:28, 20:28] = 1
    sums = augment.move(blob).sum(dim=(1, 2, 3))
    assert float(sums.min()) > 25  # of 64, at the largest stretch


def weights(before: int, after: int) -> np.ndarray:
    """[after, before]: what each old pixel gives to each new one, by the definition of the area
    mean (shrinking by a whole number) or of bilinear interpolation between pixels' middles."""
    table = np.zeros((after, before))
    if before % after == 0:
        table[np.arange(before) // (before // after), np.arange(before)] = after / before
        return table
    for row in range(after):
        at = np.clip((row + 0.5) * before / after - 0.5, 0, before - 1)
        left = int(at)
        table[row, left] += 1 - (at - left)
        table[row, min(left + 1, before - 1)] += at - left
    return table


def as_defined(face: np.ndarray) -> np.ndarray:
    """A face as 48 x 48 grey, float, by plain sums: ITU-R BT.601 grey, then :func:`weights`."""
    grey = face @ np.array([0.114, 0.587, 0.299]) if face.ndim == 3 else face.astype(float)
    return np.asarray(weights(grey.shape[0], 48) @ grey @ weights(grey.shape[1], 48).T)


@pytest.mark.parametrize(
    "shape",
    [
        (48, 48), (48, 48, 3), (96, 96), (96, 96, 3), (480, 480, 3), (144, 144),
        (24, 24), (30, 31, 3), (72, 72), (60, 90, 3),
    ],
    ids=str,
)  # fmt: skip
def test_training_and_run_time_see_the_grey_levels_that_are_defined(shape: tuple[int, ...]) -> None:
    """Noise, the hardest picture: whole factors are area means, below twice the size it is
    bilinear. Grey faces are right to a level; colour is rounded once more, to grey, on the way."""
    face = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    seen, trained = preprocess(face), as_network_sees(face)
    assert seen.shape == trained.shape == (48, 48)
    level = 1.0 if len(shape) == 2 else 1.25
    assert np.abs(seen - as_defined(face)).max() <= level
    assert np.abs(trained - as_defined(face)).max() <= level
    there = augment.normalise(torch.from_numpy(trained).float()[None, None] / 255).numpy()
    np.testing.assert_allclose(there, normalise(seen[None]), atol=1e-6)
    np.testing.assert_allclose(there[0, 0], (seen / 255 - 0.5) / 0.5, atol=1e-6)


@pytest.mark.parametrize("shape", [(130, 131), (400, 380), (211, 333), (1000, 700)], ids=str)
def test_odd_sizes_are_seen_as_another_library_shrinks_them(shape: tuple[int, int]) -> None:
    """Between whole factors the way is our own (area, then bilinear): a smooth face stays within
    two levels of Pillow's antialiased bilinear, and noise is averaged away as a mean would."""
    coarse = np.random.default_rng(1).integers(0, 256, (6, 6, 3), np.uint8)
    smooth = Image.fromarray(coarse, "RGB").resize(shape[::-1], Image.Resampling.BICUBIC)
    wanted = smooth.convert("L").resize((48, 48), Image.Resampling.BILINEAR)
    seen = preprocess(np.ascontiguousarray(np.asarray(smooth)[:, :, ::-1]))
    assert np.abs(seen - np.asarray(wanted, float)).max() <= 2
    noise = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
    one_pixel = 256 / np.sqrt(12)
    assert preprocess(noise).std() < 1.1 * one_pixel * 48 / np.sqrt(shape[0] * shape[1])
