"""Training, from top to bottom: settings, the step, the loop, the checkpoint.

One code path for a processor, an accelerator and several of either: under ``torchrun`` each process
takes its share of every batch and the gradients are averaged. All randomness of step k is seeded by
(seed, k), so a run that is killed and goes on from its checkpoint ends as the unbroken one would.
"""

from __future__ import annotations

import hashlib
import math
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from agent.printable import printable_lines
from agent.training import augment, checkpoint, data, distillation
from agent.training.distributed import Average, Stopper, Team
from agent.training.network import build, predict
from agent.training.progress import Progress


@dataclass(frozen=True)
class Plan:
    """Everything that decides how a run goes; it is kept in the run's folder."""

    network: str = "moodnet"
    epochs: int = 48
    batch: int = 128  # faces a step, over all processes
    optimiser: str = "sgd"  # or "adam", with which the seed was trained
    rate: float = 0.08  # highest learning rate of the one cycle
    cycle: bool = True  # the rate rises and falls once; False: it stays as it is
    warm_up: float = 0.08  # share of the run in which the rate rises
    clip: float = 5.0  # longest gradient that is followed in full; 0: any
    decay: float = 5e-4  # weight decay of the convolutions and dense layers
    votes: bool = True  # learn how taggers voted; False: the one label that most would give
    label_share: float = 0.5  # weight of the second head, FER2013's own label
    mixup: float = 0.2  # parameter of the beta distribution; 0: none
    mixup_share: float = 0.05  # share of steps that mix
    calm: float = 0.2  # last share of the run: no mixing, half the webcam's faults
    average: float = 0.998  # decay a step of the averaged weights; 0: none
    balance: float = 0.25  # classes are drawn with frequency ** (1 - balance)
    augmented: float = 0.5  # strength of the webcam's faults; 0: faces as they are
    supplement: bool = True  # train on muxspace too
    small_first: bool = True  # from fresh weights: the first third on smaller, faster pictures
    channels_last: bool = True  # the layout that residual nets are fastest in on a processor
    validation: float = 0.1  # share of the twin groups held back
    seed: int = 7
    begin_from: str = ""  # best.pt of another run: its weights, where they fit, to begin with
    teachers: tuple[str, ...] = ()  # best.pt of trained networks to learn from beside the labels
    teachers_share: float = 0.5  # how much of the target is the teachers'


SEED_PLAN = Plan(
    network="seed", epochs=12, optimiser="adam", rate=1e-3, cycle=False, clip=0.0, decay=0.0,
    votes=False, label_share=0.0, mixup=0.0, average=0.0, balance=0.0, augmented=0.0,
    supplement=False, small_first=False, channels_last=False,
)  # fmt: skip
"""The seed as its paper describes it: cross-entropy on one label a face, the faces as they are,
Adam at its usual rate; nothing against overfitting but the dropout of the network."""


SAVE_EVERY = 100
"""Steps between two checkpoints: what a power cut can cost."""


class Stop(Exception):
    """SIGTERM or Ctrl-C; the checkpoint has been written."""


