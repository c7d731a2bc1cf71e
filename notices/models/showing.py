"""Where a notice was shown beside this site, and when this site could not be reached: facts for its outcome statement."""

import datetime
import secrets

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from .constraints import who
from .scope import ScopedQuerySet


def photo_name(display: "Display", name: str) -> str:
    """A random name: what the file was called may tell whose telephone it came from."""
    return f"displays/{secrets.token_hex(16)}.{name.rpartition('.')[2]}"


class Display(models.Model):
    """One place where a notice was put up, printed or broadcast."""

    belongs_to = "notice__organisation"

    class Kind(models.TextChoices):
        NOTICE_BOARD = "notice_board", "公告栏"
        NEWSPAPER = "newspaper", "报纸"
        WEBSITE = "website", "其他网站"
        BROADCAST = "broadcast", "广播电视"
        OTHER = "other", "其他"

    notice = models.ForeignKey("notices.PublicityNotice", models.PROTECT, verbose_name="公示", related_name="displays")
    kind = models.CharField("方式", max_length=12, choices=Kind)
    place = models.CharField(
        "地点", max_length=200, help_text="具体到可以核对，例如：临溪区柳树镇政府公告栏；报纸写明版面，网站写明网址。"
    )
    shown_from = models.DateField("开始日期")
    shown_to = models.DateField(
        "结束日期", null=True, blank=True, help_text="只有一天的，与开始日期相同；还在展示的不填。"
    )
    photo = models.FileField(
        "照片", upload_to=photo_name, blank=True, help_text="JPEG 或 PNG。保存时重新编码，去掉拍摄位置和时间。"
    )
    created_at = models.DateTimeField("登记时间", default=timezone.now, editable=False)
    created_by = who("登记人", editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "展示情况"
        ordering = ("notice", "shown_from", "id")
        constraints = [
            models.CheckConstraint(
                condition=Q(shown_to__isnull=True) | Q(shown_to__gte=F("shown_from")),
                name="notices_display_order",
                violation_error_message="展示的结束日期不能早于开始日期。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}：{self.place}"

    def clean(self) -> None:
        """What is recorded has happened."""
        today = timezone.localdate()
        for name in ("shown_from", "shown_to"):
            if getattr(self, name) and getattr(self, name) > today:
                raise ValidationError({name: "日期不能晚于今天：这里登记的是已经展示的事实。"})

    def delete(self, *args, **options):
        """The photo goes with the row, once the row is gone for good."""
        deleted = super().delete(*args, **options)
        if self.photo:
            transaction.on_commit(lambda: self.photo.storage.delete(self.photo.name))
        return deleted


LEAST_LOST = datetime.timedelta(hours=1)  # a window that lost less is not proposed to be longer


def window_span(edition) -> tuple[datetime.datetime, datetime.datetime]:
    """The instants at which the window of an edition opens and closes."""
    zone, day = timezone.get_default_timezone(), datetime.timedelta(days=1)
    days = (edition.opens_on, edition.closes_on + day)
    return tuple(datetime.datetime.combine(each, datetime.time(), tzinfo=zone) for each in days)


def days_to_give_back(lost: datetime.timedelta) -> int:
    """By how many days a window that lost so much should be longer: each day begun, none for less than an hour."""
    return 0 if lost < LEAST_LOST else -(-lost // datetime.timedelta(days=1))


class OutageQuerySet(models.QuerySet):
    def begin(self, at: datetime.datetime) -> None:
        """The site was first found away at `at`; nothing where that stands already."""
        measured = self.filter(source=Outage.Source.MEASURED)
        if not measured.filter(Q(ended_at__isnull=True) | Q(begun_at=at)).exists():
            self.create(begun_at=at, source=Outage.Source.MEASURED)

    def recover(self, at: datetime.datetime) -> int:
        """The site was found back at `at`. Returns how many measured outages that ended."""
        return self.filter(source=Outage.Source.MEASURED, ended_at__isnull=True, begun_at__lt=at).update(ended_at=at)

    def overlapping(self, since: datetime.datetime, until: datetime.datetime):
        """Those of which some part lies between the two."""
        return self.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=since), begun_at__lt=until)

    def within(self, since: datetime.datetime, until: datetime.datetime) -> list[tuple]:
        """The times without service between the two, each as (from, to): overlaps made one, what lasts ends at `until`."""
        found: list[tuple] = []
        known = self.overlapping(since, until).order_by("begun_at").values_list("begun_at", "ended_at")
        for begun_at, ended_at in known:
            begun_at, ended_at = max(begun_at, since), min(ended_at or until, until)
            if found and begun_at <= found[-1][1]:
                begun_at, ended_at = found[-1][0], max(found.pop()[1], ended_at)
            found.append((begun_at, ended_at))
        return found

    def lost_by(self, edition, now: datetime.datetime) -> datetime.timedelta:
        """How long the site was away within the window of `edition`, up to `now`."""
        since, until = window_span(edition)
        return sum((ended - begun for begun, ended in self.within(since, min(until, now))), datetime.timedelta())


class Outage(models.Model):
    """This site could not be reached: measured by a monitor, or entered by staff."""

    class Source(models.TextChoices):
        MEASURED = "measured", "监测"
        ENTERED = "entered", "人工登记"

    begun_at = models.DateTimeField("开始时间")
    ended_at = models.DateTimeField("恢复时间", null=True, blank=True, help_text="还没有恢复的不填。")
    source = models.CharField("来源", max_length=10, choices=Source, default=Source.ENTERED, editable=False)
    note = models.CharField("说明", max_length=200, blank=True, help_text="原因和影响范围；会写进公示情况说明。")
    entered_by = who("登记人", null=True, blank=True, editable=False)

    objects = OutageQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "停机记录"
        ordering = ("-begun_at",)
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gt=F("begun_at")),
                name="notices_outage_order",
                violation_error_message="恢复时间要晚于开始时间。",
            ),
            models.CheckConstraint(
                condition=Q(source="measured", entered_by__isnull=True) | Q(source="entered", entered_by__isnull=False),
                name="notices_outage_entered_by_somebody",
                violation_error_message="人工登记的停机要有登记人。",
            ),
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.begun_at):%Y-%m-%d %H:%M} {self.get_source_display()}"

    def clean(self) -> None:
        """What is recorded has happened."""
        for name in ("begun_at", "ended_at"):
            if getattr(self, name) and getattr(self, name) > timezone.now():
                raise ValidationError({name: "时间不能晚于现在。"})

    def concerned(self, now: datetime.datetime):
        """The public notices in whose window some part of it lies."""
        notices = type(self)._meta.apps.get_model("notices", "PublicityNotice").objects.public()
        begun, ended = (timezone.localdate(at) for at in (self.begun_at, self.ended_at or now))
        return notices.filter(edition__opens_on__lte=ended, edition__closes_on__gte=begun).select_related("edition")
