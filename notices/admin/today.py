"""The start page: what waits for this person, each a link to the list that it counts; the tasks of each round in figures."""

import dataclasses
import datetime
from collections.abc import Iterator

from django.contrib import admin
from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from notices import windows
from notices.models import PublicityNotice, RectificationTask, Stage


@dataclasses.dataclass(frozen=True)
class Duty:
    """So many of something wait, in the list at `url`."""

    text: str
    count: int
    url: str


def week_of(today: datetime.date) -> tuple[datetime.date, datetime.date]:
    """Monday and Sunday of the week of a day."""
    monday = today - windows.ONE_DAY * today.weekday()
    return monday, monday + windows.ONE_DAY * 6


def duties(request, today: datetime.date | None = None) -> Iterator[Duty]:
    """What is to be done with notices, by those who may do it; nothing that counts none."""
    model_admin = admin.site.get_model_admin(PublicityNotice)
    if not model_admin.has_view_permission(request):
        return
    rows, user, week = model_admin.get_queryset(request), request.user, week_of(today or timezone.localdate())
    wanted = []
    if user.has_perm("notices.change_publicitynotice"):
        wanted.append(
            ("审核退回、等我修改的公示", rows.returned().filter(drafted_by=user), "state=returned&drafter=me")
        )
        wanted.append(("我起草、还没有送审的公示", rows.working().filter(drafted_by=user), "state=working&drafter=me"))
    if user.has_perm("notices.publish_publicitynotice"):
        others = rows.awaiting_review().exclude(drafted_by=user)
        wanted.append(("别人起草、等待审核的公示", others, "state=review&drafter=others"))
        wanted.append(("提议撤回、等待确认的公示", rows.awaiting_withdrawal(), "state=withdrawing"))
        wanted.append(("紧急发布、等待第二人确认的公示", rows.awaiting_confirmation(), "state=unconfirmed"))
    wanted.append(("本周开始公示", rows.opening(*week), "week=opening"))
    wanted.append(("本周公示期满", rows.closing(*week), "week=closing"))
    yield from counted(PublicityNotice, wanted)
    yield from _closures(request)


def _closures(request) -> Iterator[Duty]:
    """Tasks that somebody proposed to strike off the list, for those who may sign it."""
    if request.user.has_perm("notices.close_rectificationtask"):
        rows = admin.site.get_model_admin(RectificationTask).get_queryset(request).closure_proposed()
        yield from counted(RectificationTask, [("提议销号、等待确认的任务", rows, "stage=proposed")])


def counted(model, wanted) -> Iterator[Duty]:
    """A Duty for each (text, rows, query of the list) that has any."""
    listed = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for text, rows, query in wanted:
        if count := rows.count():
            yield Duty(text, count, f"{listed}?{query}")


def figures(request) -> list[tuple[str, list[Duty]]]:
    """(round, how many of its tasks stand at each stage), for those who may see tasks."""
    model_admin = admin.site.get_model_admin(RectificationTask)
    if not model_admin.has_view_permission(request):
        return []
    rows = model_admin.get_queryset(request).order_by("round").values_list("round", "round__name", "derived_stage")
    found: dict[tuple, dict] = {}
    for pk, name, stage, count in rows.annotate(Count("pk")):
        found.setdefault((pk, name), {})[stage] = count
    return [(name, _by_stage(pk, counts)) for (pk, name), counts in found.items()]


def _by_stage(pk: int, counts: dict) -> list[Duty]:
    listed = f"{reverse('admin:notices_rectificationtask_changelist')}?round__id__exact={pk}"
    total = Duty("全部", sum(counts.values()), listed)
    return [total, *(Duty(stage.label, counts.get(stage, 0), f"{listed}&stage={stage}") for stage in Stage)]
