"""Getting to know a face: half a minute at rest, then, if wished, any of the seven. Pure.

One machine, fed with looks by whoever has a camera: the running agent (:class:`Lessons`, for tray,
preview, page and terminal) or the command alone. What cannot serve is said at once and told by
:attr:`Lesson.view`; where it lasts, the lesson ends, and nothing is kept of it.

::

    REST --(seconds are over)--> READY --(show)--> SHOW --(seconds are over)--> READY
    READY --(keep, or waited for long)--> LEARNED        any of them --(trouble, stop)--> FAILED
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from agent.core.person import STRANGER, Person
from agent.errors import AgentError
from agent.ports import Clock
from agent.translation import N_, _
from agent.types import EMOTIONS, LessonStage, LessonView, MoodState, Observation
from agent.wording import sentence

SECONDS = 30.0
"""How long the resting face is looked at."""
SHOW_SECONDS = 4.0
"""How long one of the seven is looked at."""
EVERY = 0.5
"""Seconds between two looks."""
PATIENCE = 4.0
"""Seconds for which nobody, two persons or bad light may be seen before the lesson ends."""
BLIND = 15.0
"""Seconds without any look, such as a camera needs at most to open, before it ends as well."""
WAIT = 60.0
"""Seconds in which more may be shown; then what was learned is kept: it was asked for."""
LEAST = 8
"""Looks at rest that are needed."""
RESULT_SECONDS = 30.0
"""How long the running agent tells how a lesson ended."""


class CannotLearn(AgentError):
    """The face cannot be learned as things are."""

    title = N_("Your face was not learned")


class Lesson:
    """One lesson. Times are monotonic seconds; looks come in the order of their time.

    ``before``: the person as whom the looks are read today. ``seconds``: how long to look at rest.
    """

    def __init__(self, now: float, before: Person = STRANGER, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self.stage = LessonStage.REST
        self.rest: list[tuple[float, ...]] = []
        self.person: Person | None = None  # once it is learned
        self._before = before
        self._labelled: list[tuple[MoodState, tuple[float, ...]]] = []
        self._asked: MoodState | None = None
        self._latest: tuple[float, ...] | None = None
        self._trouble: tuple[str, float] | None = None  # and since when
        self._began: float | None = None  # the stage: at rest with the first look
        self._heard = now  # when the latest look came
        self._now = now
        self._why = ""

    @property
    def is_over(self) -> bool:
        """True once it is learned or failed; nothing changes it any more."""
        return self.stage in (LessonStage.LEARNED, LessonStage.FAILED)

    def look(self, look: Observation) -> None:
        """Take one more look."""
        if self.is_over:
            return
        self._heard = look.time
        if self.stage is LessonStage.REST and self._began is None:
            self._began = look.time
        if self._serves(look) and look.probabilities is not None:
            self._latest = look.probabilities
            if self.stage is LessonStage.REST:
                self.rest.append(look.probabilities)
            elif self.stage is LessonStage.SHOW and self._asked is not None:
                self._labelled.append((self._asked, look.probabilities))
        self.tick(look.time)

    def show(self, emotion: MoodState, now: float) -> None:
        """Look at one of the seven next, once the face at rest is known."""
        if self.stage is LessonStage.READY and emotion.is_emotion:
            self._enter(LessonStage.SHOW, now)
            self._asked = emotion

    def keep(self) -> None:
        """End it with what was learned, once the face at rest is known."""
        if self.stage in (LessonStage.READY, LessonStage.SHOW):
            self.person = self._learned()
            self.stage = LessonStage.LEARNED

    def stop(self) -> None:
        """End it as the user wishes. Nothing is kept."""
        self.fail(_("It was stopped."))

    def fail(self, why: str) -> None:
        """End it; ``why`` in the user's words, a sentence. Nothing is kept."""
        if not self.is_over:
            self.stage = LessonStage.FAILED
            self._why = f"{sentence(why)} {_('Nothing was stored.')}"
            self.rest, self._labelled, self._latest = [], [], None

    def tick(self, now: float) -> None:
        """Let time pass."""
        self._now = max(self._now, now)
        due = self.deadline
        if due is None or now < due:
            return
        if self.stage is not LessonStage.READY and now >= self._heard + BLIND:
            self.fail(_("The camera gives no picture."))
            return
        match self.stage:
            case LessonStage.REST:
                self._rested(now)
            case LessonStage.SHOW:
                self._enter(LessonStage.READY, now)
            case LessonStage.READY:
                self.keep()
            case LessonStage.LEARNED | LessonStage.FAILED:
                pass  # over: nothing is due
            case _:
                assert_never(self.stage)

    @property
    def deadline(self) -> float | None:
        """When :meth:`tick` has something to do; None: it is over."""
        if self.is_over:
            return None
        blind = self._heard + BLIND
        if self._began is None:
            return blind
        end = self._began + self._length
        return end if self.stage is LessonStage.READY else min(end, blind)

    @property
    def view(self) -> LessonView:
        """What is shown of it now."""
        gone = 0.0 if self._began is None else self._now - self._began
        now = then = None
        if self._latest is not None and self.rest:
            row = np.asarray(self._latest)
            now, then = _seven(self._before.adjust(row)), _seven(self._learned().adjust(row))
        trouble = self._why or ("" if self._trouble is None else self._trouble[0])
        share = 1.0 if self.is_over else min(1.0, max(0.0, gone / self._length))
        asked = self._asked if self.stage is LessonStage.SHOW else None
        return LessonView(self.stage, round(share, 3), asked, now, then, trouble)

    @property
    def _length(self) -> float:
        """Seconds of the present stage."""
        match self.stage:
            case LessonStage.REST:
                return self.seconds
            case LessonStage.SHOW:
                return SHOW_SECONDS
            case LessonStage.READY | LessonStage.LEARNED | LessonStage.FAILED:
                return WAIT
            case _:
                assert_never(self.stage)

    def _enter(self, stage: LessonStage, now: float) -> None:
        self.stage, self._began, self._trouble, self._heard = stage, now, None, now

    def _rested(self, now: float) -> None:
        if len(self.rest) >= LEAST:
            self._enter(LessonStage.READY, now)
            return
        self.fail(
            _(
                "Only {n} clear looks at your face were had, and {needed} are needed. Sit where "
                "the camera sees you well, and try again."
            ).format(n=len(self.rest), needed=LEAST)
        )

    def _learned(self) -> Person:
        """Make the person of what was seen: other numbers than these few are not kept."""
        person = STRANGER.learn([np.asarray(row) for row in self.rest])
        for emotion, row in self._labelled:
            person = person.corrected(row, to=EMOTIONS.index(emotion))
        return person

    def _serves(self, look: Observation) -> bool:
        trouble = _trouble(look)
        if trouble is None:
            self._trouble = None
            return True
        since = look.time if self._trouble is None else self._trouble[1]
        self._trouble = (trouble, since)
        if self.stage is not LessonStage.READY and look.time - since >= PATIENCE:
            self.fail(trouble)
        return False


