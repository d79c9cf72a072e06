"""The numbers of the user's own face, as a file: ``face.json`` in the folder of the state.

No picture: what :class:`agent.core.person.Person` holds, and which network it was learned with. The
numbers of another network mean nothing to this one: such a file is set aside.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from agent.core.person import STRANGER, Person
from agent.errors import AgentError, StoreError
from agent.store.files import remove
from agent.store.jsonfile import JsonFile
from agent.store.paths import Paths, names_in
from agent.translation import N_, _

log = logging.getLogger(__name__)

FORMAT = 1
NAME = "face.json"


class OtherFace(StoreError):
    """What was learned of the face cannot be used."""

    title = N_("Your face has to be learned again")


class FaceFile:
    """The file, for one network (its fingerprint). The controller's thread."""

    def __init__(self, paths: Paths, fingerprint: str) -> None:
        self._paths = paths
        self._file = JsonFile(paths.state / NAME)
        self._fingerprint = fingerprint

    def load(self, tell: Callable[[AgentError], None]) -> Person:
        """Read the stored person; without one, a person of whom nothing is known.

        ``tell`` hears of a file that was set aside: damaged, or of another network.
        """
        if not os.path.exists(self._file.path):
            return STRANGER
        values = self._file.load()
        try:
            if values is None or values.get("format") != FORMAT:
                raise ValueError(_("it is damaged"))
            if values.get("network") != self._fingerprint:
                raise ValueError(_("it was learned with another version of the network"))
            return Person.from_numbers(values)
        except ValueError as error:
            kept = self._set_aside()
            log.warning("%s set aside: %s", self._file.path, error)
            tell(
                OtherFace(
                    _(
                        "What Moodtray had learned of your face cannot be used any more: {error}. "
                    ).format(error=error)
                    + (_("The file is kept as {kept}. ").format(kept=kept) if kept else "")
                    + _(
                        "Until it learns your face again ('moodtray calibrate') it "
                        "reads you like anybody."
                    )
                )
            )
            return STRANGER

    def save(self, numbers: Mapping[str, object] | None) -> None:
        """Store a person's numbers; None removes all that there are. Raises StoreError."""
        if numbers is None:
            forget_faces(self._paths)
        else:
            self._file.save({"format": FORMAT, "network": self._fingerprint, **numbers})

    def _set_aside(self) -> str | None:
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        target = self._file.path.with_name(f"{NAME}.other-{stamp}")
        try:
            self._file.path.replace(target)
        except OSError:
            return None
        return target.name


def forget_faces(paths: Paths) -> None:
    """Delete the numbers of the face, those that were set aside among them. Raises StoreError."""
    aside = [name for name in names_in(paths.state) if name.startswith(f"{NAME}.other-")]
    for name in (NAME, *aside):
        remove(paths.state / name)
