"""What is done to a notice once it is public: corrected, extended, withdrawn, redacted, confirmed. Each takes two people."""

import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from notices import windows
from notices.documents import rendering, statements

from .calendar import CalendarDay
from .constraints import NotAllowed
from .editions import Edition
from .evidence import Evidence
from .log import LogEntry

NOT_CORRECTABLE = "只有已发布、未撤回、没有正在更正的公示可以更正或延期。"


# Facts of the working copy: publishing it, or giving it up, closes it.
WORKING_FACTS = (
    "drafted_at",
    "drafted_by",
    "submitted_at",
    "submitted_by",
    "secrecy_reviewed_at",
    "secrecy_reviewed_by",
    "returned_at",
    "returned_by",
)


class PublishedActs:
    """Verbs of PublicityNotice. All raise NotAllowed, with the reason, when they do not fit the facts."""

    def begin_correction(self, *, by, reason: str, act: str = "correct", at: datetime.datetime | None = None) -> None:
        """Open a working copy of a published notice; the public goes on reading the current edition."""
        if not reason.strip():
            raise NotAllowed("请写明更正或延期的原因，发布后会公开。")
        self._change(
            Q(edition__isnull=False, drafted_at__isnull=True, withdrawn_at__isnull=True),
            NOT_CORRECTABLE,
            drafted_at=at or timezone.now(),
            drafted_by=by,
            change_act=act,
            change_reason=reason.strip(),
        )

    @transaction.atomic
    def abandon(self, *, by, at: datetime.datetime | None = None) -> None:
        """Give a correction or extension up: the working copy says again what the current edition says."""
        if not self.edition:
            raise NotAllowed("还没有发布过的草稿不能放弃更正，可以直接删除。")
        document = self.edition.read()
        self._change(
            Q(drafted_at__isnull=False, edition=self.edition),
            "没有正在进行的更正或延期。",
            title=document.title,
            basis=document.basis,
            signatories=" ".join(document.signatories),
            signed_on=document.signed_on,
            opens_on=self.edition.opens_on,
            closes_on=self.edition.closes_on,
            receiving_office=self.edition.receiving_office,
            **dict.fromkeys(WORKING_FACTS),
            **dict.fromkeys(("return_reason", "change_reason", "change_act"), ""),
        )
        self.tasks.set(self.edition.tasks.all())
        self.evidence.set(Evidence.objects.filter(file__in=self.edition.files.values("file")))
        self.editors.clear()
        self.sections.all().delete()
        for ordinal, section in enumerate(document.sections, 1):
            self.sections.create(
                ordinal=ordinal, kind=section.kind, heading=section.heading, body=rendering.section_text(section)
            )

    @transaction.atomic
    def extend(
        self, *, by, closes_on: datetime.date, reason: str, act: str = "extend", at: datetime.datetime | None = None
    ) -> None:
        """Propose a later end: a working copy that differs in its dates alone, handed to the reviewer at once."""
        if not self.edition_id:
            raise NotAllowed(NOT_CORRECTABLE)
        if closes_on <= self.closes_on:
            raise NotAllowed("延期后的结束日期要晚于现在的结束日期。")
        if (closes_on - self.opens_on).days >= windows.LONGEST:
            raise NotAllowed("延期后的公示期过长，请核对年份。")
        self.begin_correction(by=by, reason=reason, act=act, at=at)
        type(self).objects.filter(pk=self.pk).update(closes_on=closes_on)
        self.refresh_from_db()
        self.restate_window()
        self.submit(by=by, at=at)

    def compensate(self, *, by, days: int, reason: str, at: datetime.datetime | None = None) -> None:
        """Propose `days` more, in the unit of the rule, for a time in which the site could not be reached."""
        if not self.edition_id:
            raise NotAllowed(NOT_CORRECTABLE)
        rule = windows.Rule(days, self.organisation.rule(self.stage).unit)
        if days < 1:
            raise NotAllowed("补偿的天数至少为 1。")
        try:
            end = CalendarDay.objects.all().as_calendar().last_day(self.closes_on + windows.ONE_DAY, rule)
        except windows.TooLong as error:
            raise NotAllowed("补偿的天数过多，请核对。") from error
        self.extend(by=by, closes_on=end, reason=reason, act="outage", at=at)

    def restate_window(self) -> None:
        """Let the sentences of the working copy state the dates of its fields."""
        window = self.window()
        self.basis = statements.restate_window(self.basis, window)
        self.save(update_fields=["basis"])
        for section in self.sections.all():
            restated = statements.restate_window(section.body, window)
            if restated != section.body:
                section.body = restated
                section.save(update_fields=["body"])

    def propose_withdrawal(self, *, by, reason: str, at: datetime.datetime | None = None) -> None:
        """Ask for the notice to be taken back, with the reason that will be public; another person confirms."""
        if not reason.strip():
            raise NotAllowed("请写明撤回原因，原因会公开。")
        self._change(
            Q(edition__isnull=False, withdrawn_at__isnull=True, withdrawal_proposed_at__isnull=True),
            "只有已发布、尚未撤回的公示可以提议撤回。",
            withdrawal_proposed_at=at or timezone.now(),
            withdrawal_proposed_by=by,
            withdrawal_reason=reason.strip(),
        )

    def keep(self, *, by, at: datetime.datetime | None = None) -> None:
        """Turn a proposed withdrawal down: the notice stays as it is."""
        self._change(
            Q(withdrawal_proposed_at__isnull=False, withdrawn_at__isnull=True),
            "没有待确认的撤回。",
            withdrawal_proposed_at=None,
            withdrawal_proposed_by=None,
            withdrawal_reason="",
        )

    @transaction.atomic
    def withdraw(self, *, by, at: datetime.datetime | None = None) -> None:
        """Take a published notice back, as another person proposed. Its page and editions stay readable."""
        notice = type(self).objects.select_for_update(of=("self",)).get(pk=self.pk)
        if not notice.withdrawal_proposed_at or notice.withdrawn_at:
            raise NotAllowed("没有待确认的撤回。请先提议撤回，再由另一人确认。")
        if by == notice.withdrawal_proposed_by:
            raise NotAllowed("提议撤回的人不能自己确认，请由另一人确认。")
        entry = LogEntry.objects.append(
            "withdraw", at=at or timezone.now(), reference=notice.reference, reason=notice.withdrawal_reason
        )
        self._change(
            Q(withdrawn_at__isnull=True, withdrawal_proposed_at=notice.withdrawal_proposed_at),
            "这份公示刚刚被别人改动，请刷新后再办理。",
            withdrawn_at=entry.at,
            withdrawn_by=by,
        )

    def confirm_edition(self, *, by, at: datetime.datetime | None = None) -> None:
        """Stand by the current edition, which was published without a second person."""
        if not self.edition:
            raise NotAllowed("这份公示还没有发布，没有可以确认的版本。")
        self.edition.confirm(by=by, at=at)

    def propose_redaction(self, *, by, number: int, ground: str, at: datetime.datetime | None = None) -> None:
        """Ask for the bytes of edition `number` to be erased."""
        self._edition(number).propose_redaction(by=by, ground=ground, at=at)

    def redact(self, *, by, number: int, at: datetime.datetime | None = None) -> None:
        """Erase the bytes of edition `number`, as another person proposed."""
        edition = self._edition(number)
        if not hasattr(edition, "redaction"):
            raise NotAllowed("没有对这个版本的遮盖提议。")
        edition.redaction.carry_out(by=by, at=at)

    def _edition(self, number: int) -> Edition:
        edition = self.editions.filter(number=number).first()
        if not edition:
            raise NotAllowed(f"没有第 {number} 版。")
        return edition
