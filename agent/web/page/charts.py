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

WIDTH = 1000
BAND = 56
HOUR = 3600.0


def band(spans: Sequence[Span], first: datetime, last: datetime, *, hours: bool = True) -> Markup:
    """Draw the mood over one day, between two times, as a band."""
    length = max(1.0, (last - first).total_seconds())

    def x(moment: datetime) -> float:
        return WIDTH * min(1.0, max(0.0, (moment - first).total_seconds() / length))

    shapes = [
        Markup('<rect class="ground" x="0" y="0" width="{}" height="{}" rx="12"/>').format(
            WIDTH, BAND
        )
    ]
    for span in spans:
        width = x(span.end) - x(span.start)
        if width <= 0 or span.mood is MoodState.AWAY:
            continue
        title = f"{span.start:%H:%M}–{span.end:%H:%M} {terms.mood_word(span.mood)}"
        shapes.append(
            Markup(
                '<rect class="fill {}" x="{:.1f}" y="0" width="{:.1f}" height="{}">'
                "<title>{}</title></rect>"
            ).format(str(span.mood), x(span.start), max(1.5, width), BAND, title)
        )
    height = BAND
    if hours:
        height = BAND + 26
        step = 2 if length > 9 * HOUR else 1
        moment = first
        while moment <= last:
            if moment.hour % step == 0:
                anchor = (
                    "start" if x(moment) < 20 else "end" if x(moment) > WIDTH - 20 else "middle"
                )
                shapes.append(
                    Markup('<text x="{:.1f}" y="{}" text-anchor="{}">{}</text>').format(
                        x(moment), BAND + 21, anchor, f"{moment.hour}:00"
                    )
                )
            moment += timedelta(hours=1)
    label = _("Mood from {start} to {end}; the table holds the same").format(
        start=f"{first:%H:%M}", end=f"{last:%H:%M}"
    )
    return Markup(
        '<svg class="band" viewBox="0 0 {} {}" role="img" aria-label="{}" '
        'preserveAspectRatio="none"><g>{}</g></svg>'
    ).format(WIDTH, height, label, Markup("").join(shapes))


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
    totals = [period.minutes(day) for day in days]
    highest = max([60.0, *(sum(minutes.values()) for minutes in totals)])
    room = WIDTH / len(days)
    width = min(90.0, room * 0.68)
    height = 190.0
    shapes = []
    for place, (day, minutes) in enumerate(zip(days, totals, strict=True)):
        left, top = place * room + (room - width) / 2, height
        for mood in reversed(terms.MOODS):
            tall = height * minutes[mood] / highest
            if tall <= 0:
                continue
            top -= tall
            title = f"{terms.short_day(day)}: {terms.mood_word(mood)} " + terms.hours_and_minutes(
                minutes[mood]
            )
            shapes.append(
                Markup(
                    '<rect class="fill {}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" '
                    'rx="3"><title>{}</title></rect>'
                ).format(str(mood), left, top, width, max(1.0, tall - 1.5), title)
            )
        if len(days) <= 7 or day.day % 5 == 1:
            name = terms.short_day(day) if len(days) <= 7 else str(day.day)
            shapes.append(
                Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                    left + width / 2, height + 24, name
                )
            )
    label = _("Minutes of each mood for every day; the table holds the same")
    return Markup(
        '<svg class="days" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<line class="rule" x1="0" x2="{}" y1="{}" y2="{}"/>{}</svg>'
    ).format(WIDTH, height + 34, label, WIDTH, height, height, Markup("").join(shapes))
