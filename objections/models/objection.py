"""What people say about a notice, and what becomes of it."""

import datetime
import re
import unicodedata
from collections.abc import Callable, Sequence

from django.db import IntegrityError, models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from notices import privacy
from notices.attachments import Checked
from notices.committing import committed
from notices.models import Edition, NotAllowed, Organisation, PublicityNotice, ReceivingOffice
from notices.models.constraints import explained, pair, who
from notices.models.inserting import Ready
from objections import receipts
from objections.keyring import ring
from objections.sealing import OfObjection, SealedTextField, seal

from . import routing
from .attachment import Attachment
from .desk import Desk
from .handling import HandlingActs, needs
from .keeping import KeepingActs
from .objector import ObjectorActs
from .outgoing import OutgoingMail
from .queue import FACTS, NEXT_DUE, UNANSWERED, UNDECIDED, ObjectionQuerySet, Status, last_unnoticed_day
from .receiving import AlreadyReceived, canonical, content_digest, sha256

SAID = ("kind", "anonymous", "name", "phone", "email", "concerns", "content")


class ObjectionManager(models.Manager.from_queryset(ObjectionQuerySet)):
    def receive(
        self,
        *,
        edition: Edition,
        token: str,
        said: dict,
        opened_at: datetime.datetime,
        at: datetime.datetime,
        attachments: Sequence[Checked] = (),
        admitted: Callable[[], bool] = lambda: True,
        desk: Desk | None = None,
        **arrival,
    ) -> "Objection | None":
        """Store an objection, its attachments, its first event and its mails in one transaction, the files before it.

        `said` holds the cleaned form fields, `token` is the form's own; `arrival` says how and when it came where
        that was not by the web form. `admitted` is asked in that transaction, so that what it counts costs no commit of
        its own; where it says no, nothing else is stored and None comes back. `desk` is that of the notice, for who has
        it. Raises AlreadyReceived when a form with this token has been stored.
        """
        arrival |= {"opened_at": opened_at, "received_at": at}
        desk = desk or Desk.of(edition.notice)
        objection = self._drawn_up(edition, desk, said, _digests(token, said, attachments), **arrival)
        rows = objection.first_rows(token, at)
        try:
            with Attachment.objects.written(attachments, at) as files:
                if committed(lambda: admitted() and objection.begin(rows, files)):
                    return objection
                Attachment.objects.take_back(files)
        except IntegrityError:
            self._raise_if_received(objection)
            raise
        return None

    def _drawn_up(self, edition: Edition, desk: Desk, said: dict, digests: dict, received_at, **arrival) -> "Objection":
        """An objection with a key of its own, where it goes and its dates; not stored yet."""
        arrival = {"received_on": timezone.localdate(received_at), "privacy_version": privacy.VERSION} | arrival
        return Objection(
            notice=edition.notice,
            edition=edition,
            **said,
            **digests,
            data_key=ring.take(),
            routed_to=desk.routed_to,
            received_at=received_at,
            **arrival,
            **desk.dates(arrival["received_on"]),
        )

    def has_received(self, token: str) -> bool:
        """Whether a form with this token has been stored."""
        return self.filter(token_digest=sha256(token)).exists()

    def _raise_if_received(self, objection: "Objection") -> None:
        """Raises AlreadyReceived when a form with this objection's token has been stored before."""
        earlier = self.filter(token_digest=objection.token_digest).first()
        if earlier:
            raise AlreadyReceived(earlier, earlier.content_digest == objection.content_digest) from None

    def enter(
        self,
        *,
        by,
        notice: PublicityNotice,
        token: str,
        said: dict,
        channel: str,
        received_on: datetime.date,
        postmarked_on: datetime.date | None = None,
        attachments: Sequence[Checked] = (),
        at: datetime.datetime | None = None,
    ) -> "Objection":
        """What came by telephone, letter, visit or e-mail, written down by staff: same mails, code and dates.

        Its dates count from the day it came; `received_at` stays the time of entry, as in the log's tallies.
        """
        at = at or timezone.now()
        arrival = {"channel": channel, "received_on": received_on, "postmarked_on": postmarked_on}
        staff = {"entered_by": by, "privacy_version": "", "seen_at": at, "seen_by": by}
        form = {"edition": notice.edition, "token": token, "said": said, "attachments": attachments}
        return self.receive(**form, opened_at=at, at=at, **arrival, **staff)


