"""What JSON from outside has in common: an answer of the service, or a file that anybody may edit.

A model states what has to be there; what it does not name is ignored. Nothing is converted: a
number is no text. An error never quotes what was read, which may be a secret.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from agent.printable import printable


class JsonModel(BaseModel):
    """A frozen value read from a JSON object."""

    model_config = ConfigDict(
        extra="ignore", strict=True, frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )


M = TypeVar("M", bound=JsonModel)


def read(model: type[M], value: object) -> M | None:
    """Read ``value`` (parsed JSON) as ``model``; None when it does not fit."""
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def or_else(make: Callable[[], object]) -> WrapValidator:
    """Make a field forgiving: what does not fit is replaced by ``make()``."""

    def validate(value: Any, handler: ValidatorFunctionWrapHandler) -> object:
        try:
            return handler(value)
        except ValidationError:
            return make()

    return WrapValidator(validate)


def _none() -> None:
    return None


def _moment(value: object) -> object:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


Text = Annotated[str | None, BeforeValidator(lambda value: None if value == "" else value)]
"""A text; an empty one is none."""
AnyText = Annotated[Text, or_else(_none)]
"""A text; anything else is none."""
Name = Annotated[Text, AfterValidator(lambda value: value and printable(value))]
"""A text that people read: one line without control characters, of a bounded length."""
AnyName = Annotated[Name, or_else(_none)]
"""Such a text; anything else is none."""
Flag = Annotated[bool, or_else(bool)]
"""True or false; anything else is false."""
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
"""A date and time with its zone, written as ISO 8601."""
AnyMoment = Annotated[datetime | None, BeforeValidator(_moment), or_else(_none)]
"""A date and time, with a zone or without; anything else is none."""
