"""A run's folder: plan.json, log.csv, last.pt (what is needed to go on), best.pt (to export).

Plan and checkpoints are replaced whole, and half a row of the log is dropped, so that a run killed
at any moment finds what it needs to go on.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from agent.store.files import write_result
from agent.training.data import DataError, Faces
from agent.training.distributed import Average, Team
from agent.training.network import build

COLUMNS = (
    "epoch", "step", "rate", "train_loss", "train_accuracy", "validation_loss",
    "validation_accuracy", "validation_macro_recall", "seconds",
)  # fmt: skip


# --- the plan -------------------------------------------------------------------------------------


def fingerprint(faces: Faces) -> str:
    """Count the faces, and compute a checksum of their pictures and targets."""
    content = hashlib.sha256(faces.pictures.tobytes())
    content.update(faces.targets.tobytes())
    content.update(faces.weights.tobytes())
    return f"{len(faces)} faces, {content.hexdigest()[:12]}"


def keep_plan(plan: dict[str, Any], folder: Path, team: Team) -> None:
    """Keep the plan beside the run.

    Raises DataError where the folder holds a run of another: one with other settings, other faces,
    other weights to begin with or to learn from.
    """
    problem = team.from_first(lambda: _other_plan(plan, folder))
    if problem:
        raise DataError(problem)


def _other_plan(plan: dict[str, Any], folder: Path) -> str:
    """Return what keeps ``plan`` from going on in ``folder``.

    Empty: nothing does, the plan is kept.
    """
    file = folder / "plan.json"
    if not file.is_file():
        write_result(file, f"{json.dumps(plan, indent=1)}\n".encode())
        return ""
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return f"{file} is damaged. Name a new folder with --run."
    given = json.loads(json.dumps(plan))  # as it would be read again: tuples become lists
    # What the version that began the run did not know of yet is no difference.
    changed = [key for key in given if key in before and before[key] != given[key]]
    if not changed:
        return ""
    return (
        f"{folder} holds a run with other settings ({', '.join(changed)}). "
        "Give the same ones to go on, or name a new folder with --run."
    )


# --- checkpoints ----------------------------------------------------------------------------------


def resume(
    folder: Path, network: nn.Module, optimiser: torch.optim.Optimizer, average: Average, team: Team
) -> tuple[int, Tensor, float, float]:
    """Return (next step, running sums of the epoch, least validation loss, seconds spent).

    Only the first process reads; the others, which may have other disks, are told.
    """
    file = folder / "last.pt"
    kept = team.from_first(lambda: read(file) if file.is_file() else None)
    if kept is None:
        return 0, torch.zeros(SUMS), math.inf, 0.0
    network.load_state_dict(kept["network"])
    optimiser.load_state_dict(kept["optimiser"])
    average.state = {key: value.to(team.device) for key, value in kept["state"].items()}
    if team.rank == 0:
        _forget_after(folder / "log.csv", kept["step"])
    return kept["step"], kept["sums"], kept["best"], kept["spent"]


SUMS = 4
"""Length of the running sums: loss, right answers, faces, faces with a truth to be right about."""


def read(file: Path) -> dict[str, Any]:
    """Read a checkpoint's content, on the processor.

    Raises DataError where there is none, or a damaged or foreign one.
    """
    if not file.is_file():
        raise DataError(f"There is no checkpoint {file}. Train first: moodtray train.")
    if not zipfile.is_zipfile(file):  # torch's own complaint would be about pickles
        raise DataError(f"{file} is no checkpoint, or a damaged one; delete it and train again.")
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except (RuntimeError, UnpicklingError, KeyError, EOFError) as error:
        raise DataError(f"{file} is a damaged or foreign checkpoint; name another.") from error
    if not isinstance(content, dict) or not _is_state(content.get("state")):
        raise DataError(f"{file} is no checkpoint of 'moodtray train'; name a best.pt or last.pt.")
    return content


def _is_state(given: object) -> bool:
    return isinstance(given, dict) and all(isinstance(value, Tensor) for value in given.values())


def load(checkpoint: Path) -> tuple[str, nn.Module]:
    """Load (name, network with the averaged weights) of a best.pt or last.pt, else DataError."""
    kept = read(checkpoint)
    try:
        name = kept["plan"]["network"]
        network = build(name)
        network.load_state_dict(kept["state"])
    except (KeyError, TypeError, RuntimeError) as error:
        raise DataError(
            f"{checkpoint} is no checkpoint of this version's training ({error})."
        ) from error
    return name, network.eval()


def begin(network: nn.Module, file: Path) -> str:
    """Give ``network`` those weights of another run's best.pt that fit by name and shape.

    Returns how many. Raises DataError where none does: the two have nothing in common.
    """
    given, wanted = read(file)["state"], network.state_dict()
    same = {k: v for k, v in given.items() if k in wanted and v.shape == wanted[k].shape}
    if not same:
        raise DataError(f"The network of {file} has no layer in common with this one.")
    network.load_state_dict(same, strict=False)
    return f"{len(same)} of {len(wanted)} tensors begin as they were."


def write(content: dict[str, Any], file: Path) -> None:
    """Save ``content`` whole or not at all; StoreError says why not (a full disk)."""
    packed = io.BytesIO()
    torch.save(content, packed)
    write_result(file, packed.getvalue())


# --- the log --------------------------------------------------------------------------------------


def log(folder: Path, row: list[float]) -> None:
    """Add an epoch's row to log.csv."""
    file = folder / "log.csv"
    new = not file.is_file() or not file.stat().st_size
    with file.open("a", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        if new:
            writer.writerow(COLUMNS)
        writer.writerow([round(v, 6) for v in row])


def _forget_after(log_file: Path, step: int) -> None:
    """Forget the rows of log.csv after the last checkpoint.

    A run killed after it may have logged an epoch that it will do again, and one killed while it
    wrote may have left half a row.
    """
    if not log_file.is_file():
        return
    rows = list(csv.reader(log_file.read_text(encoding="utf-8").splitlines()[1:]))
    kept = [row for row in rows if len(row) == len(COLUMNS) and float(row[1]) <= step]
    lines = [",".join(row) for row in (COLUMNS, *kept)]
    write_result(log_file, "".join(f"{line}\r\n" for line in lines).encode())


def mix(own: Path, others: Sequence[tuple[Path, float]], target: Path) -> None:
    """Write a checkpoint whose weights are the mean of several of one network.

    ``others``: (file, share) each; ``own`` has what is left of 1. Networks that began from the same
    weights lie in one valley: between them the answer is often better than either's, on clean faces
    and on hidden ones (Wortsman et al. 2022, Model soups; Robust fine-tuning of zero-shot models).
    Raises DataError where the shares leave nothing, or the networks differ.
    """
    shares = [1.0 - sum(share for _, share in others), *(share for _, share in others)]
    if not all(0.0 < share < 1.0 for share in shares):  # nan, too
        raise DataError("The shares of --mix are numbers above 0, below 1 together.")
    name, first = load(own)
    states = [first.state_dict()]
    for file, _ in others:
        other, network = load(file)
        if other != name:
            raise DataError(f"{file} holds the network {other}, {own} the network {name}.")
        states.append(network.state_dict())
    mean = {
        key: sum(share * state[key] for share, state in zip(shares, states, strict=True))
        if value.is_floating_point()
        else value
        for key, value in states[0].items()
    }
    write({"plan": {"network": name}, "state": mean}, target)
