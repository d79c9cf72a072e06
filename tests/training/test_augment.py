"""The webcam's faults, and that training sees a face exactly as the run time does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agent.training import augment
from agent.training.data import as_network_sees
from agent.vision.expression import normalise, preprocess

STEPS = [
    augment.move, augment.low_resolution, augment.blur, augment.side_light, augment.gamma,
    augment.contrast, augment.noise, augment.jpeg, augment.cover, augment.webcam,
]  # fmt: skip


@pytest.fixture
def faces() -> torch.Tensor:
    """Sixteen smooth random faces, 0..1."""
    torch.manual_seed(5)
    coarse = torch.rand(16, 1, 8, 8)
    return torch.nn.functional.interpolate(coarse, (48, 48), mode="bicubic").clamp(0, 1)


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.__name__)
def test_steps_keep_shape_and_range_and_follow_the_seed(step, faces: torch.Tensor) -> None:
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


def test_training_and_run_time_see_the_same_grey_levels() -> None:
    rng = np.random.default_rng(0)
    for shape in ((48, 48), (72, 72), (130, 131, 3), (30, 30), (400, 380, 3)):
        face = rng.integers(0, 256, shape, np.uint8)
        trained = as_network_sees(face)
        seen = preprocess(face)
        assert trained.shape == (48, 48)
        assert np.abs(trained.astype(int) - seen.astype(int)).max() <= 1
        there = augment.normalise(torch.from_numpy(trained).float()[None, None] / 255).numpy()
        np.testing.assert_allclose(there, normalise(seen[None]), atol=1e-6)
