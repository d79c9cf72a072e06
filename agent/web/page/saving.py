"""Changes of the settings file from the page: one way for all areas."""

from __future__ import annotations

import os

from agent import events
from agent.settings import Settings
from agent.store.paths import expanded
from agent.translation import _
from agent.web.page.answers import Refused
from agent.web.page.context import PageContext


def current(context: PageContext) -> tuple[Settings, str]:
    """Read the settings, and what is wrong with the file (empty: nothing)."""
    settings, error = context.settings_file.load_or_last_good()
    return settings, "" if error is None else error.message


def change(context: PageContext, key: str, value: object, called: str = "") -> Settings:
    """Set one key in the file, or with None take it out, and tell the agent.

    ``called``: how the page names it. Raises SettingsError, in whose words it is called so,
    StoreError.
    """
    settings = context.settings_file.change(key, value, called=called)
    context.report(events.SettingsChanged(settings))
    return settings


def replace(context: PageContext, settings: Settings) -> None:
    """Write all that differs, and tell the agent. Raises SettingsError, StoreError."""
    context.settings_file.save(settings)
    context.report(events.SettingsChanged(settings))


def camera_source(text: str, field: str) -> int | str:
    """Read what somebody typed as a camera. Raises Refused where there can be none."""
    if not text:
        raise Refused(_("Nothing was entered."), field=field, status=422)
    if text.isascii() and text.isdecimal():
        return int(text)
    if "://" not in text and (not os.path.exists(path := expanded(text)) or os.path.isdir(path)):
        raise Refused(
            _("{path} is not there. Enter a camera's number, a video file or an address.").format(
                path=text[:200]
            ),
            field=field,
        )
    return text
