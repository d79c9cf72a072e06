"""The area *History*: days, weeks and months; taking it along, and deleting it."""

from __future__ import annotations

import csv
import heapq
import io
import itertools
import json
import re
import threading
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, assert_never

from pydantic import BeforeValidator
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from agent.errors import StoreError
from agent.store.history import LONGEST, FeedbackEntry, MoodEntry, SwitchEntry
from agent.translation import _
from agent.types import EMOTIONS, Evidence
from agent.web.page import charts, history_view, terms
from agent.web.page.answers import REFUSALS, Answer, Refused, Words
from agent.web.page.context import PageContext
from agent.web.page.history_view import TAKEN_BACK, Period, midnight
from agent.web.page.render import Pages
from agent.web.status_text import evidence_of
from agent.wording import EVERYTHING, moment, short_day

if TYPE_CHECKING:
    from fastapi import APIRouter

MOST_MOODS, MOST_CHANGES = 20_000, 1_000
"""Entries of a day, week or month that are read at most: a month of a mood every two minutes, and
of three changes in each hour. A history that somebody has handed on may hold millions."""
_FORMULA = re.compile(r"((?:^|[;,|\t\r\n])[ \v\f\u00a0\u3000\"']*)(?=[=+\-@＝＋－＠])")
"""Where one would begin: at the start of a cell, or of what some spreadsheet takes for one."""
CHUNK = 65_536
"""Characters of a file that are sent in one go."""
CHANGES_SHOWN = 60
_ADDED = "correction_"
COLUMNS = (
    *("at", "what", "mood", "confidence", "detail", "playlist", "address"),
    *EMOTIONS,
    *("valence", "arousal", "runner_up", "mood_seconds", "own_face", "threshold"),
    *(f"{_ADDED}{name}" for name in EMOTIONS),
)
"""Of the table that is taken along; new ones come at its end."""
RETENTION = "history.keep_days"


class View(StrEnum):
    """How much is shown at a time."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def _written(value: object) -> datetime | None:
    """Read a date; a bare number is none, though it could be taken for seconds since 1970."""
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(_("This is no date that a calendar knows.")) from None


Moment = Annotated[datetime | None, BeforeValidator(_written)]


class DeleteWords(Words):
    """``since`` and ``until`` with a time zone or in local time; neither: everything.

    ``hour``: the one hour that begins then.
    """

    since: Moment = None
    until: Moment = None
    hour: Moment = None


def site(context: PageContext, pages: Pages) -> list[Route]:
    """Make the pages of this area."""
    one_at_a_time = threading.Lock()  # a full one takes tens of megabytes

    def history(request: Request) -> Response:
        with one_at_a_time:
            return shown_history(request)

    def shown_history(request: Request) -> Response:
        now = context.clock.now()
        view = _view(request.query_params.get("view", ""))
        wanted = _day(request.query_params.get("day", ""), now)
        problem = ""
        try:
            shown = load(context, view, wanted)
            week = shown if view is View.WEEK else load(context, View.WEEK, wanted)
            yesterday = load(context, View.DAY, now.date() - timedelta(days=1))
        except StoreError as error:
            problem = error.message
            shown = week = yesterday = _empty(view, wanted, now)
        return pages.page(
            request,
            "history.html",
            "history",
            view=view.value,
            shown=shown,
            title=_title(view, shown),
            before=(shown.since.date() - timedelta(days=1)).isoformat(),
            after=shown.until.date().isoformat() if shown.until <= now else None,
            this=wanted.isoformat(),
            today=now.date().isoformat(),
            recap=history_view.recap(week),
            week_began=short_day(week.since.date()),
            drawn=_drawn(view, shown),
            columns="" if view is View.DAY else charts.bars(shown),
            hours=_hours(shown) if view is View.DAY else [],
            yesterday=None if yesterday.is_blank or yesterday.since == shown.since else yesterday,
            yesterdays_name=_title(View.DAY, yesterday),
            last_hour=(now - timedelta(hours=1)).isoformat(),
            changes=list(reversed(shown.changes))[:CHANGES_SHOWN],
            problem=problem,
            now=now,
            retention=_retention(context),
            everything=_(EVERYTHING),
        )

    def export(request: Request) -> Response:
        form = request.path_params["form"]
        if form not in ("csv", "json"):
            raise Refused(_("It can be had as CSV or JSON."), status=404)
        kept = context.history
        every = (kept.every_mood(), kept.every_switch(), kept.every_feedback())
        parts = _in_chunks(as_csv(*every) if form == "csv" else as_json(*every))
        # Where the history cannot be read at all, that is the answer, and no file.
        first = next(parts)
        name = f"moodtray-{context.clock.now():%Y-%m-%d}.{form}"
        return StreamingResponse(
            itertools.chain((first,), parts),
            media_type="text/csv; charset=utf-8" if form == "csv" else "application/json",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    return [Route("/history", history), Route("/history/export/{form}", export)]


def api(context: PageContext) -> APIRouter:
    """Make this area's part of the API."""
    from fastapi import APIRouter

    routes = APIRouter()

    @routes.post("/api/history/delete", response_model=Answer, responses=REFUSALS)
    def delete(words: DeleteWords) -> Answer:
        """Delete what was noted from ``since`` up to ``until``; for good."""
        since = 0.0 if words.since is None else _stamp(words.since)
        until = 4e10 if words.until is None else _stamp(words.until)
        if words.hour is not None:
            since = _stamp(words.hour)
            until = since + 3600
        if since >= until:
            raise Refused(_("The end lies before the beginning."), field="until", status=422)
        if words.since is None and words.until is None and words.hour is None:
            return Answer(text=context.forget_everything())
        context.forget(since, until)
        return Answer(text=_deleted(since, until, context.clock.now()))

    return routes


