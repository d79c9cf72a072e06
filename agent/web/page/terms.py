"""Moods, times and dates as the page says them, in the language in force. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from agent.translation import N_, _, ngettext
from agent.types import EMOTIONS, MoodState
from agent.wording import MOOD_WORDS, moment, short_day  # noqa: F401 - templates call the two

_DAYS = (
    N_("Monday"),
    N_("Tuesday"),
    N_("Wednesday"),
    N_("Thursday"),
    N_("Friday"),
    N_("Saturday"),
    N_("Sunday"),
)
_MONTHS = (
    N_("January"),
    N_("February"),
    N_("March"),
    N_("April"),
    N_("May"),
    N_("June"),
    N_("July"),
    N_("August"),
    N_("September"),
    N_("October"),
    N_("November"),
    N_("December"),
)


def mood_word(state: MoodState) -> str:
    """Name a mood inside a sentence: "happy"."""
    return _(MOOD_WORDS[state])


def mood_title(state: MoodState) -> str:
    """Name a mood as a heading: "Happy"."""
    return sentence(mood_word(state))


def sentence(text: str) -> str:
    """Begin with a capital letter."""
    return text[:1].upper() + text[1:]


def full_sentence(text: str) -> str:
    """Begin with a capital letter and end with a full stop, if nothing ends it yet."""
    text = sentence(text.strip())
    return text if not text or text[-1] in ".!?…" else text + "."


def duration(seconds: float) -> str:
    """Tell a span of time in one unit: "40 seconds", "6 minutes", "2 hours"."""
    seconds = max(1.0, seconds)
    if seconds < 60:
        number = round(seconds)
        return ngettext("{n} second", "{n} seconds", number).format(n=number)
    if seconds < 90 * 60:
        number = round(seconds / 60)
        return ngettext("{n} minute", "{n} minutes", number).format(n=number)
    number = round(seconds / 3600)
    return ngettext("{n} hour", "{n} hours", number).format(n=number)


def hours_and_minutes(minutes: float) -> str:
    """Tell minutes for a table: "45 min", "3 h 20 min"."""
    whole = round(minutes)
    if whole < 60:
        return _("{m} min").format(m=whole)
    return _("{h} h {m} min").format(h=whole // 60, m=whole % 60)


def track_time(seconds: float) -> str:
    """Tell a place in a song: "2:11"."""
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def day(when: date) -> str:
    """Name a day in full: "Thursday, 26 November"."""
    return _("{weekday}, {day} {month}").format(
        weekday=_(_DAYS[when.weekday()]), day=when.day, month=_(_MONTHS[when.month - 1])
    )


def month(when: date) -> str:
    """Name a month: "November 2026"."""
    return f"{_(_MONTHS[when.month - 1])} {when.year}"


def percent(share: float) -> str:
    """Tell a share: "86 %"."""
    return f"{round(100 * share)}\N{NO-BREAK SPACE}%"


def percents(shares: Iterable[float]) -> list[int]:
    """Round shares of one whole to percents that sum to 100 where the shares sum to 1.

    Whoever lost most by rounding down gets what is missing (the largest remainder). What is no
    whole, such as seven zeros, sums to its own rounded sum.
    """
    exact = [100 * share for share in shares]
    whole = [int(part) for part in exact]
    missing = round(sum(exact)) - sum(whole)
    by_loss = sorted(range(len(exact)), key=lambda at: whole[at] - exact[at])
    for at in by_loss[:missing]:
        whole[at] += 1
    return whole


def seven_percents(seven: Iterable[float]) -> dict[str, int]:
    """Tell how likely each of the seven expressions is, by name, in percents that sum to 100."""
    return dict(zip(EMOTIONS, percents(seven), strict=True))
