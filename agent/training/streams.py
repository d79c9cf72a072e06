"""Recorded or simulated streams of looks, and how well a rule finds the mood in them.

The figures are defined in :mod:`agent.training.simulation`. This module needs NumPy only: no data
set, no network, nothing of the extra ``train``.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agent.core.policy import Circumstances, decide
from agent.errors import AgentError
from agent.settings import PolicySettings
from agent.types import (
    EMOTION_STATES,
    EMOTIONS,
    Action,
    Chooser,
    Happening,
    Mood,
    Observation,
    Playback,
    Playlist,
    PlayState,
)

NEVER = 900.0
"""The delay, in seconds, of a mood that was never found."""
TRACK = 210.0
"""Seconds of a track, where the policy is measured."""
PLAYLISTS = {state: (Playlist(f"p:{state}", str(state)),) for state in EMOTION_STATES}
NOBODY = -1
LONGEST = 30 * 86400.0
"""Seconds that may lie between two rows of one sitting: more is another unit than seconds."""


class RecordingError(AgentError):
    """A recording that cannot be measured."""

    title = "The recording cannot be used"


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Looks at 1 s spacing.

    ``time`` float64 [T]; ``probabilities`` float64 [T, 7], nan where no face was found; ``quality``
    [T] in 0..1; ``truth`` int [T], -1 nobody; ``sitting`` int [T]; ``rest`` [S, K, 7]: looks at the
    resting face of each sitting's person, in the order in which the sittings come, or None;
    ``shown`` int [T]: the expression of the face that is seen, which simulated hours alone know.
    """

    time: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    quality: NDArray[np.float64]
    truth: NDArray[np.int64]
    sitting: NDArray[np.int64]
    rest: NDArray[np.float64] | None = None
    shown: NDArray[np.int64] | None = None

    def parts(self) -> list[slice]:
        """List the rows of each sitting."""
        starts = np.flatnonzero(np.r_[True, np.diff(self.sitting) != 0])
        ends = [*starts[1:], len(self.time)]
        return [slice(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]


class Rule(Protocol):
    """Something that names the mood. A new one is made for each sitting."""

    def look(self, observation: Observation) -> Mood:
        """Take in one more look and return the mood; looks come in the order of their time."""
        ...

    def next_look(self, now: float) -> float:
        """Tell when to look next."""
        ...


class Maker(Protocol):
    """Makes a rule for one sitting; ``rest`` [K, 7]: looks at the person's resting face."""

    def __call__(self, now: float, rest: NDArray[np.float64] | None) -> Rule:
        """Make the rule for one sitting."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What a rule said of a recording.

    ``played`` int [T], -1 before the first emotion; ``changes``: (row, emotion) of each change of
    the music that the policy made; ``looks``: how many there were.
    """

    played: NDArray[np.int64]
    changes: tuple[tuple[int, int], ...]
    looks: int


# -- reading

MOST_BYTES = 250_000_000
"""Of a recording, unpacked: more than two months of a look every two seconds. Two packed megabytes
can hold two thousand."""
_DAMAGED = (
    ValueError, EOFError, zipfile.BadZipFile, KeyError, zlib.error, lzma.LZMAError, RuntimeError,
)  # fmt: skip


def read(file: Path) -> Recording:
    """Read a recording from an .npz file.

    Raises RecordingError: what is wrong, and what is needed.
    """
    try:
        with zipfile.ZipFile(file) as packed:
            if sum(one.file_size for one in packed.infolist()) > MOST_BYTES:
                raise ValueError(f"it unpacks to more than {MOST_BYTES // 1_000_000} MB")
        with np.load(file, allow_pickle=False) as arrays:
            found = {name: np.asarray(arrays[name]) for name in arrays.files}
    except (OSError, MemoryError, *_DAMAGED) as error:
        why = getattr(error, "strerror", None) or (str(error).splitlines() or ["it is damaged"])[0]
        raise RecordingError(
            f"{file} cannot be read as an .npz file of NumPy ({why}). Name a file that "
            "numpy.savez has written."
        ) from error
    return _checked(found, file)


def _checked(found: Mapping[str, NDArray[Any]], file: Path) -> Recording:
    def refuse(what: str) -> RecordingError:
        return RecordingError(f"{file}: {what}")

    needed = ("time", "probabilities", "truth", "sitting")
    missing = [name for name in needed if name not in found]
    if missing:
        raise refuse(
            f"the array{'s' * (len(missing) > 1)} {', '.join(missing)} must be there. It holds "
            f"{', '.join(sorted(found)) or 'nothing'}."
        )
    rows = found["time"].shape[0] if found["time"].ndim == 1 else 0
    if not rows:
        raise refuse(f"time is one row of seconds [T], not of shape {found['time'].shape}.")
    shapes: dict[str, tuple[int, ...]] = {
        "probabilities": (rows, len(EMOTIONS)),
        "truth": (rows,),
        "sitting": (rows,),
        "quality": (rows,),
    }
    for name, shape in shapes.items():
        if name in found and found[name].shape != shape:
            raise refuse(
                f"{name} has the shape {found[name].shape}, but {shape} is needed to fit time."
            )
    numbers = {name: _numbers(name, array, refuse) for name, array in found.items() if name in (
        *needed, "quality", "rest")}  # fmt: skip
    sitting = _whole("sitting", numbers["sitting"], refuse)
    truth = _whole("truth", numbers["truth"], refuse)
    time, probabilities = numbers["time"], numbers["probabilities"]
    _first_bad("time is no number", ~np.isfinite(time), refuse)
    same = np.diff(sitting) == 0
    back = np.r_[False, (np.diff(time) <= 0) & same]
    _first_bad("time does not go on from the row before", back, refuse)
    long = np.r_[False, (np.diff(time) > LONGEST) & same]
    _first_bad("time, in seconds, leaps by more than a month within a sitting", long, refuse)
    out = (truth < NOBODY) | (truth >= len(EMOTIONS))
    _first_bad(f"truth is no label (0 to {len(EMOTIONS) - 1}, or -1 for nobody)", out, refuse)
    if (truth == NOBODY).all():
        raise refuse("truth says nobody in every row: there is no mood to be found.")
    _check_rows("probabilities", probabilities, refuse)
    quality = numbers.get("quality", np.ones(rows))
    seen = ~np.isnan(probabilities).any(axis=1)
    if "quality" in numbers:
        wrong = seen & ~((quality >= 0) & (quality <= 1))
        _first_bad("quality is no number from 0 to 1", wrong, refuse)
    rest = numbers.get("rest")
    if rest is not None:
        count = int(np.count_nonzero(np.diff(sitting)) + 1)
        if rest.ndim != 3 or rest.shape[0] != count or rest.shape[2] != len(EMOTIONS):
            raise refuse(
                f"rest has the shape {rest.shape}, but (sittings, looks, 7) is needed, here "
                f"({count}, K, 7)."
            )
        _check_rows("rest", rest.reshape(-1, len(EMOTIONS)), refuse)
    return Recording(time, probabilities, quality, truth, sitting, rest)


def _numbers(name: str, array: NDArray[Any], refuse: Any) -> NDArray[np.float64]:
    if array.dtype.kind not in "iufb":
        raise refuse(f"{name} holds {array.dtype}, but numbers are needed.")
    return np.asarray(array, dtype=np.float64)


def _whole(name: str, values: NDArray[np.float64], refuse: Any) -> NDArray[np.int64]:
    whole = (values == np.floor(values)) & (np.abs(values) < 2.0**53)  # nan and inf are not
    _first_bad(f"{name} is no whole number", ~whole, refuse)
    return values.astype(np.int64)


def _first_bad(what: str, bad: Any, refuse: Any) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        raise refuse(f"{what} in row {rows[0]} ({len(rows)} such rows).")


def _check_rows(name: str, rows: NDArray[np.float64], refuse: Any) -> None:
    """Demand seven probabilities that sum to 1, or seven nan."""
    missing = np.isnan(rows)
    partly = missing.any(axis=1) & ~missing.all(axis=1)
    _first_bad(f"{name} holds some nan beside numbers", partly, refuse)
    known = np.where(missing, 1 / len(EMOTIONS), rows)
    _first_bad(f"{name} holds what is not from 0 to 1", ((known < 0) | (known > 1)).any(1), refuse)
    _first_bad(f"{name} does not sum to 1", np.abs(known.sum(axis=1) - 1) > 0.01, refuse)


# -- running


def run(make: Maker, recording: Recording) -> Trace:
    """Record what a rule says of a recording, and what the policy then does with the music."""
    played = np.full(len(recording.time), -1, np.int64)
    changes: list[tuple[int, int]] = []
    looks = 0
    for number, rows in enumerate(recording.parts()):
        rest = None if recording.rest is None else recording.rest[number]
        if rest is not None:
            rest = rest[~np.isnan(rest).any(axis=1)]
        looks += _run_sitting(make, recording, rows, rest, played, changes)
    return Trace(played, tuple(changes), looks)


def _run_sitting(
    make: Maker,
    recording: Recording,
    rows: slice,
    rest: NDArray[np.float64] | None,
    played: NDArray[np.int64],
    changes: list[tuple[int, int]],
) -> int:
    time = recording.time[rows]
    rule, music = make(float(time[0]), rest), _SimulatedMusic(float(time[0]))
    row, looks, now_played = 0, 0, -1
    while row < len(time):
        at = rows.start + row
        seen = recording.probabilities[at]
        nobody = bool(np.isnan(seen[0]))
        observation = Observation(
            float(time[row]),
            0 if nobody else 1,
            None if nobody else tuple(seen.tolist()),
            0.0 if nobody else float(recording.quality[at]),
        )
        mood = rule.look(observation)
        looks += 1
        if mood.state.is_emotion:
            now_played = EMOTION_STATES.index(mood.state)
        following = int(np.searchsorted(time, rule.next_look(float(time[row])) - 1e-9))
        following = min(max(following, row + 1), len(time))
        played[at : rows.start + following] = now_played
        end = float(time[following - 1]) if following == len(time) else float(time[following])
        for when, emotion in music.until(mood, float(time[row]), end):
            changes.append((rows.start + int(np.searchsorted(time, when, "right")) - 1, emotion))
        row = following
    return looks


class _SimulatedMusic:
    """Tracks of TRACK seconds, one after the other, under the real policy with its defaults."""

    def __init__(self, now: float) -> None:
        self._context, self._began = "somebody's", now
        self._chosen_by = Chooser.UNKNOWN
        self._last_switch: float | None = None
        self._settings = PolicySettings()

    def until(self, mood: Mood, now: float, end: float) -> list[tuple[float, int]]:
        """List the changes between ``now`` and ``end``, while the mood stays: (time, emotion)."""
        made = self._ask(mood, now, Happening.NOTHING)
        while self._began + TRACK < end:
            self._began += TRACK
            made += self._ask(mood, self._began, Happening.TRACK_ENDED)
        return made

    def _ask(self, mood: Mood, now: float, happening: Happening) -> list[tuple[float, int]]:
        playback = Playback(
            now, PlayState.PLAYING, self._context, track="t", position=now - self._began,
            duration=TRACK, chosen_by=self._chosen_by,
        )  # fmt: skip
        about = Circumstances(now, happening=happening, last_switch=self._last_switch)
        decision = decide(mood, playback, about, self._settings, PLAYLISTS)
        if decision.action is not Action.SWITCH_NOW or decision.playlist is None:
            return []
        self._context, self._chosen_by = decision.playlist.uri, Chooser.AGENT
        self._began = self._last_switch = now
        return [(now, EMOTION_STATES.index(decision.mood))]


# -- measuring


def figures(trace: Trace, recording: Recording) -> dict[str, float]:
    """Compute the benchmark's figures of one rule; see :mod:`agent.training.simulation`."""
    truth, played = recording.truth, trace.played
    there = truth != NOBODY
    step = _steps(recording)
    hours = max(float(step[there].sum()) / 3600, 1e-9)
    wrong, delays = 0, []
    for rows in recording.parts():
        said = played[rows]
        before = np.r_[-1, said[:-1]]
        switched = (said != before) & (said >= 0)
        wrong += int((switched & (said != truth[rows])).sum())
        delays += _delays(said, truth[rows], recording.time[rows])
    wrong_changes = sum(emotion != truth[row] for row, emotion in trace.changes)
    right = float(step[there & (played == truth)].sum()) / max(float(step[there].sum()), 1e-9)
    return {
        "wrong_switches_per_hour": round(wrong / hours, 3),
        "delay_median_s": round(float(np.median(delays)), 1) if delays else NEVER,
        "delay_p90_s": round(float(np.percentile(delays, 90)), 1) if delays else NEVER,
        "right_music_share": round(right, 4),
        "looks_per_minute": round(60 * trace.looks / max(float(step.sum()), 1e-9), 2),
        "wrong_changes_per_hour": round(wrong_changes / hours, 3),
    }


def _steps(recording: Recording) -> NDArray[np.float64]:
    """Return the seconds for which each row stands; a sitting's last counts as the one before."""
    step = np.ones(len(recording.time))
    for rows in recording.parts():
        gaps = np.diff(recording.time[rows])
        if len(gaps):
            step[rows] = np.r_[gaps, gaps[-1]]
    return step


def _delays(
    played: NDArray[np.int64], truth: NDArray[np.int64], time: NDArray[np.float64]
) -> list[float]:
    """Measure the seconds from each true change of one sitting until the played emotion agrees."""
    delays: list[float] = []
    last = NOBODY
    starts: list[tuple[int, int]] = []
    for row in np.flatnonzero(np.r_[True, np.diff(truth) != 0]):
        if truth[row] not in (NOBODY, last):
            last = int(truth[row])
            starts.append((int(row), last))
    ends = [*[row for row, _ in starts[1:]], len(truth)][: len(starts)]
    for (start, mood), end in zip(starts, ends, strict=True):
        agrees = np.flatnonzero((played[start:end] == mood) & (truth[start:end] != NOBODY))
        delays.append(float(time[start + agrees[0]] - time[start]) if len(agrees) else NEVER)
    return delays


def compare(
    makers: Mapping[str, Maker], recording: Recording
) -> list[dict[str, Any]]:  # fmt: skip
    """Make a row a rule: its name as ``rule``, and its figures."""
    return [
        {"rule": name, **figures(run(make, recording), recording)} for name, make in makers.items()
    ]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Make the rows as a Markdown table."""
    lines = [
        "| rule | wrong switches an hour | delay, median | 90 % | right music | looks a minute "
        "| wrong changes of music an hour |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['rule']} | {row['wrong_switches_per_hour']:.2f} | {row['delay_median_s']:.0f} s "
        f"| {row['delay_p90_s']:.0f} s | {100 * row['right_music_share']:.1f} % "
        f"| {row['looks_per_minute']:.1f} | {row['wrong_changes_per_hour']:.2f} |"
        for row in rows
    ]
    return "\n".join(lines)
