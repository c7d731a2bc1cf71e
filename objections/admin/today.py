"""What waits for those who handle objections, on the start page."""

import datetime
from collections.abc import Iterator

from django.contrib import admin
from django.utils import timezone

from notices.admin.today import Duty, counted
from objections.models import Objection, Status

SOON = 7  # days


def duties(request, today: datetime.date | None = None) -> Iterator[Duty]:
    """Objections by their dates, overdue ones first; nothing for those who do not handle any."""
    if not request.user.has_perm("objections.handle_objection"):
        return
    today = today or timezone.localdate()
    rows = admin.site.get_model_admin(Objection).get_queryset(request)
    wanted = [
        ("已过期限的异议", rows.overdue(today), "queue=overdue"),
        (f"{SOON} 天内到期的异议", rows.due_within(SOON, today), "queue=due"),
        ("等待受理的异议", rows.with_status(Status.RECEIVED), f"queue={Status.RECEIVED}"),
    ]
    yield from counted(Objection, wanted)