def train(
    plan: Plan,
    training: data.Faces,
    validation: data.Faces,
    folder: Path,
    *,
    quiet: bool = False,
    stop_after: int | None = None,
) -> Path:
    """Train, or go on where ``folder`` stops; returns the path of the last checkpoint.

    ``folder`` receives plan.json, log.csv, last.pt (all that is needed to go on) and best.pt (the
    averaged weights of the epoch with the least loss on validation). ``stop_after`` ends the run
    after so many steps as if it had been killed. Raises DataError where ``folder`` holds a run of
    another plan.
    """
    team = Team.join()
    torch.manual_seed(plan.seed)
    network = build(plan.network)
    begun = checkpoint.begin(network, Path(plan.begin_from)) if plan.begin_from else ""
    teachers = distillation.load([Path(file) for file in plan.teachers])
    checkpoint.keep_plan(_identity(plan, training, validation), folder, team)  # all was read
    if begun and team.rank == 0 and not quiet:
        print(printable_lines(begun))
    network = network.to(team.device)
    if plan.channels_last:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if not plan.votes:
        training = data.single_label(training)
    training = distillation.taught(training, teachers, plan.teachers_share, team)
    wrapped = nn.parallel.DistributedDataParallel(network) if team.size > 1 else network
    optimiser = _optimiser(plan, network)
    average = Average(network, plan.average)
    per_epoch = max(len(training) // plan.batch, 1)  # a rest too small for a batch waits
    steps = per_epoch * plan.epochs
    start, sums, best, spent = checkpoint.resume(folder, network, optimiser, average, team)
    progress = Progress(steps, start, quiet or team.rank > 0)
    stopper = Stopper()
    chances = draw_chances(training, plan.balance)
    began = time.monotonic()
    with stopper, progress:
        for step in range(start, steps):
            epoch, place = divmod(step, per_epoch)
            if place == 0:
                sums.zero_()
            rows = batch_rows(plan, chances, epoch, place)[team.rank :: team.size]
            rate = one_cycle(step / steps, plan.rate, plan.warm_up) if plan.cycle else plan.rate
            for group in optimiser.param_groups:
                group["lr"] = rate
            torch.manual_seed((plan.seed * 1_000_003 + step) * 1009 + team.rank)
            loss, right, known = _step(plan, wrapped, optimiser, training, rows, step / steps, team)
            average.update(network, step)
            sums += torch.tensor([loss * len(rows), right, len(rows), known])
            progress.step(step + 1, loss)
            ended = place == per_epoch - 1
            asked = team.any(stopper.asked or step + 1 == stop_after)
            if ended:
                mean = team.total(sums.clone())
                row = _measure(plan, average, validation, team)
                seen = (float(mean[0] / mean[2]), float(mean[1] / mean[3].clamp_min(1)))
                seconds = spent + time.monotonic() - began
                if team.rank == 0:
                    checkpoint.log(folder, [epoch + 1, step + 1, rate, *seen, *row, seconds])
                progress.epoch(epoch + 1, seen, row)
                if row[0] < best:  # the loss: accuracy on so few faces is mostly chance
                    best = row[0]
                    if team.rank == 0:
                        state = {"plan": asdict(plan), "state": average.state}
                        checkpoint.write(state, folder / "best.pt")
            if (ended or asked or (step + 1) % SAVE_EVERY == 0) and team.rank == 0:
                now = {
                    "plan": asdict(plan), "step": step + 1, "network": network.state_dict(),
                    "optimiser": optimiser.state_dict(), "state": average.state, "sums": sums,
                    "best": best, "spent": spent + time.monotonic() - began,
                }  # fmt: skip
                checkpoint.write(now, folder / "last.pt")
            if asked:
                raise Stop
    team.leave()
    return folder / "last.pt"


def _identity(plan: Plan, training: data.Faces, validation: data.Faces) -> dict[str, object]:
    """Describe the plan, and what it is carried out on: a file may change and keep its name."""
    files = [file for file in (plan.begin_from, *plan.teachers) if file]
    return {
        **asdict(plan),
        "training_faces": checkpoint.fingerprint(training),
        "validation_faces": checkpoint.fingerprint(validation),
        "weights": [hashlib.sha256(Path(file).read_bytes()).hexdigest()[:12] for file in files],
    }


# --- one step -------------------------------------------------------------------------------------


def _step(
    plan: Plan, network: nn.Module, optimiser: torch.optim.Optimizer, faces: data.Faces,
    rows: NDArray[np.int64], progress: float, team: Team,
) -> tuple[float, float, float]:  # fmt: skip
    """Take one step; (mean loss, how many of ``rows`` were right, of how many).

    Counted are those with a target of the first head.
    """
    pictures = torch.from_numpy(faces.pictures[rows]).to(team.device).unsqueeze(1).float() / 255
    targets = torch.from_numpy(faces.targets[rows]).to(team.device)
    weights = torch.from_numpy(faces.weights[rows]).to(team.device)
    calm = progress >= 1 - plan.calm
    if plan.augmented:
        pictures = augment.webcam(pictures, plan.augmented * (0.5 if calm else 1))
    if plan.mixup and not calm and float(torch.rand(())) < plan.mixup_share:
        keep = _mixing(plan.mixup)
        other = torch.randperm(len(rows), device=team.device)
        pictures = torch.lerp(pictures[other], pictures, keep)
        targets = torch.lerp(targets[other], targets, keep)
        weights = torch.lerp(weights[other], weights, keep)
    # Trained weights have their coarse features already.
    coarse = plan.small_first and not plan.begin_from
    size = picture_size(progress) if coarse else data.SIZE
    if size != data.SIZE:
        pictures = F.interpolate(pictures, size=(size, size), mode="bilinear", antialias=True)
    with _sixteen_bits(team.device):
        logits = network.train()(augment.normalise(pictures))
    heads = torch.tensor([1.0, plan.label_share], device=team.device)[: logits.shape[1]]
    part = weights[:, : logits.shape[1]] * heads
    each = -(targets[:, : logits.shape[1]] * F.log_softmax(logits.float(), dim=2)).sum(dim=2)
    loss = (each * part).sum() / part.sum().clamp_min(1e-6)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if plan.clip:
        nn.utils.clip_grad_norm_(network.parameters(), plan.clip)
    optimiser.step()
    known = weights[:, 0] > 0
    right = (logits[:, 0].argmax(dim=1) == targets[:, 0].argmax(dim=1)) & known
    return loss.item(), float(right.sum()), float(known.sum())


def _sixteen_bits(device: torch.device) -> AbstractContextManager[object]:
    """Half the work, and hardly less right, where the device multiplies 16-bit numbers itself."""
    if device.type == "cuda" or (device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def _mixing(parameter: float) -> float:
    """Draw how much of itself a mixed face keeps, 0.5 to 1, from a symmetric beta distribution."""
    seed = int(torch.randint(2**31, (1,)))  # seeded with the step, like everything else
    kept = float(np.random.default_rng(seed).beta(parameter, parameter))
    return max(kept, 1 - kept)


def picture_size(progress: float) -> int:
    """Return the side of the pictures at this share of the run.

    Coarse features need no fine pictures.
    """
    return 32 if progress < 0.35 else data.SIZE  # both can be halved four times


def one_cycle(progress: float, highest: float, warm_up: float) -> float:
    """Return the learning rate.

    Linear up to ``highest``, then a half cosine down to a thousandth of it.
    """
    if progress < warm_up:
        return highest * (0.04 + 0.96 * progress / warm_up)
    fall = (progress - warm_up) / (1 - warm_up)
    return highest * (0.001 + 0.999 * 0.5 * (1 + math.cos(math.pi * fall)))


def draw_chances(faces: data.Faces, balance: float) -> NDArray[np.float64]:
    """Compute how likely each face is drawn, [N], sum 1.

    Rare classes more often than they stand there.
    """
    label = np.where(faces.best_label() >= 0, faces.best_label(), data.CLASSES)
    count = np.bincount(label, minlength=data.CLASSES + 1).astype(np.float64)
    chances = count[label] ** -balance * (faces.weights.sum(axis=1) > 0)
    return np.asarray(chances / chances.sum())


def batch_rows(
    plan: Plan, chances: NDArray[np.float64], epoch: int, place: int
) -> NDArray[np.int64]:
    """Choose the faces of one step.

    Systematic sampling: every face comes as often as its chance says, rounded up or down, so that
    with ``balance`` 0 an epoch is a plain permutation.
    """
    rng = np.random.default_rng([plan.seed, epoch])
    ticks = (np.arange(len(chances)) + rng.random()) / len(chances)
    drawn = rng.permutation(np.minimum(np.searchsorted(chances.cumsum(), ticks), len(chances) - 1))
    return drawn[place * plan.batch : (place + 1) * plan.batch].astype(np.int64)


def _optimiser(plan: Plan, network: nn.Module) -> torch.optim.Optimizer:
    if plan.optimiser == "adam":
        return torch.optim.Adam(network.parameters(), plan.rate)
    matrices = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]  # norms and biases do not decay
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": plan.decay},
        {"params": others},
    ]
    return torch.optim.SGD(groups, plan.rate, momentum=0.9, nesterov=True)


# --- measuring ------------------------------------------------------------------------------------


def _measure(plan: Plan, average: Average, faces: data.Faces, team: Team) -> list[float]:
    """Measure loss, accuracy and macro recall of the averaged weights on the votes' plurality."""
    network = build(plan.network).to(team.device)
    network.load_state_dict(average.state)
    known = faces.plurality >= 0
    logits = predict(network, faces.pictures[known], team.device)[:, 0]
    truth = faces.plurality[known]
    loss = F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(truth)).item()
    right = logits.argmax(axis=1) == truth
    recall = [right[truth == c].mean() for c in range(data.CLASSES) if (truth == c).any()]
    return [loss, float(right.mean()), float(np.mean(recall))]
