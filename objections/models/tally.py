"""How many objections a notice received, as the publication log says it."""

from django.db import models

from notices.models import PublicityNotice


class Tally(models.Model):
    """How many objections a notice had received, as its line in the publication log says."""

    notice = models.ForeignKey(PublicityNotice, models.PROTECT, verbose_name="公示", related_name="tallies")
    sequence = models.PositiveBigIntegerField("日志序号", unique=True)
    tallied_at = models.DateTimeField("计数时间")
    received = models.PositiveIntegerField("收到")
    late = models.PositiveIntegerField("其中逾期")
    salt = models.CharField(max_length=32)

    class Meta:
        verbose_name = verbose_name_plural = "异议计数"
        ordering = ("notice", "sequence")

    def __str__(self) -> str:
        return f"{self.notice.reference} 收到 {self.received} 条"
