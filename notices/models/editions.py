"""Editions: what was published, frozen as bytes, and the numbers they are published under."""

import dataclasses
import datetime
import functools
import secrets

from django.contrib.admin.models import LogEntry as StaffAct
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from notices import transparency
from notices.documents.notice import NoticeDocument
from notices.documents.numerals import chinese_date
from notices.documents.rendering import Mark

from . import evidence
from .constraints import NotAllowed, pair, who
from .log import ACTS, Checkpoint, LogEntry
from .organisations import ReceivingOffice
from .rectification import RectificationTask

# What stands where the title of an erased edition stood.
REDACTED = "（已依法遮盖）"


# The same bytes are the same document, which nobody can change: a form that everybody opens is not read each time.
_read = functools.lru_cache(32)(NoticeDocument.from_bytes)


class EditionQuerySet(models.QuerySet):
    def visible(self, now: datetime.datetime | None = None):
        """The editions that anyone may read at `now`: under a checkpoint, past the time they were scheduled for, and
        not newer than the one that their notice shows."""
        signed = self.filter(sequence__lt=Checkpoint.objects.size(), number__lte=F("notice__edition__number"))
        return signed.filter(public_from__lte=now or timezone.now())


class EditionManager(models.Manager.from_queryset(EditionQuerySet)):
    def freeze(self, notice, *, act: str, by, via: str, emergency_reason: str, public_from, warnings, at) -> "Edition":
        """The next edition of `notice` and its line in the log; only PublicityNotice.publish calls this."""
        previous = notice.newest_edition()
        public_from = public_from or (previous and previous.still_unseen(at))
        files = notice.files()
        document = self._numbered(notice, previous, files, at)
        stated = {
            "reason": notice.change_reason or emergency_reason,
            "via": "" if via == Edition.Via.REVIEW else via,
            "public_from": transparency.stamp(public_from) if public_from else "",
        }
        entry = LogEntry.objects.append(
            act, at=at, reference=document.reference, edition=document.edition, digest=document.digest, **stated
        )
        edition = self.create(
            notice=notice,
            act=act,
            receiving_office=notice.receiving_office,
            number=document.edition,
            document=document.to_bytes(),
            digest=document.digest,
            sequence=entry.sequence,
            title=document.title,
            opens_on=document.window.opens_on,
            closes_on=document.window.closes_on,
            reason=notice.change_reason,
            drafted_at=notice.drafted_at,
            drafted_by=notice.drafted_by,
            secrecy_reviewed_at=notice.secrecy_reviewed_at,
            secrecy_reviewed_by=notice.secrecy_reviewed_by,
            published_at=entry.at,
            published_by=by,
            public_from=public_from or entry.at,
            via=via,
            emergency_reason=emergency_reason,
            warnings=warnings,
        )
        EditionTask.freeze(edition, notice.tasks.all())
        evidence.PublishedFile.freeze(edition, files)
        return edition

    def _numbered(self, notice, previous: "Edition | None", files: list, at: datetime.datetime) -> NoticeDocument:
        """The working copy with what publication gives it."""
        return dataclasses.replace(
            notice.document(),
            attachments=tuple(each.as_printed() for each in files),
            reference=notice.reference or ReferenceYear.next_reference(timezone.localdate(at).year),
            edition=previous.number + 1 if previous else 1,
            reason=notice.change_reason,
            salt=secrets.token_hex(16),
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
    sequence = models.PositiveBigIntegerField("日志序号", unique=True)
    public_from = models.DateTimeField("公开时间", help_text="定时发布的版本到这一刻才公开。")
    act = models.CharField("事项", max_length=12, choices=list(ACTS.items()))
    tasks = models.ManyToManyField(
        RectificationTask, verbose_name="整改任务", through="EditionTask", related_name="editions"
    )
    receiving_office = models.ForeignKey(ReceivingOffice, models.PROTECT, verbose_name="受理部门", related_name="+")
    title = models.CharField("标题", max_length=200)
    opens_on = models.DateField("公示开始")
    closes_on = models.DateField("公示结束")
    reason = models.TextField("更正说明", blank=True)
    drafted_at = models.DateTimeField("起草时间")
    drafted_by = who("起草人")
    secrecy_reviewed_at = models.DateTimeField("保密审查时间", null=True, blank=True)
    secrecy_reviewed_by = who("保密审查人", null=True, blank=True)
    published_at = models.DateTimeField("发布时间")
    published_by = who("发布人")
    via = models.CharField("发布方式", max_length=10, choices=Via)
    emergency_reason = models.TextField("紧急发布原因", blank=True)
    warnings = models.JSONField("发布时确认的提示", default=list, blank=True)

    objects = EditionManager()

    class Meta:
        verbose_name = verbose_name_plural = "版本"
        ordering = ("notice", "number")
        indexes = [
            models.Index(fields=["closes_on", "opens_on"], name="notices_edition_window"),  # the state filter
            models.Index(fields=["opens_on"], name="notices_edition_opens"),  # what opens this week
            models.Index(fields=["via"], name="notices_edition_via"),  # what an emergency brought out
            models.Index(fields=["public_from"], name="notices_edition_public_from"),  # what comes out next
        ]
        constraints = [
            pair("secrecy_reviewed", "保密审查要同时有时间和审查人。"),
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

    @property
    def is_unconfirmed(self) -> bool:
        """Published in an emergency or by the command line, and no second person has confirmed it yet: shown publicly."""
        return self.via != Edition.Via.REVIEW and not hasattr(self, "confirmation")

    @transaction.atomic
    def confirm(self, *, by, at: datetime.datetime | None = None) -> None:
        """A second person stands by an edition that was published without one."""
        if not self.is_unconfirmed:
            raise NotAllowed("这个版本不需要确认，或者已经确认过。")
        if by in (self.drafted_by, self.published_by):
            raise NotAllowed("发布人和起草人不能确认自己发布的版本，请由另一人确认。")
        entry = LogEntry.objects.append(
            "confirm", at=at or timezone.now(), reference=self.notice.reference, edition=self.number
        )
        if Confirmation.objects.filter(edition=self).exists():  # by somebody who was at the log before us
            raise NotAllowed("这个版本不需要确认，或者已经确认过。")
        Confirmation.objects.create(edition=self, confirmed_at=entry.at, confirmed_by=by)

    def still_unseen(self, at: datetime.datetime) -> datetime.datetime | None:
        """When this edition will be public, if that is after `at`: a correction does not bring it out early."""
        return self.public_from if self.public_from > at else None

    @property
    def is_redacted(self) -> bool:
        return not self.document

    @transaction.atomic
    def propose_redaction(self, *, by, ground: str, at: datetime.datetime | None = None) -> "Redaction":
        """Ask for the bytes of an edition to be erased, on a legal ground that will be public.

        What is wrong in the edition that stands is corrected first, or the notice withdrawn: raises NotAllowed.
        """
        if not ground.strip():
            raise NotAllowed("请写明遮盖的法律依据，依据会公开。")
        current = self.notice.edition
        if not self.notice.withdrawn_at and (not current or self.number >= current.number):
            raise NotAllowed("现行版本不能遮盖：请先更正公示再遮盖旧版本，或先撤回公示。")
        if hasattr(self, "redaction"):
            raise NotAllowed("这个版本已经遮盖，或正在等待确认。")
        return Redaction.objects.create(
            edition=self, ground=ground.strip(), proposed_at=at or timezone.now(), proposed_by=by
        )

    def read(self) -> NoticeDocument:
        """The document that was published."""
        return _read(bytes(self.document))

    @property
    def short_code(self) -> str:
        """What a printed copy bears: reference, edition, the beginning of the digest."""
        return f"{self.notice.reference}/{self.number}-{self.digest[:8]}"

    def marks(self) -> tuple[Mark, ...]:
        """What stands above the title of every copy: what became of this edition since, and who has not confirmed it."""
        notice, current, marks = self.notice, self.notice.edition, []
        if notice.withdrawn_at:
            day = chinese_date(timezone.localdate(notice.withdrawn_at))
            withdrawn = f"本公示已于{day}撤回，不再有效。\n撤回原因：{notice.withdrawal_reason}"
            marks.append(Mark("已撤回", withdrawn, void=True))
        if self.number < current.number:
            replaced = f"这是第{self.number}版，已由第{current.number}版替代。\n更正说明：{current.reason}"
            marks.append(Mark("旧版本", replaced, void=True))
        if self.number > 1:
            day = chinese_date(timezone.localdate(self.published_at))
            marks.append(
                Mark(f"已{self.get_act_display()}", f"这是第{self.number}版，{day}发布。\n说明：{self.reason}")
            )
        if self.is_unconfirmed:
            marks.append(Mark("尚未确认", "本版发布后还没有经第二人确认。"))
        return tuple(marks)


class EditionTaskQuerySet(models.QuerySet):
    def told(self, now: datetime.datetime | None = None):
        """What the current editions of public notices tell at `now`: the newest last, withdrawn notices before others."""
        current = self.filter(edition__notice__edition=F("edition"), edition__public_from__lte=now or timezone.now())
        readable = current.filter(edition__redaction__redacted_at__isnull=True)
        standing = F("edition__notice__withdrawn_at").desc(nulls_last=True)
        return readable.order_by(standing, "edition__published_at")


class EditionTask(models.Model):
    """What an edition tells of one of its tasks: frozen, so that no public page follows the ledger."""

    edition = models.ForeignKey(Edition, models.PROTECT, verbose_name="版本", related_name="told")
    task = models.ForeignKey(RectificationTask, models.PROTECT, verbose_name="整改任务", related_name="told")
    label = models.CharField("序号", max_length=60)
    title = models.CharField("简称", max_length=200, blank=True)
    deadline_text = models.CharField("整改时限", max_length=200, blank=True)
    deadline_on = models.DateField("时限日期", null=True, blank=True)
    responsible_units = models.CharField("责任单位", max_length=500, blank=True)

    objects = EditionTaskQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "版本中的任务"
        ordering = ("edition", "id")
        constraints = [models.UniqueConstraint(fields=("edition", "task"), name="notices_editiontask_once")]

    def __str__(self) -> str:
        return self.label

    @classmethod
    def freeze(cls, edition: Edition, tasks) -> None:
        """What the ledger says of these tasks now, kept with `edition`."""
        facts = ("label", "title", "deadline_text", "deadline_on", "responsible_units")
        cls.objects.bulk_create(
            cls(edition=edition, task=task, **{fact: getattr(task, fact) for fact in facts}) for task in tasks
        )


class Confirmation(models.Model):
    """A second person confirmed an edition that was published in an emergency or by the command line."""

    edition = models.OneToOneField(Edition, models.PROTECT, verbose_name="版本")
    confirmed_at = models.DateTimeField("确认时间")
    confirmed_by = who("确认人")

    class Meta:
        verbose_name = verbose_name_plural = "确认"

    def __str__(self) -> str:
        return f"{self.edition} 已确认"


class Redaction(models.Model):
    """Bytes of a superseded edition were erased by law: two people, the ground public; digest and number stay."""

    edition = models.OneToOneField(Edition, models.PROTECT, verbose_name="版本")
    ground = models.TextField("法律依据", help_text="会公开；不要写出被遮盖的内容。")
    proposed_at = models.DateTimeField("提议时间")
    proposed_by = who("提议人")
    redacted_at = models.DateTimeField("遮盖时间", null=True, blank=True)
    redacted_by = who("遮盖人", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "遮盖"
        constraints = [
            pair("redacted", "遮盖要同时有时间和办理人。"),
            models.CheckConstraint(
                condition=Q(redacted_at__isnull=True) | ~Q(redacted_by=F("proposed_by")),
                name="notices_redaction_by_two",
                violation_error_message="遮盖要由一人提议、另一人确认。",
            ),
            models.CheckConstraint(
                condition=~Q(ground=""), name="notices_redaction_ground", violation_error_message="遮盖要写明法律依据。"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.edition} 遮盖"

    @transaction.atomic
    def carry_out(self, *, by, at: datetime.datetime | None = None) -> None:
        """Erase the bytes, the title and the files. The digest stays, so the log still verifies and the gap is plain to see."""
        if by == self.proposed_by:
            raise NotAllowed("提议遮盖的人不能自己确认，请由另一人确认。")
        edition = self.edition
        entry = LogEntry.objects.append(
            "redact",
            at=at or timezone.now(),
            reference=edition.notice.reference,
            edition=edition.number,
            digest=edition.digest,
            reason=self.ground,
        )
        untouched = Redaction.objects.filter(pk=self.pk, redacted_at__isnull=True)
        if not untouched.update(redacted_at=entry.at, redacted_by=by):
            raise NotAllowed("这个版本已经遮盖。")
        Edition.objects.filter(pk=edition.pk).update(document=b"", title=REDACTED)
        evidence.erase(edition)
        self._erase_from_staff_history()
        self.refresh_from_db()

    def _erase_from_staff_history(self) -> None:
        """The admin's own history repeats titles and, for saved forms, beginnings of sections; who and when stay."""
        notice = {"content_type__app_label": "notices", "content_type__model": "publicitynotice"}
        history = StaffAct.objects.filter(**notice, object_id=str(self.edition.notice_id))
        history.update(object_repr=REDACTED)
        history.filter(change_message__startswith="[").update(change_message="")  # the names of acts have no brackets


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
        cls.skip(year, 1)
        return str(cls.objects.get(year=year))

    @classmethod
    def skip(cls, year: int, count: int) -> None:
        """Pass over the next `count` numbers of a year: they may have been given already, by rows that are lost."""
        cls.objects.get_or_create(year=year)
        cls.objects.filter(year=year).update(last=F("last") + count)

    @classmethod
    def take_note(cls, reference: str) -> None:
        """Give no number up to this one again."""
        year, number = map(int, reference.split("-"))
        cls.objects.get_or_create(year=year)
        cls.objects.filter(year=year, last__lt=number).update(last=number)
