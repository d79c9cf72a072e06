"""Where a journey of the music is, as a file, so that it survives a restart."""

from __future__ import annotations

from collections.abc import Mapping

from agent.store.jsonfile import JsonFile
from agent.store.paths import Paths

NAME = "journey.json"


def load(paths: Paths) -> Mapping[str, object] | None:
    """Read what :func:`save` wrote; None where there is none."""
    return JsonFile(paths.state / NAME).load()


def save(paths: Paths, numbers: Mapping[str, object] | None) -> None:
    """Store it; None removes it. Raises StoreError."""
    file = JsonFile(paths.state / NAME)
    if numbers is None:
        file.delete()
    else:
        file.save(dict(numbers))
