"""Working days as staff correct them, on top of the packaged calendar."""

from django.db import models

from notices import windows


class CalendarDayQuerySet(models.QuerySet):
    def as_calendar(self) -> windows.Calendar:
        """The calendar to count with: the packaged one, these rows on top."""
        days = {row.date: windows.Day(row.date, row.working, row.name) for row in self}
        return windows.Calendar(days)


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


def current_calendar() -> windows.Calendar:
    """The calendar as of now, read in one query."""
    return CalendarDay.objects.all().as_calendar()
