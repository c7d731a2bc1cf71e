"""The notice: a draft that staff work on, and the verbs that bring it before the public."""

import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from notices import windows
from notices.documents import linting, statements
from notices.documents.notice import STAGES, NoticeDocument, Window

from . import scope
from .acts import WORKING_FACTS, PublishedActs
from .calendar import CalendarDay
from .constraints import NotAllowed, explained, pair, who
from .editions import Edition
from .evidence import Evidence, Unavailable
from .log import Checkpoint
from .organisations import Organisation, ReceivingOffice
from .rectification import RectificationTask
from .scope import ScopedQuerySet

# A window outside these years is a typing error, whatever the file says.
REASONABLE = [MinValueValidator(datetime.date(2000, 1, 1)), MaxValueValidator(datetime.date(2100, 12, 31))]


class State(models.TextChoices):
    """Where a notice stands on a day. Derived from its current edition and the calendar, never stored."""

    DRAFT = "draft", "草稿"
    SCHEDULED = "scheduled", "定时公开"
    UPCOMING = "upcoming", "即将公示"
    OPEN = "open", "公示中"
    CLOSED = "closed", "公示结束"
    WITHDRAWN = "withdrawn", "已撤回"


class NoticeQuerySet(ScopedQuerySet):
    """Adjectives by state; `today` is a day in Asia/Shanghai. PublicityNotice.state says the same of one.

    What nearly every notice fulfils is said as an exclusion: a database without statistics would take an index for it.
    """

    def concerning(self, user):
        """What `user` may see, or answers for as a colleague of the office that takes the objections."""
        if user.is_superuser:
            return self
        mine = scope.read_by(user)
        return self.filter(Q(organisation__in=mine) | Q(edition__receiving_office__organisation__in=mine))

    def public(self, now: datetime.datetime | None = None):
        """Everything that is public at `now`, withdrawn notices included: their pages stay."""
        return self.filter(edition__isnull=False).exclude(edition__public_from__gt=now or timezone.now())

    def standing(self):
        return self.public().filter(withdrawn_at__isnull=True)

    def withdrawn(self):
        return self.public().filter(withdrawn_at__isnull=False)

    def upcoming(self, today: datetime.date):
        return self.standing().filter(edition__opens_on__gt=today)

    def open(self, today: datetime.date):
        return self.standing().filter(edition__closes_on__gte=today).exclude(edition__opens_on__gt=today)

    def closed(self, today: datetime.date):
        return self.standing().exclude(edition__closes_on__gte=today)

    def opening(self, first: datetime.date, last: datetime.date):
        """Windows that open on one of these days."""
        return self.standing().filter(edition__opens_on__range=(first, last))

    def closing(self, first: datetime.date, last: datetime.date):
        """Windows that close on one of these days."""
        return self.standing().filter(edition__closes_on__range=(first, last))

    def working(self):
        """Working copies that are with their drafters."""
        return self.filter(drafted_at__isnull=False, submitted_at__isnull=True)

    def returned(self):
        """Those among them that a reviewer sent back."""
        return self.working().filter(returned_at__isnull=False)

    def awaiting_review(self):
        return self.filter(submitted_at__isnull=False)

    def awaiting_withdrawal(self):
        """Whose withdrawal somebody proposed and nobody has confirmed."""
        return self.filter(withdrawal_proposed_at__isnull=False, withdrawn_at__isnull=True)

    def awaiting_confirmation(self):
        """Published in an emergency, and no second person stands by it yet. What the command line published may wait."""
        return self.filter(edition__via=Edition.Via.EMERGENCY, edition__confirmation__isnull=True)

    def in_state(self, state: str, today: datetime.date):
        """The notices in one public state; every public one when `state` names none."""
        match state:
            case State.WITHDRAWN:
                return self.withdrawn()
            case State.UPCOMING | State.OPEN | State.CLOSED:
                return getattr(self, state)(today)
        return self.public()

    def promote(self) -> None:
        """Let the public read the newest edition of each notice that is under a checkpoint."""
        signed = Edition.objects.filter(notice=models.OuterRef("pk"), sequence__lt=Checkpoint.objects.size())
        newest = signed.order_by("-number").values("pk")[:1]
        behind = self.annotate(newest=models.Subquery(newest)).filter(newest__isnull=False)
        behind.filter(Q(edition__isnull=True) | ~Q(edition=F("newest"))).update(edition=models.Subquery(newest))


