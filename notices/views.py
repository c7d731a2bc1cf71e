"""The public pages. They read editions, never working copies; states come from the calendar."""

import datetime
import logging
import re

import segno
from django.conf import settings
from django.db.models import Count, F
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from . import windows
from .documents.differences import differences
from .documents.notice import NoticeDocument, Section, Window
from .downloads import as_download
from .linked import linked_data
from .models import (
    CalendarDay,
    Checkpoint,
    Edition,
    InspectionRound,
    LogEntry,
    PublicityNotice,
    State,
    Unavailable,
)
from .snapshots import prepared

log = logging.getLogger(__name__)

LATEST = 6
PUBLIC_STATES = (State.OPEN, State.UPCOMING, State.CLOSED, State.WITHDRAWN)


def public_notices():
    """Where every public page starts: published notices with what their cards show, in one query."""
    return PublicityNotice.objects.public().select_related("edition__confirmation", "organisation")


def card(notice: PublicityNotice, today: datetime.date) -> dict:
    """What a list shows of one notice on `today`."""
    edition = notice.edition
    length = (edition.closes_on - edition.opens_on).days + 1
    passed = min(max((today - edition.opens_on).days + 1, 0), length)
    return {
        "notice": notice,
        "edition": edition,
        "state": notice.state(today),
        "days_left": windows.days_left(edition.closes_on, today),
        "days_until": (edition.opens_on - today).days,
        "passed": passed,
        "length": length,
    }


@prepared()
@require_safe
def home(request):
    """What is open now, what was published last, and how many notices stand where."""
    today = timezone.localdate()
    open_now = public_notices().open(today).order_by("edition__closes_on")[:LATEST]
    latest = public_notices()[:LATEST]
    counts = {state: PublicityNotice.objects.in_state(state, today).count() for state in PUBLIC_STATES}
    context = {
        "open_now": [card(notice, today) for notice in open_now],
        "latest": [card(notice, today) for notice in latest],
        "counts": [(State(state), count) for state, count in counts.items()],
        "rounds": InspectionRound.objects.annotate(task_count=Count("tasks")),
    }
    return render(request, "notices/home.html", context)


@prepared()
@require_safe
def notice(request, reference):
    """The notice as it stands: its current edition, measures beside their progress."""
    found = get_object_or_404(public_notices().select_related("edition__receiving_office"), reference=reference)
    found.edition.notice = found  # the same row: it is not asked for again
    return _edition_page(request, "notices/notice.html", found, found.edition)


@prepared()
@require_safe
def edition(request, reference, number):
    """Any edition, in the printed order."""
    found = visible_edition(reference, number)
    return _edition_page(request, "notices/edition.html", found.notice, found)


def visible_edition(reference: str, number: int | None = None) -> Edition:
    """Edition `number` of a notice, its current one when no number is given; 404 where the public may not read it."""
    which = {"notice__edition": F("pk")} if number is None else {"number": number}
    editions = Edition.objects.visible().select_related("notice__organisation", "notice__edition", "redaction")
    return get_object_or_404(editions.select_related("confirmation"), notice__reference=reference, **which)


def redacted(request, edition: Edition):
    """410: the bytes were erased by law; what was there is known by its digest alone."""
    context = {"notice": edition.notice, "edition": edition, "redaction": edition.redaction}
    return render(request, "notices/redacted.html", context, status=410)


def _edition_page(request, template, notice, edition):
    if edition.is_redacted:
        return redacted(request, edition)
    today, document = timezone.localdate(), edition.read()
    context = {
        **card(notice, today),
        **document_context(document),
        "files": edition.files.select_related("edition__notice") if document.attachments else [],
        **imprint(edition),
        "was_to_close_on": _earlier_end(edition),
        "edition": edition,
        "linked_data": linked_data(notice, edition, document),
        "tasks": edition.told.select_related("task__round"),
        "today": today,
    }
    context["objectable"] = notice.reference if context["state"] == State.OPEN else ""
    response = render(request, template, context)
    response["Digest-SHA256"] = edition.digest
    return response


def edition_url(edition: Edition) -> str:
    """The address of that very edition, whatever becomes of the notice."""
    return settings.SITE_URL + reverse("notices:edition", args=[edition.notice.reference, edition.number])


def imprint(edition: Edition) -> dict:
    """What a printed page needs so that a reader of the paper finds that very edition again."""
    url = edition_url(edition)
    code = segno.make(url, micro=False, error="m").svg_inline(scale=2, svgclass="qr", lineclass=None, border=0)
    return {
        "edition_url": url,
        "short_code": edition.short_code,
        "qr": mark_safe(code),  # noqa: S308 – segno draws it from our own address
    }


