"""How long an office takes: yardsticks that each office sets for itself, not law."""

import datetime

from django.db import models
from django.db.models import F, Q

from notices import windows
from notices.models import PublicityNotice, PublicityRule, ReceivingOffice
from notices.models.calendar import current_calendar
from notices.models.scope import ScopedQuerySet


class HandlingTerms(models.Model):
    """Within how many days an office decides on an objection and replies to it, counted from the day after receipt."""

    belongs_to = "office__organisation"

    office = models.OneToOneField(
        ReceivingOffice,
        models.CASCADE,
        verbose_name="受理部门",
        related_name="handling_terms",
        help_text="每个部门一条；没有登记的按默认天数。",
    )
    decide_within = models.PositiveSmallIntegerField(
        "决定是否受理的天数", default=15, help_text="收到次日起算。改动只影响以后收到的异议。"
    )
    reply_within = models.PositiveSmallIntegerField("答复的天数", default=60, help_text="收到次日起算。")
    erase_within = models.PositiveSmallIntegerField(
        "处理删除申请的天数", default=15, help_text="异议人申请删除个人信息后，多少天内处理。申请次日起算。"
    )
    unit = models.CharField("天数单位", max_length=10, choices=PublicityRule.Unit, default=PublicityRule.Unit.CALENDAR)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "办理期限"
        ordering = ("office",)
        constraints = [
            models.CheckConstraint(
                condition=Q(decide_within__gte=1, reply_within__lte=365, reply_within__gte=F("decide_within")),
                name="objections_handlingterms_order",
                violation_error_message="天数应在 1 到 365 之间，答复的天数不能少于决定是否受理的天数。",
            ),
            models.CheckConstraint(
                condition=Q(erase_within__gte=1, erase_within__lte=365),
                name="objections_handlingterms_erasure",
                violation_error_message="处理删除申请的天数应在 1 到 365 之间。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.office}：{self.decide_within}/{self.reply_within} 个{self.get_unit_display()}"

    @classmethod
    def of(cls, office: ReceivingOffice | None) -> "HandlingTerms":
        """The terms of `office`; the defaults where it has set none."""
        return cls.objects.filter(office=office).first() or cls()

    def dates(self, received_on: datetime.date, calendar: windows.Calendar | None = None) -> dict[str, datetime.date]:
        """`decide_by` and `reply_by` of an objection that came on `received_on`."""
        lengths = {"decide_by": self.decide_within, "reply_by": self.reply_within}
        calendar = calendar or current_calendar()
        return {name: self.last_day(received_on, days, calendar) for name, days in lengths.items()}

    def last_day(self, day: datetime.date, days: int, calendar: windows.Calendar | None = None) -> datetime.date:
        """The last of `days` days in this office's unit, counted from the day after `day`."""
        calendar = calendar or current_calendar()
        return calendar.last_day(day, windows.Rule(days, self.unit, first_day_counts=False))


def form_until(notice: PublicityNotice) -> datetime.date:
    """The last day on which the web form is handed out: the window's last, or later where the office takes late ones.

    An archive notice (补录) never had a form.
    """
    office, closes_on = notice.edition.receiving_office, notice.edition.closes_on
    late_days = office.late_days if office and not notice.is_archive else 0
    return closes_on + datetime.timedelta(days=late_days)
