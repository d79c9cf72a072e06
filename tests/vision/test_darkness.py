"""A frame in which nobody is found may be too dark to show somebody."""

from __future__ import annotations

import numpy as np
import pytest

from agent.types import Frame
from agent.vision.burst import Burst, Look


def room(level: int) -> Frame:
    return np.full((48, 64, 3), level, np.uint8)


@pytest.mark.parametrize(
    ("levels", "why"),
    [
        ((5, 5, 5), "too dark to see"),
        ((5, 5, 90), "too dark to see"),
        ((5, 90, 90), ""),
        ((90,), ""),
    ],
)
def test_nobody_in_the_dark_is_told_from_nobody(levels: tuple[int, ...], why: str) -> None:
    burst = Burst([Look.of_nobody(room(level)) for level in levels])
    seen = burst.observation(1.0)
    assert (seen.faces, seen.probabilities, seen.unclear) == (0, None, why)
