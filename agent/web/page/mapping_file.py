"""Moods → music as a file: to keep, or to take to another computer. Pure but for reading settings.

The file is TOML, in the form of the settings file's own two sections.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from agent.errors import SettingsError
from agent.settings import Settings
from agent.store.settings_file import parse
from agent.translation import _

NAME = "moodtray-music.toml"
SECTIONS = ("local_playlists", "spotify_playlists")


def write(settings: Settings) -> str:
    """Write the mapping of these settings as a file's text."""
    import tomlkit

    document = tomlkit.document()
    document.add(tomlkit.comment(_("Moodtray: which music for which mood.")))
    document.add(tomlkit.comment(_("Moods and music, Take in a file… on the page reads it.")))
    for section in SECTIONS:
        table = tomlkit.table()
        for mood, entries in getattr(settings, section).items():
            table[mood] = list(entries)
        document[section] = table
    return tomlkit.dumps(document)


def read(text: str, settings: Settings) -> Settings:
    """Put the mapping of a file into settings.

    Raises SettingsError that says what is wrong with the file; nothing of it is taken then.
    """
    name = _("This file")
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(
            _("{file} is no mapping of Moodtray: {why}.").format(file=name, why=str(error))
        ) from error
    if not set(values) & set(SECTIONS):
        raise SettingsError(
            _("{file} is no mapping of Moodtray: it has neither {one} nor {other}.").format(
                file=name, one=f"[{SECTIONS[0]}]", other=f"[{SECTIONS[1]}]"
            )
        )
    strange = [key for key in values if key not in (*SECTIONS, "version")]
    if strange:
        raise SettingsError(
            _("{file} holds more than a mapping: {what}. Take that out first.").format(
                file=name, what=", ".join(strange)[:200]
            )
        )
    found = parse(text, Path(name))
    return settings.model_copy(update={section: getattr(found, section) for section in SECTIONS})
