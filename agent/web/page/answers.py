"""What the API answers: a text for people, or a refusal that names the field."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from agent.errors import AgentError
from agent.translation import _

TEXT_LIMIT = 4096
"""Characters of what somebody types or pastes: the longest path that systems allow."""


class Undo(BaseModel):
    """What takes a change back: the words to send, and where to."""

    api: str
    words: dict[str, Any]


class Answer(BaseModel):
    """It is done.

    ``goto``: where to go on. ``now``: the value that holds now. ``anew``: the whole page is to be
    made anew. ``undo``: how to take it back.
    """

    text: str
    goto: str | None = None
    now: str | None = None
    anew: bool = False
    undo: Undo | None = None


class Refusal(BaseModel):
    """It is not done, and why. ``field``: the one to mend. ``now``: the value that holds."""

    error: str
    field: str | None = None
    now: str | None = None


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal} for status in (400, 401, 403, 404, 405, 409, 411, 413, 422, 429)
}


class Refused(Exception):
    """Ends a request with a refusal."""

    def __init__(
        self, error: str, *, field: str | None = None, now: str | None = None, status: int = 409
    ) -> None:
        super().__init__(error)
        self.status = status
        self.refusal = Refusal(error=error, field=field, now=now)


class Words(BaseModel):
    """What a change carries; anything else in it is refused."""

    model_config = ConfigDict(extra="forbid")


def _printable(text: str) -> str:
    if any(not (character.isprintable() or character in "\n\t") for character in text):
        raise ValueError(_("There are invisible characters in it. Type it anew."))
    return text.strip()


def _no_truth(value: object) -> object:
    """Make a word of 'true', which is no number; pydantic takes the truth itself for 1."""
    return str(value) if isinstance(value, bool) else value


A_NUMBER = BeforeValidator(_no_truth)
"""For a number: no 'true'."""

Typed = Annotated[str, Field(max_length=TEXT_LIMIT), AfterValidator(_printable)]
"""One line that somebody typed or pasted."""


async def refused(_request: Request, error: Exception) -> JSONResponse:
    """Answer a Refused."""
    assert isinstance(error, Refused)
    return JSONResponse(error.refusal.model_dump(exclude_none=True), error.status)


async def agent_error(_request: Request, error: Exception) -> JSONResponse:
    """Answer trouble that was expected, in its own words."""
    assert isinstance(error, AgentError)
    return JSONResponse({"error": error.message}, 409)


async def bad_words(_request: Request, error: Exception) -> JSONResponse:
    """Answer words that break a rule of the API: the first field that does, and how."""
    from fastapi.exceptions import RequestValidationError

    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
    match first["type"]:
        case "string_too_long":
            text = _("This is too long; at most {n} characters are taken.").format(n=TEXT_LIMIT)
        case "value_error":
            text = str(first["ctx"]["error"])
        case "missing":
            text = _("Something is missing here.")
        case _other:
            text = f"{first['msg']}."
    return JSONResponse({"error": text, "field": place[-1] if place else None}, 422)


async def http_error(_request: Request, error: Exception) -> JSONResponse:
    """Answer an address or method that there is not."""
    assert isinstance(error, HTTPException)
    text = _("There is no such page") if error.status_code == 404 else str(error.detail)
    told = {"error": f"{text.rstrip('.')}."}
    return JSONResponse(told, error.status_code, dict(error.headers or {}))
