"""Working days as staff correct them, on top of the packaged calendar."""

from collections.abc import Iterable

from django.db import models, transaction

from notices import windows


class CalendarDayQuerySet(models.QuerySet):
    def as_calendar(self) -> windows.Calendar:
        """The calendar to count with: the packaged one, these rows on top."""
        days = {row.date: windows.Day(row.date, row.working, row.name) for row in self}
        return windows.Calendar(days)

    @transaction.atomic
    def take(self, days: Iterable[windows.Day], *, source: str) -> int:
        """Store these days, all or none; returns how many were new or different. Taking them again changes nothing."""
        known = {row.date: row for row in self.filter(date__in=[day.date for day in days])}
        changed = [day for day in days if not (day.date in known and known[day.date].says(day))]
        for day in changed:
            facts = {"working": day.working, "name": day.name, "source": source}
            self.update_or_create(date=day.date, defaults=facts)
        return len(changed)


class CalendarDay(models.Model):
    """One day that is not what its weekday says: a holiday, or a working weekend."""

    date = models.DateField("日期", unique=True)
    working = models.BooleanField("上班", help_text="勾选表示调休上班，不勾选表示放假。")
    name = models.CharField("名称", max_length=50, blank=True, help_text="例如：春节、国庆节调休。")
    source = models.CharField("依据", max_length=200, help_text="文件名称和文号。")

    objects = CalendarDayQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "日历"
        ordering = ("date",)

    def __str__(self) -> str:
        return f"{self.date:%Y-%m-%d} {'上班' if self.working else '放假'} {self.name}".rstrip()

    def says(self, day: windows.Day) -> bool:
        return (self.working, self.name) == (day.working, day.name)


def current_calendar() -> windows.Calendar:
    """The calendar as of now, read in one query."""
    return CalendarDay.objects.all().as_calendar()
