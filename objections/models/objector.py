"""What the objector does once the objection is in: add material, withdraw, ask for erasure."""

import datetime
from collections.abc import Sequence

from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notices.attachments import Checked
from notices.models import NotAllowed
from objections.sealing import OfObjection, SealedTextField

from .attachment import Attachment
from .outgoing import OutgoingMail
from .queue import Status
from .receiving import AlreadyReceived, canonical, content_digest, sha256
from .terms import HandlingTerms

MAX_SUPPLEMENTS = 10  # of one objection: with the limits of each, what one receipt code can fill the disk with
ENDED = _("这条异议已经办结或撤回。")
FULL = _("已经补充了 %(most)s 次，网上不能再补充。请直接联系受理部门。")


class ObjectorActs:
    """Verbs of Objection for whoever holds its receipt code. `by` is the clerk who wrote it down, where one did."""

    def add_material(
        self, *, token: str, text: str, attachments: Sequence[Checked] = (), at: datetime.datetime | None = None
    ) -> "Supplement":
        """Store what is said in addition, its files first, and tell the office. Raises AlreadyReceived, NotAllowed.

        `token` is the form's own: a second post of it adds nothing.
        """
        at = at or timezone.now()
        row = Supplement(
            objection=self,
            at=at,
            text=text,
            token_digest=sha256(token),
            content_digest=content_digest({"text": text}, attachments),
        )
        row.raise_if_added()
        try:
            with Attachment.objects.written(attachments, at) as files, transaction.atomic():
                self._add(row, files)
        except IntegrityError:
            row.raise_if_added()
            raise
        return row

    def _add(self, row: "Supplement", files: list[Attachment]) -> None:
        if self.supplements.count() >= MAX_SUPPLEMENTS:
            raise NotAllowed(FULL % {"most": MAX_SUPPLEMENTS})
        self._record("supplemented", OPEN, ENDED, by=None, at=row.at)
        row.save(force_insert=True)
        for file in files:
            file.supplement = row
        self.attachments.add(*files, bulk=False)
        OutgoingMail.objects.queue_to_office(self, OutgoingMail.Kind.SUPPLEMENT, at=row.at)

    @transaction.atomic
    def withdraw(self, *, by=None, reason: str = "", at: datetime.datetime | None = None) -> None:
        """Take the objection back, until it is done. It stays counted, as withdrawn; what was found stays found."""
        at = at or timezone.now()
        self._record("withdrawn", OPEN, ENDED, by=by, at=at, text=reason.strip(), withdrawn_at=at)
        OutgoingMail.objects.queue_to_office(self, OutgoingMail.Kind.WITHDRAWAL, at=at)

    @transaction.atomic
    def request_erasure(self, *, by=None, at: datetime.datetime | None = None) -> None:
        """Ask that what tells of the person be erased; the office sees to it by `erase_by`."""
        at = at or timezone.now()
        asked = {"erasure_asked_at": at}
        self._record("erasure", Q(erasure_asked_at=None), _("已经申请过删除个人信息。"), by=by, at=at, **asked)
        OutgoingMail.objects.queue_to_office(self, OutgoingMail.Kind.ERASURE, at=at)

    def hand_out(self, *, at: datetime.datetime | None = None) -> None:
        """Write into the story that everything held about the objection was downloaded with its code."""
        self._record("exported", Q(), _("个人信息已经删除，没有可以下载的内容。"), by=None, at=at or timezone.now())

    @property
    def is_open(self) -> bool:
        """Neither done nor withdrawn: what its objector may still add to or take back."""
        return not (self.done_at or self.withdrawn_at)

    def steps_ahead(self) -> list[tuple[str, datetime.date]]:
        """What the office still has to do, each with the last day for it."""
        return [(step, getattr(self, by)) for status, step, by in STEPS_AHEAD if self.status == status]

    def first_files(self):
        """The files that came with the objection itself."""
        return self.attachments.filter(supplement=None)

    @property
    def erase_by(self) -> datetime.date | None:
        """Until when the office is to answer the request for erasure."""
        if not self.erasure_asked_at:
            return None
        terms = HandlingTerms.of(self.notice.edition.receiving_office)
        return terms.last_day(timezone.localdate(self.erasure_asked_at), terms.erase_within)


STEPS_AHEAD = (
    (Status.RECEIVED, "决定是否受理", "decide_by"),
    (Status.RECEIVED, "核查并答复", "reply_by"),
    (Status.ACCEPTED, "核查并答复", "reply_by"),
    (Status.VERIFIED, "答复", "reply_by"),
)
OPEN = Q(done_at=None, withdrawn_at=None)


class Supplement(OfObjection, models.Model):
    """What the objector said later, with files or without; it has a digest of its own and changes nothing said before."""

    objection = models.ForeignKey(
        "objections.Objection", models.CASCADE, verbose_name="异议", related_name="supplements"
    )
    at = models.DateTimeField("收到时间")
    text = SealedTextField("补充内容", blank=True)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    content_digest = models.CharField("内容摘要", max_length=64, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "补充材料"
        ordering = ("objection", "at", "id")

    def __str__(self) -> str:
        return f"{timezone.localtime(self.at):%Y-%m-%d %H:%M} 补充材料"

    def raise_if_added(self) -> None:
        """Raises AlreadyReceived when a form with this token has been stored before."""
        earlier = Supplement.objects.filter(token_digest=self.token_digest).first()
        if earlier:
            raise AlreadyReceived(earlier.objection, earlier.content_digest == self.content_digest) from None

    def said(self) -> bytes:
        """The bytes whose SHA-256 is `content_digest`."""
        return canonical({"text": self.text}, self.attachments.order_by("id"))
