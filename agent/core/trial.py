"""The settings while the user tries the program out: it looks often and acts at once. Pure."""

from __future__ import annotations

from agent.settings import Settings

INTERVAL = 1.0
"""Seconds between two looks."""
COOLDOWN = 4.0
"""Seconds between two changes: long enough to hear what began."""


def quickened(settings: Settings) -> Settings:
    """Make these settings as quick as looks allow."""
    mood = {"certainty": 0.75, "pace": 0.1}
    return settings.model_copy(
        update={
            "camera": settings.camera.model_copy(
                update={"interval": INTERVAL, "interval_on_battery": INTERVAL}
            ),
            "mood": settings.mood.model_copy(update=mood),
            "policy": settings.policy.model_copy(
                update={"timing": "now", "cooldown": COOLDOWN, "hands_off_minutes": 0.0}
            ),
        }
    )
