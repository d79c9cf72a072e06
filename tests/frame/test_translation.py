"""Texts that were told in one language, told again in another."""

from __future__ import annotations

import json
import pickle
import tracemalloc
from collections.abc import Iterator

import pytest

from agent.store import catalogues
from agent.translation import _, english, from_recipe, ngettext, recipe, retold
from agent.types import Mood, MoodState
from agent.wording import describe


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    catalogues.speak("en")
    yield
    catalogues.speak("en")


def reason() -> str:
    """As the policy words it."""
    mood = Mood(MoodState.HAPPY, 0.0, 0.9)
    return _("you asked for music, and {mood}").format(mood=describe(mood))


def songs(count: int) -> str:
    return ngettext("{n} song", "{n} songs", count).format(n=count)


def test_a_text_is_told_again_in_the_language_of_now() -> None:
    told, one, many = reason(), songs(1), songs(3)
    assert told == "you asked for music, and you look happy"
    catalogues.speak("de")
    assert retold(told) == reason() != told
    assert (retold(one), retold(many)) == (songs(1), songs(3)) != (one, many)
    assert english(retold(told)) == told
    german = reason()
    catalogues.speak("en")
    assert retold(german) == told


def test_it_is_told_again_from_a_file() -> None:
    told, written = reason(), recipe(reason())
    assert from_recipe(written, "?") == told
    catalogues.speak("de")
    assert from_recipe(written, told) == reason()
    assert from_recipe(recipe(songs(3)), "?") == songs(3)


def test_what_nobody_knows_how_to_tell_stays() -> None:
    assert recipe("by hand") is None
    assert retold("by hand") == "by hand"
    for damaged in (
        None,
        "",
        "7",
        "[]",
        "{",
        '{"text": 1}',
        '{"text": ["{x}", "", 0], "values": {}}',
    ):
        assert from_recipe(damaged, "as it was") in ("as it was", "{x}")


def test_a_text_of_texts_of_texts_is_not_told() -> None:
    bomb: object = "x"
    for _level in range(2):
        bomb = {"text": ["{a}" * 3_000, "", 0], "values": {"a": bomb}}
    tracemalloc.start()
    assert from_recipe(json.dumps(bomb), "as it was") == "as it was"
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_names_in_braces_are_no_places_to_fill_in() -> None:
    told = _("Back to {name}").format(name="{mood}")
    assert retold(told) == told == "Back to {mood}"
    assert from_recipe(recipe(told), "?") == told


def test_it_can_be_sent_to_another_process() -> None:
    told = pickle.loads(pickle.dumps(reason()))
    catalogues.speak("de")
    assert retold(told) == reason()
