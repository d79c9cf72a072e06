"""What the history tells about days: spans of mood, minutes, changes of music, a recap. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from agent.store.history import LONGEST, FeedbackEntry, MoodEntry, SwitchEntry
from agent.timing import local
from agent.translation import _, ngettext
from agent.types import MoodState
from agent.web.page import terms
from agent.wording import MOODS, evidence_line

TAKEN_BACK = timedelta(hours=24)
"""An undo belongs to the latest change of the music within that time: it may come hours later."""


@dataclass(frozen=True, slots=True)
class Span:
    """One mood from a moment up to another."""

    start: datetime
    end: datetime
    mood: MoodState

    @property
    def minutes(self) -> float:
        """Its length."""
        return (self.end - self.start).total_seconds() / 60


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the music, and whether the user took it back.

    ``corrected``: it was taken back since the mood that led to it was not theirs.
    """

    at: datetime
    mood: MoodState
    name: str
    reason: str
    taken_back: bool
    evidence: str = ""  # what it rested on, in words
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class PlaylistUse:
    """How often a playlist was started for a mood, and taken back."""

    mood: MoodState
    name: str
    started: int
    taken_back: int


@dataclass(frozen=True, slots=True)
class Period:
    """Some days as the page shows them; ``until`` is the first moment after them."""

    since: datetime
    until: datetime
    spans: tuple[Span, ...]
    changes: tuple[Change, ...]
    feedback: tuple[FeedbackEntry, ...]

    @property
    def days(self) -> list[date]:
        """Every day of it, the first one first."""
        count = (self.until.date() - self.since.date()).days
        return [self.since.date() + timedelta(days=n) for n in range(count)]

    def minutes(self, day: date | None = None) -> dict[MoodState, float]:
        """Minutes of each of the seven moods, of a day or of all."""
        total = dict.fromkeys(MOODS, 0.0)
        for span in self.spans:
            if span.mood in total and (day is None or span.start.date() == day):
                total[span.mood] += span.minutes
        return total

    def times(self, day: date | None = None) -> dict[MoodState, float]:
        """Minutes of each of the seven moods and of a face that was hard to read."""
        unsure = sum(
            span.minutes
            for span in self.spans
            if span.mood is MoodState.UNSURE and (day is None or span.start.date() == day)
        )
        return {**self.minutes(day), MoodState.UNSURE: unsure}

    def told(self) -> list[Span]:
        """Pick what a table of times tells: somebody was there for a minute of the clock."""
        return [
            span
            for span in self.spans
            if span.mood is not MoodState.AWAY and f"{span.start:%H:%M}" != f"{span.end:%H:%M}"
        ]

    def of_day(self, day: date) -> list[Span]:
        """Pick the spans of one day."""
        return [span for span in self.spans if span.start.date() == day]

    @property
    def is_empty(self) -> bool:
        """Nothing was seen and nothing was changed."""
        return not self.changes and not any(self.minutes().values())

    @property
    def is_blank(self) -> bool:
        """Nothing at all was noted that could be deleted."""
        return not (self.spans or self.changes or self.feedback)

    @property
    def latest(self) -> datetime | None:
        """When the latest of what was noted began."""
        begun = (*(span.start for span in self.spans), *(change.at for change in self.changes))
        return max((*begun, *(entry.at for entry in self.feedback)), default=None)

    def playlists(self) -> list[PlaylistUse]:
        """Which playlist was started for which mood, the most used first."""
        started: Counter[tuple[MoodState, str]] = Counter()
        back: Counter[tuple[MoodState, str]] = Counter()
        for change in self.changes:
            started[change.mood, change.name] += 1
            back[change.mood, change.name] += change.taken_back
        return [
            PlaylistUse(mood, name, count, back[mood, name])
            for (mood, name), count in started.most_common()
        ]

    @property
    def taken_back(self) -> int:
        """How many changes the user took back."""
        return sum(change.taken_back or change.corrected for change in self.changes)


def start_of(view: str, day: date) -> date:
    """Find the first day of the day, week or month around ``day``."""
    if view == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if view == "month" else day


def end_of(view: str, day: date) -> date:
    """Find the day after the day, week or month around ``day``."""
    first = start_of(view, day)
    if view == "week":
        return first + timedelta(days=7)
    if view == "month":
        return (first + timedelta(days=32)).replace(day=1)
    return first + timedelta(days=1)


