"""Trains the recurrent rival on simulated sittings, for ``evaluate --streams --recurrent``.

Sittings come from worlds whose constants are all varied; the looks of each are some 1 to 8 s apart.
The loss is the cross-entropy of the true mood of every look at which somebody is there. A run goes
on from its checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from agent.training.paths import whole
from agent.training.recurrent_rule import HIDDEN, INPUTS, features
from agent.training.simulation import CLASSES, Answers, simulate, varied
from agent.training.streams import Recording

POOL, WORLDS, BATCH, LOOKS, RATE = 1500, 300, 48, 640, 4e-3
Arrays = tuple[NDArray[np.float32], NDArray[np.int64]]


class Gru(nn.Module):
    """INPUTS -> HIDDEN -> seven moods."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(INPUTS, HIDDEN, batch_first=True)
        self.out = nn.Linear(HIDDEN, CLASSES)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Compute the probabilities of the moods."""
        hidden, _ = self.gru(inputs)
        out: torch.Tensor = self.out(hidden)
        return out


def looks_of(recording: Recording, rng: np.random.Generator, count: int) -> Arrays:
    """Return the first ``count`` looks of a sitting.

    Inputs [count, INPUTS], truths [count] (-1 where nobody is there or the sitting is over).
    """
    every = np.exp(rng.uniform(np.log(1.0), np.log(8.0)))
    gaps = np.maximum(1, np.round(every * np.exp(rng.normal(0, 0.3, count)))).astype(np.int64)
    rows = np.cumsum(gaps) - gaps[0]
    if rows[-1] < len(recording.time):  # begin anywhere: not all first minutes are alike
        rows += int(rng.integers(0, len(recording.time) - rows[-1]))
    inside = rows < len(recording.time)
    rows = np.minimum(rows, len(recording.time) - 1)
    seen = recording.probabilities[rows]
    before = np.full_like(seen, np.nan)
    last = np.full(CLASSES, np.nan)
    for place, row in enumerate(seen):
        before[place] = last
        if not np.isnan(row[0]):
            last = row
    inputs = features(seen, recording.quality[rows], np.r_[0.0, np.diff(rows)], before)
    return inputs, np.where(inside, recording.truth[rows], -1)


def train(
    answers: Answers, run: Path, target: Path, steps: int, seed: int, tell: Callable[[str], None]
) -> float:
    """Train up to ``steps`` steps, write the weights to ``target``; the last mean loss, in nats."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    network = Gru()
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    worlds = varied(WORLDS, seed)
    begun, mean = 0, 0.0
    run.mkdir(parents=True, exist_ok=True)
    kept = run / "last.pt"
    if kept.is_file():
        state = torch.load(kept, weights_only=True)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        begun, mean = state["step"], state["loss"]
    pool = [simulate(answers, 1000 * seed + n, 1, worlds=worlds) for n in range(POOL)]
    for step in range(begun, steps):
        rng = np.random.default_rng([seed, step])
        for group in optimiser.param_groups:
            group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / steps)) + 1e-5
        chosen = [looks_of(pool[i], rng, LOOKS) for i in rng.integers(0, len(pool), BATCH)]
        inputs = torch.from_numpy(np.stack([inputs for inputs, _ in chosen]))
        truths = torch.from_numpy(np.stack([truths for _, truths in chosen]))
        loss = nn.functional.cross_entropy(
            network(inputs).flatten(0, 1), truths.flatten(), ignore_index=-1
        )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        mean = float(loss.detach()) if mean == 0.0 else 0.98 * mean + 0.02 * float(loss.detach())
        if step % 100 == 99 or step + 1 == steps:
            tell(f"step {step + 1} of {steps}: loss {mean:.3f}")
            state = {
                "network": network.state_dict(), "optimiser": optimiser.state_dict(),
                "step": step + 1, "loss": mean,
            }  # fmt: skip
            with whole(kept) as part:
                torch.save(state, part)
            _write(network, target)
    return mean


def _write(network: Gru, target: Path) -> None:
    names = {
        "weight_ih": "gru.weight_ih_l0", "weight_hh": "gru.weight_hh_l0",
        "bias_ih": "gru.bias_ih_l0", "bias_hh": "gru.bias_hh_l0",
        "out_weight": "out.weight", "out_bias": "out.bias",
    }  # fmt: skip
    state = network.state_dict()
    arrays = {name: state[key].numpy() for name, key in names.items()}
    with whole(target) as part, part.open("wb") as file:
        np.savez(file, **arrays)
