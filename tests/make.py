"""Plain functions that make rows for tests. Each takes what the test is about; the rest is invented."""

import datetime

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from notices import attachments
from notices.models import (
    Evidence,
    InspectionRound,
    NoticeSection,
    Organisation,
    PublicityNotice,
    ReceivingOffice,
    RectificationTask,
)
from notices.windows import Calendar

DAY = datetime.timedelta(days=1)


def make_user(username: str = "zhang", *permissions: str, organisation: Organisation | None = None, **fields):
    """Somebody of the staff with the named permissions ("app.codename"). Who has any belongs to `organisation`, or to
    the one that all rows belong to unless told."""
    user, _ = get_user_model().objects.get_or_create(username=username, defaults={"is_staff": True, **fields})
    for name in permissions:
        app, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    if permissions or organisation:
        user.memberships.get_or_create(organisation=organisation or make_organisation())
    return user


def make_member(username: str, *keys: str, organisation: Organisation | None = None, **fields):
    """Somebody with these roles of portal.roles in `organisation`."""
    from portal import roles

    roles.write()  # a test with transactions of its own empties the tables
    user = make_user(username, organisation=organisation or make_organisation(), **fields)
    user.groups.add(*(roles.group(key) for key in keys))
    return user


def make_organisation(code: str = "990300", name: str = "青澜市生态环境局", **fields) -> Organisation:
    return Organisation.objects.get_or_create(code=code, defaults={"name": name, **fields})[0]


def make_office(organisation: Organisation | None = None, **fields) -> ReceivingOffice:
    fields = {"name": "青澜市生态环境局", "phone": "0000-1234567", "mailboxes": "office@qinglan.example"} | fields
    return ReceivingOffice.objects.get_or_create(organisation=organisation or make_organisation(), **fields)[0]


def make_round(slug: str = "central-1", name: str = "第一轮中央生态环境保护督察", **fields) -> InspectionRound:
    return InspectionRound.objects.get_or_create(slug=slug, defaults={"name": name, **fields})[0]


def make_task(number: int = 1, **fields) -> RectificationTask:
    fields = {"organisation": make_organisation(), "round": make_round(), "problem": "河道两岸堆放垃圾。"} | fields
    return RectificationTask.objects.create(number=number, **fields)


def make_evidence(
    task: RectificationTask, name: str = "清运后的河道.txt", content: bytes = b"2025", **fields
) -> Evidence:
    """A file of a task, checked and stored as an upload is."""
    evidence = Evidence(task=task, file=ContentFile(content, name), **fields)
    evidence.clean()
    evidence.save()
    return evidence


def make_draft(
    opens_on: datetime.date | None = None, closes_on: datetime.date | None = None, **fields
) -> PublicityNotice:
    """A draft by "zhang" with one task, two measures and their progress; open from today by the norm unless told."""
    opens_on = opens_on or timezone.localdate()
    if closes_on:  # as short as a test likes
        organisation = fields.get("organisation") or make_organisation()
        organisation.publicity_rules.get_or_create(defaults={"length": 1, "unit": "calendar"})
    tasks = fields.pop("tasks", None)
    organisation = fields.get("organisation") or make_organisation()
    notice = PublicityNotice.objects.create(
        **{
            "organisation": organisation,
            "title": "关于第一轮中央生态环境保护督察第一项整改任务的整改情况公示",
            "basis": "根据有关规定，现对青澜市整改工作进行公示。",
            "receiving_office": make_office(organisation),
            "signatories": "青澜市生态环境局",
            "signed_on": opens_on,
            "opens_on": opens_on,
            "closes_on": closes_on or Calendar().last_day(opens_on),
            "drafted_at": timezone.now(),
            "drafted_by": make_user("zhang"),
        }
        | fields
    )
    notice.tasks.set([make_task()] if tasks is None else tasks)
    for ordinal, (kind, heading, body) in enumerate(SECTIONS, 1):
        NoticeSection.objects.create(notice=notice, ordinal=ordinal, kind=kind, heading=heading, body=body)
    return notice


SECTIONS = [
    ("problem", "一、反馈问题内容", "青澜河两岸堆放垃圾。"),
    ("measures", "二、整改措施", "（一）清理河道。清运两岸垃圾。\n（二）加强巡查。每周巡查一次。"),
    ("progress", "三、工作开展情况", "（一）清理河道。已清运垃圾三百吨。\n（二）加强巡查。已巡查二十次。"),
    ("acceptance", "四、自我验收意见", "于2025年4月15日完成自我验收，达到销号标准。"),
]


def make_notice(
    opens_on: datetime.date | None = None, closes_on: datetime.date | None = None, **fields
) -> PublicityNotice:
    """A published notice, drafted by "zhang" and published by "li"; a past window makes it an archive notice."""
    notice = make_draft(opens_on, closes_on, **fields)
    notice.submit(by=make_user("zhang"))
    notice.publish(confirmed=True, by=make_user("li"), archive=True)
    return notice


def withdraw(notice: PublicityNotice, reason: str = "责任单位写错", **options) -> PublicityNotice:
    """Withdrawn as "zhang" proposed and "li" confirmed."""
    notice.propose_withdrawal(by=make_user("zhang"), reason=reason, **options)
    notice.withdraw(by=make_user("li"), **options)
    return notice


def make_files(*named: tuple[str, bytes]) -> list:
    """Uploads of these names and contents that passed the checks of the form."""
    return attachments.check_all([SimpleUploadedFile(name, content) for name, content in named])


def close(task: RectificationTask, closed_on: datetime.date, filing: str = "", **when) -> None:
    """Closed as "zhang" proposed and "li" signed, with no look at objections."""
    task.propose_closure(by=make_user("zhang"), closed_on=closed_on, filing=filing, **when)
    task.close(by=make_user("li"), **when)


def make_objection(notice: PublicityNotice | None = None, token: str = "token", files=(), **said):
    """An objection from the web form, with `files` of make_files."""
    from objections.models import Objection

    notice = notice or make_notice()
    now = timezone.now()
    said = {
        "kind": "individual",
        "anonymous": False,
        "name": "王小明",
        "phone": "0000-7654321",
        "email": "wang@citizen.example",
        "concerns": "notice",
        "content": "垃圾并没有清运。",
    } | said
    return Objection.objects.receive(
        edition=notice.edition, token=token, said=said, opened_at=now, at=now, attachments=files
    )
