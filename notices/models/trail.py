"""The audit trail: what was done, seen and tried behind the login, by whom, when and from where. Only ever added to."""

import datetime

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .constraints import who
from .scope import Membership, ScopedQuerySet, organisation_of

# GB/T 22239-2019 wants six months. The database itself refuses to delete younger lines (migration 0002_append_only).
KEPT = datetime.timedelta(days=184)
SETTLED = datetime.timedelta(minutes=2)  # longer than any transaction that adds a line


class TrailQuerySet(ScopedQuerySet):
    def within(self, organisations):
        """What was done to their rows or by their members, and what nobody was named for: a login under no known name."""
        about = Q(organisation__in=organisations) | Q(by__in=Membership.objects.colleagues(organisations))
        return self.filter(about | Q(organisation=None, by=None))


def _storable(value):
    """Text without what PostgreSQL stores nowhere; anything else as it is."""
    return value.replace("\0", "") if isinstance(value, str) else value


class TrailManager(models.Manager.from_queryset(TrailQuerySet)):
    def record(
        self, action: str, *, by=None, target=None, organisation=None, request=None, username="", at=None, **detail
    ):
        """Add one line, in the transaction of what it tells of.

        `by` is the user who acted, None when nobody is logged in; then `username` may say the name that was tried.
        `target` is the row it was done to: its `trail_name`, or else its `str()`, is kept: it must hold no personal data, and neither may
        `detail` (JSON). `organisation` is the one it belongs to unless told. `request` tells from which address.
        """
        return self.create(
            at=at or timezone.now(),
            by=by,
            username=_storable(username or (by.get_username() if by else ""))[:150],
            action=action,
            content_type=ContentType.objects.get_for_model(target) if target else None,
            object_id=str(target.pk) if target else "",
            target=_storable(str(getattr(target, "trail_name", target)))[:200] if target else "",
            organisation=organisation or organisation_of(target),
            address=request.META.get("REMOTE_ADDR", "")[:45] if request else "",
            detail={name: _storable(value) for name, value in detail.items()},
        )

    def between(self, first: datetime.date | None, last: datetime.date | None):
        """The lines of these days (both counted, Asia/Shanghai; None is open), oldest first."""
        bounds = {"at__date__gte": first, "at__date__lte": last}
        return self.filter(**{name: day for name, day in bounds.items() if day}).order_by("id")

    def after(self, number: int, now: datetime.datetime | None = None):
        """The lines after the one of that number, oldest first. The newest wait until no transaction that began before
        them can still add a line with a smaller number."""
        return self.filter(pk__gt=number, at__lt=(now or timezone.now()) - SETTLED).order_by("id")

    def forgettable(self, now: datetime.datetime | None = None):
        """The lines that have been kept for long enough to be deleted."""
        return self.filter(at__lt=(now or timezone.now()) - KEPT)


class TrailEntry(models.Model):
    """One line of the trail."""

    belongs_to = "organisation"

    class Action(models.TextChoices):
        VIEWED_PERSONAL_DATA = "viewed_personal_data", "查看个人信息"
        EXPORTED = "exported", "导出"
        ADDED = "added", "新增"
        CHANGED = "changed", "修改"
        DELETED = "deleted", "删除"
        PURGED = "purged", "按期删除个人信息"
        LOGIN = "login", "登录"
        LOGIN_FAILED = "login_failed", "登录失败"
        LOGOUT = "logout", "退出"
        REFUSED = "refused", "拒绝"

    at = models.DateTimeField("时间", db_index=True)
    by = who("用户", null=True, blank=True)
    username = models.CharField("用户名", max_length=150, blank=True)
    action = models.CharField("事项", max_length=24, choices=Action)
    content_type = models.ForeignKey(
        ContentType, models.PROTECT, verbose_name="对象类型", null=True, blank=True, related_name="+"
    )
    object_id = models.CharField("对象编号", max_length=64, blank=True)
    target = models.CharField("对象", max_length=200, blank=True)
    organisation = models.ForeignKey(
        "notices.Organisation", models.PROTECT, verbose_name="单位", null=True, blank=True, related_name="+"
    )
    address = models.CharField("来源地址", max_length=45, blank=True)
    detail = models.JSONField("说明", default=dict, blank=True)

    objects = TrailManager()

    class Meta:
        verbose_name = verbose_name_plural = "审计记录"
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["object_id", "content_type"], name="notices_trail_of_one"),  # a row's history, search
            models.Index(fields=["username"], name="notices_trail_by_name"),  # search
            models.Index(fields=["target"], name="notices_trail_by_target"),  # search
            models.Index(fields=["address"], name="notices_trail_by_address"),  # search
            models.Index(fields=["action", "-id"], name="notices_trail_by_action"),  # the filter
        ]

    def __str__(self) -> str:
        at = timezone.localtime(self.at)
        return f"{at:%Y-%m-%d %H:%M:%S} {self.username} {self.get_action_display()} {self.target}".rstrip()

    def as_line(self) -> dict:
        """What `audit_log` prints of it."""
        facts = ("id", "username", "action", "object_id", "target", "address", "detail")
        return {
            "at": timezone.localtime(self.at).isoformat(),
            **{name: getattr(self, name) for name in facts},
            "type": self.content_type and self.content_type.model,
            "organisation": self.organisation and self.organisation.code,
        }
