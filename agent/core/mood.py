"""The mood the user is taken to be in: what was seen, and the user's own word on it.

Pure state with a clock: each method takes one fact and returns what is to be done about it.
``watching`` says whether the mood is seen just now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from agent import effects
from agent.core import mood_filter
from agent.core.person import STRANGER, Person
from agent.ports import Clock
from agent.settings import MoodSettings
from agent.types import EMOTIONS, Candidate, Mood, MoodState, Observation, Term

DENIED_FOR = 600.0
"""Seconds for which "not my mood" holds an emotion off."""
LABELLED_FOR = 60.0
"""Seconds for which a look may be what the user's word is about, and the most that it counts."""
DRIFT_EVERY = 600.0
"""Seconds with somebody there after which the long-run answers move the person's numbers."""


@dataclass(frozen=True, slots=True)
class OwnWord:
    """What the user said of their mood, and until when it holds.

    ``corrects``: another mood had been shown to them.
    """

    mood: MoodState
    until: datetime
    corrects: bool = False


class MoodTracker:
    """Keeps the steady mood, one set by hand, one that was denied, and the last clear one.

    It also keeps what is known of the person's own face.
    """

    def __init__(
        self, clock: Clock, calibration: mood_filter.Calibration, person: Person = STRANGER
    ) -> None:
        self._clock = clock
        self._calibration = calibration
        self.person = person
        self.guest = False  # somebody else sits there ("not me"), until they have left
        self._in_force = True  # mood.own_face, as it was at the latest look
        self._certainty = 1.0  # from which a mood is named, by the latest settings
        self._memory = self._begin()
        self._looked = clock.monotonic()  # when the latest look was
        self._seen_for = 0.0  # seconds, since the person's numbers were last moved
        self._hand: tuple[Mood, float] | None = None  # "I feel ...", and until when
        self._said_unseen = False  # by somebody whom the camera did not find, nor since
        self._hand_term: Term | None = None  # the same by the wall clock, for people
        self._taught: tuple[Person, Person] | None = None  # before the user's word, and by it
        self._denied: dict[MoodState, float] = {}  # "not my mood", and until when
        self.last_emotion: MoodState | None = None
        self._seen = False  # a first look was taken
        self.observation: Observation | None = None
        """The latest look that says something of now."""

    @property
    def is_empty(self) -> bool:
        """Nothing was seen yet and nothing is set by hand."""
        return not self._seen and self._hand is None

    def mood(self, watching: bool) -> Mood:
        """Return the mood now.

        One set by hand counts for as long as the user is not seen to leave; who says it is there,
        seen or not.
        """
        seen = self._memory.mood
        gone = watching and seen.state is MoodState.AWAY and not self._said_unseen
        if self._hand is not None and not gone:
            return self._hand[0]
        if seen.state in self._denied:
            return replace(seen, state=MoodState.UNSURE)
        return seen

    @property
    def by_hand_until(self) -> datetime | None:
        """How long the user's own word holds, for people; None: there is none."""
        return None if self._hand is None or self._hand_term is None else self._hand_term.until

    @property
    def said(self) -> tuple[MoodState, Term] | None:
        """The user's own word on their mood, which goes on after a restart."""
        if self._hand is None or self._hand_term is None:
            return None
        return self._hand[0].state, self._hand_term

    def take_up(self, state: MoodState, term: Term) -> None:
        """Let what the user said in a run before go on until its time is over."""
        assert term.until is not None
        now, today = self._clock.monotonic(), self._clock.now()
        since = now - (today - term.since).total_seconds()
        until = now + (term.until - today).total_seconds()
        self._hand = (Mood(state, since=since, confidence=1.0, by_hand=True), until)
        self._hand_term = term
        self._said_unseen = True  # nobody was seen in this run who could have left

    @property
    def denied(self) -> frozenset[MoodState]:
        """The moods that the user has said they do not feel, while that lasts."""
        return frozenset(self._denied)

    @property
    def candidate(self) -> Candidate | None:
        """What is seen and not taken for the mood yet."""
        mood, probabilities = self._memory.mood, self._memory.mood.probabilities
        if probabilities is None or mood.state is MoodState.AWAY:
            return None
        leading = max(range(len(EMOTIONS)), key=lambda at: probabilities[at])
        state = MoodState(EMOTIONS[leading])
        if state is mood.state or state in self._denied or not self._memory.supported[leading]:
            return None
        return Candidate(state, probabilities[leading], self._certainty)

    def observe(
        self, observation: Observation, settings: MoodSettings, watching: bool
    ) -> list[effects.Effect]:
        """Take in one more look."""
        self.observation, self._seen = observation, True
        before = self.mood(watching).state
        self._in_force = settings.own_face
        self._certainty = mood_filter.certainty(settings)
        self._memory = mood_filter.observe(
            self._memory, observation, settings, self._calibration, self.person_in_force
        )
        if self._memory.mood.state is not MoodState.AWAY:
            self._said_unseen &= observation.faces == 0
        elif self.guest:
            self.guest = False
            fresh = self._begin()  # nothing of the guest's bias stays
            self._memory = replace(self._memory, bias=fresh.bias, bias_variance=fresh.bias_variance)
        return [
            effects.Record(observation),
            *self._changed_from(before, watching),
            *self._drift(observation, settings),
        ]

    @property
    def person_in_force(self) -> Person:
        """Whose face the looks are read as: a stranger's while a guest sits there."""
        return self.person if self._in_force and not self.guest else STRANGER

    @property
    def correction(self) -> tuple[float, ...] | None:
        """What is added to the logarithms of each answer; None: the face is read like anybody's."""
        person = self.person_in_force
        return tuple(person.offset.tolist()) if person.is_known else None

    @property
    def pause(self) -> float:
        """How long to wait before the next look, times the usual interval."""
        return mood_filter.pause(self._memory)

    def set_by_hand(
        self,
        state: MoodState,
        minutes: float,
        watching: bool,
        settings: MoodSettings,
        wrong: MoodState | None = None,
    ) -> list[effects.Effect]:
        """Take the mood that the user named; it holds for ``minutes``.

        ``wrong``: the other mood that was shown to them.
        """
        now = self._clock.monotonic()
        out: list[effects.Effect] = []
        if wrong is not None and wrong is not state:
            out.append(effects.RecordFeedback("not my mood", str(wrong)))
        self._denied.clear()
        self._said_unseen = self._memory.mood.state is MoodState.AWAY
        self._hand = (Mood(state, since=now, confidence=1.0, by_hand=True), now + minutes * 60)
        today = self._clock.now()
        self._hand_term = Term(today, today + timedelta(minutes=minutes))
        out.append(effects.RecordFeedback("set by hand", str(state)))
        before = self.person
        if state.is_emotion:
            out += self._label(settings, to=EMOTIONS.index(state))
        self._taught = (before, self.person)
        return [*out, self._changed(watching)]

    def unsay(self, watching: bool) -> list[effects.Effect]:
        """Take the user's word on their mood back, with what it taught of their face."""
        taught, self._taught = self._taught, None
        out: list[effects.Effect] = []
        if taught is not None and taught[1] is self.person:  # nothing was learned since
            out += self._move(taught[0])
        return [*out, *self.follow_face(watching)]

    def follow_face(self, watching: bool) -> list[effects.Effect]:
        """End the user's own word on their mood, and what they denied."""
        before = self.mood(watching).state
        self._hand = None
        self._denied.clear()
        return self._changed_from(before, watching)

    def deny(
        self, shown: MoodState | None, watching: bool, settings: MoodSettings
    ) -> list[effects.Effect]:
        """Take back the mood ``shown`` to the user (None: the present one), who denies it.

        It is held off for a while. An old one says nothing about the mood of now.
        """
        present = self.mood(watching).state
        denied = shown or present
        out: list[effects.Effect] = [effects.RecordFeedback("not my mood", str(denied))]
        if denied is present and denied.is_emotion:
            out += self._label(settings, away_from=EMOTIONS.index(denied))
        if denied.is_emotion:
            self._denied[denied] = self._clock.monotonic() + DENIED_FOR
        if self.last_emotion is denied:
            self.last_emotion = None
        if self._hand is not None and self._hand[0].state is denied:
            self._hand = None
        if denied is present:  # what the latest look shows is shown still
            self._memory = self._begin()
            out += self._changed_from(present, watching)
        return out

    def forget(self, watching: bool) -> list[effects.Effect]:
        """Drop what was seen: the old looks say nothing about now."""
        before = self.mood(watching).state
        self._memory, self.observation = self._begin(), None
        return self._changed_from(before, watching)

    def know(self, person: Person) -> list[effects.Effect]:
        """Take another person's numbers from now on, or none."""
        self.person, self.guest = person, False
        self._memory = self._begin()
        return [self._keep()]

    def forget_everything(self) -> list[effects.Effect]:
        """Let go of all that was seen, said and learned."""
        self._taught = None
        self._hand, self._hand_term = None, None
        self._denied.clear()
        self.last_emotion = self.observation = None
        self._seen = False
        return self.know(STRANGER)

    def not_me(self, watching: bool, gone: bool = False) -> list[effects.Effect]:
        """Take note that somebody else sits there, until they have left; ``gone``: they have.

        Nothing is learned of them, and they are read as a stranger.
        """
        self.guest = not gone
        noted = [] if gone else [effects.RecordFeedback("not me", "")]
        return [*noted, *self.forget(watching)]

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

    def _begin(self) -> mood_filter.MoodMemory:
        return mood_filter.begin(self._clock.monotonic(), person=self.person_in_force)

    def _label(
        self, settings: MoodSettings, *, to: int | None = None, away_from: int | None = None
    ) -> list[effects.Effect]:
        """Learn what the user's word says of the latest look, if it is of now."""
        look = self.observation
        if not self._learns(settings) or look is None or look.probabilities is None:
            return []
        if self._clock.monotonic() - look.time > LABELLED_FOR:
            return []
        return self._move(self.person.corrected(look.probabilities, to=to, away_from=away_from))

    def _drift(self, observation: Observation, settings: MoodSettings) -> list[effects.Effect]:
        """Now and then, let what was found of the bias move the person's numbers."""
        passed, self._looked = observation.time - self._looked, observation.time
        if self._memory.mood.state is MoodState.AWAY or not self._learns(settings):
            self._seen_for = 0.0
            return []
        if observation.probabilities is not None:
            # Nothing was seen in a break, a lesson, or while the camera was off.
            self._seen_for += min(passed, LABELLED_FOR)
        if self._seen_for < DRIFT_EVERY:
            return []
        seconds, self._seen_for = self._seen_for, 0.0
        trust = 1.0 - min(1.0, self._memory.doubt_of_bias)
        return self._move(self.person.drifted((trust * self._memory.bias).tolist(), seconds))

    def _learns(self, settings: MoodSettings) -> bool:
        """Tell whether looks may move the person's numbers.

        Not those of a guest; and where the numbers are not in force, the same bias would be found
        again and again.
        """
        return settings.learn and settings.own_face and not self.guest

    def _move(self, person: Person) -> list[effects.Effect]:
        """Move the person's numbers; what the filter found beside them moves back as much."""
        if person == self.person:
            return []
        moved = np.asarray(person.shift) - np.asarray(self.person.shift)
        self._memory = replace(self._memory, bias=self._memory.bias + moved)
        self.person = person
        return [self._keep()]

    def _keep(self) -> effects.Effect:
        return effects.KeepPerson(self.person.as_numbers() if self.person.is_known else None)

    def _changed_from(self, before: MoodState, watching: bool) -> list[effects.Effect]:
        return [] if self.mood(watching).state is before else [self._changed(watching)]

    def _changed(self, watching: bool) -> effects.Effect:
        mood = self.mood(watching)
        if mood.state.is_emotion and not mood.by_hand:
            self.last_emotion = mood.state  # it is told as seen
        return effects.Record(mood)
