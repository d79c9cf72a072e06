"""What the program costs, measured: ``moodtray bench``.

Figures of different machines do not compare; their ratios do, which is why each cost is measured
beside what it is held against.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.core.cadence import requests_per_hour
from agent.errors import BadPicture
from agent.store.paths import resources_dir


def run_all(fast: bool = False, clip: Path | None = None) -> dict[str, Any]:
    """All figures; ``fast``: shorter and noisier. ``clip``: another video than the demo's.

    Raises AgentError when the clip or the model is missing or the agent does not start.
    """
    from agent.bench import frame, process

    path = clip or demo_clip()
    return {
        "frame_ms": frame.measure(path, frames=40 if fast else 150),
        **process.measure(path, seconds=10.0 if fast else 30.0, starts=3 if fast else 5),
        "spotify_requests_per_hour": requests_per_hour(),
    }


def demo_clip() -> Path:
    """The clip that comes with the program. Raises BadPicture."""
    path = resources_dir() / "demo" / "clip.mp4"
    if not path.is_file():
        raise BadPicture(f"The demo clip {path} is missing. Install Moodtray again to restore it.")
    return path


def as_text(figures: dict[str, Any]) -> str:
    """The figures for people, each with what it is held against."""
    lines: list[str] = []
    for key, unit, words in _ROWS:
        value: Any = figures
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            lines.append(f"{words:<58} {value:>9.2f} {unit}")
    frame = figures.get("frame_ms", {})
    if frame.get("seed"):
        for name, target in (("cold", "1/3"), ("tracked", "1/10")):
            words = f"{name} against the seed's (at most {target})"
            lines.append(f"{words:<58} {frame[name] / frame['seed']:>9.3f}")
    return "\n".join(lines)


_ROWS = (
    ("frame_ms.seed", "ms", "a frame to probabilities: the seed's pipeline"),
    ("frame_ms.cold", "ms", "  ours, searching the whole frame"),
    ("frame_ms.tracked", "ms", "  ours, following a face"),
    ("rss_mb", "MB", "resident memory, headless, camera open (at most 150)"),
    ("cpu_percent.source", "%", "one core, watching every 5 s: reading the source alone"),
    ("cpu_percent.watching", "%", "  the whole agent (at most 6)"),
    ("cpu_percent.paused", "%", "  paused (under 0.5)"),
    ("start_s.bare", "s", "start: python with OpenCV and ONNX Runtime alone"),
    ("start_s.first_observation", "s", "  the agent to its first observation (at most 3 x)"),
    ("spotify_requests_per_hour", "", "requests to Spotify an hour of listening (at most 225)"),
)