def _deleted(since: float, until: float, now: datetime) -> str:
    """Say what was deleted: a day by its name, anything else by its ends."""
    first, last = (
        datetime.fromtimestamp(min(max(0.0, end), 4e9)).astimezone() for end in (since, until)
    )
    if first == midnight(first.date()) and last == midnight(last.date()):
        days = (first.date(), last.date() - timedelta(days=1))
        named = [terms.day(day) for day in dict.fromkeys(days)]
        if len(named) == 1:
            return _("All of {day} was deleted.").format(day=named[0])
        return _("All from {first} to {last} was deleted.").format(first=named[0], last=named[1])
    return _("What was noted from {start} to {end} was deleted.").format(
        start=moment(first, now), end=moment(min(last, now), now)
    )


def load(context: PageContext, view: View, day: date) -> Period:
    """Read the day, week or month around ``day``. Raises StoreError."""
    now = context.clock.now()
    since = midnight(history_view.start_of(view, day))
    until = midnight(history_view.end_of(view, day))
    earlier = since - LONGEST
    kept, answered = context.history, until + TAKEN_BACK
    moods = kept.moods(since=earlier, until=until, last=MOST_MOODS)
    switches = kept.switches(since=since, until=answered, last=MOST_CHANGES)
    feedback = kept.feedback(since=since, until=answered, last=MOST_CHANGES)
    return history_view.period(since, until, now, moods, switches, feedback)


def _empty(view: View, day: date, now: datetime) -> Period:
    since = midnight(history_view.start_of(view, day))
    return Period(since, midnight(history_view.end_of(view, day)), (), (), ())


def _view(text: str) -> View:
    """Read how much an address asks for; a day for whatever is none of the three."""
    return View(text) if text in list(View) else View.DAY


