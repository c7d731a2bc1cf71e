"""Mail that is to go out: stored with what it tells of, sent by the worker."""

import datetime
from email.utils import make_msgid
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from notices.models import NotAllowed
from objections.sealing import OfObjection, SealedTextField


class OutgoingMailManager(models.Manager):
    def queue(self, objection, token: str, *, at: datetime.datetime) -> None:
        """One row for each mailbox of the receiving office, and one for the objector who left an address."""
        self.queue_to_office(objection, OutgoingMail.Kind.OFFICE, at=at)
        if objection.email:
            self._add(objection, OutgoingMail.Kind.RECEIPT, objection.email, at, token)

    def queue_to_office(self, objection, kind: str, *, at: datetime.datetime) -> None:
        for mailbox in objection.mailboxes():
            self._add(objection, kind, mailbox, at)

    def queue_reply(self, objection, *, at: datetime.datetime) -> None:
        if objection.email:
            self._add(objection, OutgoingMail.Kind.REPLY, objection.email, at)

    def _add(self, objection, kind: str, recipient: str, at, token: str = "") -> None:
        self.create(
            objection=objection,
            kind=kind,
            recipient=recipient,
            token=token,
            message_id=make_msgid(domain=urlsplit(settings.SITE_URL).hostname),
            created_at=at,
            due_at=at,
        )

    def due(self, now: datetime.datetime):
        """What can be sent now, oldest first: not sent, its time has come, held by no living worker."""
        free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
        return self.filter(free, sent_at__isnull=True, due_at__lte=now).order_by("due_at", "id")


class OutgoingMail(OfObjection, models.Model):
    """One mail to one recipient, stored with what it tells of and sent by the worker until it is delivered.

    The body is rendered when it is sent; the form token, from which the receipt code follows, is kept
    encrypted until then and erased afterwards.
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
    message_id = models.CharField("Message-ID", max_length=200, unique=True)
    created_at = models.DateTimeField("生成时间")
    due_at = models.DateTimeField("下次发送时间")
    leased_until = models.DateTimeField("发送占用到", null=True, blank=True)
    attempts = models.PositiveIntegerField("已试次数", default=0)
    last_error = models.TextField("最近一次错误", blank=True)
    refused_at = models.DateTimeField("退信时间", null=True, blank=True)
    sent_at = models.DateTimeField("发出时间", null=True, blank=True)

    objects = OutgoingMailManager()

    class Meta:
        verbose_name = verbose_name_plural = "待发邮件"
        ordering = ("due_at", "id")
        indexes = [
            # What the worker asks every second.
            models.Index(fields=["due_at", "id"], condition=Q(sent_at__isnull=True), name="objections_mail_due"),
        ]

    def __str__(self) -> str:
        return f"{self.objection.number} {self.get_kind_display()}"

    @property
    def is_undeliverable(self) -> bool:
        """The recipient's server refused it for good; it is tried only now and then until staff look at it."""
        return bool(self.refused_at and not self.sent_at)

    def correct(self, *, by, recipient: str, at: datetime.datetime | None = None) -> None:
        """Send it to the right address. What the objector said stays as it was said."""
        self._try_again("readdressed", by=by, at=at, recipient=self.objection.seal(recipient))

    def retry(self, *, by, at: datetime.datetime | None = None) -> None:
        """Send it again to the same address, which is right."""
        self._try_again("retried", by=by, at=at)

    @transaction.atomic
    def _try_again(self, kind: str, *, by, at, **changes) -> None:
        at = at or timezone.now()
        fresh = {"due_at": at, "attempts": 0, "refused_at": None, "last_error": ""}
        if not OutgoingMail.objects.filter(pk=self.pk, sent_at=None).update(**fresh, **changes):
            raise NotAllowed("这封邮件已经发出。")
        self.objection.events.create(kind=kind, at=at, by=by, text=changes.get("recipient", self.recipient))
        self.refresh_from_db()
