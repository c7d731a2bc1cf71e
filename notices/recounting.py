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
    with_rules = notices.select_related("edition", "organisation").prefetch_related("organisation__publicity_rules")
    changed = dict(_changed(notices, calendar))  # a glance at the documents first: most count as before
    for notice in with_rules.in_bulk(list(changed)).values():
        yield _published(notice, calendar, *changed[notice.pk])
    for notice in with_rules.filter(edition__isnull=True) if before else ():
        if found := _draft(notice, calendar, before):
            yield found


def _changed(notices, calendar: windows.Calendar) -> Iterator[tuple[int, tuple[dict, int]]]:
    """The published windows that count otherwise, by the notice: what it states, and the count now."""
    count = functools.cache(calendar.count)  # many windows are the same days
    published = notices.filter(edition__isnull=False).order_by()  # in order, all would be looked through
    for pk, document, *days in published.values_list(
        "pk", "edition__document", "edition__opens_on", "edition__closes_on"
    ).iterator():
        window = json.loads(bytes(document))["window"]
        if window["unit"] == "working" and window["working_days"] != count(*days):
            yield pk, (window, count(*days))


def _published(notice: PublicityNotice, calendar: windows.Calendar, window: dict, now: int) -> Recount:
    rule = dataclasses.replace(notice.organisation.rule(notice.stage), length=window["length"], unit=window["unit"])
    required = calendar.last_day(notice.edition.opens_on, rule)
    return Recount(notice, window["working_days"], now, notice.edition.closes_on, required)


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
