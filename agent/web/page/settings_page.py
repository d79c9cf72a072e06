"""The area *Settings*: every setting, saved at once, with the settings file's own messages."""

from __future__ import annotations

from datetime import time
from time import monotonic as time_now
from time import sleep
from typing import TYPE_CHECKING, Annotated

import pydantic
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.errors import SettingsError
from agent.store.catalogues import system_language
from agent.translation import N_, _, language
from agent.web.page import saving
from agent.web.page.answers import REFUSALS, Answer, Refused, Typed, Words
from agent.web.page.context import PageContext
from agent.web.page.fields import LINKS, Field, field, fields, parse, sought
from agent.web.page.render import Pages
from agent.web.page.spotify_page import find_client_id

if TYPE_CHECKING:
    from fastapi import APIRouter

Key = Annotated[str, pydantic.Field(max_length=64)]


class SaveWords(Words):
    """``was``: the value that the page showed; another one in the file is told, not overwritten."""

    value: Typed
    was: Typed


LANGUAGE_PATIENCE = 3.0
"""Seconds that an answer waits for another language to be in force."""
QUIET = {
    "notifications.quiet_from": time(22),
    "notifications.quiet_to": time(7),
}
"""The two ends of the quiet hours, of which there are both or none: what the other one becomes."""


def _save_quiet(context: PageContext, key: str, text: str) -> None:
    """Set one end of the quiet hours, and the other as well where it is missing."""
    settings = context.settings_file.load()
    name = key.rpartition(".")[2]
    other = "quiet_to" if name == "quiet_from" else "quiet_from"
    kept = getattr(settings.notifications, other) or QUIET[f"notifications.{other}"]
    try:
        typed = time.fromisoformat(text) if text else None
    except ValueError:
        raise Refused(_("Write a time like 22:00."), field=key) from None
    changed = {name: typed, other: None if typed is None else kept}
    notifications = settings.notifications.model_copy(update=changed)
    saving.replace(context, settings.model_copy(update={"notifications": notifications}))


def site(context: PageContext, pages: Pages) -> list[Route]:
    """Make the page of this area."""

    def settings(request: Request) -> Response:
        found, problem = saving.current(context)
        return pages.page(
            request,
            "settings.html",
            "settings",
            sections=fields(found),
            problem=problem,
            file=str(context.settings_file.path),
            autostart=context.snapshot().autostart,
            sought=sought,
            links=LINKS,
        )

    return [Route("/settings", settings)]


def api(context: PageContext) -> APIRouter:
    """Make this area's part of the API."""
    from fastapi import APIRouter

    routes = APIRouter()

    @routes.post("/api/settings/{key}", response_model=Answer, responses=REFUSALS)
    def save(key: Key, words: SaveWords) -> Answer:
        """Set one setting. The file stays the user's: comments and order are kept."""
        shown = field(context.settings_file.load(), key)
        if shown is None:
            raise Refused(_("There is no such setting."), status=404)
        if shown.value not in (words.was, words.value):
            raise Refused(
                _(
                    "It was set to “{value}” meanwhile, in another tab or in the file. "
                    "Save once more to overwrite that."
                ).format(value=shown.shown(shown.value)),
                field=key,
                now=shown.value,
            )
        try:
            if key in QUIET:
                _save_quiet(context, key, words.value)
            else:
                saving.change(context, key, _read(shown, words.value), shown.label)
        except SettingsError as error:
            raise Refused(error.message, field=key) from error
        return _saved(context, key, N_("Saved: {label}."))

    @routes.post("/api/settings/{key}/shipped", response_model=Answer, responses=REFUSALS)
    def shipped(key: Key) -> Answer:
        """Let a setting be as Moodtray ships it."""
        shown = field(context.settings_file.load(), key)
        if shown is None:
            raise Refused(_("There is no such setting."), status=404)
        if key in QUIET:
            _save_quiet(context, key, "")
        else:
            saving.change(context, key, None)
        return _saved(context, key, N_("{label} is as shipped again."))

    return routes


def _read(shown: Field, text: str) -> object:
    """Read what was typed; what can be checked at once is. Raises Refused."""
    if shown.key == "camera.source" and text:
        return saving.camera_source(text, shown.key)
    if shown.key == "spotify.client_id" and text:
        return find_client_id(text, shown.key)
    return parse(shown, text)


def _saved(context: PageContext, key: str, text: str) -> Answer:
    """Answer in the language that holds now, which may be what was changed."""
    settings = context.settings_file.load()
    if key == "language":
        _await_language(settings.language)
    shown = field(settings, key)
    assert shown is not None
    return Answer(text=_(text).format(label=shown.label), now=shown.value, anew=key == "language")


def _await_language(wanted: str) -> None:
    """Wait until the agent speaks it, so that the page is made anew in that language."""
    expected = system_language() if wanted == "auto" else wanted
    end = time_now() + LANGUAGE_PATIENCE
    while language() != expected and time_now() < end:
        sleep(0.02)
