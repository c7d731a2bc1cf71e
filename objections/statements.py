"""The outcome statement (公示情况说明): what became of a notice's publicity, computed from the facts at one moment.

Every sentence is made of counts and dates; none stands ready.
"""

import datetime

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from notices.documents.reports import Line, Part, Piece, Report, line
from notices.models import Outage, PublicityNotice, State
from notices.models.showing import window_span

from . import outcomes
from .models import Objection
from .models.queue import LATE, PENDING

Channel, Finding = Objection.Channel, Objection.Finding

STEPS = {"accepted": "已受理", "declined": "不予受理", "replied": "已答复", "done": "已办结", "withdrawn": "异议人撤回"}
ORDINALS = "一二三四五六七八九"


def statement(notice: PublicityNotice, now: datetime.datetime | None = None) -> Report:
    """What the acceptance file needs to know of a notice's publicity, as it stands at `now`."""
    now = now or timezone.now()
    parts = [_window(notice), _editions(notice), _displays(notice), _outages(notice, now)]
    parts += [in_numbers(notice, now), _each(notice), _tallies(notice)]
    return Report(
        title="公示情况说明",
        subject=f"{notice.edition.title}（{notice.reference}）",
        publisher=notice.organisation.name,
        notes=_notes(notice, timezone.localdate(now)),
        parts=tuple(
            Part(f"{ORDINALS[number]}、{part.heading}", part.lines, part.head, part.rows)
            for number, part in enumerate(part for part in parts if part)
        ),
        made=f"生成时间：{_minute(now)}。本说明由系统按记录计算，不含异议人信息。",
    )


def _notes(notice: PublicityNotice, today: datetime.date) -> tuple[str, ...]:
    state = notice.state(today)
    if state == State.WITHDRAWN:
        return (f"本公示已于{_minute(notice.withdrawn_at)}撤回。撤回原因：{notice.withdrawal_reason}",)
    return () if state == State.CLOSED else ("公示期尚未结束，以下不是最后的数字。",)


def _window(notice: PublicityNotice) -> Part:
    edition, window = notice.edition, notice.edition.read().window
    days = f"，共{window.working_days}个工作日" if window.working_days else ""
    said = f"{_day(edition.opens_on)}至{_day(edition.closes_on)}{days}。发布单位：{notice.organisation.name}；"
    said += f"受理部门：{edition.receiving_office.name}。"
    if notice.is_archive:
        said += f"本公示为补录，录入时间{_minute(notice.published_at)}。"
    return Part("公示期", (line(said),))


def _editions(notice: PublicityNotice) -> Part:
    lines = []
    for edition in notice.editions.visible().order_by("number"):
        url = reverse("notices:edition", args=[notice.reference, edition.number])
        reason = f"，更正说明：{edition.reason}" if edition.reason else ""
        lines.append((Piece(f"第{edition.number}版", url), Piece(f"，{_minute(edition.published_at)}发布{reason}")))
    return Part("版本", tuple(lines))


def _displays(notice: PublicityNotice) -> Part:
    """This site, which shows the notice from its publication on, and every place that staff recorded."""
    address = settings.SITE_URL + reverse("notices:notice", args=[notice.reference])
    said = [line(f"本网站：{address}，{_minute(notice.published_at)}起公开。")]
    displays = list(notice.displays.all())
    said.append(line(f"其他展示：已登记{len(displays)}处。"))
    rows = tuple(
        (
            line(each.get_kind_display()),
            line(f"{each.shown_from:%Y-%m-%d}至{f'{each.shown_to:%Y-%m-%d}' if each.shown_to else '今'}"),
            line("有", reverse("admin:notices_display_photo", args=[each.pk])) if each.photo else line("无"),
            line(each.place),
        )
        for each in displays
    )
    return Part("展示情况", tuple(said), ("方式", "起止日期", "照片", "地点"), rows)


def _outages(notice: PublicityNotice, now: datetime.datetime) -> Part:
    """How long the site was away within the window, as measured or entered, up to `now`."""
    since, until = window_span(notice.edition)
    until = min(until, now)
    found = Outage.objects.within(since, until)
    minutes = sum(round((ended - begun).total_seconds() / 60) for begun, ended in found)
    said = f"公示期内有记录的停机{len(found)}次" + (f"，合计{minutes}分钟。" if found else "。")
    recorded = Outage.objects.overlapping(since, until).order_by("begun_at")
    rows = tuple(
        (
            line(_minute(each.begun_at)),
            line(_minute(each.ended_at) if each.ended_at else "尚未恢复"),
            line(each.get_source_display()),
            line(each.note or "—"),
        )
        for each in recorded
    )
    return Part("停机情况", (line(said),), ("开始", "恢复", "来源", "说明"), rows)


