"""Demonstration data: an invented city with tasks in every stage, notices in every state, objections in every status.

The texts lie in texts/*.toml; the modules here turn them into rows through the models' own verbs, at past times.
"""

import datetime

from django.db import transaction
from django.utils import timezone

from notices.models import Organisation
from notices.models.calendar import current_calendar

from . import everyday, notices, objections, parties, staff, tasks
from .days import Days
from .diary import Diary


def fill(password: str, now: datetime.datetime | None = None) -> bool:
    """Make the demonstration data in one transaction; False, and nothing done, when the database is in use."""
    days = Days(timezone.localtime(now), current_calendar())
    with transaction.atomic():
        if Organisation.objects.exists():
            return False
        organisations, rounds = parties.make(days)
        users = staff.make(password, organisations)
        cases = tasks.make(days, organisations, rounds)
        diary = Diary()
        drafts = notices.make(days, diary, organisations, cases, users)
        courses = objections.plan(days, diary, drafts, users["yiyi"])
        diary.play()
        objections.deliver(courses, days.now)
        everyday.make(days, organisations, users["yiyi"])
    return True
