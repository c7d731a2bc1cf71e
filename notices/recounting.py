"""Which notices count differently by another calendar. Nothing is changed here: staff extend, and never shorten."""

import dataclasses
import datetime
import functools
import json
from collections.abc import Iterator

from django.db.models import Q

from . import windows
from .models import PublicityNotice


@dataclasses.dataclass(frozen=True)
class Recount:
    """A notice whose working days are `now` others than `counted`; `required` is the end that its rule demands now."""

    notice: PublicityNotice
    counted: int
    now: int
    closes_on: datetime.date
    required: datetime.date

    @property
    def is_short(self) -> bool:
        return self.closes_on < self.required

    def __str__(self) -> str:
        name = self.notice.reference or f"草稿 {self.notice.pk}"
        advice = f"按规则应到 {self.required}，请办理延期" if self.is_short else "仍满足规则"
        return f"{name}《{self.notice.title}》：{self.counted} → {self.now} 个工作日，现到 {self.closes_on}，{advice}。"


def standing(today: datetime.date):
    """The published notices that can still be extended: neither closed nor withdrawn."""
    return PublicityNotice.objects.filter(edition__closes_on__gte=today, withdrawn_at__isnull=True)


def touching(year: int):
    """The published notices with a day in that year, and all drafts."""
    first, last = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
    published = Q(edition__opens_on__lte=last, edition__closes_on__gte=first, withdrawn_at__isnull=True)
    return PublicityNotice.objects.filter(published | Q(reference__isnull=True, opens_on__isnull=False))


def recounts(notices, calendar: windows.Calendar, before: windows.Calendar | None = None) -> Iterator[Recount]:
    """Those of the notices that count differently by `calendar`.

    A published notice states its count; for a draft it is what `before` gives. Windows in calendar days stay as
    they are.
    """
    rows = notices.select_related("edition", "organisation").prefetch_related("organisation__publicity_rules")
    count = functools.cache(calendar.count)  # many windows are the same days
    for notice in rows.iterator(chunk_size=500):
        found = _published(notice, calendar, count) if notice.edition else before and _draft(notice, calendar, before)
        if found:
            yield found


def _published(notice: PublicityNotice, calendar: windows.Calendar, count) -> Recount | None:
    edition, window = notice.edition, json.loads(bytes(notice.edition.document))["window"]
    now = count(edition.opens_on, edition.closes_on)
    if window["unit"] != "working" or now == window["working_days"]:
        return None
    rule = dataclasses.replace(notice.organisation.rule(notice.stage), length=window["length"], unit=window["unit"])
    required = calendar.last_day(edition.opens_on, rule)
    return Recount(notice, window["working_days"], now, edition.closes_on, required)


def _draft(notice: PublicityNotice, calendar: windows.Calendar, before: windows.Calendar) -> Recount | None:
    rule = notice.organisation.rule(notice.stage)
    if rule.unit != "working":
        return None
    try:
        ends = [each.last_day(notice.opens_on, rule) for each in (before, calendar)]
        closes_on = notice.closes_on or ends[0]
        counted, now = (each.count(notice.opens_on, closes_on) for each in (before, calendar))
    except windows.TooLong:  # the linter has said so
        return None
    return Recount(notice, counted, now, closes_on, ends[1]) if (counted, ends[0]) != (now, ends[1]) else None
