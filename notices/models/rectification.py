"""What an inspection found and what was done about it: rounds, tasks, measures, progress, acceptance, closure."""

import datetime

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from notices.documents.notice import TaskReference

from .constraints import NotAllowed, explained, pair, who
from .organisations import Organisation
from .scope import ScopedQuerySet


class InspectionRound(models.Model):
    """One round of inspection of one region, as its feedback calls it."""

    class Level(models.TextChoices):
        CENTRAL = "central", "中央"
        PROVINCIAL = "provincial", "省级"
        OTHER = "other", "其他"

    class Kind(models.TextChoices):
        ROUTINE = "routine", "例行督察"
        LOOK_BACK = "look_back", "“回头看”"
        SPECIAL = "special", "专项督察"

    name = models.CharField(
        "督察轮次", max_length=100, unique=True, help_text="与反馈意见一致，例如：第一轮中央生态环境保护督察。"
    )
    slug = models.SlugField("网址标识", unique=True, help_text="公开网址的一部分，例如 central-1；公开后不要改动。")
    level = models.CharField("级别", max_length=10, choices=Level, default=Level.CENTRAL)
    kind = models.CharField("类型", max_length=10, choices=Kind, default=Kind.ROUTINE)
    ordinal = models.PositiveSmallIntegerField("第几轮", null=True, blank=True)
    feedback_on = models.DateField("反馈日期", null=True, blank=True)
    plan_on = models.DateField("整改方案印发日期", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "督察轮次"
        ordering = ("-feedback_on", "name")
        constraints = [
            models.CheckConstraint(
                condition=Q(feedback_on__isnull=True) | Q(plan_on__isnull=True) | Q(plan_on__gte=F("feedback_on")),
                name="notices_round_plan_after_feedback",
                violation_error_message="整改方案的日期不应早于反馈日期。",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Stage(models.TextChoices):
    """Where a task stands. Derived from facts, never stored."""

    RECTIFYING = "rectifying", "整改中"
    SELF_ACCEPTED = "self_accepted", "已自我验收"
    IN_PUBLICITY = "in_publicity", "公示中"
    PUBLICITY_ENDED = "publicity_ended", "公示期满"
    CLOSED = "closed", "已销号"
    REOPENED = "reopened", "重新整改"


LONG_AGO = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class TaskQuerySet(ScopedQuerySet):
    def public(self):
        """The tasks that a public notice shows: RectificationTask.shown of one, without notices whose text was erased."""
        notices = self.model._meta.get_field("notices").related_model.objects.public()
        return self.filter(Exists(notices.filter(edition__tasks=OuterRef("pk")).exclude(edition__document=b"")))

    def closure_proposed(self):
        """Which somebody proposed to strike off the list and nobody has signed."""
        return self.filter(Exists(Closure.objects.proposed().filter(task=OuterRef("pk"))))

    def staged(self, today: datetime.date | None = None):
        """Annotates `derived_stage` for `today` (a day in Asia/Shanghai): what RectificationTask.stage says of one."""
        today = today or timezone.localdate()
        task = OuterRef("pk")
        reopened = Closure.objects.signed().filter(task=task).order_by("-closed_at").values("reopened_at")[:1]
        since = OuterRef("reopened_since")
        notices = self.model._meta.get_field("notices").related_model.objects
        shown = notices.filter(edition__tasks=task, published_at__gt=since)
        accepted = SelfAcceptance.objects.filter(task=task, created_at__gt=since)
        return self.annotate(reopened_since=Coalesce(Subquery(reopened), LONG_AGO)).annotate(
            derived_stage=Case(
                When(Exists(Closure.objects.standing().filter(task=task)), then=Value(Stage.CLOSED)),
                When(Exists(shown.open(today)), then=Value(Stage.IN_PUBLICITY)),
                When(Exists(shown.closed(today)), then=Value(Stage.PUBLICITY_ENDED)),
                When(Exists(accepted), then=Value(Stage.SELF_ACCEPTED)),
                When(reopened_since__gt=LONG_AGO, then=Value(Stage.REOPENED)),
                default=Value(Stage.RECTIFYING),
            )
        )


class RectificationTask(models.Model):
    """One task of a rectification plan, one petition item, or one problem found by the region itself."""

    belongs_to = "organisation"

    class Kind(models.TextChoices):
        TASK = "task", "整改任务"
        PETITION = "petition", "信访交办件"
        SELF_FOUND = "self_found", "自排查问题"

    organisation = models.ForeignKey(Organisation, models.PROTECT, verbose_name="单位", related_name="tasks")
    round = models.ForeignKey(InspectionRound, models.PROTECT, verbose_name="督察轮次", related_name="tasks")
    kind = models.CharField("类别", max_length=12, choices=Kind, default=Kind.TASK)
    number = models.PositiveSmallIntegerField("序号", null=True, blank=True, help_text="信访交办件不填。")
    sub_number = models.PositiveSmallIntegerField(
        "分项序号", null=True, blank=True, help_text="“第四十七项问题五”的分项序号是 5。"
    )
    number_text = models.CharField("序号写法", max_length=50, blank=True, help_text="与方案一致，例如：第一项。")
    case_number = models.CharField("受理编号", max_length=50, blank=True, help_text="信访交办件的编号。")
    title = models.CharField("简称", max_length=200, blank=True, help_text="列表里显示的一句话，可不填。")
    problem = models.TextField("反馈问题", help_text="与反馈意见原文一致。")
    objective = models.TextField("整改目标", blank=True, help_text="与整改方案原文一致。")
    deadline_text = models.CharField(
        "整改时限", max_length=200, blank=True, help_text="按方案原文填写，例如：2024年12月底、立行立改、长期坚持。"
    )
    deadline_on = models.DateField("时限日期", null=True, blank=True, help_text="有明确日期时填写，用于提醒逾期。")
    responsible_units = models.CharField("责任单位", max_length=500, blank=True, help_text="几个单位之间用顿号分开。")
    supervising_units = models.CharField("督导单位", max_length=500, blank=True, help_text="几个单位之间用顿号分开。")
    created_at = models.DateTimeField("录入时间", default=timezone.now, editable=False)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "整改任务"
        permissions = [
            ("close_rectificationtask", "可以办理销号"),
            ("export_case_file", "可以导出一案一档"),
        ]
        ordering = ("round", "number", "sub_number", "case_number")
        constraints = [
            models.UniqueConstraint(
                fields=("organisation", "round", "kind", "number"),
                condition=Q(number__isnull=False, sub_number__isnull=True),
                name="notices_task_number_once",
                violation_error_message="这一轮次里已有同一序号的任务。",
            ),
            models.UniqueConstraint(
                fields=("organisation", "round", "kind", "number", "sub_number"),
                condition=Q(number__isnull=False, sub_number__isnull=False),
                name="notices_task_sub_number_once",
                violation_error_message="这一轮次里已有同一序号和分项序号的任务。",
            ),
            models.UniqueConstraint(
                fields=("organisation", "round", "case_number"),
                condition=~Q(case_number=""),
                name="notices_task_case_number_once",
                violation_error_message="这一轮次里已有同一受理编号的信访交办件。",
            ),
            models.CheckConstraint(
                condition=~Q(kind="petition", case_number="") & ~(~Q(kind="petition") & Q(number__isnull=True)),
                name="notices_task_identified",
                violation_error_message="整改任务要有序号，信访交办件要有受理编号。",
            ),
            models.CheckConstraint(
                condition=Q(sub_number__isnull=True) | Q(number__isnull=False),
                name="notices_task_sub_number_needs_number",
                violation_error_message="填了分项序号，也要填序号。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation.name} {self.round.name}{self.label}"

    @property
    def label(self) -> str:
        """The task as a notice names it: 第一项, or its case number."""
        if self.kind == self.Kind.PETITION:
            return self.case_number
        sub = f"问题{self.sub_number}" if self.sub_number else ""
        return self.number_text or f"第{self.number}项{sub}"

    def as_printed(self) -> TaskReference:
        """The task as a notice document names it."""
        number_text = self.case_number if self.kind == self.Kind.PETITION else self.number_text
        return TaskReference(
            round=self.round.name, number=self.number, sub_number=self.sub_number, number_text=number_text
        )

    def is_named(self, reference: TaskReference) -> bool:
        """Whether a notice that says `reference`, perhaps without its round, means this task."""
        own = self.as_printed()
        if reference.round not in ("", own.round) or reference.number != own.number:
            return False
        return (
            own.number_text == reference.number_text if own.number is None else own.sub_number == reference.sub_number
        )

    def shown(self) -> models.QuerySet:
        """The public notices whose current edition covers this task: what a working copy names is not public."""
        notices = self._meta.get_field("notices").related_model.objects
        return notices.public().filter(edition__tasks=self).select_related("edition__confirmation", "organisation")

    def stage(self, today: datetime.date | None = None) -> Stage:
        """Where the task stands on `today` (a day in Asia/Shanghai). What came before a reopening no longer counts."""
        today = today or timezone.localdate()
        signed = [closure for closure in self.closures.all() if closure.closed_at]
        last = max(signed, key=lambda closure: closure.closed_at, default=None)
        if last and not last.reopened_at:
            return Stage.CLOSED
        since = last.reopened_at if last else LONG_AGO
        states = {each.state(today) for each in self.shown() if each.published_at > since}
        if "open" in states:
            return Stage.IN_PUBLICITY
        if "closed" in states:
            return Stage.PUBLICITY_ENDED
        if any(each.created_at > since for each in self.acceptances.all()):
            return Stage.SELF_ACCEPTED
        return Stage.REOPENED if last else Stage.RECTIFYING

    def is_overdue(self, today: datetime.date) -> bool:
        """Past its deadline and not closed."""
        return bool(self.deadline_on and self.deadline_on < today and self.stage(today) != Stage.CLOSED)

    def propose_closure(
        self, *, by, closed_on: datetime.date, filing: str = "", at: datetime.datetime | None = None
    ) -> "Closure":
        """Propose to strike the task off the list; a second person signs. Raises NotAllowed, with the reason."""
        at = at or timezone.now()
        with transaction.atomic():
            task = self._publicised(at)
            if self.closures.proposed().exists():
                raise NotAllowed("已经有人提议销号，请由另一人确认，或先撤销提议。")
            if closed_on > timezone.localdate(at):
                raise NotAllowed("销号日期不能晚于今天。")
            fields = {"closed_on": closed_on, "filing": filing, "proposed_at": at, "proposed_by": by}
            return Closure.objects.create(task=task, **fields)

    def close(self, *, by, at: datetime.datetime | None = None) -> "Closure":
        """Strike the task off the list as another person proposed. Raises NotAllowed while anything speaks against it."""
        at = at or timezone.now()
        with transaction.atomic():
            self._publicised(at)
            proposal = self.closures.proposed().first()
            if not proposal:
                raise NotAllowed("还没有人提议销号：销号由一人提议、另一人确认。")
            if proposal.proposed_by == by:
                raise NotAllowed("提议销号的人不能自己确认，请由另一人确认。")
            self.closures.proposed().update(closed_at=at, closed_by=by)
        proposal.refresh_from_db()
        return proposal

    def drop_closure(self, *, by, at: datetime.datetime | None = None) -> None:
        """Take back the proposal to close the task, or refuse to sign it."""
        if not self.closures.proposed().delete()[0]:
            raise NotAllowed("没有等待确认的销号提议。")

    def _publicised(self, at: datetime.datetime) -> "RectificationTask":
        """The task, locked, once its publicity is over; NotAllowed before that."""
        task = RectificationTask.objects.select_for_update().get(pk=self.pk)
        stage = task.stage(timezone.localdate(at))
        if stage != Stage.PUBLICITY_ENDED:
            raise NotAllowed(f"任务现在是“{stage.label}”，公示期满后才能销号。")
        return task

    def reopen(self, *, by, reason: str, at: datetime.datetime | None = None) -> None:
        """Send a closed task back to rectification; its closure stays on record. Raises NotAllowed."""
        if not reason.strip():
            raise NotAllowed("请写明重新整改的原因。")
        standing = Closure.objects.standing().filter(task=self)
        if not standing.update(reopened_at=at or timezone.now(), reopened_by=by, reopen_reason=reason):
            raise NotAllowed("任务没有销号，不能重新整改。")


class Measure(models.Model):
    """What the plan promises: one numbered measure of a task."""

    task = models.ForeignKey(RectificationTask, models.CASCADE, verbose_name="任务", related_name="measures")
    ordinal = models.PositiveSmallIntegerField("顺序")
    label = models.CharField("编号写法", max_length=20, blank=True, help_text="例如：（一）。留空时按顺序编号。")
    heading = models.CharField("小标题", max_length=100, blank=True)
    text = models.TextField("内容", blank=True, help_text="可以分段，每段一行。")

    class Meta:
        verbose_name = verbose_name_plural = "整改措施"
        ordering = ("task", "ordinal")
        constraints = [
            models.UniqueConstraint(
                fields=("task", "ordinal"),
                name="notices_measure_ordinal_once",
                violation_error_message="同一任务里两条措施的顺序相同，请改其中一条。",
            ),
            models.CheckConstraint(
                condition=~Q(heading="", text=""),
                name="notices_measure_says_something",
                violation_error_message="措施的小标题和内容不能都是空的。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label}{self.heading or self.text[:30]}"


class ProgressReport(models.Model):
    """What was done: for one measure, or (measure empty) for the task as a whole."""

    task = models.ForeignKey(RectificationTask, models.CASCADE, verbose_name="任务", related_name="reports")
    measure = models.ForeignKey(
        Measure,
        models.SET_NULL,
        verbose_name="对应措施",
        null=True,
        blank=True,
        related_name="reports",
        help_text="对应哪一条措施；说的是整个任务时不选。",
    )
    ordinal = models.PositiveSmallIntegerField("顺序")
    label = models.CharField("编号写法", max_length=20, blank=True)
    heading = models.CharField("小标题", max_length=100, blank=True)
    text = models.TextField("完成情况", help_text="写事实、数量和日期；可以分段，每段一行。")
    reported_on = models.DateField("报告日期", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "工作开展情况"
        ordering = ("task", "ordinal")
        constraints = [
            models.UniqueConstraint(
                fields=("task", "ordinal"),
                name="notices_report_ordinal_once",
                violation_error_message="同一任务里两条工作开展情况的顺序相同，请改其中一条。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label}{self.heading or self.text[:30]}"

    def clean(self) -> None:
        if self.measure_id and self.measure.task_id != self.task_id:
            raise ValidationError({"measure": "对应的措施属于另一个任务，请重新选择。"})


class SelfAcceptance(models.Model):
    """The region's own acceptance of a task, before the public and the higher level look at it."""

    task = models.ForeignKey(RectificationTask, models.CASCADE, verbose_name="任务", related_name="acceptances")
    accepted_on = models.DateField("验收日期")
    conclusion = models.CharField("结论", max_length=100, help_text="例如：达到销号标准。")
    opinion = models.TextField("验收意见", blank=True)
    created_at = models.DateTimeField("录入时间", default=timezone.now, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "自我验收"
        ordering = ("task", "accepted_on")
        constraints = [
            models.UniqueConstraint(
                fields=("task", "accepted_on"),
                name="notices_acceptance_once_a_day",
                violation_error_message="这个任务在这一天已有自我验收记录。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.accepted_on:%Y-%m-%d} {self.conclusion}"


class ClosureQuerySet(models.QuerySet):
    def proposed(self):
        """What waits for a second person."""
        return self.filter(closed_at__isnull=True)

    def signed(self):
        return self.filter(closed_at__isnull=False)

    def standing(self):
        """Closures that no reopening has ended."""
        return self.signed().filter(reopened_at__isnull=True)


class Closure(models.Model):
    """A task was closed (销号), as one proposed and another signed, and perhaps reopened later; the story stays whole."""

    task = models.ForeignKey(RectificationTask, models.PROTECT, verbose_name="任务", related_name="closures")
    closed_on = models.DateField("销号日期")
    filing = models.CharField("备案文号", max_length=100, blank=True)
    proposed_at = models.DateTimeField("提议时间")
    proposed_by = who("提议人")
    closed_at = models.DateTimeField("确认时间", null=True, blank=True)
    closed_by = who("确认人", null=True, blank=True)
    reopened_at = models.DateTimeField("重新整改时间", null=True, blank=True)
    reopened_by = who("重新整改办理人", null=True, blank=True)
    reopen_reason = models.TextField("重新整改原因", blank=True)

    objects = ClosureQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "销号"
        ordering = ("task", "closed_at")
        constraints = [
            pair("closed", "确认销号要同时有时间和确认人。"),
            models.CheckConstraint(
                condition=Q(closed_by__isnull=True) | ~Q(closed_by=F("proposed_by")),
                name="notices_closure_signed_by_two",
                violation_error_message="销号要由一人提议、另一人确认。",
            ),
            models.CheckConstraint(
                condition=Q(reopened_at__isnull=True) | Q(closed_at__isnull=False),
                name="notices_closure_reopened_was_closed",
                violation_error_message="没有销号的任务不能重新整改。",
            ),
            pair("reopened", "重新整改要同时有时间和办理人。"),
            explained("reopened", "reopen_reason", "重新整改要写明原因。"),
            models.UniqueConstraint(
                fields=("task",),
                condition=Q(reopened_at__isnull=True),
                name="notices_closure_one_standing",
                violation_error_message="这个任务已经销号。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task} {self.closed_on:%Y-%m-%d} {'销号' if self.closed_at else '提议销号'}"
