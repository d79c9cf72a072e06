"""``moodtray evaluate --streams``: the rules against each other, on simulated or recorded looks.

Simulated from validation faces (to choose by) and from PublicTest faces (to report). With a
recording neither data sets nor the extra ``train`` are needed.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from agent.core.mood_filter import FITTED, Calibration, Parameters
from agent.store.paths import models_dir
from agent.training import ceiling, faint, streams
from agent.training.mood_rules import ShippedRule, families, rules
from agent.training.recurrent_rule import RecurrentNetwork
from agent.training.simulation import Answers, simulate, varied
from agent.types import MoodState, Observation
from agent.vision.model_file import read_card

SITTINGS = 56
"""Hours that are simulated of each set of faces: with fewer, chance decides the second digit."""
CURVE_SITTINGS = 14
"""The same for the curves, which take some thirty runs."""
SEED = {"validation": 1, "PublicTest": 2}
WEIGHTS = "mood-recurrent.npz"
MARKS = (
    ("wrong switches an hour", "wrong_switches_per_hour", "at most", 0.5),
    ("delay, median, s", "delay_median_s", "at most", 55.0),
    ("delay, 90 %, s", "delay_p90_s", "at most", 140.0),
    ("right music, share of the time", "right_music_share", "at least", 0.87),
    ("wrong changes of the music an hour", "wrong_changes_per_hour", "at most", 0.3),
    ("looks a minute", "looks_per_minute", "at most", 12.0),
    ("ms a look through the filter", "ms_per_look", "at most", 0.2),
    ("kB more after 24 h of looks", "grown_kb", "at most", 1.0),
    ("a still, neutral face is named after, s", "still_face_s", "at most", 120.0),
    ("points that a learned face adds to faint expressions", "faint_points", "at least", 12.0),
)
BLOCK = re.compile(
    r"<!-- streams: written by moodtray evaluate --streams -->.*?<!-- end of streams -->", re.S
)
Tell = Callable[[str], None]


def network() -> RecurrentNetwork | None:
    """Load the recurrent rival; None where it is not installed."""
    file = models_dir() / WEIGHTS
    return RecurrentNetwork.load(file) if file.is_file() else None


def calibration() -> Calibration:
    """Read what the shipped network says of its own answers."""
    card = read_card(models_dir() / "emotion.json")
    return Calibration(card.priors, card.class_means)


def of_recording(file: Path) -> list[dict[str, Any]]:
    """Measure every rule on one recording. Raises RecordingError."""
    recording = streams.read(file)
    makers = rules(calibration(), network(), recording.rest is not None)
    return streams.compare(makers, recording)


def of_simulation(answers: Mapping[str, Answers], tell: Tell) -> dict[str, Any]:
    """Measure every rule on simulated hours; ``answers`` by the names of SEED."""
    out: dict[str, Any] = {}
    for name, faces in answers.items():
        tell(f"{SITTINGS} hours simulated from {name} faces")
        recording = simulate(faces, SEED[name], SITTINGS)
        out[name] = streams.compare(rules(calibration(), network(), True), recording)
        bound = streams.compare({ceiling.NAME: ceiling.Ceiling}, ceiling.told(recording))
    report: dict[str, Any] = {"rows": out.pop("PublicTest"), "validation": out["validation"]}
    report["ceiling"] = bound[0]
    report["ms_per_look"] = milliseconds()
    report["grown_kb"] = grown()
    report["still_face_s"] = still_seconds()
    tell("people who show little, with and without their face learned")
    report["faint"] = faint.shares(answers["PublicTest"], calibration(), SEED["PublicTest"])
    return report


def milliseconds(looks: int = 4000) -> float:
    """Measure the processor time of one look through the shipped filter."""
    rows = _made_up_answers()
    rule = ShippedRule(0.0, calibration=calibration())
    for step in range(looks // 10):
        rule.look(Observation(step * 5.0, 1, rows[step % 64]))
    began = time.process_time()
    for step in range(looks):
        rule.look(Observation(5e4 + step * 5.0, 1, rows[step % 64]))
    return round(1000 * (time.process_time() - began) / looks, 4)


def grown(hours: int = 24, every: float = 5.0) -> float:
    """Measure how many kB the shipped filter has taken more after its hours than after one."""
    rows = _made_up_answers()
    an_hour = round(3600 / every)
    taken = []
    tracemalloc.start()
    try:
        rule = ShippedRule(0.0, calibration=calibration())
        for step in range(hours * an_hour):
            if step == an_hour:
                taken.append(tracemalloc.get_traced_memory()[0])
            # Never the same answers in the same order.
            rule.look(Observation(step * every, 1, rows[(7 * step + step // 64) % 64]))
        taken.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    return round((taken[-1] - taken[0]) / 1000, 1)


def _made_up_answers() -> list[tuple[float, ...]]:
    rng = np.random.default_rng(0)
    return [tuple(row.tolist()) for row in rng.dirichlet(np.full(7, 0.3), 64)]


def answers_of(folder: Path, cache: Path) -> dict[str, Answers]:
    """Ask the shipped network about validation and PublicTest faces; kept in ``cache``."""
    from agent.training.train import Plan

    plan = Plan()
    model = models_dir() / "emotion.onnx"
    digest = hashlib.sha256(model.read_bytes()).hexdigest()[:16]
    kept = cache / f"answers-{digest}-{plan.seed}.npz"
    if not kept.is_file():
        _ask(folder, cache, model, plan.validation, plan.seed, kept)
    with np.load(kept) as arrays:
        return {
            name: Answers.of(arrays[f"{name} answers"].astype(np.float64), arrays[f"{name} label"])
            for name in SEED
        }


def _ask(folder: Path, cache: Path, model: Path, share: float, seed: int, target: Path) -> None:
    from agent.training import data
    from agent.training.evaluate import predict
    from agent.training.paths import whole
    from agent.vision.expression import ExpressionClassifier

    classifier = ExpressionClassifier.load(model)
    sets = {
        "validation": data.corpora(folder, cache, share, seed, False)[1],
        "PublicTest": data.read_ferplus(folder / "ferplus.npz", cache, 1),
    }
    arrays: dict[str, Any] = {}
    for name, faces in sets.items():
        arrays[f"{name} answers"] = predict(classifier, list(faces.pictures))
        arrays[f"{name} label"] = faces.plurality
    cache.mkdir(parents=True, exist_ok=True)
    with whole(target) as part, part.open("wb") as file:
        np.savez(file, **arrays)


STILL_FACE, STILL_JITTER = (0.015, 0.015, 0.015, 0.015, 0.025, 0.015, 0.9), 0.05
"""What the network answers to somebody who reads or writes, and how little it changes from look to
look: the usual sight of a computer's user, which no simulated hour shows for long."""


