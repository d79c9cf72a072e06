"""Music that leads from one mood towards another, step by step. Pure.

The iso principle of music therapy: begin where the listener is, and move on in small steps
(I. M. Altshuler, 1948). Each step plays another mood's playlists for some tracks or minutes; the
way between two moods is that on Russell's circle (:mod:`agent.core.circumplex`), over neutral where
they lie on opposite sides.

A journey ends when the mood has arrived, after its last step, or when the user takes the music in
hand. One that the user has wished for leads whatever is seen of them; one that answers a mood
stands still while none is seen. It decides what fits, no more: cool-down and the user's hand are
the policy's, as ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from agent import effects
from agent.core.circumplex import PLACES
from agent.ports import Clock
from agent.settings import ResponseSettings
from agent.translation import N_, _
from agent.types import Guide, Happening, JourneyView, Mood, MoodState
from agent.wording import journey_line, mood_word

FAR = 1.2
"""Moods farther apart than this on the circle (radius 1) have neutral between them."""
OUTLIVES = 6 * 3600.0
"""Seconds after which a journey that was under way when the agent ended is over: three steps of the
longest that can be set."""
GOALS: dict[str, MoodState] = {
    "lift": MoodState.HAPPY,
    "calm": MoodState.NEUTRAL,
    "energise": MoodState.SURPRISE,
}
"""Where each answer leads: pleasant; neither pleasant nor awake; awake and rather pleasant."""
_HAND = (Happening.USER_CHOSE, Happening.PAUSED)
_LEFT_ALONE = N_("by your settings the music is left alone while you are {mood}")
_ARRIVED = N_("and this is where the music has led you")
_IN_HAND = N_("the music is left alone for this mood, since you took it in hand on a journey")


def route(start: MoodState, goal: MoodState) -> tuple[MoodState, ...]:
    """Find the steps from one emotion to another, both included; one step where they are one."""
    if start is goal:
        return (goal,)
    neutral = MoodState.NEUTRAL
    if neutral in (start, goal) or PLACES[start].distance(PLACES[goal]) <= FAR:
        return (start, goal)
    return (start, neutral, goal)


@dataclass(frozen=True, slots=True)
class Journey:
    """One on its way. ``since`` (monotonic) and ``tracks``: how long this step has lasted."""

    steps: tuple[MoodState, ...]
    step: int = 0
    tracks: int = 0
    since: float = 0.0

    @property
    def goal(self) -> MoodState:
        """Where it leads."""
        return self.steps[-1]

    @property
    def view(self) -> JourneyView:
        """What is shown of it."""
        return JourneyView(self.step + 1, len(self.steps), self.steps[0], self.goal)


class Journeys:
    """The journey that is under way, and what becomes of moods that are answered by one.

    A clock, pure state: each method takes one fact and returns what is to be done about it.
    """

    def __init__(self, clock: Clock, stored: Mapping[str, object] | None = None) -> None:
        self._clock = clock
        self.current = _read(stored, clock.monotonic(), clock.now().timestamp())
        self.wished = stored is not None and stored.get("wished") is True  # by the user
        self._from_goal = False  # the face has shown its goal ever since it was wished for
        # A mood whose journey is over, and what is played while it lasts (None: nothing new).
        self._over: tuple[MoodState, MoodState | None] | None = None

    def begin(
        self, start: MoodState, goal: MoodState, mood: MoodState = MoodState.UNSURE
    ) -> list[effects.Effect]:
        """Set out at the user's wish; it takes the place of one that is under way.

        ``mood`` is what is read just now: where that is the goal, it is no arrival; nor is the goal
        as the first that is read, where none is read now.
        """
        self._over = None
        self._from_goal = mood is goal or not mood.is_emotion
        self.current = Journey(route(start, goal), since=self._clock.monotonic())
        self.wished = True
        return [self._keep(), effects.RecordFeedback("journey", f"{start} {goal}")]

    def stop(self, mood: MoodState) -> list[effects.Effect]:
        """End it at the user's wish: the music goes by the mood again.

        Also where ``mood``, which is read just now, is answered by a journey, until it has changed.
        """
        if self.is_in_force:
            begun = mood if self.current is None else self.current.steps[0]
            over = mood if mood.is_emotion else begun
            self._over = (over, over)
        return self._end()

    @property
    def step(self) -> MoodState | None:
        """The mood whose music leads just now; None: there is no journey."""
        return None if self.current is None else self.current.steps[self.current.step]

    @property
    def current_wish(self) -> Journey | None:
        """The journey that the user has wished for; None: there is none, or one of our own."""
        return self.current if self.wished else None

    @property
    def is_in_force(self) -> bool:
        """Whether the music goes by one that is under way, or that has just been."""
        return self.current is not None or self._over is not None

    def follow_face(self) -> None:
        """Let the music go by the mood again, also where a journey has led it, and is over."""
        self._over = None

    def forget_everything(self) -> list[effects.Effect]:
        """End it, and forget that there was one."""
        self._over = None
        return self._end()

    def guide(
        self, mood: Mood, response: ResponseSettings
    ) -> tuple[Guide | None, list[effects.Effect]]:
        """Say what fits ``mood``; None: its own music."""
        out: list[effects.Effect] = []
        state = mood.state
        if not state.is_emotion:  # it changes nothing, but what is asked for is the journey's
            self._stand_still()
            return self._here(), out
        self._from_goal &= self.current is not None and state is self.current.goal
        if self.current is not None and state is self.current.goal and not self._from_goal:
            out += self._end()  # the mood has arrived
        if self._over is not None and self._over[0] is not state:
            self._over = None
        answer = response.of(state)
        goal = GOALS.get(answer, state)
        if self.current is None and self._over is None and goal is not state:
            self.current = Journey(route(state, goal), since=self._clock.monotonic())
            self.wished = False
            out.append(self._keep())
        if self.current is not None:
            return self._here(), out
        if self._over is not None:
            wanted = self._over[1]
            if wanted is state:
                return None, out
            words = _(_IN_HAND if wanted is None else _ARRIVED)
            return Guide(wanted, words), out
        if answer == "leave alone":
            return Guide(None, _(_LEFT_ALONE).format(mood=mood_word(state))), out
        return None, out

    def _stand_still(self) -> None:
        """Let the time of this step begin anew once a mood is seen, where it leads only then."""
        if self.current is not None and not self._leads(seen=False):
            self.current = replace(self.current, since=self._clock.monotonic())

    def _here(self) -> Guide | None:
        """Say what fits this step; None: there is no journey."""
        if self.current is None:
            return None
        words = _("and the music leads {where}").format(where=journey_line(self.current.view))
        return Guide(self.current.steps[self.current.step], words, self.wished, self.current.goal)

    def happened(
        self,
        happening: Happening,
        mood: MoodState,
        response: ResponseSettings,
        *,
        led: bool = True,
        seen: bool = True,
    ) -> list[effects.Effect]:
        """Take in what the player reports: tracks that ended, and the user's hand.

        ``led``: what played until now was music of the present step, which its tracks are counted
        of. ``seen``: a mood is read, or was said.
        """
        if self.current is None:
            return []
        if happening in _HAND:
            return self.taken_in_hand(mood)
        if happening not in (Happening.TRACK_ENDED, Happening.CONTEXT_ENDED):
            return []
        if not led:
            return []
        self.current = replace(self.current, tracks=self.current.tracks + 1)
        if self.current.tracks < response.tracks or not self._leads(seen):
            return [self._keep()]
        return self._next_step(mood)

    def taken_in_hand(self, mood: MoodState) -> list[effects.Effect]:
        """End it: the user chose, paused or took back the music."""
        if self.current is None:
            return []
        self._over = (mood, None) if mood.is_emotion else None
        return self._end()

    def mood_told(self, mood: MoodState) -> list[effects.Effect]:
        """Begin anew where the user says that they are; one that they did not wish for ends.

        Music to which one has led, or that was left alone after it, is followed by that mood's.
        """
        self._over = None
        if self.current is None or mood is self.current.steps[self.current.step]:
            return []
        if mood is self.current.goal:
            return self._end()
        if not self.wished:
            return self._end()
        self._from_goal = False
        self.current = Journey(route(mood, self.current.goal), since=self._clock.monotonic())
        return [self._keep()]

    def tick(
        self, mood: MoodState, response: ResponseSettings, *, seen: bool = True
    ) -> list[effects.Effect]:
        """Go on to the next step where this one has had its time."""
        due = self.deadline(response, seen=seen)
        if due is None or self._clock.monotonic() < due:
            return []
        return self._next_step(mood)

    def deadline(self, response: ResponseSettings, *, seen: bool = True) -> float | None:
        """When :meth:`tick` has something to do, monotonic; ``seen``: a mood is read, or said."""
        if self.current is None or not self._leads(seen):
            return None
        return self.current.since + response.minutes * 60

    def _leads(self, seen: bool) -> bool:
        """Whether it goes on: one that answers a mood stands still while none is seen."""
        return self.wished or seen

    def _next_step(self, mood: MoodState) -> list[effects.Effect]:
        assert self.current is not None
        if self.current.step + 1 < len(self.current.steps):
            now = self._clock.monotonic()
            self.current = replace(self.current, step=self.current.step + 1, tracks=0, since=now)
            return [self._keep()]
        self._over = (mood, self.current.goal) if mood.is_emotion else None
        return self._end()

    def _end(self) -> list[effects.Effect]:
        if self.current is None:
            return []
        self.current = None
        return [self._keep()]

    def _keep(self) -> effects.Effect:
        if self.current is None:
            return effects.KeepJourney(None)
        return effects.KeepJourney(
            {
                "steps": [str(step) for step in self.current.steps],
                "step": self.current.step,
                "tracks": self.current.tracks,
                "wished": self.wished,
                "at": round(self._clock.now().timestamp()),
            }
        )


def _read(stored: Mapping[str, object] | None, now: float, today: float) -> Journey | None:
    """Read what a run of before was at; None for none, an old one, or what is no journey.

    ``now`` is monotonic, ``today`` seconds since 1970.
    """
    if stored is None:
        return None
    steps, step, tracks = stored.get("steps"), stored.get("step"), stored.get("tracks")
    at = stored.get("at", today)
    # Compared alone: a whole number may have four hundred digits, and one with a point be none.
    if not isinstance(at, int | float) or not today - OUTLIVES <= at <= today + OUTLIVES:
        return None
    if not isinstance(steps, list) or not isinstance(step, int) or not isinstance(tracks, int):
        return None
    try:
        moods = tuple(MoodState(name) for name in steps)
    except ValueError:
        return None
    if not moods or not all(mood.is_emotion for mood in moods) or not 0 <= step < len(moods):
        return None
    return Journey(moods, step, max(0, tracks), now)
