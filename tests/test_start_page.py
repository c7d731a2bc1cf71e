"""The start page: each line counts what its link lists, and is shown to those whose work it is."""

import html
import re

import pytest
from django.utils import timezone

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
