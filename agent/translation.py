"""The language in which the program speaks: gettext, with one catalogue in force at a time.

A process speaks to one user, so there is one language for all of it; ``agent.store.catalogues``
finds it and puts it in force. Until then, and where a catalogue lacks a text, it is English.
"""

from __future__ import annotations

import gettext as _gettext

_in_force: _gettext.NullTranslations = _gettext.NullTranslations()
_language = "en"


def use(catalogue: _gettext.NullTranslations, language: str) -> None:
    """Put a catalogue in force; ``language`` is its code, such as ``de``. Any thread."""
    global _in_force, _language
    _in_force, _language = catalogue, language


def language() -> str:
    """Name the language in force by its code: ``en``, ``de``."""
    return _language


def _(text: str) -> str:
    """Translate a text."""
    return _in_force.gettext(text) if text else ""


def ngettext(one: str, many: str, number: int) -> str:
    """Translate a text that depends on a number."""
    return _in_force.ngettext(one, many, number)


def N_(text: str) -> str:
    """Mark a text for the catalogues without translating it yet."""
    return text
