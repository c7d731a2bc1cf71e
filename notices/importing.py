"""A notice that was read from a file, stored as the rows of a draft. One transaction; run twice, stored once."""

import dataclasses
import datetime

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.text import Truncator

from . import windows
from .documents import rendering, statements
from .documents.notice import Item, NoticeDocument, Section, TaskReference, Window
from .documents.reading import Reading
from .models import (
    CalendarDay,
    Edition,
    InspectionRound,
    NotAllowed,
    NoticeSection,
    Organisation,
    PublicityNotice,
    ReceivingOffice,
    RectificationTask,
)

COMMAND_LINE = "command-line"


class Refused(Exception):
    """Nothing was stored; `faults` names every reason with its place, in the words of whoever has to put it right."""

    def __init__(self, faults: list[str]):
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclasses.dataclass(frozen=True)
class Options:
    """How to import: see the command import_notice, whose arguments these are."""

    organisation: str
    create: bool = False
    mailbox: str = ""
    publish: bool = False
    drafter: object | None = None
    approver: object | None = None
    window: tuple[datetime.date, datetime.date] | None = None


@dataclasses.dataclass(frozen=True)
class Imported:
    """What an import came to: the notice, whether it was new, and what a person should look at."""

    notice: PublicityNotice
    new: bool
    remarks: list[str]


@transaction.atomic
def store(reading: Reading, options: Options, *, at: datetime.datetime | None = None) -> Imported:
    """Store what was read as a draft, or as a published notice. Raises Refused; then nothing is stored."""
    at = at or timezone.now()
    document = _rewindowed(reading.document, options.window)
    remarks = [f"{remark.place}:{remark.text}" for remark in reading.remarks]
    organisation, office = _parties(document, options)
    tasks = _tasks(document, organisation, remarks)
    notice, new = _draft(document, organisation, office, tasks, options, at)
    findings = notice.findings() if new else []
    remarks += [f"{'错误' if each.level == 'error' else '提示'} {each.place}:{each.text}" for each in findings]
    if options.publish and not notice.reference:
        _publish(notice, options, at)
    return Imported(notice, new, remarks)


def command_line_user():
    """The user that stands for the command line in the record: it cannot log in."""
    user, new = get_user_model().objects.get_or_create(
        username=COMMAND_LINE, defaults={"is_active": False, "last_name": "命令行"}
    )
    if new:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


def _rewindowed(document: NoticeDocument, window: tuple | None) -> NoticeDocument:
    """The document with another window: its dates, the sentence that states them, and the signing date."""
    if not window:
        return document
    opens_on, closes_on = window
    if closes_on < opens_on:
        raise Refused([f"公示期：结束日期 {closes_on} 早于开始日期 {opens_on}。"])
    try:
        working_days = CalendarDay.objects.all().as_calendar().count(opens_on, closes_on)
    except windows.TooLong as error:
        raise Refused([f"公示期：{opens_on} 至 {closes_on} 太长，请核对年份。"]) from error
    window = Window(opens_on=opens_on, closes_on=closes_on, working_days=working_days)
    return dataclasses.replace(
        document,
        window=dataclasses.replace(window, working_days=None),
        basis=statements.restate_window(document.basis, window),
        sections=tuple(_restated(section, window) for section in document.sections),
        signed_on=opens_on if document.signed_on else None,
    )


def _restated(section: Section, window: Window) -> Section:
    return dataclasses.replace(
        section,
        paragraphs=tuple(statements.restate_window(text, window) for text in section.paragraphs),
        items=tuple(
            dataclasses.replace(item, text=statements.restate_window(item.text, window)) for item in section.items
        ),
    )


# --- Organisation and office -----------------------------------------------------------------------------------------


def _parties(document: NoticeDocument, options: Options) -> tuple[Organisation, ReceivingOffice | None]:
    """The publishing organisation and the receiving office, made where they are new and may be made."""
    if options.mailbox:
        try:
            validate_email(options.mailbox)
        except ValidationError as error:
            raise Refused([f"--mailbox:“{options.mailbox}”不是邮箱地址。"]) from error
    organisation = Organisation.objects.filter(code=options.organisation).first()
    if not organisation:
        organisation = _new_organisation(document, options)
    return organisation, _office(document, organisation, options)


