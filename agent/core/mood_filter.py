"""From single looks to a steady mood. Pure: no clock of its own, no I/O.

A switching hidden Markov model (Rabiner 1989; with the answer before as a regressor: Hamilton
1990). Its hidden state is a pair: the **mood**, which lasts for minutes, and the expression that is
**shown**, which lasts for seconds. A mood shows itself most of the time (``own``), a neutral face
for a good part (``neutral``), anything for the rest.

* **A look** says how likely each shown expression is: the network's answer with the class priors
  divided out (``divide``), tempered (``temper``; a poor look more: quality ** ``doubt``), with a
  floor, so that no single look decides.
* **Looks that repeat each other** are one piece of evidence. Between two looks the face may stay
  (for ``face`` seconds in the mean), the showing may go on with another face (``showing`` seconds),
  or a new showing begins. A face that stays gives nearly the same answer: how much more likely that
  makes 'stays' than 'new' is exp(``alike`` - ``unlike`` * mean square distance of the logarithms).
  Of a face that stays, and changes little by little, only the latest look counts as evidence. A
  new showing may look like the last (``returns``), because a person has few faces.
* **A person's bias** is estimated as it goes: a normal distribution over seven numbers added to the
  logarithms (a Kalman filter with the shown expression in doubt), ``bias`` wide at first, and
  bounded: a wrong belief must not make the face fit it.
* **Moods have a least length.** A mood just entered is hardly left; later it is left at a constant
  rate (``lasts`` seconds in the mean). The age of each mood is the mean over the ways that led
  there: an explicit duration, as in a semi-Markov model, at the price of seven numbers.
* **Naming.** The mood that leads is named once it has ``enter`` of the probability, and some look
  since somebody came spoke for it. A named mood is kept until another is named, or it is in doubt
  itself (``leave``): then UNSURE. AWAY after ``away_after`` seconds without a face; who comes back
  is UNSURE. A shorter glance aside changes nothing.
* **The next look** comes soon while the mood is open, late while it is sure (:func:`pause`).

``steadiness`` scales all times and the threshold; see STEADINESS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from agent.core.person import CLASSES, NEUTRAL, STRANGER, USUAL_REST, Person, logs
from agent.settings import MoodSettings
from agent.types import EMOTION_STATES, Mood, MoodState, Observation

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Parameters:
    """The constants of the model; seconds, shares and logarithms, as described in the module.

    Source: ``moodtray evaluate --streams --fit`` (170 steps on 42 hours simulated from validation
    faces in the default world, 14 in worlds whose every constant is drawn anew, then 60 more on
    twice as many), rounded, and judged on 144 other such hours. ``bias`` is not the fit's, which
    makes it wider: no bias is to explain a mood away. ``leave`` and the bound on the bias were set
    by hand, on validation faces too.
    """

    lasts: float = 320.0
    least: float = 47.0
    ripens: float = 65.0
    showing: float = 9.3
    face: float = 6.4
    own: float = 0.545
    neutral: float = 0.295
    moods: tuple[float, ...] = (0.11, 0.05, 0.07, 0.25, 0.15, 0.11, 0.26)
    divide: float = 0.83
    temper: float = 0.93
    doubt: float = 0.73
    floor: float = 0.018
    alike: float = 1.93
    unlike: float = 2.9
    returns: float = 0.37
    bias: float = 0.75
    bias_noise: float = 4.1
    most_bias: float = 1.0
    enter: float = 0.89
    leave: float = 0.65
    sure: float = 0.84
    soon: float = 0.57
    late: float = 1.5
    forgets: float = 0.7


FITTED = Parameters()

STEADINESS: dict[str, tuple[float, float]] = {
    "calm": (1.25, 0.5),
    "balanced": (1.0, 1.0),
    "quick": (0.5, 1.6),
}
"""Of each ``mood.steadiness``: all times of the model times the first, the probability that is
missing to certainty at ``enter`` times the second."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the network says of its own answers.

    ``priors``: the share of each emotion in them on the faces that it was fitted to (seven, in the
    order of EMOTIONS); None: all alike. ``class_means``: for each true expression the mean logs of
    its answers; None: not known, and no bias is looked for.
    """

    priors: tuple[float, ...] | None = None
    class_means: tuple[tuple[float, ...], ...] | None = None


UNKNOWN = Calibration()
"""Of a network that says nothing of itself."""


@dataclass(frozen=True, slots=True, eq=False)
class MoodMemory:
    """All that the filter remembers: of fixed size, however long it runs.

    ``table`` [7, 7]: the probability of each pair (mood, shown expression); ``age`` [7]: seconds
    for which each mood has lasted, if it is the one; ``latest``: logs and evidence of the
    latest look, None after one without a face; ``bias``, ``bias_variance`` [7]; ``supported`` [7]
    of bool: emotions that led in some look.
    """

    mood: Mood
    last_face: float  # time at which somebody was last seen (at first: when we began to look)
    time: float  # of the latest look
    table: Floats
    age: Floats
    latest: tuple[Floats, Floats] | None
    bias: Floats
    bias_variance: Floats
    supported: NDArray[np.bool_]

    @property
    def doubt_of_bias(self) -> float:
        """How open the person's bias still is, 0 (known) to 1 (as at the beginning)."""
        return float(self.bias_variance.mean() / FITTED.bias**2)