class PublicityNotice(PublishedActs, models.Model):
    """One notice. These columns are the working copy; the public reads `edition`, which is frozen.

    The working copy is open while `drafted_at` is set: drafted → submitted → published, or returned.
    """

    belongs_to = "organisation"

    organisation = models.ForeignKey(Organisation, models.PROTECT, verbose_name="发布单位", related_name="notices")
    reference = models.CharField("公示编号", max_length=12, unique=True, null=True, blank=True, editable=False)
    tasks = models.ManyToManyField(
        RectificationTask,
        verbose_name="整改任务",
        related_name="notices",
        blank=True,
        help_text="一份公示可以包含几项任务。",
    )
    evidence = models.ManyToManyField(
        Evidence,
        verbose_name="附件（佐证材料）",
        related_name="notices",
        blank=True,
        help_text="勾选随公示一起公布的文件；文件在整改任务的页面上传。发布后与正文一起固定，不再改动。",
    )
    stage = models.CharField(
        "公示环节",
        max_length=20,
        choices=list(STAGES.items()),
        default="self_acceptance",
        help_text="决定公示期的长短。",
    )
    title = models.CharField("标题", max_length=200, help_text="公众看到的全称；同一单位的公示标题不要相同。")
    basis = models.TextField("依据", blank=True, help_text="标题下的第一段：根据哪些文件，对什么进行公示。")
    receiving_office = models.ForeignKey(
        ReceivingOffice,
        models.PROTECT,
        verbose_name="受理部门",
        null=True,
        blank=True,
        related_name="notices",
        help_text="群众向它提出异议；发布前必须选定。",
    )
    signatories = models.CharField(
        "落款", max_length=300, blank=True, help_text="落款单位；几个单位之间用空格分开，没有落款时不填。"
    )
    signed_on = models.DateField("落款日期", null=True, blank=True, validators=REASONABLE)
    opens_on = models.DateField("公示开始", null=True, blank=True, validators=REASONABLE, help_text="当天 0 时开始。")
    closes_on = models.DateField(
        "公示结束", null=True, blank=True, validators=REASONABLE, help_text="当天 24 时结束。留空时按公示期规则推算。"
    )
    change_act = models.CharField(max_length=12, blank=True, editable=False)
    change_reason = models.TextField("更正说明", blank=True, help_text="更正或延期时向公众说明的原因，会公开。")

    edition = models.OneToOneField(
        Edition, models.PROTECT, verbose_name="现行版本", null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField("录入时间", default=timezone.now, editable=False)
    drafted_at = models.DateTimeField("起草时间", null=True, blank=True, editable=False)
    drafted_by = who("起草人", null=True, blank=True, editable=False, db_index=True)  # the start page, its filter
    editors = models.ManyToManyField("auth.User", verbose_name="参与起草", related_name="+", blank=True, editable=False)
    submitted_at = models.DateTimeField("送审时间", null=True, blank=True, editable=False)
    submitted_by = who("送审人", null=True, blank=True, editable=False)
    secrecy_reviewed_at = models.DateTimeField("保密审查时间", null=True, blank=True, editable=False)
    secrecy_reviewed_by = who("保密审查人", null=True, blank=True, editable=False)
    returned_at = models.DateTimeField("退回时间", null=True, blank=True, editable=False)
    returned_by = who("退回人", null=True, blank=True, editable=False)
    return_reason = models.TextField("退回原因", blank=True, editable=False)
    published_at = models.DateTimeField("首次发布时间", null=True, blank=True, editable=False)
    published_by = who("首次发布人", null=True, blank=True, editable=False)
    withdrawal_proposed_at = models.DateTimeField("提议撤回时间", null=True, blank=True, editable=False)
    withdrawal_proposed_by = who("提议撤回人", null=True, blank=True, editable=False)
    withdrawn_at = models.DateTimeField("撤回时间", null=True, blank=True, editable=False)
    withdrawn_by = who("撤回人", null=True, blank=True, editable=False)
    withdrawal_reason = models.TextField("撤回原因", blank=True, editable=False)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "公示"
        ordering = ("-published_at", "-id")
        permissions = [("publish_publicitynotice", "可以审核发布公示")]
        indexes = [
            models.Index(fields=["-published_at", "-id"], name="notices_public_list"),  # lists, newest first
            # Of many the few that are worked on, wait for a reviewer, are withdrawn: filters and the start page.
            models.Index(fields=["drafted_by"], condition=Q(drafted_at__isnull=False), name="notices_worked_on"),
            models.Index(fields=["submitted_at"], condition=Q(submitted_at__isnull=False), name="notices_to_review"),
            models.Index(
                fields=["withdrawal_proposed_at"],
                condition=Q(withdrawal_proposed_at__isnull=False),
                name="notices_withdrawal_proposed",
            ),
            models.Index(fields=["withdrawn_at"], condition=Q(withdrawn_at__isnull=False), name="notices_withdrawn"),
        ]
        constraints = [
            pair("drafted", "起草要同时有时间和起草人。"),
            pair("submitted", "送审要同时有时间和送审人。"),
            pair("secrecy_reviewed", "保密审查要同时有时间和审查人。"),
            pair("returned", "退回要同时有时间和退回人。"),
            pair("published", "发布要同时有时间和发布人。"),
            pair("withdrawn", "撤回要同时有时间和撤回人。"),
            explained("returned", "return_reason", "退回要写明原因。"),
            pair("withdrawal_proposed", "提议撤回要同时有时间和提议人。"),
            explained("withdrawal_proposed", "withdrawal_reason", "撤回要写明原因，原因会公开。"),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True)
                | (Q(withdrawal_proposed_at__isnull=False) & ~Q(withdrawn_by=F("withdrawal_proposed_by"))),
                name="notices_notice_withdrawn_by_two",
                violation_error_message="撤回要由一人提议、另一人确认。",
            ),
            models.CheckConstraint(
                condition=Q(opens_on__isnull=True) | Q(closes_on__isnull=True) | Q(closes_on__gte=F("opens_on")),
                name="notices_notice_window_order",
                violation_error_message="公示结束日期不能早于开始日期。",
            ),
            models.CheckConstraint(
                condition=Q(reference__isnull=True, edition__isnull=True, published_at__isnull=True)
                | Q(reference__isnull=False, published_at__isnull=False),
                name="notices_notice_reference_with_edition",
                violation_error_message="公示编号在发布时给出，未发布的公示没有编号。",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(published_at__isnull=False),
                name="notices_notice_withdrawn_was_public",
                violation_error_message="没有发布过的公示不能撤回。",
            ),
            models.CheckConstraint(
                condition=Q(submitted_at__isnull=True) | Q(drafted_at__isnull=False),
                name="notices_notice_submitted_is_draft",
                violation_error_message="只有草稿可以送审。",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def trail_name(self) -> str:
        """What the audit trail calls it: the title may have to be redacted."""
        return self.reference or f"草稿 {self.pk}"

    def state(self, today: datetime.date | None = None) -> State:
        """The notice's state on `today` (a day in Asia/Shanghai)."""
        if not self.edition_id:
            return State.DRAFT
        if self.edition.public_from > timezone.now():
            return State.SCHEDULED
        if self.withdrawn_at:
            return State.WITHDRAWN
        return State(windows.state(self.edition.opens_on, self.edition.closes_on, today or timezone.localdate()))

    @property
    def is_editable(self) -> bool:
        """Whether staff may change the working copy: it is open and not with the reviewer."""
        return self.pk is None or bool(self.drafted_at and not self.submitted_at)

    @property
    def is_archive(self) -> bool:
        """Entered after its window was over (补录)."""
        return bool(self.published_at and timezone.localdate(self.published_at) > self.edition.closes_on)

    def newest_edition(self) -> Edition | None:
        """The edition published last, though it may still wait for its signature; the next one follows it."""
        return self.editions.order_by("-number").first()

    # --- The working copy as a document ----------------------------------------------------------------------

    def window(self) -> Window | None:
        """The window of the working copy with its rule and its count; None while the start is not set."""
        if not self.opens_on:
            return None
        calendar = CalendarDay.objects.all().as_calendar()
        rule = self.organisation.rule(self.stage)
        closes_on = self.closes_on or calendar.last_day(self.opens_on, rule)
        try:
            working_days = calendar.count(self.opens_on, closes_on)
        except windows.TooLong:  # a typing error; the linter says so
            working_days = None
        return Window(
            opens_on=self.opens_on,
            closes_on=closes_on,
            length=rule.length,
            unit=rule.unit,
            working_days=working_days,
        )

    def document(self) -> NoticeDocument:
        """The working copy as the public will read it; what no section states is added as a standard sentence."""
        basis = self.basis.replace("\r\n", "\n")
        sections = tuple(section.as_printed() for section in self.sections.all())
        return statements.stated(
            NoticeDocument(
                title=self.title,
                basis=basis,
                stage=self.stage,
                tasks=tuple(task.as_printed() for task in self.tasks.select_related("round")),
                sections=sections,
                acceptance=statements.acceptance_of(basis, sections),
                window=self.window(),
                office=self.receiving_office.as_printed() if self.receiving_office else None,
                signatories=tuple(self.signatories.split()),
                signed_on=self.signed_on,
                attachments=tuple(each.as_printed() for each in self.files()),
            )
        )

    def files(self) -> list[Evidence]:
        """The files that the working copy will publish, in their printed order; `item` is what each stands beside."""
        if not self.pk:
            return []
        files = list(self.evidence.select_related("report", "task__round"))
        if any(each.report for each in files):
            section = self.sections.filter(kind="progress").first()
            items, alone = section.as_printed().items if section else (), self.tasks.count() == 1
            for each in files:
                each.item = each.beside(items, alone)
        return files

    # --- Verbs ---------------------------------------------------------------------------------------------------

    def _change(self, facts: Q, refusal: str, **changes) -> None:
        """Guarded update: only while the old `facts` still hold; otherwise NotAllowed with `refusal`."""
        if not PublicityNotice.objects.filter(facts, pk=self.pk).update(**changes):
            raise NotAllowed(refusal)
        self.refresh_from_db()

    def submit(self, *, by, at: datetime.datetime | None = None) -> None:
        """Hand the working copy to a reviewer."""
        self._change(
            Q(drafted_at__isnull=False, submitted_at__isnull=True),
            "这份公示不是可以送审的草稿：可能已经送审或已经发布。",
            submitted_at=at or timezone.now(),
            submitted_by=by,
            returned_at=None,
            returned_by=None,
            return_reason="",
        )

    def review_secrecy(self, *, by, at: datetime.datetime | None = None) -> None:
        """Record that the text holds nothing secret. A later change of the draft takes the record away again."""
        self._change(
            Q(drafted_at__isnull=False, secrecy_reviewed_at__isnull=True),
            "这份草稿已经记录保密审查，或不是草稿。",
            secrecy_reviewed_at=at or timezone.now(),
            secrecy_reviewed_by=by,
        )

    def send_back(self, *, by, reason: str, at: datetime.datetime | None = None) -> None:
        """Return a submitted working copy to its drafter, with what to change."""
        if not reason.strip():
            raise NotAllowed("请写明退回原因，起草人才知道要改什么。")
        self._change(
            Q(submitted_at__isnull=False),
            "这份公示没有送审，不能退回。",
            submitted_at=None,
            submitted_by=None,
            returned_at=at or timezone.now(),
            returned_by=by,
            return_reason=reason.strip(),
        )

    @transaction.atomic
    def publish(
        self,
        *,
        by,
        via: str = "review",
        emergency_reason: str = "",
        archive: bool = False,
        confirmed: bool = False,
        public_from: datetime.datetime | None = None,
        at: datetime.datetime | None = None,
    ) -> Edition:
        """Freeze the working copy as the next edition, log it, and let the public read it once it is signed.

        `via` is an Edition.Via: `review` needs a submitted working copy and another person than its
        drafter; `emergency` a reason; `command` is the command line. `archive` lets an import record a window
        that began before today. `confirmed` says that the linter's warnings were read; `public_from` keeps a
        first edition unseen until then. Raises NotAllowed.
        """
        at = at or timezone.now()
        notice = PublicityNotice.objects.select_for_update(of=("self",)).get(pk=self.pk)
        notice._check_four_eyes(by=by, via=via, emergency_reason=emergency_reason)
        notice._check_publishable(archive=archive, today=timezone.localdate(at))
        notice._check_schedule(public_from, at)
        notice._check_files()
        edition = Edition.objects.freeze(
            notice,
            act=notice.change_act or "publish",
            by=by,
            via=via,
            emergency_reason=emergency_reason.strip(),
            public_from=public_from,
            warnings=notice._confirmed_warnings(confirmed),
            at=at,
        )
        self._show(edition, notice)
        return edition

    def _show(self, edition: Edition, notice: "PublicityNotice") -> None:
        """Close the working copy that became `edition`; `notice` is the locked row it was frozen from."""
        self._change(
            Q(drafted_at=notice.drafted_at),
            "这份公示刚刚被别人改动，请刷新后再发布。",
            reference=edition.read().reference,
            closes_on=edition.closes_on,
            published_at=notice.published_at or edition.published_at,
            published_by=notice.published_by or edition.published_by,
            **dict.fromkeys(WORKING_FACTS),
            **dict.fromkeys(("return_reason", "change_reason", "change_act"), ""),
        )
        self.editors.clear()
        PublicityNotice.objects.filter(pk=self.pk).promote()
        self.refresh_from_db()

    def publish_in_emergency(self, *, by, emergency_reason: str, confirmed: bool = False) -> Edition:
        """Publish without a second person; the reason stands on the page until one has confirmed."""
        return self.publish(by=by, via=Edition.Via.EMERGENCY, emergency_reason=emergency_reason, confirmed=confirmed)

    def findings(self) -> list[linting.Finding]:
        """What the linter says of the working copy: errors stop its publication, warnings ask."""
        others = PublicityNotice.objects.filter(organisation=self.organisation, title=self.title).exclude(pk=self.pk)
        return linting.lint(
            self.document(),
            calendar=CalendarDay.objects.all().as_calendar(),
            rule=self.organisation.rule(self.stage),
            titles=[self.title] if others.exists() else [],
        )

    def _confirmed_warnings(self, confirmed: bool) -> list[str]:
        """The warnings, to be kept with the edition. Raises NotAllowed for errors, and for warnings nobody confirmed.

        An end that nobody can count yet, because the year's calendar is not published, is confirmed like a warning.
        """
        findings = self.findings()
        asking = [each for each in findings if each.level == "warning" or each.code == "calendar_unpublished"]
        if errors := [_sentence(each) for each in findings if each not in asking]:
            raise NotAllowed("请先改正：" + " ".join(errors))
        warnings = [_sentence(each) for each in asking]
        if warnings and not confirmed:
            raise NotAllowed("请核对以下提示，确认无误后勾选“已核对提示”再发布：" + " ".join(warnings))
        return warnings

    def _check_schedule(self, public_from: datetime.datetime | None, at: datetime.datetime) -> None:
        if public_from and self.edition_id:
            raise NotAllowed("更正和延期即时公开，不能定时。")
        if public_from and not at < public_from:
            raise NotAllowed("定时公开的时间要晚于现在。")
        if public_from and timezone.localdate(public_from) > self.opens_on:
            raise NotAllowed("定时公开的时间不能晚于公示开始当天，否则公示期不足。")

    def _check_files(self) -> None:
        for each in self.files():
            try:
                each.read()
            except Unavailable as error:
                raise NotAllowed(f"附件“{each.name}”读不出来或已被改动，请重新上传后再发布。") from error

    def _check_four_eyes(self, *, by, via: str, emergency_reason: str) -> None:
        if via == Edition.Via.REVIEW and not self.submitted_at:
            raise NotAllowed("请先送审，再由另一人发布。")
        if via == Edition.Via.REVIEW and (by in (self.drafted_by, self.submitted_by) or by in self.editors.all()):
            raise NotAllowed("起草人不能发布自己的公示，请由另一人审核发布。")
        if via == Edition.Via.EMERGENCY and not emergency_reason.strip():
            raise NotAllowed("紧急发布要写明原因，原因会公开。")

    def _check_publishable(self, *, archive: bool, today: datetime.date) -> None:
        if not self.drafted_at:
            raise NotAllowed("这份公示没有待发布的草稿。")
        if self.withdrawn_at:
            raise NotAllowed("这份公示已经撤回，不能再发布；请另起草一份。")
        if self.organisation.requires_secrecy_review and not self.secrecy_reviewed_at:
            raise NotAllowed("发布单位要求保密审查：请先记录保密审查，再发布。")
        if not self.opens_on:
            raise NotAllowed("请填写公示开始日期。")
        if not self.receiving_office:
            raise NotAllowed("请选择受理部门，群众才知道向谁提出异议。")
        newest = self.newest_edition()
        if newest and self.window().closes_on < newest.closes_on:
            raise NotAllowed("公示期只能延长，不能缩短：结束日期不能早于现行版本的结束日期。")
        if newest and self.opens_on != newest.opens_on:
            raise NotAllowed("公示已经开始计算，更正不能改动开始日期；需要改动时请撤回后另行公示。")
        if not archive and not self.edition_id and self.opens_on < today:
            raise NotAllowed("公示开始日期已经过去：公示不能倒填日期，请改为今天或以后。")


def _sentence(finding: linting.Finding) -> str:
    return f"{finding.place}：{finding.text}"
