"""The shipped loops: seven, small, decodable by the player's own decoder, seamless, unclipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from agent.types import EMOTIONS

SOUNDS = Path(__file__).parents[2] / "resources" / "sounds"


def _decode(name: str) -> tuple[np.ndarray, int]:
    """Samples [N, channels] in -1..1 and the rate, as the local player's decoder gives them."""
    samples, rate = soundfile.read(str(SOUNDS / f"{name}.ogg"), dtype="float32", always_2d=True)
    return samples, rate


def test_one_loop_per_emotion_and_under_three_megabytes() -> None:
    files = sorted(path.stem for path in SOUNDS.glob("*.ogg"))
    assert files == sorted(str(emotion) for emotion in EMOTIONS)
    assert sum(path.stat().st_size for path in SOUNDS.glob("*.ogg")) < 3_000_000


@pytest.mark.parametrize("name", [str(emotion) for emotion in EMOTIONS])
def test_loop_is_stereo_of_a_fair_length_and_level(name: str) -> None:
    samples, rate = _decode(name)
    assert samples.shape[1] == 2
    assert 18 <= len(samples) / rate <= 32
    assert np.abs(samples).max() < 0.9, "no sample may come near clipping"
    level = 20 * np.log10(np.sqrt((samples**2).mean()))
    assert -22 < level < -16, "all loops sound equally loud"
    # no second of the loop is silent
    seconds = samples[: len(samples) // rate * rate].reshape(-1, rate * 2)
    assert (np.sqrt((seconds**2).mean(axis=1)) > 0.01).all()


@pytest.mark.parametrize("name", [str(emotion) for emotion in EMOTIONS])
def test_the_seam_cannot_be_told_from_the_rest(name: str) -> None:
    samples, rate = _decode(name)
    ring = np.concatenate([samples, samples[:rate]])
    # steps in value and in slope at the seam, against those that the music itself makes
    for order in (1, 2):
        steps = np.abs(np.diff(samples, n=order, axis=0)).max(axis=1)
        seam = np.abs(np.diff(ring[len(samples) - order : len(samples) + order], n=order, axis=0))
        assert seam.max() <= np.quantile(steps, 0.999)
    # and no hole or burst there
    part = rate // 20
    before = np.sqrt((samples[-part:] ** 2).mean())
    after = np.sqrt((samples[:part] ** 2).mean())
    assert 0.2 < after / before < 8
