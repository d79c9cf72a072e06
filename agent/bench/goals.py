"""What the figures are held against, and the table that people read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure's bound: ``limit`` itself, or ``limit`` times the figure ``of``."""

    limit: float
    of: str = ""
    at_least: bool = False

    def judge(self, value: float, figures: dict[str, Any]) -> tuple[str, bool] | None:
        """Compare in words, and tell whether the goal is met."""
        words = "at least" if self.at_least else "at most"
        if not self.of:
            return f"{words} {self.limit:g}", self._holds(value)
        other = figure(figures, self.of)
        if not other:
            return None
        ratio = value / other
        return f"{ratio:.3f} of {self.of}, {words} {self.limit:.3g}", self._holds(ratio)

    def _holds(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of the table, with its goal."""

    key: str
    unit: str
    words: str
    goal: Goal | None = None


ROWS = (
    Row("frame_ms.seed", "ms", "a frame to probabilities: the seed's pipeline"),
    Row("frame_ms.cold", "ms", "  ours, searching the whole frame", Goal(1 / 6, "frame_ms.seed")),
    Row("frame_ms.tracked", "ms", "  ours, following a face", Goal(1 / 15, "frame_ms.seed")),
    Row("frame_ms.int8.seed", "ms", "the same with camera.engine int8: the seed's pipeline"),
    Row("frame_ms.int8.cold", "ms", "  searching, eight bits", Goal(1 / 6, "frame_ms.int8.seed")),
    Row(
        "frame_ms.int8.tracked", "ms", "  following, eight bits", Goal(1 / 15, "frame_ms.int8.seed")
    ),
    Row("rss_mb", "MB", "resident memory, headless, all on, nobody asking", Goal(135.0)),
    Row("finder_mb", "MB", "  what its finder takes beyond Haar's", Goal(12.0)),
    Row("rss_web_mb", "MB", "  with the page open"),
    Row("rss_music_mb", "MB", "  while its own player plays, the decoder's process included"),
    Row("page.on_top_mb", "MB", "  what the page takes", Goal(35.0)),
    Row("page.first_s", "s", "page: from the click to the first one", Goal(0.7)),
    Row("page.later_ms", "ms", "  later ones", Goal(60.0)),
    Row("rss_tray_mb", "MB", "  with tray and notifications", Goal(150.0)),
    Row("cpu_percent.source", "%", "one core: decoding the 30 fps source alone"),
    Row("cpu_percent.watching", "%", "  the whole agent, decoding included", Goal(6.0)),
    Row("cpu_percent.music", "%", "  the same while its own player plays"),
    Row("cpu_percent.paused", "%", "  paused", Goal(0.5)),
    Row("cpu_percent.tray", "%", "  tray and bus when nothing changes", Goal(0.05)),
    Row("start_s.bare", "s", "start: python with the libraries it needs alone"),
    Row(
        "start_s.first_observation",
        "s",
        "  the agent to its first observation",
        Goal(3.0, "start_s.bare"),
    ),
    Row("start_s.tray_bare", "s", "start: python with pystray and those alone"),
    Row("start_s.tray_icon", "s", "  the agent to its tray icon", Goal(1.2, "start_s.tray_bare")),
    Row("stop_s.sigterm", "s", "end: from SIGTERM until it is gone", Goal(2.0)),
    Row("stop_s.hanging", "s", "  while camera and player hang", Goal(2.0)),
    Row("preview.fps", "/s", "preview: frames drawn, of 30 that come", Goal(28.0, at_least=True)),
    Row("preview.open_s", "s", "  until its window stands, when warm", Goal(1.0)),
    Row("spotify_requests_per_hour", "", "requests to Spotify, an hour of listening", Goal(225.0)),
)


def figure(figures: dict[str, Any], key: str) -> float | None:
    """Find the figure of a dotted key; None when it was not measured."""
    value: Any = figures
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return None if value is None else float(value)


def as_text(figures: dict[str, Any]) -> str:
    """Write the figures for people, each with its goal and whether it is met."""
    return "\n".join(_lines(figures))


def _lines(figures: dict[str, Any]) -> Iterator[str]:
    for row in ROWS:
        value = figure(figures, row.key)
        if value is None:
            yield f"{row.words:<50} {'-':>8} {row.unit:<3} not measured here"
            continue
        line = f"{row.words:<50} {value:>8.2f} {row.unit:<3}"
        judged = row.goal.judge(value, figures) if row.goal else None
        if judged is not None:
            words, met = judged
            line += f" {'met' if met else 'MISSED':<6} ({words})"
        yield line.rstrip()
