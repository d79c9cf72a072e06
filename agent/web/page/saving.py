"""Changes of the settings file from the page: one way for all areas."""

from __future__ import annotations

from agent import events
from agent.settings import Settings
from agent.web.page.context import PageContext


def current(context: PageContext) -> tuple[Settings, str]:
    """Read the settings, and what is wrong with the file (empty: nothing)."""
    settings, error = context.settings_file.load_or_last_good()
    return settings, "" if error is None else error.message


def change(context: PageContext, key: str, value: object) -> Settings:
    """Set one key in the file, or with None take it out, and tell the agent.

    Raises SettingsError in the file's own words, StoreError.
    """
    settings = context.settings_file.change(key, value)
    context.report(events.SettingsChanged(settings))
    return settings


def replace(context: PageContext, settings: Settings) -> None:
    """Write all that differs, and tell the agent. Raises SettingsError, StoreError."""
    context.settings_file.save(settings)
    context.report(events.SettingsChanged(settings))