def still_seconds(parameters: Parameters = FITTED, most: float = 900.0) -> float:
    """Measure how long a still, neutral face takes to be named; at most ``most`` seconds."""
    rng = np.random.default_rng(0)
    rule = ShippedRule(0.0, calibration=calibration(), parameters=parameters)
    now = 0.0
    while now < most:
        moved = np.log(STILL_FACE) + rng.normal(0.0, STILL_JITTER, len(STILL_FACE))
        seen = np.exp(moved) / np.exp(moved).sum()
        mood = rule.look(Observation(now, 1, tuple(seen.tolist()), 0.95))
        if mood.state is MoodState.NEUTRAL:
            return round(now, 1)
        now = rule.next_look(now)
    return most


# -- showing


def table(report: Mapping[str, Any]) -> str:
    """Show the report as Markdown: the rules on PublicTest, the ceiling, the marks, the faint."""
    shipped = next(row for row in report["rows"] if row["rule"] == "filter")
    little = report["faint"]
    values = {
        **shipped,
        **{key: report[key] for key in ("ms_per_look", "grown_kb", "still_face_s")},
        "faint_points": round(100 * (little["learned"] - little["plain"]), 1),
    }
    rows = [*report["rows"], report["ceiling"]]
    lines = [streams.table(rows), "", "| mark | goal | reached | |", "|---|---|---|---|"]
    for name, key, side, goal in MARKS:
        met = values[key] <= goal if side == "at most" else values[key] >= goal
        lines.append(
            f"| {name} | {side} {goal:g} | {values[key]:g} | {'met' if met else '**missed**'} |"
        )
    plain, learned = (round(100 * little[name]) for name in ("plain", "learned"))
    lines += [
        "",
        f"Of simulated people who show little, {plain} of 100 moods are named after "
        f"{faint.MOOD_SECONDS / 60:g} minutes, and {learned} once their face is learned.",
    ]
    return "\n".join(lines)


