"""The numbers of the user's own face, as a file: ``face.json`` in the folder of the state.

No picture: what :class:`agent.core.person.Person` holds, and which network it was learned with. The
numbers of another network mean nothing to this one: such a file is set aside.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from agent.core.person import Person
from agent.errors import AgentError, StoreError
from agent.store.jsonfile import JsonFile
from agent.store.paths import Paths

log = logging.getLogger(__name__)

FORMAT = 1
NAME = "face.json"


class OtherFace(StoreError):
    """What was learned of the face cannot be used."""

    title = "Your face has to be learned again"


def load(
    paths: Paths, fingerprint: str, tell: Callable[[AgentError], None] = lambda error: None
) -> Person:
    """The stored person, or one of whom nothing is known. ``tell`` hears of a file that was set
    aside, because it is damaged or of another network."""
    file = JsonFile(paths.state / NAME)
    if not file.path.exists():
        return Person()
    values = file.load()
    try:
        if values is None or values.get("format") != FORMAT:
            raise ValueError("no face's numbers")
        if values.get("network") != fingerprint:
            raise ValueError("numbers of another version of the network")
        return Person.from_numbers(values)
    except ValueError as error:
        kept = _set_aside(file)
        where = "" if kept is None else f" The file is kept as {kept}."
        log.warning("%s set aside: %s", file.path, error)
        tell(
            OtherFace(
                f"What Moodtray had learned of your face cannot be used any more ({error}).{where}"
                " Until you let it learn your face again with 'moodtray calibrate', it reads you "
                "like anybody."
            )
        )
        return Person()


def save(paths: Paths, fingerprint: str, numbers: Mapping[str, object] | None) -> None:
    """Store a person's numbers; None removes them. Raises StoreError."""
    file = JsonFile(paths.state / NAME)
    if numbers is None:
        file.delete()
    else:
        file.save({"format": FORMAT, "network": fingerprint, **numbers})


def _set_aside(file: JsonFile) -> str | None:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    target = file.path.with_name(f"{file.path.name}.other-{stamp}")
    try:
        file.path.replace(target)
    except OSError:
        return None
    return target.name
