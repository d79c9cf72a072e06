"""The font of what is drawn: the first of the systems' plain ones that is there."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from PIL import ImageFont

_NAMES = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "segoeui.ttf", "Helvetica.ttc", "Arial.ttf")


@lru_cache(maxsize=32)
def font(points: int) -> Any:
    """Return the font at this size in pixels; Pillow's own where no system font is there."""
    for name in _NAMES:
        try:
            return ImageFont.truetype(name, points)
        except OSError:
            continue
    return ImageFont.load_default(points)
