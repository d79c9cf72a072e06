"""What ``moodtray evaluate`` keeps.

Metrics.json, front.json and the card beside the shipped model, and of which model each figure is
that not every run draws.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agent.store.files import write_result
from agent.training.data import DataError
from agent.training.evaluate import DESCRIBED, PACKED
from agent.training.model_card import refresh
from agent.training.paths import check_files
from agent.vision.model_file import read_card

METRICS, FRONT, FACES, CARD = "metrics.json", "front.json", "faces.json", "MODEL_CARD.md"
DRAWN = "drawn.json"
"""In a folder of figures: the checksum of the model that each of :data:`RENEWED_BY` is of."""
RENEWED_BY = {"learning-curves.png": "--run RUN", "front.png": "--rival NAME=FILE.onnx"}


def check_shipped(model: Path, folder: Path) -> None:
    """Check that all figures of the shipped ``model`` can be measured and kept.

    Raises DataError or ModelError that says what is missing; asked before anything is measured.
    """
    instead = f"To measure it without keeping the figures: --model {model}"
    if not os.access(model.parent, os.W_OK):
        raise DataError(
            f"The figures of the shipped model are kept in {model.parent}, which cannot be "
            f"written. {instead}"
        )
    check_files([model.parent / name for name in (METRICS, FRONT, FACES, CARD)])
    if not (model.parent / CARD).is_file():
        raise DataError(
            f"There is no {model.parent / CARD}, which shows the figures of the shipped model. "
            f"{instead}"
        )
    missing = [name for name in PACKED if not (folder / name).is_file()]
    if missing:
        raise DataError(
            f"There is no {' and no '.join(missing)} in {folder}: the figures that are kept of the "
            f"shipped model need all test sets. {instead}"
        )
    _read(model.parent / FRONT)
    _read(model.parent / FACES)
    sidecar = model.with_suffix(".json")
    read_card(sidecar)
    meta = json.loads(sidecar.read_text(encoding="utf-8"))
    absent = [key for key in DESCRIBED if key not in meta]
    if absent:
        raise DataError(
            f"{sidecar} lacks {', '.join(absent)}, which the card shows. Export the model anew. "
            f"{instead}"
        )


def keep(
    models: Path,
    result: dict[str, Any],
    front: dict[str, Any] | None,
    faces: dict[str, Any] | None = None,
) -> None:
    """Write metrics.json; front.json where rivals were measured, faces.json where portraits were.

    All of them, or what is kept of an earlier run, go into the card.
    """
    kept = []
    for name, new in ((FRONT, front), (FACES, faces)):
        if new is not None:
            _write(models / name, new)
        kept.append(new or _read(models / name) or None)
    _write(models / METRICS, result)
    refresh(models / CARD, result, *kept)


def earlier_figures(figures: Path, model: str, drawn: Iterable[str]) -> list[str]:
    """Name those figures in ``figures`` that are of another model than ``model`` (a checksum).

    A line each, and how to renew them. ``drawn`` are the names of those that were drawn of it just
    now; which model they are of is kept beside them, in drawn.json.
    """
    # A folder of figures that has no drawn.json yet may lie beside a front.json, which also says.
    before = _read(figures.parent / FRONT).get("sha256")
    known = {"front.png": before, **_read(figures / DRAWN)}
    now = dict.fromkeys(drawn, model)
    if now:
        _write(figures / DRAWN, {**_read(figures / DRAWN), **now})
    return [
        f"{figures / name} {'is' if known.get(name) else 'may be'} of another model; "
        f"renew it with {option}"
        for name, option in RENEWED_BY.items()
        if name not in now and (figures / name).is_file() and known.get(name) != model
    ]


def _read(file: Path) -> dict[str, Any]:
    """Read the JSON object in ``file``; empty where there is none."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError as error:
        raise DataError(f"{file} is damaged ({error}). Delete it and evaluate again.") from error
    if not isinstance(content, dict):
        raise DataError(f"{file} is damaged (no JSON object). Delete it and evaluate again.")
    return content


def _write(file: Path, content: dict[str, Any]) -> None:
    write_result(file, f"{json.dumps(content, indent=1)}\n".encode())
