"""The commands' help in the user's language, and what click and typer say themselves."""

from __future__ import annotations

import gettext
from typing import Any

from agent import translation
from agent.translation import N_, _

SAID = (
    N_("Usage:"),
    N_("Options"),
    N_("Arguments"),
    N_("Commands"),
    N_("Error"),
    N_("Aborted."),
    N_("[default: {}]"),
    N_("[required]"),
    N_("default: {default}"),
    N_("required"),
    N_("Show this message and exit."),
    N_("Try '{command} {option}' for help."),
    N_("Try [blue]'{command_path} {help_option}'[/] for help."),
    N_("Missing command."),
    N_("Missing argument"),
    N_("Missing option"),
    N_("No such command {name!r}."),
    N_("No such option {name!r}."),
    N_("Did you mean {possibility}?"),
    N_("(Did you mean one of: {possibilities}?)"),
    N_("Option {name!r} requires an argument."),
    N_("Option {name!r} does not take a value."),
    N_("Invalid value: {message}"),
    N_("Invalid value for {param_hint}: {message}"),
    N_("{value!r} is not a valid {number_type}."),
    N_("{value} is not in the range {range}."),
    N_("Error: invalid input"),
    N_("Error: {message}"),
)
"""Of the libraries' own texts those that somebody meets here; others stay English."""


def speak() -> None:
    """Let click and typer say their texts in our language; before they are imported.

    They ask the standard library, which knows of the system's language alone, not of the settings'.
    """
    gettext.gettext = translation._  # type: ignore[assignment]
    gettext.ngettext = translation.ngettext  # type: ignore[assignment]


def translate(command: Any) -> None:
    """Translate the help of a click command and of all below it."""
    if command.help:
        command.help = _(command.help)
    heading = getattr(command, "rich_help_panel", None)
    if isinstance(heading, str):  # else it is a mark of typer's
        command.rich_help_panel = _(heading)
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = _(parameter.help)
    for below in getattr(command, "commands", {}).values():
        translate(below)