@dataclass(frozen=True, slots=True)
class _Model:
    """What follows from parameters, steadiness and priors."""

    show: Floats  # [7, 7]: row the mood, column the shown expression
    moods: Floats  # [7]
    class_means: Floats | None  # [7, 7]
    start: Floats  # [7, 7]
    shown: Floats  # [7]: how often each expression is shown
    log_priors: Floats  # [7]
    pace: float
    hurry: float  # at most 1
    enter: float


@lru_cache(maxsize=32)
def _model(
    p: Parameters, calibration: Calibration, pace: float, hurry: float, enter: float
) -> _Model:
    show = np.full((CLASSES, CLASSES), (1 - p.own - p.neutral) / CLASSES) + p.own * np.eye(CLASSES)
    show[:, NEUTRAL] += p.neutral
    moods = np.asarray(p.moods) / sum(p.moods)
    start = moods[:, None] * show
    priors, means = calibration.priors, calibration.class_means
    usual = np.full(CLASSES, 1 / CLASSES) if priors is None else np.asarray(priors)
    log_priors = p.divide * np.log(np.maximum(usual, 1e-3))
    known = None if means is None else np.asarray(means)
    return _Model(show, moods, known, start, start.sum(axis=0), log_priors, pace, hurry, enter)


def _model_of(settings: MoodSettings, calibration: Calibration, p: Parameters) -> _Model:
    pace = STEADINESS[settings.steadiness][0]
    enter = certainty(settings, p)
    hurry = min(1.0, settings.pace)
    return _model(p, calibration, pace * settings.pace, hurry, enter)


def begin(now: float, parameters: Parameters = FITTED, person: Person = STRANGER) -> MoodMemory:
    """Begin with no mood known: UNSURE.

    What the looks at the ``person``'s resting face say of a bias, beyond the offset, is where the
    search for it begins.
    """
    p = parameters
    bias, variance = _bias_at_rest(person, p)
    model = _model(p, UNKNOWN, 1.0, 1.0, p.enter)
    return MoodMemory(
        mood=Mood(MoodState.UNSURE, since=now, confidence=0.0),
        last_face=now,
        time=now,
        table=model.start,
        age=np.full(CLASSES, p.least + p.ripens),
        latest=None,
        bias=bias,
        bias_variance=np.full(CLASSES, variance),
        supported=np.zeros(CLASSES, bool),
    )


def observe(
    memory: MoodMemory,
    observation: Observation,
    settings: MoodSettings,
    calibration: Calibration = UNKNOWN,
    person: Person = STRANGER,
    parameters: Parameters = FITTED,
) -> MoodMemory:
    """Take in one more look; looks come in the order of their time.

    The logarithms of the network's answers are moved to where a usual face would have put them
    (:meth:`agent.core.person.Person.moved`).
    """
    p, model = parameters, _model_of(settings, calibration, parameters)
    gap = max(0.0, observation.time - memory.time) / model.pace
    table, age = _moods_pass(memory.table, memory.age, gap, model, p)
    if observation.probabilities is None:
        return _nobody(memory, observation.time, table, age, gap, model, settings, p)
    now = observation.time
    if observation.quality <= 0.0:
        return _unread(memory, now, table, age, gap, model, p)
    answer = np.asarray(observation.probabilities, dtype=np.float64)
    look = person.moved(logs(answer)) if person.is_known else logs(answer)
    evidence = _evidence(look - memory.bias, observation.quality, model, p)
    table, fresh = _update(table, evidence, look, memory.latest, gap, model, p)
    # A bias is learned per showing: hurried looks (``pace``) show it no sooner.
    weight = fresh * observation.quality * model.hurry
    bias, variance = _learn_bias(memory, look, table, weight, model.class_means, p)
    supported = memory.supported.copy()
    if not observation.unclear:
        supported[int(look.argmax())] = True
    mood = _name(memory.mood, table.sum(axis=1), supported, now, model, p)
    latest = (look, evidence)
    return MoodMemory(mood, now, now, table, age, latest, bias, variance, supported)


