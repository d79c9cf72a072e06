"""Which language to speak, and its catalogue among the shipped ones (``resources/locale``)."""

from __future__ import annotations

import functools
import gettext
import locale
import logging
import os

from agent import translation
from agent.errors import StoreError
from agent.store.files import read_own
from agent.store.paths import Paths, resources_dir
from agent.store.toml_text import SIZE_LIMIT, load_toml
from agent.types import MoodState
from agent.wording import MOOD_WORDS, MOODS

log = logging.getLogger(__name__)

DOMAIN = "moodtray"
LANGUAGES = ("en", "de")
"""English is what the texts are written in; it needs no catalogue."""


def speak(wanted: str = "auto") -> str:
    """Put a language in force, ``auto``: the system's. Returns the one that is spoken from now on.

    A catalogue that is missing or damaged leaves English in force, with a warning in the log.
    """
    language = system_language() if wanted == "auto" else wanted
    if language == "en" or language not in LANGUAGES:
        translation.use(gettext.NullTranslations(), "en")
        return "en"
    try:
        found = gettext.translation(DOMAIN, resources_dir() / "locale", languages=[language])
    except (OSError, ValueError, UnicodeDecodeError) as error:
        log.warning("no catalogue for the language %r: %s", language, error)
        translation.use(gettext.NullTranslations(), "en")
        return "en"
    translation.use(found, language)
    return language


def mood_named(folder: str) -> MoodState | None:
    """Return the mood that a folder of that name is for; the language may have been another."""
    plain = folder.strip().casefold()
    for mood in MOODS:
        words = (mood.value, *_in_every_language(MOOD_WORDS[mood]))
        if plain in map(str.casefold, words):
            return mood
    return None


@functools.cache
def _in_every_language(text: str) -> tuple[str, ...]:
    """Tell a text in each language, whichever is in force; English first."""
    told = [text]
    for language in LANGUAGES[1:]:
        try:
            found = gettext.translation(DOMAIN, resources_dir() / "locale", languages=[language])
        except (OSError, ValueError, UnicodeDecodeError):
            continue
        told.append(found.gettext(text))
    return tuple(told)


def speak_as_set(paths: Paths) -> str:
    """Put the language of the settings file in force, without reading all of it."""
    try:
        text = read_own(paths.settings_file, SIZE_LIMIT).decode("utf-8-sig")
        wanted = load_toml(text).get("language")
    except (OSError, ValueError, RecursionError, StoreError):
        wanted = None
    return speak(wanted if isinstance(wanted, str) else "auto")


def system_language() -> str:
    """Read the system's language; ``en`` where it is none that Moodtray speaks."""
    # The order in which gettext itself looks; LANGUAGE is a list.
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            for part in value.split(":"):
                code = part.partition(".")[0].partition("_")[0].lower()
                if code in LANGUAGES:
                    return code
                if code in ("c", "posix"):
                    return "en"
            if name != "LANGUAGE":
                return "en"
    # Windows and macOS set none of these.
    code = (locale.getlocale()[0] or "").partition("_")[0].lower()
    return {"german": "de", "de": "de"}.get(code, "en")