class Lessons:
    """The lesson of the running agent, and for a while how the latest one ended."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lesson: Lesson | None = None
        self._ended: float | None = None  # when it was settled
        self._obstructed = False  # the latest ended by something that was in the way

    @property
    def going(self) -> bool:
        """True while a face is looked at to be learned: no mood is read meanwhile."""
        return self._lesson is not None and not self._lesson.is_over

    @property
    def view(self) -> LessonView | None:
        """What is shown of it; None: there is nothing to tell."""
        return None if self._lesson is None else self._lesson.view

    def begin(self, before: Person, seconds: float) -> None:
        """Begin one, unless one is under way."""
        if not self.going:
            self._lesson = Lesson(self._clock.monotonic(), before, seconds)
            self._ended = None

    def change(self, step: Callable[[Lesson, float], None]) -> None:
        """Let ``step`` do something to the lesson under way; without one nothing happens."""
        if self._lesson is not None and self.going:
            step(self._lesson, self._clock.monotonic())

    def meet(self, obstacle: str | None) -> None:
        """End one that cannot go on; None: nothing is in the way, and none is told of any more."""
        if obstacle is not None and self.going:
            self.change(lambda lesson, _now: lesson.fail(obstacle))
            self._obstructed = True
        elif obstacle is None and self._obstructed:
            self._obstructed = False
            self.dismiss()

    def settle(self) -> Lesson | None:
        """Return the lesson that has just ended, once."""
        if self._lesson is None or not self._lesson.is_over or self._ended is not None:
            return None
        self._ended = self._clock.monotonic()
        return self._lesson

    def tick(self) -> None:
        """Let time pass."""
        now = self._clock.monotonic()
        if self._lesson is not None and self.going:
            self._lesson.tick(now)
        elif self._ended is not None and now >= self._ended + RESULT_SECONDS:
            self.dismiss()

    def dismiss(self) -> None:
        """Tell no longer how the latest ended."""
        if not self.going:
            self._lesson = self._ended = None

    @property
    def deadlines(self) -> list[float]:
        """Monotonic times at which :meth:`tick` has something to do."""
        due = None if self._lesson is None else self._lesson.deadline
        if due is None and self._ended is not None:
            due = self._ended + RESULT_SECONDS
        return [] if due is None else [due]


def _seven(rows: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(p), 4) for p in rows[0])


def _trouble(look: Observation) -> str | None:
    """Say why a look does not serve; None: it does."""
    if look.probabilities is None and look.unclear:
        return _("It is too dark to see you. Put on a light, best in front of you.")
    if look.probabilities is None:
        return _("No face is in the camera's picture. Sit before it, with light from the front.")
    if look.faces > 1:
        return _("More than one person is in the camera's picture. One face is needed, yours.")
    if look.quality <= 0.1 or look.unclear:
        why = f" ({_(look.unclear)})" if look.unclear else ""
        return _("Your face cannot be seen well enough{why}. More light may help.").format(why=why)
    return None