def certainty(settings: MoodSettings, parameters: Parameters = FITTED) -> float:
    """Give the probability from which a mood is named."""
    if settings.certainty is not None:
        return settings.certainty
    return 1 - (1 - parameters.enter) * STEADINESS[settings.steadiness][1]


def pause(memory: MoodMemory, parameters: Parameters = FITTED) -> float:
    """How long to wait before the next look, times the usual interval."""
    mood = memory.mood
    if mood.state is MoodState.AWAY:
        return parameters.late
    sure = mood.state.is_emotion and mood.confidence >= parameters.sure
    return parameters.late if sure else parameters.soon


# -- one step of the model


def _moods_pass(
    table: Floats, age: Floats, gap: float, model: _Model, p: Parameters
) -> tuple[Floats, Floats]:
    """``gap`` seconds pass: moods change, what is shown stays."""
    ripe = np.clip((age - p.least) / p.ripens, 0.02, 1.0)
    stays = np.exp(-gap / p.lasts * ripe)
    kept = stays[:, None] * table
    left = (table - kept).sum(axis=0)
    comes = model.moods[:, None] * left
    before, new = kept.sum(axis=1), comes.sum(axis=1)
    return kept + comes, (age + gap) * before / (before + new + 1e-12)


def _evidence(look: Floats, quality: float, model: _Model, p: Parameters) -> Floats:
    """How likely the look is, for each shown expression, in units of its mean: float64 [7]."""
    tempered = (look - model.log_priors) * (p.temper * max(quality, 0.01) ** p.doubt)
    powers = np.exp(tempered - tempered.max()) * (1 - p.floor) + p.floor
    return np.asarray(powers / (powers @ model.shown))


def _update(
    table: Floats, evidence: Floats, look: Floats, latest: tuple[Floats, Floats] | None,
    gap: float, model: _Model, p: Parameters,
) -> tuple[Floats, float]:  # fmt: skip
    """Update the table by a look with a face; also how likely it is that it was a new face."""
    goes_on = float(np.exp(-gap / p.showing))
    of_mood = table.sum(axis=1, keepdims=True)
    if latest is None:
        new = evidence * (goes_on * table + (1 - goes_on) * model.show * of_mood)
        return new / new.sum(), 1.0
    stays = float(np.exp(-gap / p.face))
    look_before, evidence_before = latest
    apart = look - look_before
    alike = max(p.alike - p.unlike * float(apart @ apart) / CLASSES, -6.0)
    # In hurried time (a day in a minute) looks that are alike are other looks all the same.
    repeated = model.hurry * float(np.exp(model.hurry * alike))
    same = ((repeated * evidence / evidence_before) * table) * (
        goes_on * (stays + p.returns * (1 - stays)) + (p.returns * (1 - goes_on)) * model.show
    )
    new = ((1 - p.returns) * evidence) * (
        (goes_on * (1 - stays)) * table + ((1 - goes_on) * of_mood) * model.show
    )
    total = float(same.sum() + new.sum())
    return (same + new) / total, 1.0 - float(same.sum()) / total


def _learn_bias(
    memory: MoodMemory,
    look: Floats,
    table: Floats,
    weight: float,
    class_means: Floats | None,
    p: Parameters,
) -> tuple[Floats, Floats]:
    """Move the person's bias by a look that counts ``weight``: mean and variance, [7] each."""
    if class_means is None:
        return memory.bias, memory.bias_variance
    apart = look - memory.bias - table.sum(axis=0) @ class_means
    gain = memory.bias_variance / (memory.bias_variance + p.bias_noise / max(weight, 1e-6))
    bias = memory.bias + gain * (apart - apart.mean())
    return np.clip(bias, -p.most_bias, p.most_bias), memory.bias_variance * (1 - gain)


