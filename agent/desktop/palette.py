"""The colours of the seven emotions and the states beside them: one palette for tray and preview.

Plain numbers, no drawing. The hues keep apart for the common forms of colour blindness as far as
seven hues can; nothing relies on them alone, every state has a shape of its own.
"""

from __future__ import annotations

from typing import TypeAlias

from agent.types import MoodState

RGB: TypeAlias = tuple[int, int, int]

INK: RGB = (32, 33, 44)
"""Dark ink: features of a face, panels of the preview."""
PAPER: RGB = (250, 250, 252)
SLATE: RGB = (106, 114, 134)
"""Not watching."""
MIST: RGB = (150, 158, 178)
"""The same on dark panels, where slate is hard to see."""
AMBER: RGB = (242, 153, 42)
"""The user is needed."""
RED: RGB = (214, 52, 71)
GREEN: RGB = (52, 199, 89)
"""The camera is in use."""
VIOLET: RGB = (139, 124, 190)

MOOD_COLOURS: dict[MoodState, RGB] = {
    MoodState.ANGRY: (236, 84, 76),
    MoodState.DISGUST: (134, 186, 71),
    MoodState.FEAR: (164, 120, 222),
    MoodState.HAPPY: (255, 200, 46),
    MoodState.SAD: (82, 146, 240),
    MoodState.SURPRISE: (255, 146, 66),
    MoodState.NEUTRAL: (92, 194, 186),
    MoodState.UNSURE: VIOLET,
    MoodState.AWAY: SLATE,
}
