"""What the running agent learns of a face by itself: slowly, bounded, of its user alone."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from agent import effects
from agent.core.mood import MoodTracker
from agent.core.mood_filter import Calibration
from agent.core.person import MOST, STRANGER, logs
from agent.settings import MoodSettings
from agent.store.paths import models_dir
from agent.training.simulation import DEFAULT, simulate
from agent.types import EMOTIONS, MoodState, Observation
from tests.fakes.clock import FakeClock
from tests.training.test_streams import made_up_answers

CARD = json.loads((models_dir() / "emotion.json").read_text(encoding="utf-8"))
NETWORK = Calibration(tuple(CARD["priors"]), tuple(map(tuple, CARD["class_means"])))
SAD, ANGRY = EMOTIONS.index("sad"), EMOTIONS.index("angry")
LOOKS_SAD = tuple(0.8 * (each == SAD) - 0.8 / 7 for each in range(7))


ANSWERS = made_up_answers()
OF_ANSWERS = Calibration(
    tuple(np.exp(ANSWERS.logs).mean(axis=0)),
    tuple(
        tuple(logs(np.exp(ANSWERS.logs[ANSWERS.label == each])).mean(axis=0)) for each in range(7)
    ),
)


USUAL = MoodSettings()


class Desk:
    """A tracker before which somebody sits, who shows now this, now that."""

    def __init__(self, network: Calibration = NETWORK) -> None:
        self.clock, self.rng = FakeClock(), np.random.default_rng(1)
        self.tracker = MoodTracker(self.clock, network)
        self.kept: list[effects.KeepPerson] = []

    def sit(
        self, minutes: float, bias: tuple[float, ...] = (0.0,) * 7,
        settings: MoodSettings = USUAL,
    ) -> None:  # fmt: skip
        means = np.asarray(NETWORK.class_means)
        for step in range(int(minutes * 12)):
            if step % 3 == 0:  # a showing of 15 s: mostly at rest, and anything
                shown = 6 if self.rng.random() < 0.6 else int(self.rng.integers(7))
                face = means[shown] + np.asarray(bias) + self.rng.normal(0, 0.6, 7)
            seen = np.exp(face + self.rng.normal(0, 0.15, 7))
            self.take(Observation(self.clock.monotonic(), 1, tuple((seen / seen.sum()).tolist())),
                      settings)  # fmt: skip
            self.clock.advance(5.0)

    def leave(self, minutes: float = 2.0) -> None:
        for _ in range(int(minutes * 12)):
            self.take(Observation(self.clock.monotonic(), 0, None), USUAL)
            self.clock.advance(5.0)

    def take(self, look: Observation, settings: MoodSettings) -> None:
        out = self.tracker.observe(look, settings, watching=True)
        self.kept += [each for each in out if isinstance(each, effects.KeepPerson)]

    @property
    def shift(self) -> np.ndarray:
        return np.asarray(self.tracker.person.shift)


def hours_of(bias: float, hours: int = 6) -> tuple[Desk, np.ndarray]:
    """Let one person of the benchmark's world sit there: what was learned, and their true bias."""
    world = replace(DEFAULT, bias=(bias, bias), leaves_each_hour=0.0)
    seen = simulate(ANSWERS, 3, 1, world, seconds=hours * 3600)
    desk = Desk(network=OF_ANSWERS)
    for row in range(0, len(seen.time), 5):
        answer = seen.probabilities[row]
        face = None if np.isnan(answer).any() else tuple(answer.tolist())
        desk.take(Observation(desk.clock.monotonic(), int(face is not None), face,
                              float(seen.quality[row])), USUAL)  # fmt: skip
        desk.clock.advance(5.0)
    assert seen.rest is not None
    usual = np.asarray(OF_ANSWERS.class_means)[6] if OF_ANSWERS.class_means else np.zeros(7)
    return desk, logs(seen.rest[0]).mean(axis=0) - usual


def test_the_lean_of_a_face_is_taken_off_over_hours() -> None:
    desk, lean = hours_of(1.0)
    assert len(desk.kept) > 20, "it is stored, step by step"
    first = np.asarray(desk.kept[0].numbers["shift"])  # type: ignore[index]
    assert float(np.abs(first).max()) < 0.05, "some minutes move little"
    assert float(np.corrcoef(desk.shift, -lean)[0, 1]) > 0.6


def test_a_usual_face_is_hardly_moved() -> None:
    desk, _ = hours_of(0.0)
    assert float(np.abs(desk.shift).max()) < 0.35


def test_switched_off_nothing_is_learned() -> None:
    desk = Desk()
    desk.sit(120, LOOKS_SAD, MoodSettings(learn=False))
    assert not desk.kept
    assert desk.tracker.person == STRANGER


def test_nothing_is_learned_while_what_is_learned_is_not_in_force() -> None:
    """Else the same bias would be found again and again, up to the bound."""
    desk = Desk()
    desk.sit(8 * 60, LOOKS_SAD, MoodSettings(own_face=False))
    assert not desk.kept
    assert desk.tracker.person == STRANGER


def test_hours_in_which_nothing_was_seen_teach_nothing() -> None:
    """The camera was off, a lesson or a break went on: that time is none of looks."""
    desk = Desk()
    desk.sit(9.9, LOOKS_SAD)
    desk.clock.advance(20 * 3600.0)
    before = desk.shift
    desk.sit(0.1, LOOKS_SAD)
    assert float(np.abs(desk.shift - before).max()) < 0.03


def test_nothing_of_a_guest_stays_when_they_have_left() -> None:
    guest = tuple(2.0 * (each == ANGRY) - 2.0 / 7 for each in range(7))
    desk = Desk()
    desk.tracker.not_me(True)
    desk.sit(60, guest)
    assert not desk.kept
    desk.leave()
    assert not desk.tracker.guest
    own = MoodTracker(desk.clock, NETWORK)._memory.bias
    assert np.allclose(desk.tracker._memory.bias, own), "the search for a lean begins anew"


def test_the_bound_holds_for_whatever_lean() -> None:
    person = STRANGER
    for _ in range(500):
        person = person.drifted([9.0, -9.0, 0, 0, 0, 0, 0], 3600.0)
    assert max(abs(each) for each in person.shift) <= MOST


def test_a_word_moves_nothing_while_the_own_face_is_not_in_force() -> None:
    desk = Desk()
    off = MoodSettings(own_face=False)
    desk.sit(1, settings=off)
    out = desk.tracker.set_by_hand(MoodState.HAPPY, 30.0, True, off)
    assert not [each for each in out if isinstance(each, effects.KeepPerson)]