def _earlier_end(edition: Edition) -> datetime.date | None:
    """The end that an extension moved: it stays visible beside the new one."""
    if edition.act not in ("extend", "outage"):
        return None
    before = Edition.objects.filter(notice=edition.notice_id, number=edition.number - 1)
    return before.values_list("closes_on", flat=True).get()


def document_context(document: NoticeDocument) -> dict:
    """What the body of a notice needs: its blocks, its telephones, and how its window was counted, day by day."""
    return {
        "document": document,
        "blocks": document.blocks(),
        "anchored": anchored(document),
        "between": between(document),
        "phones": telephones(document.office.phone) if document.office else [],
        **counted_days(document.window),
    }


def counted_days(window: Window | None) -> dict:
    """How a window is counted, week by week and day by day."""
    calendar = CalendarDay.objects.all().as_calendar()
    try:
        days = calendar.days(window.opens_on, window.closes_on) if window else []
    except windows.TooLong:  # a draft with a typing error in a year
        days = []
    return {
        "weeks": weeks(days, window.unit) if window else [],
        "day_count": len(days),
        "calendar_published": all(day.published for day in days),
    }


def anchored(document: NoticeDocument) -> list[Section]:
    """The sections whose items have an address of their own (measures-1): the first of its kind, no ordinal twice."""
    sections = [document.section(kind) for kind in ("measures", "progress")]
    return [each for each in sections if each and each.is_numbered]


def between(document: NoticeDocument) -> tuple[Section, ...]:
    """What is printed between the measures and the progress; beside each other they stand before it."""
    places = [document.sections.index(each) for each in anchored(document)]
    return document.sections[places[0] + 1 : places[1]] if len(places) == 2 else ()


def telephones(printed: str) -> list[tuple[str, str]]:
    """Each telephone of a printed line with the number to dial, "" where there is none."""
    parts = [part.strip() for part in re.split(r"[、，,；;/]", printed) if part.strip()]
    dialled = [re.search(r"\+?\d[\d\-() （）]{4,}", part) for part in parts]
    return [
        (part, re.sub(r"[^\d+]", "", found[0]) if found else "") for part, found in zip(parts, dialled, strict=True)
    ]


def weeks(days: list[windows.Day], unit: str | None) -> list[list[tuple[windows.Day | None, int]]]:
    """The days of a window in weeks from Monday on, each with its number among those that count (0: does not count)."""
    cells, counted = [(None, 0)] * (days[0].date.weekday() if days else 0), 0
    for day in days:
        counts = unit == "calendar" or day.working
        counted += counts
        cells.append((day, counted if counts else 0))
    cells += [(None, 0)] * (-len(cells) % 7)
    return [cells[start : start + 7] for start in range(0, len(cells), 7)]


def draft_context(notice: PublicityNotice) -> dict:
    """The same for a working copy that is previewed."""
    return {"notice": notice, **document_context(notice.document()), "files": notice.files()}


@require_safe
def edition_file(request, reference, number, place, name):
    """A file of a public edition, byte for byte as its digest says; 410 where it was erased by law."""
    found = visible_edition(reference, number)
    if found.is_redacted:
        return redacted(request, found)
    file = get_object_or_404(found.files, number=place, name=name)
    try:
        return as_download(file.read(), file.name, file.kind)
    except Unavailable:
        log.error("file %s of edition %s cannot be read", file.pk, found.pk)
        return render(request, "notices/file_away.html", {"edition": found, "file": file}, status=503)


@prepared("from", "to")
@require_safe
def history(request, reference):
    """Every edition of a notice, its withdrawal, and the difference between any two editions."""
    found = get_object_or_404(public_notices(), reference=reference)
    editions = found.editions.visible().select_related("redaction", "confirmation").order_by("-number")
    context = {
        **card(found, timezone.localdate()),
        "editions": editions,
        "acts": LogEntry.objects.filter(reference=reference, sequence__lt=Checkpoint.objects.size()),
        **_compared(editions, request.GET.get("from"), request.GET.get("to")),
    }
    return render(request, "notices/history.html", context)


def _compared(editions, old: str | None, new: str | None) -> dict:
    """The difference between two editions by their numbers; between the newest two when none are asked for."""
    readable = {str(edition.number): edition for edition in editions if not edition.is_redacted}
    numbers = list(readable)
    if old not in readable or new not in readable:
        old, new = (numbers[1], numbers[0]) if len(numbers) > 1 else ("", "")
    if not old:
        return {"readable": numbers}
    changes = differences(readable[old].read(), readable[new].read())
    return {"readable": numbers, "from": old, "to": new, "changes": changes}
