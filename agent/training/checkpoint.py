"""A run's folder: plan.json, log.csv, last.pt (what is needed to go on), best.pt (to export)."""

from __future__ import annotations

import csv
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from agent.training.data import DataError
from agent.training.network import build
from agent.training.team import Average, Team

COLUMNS = (
    "epoch", "step", "rate", "train_loss", "train_accuracy", "validation_loss",
    "validation_accuracy", "validation_macro_recall", "seconds",
)  # fmt: skip


def same_plan(plan: dict[str, Any], folder: Path, team: Team) -> None:
    """Keeps the plan beside the run. Raises DataError where the folder holds a run of another."""
    file = folder / "plan.json"
    if file.is_file():
        before = json.loads(file.read_text())
        given = json.loads(json.dumps(plan))  # as it would be read again: tuples become lists
        changed = [key for key, value in given.items() if before.get(key) != value]
        if changed:
            raise DataError(
                f"{folder} holds a run with other settings ({', '.join(changed)}). "
                "Give the same ones to go on, or name a new folder with --run."
            )
    elif team.rank == 0:
        file.write_text(json.dumps(plan, indent=1) + "\n")


def resume(
    folder: Path, network: nn.Module, optimiser: torch.optim.Optimizer, average: Average, team: Team
) -> tuple[int, Tensor, float, float]:
    """(next step, running sums of the epoch, least validation loss, seconds spent)."""
    file = folder / "last.pt"
    if not file.is_file():
        return 0, torch.zeros(3), math.inf, 0.0
    kept = read(file, team.device)
    network.load_state_dict(kept["network"])
    optimiser.load_state_dict(kept["optimiser"])
    average.state = kept["state"]
    if team.rank == 0:
        _forget_after(folder / "log.csv", kept["step"])
    return kept["step"], kept["sums"].cpu(), kept["best"], kept["spent"]


def read(file: Path, device: torch.device) -> dict[str, Any]:
    """A checkpoint's content. Raises DataError where there is none, or a damaged one."""
    if not file.is_file():
        raise DataError(f"There is no checkpoint {file}. Train first: moodtray train.")
    if not zipfile.is_zipfile(file):  # torch's own complaint would be about pickles
        raise DataError(f"{file} is no checkpoint, or a damaged one; delete it and train again.")
    content: dict[str, Any] = torch.load(file, map_location=device, weights_only=True)
    return content


def load(checkpoint: Path) -> tuple[str, nn.Module]:
    """(name, network with the averaged weights) of a best.pt or last.pt, else DataError."""
    kept = read(checkpoint, torch.device("cpu"))
    try:
        name = kept["plan"]["network"]
        network = build(name)
        network.load_state_dict(kept["state"])
    except (KeyError, RuntimeError) as error:
        raise DataError(
            f"{checkpoint} is no checkpoint of this version's training ({error})."
        ) from error
    return name, network.eval()


def fitting(given: dict[str, Tensor], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those tensors of ``given`` that a network of another design can take: same name and shape.

    Raises DataError where there is none: the two have nothing in common.
    """
    same = {k: v for k, v in given.items() if k in wanted and v.shape == wanted[k].shape}
    if not same:
        raise DataError("The network to begin with has no layer in common with this one.")
    return same


def _forget_after(log_file: Path, step: int) -> None:
    """A run killed after its last checkpoint may have logged an epoch that it will do again."""
    if not log_file.is_file():
        return
    head, *rows = log_file.read_text().splitlines(keepends=True)
    kept = [row for row in rows if int(float(row.split(",")[1])) <= step]
    log_file.write_text("".join([head, *kept]))


def write(content: dict[str, Any], file: Path) -> None:
    """Saves ``content`` whole or not at all."""
    part = file.with_suffix(".part")
    torch.save(content, part)
    part.replace(file)  # a run killed here keeps the checkpoint before


def log(folder: Path, row: list[float]) -> None:
    """Adds an epoch's row to log.csv."""
    file = folder / "log.csv"
    new = not file.is_file()
    with file.open("a", newline="") as out:
        writer = csv.writer(out)
        if new:
            writer.writerow(COLUMNS)
        writer.writerow([round(v, 6) for v in row])
