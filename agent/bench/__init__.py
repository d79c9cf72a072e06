"""What the program costs, measured: ``moodtray bench``.

Figures of different machines do not compare; their ratios do, which is why each cost is measured
beside what it is held against.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from agent.bench.goals import as_text
from agent.errors import BadPicture, ModelError
from agent.players.polling import requests_per_hour
from agent.store.paths import resources_dir

__all__ = ["as_text", "demo_clip", "run_all"]


def run_all(fast: bool = False, clip: Path | None = None) -> dict[str, Any]:
    """Measure all figures; ``fast``: shorter and noisier.

    ``clip``: another video than the demo's. What cannot be measured here (no PyTorch, no display)
    is None.

    Raises AgentError when the clip or the model is missing or the agent does not start.
    """
    from agent.bench import frame, process, screen
    from agent.vision.expression import ExpressionClassifier

    path = clip or demo_clip()
    starts, frames = (2, 40) if fast else (5, 100)
    figures: dict[str, Any] = {
        "frame_ms": frame.measure(path, frames),
        **process.measure(path, seconds=10.0 if fast else 25.0, starts=starts),
        "preview": screen.preview(path, seconds=3.0 if fast else 10.0),
        "spotify_requests_per_hour": requests_per_hour(),
    }
    with suppress(ModelError):  # without the extra int8
        eight_bit = frame.measure(path, frames, ExpressionClassifier.load(engine="int8"))
        figures["frame_ms"] = {**figures["frame_ms"], "int8": eight_bit}
    tray = screen.tray(path, starts, seconds=10.0 if fast else 60.0)
    figures["start_s"] |= {"tray_bare": tray.bare, "tray_icon": tray.icon}
    figures["rss_tray_mb"] = tray.rss_mb
    figures["cpu_percent"]["tray"] = tray.idle_percent
    return figures


def demo_clip() -> Path:
    """Find the clip that comes with the program. Raises BadPicture."""
    path = resources_dir() / "demo" / "clip.mp4"
    if not path.is_file():
        raise BadPicture(f"The demo clip {path} is missing. Install Moodtray again to restore it.")
    return path
