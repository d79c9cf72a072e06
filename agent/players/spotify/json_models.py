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
    Field,
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
    if not isinstance(value, str):
        return value
    moment = datetime.fromisoformat(value)
    if moment.year not in YEARS:
        raise ValueError(moment.year)
    return moment


YEARS = range(2000, 2200)
"""In which something may have been, or will be; a month before the year 1 cannot be counted."""
TEXT_LIMIT = 10_000
"""Characters of a text that nobody reads, such as an address; tokens have some hundred."""
Few = Field(max_length=200)
"""Of a list: Spotify gives fifty playlists a page. An answer has room for 700,000 empty objects,
which would take 600 MB."""
_OrNone = BeforeValidator(lambda value: None if value == "" else value)
Text = Annotated[Annotated[str, Field(max_length=TEXT_LIMIT)] | None, _OrNone]
"""A text; an empty one is none."""
AnyText = Annotated[Text, or_else(_none)]
"""A text; anything else is none."""
Secret = Annotated[str, Field(max_length=TEXT_LIMIT, pattern=r"^[\x20-\x7e]*$")]
"""A token: what can be seen of ASCII (RFC 6749, A.12), so that a request can carry it."""
AnySecret = Annotated[Secret | None, _OrNone, or_else(_none)]
"""A token; anything else is none."""
Name = Annotated[str | None, _OrNone, AfterValidator(lambda value: value and printable(value))]
"""A text that people read: one line without control characters, of a bounded length."""
AnyName = Annotated[Name, or_else(_none)]
"""Such a text; anything else is none."""
Flag = Annotated[bool, or_else(bool)]
"""True or false; anything else is false."""
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
"""A date and time with its zone, written as ISO 8601."""
AnyMoment = Annotated[datetime | None, BeforeValidator(_moment), or_else(_none)]
"""A date and time, with a zone or without; anything else is none."""
