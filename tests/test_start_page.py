"""The start page: each line counts what its link lists, and is shown to those whose work it is."""

import datetime
import html
import re

import pytest
from django.utils import timezone

from notices.admin import alarms
from notices.models import CalendarDay, LogAudit, MailPause
from tests.make import DAY, make_draft, make_notice, make_objection, make_organisation, make_task, make_user

pytestmark = pytest.mark.django_db

EDITOR = ("notices.view_publicitynotice", "notices.change_publicitynotice", "notices.view_rectificationtask")
REVIEWER = ("notices.view_publicitynotice", "notices.publish_publicitynotice")
HANDLER = ("objections.view_objection", "objections.handle_objection")


def start(client, username: str, *permissions: str) -> dict[str, tuple[int, str]]:
    """Text → (count, address) of every line that the start page shows to this user."""
    client.force_login(make_user(username, *permissions))
    page = client.get("/admin/").content.decode()
    lines = re.findall(r'<a href="([^"]+)"[^>]*>([^<]+) <strong>(\d+)</strong>', page)
    return {text: (int(count), html.unescape(url)) for url, text, count in lines}


def listed(client, url: str) -> int:
    return client.get(url).context["cl"].result_count


def test_each_line_counts_what_its_list_shows(client):
    make_user("li", *REVIEWER)
    today = timezone.localdate()
    monday = today - DAY * today.weekday()
    for title in ("甲", "乙"):
        back = make_draft(title=title, tasks=[])
        back.submit(by=make_user("zhang"))
        back.send_back(by=make_user("li"), reason="落款写错")
    make_draft(title="丙", tasks=[])
    make_draft(title="丁", tasks=[], drafted_by=make_user("zhao")).submit(by=make_user("zhao"))
    make_notice(monday, monday + 6 * DAY, title="戊", tasks=[make_task(7)])
    shown = start(client, "zhang", *EDITOR)
    assert {text: count for text, (count, _) in shown.items()} == {
        "审核退回、等我修改的公示": 2,
        "我起草、还没有送审的公示": 3,
        "本周开始公示": 1,
        "本周公示期满": 1,
    }
    assert [listed(client, url) for _, url in shown.values()] == [2, 3, 1, 1]
    (count, url) = start(client, "li", *REVIEWER)["别人起草、等待审核的公示"]
    assert (count, listed(client, url)) == (1, 1)
    assert "别人起草、等待审核的公示" not in start(client, "zhao", *EDITOR[:2])


def test_objections_stand_by_their_dates_before_their_handlers_only(client):
    notice = make_notice()
    late, soon = make_objection(notice, "a" * 40), make_objection(notice, "b" * 40)
    type(late).objects.filter(pk=late.pk).update(decide_by=timezone.localdate() - DAY)
    type(soon).objects.filter(pk=soon.pk).update(decide_by=timezone.localdate() + 3 * DAY)
    shown = start(client, "wu", *HANDLER)
    assert [(text, count) for text, (count, _) in shown.items() if "异议" in text] == [
        ("已过期限的异议", 1),
        ("7 天内到期的异议", 1),
        ("等待受理的异议", 2),
    ]
    assert [listed(client, url) for text, (_, url) in shown.items() if "异议" in text] == [1, 1, 2]
    assert not [text for text in start(client, "zhang", *EDITOR) if "异议" in text]


def test_the_tasks_of_a_round_stand_by_stage_and_each_figure_leads_to_its_list(client):
    make_task(1)
    make_task(2).acceptances.create(accepted_on=timezone.localdate(), conclusion="达到销号标准")
    client.force_login(make_user("zhang", *EDITOR))
    page = client.get("/admin/").content.decode()
    links = dict(re.findall(r'<a href="([^"]*round__id__exact[^"]+)"[^>]*>(\d+)</a>', page))
    assert sorted(links.values()) == ["1", "1", "2"]
    for url, count in links.items():
        assert listed(client, html.unescape(url)) == int(count)


def test_rows_of_other_organisations_are_not_counted(client):
    make_draft(organisation=make_organisation("990400", "云岭市生态环境局"), tasks=[])
    make_user("stranger", *REVIEWER, organisation=make_organisation("990500", "远山市生态环境局"))
    assert start(client, "stranger") == {}
    client.force_login(make_user("stranger"))
    assert "没有等您办理的事项" in client.get("/admin/").content.decode()


def test_a_second_person_is_asked_for(client):
    notice, task = make_notice(opens_on=timezone.localdate()), make_task(5)
    notice.propose_withdrawal(by=make_user("zhang"), reason="责任单位写错")
    task.closures.create(closed_on=timezone.localdate(), proposed_at=timezone.now(), proposed_by=make_user("zhang"))
    urgent = make_draft(title="紧急", tasks=[])
    urgent.publish_in_emergency(by=make_user("zhang"), emergency_reason="台风", confirmed=True)
    close = ("notices.view_rectificationtask", "notices.close_rectificationtask")
    shown = start(client, "li", *REVIEWER, *close)
    for text in ("提议撤回、等待确认的公示", "紧急发布、等待第二人确认的公示", "提议销号、等待确认的任务"):
        assert (shown[text][0], listed(client, shown[text][1])) == (1, 1), text


def warned(client, username: str, *permissions: str) -> str:
    client.force_login(make_user(username, *permissions))
    page = client.get("/admin/").content.decode()
    return page.partition("请先处理")[2].partition("要办的")[0]


def test_each_is_warned_of_what_they_can_act_on(client):
    now = timezone.now()
    MailPause.objects.begin(now, "连接被拒绝", DAY)
    LogAudit.objects.create(audited_at=now, count=1, differences=["第 3 行不符"])
    handler, editor = warned(client, "wu", *HANDLER), warned(client, "zhang", *EDITOR)
    reviewer = warned(client, "li", *REVIEWER)
    assert ("等待发出" in handler, "等待发出" in editor, "等待发出" in reviewer) == (True, False, False)
    assert ("核对公示日志" in handler, "核对公示日志" in editor, "核对公示日志" in reviewer) == (False, False, True)
    client.force_login(make_user("boss", is_superuser=True))
    page = client.get("/admin/").content.decode()
    assert "等待发出" in page
    assert "核对公示日志" in page


def test_mails_that_do_not_get_out_are_told_to_their_own_office(client):
    objection = make_objection(make_notice())
    objection.mails.update(refused_at=timezone.now())
    count = objection.mails.count()
    assert f"{count} 封邮件被收件方拒收" in warned(client, "wu", *HANDLER)
    stranger = make_user("stranger", *HANDLER, organisation=make_organisation("990400", "云岭市生态环境局"))
    assert "拒收" not in warned(client, stranger.username)
    assert "拒收" not in warned(client, "zhang", *EDITOR)


@pytest.mark.parametrize(("day", "missing"), [((2031, 9, 30), False), ((2031, 10, 1), True)])
def test_next_years_calendar_is_asked_for_from_october_on(day, missing):
    now = timezone.make_aware(datetime.datetime(*day, 12))  # noqa: DTZ001 – made aware at once
    CalendarDay.objects.create(date=datetime.date(2031, 1, 1), working=False, name="元旦", source="公告")
    assert ("calendar 2032" in {alarm.name for alarm in alarms.alarms(now)}) is missing
