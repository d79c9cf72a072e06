"""Getting to know a face: half a minute at rest, then, if wished, any of the seven. Pure.

What cannot serve is said at once, and nothing is kept of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from agent.core.person import Person
from agent.errors import AgentError
from agent.translation import N_, _
from agent.types import EMOTIONS, MoodState, Observation

SECONDS = 30.0
"""How long the resting face is looked at."""
EVERY = 0.5
"""Seconds between two looks."""
PATIENCE = 4.0
"""Seconds for which nobody, two persons or bad light may be seen before it is said."""
LEAST = 8
"""Looks that are needed."""


class CannotLearn(AgentError):
    """The face cannot be learned as things are."""

    title = N_("Your face was not learned")


@dataclass
class Lesson:
    """Collects the looks of one calibration. ``add`` takes them in the order of their time."""

    seconds: float = SECONDS
    rest: list[tuple[float, ...]] = field(default_factory=list)
    labelled: list[tuple[MoodState, tuple[float, ...]]] = field(default_factory=list)
    _began: float | None = None
    _trouble: tuple[str, float] | None = None

    def add(self, look: Observation) -> None:
        """Take one more look at the face at rest. Raises CannotLearn for what has lasted."""
        self._began = look.time if self._began is None else self._began
        if self._serves(look) and look.probabilities is not None:
            self.rest.append(look.probabilities)

    def add_labelled(self, look: Observation, emotion: MoodState) -> None:
        """Take one more look at an expression that was asked for. Raises CannotLearn."""
        if self._serves(look) and look.probabilities is not None:
            self.labelled.append((emotion, look.probabilities))

    def left(self, now: float) -> float:
        """How many seconds of rest are still to come."""
        return self.seconds if self._began is None else max(0.0, self._began + self.seconds - now)

    def finish(self) -> Person:
        """Make the person of what was seen. Raises CannotLearn where that is too little."""
        if len(self.rest) < LEAST:
            raise CannotLearn(
                _(
                    "Only {n} clear looks at your face were had, and {least} are "
                    "needed. Sit where the camera sees you well, and try again."
                ).format(n=len(self.rest), least=LEAST)
            )
        person = Person().learn([np.asarray(row) for row in self.rest])
        for emotion, row in self.labelled:
            person = person.corrected(row, to=EMOTIONS.index(emotion))
        return person

    def _serves(self, look: Observation) -> bool:
        trouble = _trouble(look)
        if trouble is None:
            self._trouble = None
            return True
        if self._trouble is None or self._trouble[0] != trouble:
            self._trouble = (trouble, look.time)
        elif look.time - self._trouble[1] >= PATIENCE:
            raise CannotLearn(_("{trouble} Nothing was stored.").format(trouble=trouble))
        return False


def _trouble(look: Observation) -> str | None:
    if look.probabilities is None:
        return _("No face is in the camera's picture. Sit before it, with light from the front.")
    if look.faces > 1:
        return _("More than one person is in the camera's picture. One face is needed, yours.")
    if look.quality <= 0.1 or look.unclear:
        why = f" ({look.unclear})" if look.unclear else ""
        return _(
            "Your face cannot be seen well enough{why}. More light from the front may help."
        ).format(why=why)
    return None
