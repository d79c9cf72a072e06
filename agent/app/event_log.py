"""What is seen, decided and played, one JSON-ready line each: for ``--json`` and for the demo.

``{"t": seconds, "event": "observation" | "mood" | "decision" | "playback" | "notification", ...}``;
``t`` counts from the program's start.
"""

from __future__ import annotations

from typing import Any, assert_never

from agent.effects import Notification
from agent.types import EMOTIONS, Decision, Mood, Observation, Playback


def line(item: Observation | Mood | Decision | Playback | Notification, t: float) -> dict[str, Any]:
    """Make the line about one thing that happened ``t`` seconds after the start."""
    return {"t": round(t, 3), **_body(item)}


def _body(item: Observation | Mood | Decision | Playback | Notification) -> dict[str, Any]:
    match item:
        case Observation():
            seen = item.probabilities
            return {
                "event": "observation",
                "faces": item.faces,
                "probabilities": None if seen is None else probabilities(seen),
                "quality": round(item.quality, 3),
            }
        case Mood():
            return {
                "event": "mood",
                "state": str(item.state),
                "confidence": round(item.confidence, 3),
                "by_hand": item.by_hand,
            }
        case Decision():
            return {
                "event": "decision",
                "action": str(item.action),
                "mood": str(item.mood),
                "playlist": item.playlist.uri if item.playlist else None,
                "playlist_name": item.playlist.name if item.playlist else None,
                "reason": item.reason,
            }
        case Playback():
            return {
                "event": "playback",
                "state": str(item.state),
                "context": item.context,
                "context_name": item.context_name,
                "title": item.title,
                "chosen_by": str(item.chosen_by),
                "device": item.device,
            }
        case Notification():
            return {
                "event": "notification",
                "kind": str(item.kind),
                "title": item.title,
                "body": item.body,
            }
        case _:
            assert_never(item)


def probabilities(seven: tuple[float, ...]) -> dict[str, float]:
    """Show seven probabilities by name, to three places."""
    return {name: round(p, 3) for name, p in zip(EMOTIONS, seven, strict=True)}
