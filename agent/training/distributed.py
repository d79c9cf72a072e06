"""What a run needs around its loop: the processes, the averaged weights, a graceful stop."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from agent.training.data import DataError

T = TypeVar("T")


@dataclass
class Team:
    """The processes that train together; alone outside torchrun."""

    rank: int
    size: int
    device: torch.device

    @classmethod
    def join(cls) -> Team:
        """Read torchrun's variables; one accelerator a process where there is one."""
        size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
        cuda = torch.cuda.is_available()
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if cuda else None
        if device is not None:
            torch.cuda.set_device(device)
            torch.backends.cudnn.deterministic = True  # the fastest kernels add up in any order
        if size > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if cuda else "gloo")
        return cls(rank, size, device or torch.device("cpu"))

    def total(self, numbers: Tensor) -> Tensor:
        """Compute the sum over all processes."""
        if self.size == 1:
            return numbers
        there = numbers.to(self.device)
        dist.all_reduce(there)
        return there.cpu()

    def any(self, wish: bool) -> bool:
        """Tell whether at least one process wishes it."""
        return wish if self.size == 1 else bool(self.total(torch.tensor([float(wish)])) > 0)

    def from_first(self, make: Callable[[], T]) -> T:
        """Return what ``make`` gives the first process, told to all.

        Only that one needs the run's folder. What it raises, all raise.
        """
        if self.size == 1:
            return make()
        told: list[Any] = [None, None]
        if self.rank == 0:
            try:
                told = [make(), None]
            except DataError as error:
                told = [None, error.message]
        dist.broadcast_object_list(told, src=0)
        if told[1] is not None:
            raise DataError(told[1])
        return cast(T, told[0])

    def leave(self) -> None:
        """Leave the run, which is over; nobody waits for this process any more."""
        if self.size > 1:
            dist.destroy_process_group()


class Average:
    """An exponential mean of the weights; what is measured and exported."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after step ``step``."""
        # The first steps count little: an untrained network is no memory worth keeping.
        decay = min(self.decay, (1 + step) / (10 + step)) if self.decay else 0.0
        for key, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[key].lerp_(value, 1 - decay)
            else:
                self.state[key].copy_(value)


class Stopper:
    """Turns SIGTERM and Ctrl-C into a wish that the loop grants after the step."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> None:
        self._before = {s: signal.signal(s, self._ask) for s in (signal.SIGTERM, signal.SIGINT)}

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
