"""The commands' help in the user's language, and what their library says itself.

Typer takes some of its words from the standard library's gettext and has the others in English
alone; both are translated here, where they are shown.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable
from typing import Any

from agent import translation
from agent.printable import printable_lines
from agent.translation import N_, _

ASKED_FOR = (
    N_("Options"),
    N_("Arguments"),
    N_("Commands"),
    N_("Error"),
    N_("Aborted."),
    N_("[default: {}]"),
    N_("[required]"),
    N_("Missing command."),
    N_("No such command {name!r}."),
    N_("Try [blue]'{command_path} {help_option}'[/] for help."),
)
"""What typer asks gettext for."""
SAID = (
    N_("{mistake} Did you mean {what}?"),
    N_("{mistake} (Possible options: {what})"),
    N_("No such option: {what}"),
    N_("Missing argument {what}."),
    N_("Missing option {what}."),
    N_("Got unexpected extra argument(s) ({what})"),
    N_("Option {what} requires an argument."),
    N_("Option {what} does not take a value."),
    N_("Invalid value for {what}: {mistake}"),
    N_("Invalid value: {mistake}"),
    N_("{what} is not a valid {kind}."),
    N_("{what} is not in the range {kind}."),
    N_("Value error, {mistake}"),
    N_("Input should be greater than or equal to {what}"),
    N_("Input should be less than or equal to {what}"),
    N_("Input should be a valid number, unable to parse string as a number"),
)
"""What it says about the words of a command; the rest stays English."""


def speak() -> None:
    """Let gettext speak our language, before typer is imported.

    By itself it knows of the system's language alone, not of the settings'.
    """
    gettext.gettext = translation._  # type: ignore[assignment]


def translate(command: Any) -> None:
    """Translate what a click command and all below it say: help, usage, mistakes."""
    _translate_help(command)
    command.make_context = _spoken(command.make_context)
    command.invoke = _spoken(command.invoke)


def _translate_help(command: Any) -> None:
    if command.help:
        command.help = _(command.help)
    if command.epilog:
        command.epilog = _(command.epilog)
    heading = getattr(command, "rich_help_panel", None)
    if isinstance(heading, str):  # else it is a mark of typer's
        command.rich_help_panel = _(heading)
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = _(parameter.help)
    usage, help_option = command.get_usage, command.get_help_option

    def translated_usage(context: Any) -> str:
        return str(usage(context)).replace("Usage:", _("Usage:"), 1)

    def translated_help_option(context: Any) -> Any:
        option = help_option(context)
        if option is not None:
            option.help = _("Show this message and exit.")
        return option

    command.get_usage, command.get_help_option = translated_usage, translated_help_option
    for below in getattr(command, "commands", {}).values():
        _translate_help(below)


def _spoken(call: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a call so that its mistakes in the use of a command are told in our language."""

    def spoken(*args: Any, **words: Any) -> Any:
        try:
            return call(*args, **words)
        except Exception as error:
            tell = getattr(error, "format_message", None)
            if tell is not None:
                told = printable_lines(said(tell()))  # it quotes what was typed, or expanded
                error.format_message = lambda: told  # type: ignore[attr-defined]
            raise

    return spoken


def said(text: str) -> str:
    """Translate a sentence of the library's, with what is filled in."""
    for sentence in SAID:
        form = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(sentence))
        found = re.fullmatch(form, text, re.DOTALL)
        if found is not None:
            filled = found.groupdict()
            if "mistake" in filled:
                filled["mistake"] = said(filled["mistake"])
            return _(sentence).format(**filled)
    return text