def in_numbers(notice: PublicityNotice, now: datetime.datetime) -> Part:
    """How many objections came, by which way, when, and what became of them: counts alone."""
    queries = _queries()
    found = outcomes.count(notice, outcomes.TOTALS | {name: kind for name, (_, kind, _) in queries.items()})
    listed = reverse("admin:objections_objection_changelist")

    def figure(label: str, name: str, filters: dict) -> Line:
        url = f"{listed}?{urlencode({'notice__id__exact': notice.pk} | filters)}"
        return Piece(f"{label} "), Piece(str(found[name]), url), Piece(" 条")

    rows = [(line("总数"), figure("收到", "received", {}))]
    for name, members in GROUPS.items():
        figures = [figure(queries[each][0], each, queries[each][2]) for each in members]
        rows.append((line(name), tuple(piece for each in figures for piece in (*each, Piece("，")))[:-1]))
    return Part("收到的异议", (line(summary(notice, found, timezone.localdate(now))),), ("项目", "数量"), tuple(rows))


def _each(notice: PublicityNotice) -> Part | None:
    rows = tuple(
        (
            line(each.number, reverse("admin:objections_objection_change", args=[each.pk])),
            line(f"{each.received_on:%Y-%m-%d}"),
            line(each.get_channel_display()),
            line("公示期结束后" if each.is_late else "公示期内"),
            line(f"{timezone.localdate(each.replied_at):%Y-%m-%d}" if each.replied_at else "尚未答复"),
            line(_outcome(each)),
        )
        for each in notice.objections.impersonal().select_related("notice__edition").order_by("received_at", "id")
    )
    head = ("受理编号", "收到日期", "渠道", "提出时间", "答复日期", "结果")
    return Part("逐条情况", head=head, rows=rows) if rows else None


def _outcome(objection: Objection) -> str:
    if objection.finding:
        return objection.get_finding_display()
    return f"不予受理：{objection.decline_reason}" if objection.declined_at else objection.status.label


def _tallies(notice: PublicityNotice) -> Part:
    said = [
        line(
            f"第{tally.sequence}行，{_minute(tally.tallied_at)}："
            f"收到{tally.received}条，其中公示期结束后{tally.late}条。"
        )
        for tally in notice.tallies.order_by("sequence")
    ]
    return Part("公示日志中的计数", tuple(said) or (line("公示日志中还没有这份公示的计数。"),))


GROUPS = {
    "渠道": Channel.values,
    "提出时间": ("timely", "late"),
    "核查结论": Finding.values,
    "办理": (*STEPS, "pending"),
}


def _queries() -> dict[str, tuple[str, Q, dict]]:
    """name → label, condition, filter of the staff list."""
    return {
        **{each.value: (each.label, Q(channel=each), {"channel__exact": each.value}) for each in Channel},
        **{each.value: (each.label, Q(finding=each), {"finding__exact": each.value}) for each in Finding},
        **{
            step: (label, Q(**{f"{step}_at__isnull": False}), {f"{step}_at__isnull": "False"})
            for step, label in STEPS.items()
        },
        "timely": ("公示期内提出", ~LATE, {"late": "no"}),
        "late": ("公示期结束后提出", LATE, {"late": "yes"}),
        "pending": ("尚未办结", PENDING, {"queue": "pending"}),
    }


def summary(notice: PublicityNotice, found: dict[str, int], today: datetime.date) -> str:
    """One sentence, true of these counts on `today`."""
    received, late = found["received"], found["late"]
    if notice.is_archive:
        return f"本公示为补录，录入前的异议本系统没有记录；录入后收到异议 {received} 条。"
    if notice.state(today) != State.CLOSED:
        return f"截至本说明生成时收到异议 {received} 条。"
    if not received:
        return "公示期间未收到异议。"
    if received == late:
        return f"公示期内未收到异议，公示期结束后收到 {late} 条。"
    return f"共收到异议 {received} 条，其中公示期内提出 {received - late} 条，公示期结束后提出 {late} 条。"


def _day(day: datetime.date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _minute(at: datetime.datetime) -> str:
    at = timezone.localtime(at)
    return f"{_day(at)} {at:%H:%M}"
