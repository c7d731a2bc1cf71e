"""What the office does beside the steps of the case: assign, note, reopen, give a lost code anew."""

import datetime
import secrets

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from notices.models import NotAllowed
from notices.models.constraints import who
from objections import receipts
from objections.sealing import OfObjection, SealedTextField

from . import routing
from .outgoing import OutgoingMail
from .terms import HandlingTerms


def needs(text: str, refusal: str) -> str:
    """`text` without blanks around it; NotAllowed when nothing is left."""
    if not text.strip():
        raise NotAllowed(refusal)
    return text.strip()


class HandlingActs:
    """Verbs of Objection that move no case forward. All raise NotAllowed when they do not fit the facts."""

    @transaction.atomic
    def _record(self, kind: str, facts: Q, refusal: str, *, by, at, text: str = "", **changes) -> None:
        """Guarded update with its event: only while `facts` hold; otherwise NotAllowed with `refusal`."""
        rows = type(self).objects.filter(facts, pk=self.pk, purged_at=None)
        if not (rows.update(**changes) if changes else rows.exists()):
            raise NotAllowed(refusal)
        self.events.create(kind=kind, at=at, by=by, text=text)
        self.refresh_from_db()

    def assign(self, *, by, to, at: datetime.datetime | None = None) -> None:
        """Make one person answerable for the case, in place of whoever was before."""
        may = to.is_active and to.has_perm("objections.handle_objection")
        if not (may and type(self).objects.own(to).filter(pk=self.pk).exists()):
            raise NotAllowed("这位同事没有办理异议的权限，或者不在办理这条异议的单位。")
        at = at or timezone.now()
        facts = {"assigned_to": to, "assigned_at": at, "assigned_by": by}
        text = to.get_full_name() or to.username
        self._record("assigned", Q(done_at=None), "这条异议已经办结。", by=by, at=at, text=text, **facts)

    @transaction.atomic
    def forward(self, *, by, reason: str, at: datetime.datetime | None = None) -> None:
        """Hand a case that is about the receiving office itself to the organisation above it, which is told by mail."""
        reason, at = needs(reason, "请写明转送的原因，例如异议针对受理部门本身。"), at or timezone.now()
        above = routing.above(self.notice)
        if not above:
            raise NotAllowed("受理部门没有能收到邮件的上级单位：请先登记上级单位和它的异议送达邮箱，再转送。")
        moved = {"routed_to": above, "assigned_to": None, "assigned_at": None, "assigned_by": None}
        open_here = Q(routed_to=None, done_at=None)
        refusal = "这条异议已经转送上级单位，或已经办结。"
        self._record("routed", open_here, refusal, by=by, at=at, text=above.name, **moved)
        self.note(by=by, text=f"转送上级单位的原因：{reason}", at=at)
        OutgoingMail.objects.queue_to_office(self, OutgoingMail.Kind.OFFICE, at=at)

    def reopen(self, *, by, reason: str, at: datetime.datetime | None = None) -> None:
        """Take up a done case again, with a new date for the next step. What was found and said stays in its events."""
        reason, at = needs(reason, "请写明重新办理的原因。"), at or timezone.now()
        terms = HandlingTerms.of(self.notice.edition.receiving_office)
        self._record(
            "reopened",
            Q(done_at__isnull=False),
            "只有已办结、个人信息还没有删除的异议可以重新办理。",
            by=by,
            at=at,
            text=reason,
            **dict.fromkeys(f"{fact}_{half}" for fact in REOPENED for half in ("at", "by")),
            **dict.fromkeys(("decline_reason", "finding", "reply"), ""),
            **terms.dates(timezone.localdate(at)),
        )

    def note(self, *, by, text: str, at: datetime.datetime | None = None) -> "Note":
        """Write down something for colleagues; the objector never sees it."""
        if self.purged_at:
            raise NotAllowed("个人信息已按期删除，不能再记备注。")
        return self.notes.create(by=by, at=at or timezone.now(), text=needs(text, "请填写备注内容。"))

    @transaction.atomic
    def reissue_code(self, *, by, checked: str, at: datetime.datetime | None = None) -> str:
        """A new receipt code for whoever lost theirs; `checked` says how it was made sure who asks. The old one ends.

        Mail that still waits to carry the code carries the new one.
        """
        checked = needs(checked, "请写明怎样核实了对方就是异议人，例如回拨登记的电话。")
        token = secrets.token_urlsafe(24)
        code = receipts.code_for(token)
        digest = {"reissued_digest": receipts.digest(code)}
        self._record(
            "reissued",
            Q(purged_at=None),
            "个人信息已按期删除，不能再补发。",
            by=by,
            at=at or timezone.now(),
            text=checked,
            **digest,
        )
        self.mails.filter(sent_at__isnull=True).exclude(token="").update(token=self.seal(token))
        return code

    def see(self, *, by, at: datetime.datetime | None = None) -> None:
        """Somebody of the office opened the case for the first time."""
        type(self).objects.filter(pk=self.pk, seen_at=None).update(seen_at=at or timezone.now(), seen_by=by)


REOPENED = ("declined", "verified", "replied", "done")


class Note(OfObjection, models.Model):
    """A remark among colleagues. The objector never sees it."""

    objection = models.ForeignKey("objections.Objection", models.CASCADE, verbose_name="异议", related_name="notes")
    at = models.DateTimeField("时间")
    by = who("记录人")
    text = SealedTextField("备注")

    class Meta:
        verbose_name = verbose_name_plural = "内部备注"
        ordering = ("objection", "at", "id")

    def __str__(self) -> str:
        return f"{timezone.localtime(self.at):%Y-%m-%d %H:%M} 内部备注"


class Reminder(models.Model):
    """The office was reminded of a date: once before it and once after it, never twice for the same date."""

    class Threshold(models.TextChoices):
        NEAR = "near", "临期"
        PAST = "past", "逾期"

    objection = models.ForeignKey("objections.Objection", models.CASCADE, verbose_name="异议", related_name="reminders")
    due_on = models.DateField("期限")
    threshold = models.CharField("提醒", max_length=4, choices=Threshold)
    at = models.DateTimeField("时间")

    class Meta:
        verbose_name = verbose_name_plural = "催办"
        ordering = ("objection", "at")
        constraints = [
            models.UniqueConstraint(
                fields=("objection", "due_on", "threshold"),
                name="objections_reminder_once",
                violation_error_message="这个期限已经提醒过。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.due_on:%Y-%m-%d} {self.get_threshold_display()}"
