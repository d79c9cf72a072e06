"""Which language is spoken, and that the catalogues hold all of it."""

from __future__ import annotations

import os
import re
import runpy
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

from agent import translation
from agent.store import catalogues
from agent.store.paths import Paths

ROOT = Path(__file__).parents[2]
PO = sorted((ROOT / "resources" / "locale").glob("*/LC_MESSAGES/moodtray.po"))
TOOL: dict[str, Any] = runpy.run_path(str(ROOT / ".make" / "translations.py"))


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    catalogues.speak("en")


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "fr:de:en"}, "de"),
        ({"LANG": "de_AT.UTF-8", "LANGUAGE": ""}, "de"),
    ],
)
def test_the_systems_language(
    variables: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert catalogues.speak() == language
    assert translation._("Settings") == {"en": "Settings", "de": "Einstellungen"}[language]


@pytest.mark.parametrize("text", ['language = "de"\n', 'language = "de"\n[camera]\nsource = "x"\n'])
def test_the_settings_language(text: str) -> None:
    paths = Paths.default()
    paths.ensure()
    paths.settings_file.write_text(text)
    assert catalogues.speak_as_set(paths) == "de"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes with names")
def test_settings_without_an_end_are_not_read() -> None:
    paths = Paths.default()
    paths.ensure()
    with paths.settings_file.open("wb") as file:
        file.write(b'language = "de"\n')
        file.truncate(3_000_000_000)
    tracemalloc.start()
    try:
        assert catalogues.speak_as_set(paths) == "en"
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    paths.settings_file.unlink()
    os.mkfifo(paths.settings_file)
    assert catalogues.speak_as_set(paths) == "en"


@pytest.mark.parametrize("text", ["", "language = 5\n", 'language = "xx"\n', "[[[", "\0"])
def test_what_makes_no_sense_is_english(text: str) -> None:
    paths = Paths.default()
    paths.ensure()
    paths.settings_file.write_text(text)
    assert catalogues.speak_as_set(paths) == "en"


def test_every_text_is_in_every_catalogue() -> None:
    wanted = {message.id for message in TOOL["extracted"]() if message.id}
    assert len(wanted) > 400
    for po in PO:
        with po.open("rb") as file:
            catalogue = read_po(file, locale=po.parents[1].name)
        have = {
            message.id
            for message in catalogue
            if message.id and not message.fuzzy and all([message.string or [""]][0])
        }
        assert wanted - have == set(), "run 'make translations' and translate what is new"
        assert have - wanted == set()


@pytest.mark.parametrize("po", PO, ids=lambda po: po.parents[1].name)
def test_translations_keep_what_is_filled_in(po: Path) -> None:
    # By name: how a date is written differs.
    slots = re.compile(r"\{(\w*)[^{}]*\}|%\((\w+)\)s")
    with po.open("rb") as file:
        for message in read_po(file):
            if not message.id:
                continue
            texts = [message.id] if isinstance(message.id, str) else list(message.id)
            strings = (
                [message.string] if isinstance(message.string, str) else list(message.string or ())
            )
            allowed = {slot for text in texts for slot in slots.findall(text)}
            for string in strings:
                assert set(slots.findall(string)) <= allowed, message.id
            assert {slot for string in strings for slot in slots.findall(string)} == allowed


def test_german_sets_a_comma_before_a_clause() -> None:
    """'Pause bis du zurück bist': a template did not know whether a time or a clause comes."""
    with PO[0].open("rb") as file:
        catalogue = read_po(file)
    clause = re.compile(r"[\w})”“] (bis|wenn|weil|sobald|solange) (du|sie|es|er|man)\b")
    spared = re.compile(r"\b([Uu]nd|[Oo]der|[Aa]uch|[Nn]ur|[Ee]rst) (bis|wenn|weil|sobald|solange)")
    forms: list[str] = []
    for message in catalogue:
        told = message.string
        forms += [told] if isinstance(told, str) else told or []
    wrong = [text for text in forms if clause.search(text) and not spared.search(text)]
    assert wrong == []
