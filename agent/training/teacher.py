"""Distillation: trained networks whose answers a student learns from, beside the labels.

The soft answer of several networks, each shown the face and its mirror image, knows more than the
few votes of a face (Hinton et al. 2015, Distilling the Knowledge in a Neural Network). The teachers
see the very faces that the student sees, faults and all, and so teach what can still be known of
them (Beyer et al. 2022, Knowledge distillation: a good teacher is patient and consistent).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from agent.training import augment, checkpoint
from agent.training.data import SIZE, DataError


class Teachers:
    """Networks of any design in NETWORKS, read from their best.pt; their mean answer counts.

    Raises DataError where a file is no checkpoint, or its network has one head only.
    """

    def __init__(self, files: Sequence[Path], device: torch.device) -> None:
        self._networks: list[nn.Module] = []
        for file in files:
            network = checkpoint.load(file)[1].requires_grad_(False)
            if network(torch.zeros(1, 1, SIZE, SIZE)).shape[1] != 2:
                raise DataError(f"{file} cannot teach: its network has one head, two are taught.")
            self._networks.append(network.to(device))

    @torch.no_grad()
    def answer(self, faces: Tensor) -> Tensor:
        """Faces [N, 1, 48, 48] in 0..1 -> distributions [N, 2, 7], one for each head."""
        shown = augment.normalise(torch.cat([faces, faces.flip(3)]))
        total = torch.zeros((), device=faces.device)
        for network in self._networks:
            both_ways = torch.stack(network(shown).float().chunk(2))
            total = total + both_ways.mean(dim=0).softmax(dim=2)
        return total / len(self._networks)

    def blend(self, faces: Tensor, targets: Tensor, share: float) -> Tensor:
        """``targets`` [N, 2, 7] with ``share`` of them replaced by what the teachers answer. Faces
        without a target keep none: their weight is 0."""
        return torch.lerp(targets, self.answer(faces), share)