def midnight(day: date) -> datetime:
    """Find the beginning of a day in the local time zone; the system knows of summer time.

    Where that begins at midnight, the first moment of the day is 1:00.
    """
    return local(datetime.combine(day, time()))


def period(
    since: datetime,
    until: datetime,
    now: datetime,
    moods: Sequence[MoodEntry],
    switches: Iterable[SwitchEntry],
    feedback: Iterable[FeedbackEntry],
) -> Period:
    """Put together what was noted. ``moods`` may begin before ``since``."""
    spans: list[Span] = []
    for place, entry in enumerate(moods):
        end = moods[place + 1].at if place + 1 < len(moods) else now
        end = min(end, entry.at + LONGEST, until)
        start = max(entry.at, since)
        # At midnight a span becomes two, so that each lies in one day.
        while start < end:
            next_day = midnight(start.date() + timedelta(days=1))
            part = min(end, next_day)
            if spans and spans[-1].mood is entry.state and spans[-1].end == start:
                if spans[-1].start.date() == start.date():
                    spans[-1] = Span(spans[-1].start, part, entry.state)
                else:
                    spans.append(Span(start, part, entry.state))
            else:
                spans.append(Span(start, part, entry.state))
            start = part
    answers = sorted(feedback, key=lambda entry: entry.at)
    undone = _undone(list(switches), answers)
    changes = tuple(
        Change(
            s.at,
            s.mood,
            s.playlist_name or _("a playlist"),
            s.reason,
            back == "undo",
            "" if s.evidence is None else evidence_line(s.mood, s.evidence),
            back == "corrected",
        )
        for s, back in undone
        if since <= s.at < until
    )
    kept = tuple(entry for entry in answers if since <= entry.at < until)
    return Period(since, until, tuple(spans), changes, kept)


def _undone(
    switches: list[SwitchEntry], answers: list[FeedbackEntry]
) -> list[tuple[SwitchEntry, str]]:
    """Tell which changes were taken back, and how: each such answer means the latest before it."""
    back = [""] * len(switches)
    stand: list[int] = []  # of those before an answer
    later = 0
    for answer in answers:
        while later < len(switches) and switches[later].at <= answer.at:
            stand.append(later)
            later += 1
        is_back = answer.kind in ("undo", "corrected")
        if is_back and stand and answer.at - switches[stand[-1]].at <= TAKEN_BACK:
            back[stand.pop()] = answer.kind
    return list(zip(switches, back, strict=True))


def recap(week: Period) -> list[str]:
    """Tell a week in a few sentences of plain words; none for a week without a mood.

    Moods are those that were read and those that the user said: no sentence calls them looks.
    """
    minutes = week.minutes()
    total = sum(minutes.values())
    if total < 1:
        return []
    first = max(minutes, key=lambda mood: minutes[mood])
    words = _("More than anything else ({share} of {time}) your mood was {mood}.")
    if minutes[first] >= total / 2:
        words = _("Most of the time ({share} of {time}) your mood was {mood}.")
    told = [
        words.format(
            share=terms.percent(minutes[first] / total),
            time=terms.hours_and_minutes(total),
            mood=terms.mood_word(first),
        )
    ]
    bright = {
        day: week.minutes(day)[MoodState.HAPPY] + week.minutes(day)[MoodState.SURPRISE]
        for day in week.days
        if sum(week.minutes(day).values()) >= 1
    }
    best = max(bright, key=lambda day: bright[day], default=None)
    if best is not None and len(bright) > 1:  # one day alone is no brighter than others
        if bright[best] >= 1:
            told.append(
                _("{day} was the brightest day, happy or surprised for {time}.").format(
                    day=terms.day(best), time=terms.hours_and_minutes(bright[best])
                )
            )
        else:
            told.append(_("There was no day with much laughter in it."))
    count, back = len(week.changes), week.taken_back
    if not count:
        told.append(_("The music was never changed."))
    else:
        told.append(
            ngettext("The music was changed once", "The music was changed {n} times", count).format(
                n=count
            )
            + (
                ngettext(
                    ", and you took it back once.", ", and you took it back {n} times.", back
                ).format(n=back)
                if back
                else ngettext(", and you let it be.", ", and you let it be each time.", count)
            )
        )
    return told
