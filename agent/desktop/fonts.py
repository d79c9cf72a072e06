"""The font of what is drawn: the first of the systems' plain ones that is there."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import ImageFont

_NAMES = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "segoeui.ttf", "Helvetica.ttc", "Arial.ttf")


@lru_cache(maxsize=32)
def font(points: int) -> Any:
    """Return the font at this size in pixels; Pillow's own where no system font is there."""
    for name in _NAMES:
        try:
            # Pillow goes by the last part of what is not there; a mere name it would look for in
            # the folder that Moodtray was started in, where another user may have put one.
            return ImageFont.truetype(Path(__file__).with_name(name), points)
        except OSError:
            continue
    return ImageFont.load_default(points)