def _new_organisation(document: NoticeDocument, options: Options) -> Organisation:
    if not options.create:
        raise Refused([f"单位：没有代码为 {options.organisation} 的单位。请先在后台登记，或加 --create 按落款新建。"])
    name = next(iter(document.signatories), "") or (document.office.name if document.office else "")
    if not name:
        raise Refused(["单位：公示没有落款，不知道新单位的名称。请先在后台登记单位。"])
    is_bureau = "生态环境" in name or "环境保护" in name
    kind = Organisation.Kind.ECOLOGY_BUREAU if is_bureau else Organisation.Kind.OTHER
    return _checked(Organisation(code=options.organisation, name=name, kind=kind), "单位")


def _office(document: NoticeDocument, organisation: Organisation, options: Options) -> ReceivingOffice | None:
    printed = document.office
    if not printed:
        return None
    for office in organisation.receiving_offices.all():
        if _agrees(office, printed):
            return _with_mailbox(office, options.mailbox)
    if not options.create:
        raise Refused(
            [
                f"受理部门：“{printed.name}”（电话 {printed.phone or '未写'}）没有登记。请先在后台登记，或选择新建（命令行加 --create）。"
            ]
        )
    office = ReceivingOffice(organisation=organisation, mailboxes=options.mailbox, **dataclasses.asdict(printed))
    office.name = office.name or organisation.name
    return _checked(office, "受理部门")


def _agrees(office: ReceivingOffice, printed) -> bool:
    """Whether `office` is the one that the notice names: same name, and nothing printed that differs."""
    if printed.name and office.name != printed.name:
        return False
    return all(getattr(printed, part) in ("", getattr(office, part)) for part in ("phone", "email", "address"))


def _with_mailbox(office: ReceivingOffice, mailbox: str) -> ReceivingOffice:
    if mailbox and mailbox not in office.mailbox_list():
        office.mailboxes = "\n".join([*office.mailbox_list(), mailbox])
        office.save(update_fields=["mailboxes"])
    return office


def _checked(row, place: str):
    """`row`, saved after its own checks; their messages become the faults."""
    try:
        row.full_clean()
    except ValidationError as error:
        raise Refused([f"{place}:{fault}" for fault in _faults(row, error)]) from error
    row.save()
    return row


def _faults(row, error: ValidationError) -> list[str]:
    """Each message with the name of its field, where it belongs to one."""
    names = {field.name: f"{field.verbose_name}：" for field in row._meta.fields}
    return [names.get(name, "") + text for name, texts in error.message_dict.items() for text in texts]


# --- Round and tasks ---------------------------------------------------------------------------------------------------


def _tasks(document: NoticeDocument, organisation: Organisation, remarks: list[str]) -> list[RectificationTask]:
    """The ledger rows of the tasks that the notice names. What is already recorded is never overwritten."""
    if not document.tasks:
        remarks.append("任务：没有认出任务序号或受理编号，公示未关联整改任务。")
    tasks = []
    for place, reference in enumerate(document.tasks):
        round_ = _round(reference, organisation, remarks)
        if round_:
            tasks.append(_task(document, reference, round_, organisation, place))
    return tasks


