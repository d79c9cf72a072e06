"""The networks: faces float32 [N, 1, 48, 48], normalised, -> logits [N, heads, 7].

``seed`` is the network that the project started from, kept as a yardstick. ``moodnet`` is ours: a
plain residual net, because on a processor full 3 x 3 convolutions over few, small maps do more work
a millisecond than depthwise ones, and the stem leaves 48 x 48 at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agent.training.augment import normalise
from agent.training.data import CLASSES, Pictures


class SeedNet(nn.Module):
    """Four convolutions and two dense layers; 5.0 M parameters, most of them in the first dense."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(128, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        )  # fmt: skip
        self.head = nn.Sequential(
            nn.Dropout(0.5), nn.Linear(128 * 6 * 6, 1024), nn.ReLU(), nn.Linear(1024, CLASSES)
        )

    def logits(self, faces: Tensor) -> Tensor:
        """Map [N, 1, 48, 48] -> [N, 7]."""
        return cast(Tensor, self.head(self.features(faces).flatten(1)))

    def forward(self, faces: Tensor) -> Tensor:
        """Map [N, 1, 48, 48] -> [N, 1, 7]."""
        return self.logits(faces).unsqueeze(1)


class Block(nn.Module):
    """Two 3 x 3 convolutions around a shortcut; ``stride`` 2 halves the maps."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or before != width:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(2) if stride > 1 else nn.Identity(),
                nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width),
            )  # fmt: skip

    def forward(self, maps: Tensor) -> Tensor:
        """Compute the maps of the next layer."""
        return torch.relu(self.body(maps) + self.shortcut(maps))


class MoodNet(nn.Module):
    """A stem to 24 x 24, then stages of :class:`Block`, each at half the side of the one before.

    Two heads on the mean of what is left. The last stage, at 3 x 3, is nearly free of work.
    """

    def __init__(self, stem: int, widths: tuple[int, ...], depths: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(1, stem, 5, 2, 2, bias=False), nn.BatchNorm2d(stem), nn.ReLU(),
        ]  # fmt: skip
        before = stem
        for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            for block in range(depth):
                stride = 2 if stage > 0 and block == 0 else 1
                layers.append(Block(before, width, stride))
                before = width
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(before, 2 * CLASSES)

    def logits(self, faces: Tensor) -> Tensor:
        """Map [N, 1, 48, 48] -> [N, 14], or [N, 7] once the heads are blended."""
        mean = self.pool(self.features(faces)).flatten(1)
        return cast(Tensor, self.head(self.dropout(mean)))

    def forward(self, faces: Tensor) -> Tensor:
        """Map [N, 1, 48, 48] -> [N, 2, 7]: as ten taggers vote, as FER2013 labels."""
        return self.logits(faces).view(-1, 2, CLASSES)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "seed": SeedNet,
    "moodnet": lambda: MoodNet(32, (32, 72, 160, 160), (1, 2, 2, 1)),
}


def build(name: str) -> nn.Module:
    """Build a freshly initialised network by its name in NETWORKS."""
    return NETWORKS[name]()


@torch.no_grad()
def predict(network: nn.Module, pictures: Pictures, device: torch.device) -> NDArray[np.float32]:
    """Compute the logits [N, heads, 7] of uint8 pictures [N, 48, 48]."""
    network.eval()
    out = []
    for first in range(0, len(pictures), 512):
        part = torch.from_numpy(pictures[first : first + 512]).to(device).unsqueeze(1)
        out.append(network(normalise(part.float() / 255)).float().cpu().numpy())
    return np.concatenate(out)


def parameters(network: nn.Module) -> int:
    """Count the numbers that training may change."""
    return sum(p.numel() for p in network.parameters())


def multiply_adds(network: nn.Module, size: int = 48) -> int:
    """Count the multiply-adds of convolutions and dense layers for one face of ``size`` px."""
    total = 0

    def count(module: nn.Module, _inputs: object, output: Tensor) -> None:
        nonlocal total
        weight = cast(Tensor, module.weight)
        places = output.numel() // output.shape[1]
        total += weight.numel() * places

    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    was_training = network.training
    with torch.no_grad():
        network.eval()(torch.zeros(1, 1, size, size))
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    return total
