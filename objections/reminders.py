"""Reminders to the office: what is due soon or overdue and not yet said, however late the worker comes to it."""

import datetime
import logging

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from .keyring import Lost
from .models import Event, Objection, OutgoingMail, Reminder

log = logging.getLogger(__name__)

DAYS_BEFORE = 3
Threshold = Reminder.Threshold


def queue_due(now: datetime.datetime | None = None) -> int:
    """Queue the reminders that are due and not yet sent. Returns of how many objections."""
    now = now or timezone.now()
    today = timezone.localdate(now)
    near = Objection.objects.due_within(DAYS_BEFORE, today)
    past = Objection.objects.overdue(today)
    waiting = [(Threshold.NEAR, each) for each in _unsaid(near, Threshold.NEAR)]
    waiting += [(Threshold.PAST, each) for each in _unsaid(past, Threshold.PAST)]
    return sum(_remind_if_readable(objection, threshold, now) for threshold, objection in waiting)


def _remind_if_readable(objection: Objection, threshold: str, now: datetime.datetime) -> bool:
    """One whose key is lost keeps nobody else from being reminded."""
    try:
        return remind(objection, threshold, now)
    except Lost:
        log.error("objection %s: its key is lost", objection.number)
        return False


def _unsaid(objections, threshold: str):
    """Those of whose present date nothing was said at `threshold`. No personal field is read."""
    said = Reminder.objects.filter(objection=OuterRef("pk"), due_on=OuterRef("next_due"), threshold=threshold)
    found = objections.by_due_date().filter(~Exists(said)).impersonal()
    return found.select_related("notice__edition__receiving_office", "routed_to")


@transaction.atomic
def remind(objection: Objection, threshold: str, now: datetime.datetime) -> bool:
    """Tell the office's mailboxes once; False when it was told before, or has no mailbox yet."""
    if not objection.mailboxes():
        return False
    _, new = Reminder.objects.get_or_create(
        objection=objection, due_on=objection.due_on, threshold=threshold, defaults={"at": now}
    )
    if new:
        OutgoingMail.objects.queue_to_office(objection, OutgoingMail.Kind.REMINDER, at=now)
        objection.events.create(kind=Event.Kind.REMINDED, at=now, text=Threshold(threshold).label)
    return new