def _day(text: str, now: datetime) -> date:
    """Read the day that an address names; today for whatever is none, or too far to draw."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return now.date()
    return found if 1990 <= found.year <= 2200 else now.date()


def _stamp(moment: datetime) -> float:
    try:
        return moment.timestamp()
    except (OverflowError, OSError, ValueError) as error:
        raise Refused(_("This is no date that a calendar knows."), status=422) from error


def _title(view: View, shown: Period) -> str:
    first, last = shown.since.date(), (shown.until - timedelta(hours=1)).date()
    match view:
        case View.DAY:
            return terms.day(first)
        case View.WEEK:
            return _("{first} to {last}").format(first=terms.day(first), last=terms.day(last))
        case View.MONTH:
            return terms.month(first)
        case _:
            assert_never(view)


def _drawn(view: View, shown: Period) -> list[tuple[str, Any]]:
    """Make the drawings: (a name for each row, SVG)."""
    if view is View.MONTH:
        return []
    rows: list[tuple[str, Any]] = []
    for day in shown.days:
        spans = shown.of_day(day)
        start = midnight(day)
        if view is View.DAY:
            first, last = charts.daylight(spans, start)
            rows += [("", charts.band(spans, first, last)), ("", charts.scale(first, last))]
        else:
            first, last = start, midnight(day + timedelta(days=1))
            rows.append((short_day(day), charts.band(spans, first, last)))
    if view is View.WEEK:
        rows.append(("", charts.scale(shown.since, midnight(shown.days[1]))))
    return rows


def _hours(shown: Period) -> list[dict[str, object]]:
    """List the hours of a day to choose from; 23 or 25 of them when the clocks are changed.

    The latest in which something was noted is chosen to begin with.
    """
    hours = []
    moment = shown.since
    latest = shown.latest
    while moment < shown.until:
        end = moment + timedelta(hours=1)
        hours.append(
            {
                "value": moment.isoformat(),
                "text": f"{moment:%H:%M} – {end:%H:%M}",
                "chosen": latest is not None and moment <= latest < end,
            }
        )
        moment = end
    return hours


def _retention(context: PageContext) -> int | None:
    """Return the days for which the history is kept; None where no setting says so."""
    settings, _error = context.settings_file.load_or_last_good()
    section = getattr(settings, "history", None)
    days = getattr(section, "keep_days", None)
    return days if isinstance(days, int) else None


def as_json(
    moods: Iterable[MoodEntry],
    switches: Iterable[SwitchEntry],
    feedback: Iterable[FeedbackEntry],
) -> Iterator[str]:
    """Write all entries as JSON, entry by entry."""
    tables: tuple[tuple[str, Iterator[dict[str, object]]], ...] = (
        ("moods", map(_mood, moods)),
        ("changes", map(_change, switches)),
        (
            "answers",
            ({"at": f.at.isoformat(), "kind": f.kind, "detail": f.detail} for f in feedback),
        ),
    )
    yield "{"
    for place, (name, entries) in enumerate(tables):
        yield f'{"," if place else ""}\n "{name}": ['
        before = "\n  "
        for entry in entries:
            yield before + json.dumps(entry, ensure_ascii=False)
            before = ",\n  "
        yield "\n ]"
    yield "\n}\n"


def _mood(entry: MoodEntry) -> dict[str, object]:
    seven = entry.probabilities
    return {
        "at": entry.at.isoformat(),
        "mood": str(entry.state),
        "confidence": entry.confidence,
        "probabilities": None if seven is None else dict(zip(EMOTIONS, seven, strict=True)),
        "by_hand": entry.by_hand,
        "valence": None if entry.place is None else entry.place[0],
        "arousal": None if entry.place is None else entry.place[1],
    }


def _change(entry: SwitchEntry) -> dict[str, object]:
    return {
        "at": entry.at.isoformat(),
        "mood": str(entry.mood),
        "playlist": entry.playlist_name,
        "address": entry.playlist_uri,
        "reason": entry.reason,
        **evidence_of(entry.evidence),
    }


def as_csv(
    moods: Iterable[MoodEntry],
    switches: Iterable[SwitchEntry],
    feedback: Iterable[FeedbackEntry],
) -> Iterator[str]:
    """Write all entries as one table, oldest first, line by line; each of the three is in order."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    rows = heapq.merge(
        map(_mood_row, moods),
        map(_change_row, switches),
        map(_answer_row, feedback),
        key=lambda row: row[0],
    )
    for at, cells in rows:
        kept = {name: _harmless(cell) for name, cell in cells.items()}
        writer.writerow({"at": at.isoformat(), **kept})
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()  # the header, where there is no entry


def _mood_row(entry: MoodEntry) -> tuple[datetime, dict[str, object]]:
    word = "said" if entry.by_hand else "seen"
    told = {"what": "mood", "mood": str(entry.state), "confidence": entry.confidence}
    seven = zip(EMOTIONS, entry.probabilities or (), strict=False)
    place = zip(("valence", "arousal"), entry.place or (), strict=False)
    return entry.at, {**told, "detail": word, **dict(seven), **dict(place)}


def _change_row(entry: SwitchEntry) -> tuple[datetime, dict[str, object]]:
    told = {"what": "change", "mood": str(entry.mood), "detail": entry.reason}
    found = {"playlist": entry.playlist_name or "", "address": entry.playlist_uri or ""}
    return entry.at, {**told, **found, **_cells(entry.evidence)}


def _answer_row(entry: FeedbackEntry) -> tuple[datetime, dict[str, object]]:
    return entry.at, {"what": "answer", "mood": entry.detail, "detail": entry.kind}


def _in_chunks(texts: Iterable[str]) -> Iterator[bytes]:
    """Gather texts into parts that are worth being sent; one at least."""
    gathered, size = list[str](), 0
    for text in texts:
        gathered.append(text)
        size += len(text)
        if size >= CHUNK:
            yield "".join(gathered).encode()
            gathered, size = [], 0
    yield "".join(gathered).encode()


def _cells(evidence: Evidence | None) -> dict[str, object]:
    """Tell what a change rested on, by column."""
    if evidence is None:
        return {}
    found = evidence_of(evidence)
    seven, correction = found.pop("probabilities"), found.pop("correction") or {}
    return {**found, **seven, **{f"{_ADDED}{name}": x for name, x in correction.items()}}


def _harmless(cell: object) -> object:
    """Put a mark before what a spreadsheet would take for a formula.

    Where the comma stands within numbers a semicolon parts cells, whatever we have quoted.
    """
    return _FORMULA.sub(r"\1'", cell) if isinstance(cell, str) else cell
