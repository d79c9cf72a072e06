"""What the user was promised for some time, as a file, so that it survives a restart.

A break, a pause of the camera, their own word on their mood, the music left alone: each with the
moments since when and until when it holds, by the wall clock.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from agent.store.jsonfile import JsonFile
from agent.store.paths import Paths
from agent.timing import local
from agent.types import EMOTION_STATES, NOTHING_PROMISED, MoodState, Promised, Term

log = logging.getLogger(__name__)

NAME = "promised.json"
_MARGIN = timedelta(days=2)
"""From the calendar's ends, so that a moment can be told in every time zone."""


def load(paths: Paths) -> Promised:
    """Read what :func:`save` wrote, also what is over by now; a part that is damaged is absent."""
    stored = JsonFile(paths.state / NAME).load()
    if stored is None:
        return NOTHING_PROMISED
    said = _term(stored, "said")
    mood = _mood(stored) if said is not None else None
    left_alone = _term(stored, "left_alone")
    return Promised(
        paused=_term(stored, "paused", endless=True),
        on_break=_term(stored, "break", endless=True),
        said=None if mood is None or said is None else (mood, said),
        left_alone=left_alone,
        chosen=left_alone is not None and stored.get("chosen") is True,
    )


def save(paths: Paths, promised: Promised) -> None:
    """Store it; where nothing is promised, remove the file. Raises StoreError."""
    file = JsonFile(paths.state / NAME)
    terms = {
        "paused": promised.paused,
        "break": promised.on_break,
        "left_alone": promised.left_alone,
    }
    kept: dict[str, object] = {
        name: _written(term) for name, term in terms.items() if term is not None
    }
    if promised.said is not None:
        kept["said"] = {"mood": promised.said[0].value, **_written(promised.said[1])}
    if promised.chosen:
        kept["chosen"] = True
    if kept:
        file.save(kept)
    else:
        file.delete()


def forget_mood(paths: Paths) -> None:
    """Delete what the user said of their mood; a break and a pause stay. Raises StoreError."""
    save(paths, replace(load(paths), said=None))


def _written(term: Term) -> dict[str, str | None]:
    until = None if term.until is None else term.until.isoformat()
    return {"since": term.since.isoformat(), "until": until}


def _term(stored: dict[str, object], name: str, *, endless: bool = False) -> Term | None:
    """Read one; ``endless``: it may have no end."""
    values = stored.get(name)
    if values is None:
        return None
    try:
        if not isinstance(values, dict):
            raise ValueError("no object")
        since, until = _moment(values.get("since")), None
        if values.get("until") is not None or not endless:
            until = _moment(values.get("until"))
            if until <= since:
                raise ValueError("the end is before the beginning")
    except ValueError as error:
        log.warning("%s: '%s' is damaged (%s); treated as absent", NAME, name, error)
        return None
    return Term(since, until)


def _moment(text: object) -> datetime:
    """Raise ValueError for what is no moment of this computer's calendar."""
    if not isinstance(text, str):
        raise ValueError("no moment")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    try:
        earliest, latest = moment - _MARGIN, moment + _MARGIN
    except OverflowError as error:
        raise ValueError("outside of the calendar") from error
    local(earliest), local(latest)
    return local(moment)


def _mood(stored: dict[str, object]) -> MoodState | None:
    values = stored.get("said")
    assert isinstance(values, dict)
    mood = next((one for one in EMOTION_STATES if one.value == values.get("mood")), None)
    if mood is None:
        log.warning("%s: 'said' names no mood; treated as absent", NAME)
    return mood
