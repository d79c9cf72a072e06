"""Which of the user's playlists may fit which mood, judged by their names alone. Pure.

The words are common ones of playlist titles in English, German, French, Spanish and Italian. A
proposal is a proposal: nothing is taken without a click.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from agent.types import MoodState
from agent.web.page.context import Card

PER_MOOD = 4
"""Proposals for one mood at most."""

WORDS: dict[MoodState, tuple[str, ...]] = {
    MoodState.HAPPY: (
        "happy", "summer", "sun", "sunny", "party", "feel good", "good mood", "dance", "holiday",
        "vacation", "beach", "joy", "upbeat", "road trip", "smile", "weekend",
        "gluck", "froh", "sommer", "sonne", "gute laune", "urlaub", "strand", "tanz", "feier",
        "heureux", "joie", "ete", "soleil", "fete", "vacances", "bonne humeur",
        "feliz", "alegre", "verano", "sol", "fiesta", "playa",
        "felice", "allegria", "estate", "sole", "festa", "spiaggia",
    ),
    MoodState.SAD: (
        "sad", "rain", "rainy", "blue", "melancholy", "melancholic", "heartbreak", "comfort", "cry",
        "lonely", "ballads", "autumn", "slow",
        "traurig", "regen", "trost", "melancholie", "herbst", "liebeskummer", "balladen",
        "triste", "pluie", "chagrin", "automne", "lluvia", "otono", "pioggia", "autunno",
    ),
    MoodState.ANGRY: (
        "angry", "calm", "calming", "breathe", "breath", "meditation", "meditate", "ambient",
        "relax", "relaxing", "anger", "rage", "yoga",
        "nature",
        "ruhig", "ruhe", "entspannung", "entspannen", "atmen", "wut", "natur",
        "calme", "detente", "respire", "colere", "calma", "relajante", "relajacion", "rabia",
        "rilassante", "respira", "rabbia",
    ),
    MoodState.FEAR: (
        "fear", "soothing", "safe", "gentle", "sleep", "lullaby", "lullabies", "anxiety",
        "peaceful", "piano", "quiet", "soft",
        "sanft", "schlaf", "schlafen", "wiegenlieder", "leise", "klavier", "geborgen",
        "douceur", "doux", "sommeil", "berceuses", "suave", "dormir", "tranquilo", "dolce", "sonno",
    ),
    MoodState.NEUTRAL: (
        "neutral", "focus", "chill", "chilled", "lofi", "lo-fi", "work", "study", "concentration",
        "background",
        "coffee",
        "cafe", "reading", "evening", "morning", "instrumental", "deep work",
        "arbeit", "lernen", "konzentration", "kaffee", "abend", "morgen", "lesen", "fokus",
        "travail", "etudier", "soir", "matin", "trabajo", "estudiar", "tarde",
        "lavoro", "studio", "sera",
    ),
    MoodState.SURPRISE: (
        "discover", "discovery", "new", "mix", "random", "surprise", "eclectic", "favourites",
        "favorites", "energy", "workout",
        "entdecken", "neu", "uberraschung", "mischung", "bunt", "lieblinge", "energie",
        "decouvertes", "nouveau", "novedades", "sorpresa", "scoperte", "nuovo",
    ),
    MoodState.DISGUST: (
        "disgust", "fresh", "clean", "reset", "classical", "classics", "acoustic", "jazz", "soul",
        "frisch", "klassik", "akustik", "frais", "classique", "clasica", "fresco", "classica",
    ),
}  # fmt: skip


def suggest(cards: Iterable[Card]) -> dict[MoodState, list[Card]]:
    """Propose the cards that may fit each mood, the best match first; each for one mood."""
    found: dict[MoodState, list[tuple[int, int, Card]]] = {mood: [] for mood in WORDS}
    for place, card in enumerate(cards):
        name = f" {_plain(card.name)} "
        scores = {
            mood: sum(len(word) for word in words if f" {word} " in name)
            for mood, words in _PLAIN_WORDS.items()
        }
        best = max(scores, key=lambda mood: scores[mood])
        if scores[best]:
            found[best].append((-scores[best], place, card))
    return {
        mood: [card for _score, _place, card in sorted(hits, key=lambda hit: hit[:2])[:PER_MOOD]]
        for mood, hits in found.items()
    }


def _plain(text: str) -> str:
    """Write it in lower case, without accents, words apart by one space."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in bare if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z0-9]+", bare))


_PLAIN_WORDS = {mood: tuple(_plain(word) for word in words) for mood, words in WORDS.items()}
