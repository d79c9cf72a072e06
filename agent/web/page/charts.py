"""Drawings of the history as SVG, made on the server. Pure.

Colours come from the style sheet by class, so that they fit light and dark; every shape has a title
for the mouse, and the page puts a table beside each drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from markupsafe import Markup

from agent.translation import _
from agent.types import MoodState
from agent.web.page import terms
from agent.web.page.history_view import Period, Span, midnight
from agent.wording import short_day

HEIGHT = 190
"""Pixels of the tallest column. Across, drawings are measured in percent: they fit any window, and
their letters keep their size."""
BAR = 68.0
"""Percent of a day's room that its column takes."""
HOUR = 3600.0
NEAR_THE_END, NEAR_IN_NARROW = 9.0, 21.0
"""Percent from an end of the scale within which an hour leaves its place to the end's own; the
second in a narrow window."""


def band(spans: Sequence[Span], first: datetime, last: datetime) -> Markup:
    """Draw the mood over one day, between two times, as a band."""
    shapes = [Markup('<rect class="ground" width="100%" height="100%"/>')]
    for span in spans:
        left, right = _place(span.start, first, last), _place(span.end, first, last)
        if right <= left or span.mood is MoodState.AWAY:
            continue
        title = f"{span.start:%H:%M}–{span.end:%H:%M} {terms.mood_word(span.mood)}"
        shapes.append(
            Markup(
                '<rect class="fill {}" x="{:.2f}%" width="{:.2f}%" height="100%">'
                "<title>{}</title></rect>"
            ).format(str(span.mood), left, max(0.15, right - left), title)
        )
    label = _("Mood from {start} to {end}; the table holds the same").format(
        start=f"{first:%H:%M}", end=f"{last:%H:%M}"
    )
    return Markup('<svg class="band" role="img" aria-label="{}">{}</svg>').format(
        label, Markup("").join(shapes)
    )


def scale(first: datetime, last: datetime) -> Markup:
    """Write the hours that belong under a band.

    Those of the class "between" are left out in a narrow window.
    """
    hours = (last - first).total_seconds() / HOUR
    step, coarse = (2, 6) if hours > 16 else (2, 4) if hours > 9 else (1, 2)
    texts = [_hour(first, 0.0, "start"), _hour(last, 100.0, "end", after=first)]
    moment = first + timedelta(hours=1)
    while moment < last:
        at = _place(moment, first, last)
        from_end = min(at, 100 - at)
        if moment.hour % step == 0 and from_end > NEAR_THE_END:
            seldom = moment.hour % coarse != 0 or from_end < NEAR_IN_NARROW
            texts.append(_hour(moment, at, "middle", "between" if seldom else ""))
        moment += timedelta(hours=1)
    return Markup('<svg class="hours" aria-hidden="true">{}</svg>').format(Markup("").join(texts))


def _hour(
    moment: datetime, at: float, anchor: str, kind: str = "", after: datetime | None = None
) -> Markup:
    """Write one hour; midnight that ends the day of ``after`` is 24 o'clock."""
    hour = 24 if after is not None and moment.date() > after.date() else moment.hour
    return Markup('<text class="{}" x="{:.2f}%" y="17" text-anchor="{}">{}:00</text>').format(
        kind, at, anchor, hour
    )


def _place(moment: datetime, first: datetime, last: datetime) -> float:
    """Tell where a moment lies between two others, in percent."""
    length = max(1.0, (last - first).total_seconds())
    return 100 * min(1.0, max(0.0, (moment - first).total_seconds() / length))


def daylight(spans: Sequence[Span], day: datetime) -> tuple[datetime, datetime]:
    """Choose the hours worth drawing: from 8 to 20 o'clock, and what was seen outside of that."""
    start, end = day.replace(hour=8), day.replace(hour=20)
    seen = [span for span in spans if span.mood is not MoodState.AWAY]
    if seen:
        start = min(start, seen[0].start.replace(minute=0, second=0, microsecond=0))
        late = seen[-1].end
        if late > end:
            whole = late.replace(minute=0, second=0, microsecond=0)
            end = min(whole + timedelta(hours=1), midnight(day.date() + timedelta(days=1)))
    return start, end


def bars(period: Period) -> Markup:
    """Draw the minutes of each mood for every day, as columns."""
    days = period.days
    totals = [period.times(day) for day in days]
    highest = max([60.0, *(sum(minutes.values()) for minutes in totals)])
    room = 100 / len(days)
    width = room * BAR / 100
    shapes = []
    for place, (day, minutes) in enumerate(zip(days, totals, strict=True)):
        left, top = place * room + (room - width) / 2, float(HEIGHT)
        for mood in reversed(minutes):
            tall = HEIGHT * minutes[mood] / highest
            if tall <= 0:
                continue
            top -= tall
            title = f"{short_day(day)}: {terms.mood_word(mood)} " + terms.hours_and_minutes(
                minutes[mood]
            )
            shapes.append(
                Markup(
                    '<rect class="fill {}" x="{:.2f}%" y="{:.1f}" width="{:.2f}%" height="{:.1f}" '
                    'rx="3"><title>{}</title></rect>'
                ).format(str(mood), left, top, width, max(1.0, tall - 1.5), title)
            )
        if len(days) <= 7 or day.day % 5 == 1:
            name = short_day(day) if len(days) <= 7 else str(day.day)
            shapes.append(
                Markup('<text x="{:.2f}%" y="{}" text-anchor="middle">{}</text>').format(
                    left + width / 2, HEIGHT + 20, name
                )
            )
    label = _("Minutes of each mood for every day; the table holds the same")
    return Markup(
        '<svg class="days" role="img" aria-label="{}">'
        '<line class="rule" x1="0" x2="100%" y1="{}" y2="{}"/>{}</svg>'
    ).format(label, HEIGHT, HEIGHT, Markup("").join(shapes))
