"""Mail about an objection: to the office, and to the objector who left an address."""

import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models
from django.template.loader import render_to_string
from django.utils import timezone

from notices.encryption import Unreadable, UnreadableField
from notices.models import Checkpoint, Outgoing
from notices.models.outgoing import OutgoingQuerySet
from objections import receipts
from objections.sealing import OfObjection, SealedTextField


class OutgoingMailManager(models.Manager.from_queryset(OutgoingQuerySet)):
    def begin(self, objection, token: str, *, at: datetime.datetime) -> None:
        """One row for each mailbox of the receiving office, and one for the objector who left an address."""
        self.queue_to_office(objection, OutgoingMail.Kind.OFFICE, at=at)
        if objection.email:
            self.queue(objection.email, at, objection=objection, kind=OutgoingMail.Kind.RECEIPT, token=token)

    def queue_to_office(self, objection, kind: str, *, at: datetime.datetime) -> None:
        for mailbox in objection.mailboxes():
            self.queue(mailbox, at, objection=objection, kind=kind)

    def queue_reply(self, objection, *, at: datetime.datetime) -> None:
        if objection.email:
            self.queue(objection.email, at, objection=objection, kind=OutgoingMail.Kind.REPLY)


class OutgoingMail(OfObjection, Outgoing):
    """A mail about one objection.

    The form token, from which the receipt code follows, is kept encrypted until the mail is out and erased afterwards.
    """

    class Kind(models.TextChoices):
        OFFICE = "office", "通知受理部门"
        RECEIPT = "receipt", "回执"
        REPLY = "reply", "答复"
        REMINDER = "reminder", "催办"

    objection = models.ForeignKey("objections.Objection", models.CASCADE, verbose_name="异议", related_name="mails")
    kind = models.CharField("类别", max_length=10, choices=Kind)
    recipient = SealedTextField("收件人")
    token = SealedTextField(blank=True, editable=False)

    objects = OutgoingMailManager()
    needs = ("objection__notice__edition__receiving_office",)

    class Meta(Outgoing.Meta):
        verbose_name = verbose_name_plural = "待发邮件"

    def __str__(self) -> str:
        return f"{self.objection.number} {self.get_kind_display()}"

    def compose(self, connection=None) -> EmailMessage:
        if isinstance(self.token, Unreadable):
            raise UnreadableField(f"mail {self.pk}")
        subject = SUBJECTS[self.kind].format(number=self.objection.number)
        return self.message(subject, render_to_string(f"mail/{self.kind}.txt", self._context()), connection)

    def _context(self) -> dict:
        return {
            "objection": self.objection,
            "notice": self.objection.notice,
            "overdue": self.objection.is_overdue(timezone.localdate()),
            "code": receipts.code_for(self.token) if self.token else "",
            "checkpoint": Checkpoint.objects.newest(),
            "site_name": settings.SITE_NAME,
            "site_url": settings.SITE_URL,
        }

    def correct(self, *, by, recipient: str, at: datetime.datetime | None = None) -> None:
        super().correct(by=by, recipient=self.objection.seal(recipient), at=at)

    def delivered(self, at: datetime.datetime) -> None:
        """Erase the token; the first mail that reaches the office is part of the story."""
        OutgoingMail.objects.filter(pk=self.pk).update(token="")
        told = {"kind": "delivered"}
        if self.kind == self.Kind.OFFICE and not self.objection.events.filter(**told).exists():
            self.objection.events.create(**told, at=at)

    def tried_again(self, kind: str, *, by, at: datetime.datetime, text: str) -> None:
        """What the objector said stays as it was said; the story tells where the mail went."""
        self.objection.events.create(kind=kind, at=at, by=by, text=text)


SUBJECTS = {
    OutgoingMail.Kind.OFFICE: "收到异议 {number}",
    OutgoingMail.Kind.RECEIPT: "异议已收到 {number}",
    OutgoingMail.Kind.REPLY: "异议答复 {number}",
    OutgoingMail.Kind.REMINDER: "请办理异议 {number}",
}
