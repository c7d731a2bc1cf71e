"""Editions: what was published, frozen as bytes, and the numbers they are published under."""

import dataclasses
import secrets

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from notices.documents.notice import NoticeDocument

from .constraints import who


class EditionManager(models.Manager):
    def freeze(self, notice, *, by, via: str, emergency_reason: str, at) -> "Edition":
        """The next edition of `notice`, with its reference, number and salt. Only PublicityNotice.publish calls this."""
        previous = notice.edition
        document = dataclasses.replace(
            notice.document(),
            reference=notice.reference or ReferenceYear.next_reference(timezone.localdate(at).year),
            edition=previous.number + 1 if previous else 1,
            reason=notice.change_reason,
            salt=secrets.token_hex(16),
        )
        return self.create(
            notice=notice,
            number=document.edition,
            document=document.to_bytes(),
            digest=document.digest,
            title=document.title,
            opens_on=document.window.opens_on,
            closes_on=document.window.closes_on,
            reason=notice.change_reason,
            drafted_at=notice.drafted_at,
            drafted_by=notice.drafted_by,
            published_at=at,
            published_by=by,
            via=via,
            emergency_reason=emergency_reason.strip(),
        )


class Edition(models.Model):
    """A frozen edition: the bytes that the public reads and anyone can hash. Never changed, never deleted."""

    class Via(models.TextChoices):
        REVIEW = "review", "审核发布"
        EMERGENCY = "emergency", "紧急发布"
        COMMAND = "command", "命令行发布"

    notice = models.ForeignKey("notices.PublicityNotice", models.PROTECT, verbose_name="公示", related_name="editions")
    number = models.PositiveSmallIntegerField("版本")
    document = models.BinaryField("内容")
    digest = models.CharField("SHA-256", max_length=64)
    title = models.CharField("标题", max_length=200)
    opens_on = models.DateField("公示开始")
    closes_on = models.DateField("公示结束")
    reason = models.TextField("更正说明", blank=True)
    drafted_at = models.DateTimeField("起草时间")
    drafted_by = who("起草人")
    published_at = models.DateTimeField("发布时间")
    published_by = who("发布人")
    via = models.CharField("发布方式", max_length=10, choices=Via)
    emergency_reason = models.TextField("紧急发布原因", blank=True)

    objects = EditionManager()

    class Meta:
        verbose_name = verbose_name_plural = "版本"
        ordering = ("notice", "number")
        indexes = [
            models.Index(fields=["closes_on", "opens_on"], name="notices_edition_window"),  # the state filter
        ]
        constraints = [
            models.UniqueConstraint(fields=("notice", "number"), name="notices_edition_number_once"),
            models.CheckConstraint(
                condition=Q(via="command")
                | (Q(via="review") & ~Q(published_by=F("drafted_by")))
                | (Q(via="emergency") & ~Q(emergency_reason="")),
                name="notices_edition_four_eyes",
                violation_error_message="起草人不能发布自己的公示；紧急发布要写明原因。",
            ),
            models.CheckConstraint(
                condition=Q(number=1) | ~Q(reason=""),
                name="notices_edition_change_explained",
                violation_error_message="更正要向公众说明原因。",
            ),
            models.CheckConstraint(condition=Q(closes_on__gte=F("opens_on")), name="notices_edition_window_order"),
        ]

    def __str__(self) -> str:
        return f"{self.title} 第 {self.number} 版"

    def read(self) -> NoticeDocument:
        """The document that was published."""
        return NoticeDocument.from_bytes(bytes(self.document))


class ReferenceYear(models.Model):
    """The last reference number of a year. One row a year, so publishers take their numbers one after the other."""

    year = models.PositiveSmallIntegerField("年份", unique=True)
    last = models.PositiveIntegerField("最后编号", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "公示编号"

    def __str__(self) -> str:
        return f"{self.year}-{self.last:04d}"

    @classmethod
    def next_reference(cls, year: int) -> str:
        """The next YYYY-NNNN. Call inside the publishing transaction: a rollback gives the number back."""
        cls.objects.get_or_create(year=year)
        cls.objects.filter(year=year).update(last=F("last") + 1)
        return str(cls.objects.get(year=year))