def write(report: Mapping[str, Any], page: Path) -> bool:
    """Put the table into ``page`` between its marks; False where it has none."""
    text = page.read_text(encoding="utf-8")
    block = (
        "<!-- streams: written by moodtray evaluate --streams -->\n"
        f"{table(report)}\n<!-- end of streams -->"
    )
    if not BLOCK.search(text):
        return False
    page.write_text(BLOCK.sub(lambda _: block, text), encoding="utf-8")
    return True


def curves(recording: streams.Recording) -> dict[str, list[tuple[float, float]]]:
    """Of each rule, from quick to calm: (wrong switches an hour, median delay)."""
    out: dict[str, list[tuple[float, float]]] = {}
    for name, makers in families(calibration(), network(), recording.rest is not None).items():
        found = [streams.figures(streams.run(make, recording), recording) for make in makers]
        out[name] = [(f["wrong_switches_per_hour"], f["delay_median_s"]) for f in found]
    return out


# -- fitting

BOUNDS: dict[str, tuple[float, float]] = {
    "lasts": (120, 900), "least": (1, 170), "ripens": (5, 300), "showing": (4, 20),
    "face": (2, 30), "own": (0.4, 0.68), "neutral": (0.12, 0.4), "divide": (0.3, 0.86),
    "temper": (0.35, 1.1), "doubt": (0.05, 1.5), "floor": (0.002, 0.1), "alike": (0.5, 6),
    "unlike": (0.4, 8), "returns": (0.3, 0.6), "bias": (0.3, 0.9), "bias_noise": (1, 15),
    "enter": (0.7, 0.985), "sure": (0.6, 0.97), "soon": (0.4, 0.8), "late": (1.0, 2.4),
}  # fmt: skip
"""Between these the fit looks. ``returns`` is kept high: people have fewer faces than a corpus;
``divide`` below 1: with priors divided out wholly, a bias explains a steady smile away."""


def loss(rows: Sequence[Mapping[str, float]], still: float = 0.0) -> float:
    """Sum up what the fit makes small: wrong time, delay, and what lies beyond the marks.

    ``still``: seconds until a still face is named.
    """
    return 0.1 * max(0.0, still - 100.0) + sum(
        100 * (1 - row["right_music_share"])
        + 0.06 * row["delay_median_s"]
        + 0.02 * row["delay_p90_s"]
        + 8 * max(0.0, row["wrong_switches_per_hour"] - 0.45)
        + row["wrong_switches_per_hour"]
        + 2 * max(0.0, row["looks_per_minute"] - 11.7)
        for row in rows
    )


def fit(
    answers: Answers, tries: int, hours: int, seed: int, tell: Tell, begin: Parameters = FITTED
) -> Parameters:
    """Search for better parameters of the filter, one random step after the other.

    On sittings of validation faces alone: ``hours`` in worlds whose every constant is drawn anew,
    so that nothing is fitted to one simulation, and three times as many in the default world: wrong
    switches are rare, and a search finds the hours that have none by chance.
    """
    usual = simulate(answers, 1000 + seed, 3 * hours)
    other = simulate(answers, 2000 + seed, hours, worlds=varied(hours, seed))

    def tried(p: Parameters) -> float:
        make = partial(ShippedRule, calibration=calibration(), parameters=p)
        rows = [streams.figures(streams.run(make, r), r) for r in (usual, other)]
        return loss(rows, still_seconds(p))

    best, least = begin, tried(begin)
    tell(f"begins at {least:.2f}")
    rng = np.random.default_rng(seed)
    for step in range(tries):
        chosen = rng.choice(list(BOUNDS), int(rng.integers(1, 5)), replace=False)
        changes: dict[str, Any] = {
            str(name): _moved(str(name), getattr(best, str(name)), rng) for name in chosen
        }
        candidate = replace(best, **changes)
        if candidate.own + candidate.neutral > 0.93:
            continue
        found = tried(candidate)
        if found < least:
            best, least = candidate, found
            tell(f"{step + 1} of {tries}: {least:.2f} with {json.dumps(changes)}")
    return best


def _moved(name: str, value: float, rng: np.random.Generator) -> float:
    low, high = BOUNDS[name]
    factor = float(np.exp(rng.normal(0, 0.15)))
    new = 1 - (1 - value) * factor if name in ("enter", "sure") else value * factor
    return round(float(np.clip(new, low, high)), 4)
