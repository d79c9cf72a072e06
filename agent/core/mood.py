"""The mood the user is taken to be in: what was seen, and the user's own word on it.

Pure state with a clock: each method takes one fact and returns what is to be done about it.
``watching`` says whether the mood is seen just now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agent import effects
from agent.core import mood_filter
from agent.ports import Clock
from agent.settings import MoodSettings
from agent.types import Candidate, Mood, MoodState, Observation

DENIED_FOR = 600.0
"""Seconds for which "not my mood" holds an emotion off."""


@dataclass(frozen=True, slots=True)
class OwnWord:
    """What the user said of their mood, and until when it holds.

    ``corrects``: another mood had been shown to them.
    """

    mood: MoodState
    until: datetime
    corrects: bool = False


class MoodTracker:
    """The steady mood, a mood set by hand, a mood that was denied, and the last clear one."""

    def __init__(self, clock: Clock, calibration: mood_filter.Calibration) -> None:
        self._clock = clock
        self._calibration = calibration
        self._memory = mood_filter.begin(clock.monotonic())
        self._hand: tuple[Mood, float] | None = None  # "I feel ...", and until when
        self._hand_until: datetime | None = None  # the same by the wall clock, for people
        self._dwell = 0.0  # how long a mood must be seen, by the latest settings
        self._denied: dict[MoodState, float] = {}  # "not my mood", and until when
        self.last_emotion: MoodState | None = None
        self.observation: Observation | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing was seen yet and nothing is set by hand."""
        return self.observation is None and self._hand is None

    def mood(self, watching: bool) -> Mood:
        """Return the mood now.

        One set by hand counts for as long as the user is not seen to be away.
        """
        seen = self._memory.mood
        gone = watching and seen.state is MoodState.AWAY
        if self._hand is not None and not gone:
            return self._hand[0]
        if seen.state in self._denied:
            return replace(seen, state=MoodState.UNSURE)
        return seen

    @property
    def by_hand_until(self) -> datetime | None:
        """How long the user's own word holds, for people; None: there is none."""
        return None if self._hand is None else self._hand_until

    @property
    def candidate(self) -> Candidate | None:
        """What is seen and not taken for the mood yet."""
        state = self._memory.candidate
        if state is None:
            return None
        return Candidate(state, self._memory.candidate_since, self._dwell)

    def observe(
        self, observation: Observation, settings: MoodSettings, watching: bool
    ) -> list[effects.Effect]:
        """Take in one more look."""
        self.observation = observation
        self._dwell = settings.dwell
        before = self.mood(watching).state
        self._memory = mood_filter.observe(self._memory, observation, settings, self._calibration)
        return [effects.Record(observation), *self._changed_from(before, watching)]

    def set_by_hand(
        self, state: MoodState, minutes: float, watching: bool, wrong: MoodState | None = None
    ) -> list[effects.Effect]:
        """Take the mood that the user named; it holds for ``minutes``.

        ``wrong``: the other mood that was shown to them.
        """
        now = self._clock.monotonic()
        out: list[effects.Effect] = []
        if wrong is not None and wrong is not state:
            out.append(effects.RecordFeedback("not my mood", str(wrong)))
        self._denied.clear()
        self._hand = (Mood(state, since=now, confidence=1.0, by_hand=True), now + minutes * 60)
        self._hand_until = self._clock.now() + timedelta(minutes=minutes)
        out.append(effects.RecordFeedback("set by hand", str(state)))
        return [*out, self._changed(watching)]

    def follow_face(self, watching: bool) -> list[effects.Effect]:
        """End the user's own word on their mood, and what they denied."""
        before = self.mood(watching).state
        self._hand = None
        self._denied.clear()
        return self._changed_from(before, watching)

    def deny(self, shown: MoodState | None, watching: bool) -> list[effects.Effect]:
        """Take back the mood ``shown`` to the user (None: the present one), who denies it."""
        present = self.mood(watching).state
        denied = shown or present
        out: list[effects.Effect] = [effects.RecordFeedback("not my mood", str(denied))]
        if denied.is_emotion:
            self._denied[denied] = self._clock.monotonic() + DENIED_FOR
        if self.last_emotion is denied:
            self.last_emotion = None
        if self._hand is not None and self._hand[0].state is denied:
            self._hand = None
        if denied is present:
            out += self.forget(watching)
        return out

    def forget(self, watching: bool) -> list[effects.Effect]:
        """Drop what was seen: the old looks say nothing about now."""
        before = self.mood(watching).state
        self._memory = mood_filter.begin(self._clock.monotonic())
        return self._changed_from(before, watching)

    def tick(self, watching: bool) -> list[effects.Effect]:
        """End what the user said when its time has run out."""
        now = self._clock.monotonic()
        out: list[effects.Effect] = []
        if self._hand is not None and now >= self._hand[1]:
            self._hand = None
            out.append(self._changed(watching))
        self._denied = {mood: until for mood, until in self._denied.items() if now < until}
        return out

    @property
    def deadlines(self) -> list[float]:
        """Monotonic times at which :meth:`tick` has something to do."""
        return [*([self._hand[1]] if self._hand else []), *self._denied.values()]

    def _changed_from(self, before: MoodState, watching: bool) -> list[effects.Effect]:
        return [] if self.mood(watching).state is before else [self._changed(watching)]

    def _changed(self, watching: bool) -> effects.Effect:
        mood = self.mood(watching)
        if mood.state.is_emotion:
            self.last_emotion = mood.state
        return effects.Record(mood)
