"""What a monitoring system asks for, in the text format of Prometheus."""

import datetime
from collections.abc import Iterator

from django.conf import settings
from django.db.models import Min
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notices.models import Checkpoint, Edition, LogAudit, LogHead, PublicityNotice
from notices.models.calendar import current_calendar
from notices.models.outgoing import mended_outboxes, outboxes
from objections.models import Objection

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
YEARS_AHEAD = 3


@never_cache
@require_safe
def metrics(request):
    """The figures, for whoever holds METRICS_TOKEN (`Authorization: Bearer …`); for everybody else there is no such page."""
    if not settings.METRICS_TOKEN or not constant_time_compare(
        request.headers.get("Authorization", "").encode("utf-8", "replace"),
        f"Bearer {settings.METRICS_TOKEN}".encode(),
    ):
        raise Http404
    now = timezone.now()
    lines = [text for figure in figures(now) for text in written(*figure)]
    return HttpResponse("\n".join([*lines, ""]), content_type=CONTENT_TYPE)


def written(name: str, meaning: str, value: float) -> tuple[str, ...]:
    return f"# HELP portal_{name} {meaning}", f"# TYPE portal_{name} gauge", f"portal_{name} {value}"


def figures(now: datetime.datetime) -> Iterator[tuple[str, str, float]]:
    """(name, what it counts, value) of everything that somebody should be woken for, or wants to see over time."""
    today = timezone.localdate(now)
    notices = PublicityNotice.objects
    yield "windows_open", "Notices whose publicity window is running", notices.open(today).count()
    closing = notices.open(today).filter(edition__closes_on=today).count()
    yield "windows_closing_today", "Notices whose window ends today at 24:00", closing
    yield from _log(now)
    yield from _objections(today)
    yield from _mails(now)
    yield "calendar_days_ahead", "Days from today for which the calendar of holidays is published", covered(today)


def covered(today: datetime.date) -> int:
    """How many days from today on lie in years whose calendar is published."""
    calendar = current_calendar()
    year = today.year
    while year < today.year + YEARS_AHEAD and calendar.day(datetime.date(year, 1, 1)).published:
        year += 1
    return max((datetime.date(year, 1, 1) - today).days, 0)


def _log(now: datetime.datetime) -> Iterator[tuple[str, str, float]]:
    head, newest, audit = LogHead.objects.first(), Checkpoint.objects.newest(), LogAudit.objects.newest()
    size, signed = head.size if head else 0, newest.size if newest else 0
    yield "log_entries", "Lines of the publication log", size
    yield "log_unsigned", "Lines that no checkpoint covers yet", size - signed
    yield "log_differences", "Differences that the newest audit of the log found", audit.count if audit else 0
    out = Edition.objects.filter(public_from__lte=now, sequence__gte=signed)
    yield "publications_not_out", "Editions whose time has come and that wait for a checkpoint", out.count()
    age = (now - audit.audited_at).total_seconds() if audit else -1
    yield "log_audit_age_seconds", "Seconds since the newest audit of the log, -1 when there was none", age


def _objections(today: datetime.date) -> Iterator[tuple[str, str, float]]:
    objections = Objection.objects
    yield (
        "objections_pending",
        "Objections that wait for a decision, a finding or a reply",
        objections.pending().count(),
    )
    yield "objections_overdue", "Objections whose next date has passed", objections.overdue(today).count()
    yield "objections_unnoticed", "Neither delivered nor opened in one working day", objections.unnoticed(today).count()


def _mails(now: datetime.datetime) -> Iterator[tuple[str, str, float]]:
    waiting = [model.objects.unsent() for model in outboxes()]
    undeliverable = sum(model.objects.undeliverable().count() for model in mended_outboxes())
    oldest = min(filter(None, (mails.aggregate(at=Min("created_at"))["at"] for mails in waiting)), default=now)
    yield "mails_waiting", "Mails that are not out yet", sum(mails.count() for mails in waiting)
    yield "mails_undeliverable", "Mails that a server refused for good", undeliverable
    yield "mails_oldest_seconds", "Age of the oldest mail that is not out yet", (now - oldest).total_seconds()