def _digests(token: str, said: dict, attachments: Sequence[Checked]) -> dict:
    """By what the same form, the same words and the receipt code are known again."""
    return {
        "token_digest": sha256(token),
        "content_digest": content_digest(said, attachments),
        "likeness": likeness(said["content"]),
        "code_digest": receipts.digest(receipts.code_for(token)),
    }


class Objection(HandlingActs, KeepingActs, ObjectorActs, models.Model):
    """One objection. Who said it is encrypted; what became of it are facts with time and author."""

    belongs_to = "organisation"

    class Channel(models.TextChoices):
        WEB = "web", "网上"
        PHONE = "phone", "电话"
        POST = "post", "来信"
        VISIT = "visit", "来访"
        EMAIL = "email", "电子邮件"

    class Kind(models.TextChoices):
        INDIVIDUAL = "individual", "个人"
        ORGANISATION = "organisation", "单位"

    class Finding(models.TextChoices):
        SUBSTANTIATED = "substantiated", "属实"
        PARTLY = "partly", "部分属实"
        UNSUBSTANTIATED = "unsubstantiated", "不属实"

    notice = models.ForeignKey(
        PublicityNotice, models.PROTECT, verbose_name="公示", related_name="objections", db_index=False
    )
    edition = models.ForeignKey(Edition, models.PROTECT, verbose_name="所见版本", related_name="+", db_index=False)
    channel = models.CharField("渠道", max_length=10, choices=Channel, default=Channel.WEB)
    kind = models.CharField("异议人", max_length=12, choices=Kind, default=Kind.INDIVIDUAL)
    anonymous = models.BooleanField("匿名", default=False)
    name = SealedTextField("姓名或单位名称", blank=True)
    phone = SealedTextField("电话", blank=True)
    email = SealedTextField("电子邮箱", blank=True)
    concerns = models.CharField("针对内容", max_length=40, default="notice")
    content = SealedTextField("异议内容")
    privacy_version = models.CharField("个人信息告知版本", max_length=20, blank=True)
    opened_at = models.DateTimeField("打开表单时间")
    received_at = models.DateTimeField("收到时间")
    received_on = models.DateField("收到日期")
    postmarked_on = models.DateField("邮戳日期", null=True, blank=True)
    entered_by = who("录入人", null=True, blank=True)
    decide_by = models.DateField("决定是否受理的期限")
    reply_by = models.DateField("答复的期限")
    # Until when the next step is due, as `due_on` says; the database itself derives it from the facts.
    next_due = models.GeneratedField(expression=NEXT_DUE, output_field=models.DateField("期限"), db_persist=True)
    routed_to = models.ForeignKey(
        Organisation,
        models.PROTECT,
        verbose_name="转送上级单位",
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )

    data_key = models.CharField(max_length=16, unique=True, editable=False)  # its name in the keyring
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    content_digest = models.CharField("内容摘要", max_length=64, editable=False)
    likeness = models.CharField(max_length=64, editable=False)
    code_digest = models.CharField(max_length=64, unique=True, editable=False)  # stays: tallies were made with it
    reissued_digest = models.CharField(max_length=64, unique=True, null=True, editable=False)

    seen_at = models.DateTimeField("首次查看时间", null=True, blank=True)
    seen_by = who("首次查看人", null=True, blank=True)
    assigned_at = models.DateTimeField("指派时间", null=True, blank=True)
    assigned_by = who("指派人", null=True, blank=True)
    assigned_to = who("承办人", null=True, blank=True)

    accepted_at = models.DateTimeField("受理时间", null=True, blank=True)
    accepted_by = who("受理人", null=True, blank=True)
    declined_at = models.DateTimeField("不予受理时间", null=True, blank=True)
    declined_by = who("不予受理办理人", null=True, blank=True)
    decline_reason = SealedTextField("不予受理原因", blank=True)
    verified_at = models.DateTimeField("核查时间", null=True, blank=True)
    verified_by = who("核查人", null=True, blank=True)
    finding = models.CharField("核查结论", max_length=16, choices=Finding, blank=True)
    replied_at = models.DateTimeField("答复时间", null=True, blank=True)
    replied_by = who("答复人", null=True, blank=True)
    reply = SealedTextField("答复内容", blank=True)
    done_at = models.DateTimeField("办结时间", null=True, blank=True)
    done_by = who("办结人", null=True, blank=True)
    held_at = models.DateTimeField("保留个人信息时间", null=True, blank=True)
    held_by = who("保留个人信息的决定人", null=True, blank=True)
    hold_reason = SealedTextField("保留个人信息的原因", blank=True)
    purged_at = models.DateTimeField("个人信息删除时间", null=True, blank=True)
    withdrawn_at = models.DateTimeField("异议人撤回时间", null=True, blank=True)
    erasure_asked_at = models.DateTimeField("申请删除个人信息时间", null=True, blank=True)

    objects = ObjectionManager()

    class Meta:
        verbose_name = verbose_name_plural = "异议"
        ordering = ("-received_at", "-id")
        permissions = [("handle_objection", "可以办理异议"), ("view_personal_data", "可以查看异议人的联系方式和附件")]
        indexes = [
            models.Index(fields=["-received_at", "-id"], name="objections_newest_first"),
            models.Index(fields=["notice", "received_at"], name="objections_of_a_notice"),
            models.Index(fields=["likeness"], name="objections_alike"),
            models.Index(fields=["next_due", "-received_at", "-id"], name="objections_by_due_date"),  # the queue
            models.Index(
                fields=["routed_to"], condition=Q(routed_to__isnull=False), name="objections_routed"
            ),  # whose case it is
            models.Index(
                fields=["assigned_to"], condition=Q(assigned_to__isnull=False), name="objections_assigned"
            ),  # the queue's filter
            models.Index(fields=["received_on"], name="objections_by_day"),  # the queue's filter by time, statistics
            models.Index(
                fields=["erasure_asked_at"],
                condition=Q(erasure_asked_at__isnull=False),
                name="objections_erasure_asked",  # the queue's filter
            ),
            # What is overdue or due soon: the start page, the queue's filters and the reminders.
            models.Index(fields=["decide_by"], condition=UNDECIDED, name="objections_to_decide"),
            models.Index(fields=["reply_by"], condition=UNANSWERED, name="objections_to_answer"),
        ]
        constraints = [
            pair("seen", "查看要同时有时间和查看人。"),
            pair("assigned", "指派要同时有时间和指派人。"),
            models.CheckConstraint(
                condition=Q(assigned_at__isnull=True, assigned_to__isnull=True)
                | Q(assigned_at__isnull=False, assigned_to__isnull=False),
                name="objections_objection_assigned_to_somebody",
                violation_error_message="指派要写明承办人。",
            ),
            models.CheckConstraint(
                condition=Q(channel="web", entered_by__isnull=True) | (~Q(channel="web") & Q(entered_by__isnull=False)),
                name="objections_objection_entered_by_staff",
                violation_error_message="网上以外的异议要有录入人。",
            ),
            models.CheckConstraint(
                condition=Q(postmarked_on__isnull=True) | Q(channel="post", postmarked_on__lte=F("received_on")),
                name="objections_objection_postmark_of_a_letter",
                violation_error_message="只有来信有邮戳日期，且不晚于收到日期。",
            ),
            pair("accepted", "受理要同时有时间和办理人。"),
            pair("declined", "不予受理要同时有时间和办理人。"),
            pair("verified", "核查要同时有时间和办理人。"),
            pair("replied", "答复要同时有时间和办理人。"),
            pair("done", "办结要同时有时间和办理人。"),
            pair("held", "保留个人信息要同时有时间和决定人。"),
            explained("held", "hold_reason", "保留个人信息要写明原因。"),
            models.CheckConstraint(
                condition=Q(purged_at__isnull=True) | Q(held_at__isnull=True),
                name="objections_objection_purged_was_not_held",
                violation_error_message="保留的个人信息不能删除。",
            ),
            explained("declined", "decline_reason", "不予受理要写明原因。"),
            explained("verified", "finding", "核查要有结论。"),
            explained("replied", "reply", "答复要有内容。"),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(declined_at__isnull=True),
                name="objections_objection_accepted_or_declined",
                violation_error_message="异议不能既受理又不予受理。",
            ),
            models.CheckConstraint(
                condition=Q(verified_at__isnull=True) | Q(accepted_at__isnull=False),
                name="objections_objection_verified_was_accepted",
                violation_error_message="先受理，再核查。",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(done_at__isnull=True),
                name="objections_objection_withdrawn_or_done",
                violation_error_message="撤回的异议不再办结。",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """受理编号: names the objection, opens nothing."""
        return f"YY{timezone.localdate(self.received_at).year}-{self.pk:06d}"

    @property
    def organisation(self) -> Organisation:
        """Whose case it is; ObjectionQuerySet.within says the same."""
        office = self.notice.edition.receiving_office
        return self.routed_to or (office.organisation if office else self.notice.organisation)

    @property
    def is_late(self) -> bool:
        """Came after the close of the window; a letter counts by its postmark."""
        return (self.postmarked_on or self.received_on) > self.notice.edition.closes_on

    @property
    def status(self) -> Status:
        return Status(next((fact for fact in FACTS if getattr(self, f"{fact}_at")), Status.RECEIVED))

    @property
    def due_on(self) -> datetime.date | None:
        """Until when the office is to decide or, once accepted, to reply; None when it has nothing more to do."""
        if self.status == Status.RECEIVED:
            return self.decide_by
        return self.reply_by if self.status in (Status.ACCEPTED, Status.VERIFIED) else None

    def is_overdue(self, today: datetime.date) -> bool:
        """The date of the next step has passed."""
        return bool(self.due_on and self.due_on < today)

    def is_due_within(self, days: int, today: datetime.date) -> bool:
        """The next step is due today or within `days` days."""
        return bool(self.due_on and today <= self.due_on <= today + datetime.timedelta(days=days))

    def is_unnoticed(self, today: datetime.date) -> bool:
        """Neither delivered by mail nor opened by staff within one working day."""
        if self.status != Status.RECEIVED or self.seen_at or self.received_on > last_unnoticed_day(today):
            return False
        return not self.events.filter(kind=Event.Kind.DELIVERED).exists()

    def alike(self) -> models.QuerySet:
        """The other objections to the same notice that say the same: possible duplicates, all of them kept."""
        return (
            self.notice.objections.filter(likeness=self.likeness, routed_to=self.routed_to)
            .exclude(pk=self.pk)
            .order_by("id")
        )

    def seal(self, text: str) -> str:
        """`text` under this objection's key, for an `update()`. Raises NotAllowed once that key is destroyed."""
        if self.purged_at:
            raise NotAllowed("个人信息已按期删除，这条异议不能再办理。")
        return seal(text, self.data_key)

    def first_rows(self, token: str, at: datetime.datetime) -> list[Ready]:
        """Itself, the first lines of its story, and the mails that tell of it: sealed, not stored yet."""
        events = [Event(objection=self, kind=Event.Kind.RECEIVED, at=at, by=self.entered_by)]
        if self.routed_to:
            events.append(Event(objection=self, kind=Event.Kind.ROUTED, at=at, text=self.routed_to.name))
        mails = OutgoingMail.objects.first_of(self, token, at=at)
        return [Ready(rows) for rows in ([self], events, mails) if rows]

    def begin(self, rows: list[Ready], files: list[Attachment]) -> bool:
        """Store its first rows, itself before all others, and those of its files. True."""
        own, *others = rows
        own.insert()
        if files:
            self.attachments.add(*files, bulk=False)
        for each in others:
            each.insert(objection_id=self.pk)
        return True

    def said(self) -> bytes:
        """The bytes whose SHA-256 is `content_digest`: what was said, as it was received."""
        said = {name: getattr(self, name) for name in SAID}
        return canonical(said, self.first_files().order_by("id"))

    def mailboxes(self) -> dict[str, ReceivingOffice]:
        """Where the office, or the supervising organisation in its place, is told of this objection, and whose it is."""
        if self.routed_to:
            return routing.addresses(self.routed_to.receiving_offices.all())
        office = self.notice.edition.receiving_office
        return routing.addresses([office] if office else [])

    # --- Verbs: each guarded by the facts it stands on, each with its event ---------------------------------------

    def _act(self, kind: str, facts: Q, refusal: str, by, at, text: str = "", **changes) -> None:
        at = at or timezone.now()
        changes |= {f"{kind}_at": at, f"{kind}_by": by}
        with transaction.atomic():
            rows = Objection.objects.filter(facts, pk=self.pk, purged_at=None, withdrawn_at=None)
            if not rows.filter(**{f"{kind}_at": None}).update(**changes):
                self.refresh_from_db()
                raise NotAllowed("异议人已经撤回这条异议。" if self.withdrawn_at else refusal)
            self.events.create(kind=kind, at=at, by=by, text=text)
        self.refresh_from_db()

    def accept(self, *, by, at: datetime.datetime | None = None) -> None:
        """Take the objection up."""
        self._act("accepted", Q(declined_at=None, done_at=None), "这条异议已经受理、不予受理或办结。", by, at)

    def decline(self, *, by, reason: str, at: datetime.datetime | None = None) -> None:
        """Refuse to take the objection up; the objector sees the reason."""
        reason = needs(reason, "请写明不予受理的原因，异议人会看到。")
        facts = Q(accepted_at=None, done_at=None)
        self._act("declined", facts, "这条异议已经受理或不予受理。", by, at, reason, decline_reason=self.seal(reason))

    def verify(self, *, by, finding: str, at: datetime.datetime | None = None) -> None:
        """Record what the check on the spot found."""
        if finding not in Objection.Finding.values:
            raise NotAllowed("请选择核查结论。")
        label = Objection.Finding(finding).label
        self._act("verified", Q(accepted_at__isnull=False), "先受理，再核查。", by, at, label, finding=finding)

    def answer(self, *, by, reply: str, at: datetime.datetime | None = None) -> None:
        """Reply to the objector: on the tracking page, and by mail where there is an address."""
        reply = needs(reply, "请填写答复内容。")
        facts = Q(verified_at__isnull=False) | Q(declined_at__isnull=False)
        with transaction.atomic():
            self._act("replied", facts, "先核查（或决定不予受理），再答复。", by, at, reply, reply=self.seal(reply))
            OutgoingMail.objects.queue_reply(self, at=self.replied_at)

    def finish(self, *, by, at: datetime.datetime | None = None) -> None:
        """Close the case."""
        self._act("done", Q(replied_at__isnull=False), "先答复，再办结。", by, at)


class EventQuerySet(models.QuerySet):
    def public(self):
        """What the objector sees of the story."""
        return self.exclude(kind__in=INTERNAL)


class Event(OfObjection, models.Model):
    """One line of an objection's story. Written with the fact it tells of, never changed."""

    class Kind(models.TextChoices):
        RECEIVED = "received", "已收到"
        DELIVERED = "delivered", "已送达受理部门"
        ACCEPTED = "accepted", "已受理"
        DECLINED = "declined", "不予受理"
        VERIFIED = "verified", "已核查"
        REPLIED = "replied", "已答复"
        DONE = "done", "已办结"
        REOPENED = "reopened", "重新办理"
        REISSUED = "reissued", "已补发回执码"
        ROUTED = "routed", "已转送上级单位"
        ASSIGNED = "assigned", "已指派"
        REMINDED = "reminded", "已催办"
        READDRESSED = "readdressed", "已更正收件地址"
        RETRIED = "retried", "已重新发送"
        HELD = "held", "个人信息暂不删除"
        RELEASED = "released", "个人信息不再保留"
        PURGED = "purged", "个人信息已按期删除"
        SUPPLEMENTED = "supplemented", "异议人补充了材料"
        WITHDRAWN = "withdrawn", "异议人已撤回"
        ERASURE = "erasure", "异议人申请删除个人信息"
        EXPORTED = "exported", "已凭回执码下载本人数据"

    objection = models.ForeignKey(Objection, models.CASCADE, verbose_name="异议", related_name="events")
    kind = models.CharField("事项", max_length=12, choices=Kind)
    at = models.DateTimeField("时间")
    by = who("办理人", null=True, blank=True)
    text = SealedTextField("说明", blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "办理经过"
        ordering = ("objection", "at", "id")

    def __str__(self) -> str:
        return f"{timezone.localtime(self.at):%Y-%m-%d %H:%M} {self.get_kind_display()}"


# What concerns the office alone.
INTERNAL = (
    Event.Kind.ASSIGNED,
    Event.Kind.REMINDED,
    Event.Kind.READDRESSED,
    Event.Kind.RETRIED,
    Event.Kind.HELD,
    Event.Kind.RELEASED,
)


def likeness(content: str) -> str:
    """The same for texts that differ in blanks, punctuation, width or case only. Keyed, so that it cannot be guessed."""
    plain = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", content)).casefold()
    return salted_hmac("objections.likeness", plain, algorithm="sha256").hexdigest()
