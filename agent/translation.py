"""The language in which the program speaks: gettext, with one catalogue in force at a time.

A process speaks to one user, so there is one language for all of it; ``agent.store.catalogues``
finds it and puts it in force. Until then, and where a catalogue lacks a text, it is English.

The log is for developers and stays English: a translated text knows what it was (:func:`english`).
"""

from __future__ import annotations

import gettext as _gettext
from typing import Any

_in_force: _gettext.NullTranslations = _gettext.NullTranslations()
_language = "en"


class Translated(str):
    """A text in another language, filled in together with its English."""

    __slots__ = ("english",)
    english: str

    def __new__(cls, text: str, english: str) -> Translated:
        """Keep ``english`` beside the text."""
        made = super().__new__(cls, text)
        made.english = english
        return made

    def __reduce__(self) -> tuple[type[Translated], tuple[str, str]]:
        return Translated, (str(self), self.english)

    def format(self, *args: object, **values: object) -> Translated:
        """Fill both in."""
        kept = {name: english(value) for name, value in values.items()}
        return Translated(
            super().format(*args, **values), self.english.format(*map(english, args), **kept)
        )


def english(value: Any) -> Any:
    """Return a text as it was before it was translated; anything else as it is."""
    return value.english if isinstance(value, Translated) else value


def use(catalogue: _gettext.NullTranslations, language: str) -> None:
    """Put a catalogue in force; ``language`` is its code, such as ``de``. Any thread."""
    global _in_force, _language
    _in_force, _language = catalogue, language


def language() -> str:
    """Name the language in force by its code: ``en``, ``de``."""
    return _language


def _(text: str) -> str:
    """Translate a text."""
    return _told(_in_force.gettext(text), text) if text else ""


def ngettext(one: str, many: str, number: int) -> str:
    """Translate a text that depends on a number."""
    return _told(_in_force.ngettext(one, many, number), one if number == 1 else many)


def _told(spoken: str, written: str) -> str:
    return written if spoken == written else Translated(spoken, written)


def N_(text: str) -> str:
    """Mark a text for the catalogues without translating it yet."""
    return text