def _round(reference: TaskReference, organisation: Organisation, remarks: list[str]) -> InspectionRound | None:
    if not reference.round:
        remarks.append(f"任务：“{reference.number_text}”没有写明督察轮次，未关联整改任务。")
        return None
    ordinal, level, kind = statements.read_round(reference.round)
    known = InspectionRound.objects.filter(name=reference.round).first()
    if known:
        return known
    stem = "-".join(filter(None, [level, str(ordinal or ""), kind if kind != "routine" else ""])).replace("_", "-")
    taken = set(InspectionRound.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    slug = next(
        name for number in range(len(taken) + 1) if (name := f"{stem}-{number + 1}" if number else stem) not in taken
    )
    return InspectionRound.objects.create(name=reference.round, slug=slug, level=level, kind=kind, ordinal=ordinal)


def _task(document, reference: TaskReference, round_, organisation, place: int) -> RectificationTask:
    petition = reference.number is None
    identity = (
        {"kind": "petition", "case_number": reference.number_text}
        if petition
        else {"kind": "task", "number": reference.number, "sub_number": reference.sub_number}
    )
    share = _Share(document, place)
    task, _ = RectificationTask.objects.get_or_create(
        organisation=organisation,
        round=round_,
        **identity,
        defaults={
            "number_text": "" if petition else reference.number_text,
            "problem": share.text("problem") or document.title,
            "objective": share.text("objective"),
            "deadline_text": Truncator(share.text("deadline")).chars(200),
            "deadline_on": statements.find_deadline(share.text("deadline")),
            "responsible_units": Truncator(share.text("responsible")).chars(500),
        },
    )
    if not task.measures.exists():
        measures = [task.measures.create(**dataclasses.asdict(item)) for item in share.items("measures")]
        by_ordinal = {measure.ordinal: measure for measure in measures}
        for item in share.items("progress"):
            task.reports.create(measure=by_ordinal.get(item.ordinal), **dataclasses.asdict(item))
    accepted = document.acceptance
    if accepted and accepted.accepted_on:
        task.acceptances.get_or_create(
            accepted_on=accepted.accepted_on,
            defaults={"conclusion": accepted.conclusion, "opinion": share.text("acceptance")},
        )
    return task


class _Share:
    """What of a notice belongs to its task number `place`: everything when there is one task, else the items in order."""

    def __init__(self, document: NoticeDocument, place: int):
        self.document, self.place, self.alone = document, place, len(document.tasks) == 1

    def items(self, kind: str) -> list[Item]:
        section = self.document.section(kind)
        items = list(section.items) if section else []
        if self.alone:
            return items
        return items[self.place : self.place + 1] if len(items) == len(self.document.tasks) else []

    def text(self, kind: str) -> str:
        section = self.document.section(kind)
        if not section:
            return ""
        if not self.alone and len(section.items) == len(self.document.tasks):
            section = dataclasses.replace(section, paragraphs=(), items=tuple(self.items(kind)))
        return rendering.section_text(section)


# --- The notice -----------------------------------------------------------------------------------------------------------


def _draft(document, organisation, office, tasks, options: Options, at) -> tuple[PublicityNotice, bool]:
    """The notice of this document and whether it is new. Raises Refused for one that exists and says something else."""
    window = document.window
    by = options.drafter or command_line_user()
    earlier = [
        notice
        for notice in PublicityNotice.objects.filter(
            organisation=organisation, title=document.title, opens_on=window.opens_on if window else None
        ).prefetch_related("tasks")
        if set(notice.tasks.all()) == set(tasks)
    ]
    with transaction.atomic():
        notice = _write(document, organisation, office, tasks, by, at)
        if not earlier:
            return notice, True
        wanted = notice.document()
        transaction.set_rollback(True)
    for known in earlier:
        if _content(known) == wanted:
            return known, False
    known = earlier[0]
    name = f"已发布，编号 {known.reference}" if known.reference else f"草稿 {known.pk}"
    raise Refused([f"公示：同一标题、任务和开始日期的公示已经存在（{name}），内容不同。请在后台更正那一份。"])


def _content(notice: PublicityNotice) -> NoticeDocument:
    """What a stored notice says, without what publication added."""
    if not notice.edition:
        return notice.document()
    return dataclasses.replace(notice.edition.read(), reference="", edition=0, reason="", salt="")


def _write(document, organisation, office, tasks, by, at) -> PublicityNotice:
    window = document.window
    notice = _checked(
        PublicityNotice(
            organisation=organisation,
            stage=document.stage,
            title=document.title,
            basis=document.basis,
            receiving_office=office,
            signatories=" ".join(document.signatories),
            signed_on=document.signed_on,
            opens_on=window.opens_on if window else None,
            closes_on=window.closes_on if window else None,
            created_at=at,
            drafted_at=at,
            drafted_by=by,
        ),
        "公示",
    )
    notice.tasks.set(tasks)
    NoticeSection.objects.bulk_create(
        NoticeSection(
            notice=notice,
            ordinal=ordinal,
            kind=section.kind,
            heading=section.heading,
            body=rendering.section_text(section),
        )
        for ordinal, section in enumerate(document.sections, 1)
    )
    return notice


def _publish(notice: PublicityNotice, options: Options, at) -> Edition:
    try:
        if options.approver:
            notice.submit(by=options.drafter, at=at)
            return notice.publish(by=options.approver, archive=True, confirmed=True, at=at)
        return notice.publish(by=command_line_user(), via=Edition.Via.COMMAND, archive=True, confirmed=True, at=at)
    except NotAllowed as refusal:
        raise Refused([f"发布：{refusal}"]) from refusal
