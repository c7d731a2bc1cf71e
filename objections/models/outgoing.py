"""Mail about an objection: to the office, and to the objector who left an address."""

import contextlib
import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models
from django.template.loader import render_to_string
from django.utils import timezone

from notices import pictures
from notices.attachments import MEDIA_TYPES, MEGABYTE
from notices.encryption import Unreadable, UnreadableField
from notices.models import Checkpoint, Outgoing, ReceivingOffice
from notices.models.outgoing import OutgoingQuerySet
from objections import receipts, vault
from objections.masking import masked_email
from objections.sealing import OfObjection, SealedTextField, impersonal

MOST_ATTACHED = 5 * MEGABYTE  # in one mail: more is refused by many servers


class OutgoingMailQuerySet(OutgoingQuerySet):
    def within(self, organisations):
        return self.filter(
            objection__in=self.model._meta.get_field("objection").related_model.objects.within(organisations)
        )


class OutgoingMailManager(models.Manager.from_queryset(OutgoingMailQuerySet)):
    def first_of(self, objection, token: str, *, at: datetime.datetime) -> list["OutgoingMail"]:
        """One for each mailbox of the receiving office, and one for the objector who left an address; not stored yet."""
        mails = self._to_office(objection, OutgoingMail.Kind.OFFICE, at)
        if objection.email:
            receipt = {"objection": objection, "kind": OutgoingMail.Kind.RECEIPT, "token": token}
            mails.append(self.addressed(objection.email, at, **receipt))
        return mails

    def queue_to_office(self, objection, kind: str, *, at: datetime.datetime) -> None:
        self.bulk_create(self._to_office(objection, kind, at))

    def _to_office(self, objection, kind: str, at: datetime.datetime) -> list["OutgoingMail"]:
        boxes = objection.mailboxes().items()
        return [self.addressed(box, at, objection=objection, kind=kind, office=office) for box, office in boxes]

    def queue_reply(self, objection, *, at: datetime.datetime) -> None:
        if objection.email:
            self.queue(objection.email, at, objection=objection, kind=OutgoingMail.Kind.REPLY)


class OutgoingMail(OfObjection, Outgoing):
    """A mail about one objection.

    The form token, from which the receipt code follows, is kept encrypted until the mail is out and erased afterwards.
    """

    belongs_to = "objection__organisation"

    class Kind(models.TextChoices):
        OFFICE = "office", "通知受理部门"
        RECEIPT = "receipt", "回执"
        REPLY = "reply", "答复"
        REMINDER = "reminder", "催办"
        SUPPLEMENT = "supplement", "异议人补充材料"
        WITHDRAWAL = "withdrawal", "异议人撤回"
        ERASURE = "erasure", "异议人申请删除"

    objection = models.ForeignKey("objections.Objection", models.CASCADE, verbose_name="异议", related_name="mails")
    kind = models.CharField("类别", max_length=10, choices=Kind)
    office = models.ForeignKey(
        ReceivingOffice,
        models.SET_NULL,
        verbose_name="受理部门",
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    recipient = SealedTextField("收件人")
    token = SealedTextField(blank=True, editable=False)

    objects = OutgoingMailManager()
    needs = ("objection__notice__edition", "office")
    mended_with = "objections.handle_objection"
    spares = ("objection__notice__edition__document", *impersonal("objection__"))

    class Meta(Outgoing.Meta):
        verbose_name = verbose_name_plural = "待发邮件"

    def __str__(self) -> str:
        return f"{self.objection.number} {self.get_kind_display()}"

    def compose(self, connection=None) -> EmailMessage:
        if isinstance(self.token, Unreadable):
            raise UnreadableField(f"mail {self.pk}")
        subject = SUBJECTS[self.kind].format(number=self.objection.number)
        files, left_out = attached(self.objection) if self.is_full else ([], 0)
        context = self._context() | {"full": self.is_full, "attached": len(files), "left_out": left_out}
        message = self.message(subject, render_to_string(f"mail/{self.kind}.txt", context), connection)
        for file in files:
            message.attach(*file)
        return message

    @property
    def is_full(self) -> bool:
        """What was said goes to an office that has it so, with its files; who said it never does."""
        return bool(self.kind == self.Kind.OFFICE and self.office and self.office.mails_in_full)

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
        self.refresh_from_db(fields=["recipient"])
        self.objection.events.create(kind=kind, at=at, by=by, text=masked_email(self.recipient))


def attached(objection) -> tuple[list[tuple[str, bytes, str]], int]:
    """The files of an objection that go with its mail, as name, content and type, and how many do not: what is too
    large for a mail, or cannot be read. Pictures go without their place."""
    files, size = [], 0
    rows = list(objection.attachments.all())
    for row in rows:
        if size + row.size <= MOST_ATTACHED:
            with contextlib.suppress(vault.Unavailable, pictures.Unreadable):
                files.append((row.name, row.bare(), MEDIA_TYPES[row.kind]))
                size += row.size
    return files, len(rows) - len(files)


SUBJECTS = {
    OutgoingMail.Kind.OFFICE: "收到异议 {number}",
    OutgoingMail.Kind.RECEIPT: "异议已收到 {number}",
    OutgoingMail.Kind.REPLY: "异议答复 {number}",
    OutgoingMail.Kind.REMINDER: "请办理异议 {number}",
    OutgoingMail.Kind.SUPPLEMENT: "异议 {number} 有补充材料",
    OutgoingMail.Kind.WITHDRAWAL: "异议 {number} 已由异议人撤回",
    OutgoingMail.Kind.ERASURE: "异议 {number} 申请删除个人信息",
}
