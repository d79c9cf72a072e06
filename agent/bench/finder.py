"""How many faces a finder finds, and how many it sees where there are none.

The command is ``moodtray bench --finder``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from agent.bench import scenes
from agent.opencv import cv2
from agent.types import Box
from agent.vision.faces import FaceTracker, FinderName

FOUND, FALSE = 0.98, 0.005
"""The marks: at least this share of faces in each hardship, at most this share of empty scenes."""
NEAR, SIZE = 0.35, 1.7
"""A face counts as found when the box's middle is within so many of its widths, and its width
within that factor."""
FINDERS: tuple[FinderName, ...] = ("blazeface", "haar")
EMPTY, EMPTY_FAST = 2000, 200


def measure(
    data: Path, fast: bool = False, tell: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Look for faces in scenes with one and in scenes without, with both finders.

    Returns ``faces``: for each hardship the share found by each finder; ``false``: for each kind of
    scene the share in which each finder saw a face; ``count`` and ``empty``: of how many; ``ms``:
    median milliseconds of processor time for a search of the whole frame. ``data``: the folder of
    london.npz. ``tell`` hears of each row. ``fast``: fewer scenes. Raises DataError, ModelError.
    """
    from agent.training.london import FACE, read_london

    cv2.setNumThreads(1)
    portraits = read_london(data).pictures[:: 6 if fast else 1]
    empty = (EMPTY_FAST if fast else EMPTY) // len(scenes.WITHOUT)
    trackers = {name: FaceTracker(name) for name in FINDERS}
    spent: dict[str, list[float]] = {name: [] for name in FINDERS}
    faces: dict[str, dict[str, float]] = {}
    for hardship in scenes.HARDSHIPS:
        right = dict.fromkeys(FINDERS, 0)
        for scene in scenes.with_face(hardship, portraits, FACE):
            for name, tracker in trackers.items():
                began = time.thread_time()
                boxes = tracker.search(scene.frame)
                spent[name].append(time.thread_time() - began)
                right[name] += any(_is_it(box, scene.face) for box in boxes)
        faces[hardship] = {name: count / len(portraits) for name, count in right.items()}
        tell(_row(hardship, faces[hardship]))
    false: dict[str, dict[str, float]] = {}
    for kind in scenes.WITHOUT:
        seen = dict.fromkeys(FINDERS, 0)
        for frame in scenes.without_face(kind, empty):
            for name, tracker in trackers.items():
                seen[name] += bool(tracker.search(frame))
        false[kind] = {name: count / empty for name, count in seen.items()}
        tell(_row(f"no face: {kind}", false[kind]))
    middle = {name: sorted(times)[len(times) // 2] * 1000 for name, times in spent.items()}
    return {
        "count": len(portraits),
        "empty": empty * len(false),
        "faces": faces,
        "false": false,
        "ms": {name: round(value, 2) for name, value in middle.items()},
        "in_use": trackers["blazeface"].finder,
    }


def _is_it(box: Box, face: Box) -> bool:
    x = box.x + box.width / 2 - face.x - face.width / 2
    y = box.y + box.height / 2 - face.y - face.height / 2
    near = max(abs(x), abs(y)) <= NEAR * face.width
    return near and 1 / SIZE <= box.width / face.width <= SIZE


def _row(name: str, shares: dict[str, float]) -> str:
    return f"{name}: " + ", ".join(f"{who} {100 * share:.1f} %" for who, share in shares.items())


def as_text(figures: dict[str, Any]) -> str:
    """Write the figures for people, each with its goal and whether it is met."""
    return "\n".join(_lines(figures))


def _lines(figures: dict[str, Any]) -> Iterator[str]:
    yield (
        f"Faces found, of {figures['count']} a row (Face Research Lab London set, DeBruine & Jones "
        "2017, CC BY 4.0)"
    )
    yield f"{'':<34} {'BlazeFace':>9} {'Haar':>9}"
    for name, shares in figures["faces"].items():
        met = "met" if shares["blazeface"] >= FOUND else "MISSED"
        yield f"{name:<34} {_percent(shares)} {met:<6} (at least {100 * FOUND:g} %)"
    yield f"Scenes without a face in which one was seen, of {figures['empty']}"
    for name, shares in figures["false"].items():
        yield f"{name:<34} {_percent(shares)}"
    kinds = figures["false"].values()
    total: dict[str, float] = {who: sum(s[who] for s in kinds) / len(kinds) for who in FINDERS}
    met = "met" if total["blazeface"] <= FALSE else "MISSED"
    yield f"{'all':<34} {_percent(total)} {met:<6} (at most {100 * FALSE:g} %)"
    ms = figures["ms"]
    yield f"{'ms for a whole frame':<34} {ms['blazeface']:>9.2f} {ms['haar']:>9.2f}"
    if figures["in_use"] != "blazeface":
        yield "BlazeFace's weights are not there: both columns are Haar's. Fetch: make setup"


def _percent(shares: dict[str, float]) -> str:
    return " ".join(f"{100 * shares[who]:>7.1f} %" for who in FINDERS)
