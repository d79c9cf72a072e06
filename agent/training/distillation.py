"""Distillation: trained networks whose answers a student learns from, beside the labels.

The soft answer of several networks, each shown the face and its mirror image, knows more than the
few votes of a face (Hinton et al. 2015, Distilling the Knowledge in a Neural Network). Teachers see
every face once and clean, the student sees it with a webcam's faults (Xie et al. 2020,
Self-training with Noisy Student), so that fifty epochs cost their teachers one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from agent.training import checkpoint, data
from agent.training.distributed import Team
from agent.training.network import predict


def load(files: Sequence[Path]) -> list[nn.Module]:
    """Load the networks of ``files``: best.pt of runs, of any design in NETWORKS with two heads.

    Raises DataError where a file is no checkpoint, or its network has one head only.
    """
    networks = []
    for file in files:
        network = checkpoint.load(file)[1]
        if predict(network, _BLANK, torch.device("cpu")).shape[1] != 2:
            raise data.DataError(f"{file} cannot teach: its network has one head, two are taught.")
        networks.append(network)
    return networks


_BLANK = np.zeros((1, data.SIZE, data.SIZE), np.uint8)


def answers(
    networks: Sequence[nn.Module], pictures: data.Pictures, device: torch.device
) -> NDArray[np.float32]:
    """Return what the networks hold for the truth of uint8 pictures [N, 48, 48].

    Distributions [N, 2, 7], one for each head, their mean over all networks.
    """
    total = np.zeros((len(pictures), 2, data.CLASSES), np.float32)
    mirrored = np.ascontiguousarray(pictures[:, :, ::-1])
    for network in networks:
        there = network.to(device)
        logits = predict(there, pictures, device) + predict(there, mirrored, device)
        total += torch.from_numpy(logits / 2).softmax(dim=2).numpy()
    total /= len(networks)
    return total


def taught(
    faces: data.Faces, networks: Sequence[nn.Module], share: float, team: Team
) -> data.Faces:
    """Return ``faces`` with ``share`` of their targets replaced by what the teachers answer.

    Without teachers, as they are. Where a target has no weight it gets none: its head learns as
    before. Each process of the team asks for its part of the faces.
    """
    if not networks:
        return faces
    part = slice(team.rank, None, team.size)
    said = torch.zeros(faces.targets.shape)
    said[part] = torch.from_numpy(answers(networks, faces.pictures[part], team.device))
    told = (1 - share) * faces.targets + share * team.total(said).numpy()
    return dataclasses.replace(faces, targets=told.astype(np.float32))
