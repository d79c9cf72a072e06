"""What the tests of training runs share."""

from __future__ import annotations

from pathlib import Path

import torch

from agent.training import data
from agent.training.train import Plan

Parts = tuple[data.Faces, data.Faces]
CPU = torch.device("cpu")
TINY = Plan(epochs=3, batch=16, rate=0.02, average=0.5)


def weights(folder: Path, part: str = "network") -> dict[str, torch.Tensor]:
    """A run's last weights."""
    state: dict[str, torch.Tensor] = torch.load(folder / "last.pt", weights_only=True)[part]
    return state
