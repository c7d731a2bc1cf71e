"""How long an office takes: yardsticks that each office sets for itself, not law."""

import datetime

from django.db import models
from django.db.models import F, Q

from notices import windows
from notices.models import PublicityRule, ReceivingOffice
from notices.models.calendar import current_calendar


class HandlingTerms(models.Model):
    """Within how many days an office decides on an objection and replies to it, counted from the day after receipt."""

    office = models.OneToOneField(
        ReceivingOffice, models.CASCADE, verbose_name="受理部门", related_name="handling_terms"
    )
    decide_within = models.PositiveSmallIntegerField(
        "决定是否受理的天数", default=15, help_text="收到次日起算。改动只影响以后收到的异议。"
    )
    reply_within = models.PositiveSmallIntegerField("答复的天数", default=60, help_text="收到次日起算。")
    unit = models.CharField("天数单位", max_length=10, choices=PublicityRule.Unit, default=PublicityRule.Unit.CALENDAR)

    class Meta:
        verbose_name = verbose_name_plural = "办理期限"
        ordering = ("office",)
        constraints = [
            models.CheckConstraint(
                condition=Q(decide_within__gte=1, reply_within__lte=365, reply_within__gte=F("decide_within")),
                name="objections_handlingterms_order",
                violation_error_message="天数应在 1 到 365 之间，答复的天数不能少于决定是否受理的天数。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.office}：{self.decide_within}/{self.reply_within} 个{self.get_unit_display()}"

    @classmethod
    def of(cls, office: ReceivingOffice | None) -> "HandlingTerms":
        """The terms of `office`; the defaults where it has set none."""
        return cls.objects.filter(office=office).first() or cls()

    def dates(self, received_on: datetime.date) -> dict[str, datetime.date]:
        """`decide_by` and `reply_by` of an objection that came on `received_on`."""
        calendar = current_calendar()
        lengths = {"decide_by": self.decide_within, "reply_by": self.reply_within}
        return {
            name: calendar.last_day(received_on, windows.Rule(days, self.unit, first_day_counts=False))
            for name, days in lengths.items()
        }
