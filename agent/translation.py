"""The language in which the program speaks: gettext, with one catalogue in force at a time.

A process speaks to one user, so there is one language for all of it; ``agent.store.catalogues``
finds it and puts it in force. Until then, and where a catalogue lacks a text, it is English.

The log is for developers and stays English: a translated text knows what it was (:func:`english`).
It also knows how to be told anew, so that what was said in one language is shown in the next
(:func:`retold`; :func:`recipe`, where it is kept in a file).
"""

from __future__ import annotations

import gettext as _gettext
import json
import re
from collections.abc import Mapping
from string import Formatter
from typing import Any

_in_force: _gettext.NullTranslations = _gettext.NullTranslations()
_language = "en"
_WIDE = re.compile(r"\d{3}|\{")
"""In how a value is written: none of our texts asks for a hundred places."""
_AS_IT_WAS: Mapping[str, str] = {}
_LONGEST = 10_000
"""Characters of a text that is told anew; ours have some hundreds."""


class Translated(str):
    """A text that knows its English, and how it is told again in another language.

    ``source``: the text as it was written (with its plural and the number that chose between them);
    ``values``: what it was filled in with.
    """

    __slots__ = ("english", "source", "values")
    english: str
    source: tuple[str, str, int]
    values: Mapping[str, object] | None

    def __new__(
        cls,
        text: str,
        english: str,
        source: tuple[str, str, int],
        values: Mapping[str, object] | None = None,
    ) -> Translated:
        """Keep what the text was made of beside it."""
        made = super().__new__(cls, text)
        made.english, made.source, made.values = english, source, values
        return made

    def __reduce__(self) -> tuple[type[Translated], tuple[object, ...]]:
        return Translated, (str(self), self.english, self.source, self.values)

    def format(self, *args: object, **values: object) -> Translated:
        """Fill both in."""
        kept = {name: english(value) for name, value in values.items()}
        return Translated(
            super().format(*args, **values),
            self.english.format(*map(english, args), **kept),
            self.source,
            None if args else values,
        )


def retold(text: str, instead: Mapping[str, str] = _AS_IT_WAS) -> str:
    """Tell a text in the language in force, whichever it was told in before.

    A text that was put together by hand stays as it is. ``instead``: by which texts some of its
    parts are replaced, both as they were written.
    """
    if not isinstance(text, Translated):
        return text
    one, many, number = text.source
    told = ngettext(one, many, number) if many else _(instead.get(one, one))
    if text.values is None:
        return text if "{" in one else told
    return told.format(**{name: _retold(value, instead) for name, value in text.values.items()})


def _retold(value: object, instead: Mapping[str, str]) -> object:
    return retold(value, instead) if isinstance(value, str) else value


def recipe(text: str) -> str | None:
    """Write how a text is told, as JSON; :func:`from_recipe` reads it. None: nobody knows how."""
    found = _recipe(text)
    return json.dumps(found, ensure_ascii=False) if isinstance(found, dict) else None


def _recipe(value: object) -> object:
    if not isinstance(value, Translated):
        return value if isinstance(value, int | float | None) else str(value)
    if value.values is None and "{" in value.source[0]:
        return str(value)
    filled = {name: _recipe(part) for name, part in (value.values or {}).items()}
    return {"text": list(value.source), "values": filled}


def from_recipe(written: str | None, otherwise: str) -> str:
    """Tell what :func:`recipe` wrote, in the language in force; ``otherwise`` where that fails."""
    try:
        told = _cooked(json.loads(written or "null"))
        return told if isinstance(told, str) else otherwise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return otherwise


def _cooked(found: object) -> object:
    if not isinstance(found, dict):
        return found
    one, many, number = found["text"]
    told = ngettext(one, many, number) if many else _(one)
    values = {name: _cooked(part) for name, part in found["values"].items()}
    length = len(told)
    for _before, name, how, _turn in Formatter().parse(told):
        if name and (not name.isidentifier() or _WIDE.search(how or "")):
            raise ValueError(told)  # not ours: a format can ask for a text of gigabytes
        length += len(str(values.get(name, "")))  # and so can a text within a text, often
        if length > _LONGEST:
            raise ValueError(told)
    return told.format(**values) if values else told


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
    return Translated(_in_force.gettext(text), text, (text, "", 0)) if text else ""


def ngettext(one: str, many: str, number: int) -> str:
    """Translate a text that depends on a number."""
    written = one if number == 1 else many
    return Translated(_in_force.ngettext(one, many, number), written, (one, many, number))


def N_(text: str) -> str:
    """Mark a text for the catalogues without translating it yet."""
    return text