# -- what is made of it


def _name(
    mood: Mood, of_mood: Floats, supported: NDArray[np.bool_], now: float, model: _Model,
    p: Parameters,
) -> Mood:  # fmt: skip
    probabilities = tuple(of_mood.tolist())
    leading = int(of_mood.argmax())
    state = mood.state
    if state is MoodState.AWAY:
        state = MoodState.UNSURE
    possible, share = _leader(of_mood, supported)
    if possible is not None and share >= model.enter:
        state = EMOTION_STATES[possible]
    elif state.is_emotion:
        left = float(of_mood[EMOTION_STATES.index(state)])
        state = state if left >= min(p.leave, 0.8 * model.enter) else MoodState.UNSURE
    since = mood.since if state is mood.state else now
    if possible is not None and state is EMOTION_STATES[possible]:
        confidence = share
    else:
        confidence = probabilities[EMOTION_STATES.index(state) if state.is_emotion else leading]
    return Mood(state, since, confidence, probabilities)


def _leader(of_mood: Floats, supported: NDArray[np.bool_]) -> tuple[int | None, float]:
    """Find the mood that could be named, and its share.

    One that no look spoke for cannot be meant: where it leads, the others are judged by their share
    of the rest. Only the one that leads: else a single mood that a look spoke for would have all of
    what is left, however little that is.
    """
    order = np.argsort(-of_mood, kind="stable")
    rest = 1.0 if supported[order[0]] else 1.0 - float(of_mood[order[0]])
    for mood in order:
        if supported[mood]:
            return int(mood), float(of_mood[mood]) / rest
    return None, 0.0


def _unread(
    memory: MoodMemory, now: float, table: Floats, age: Floats, gap: float, model: _Model,
    p: Parameters,
) -> MoodMemory:  # fmt: skip
    """Take in that somebody is there who cannot be read: it says nothing of the mood."""
    memory = replace(_unseen(memory, now, table, age, gap, model, p), last_face=now)
    of_mood, mood = memory.table.sum(axis=1), memory.mood
    if mood.state is MoodState.UNSURE:
        return memory
    if mood.state is MoodState.AWAY or of_mood[EMOTION_STATES.index(mood.state)] < p.leave:
        return replace(memory, mood=Mood(MoodState.UNSURE, now, 0.0, tuple(of_mood.tolist())))
    return memory


def _unseen(
    memory: MoodMemory, now: float, table: Floats, age: Floats, gap: float, model: _Model,
    p: Parameters,
) -> MoodMemory:  # fmt: skip
    """Let time pass without a look at the face: what is shown meanwhile is open."""
    goes_on = float(np.exp(-gap / p.showing))
    table = goes_on * table + (1 - goes_on) * table.sum(axis=1, keepdims=True) * model.show
    return replace(memory, time=now, table=table, age=age, latest=None)


def _bias_at_rest(person: Person, p: Parameters) -> tuple[Floats, float]:
    """Find the bias that the resting looks show, as if each were a look known to be neutral."""
    if person.rest is None:
        return np.zeros(CLASSES), p.bias**2
    apart = np.asarray(person.rest) + person.offset - np.asarray(USUAL_REST)
    gain = p.bias**2 / (p.bias**2 + p.bias_noise / max(person.looks, 1))
    return gain * (apart - apart.mean()), p.bias**2 * (1 - gain)


def _nobody(
    memory: MoodMemory, now: float, table: Floats, age: Floats, gap: float, model: _Model,
    settings: MoodSettings, p: Parameters,
) -> MoodMemory:  # fmt: skip
    memory = _unseen(memory, now, table, age, gap, model, p)
    if memory.mood.state is MoodState.AWAY or now - memory.last_face < settings.away_after:
        return memory
    # Who left may come back in another mood, and who comes may be somebody else.
    return replace(
        memory,
        mood=Mood(MoodState.AWAY, since=now, confidence=0.0),
        table=(1 - p.forgets) * table + p.forgets * model.start,
        bias_variance=np.full(CLASSES, p.bias**2),
        supported=np.zeros(CLASSES, bool),
    )
