"""The area *History*: days, weeks and months; taking it along, and deleting it."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.errors import StoreError
from agent.store.history import FeedbackEntry, MoodEntry, SwitchEntry
from agent.translation import _
from agent.types import EMOTIONS, Evidence
from agent.web.page import charts, history_view, terms
from agent.web.page.answers import REFUSALS, Answer, Refused, Words
from agent.web.page.context import PageContext
from agent.web.page.history_view import Period, midnight
from agent.web.page.render import Pages
from agent.web.status_text import evidence_of

if TYPE_CHECKING:
    from fastapi import APIRouter

ROWS = 200_000
"""Entries of a table that are read at most: a year of a mood every three minutes."""
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


class DeleteWords(Words):
    """``since`` and ``until`` with a time zone or in local time; neither: everything.

    ``hour``: the one hour that begins then.
    """

    since: datetime | None = None
    until: datetime | None = None
    hour: datetime | None = None


def site(context: PageContext, pages: Pages) -> list[Route]:
    """Make the pages of this area."""

    def history(request: Request) -> Response:
        now = context.clock.now()
        view = _view(request.query_params.get("view", ""))
        wanted = _day(request.query_params.get("day", ""), now)
        problem = ""
        try:
            shown = load(context, view, wanted)
            week = shown if view is View.WEEK else load(context, View.WEEK, wanted)
        except StoreError as error:
            problem = error.message
            shown = week = _empty(view, wanted, now)
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
            drawn=_drawn(view, shown),
            columns="" if view is View.DAY else charts.bars(shown),
            hours=_hours(shown) if view is View.DAY else [],
            last_hour=(now - timedelta(hours=1)).isoformat(),
            changes=list(reversed(shown.changes))[:CHANGES_SHOWN],
            problem=problem,
            now=now,
            retention=_retention(context),
        )

    def export(request: Request) -> Response:
        form = request.path_params["form"]
        if form not in ("csv", "json"):
            raise Refused(_("It can be had as CSV or JSON."), status=404)
        moods = context.history.moods(last=ROWS)
        switches = context.history.switches(last=ROWS)
        feedback = context.history.feedback(last=ROWS)
        name = f"moodtray-{context.clock.now():%Y-%m-%d}.{form}"
        text = (
            as_csv(moods, switches, feedback)
            if form == "csv"
            else as_json(moods, switches, feedback)
        )
        return Response(
            text.encode(),
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
        context.forget(since, until)
        if words.since is None and words.until is None and words.hour is None:
            return Answer(text=_("Everything was deleted."))
        return Answer(text=_("It was deleted."))

    return routes


def load(context: PageContext, view: View, day: date) -> Period:
    """Read the day, week or month around ``day``. Raises StoreError."""
    now = context.clock.now()
    since = midnight(history_view.start_of(view, day))
    until = midnight(history_view.end_of(view, day))
    earlier = since - history_view.LONGEST
    moods = [e for e in context.history.moods(since=earlier, last=ROWS) if e.at < until]
    switches = [e for e in context.history.switches(since=since, last=ROWS) if e.at < until]
    feedback = context.history.feedback(since=since, last=ROWS)
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
            rows.append(("", charts.band(spans, first, last)))
        else:
            first, last = start, midnight(day + timedelta(days=1))
            rows.append((terms.short_day(day), charts.band(spans, first, last, hours=False)))
    return rows


def _hours(shown: Period) -> list[dict[str, str]]:
    """List the hours of a day to choose from; 23 or 25 of them when the clocks are changed."""
    hours = []
    moment = shown.since
    while moment < shown.until:
        end = moment + timedelta(hours=1)
        hours.append({"value": moment.isoformat(), "text": f"{moment:%H:%M} – {end:%H:%M}"})
        moment = end
    return hours


def _retention(context: PageContext) -> int | None:
    """Return the days for which the history is kept; None where no setting says so."""
    settings, _error = context.settings_file.load_or_last_good()
    section = getattr(settings, "history", None)
    days = getattr(section, "keep_days", None)
    return days if isinstance(days, int) else None


def as_json(
    moods: list[MoodEntry], switches: list[SwitchEntry], feedback: list[FeedbackEntry]
) -> str:
    """Write all entries as JSON."""
    return json.dumps(
        {
            "moods": [
                {
                    "at": m.at.isoformat(),
                    "mood": str(m.state),
                    "confidence": m.confidence,
                    "probabilities": None
                    if m.probabilities is None
                    else dict(zip(EMOTIONS, m.probabilities, strict=True)),
                    "by_hand": m.by_hand,
                    "valence": None if m.place is None else m.place[0],
                    "arousal": None if m.place is None else m.place[1],
                }
                for m in moods
            ],
            "changes": [
                {
                    "at": s.at.isoformat(),
                    "mood": str(s.mood),
                    "playlist": s.playlist_name,
                    "address": s.playlist_uri,
                    "reason": s.reason,
                    **evidence_of(s.evidence),
                }
                for s in switches
            ],
            "answers": [
                {"at": f.at.isoformat(), "kind": f.kind, "detail": f.detail} for f in feedback
            ],
        },
        ensure_ascii=False,
        indent=1,
    )


def as_csv(
    moods: list[MoodEntry], switches: list[SwitchEntry], feedback: list[FeedbackEntry]
) -> str:
    """Write all entries as one table, oldest first."""
    rows: list[tuple[datetime, dict[str, object]]] = []
    for m in moods:
        word = "said" if m.by_hand else "seen"
        told = {"what": "mood", "mood": str(m.state), "confidence": m.confidence, "detail": word}
        seven = zip(EMOTIONS, m.probabilities or (), strict=False)
        place = zip(("valence", "arousal"), m.place or (), strict=False)
        rows.append((m.at, {**told, **dict(seven), **dict(place)}))
    for s in switches:
        told = {"what": "change", "mood": str(s.mood), "detail": s.reason}
        found = {"playlist": s.playlist_name or "", "address": s.playlist_uri or ""}
        rows.append((s.at, {**told, **found, **_cells(s.evidence)}))
    for f in feedback:
        rows.append((f.at, {"what": "answer", "mood": f.detail, "detail": f.kind}))
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    for at, cells in sorted(rows, key=lambda row: row[0]):
        kept = {name: _harmless(cell) for name, cell in cells.items()}
        writer.writerow({"at": at.isoformat(), **kept})
    return out.getvalue()


def _cells(evidence: Evidence | None) -> dict[str, object]:
    """Tell what a change rested on, by column."""
    if evidence is None:
        return {}
    found = evidence_of(evidence)
    seven, correction = found.pop("probabilities"), found.pop("correction") or {}
    return {**found, **seven, **{f"{_ADDED}{name}": x for name, x in correction.items()}}


def _harmless(cell: object) -> object:
    """Put a mark before a text that a spreadsheet would take for a formula."""
    if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + cell
    return cell
