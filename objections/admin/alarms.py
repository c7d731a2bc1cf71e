"""What the office must see before anything else: objections that nobody noticed, and those past their date."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone

from notices.admin.alarms import Alarm
from objections.models import Objection

SENTENCES = {
    "unnoticed": "{} 条异议超过一个工作日既没有送达受理部门，也没有人查看。请立即查看，并核对异议送达邮箱。",
    "overdue": "{} 条异议已过办理期限。请尽快受理或答复。",
}


def alarms(user, today=None) -> Iterator[Alarm]:
    """What is to be told `user`; each leads to the list that it counts."""
    return _among(Objection.objects.own(user), today or timezone.localdate())


def all_alarms(today) -> Iterator[Alarm]:
    """The same of all organisations: for whoever runs the site."""
    return _among(Objection.objects.all(), today)


def _among(objections, today) -> Iterator[Alarm]:
    listed = reverse("admin:objections_objection_changelist")
    for name, sentence in SENTENCES.items():
        if count := getattr(objections, name)(today).count():
            yield Alarm(name, sentence.format(count), f"{listed}?queue={name}")
