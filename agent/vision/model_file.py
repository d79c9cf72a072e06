"""The metadata beside the network, and the checks that the network is the one they describe.

Its bytes are checked here; what it takes and answers, by the engine that runs it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.errors import ModelError
from agent.store.files import parse_json, read_small
from agent.translation import N_, _
from agent.types import EMOTIONS

SIZE = 48
"""Pixels of a face's side as the network takes it."""
CARD_BYTES = 1_000_000
"""Of the metadata; ours have 2,000."""
AGAIN = N_("Install Moodtray again to restore it.")


class _Input(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    name: str
    size: Literal[48]
    mean: float
    std: Annotated[float, Field(gt=0.0)]


_Seven = Annotated[tuple[float, ...], Field(min_length=len(EMOTIONS), max_length=len(EMOTIONS))]


class ModelCard(BaseModel):
    """models/emotion.json, format 1. Unknown keys are for people and ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    format: Literal[1]
    name: str
    input: _Input
    output: str
    labels: tuple[str, ...]
    temperature: Annotated[float, Field(gt=0.0)]
    priors: Annotated[tuple[float, ...], Field(min_length=len(EMOTIONS), max_length=len(EMOTIONS))]
    class_means: tuple[_Seven, ...] | None = None
    """Row the true emotion, column the answer: mean logs; None: not known of this network."""
    unsure_below: Annotated[float, Field(ge=0.0, le=1.0)]
    bytes: Annotated[int, Field(gt=0)]
    sha256: str
    source_sha256: str | None = None
    """Of the network that this one is a copy of, where it is one."""

    @property
    def input_name(self) -> str:
        """The name of the network's input."""
        return self.input.name

    @property
    def output_name(self) -> str:
        """The name of the network's output."""
        return self.output

    @property
    def mean(self) -> float:
        """The mean that is taken off."""
        return self.input.mean

    @property
    def std(self) -> float:
        """The deviation that is divided by."""
        return self.input.std


def read_card(file: Path) -> ModelCard:
    """Read it. Raises ModelError: missing, no JSON, a wrong value, or labels in another order."""
    try:
        text = read_small(file, CARD_BYTES)
    except FileNotFoundError as error:
        raise ModelError(
            _("The model's metadata {file} are missing. {again}").format(file=file, again=_(AGAIN))
        ) from error
    except OSError as error:
        raise ModelError(
            _("The model's metadata {file} cannot be read ({why}). {again}").format(
                file=file, why=error.strerror, again=_(AGAIN)
            )
        ) from error
    try:
        card = ModelCard.model_validate(parse_json(text))
    except json.JSONDecodeError as error:
        raise ModelError(
            _("The model's metadata {file} are damaged (line {lineno}: {msg}). {again}").format(
                file=file, lineno=error.lineno, msg=error.msg, again=_(AGAIN)
            )
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or _("the whole")
        raise ModelError(
            _(
                "The model's metadata {file} have a wrong value at '{where}': {first}. {again}"
            ).format(file=file, where=where, first=first["msg"], again=_(AGAIN))
        ) from error
    except ValueError as error:  # no text, or one of another kind
        raise ModelError(
            _("The model's metadata {file} are damaged. {again}").format(file=file, again=_(AGAIN))
        ) from error
    if card.labels != EMOTIONS:
        raise ModelError(
            _(
                "The model beside {file} names the expressions {labels}; "
                "Moodtray needs {emotions}, in this order."
            ).format(file=file, labels=", ".join(card.labels), emotions=", ".join(EMOTIONS))
        )
    return card


def verify(file: Path, card: ModelCard) -> None:
    """Check that the file is the one that the metadata describe.

    Raises ModelError: missing, truncated, or another file.
    """
    digest = hashlib.sha256()
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    except FileNotFoundError as error:
        raise ModelError(
            _("The model {file} is missing. {again}").format(file=file, again=_(AGAIN))
        ) from error
    except OSError as error:
        raise ModelError(
            _("The model {file} cannot be read ({why}). {again}").format(
                file=file, why=error.strerror, again=_(AGAIN)
            )
        ) from error
    if size < card.bytes:
        raise ModelError(
            _("The model {file} is truncated: {size} of {bytes} bytes are there. {again}").format(
                file=file, size=size, bytes=card.bytes, again=_(AGAIN)
            )
        )
    if digest.hexdigest() != card.sha256.lower():
        raise ModelError(
            _(
                "The model {file} is not the one that its metadata describe "
                "(the checksums differ): it was changed or swapped. {again}"
            ).format(file=file, again=_(AGAIN))
        )


class Session(Protocol):
    """A network: float32 [N, 1, 48, 48], normalised -> logits float32 [N, 7]."""

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network."""
        ...


def refused(why: str) -> ModelError:
    """Make the error of a network that does not take a face."""
    return ModelError(
        _(
            "The expression network refused a face ({why}). Install "
            "Moodtray again to restore its model."
        ).format(why=why)
    )


def other_network(file: Path, found: str, card: ModelCard) -> ModelError:
    """Make the error of a file with other inputs or outputs than its metadata name."""
    return ModelError(
        _(
            "{file} has {found}, but its metadata name the input "
            "'{input_name}' and the output '{output_name}'. The two files "
            "belong to different models: install Moodtray again."
        ).format(file=file, found=found, input_name=card.input_name, output_name=card.output_name)
    )


def check_answer(file: Path, session: Session) -> None:
    """Raise ModelError when the network does not give seven numbers a face."""
    shape = session.run(np.zeros((1, 1, SIZE, SIZE), dtype=np.float32)).shape
    if shape != (1, len(EMOTIONS)):
        raise ModelError(
            _(
                "{file} answers with shape {shape} where (1, {n}) is needed: "
                "this is another kind of network. Install Moodtray again to "
                "restore it."
            ).format(file=file, shape=shape, n=len(EMOTIONS))
        )
