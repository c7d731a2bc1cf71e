"""The sections of a notice's working copy."""

from django.db import models
from django.db.models import Q

from notices.documents import reading
from notices.documents.notice import SECTION_KINDS, Section


class NoticeSection(models.Model):
    """One section of the working copy, typed as it will be printed."""

    notice = models.ForeignKey("notices.PublicityNotice", models.CASCADE, verbose_name="公示", related_name="sections")
    ordinal = models.PositiveSmallIntegerField("顺序")
    kind = models.CharField("类别", max_length=12, choices=list(SECTION_KINDS.items()), default="other")
    heading = models.CharField("标题", max_length=200, blank=True, help_text="照印，包括编号，例如：二、整改措施。")
    body = models.TextField(
        "内容",
        blank=True,
        help_text="每段一行。以（一）、1. 或一是开头的行会成为条目，措施与进展的同号条目会并排显示。",
    )

    class Meta:
        verbose_name = verbose_name_plural = "公示内容"
        ordering = ("notice", "ordinal")
        constraints = [
            models.UniqueConstraint(
                fields=("notice", "ordinal"),
                name="notices_section_ordinal_once",
                violation_error_message="两个部分的顺序相同，请改其中一个。",
            ),
            models.CheckConstraint(
                condition=~Q(heading="", body=""),
                name="notices_section_says_something",
                violation_error_message="标题和内容不能都是空的。",
            ),
        ]

    def __str__(self) -> str:
        return self.heading or self.body[:30]

    def as_printed(self) -> Section:
        paragraphs, items = reading.split_body(self.body)
        return Section(kind=self.kind, heading=self.heading, paragraphs=tuple(paragraphs), items=tuple(items))
