"""The public lists: what stands there, in which order, and what a filter leaves."""

import re

import pytest
from django.utils import timezone

from tests.test_public_pages import DAY, STATES, notice_in, page

from . import make

pytestmark = pytest.mark.django_db


# ---- lists


def test_the_filters_filter(client):
    shown = {state: notice_in(state, tasks=[], title=f"关于{state}的公示") for state in (*STATES, "withdrawn")}
    for state in shown:
        html = page(client, f"/notices/?state={state}")
        assert [f"关于{other}的公示" in html for other in shown] == [other == state for other in shown]
    year = timezone.localdate().year
    assert "共4份公示" in page(client, f"/notices/?year={year}")
    assert "没有找到公示" in page(client, "/notices/?year=2001")


def test_junk_in_the_filters_is_harmless(client):
    notice_in("open")
    for query in (
        "state=nonsense",
        "state=draft",
        "organisation=%00&round=%27%22&year=abcd",
        "year=²⁰²⁶",
        "year=99999",
        "page=-1",
        "page=99999999999999999999",
        "page=abc",
        "q=%F0%9F%92%A9&state=&round=&page=",
        "state=%3Cscript%3Ealert(1)%3C/script%3E",
        "page=2&" + "x=1&" * 50,
    ):
        html = page(client, f"/notices/?{query}")
        assert "<script>alert" not in html


def test_an_empty_result_says_what_to_do(client):
    html = page(client, "/notices/?state=withdrawn")
    assert "没有符合条件的公示" in html
    assert 'href="/notices/"' in html


def test_counts_on_the_home_page(client):
    for state in (*STATES, "withdrawn"):
        notice_in(state, tasks=[])
    html = page(client, "/")
    for state in (*STATES, "withdrawn"):
        assert f"/notices/?state={state}" in html
    assert re.findall(r'class="tile__count">(\d+)<', html) == ["1", "1", "1", "1"]


def test_the_story_of_a_task_is_told_in_order(client):
    today = timezone.localdate()
    task = make.make_task()
    task.round.feedback_on, task.round.plan_on = today - 400 * DAY, today - 300 * DAY
    task.round.save()
    first = make.make_notice(today - 60 * DAY, today - 50 * DAY, tasks=[task])
    li = make.make_user("li")
    make.close(task, today - 40 * DAY, "青环督办〔2026〕12号")
    task.reopen(by=li, reason="反弹。", at=timezone.now() - 30 * DAY)
    second = make.make_notice(tasks=[task])
    html = page(client, f"/tasks/{task.pk}/")
    told = html[html.index('id="story"') :]
    steps = ["督察组反馈问题", "印发整改方案", first.reference, "备案文号", "重新整改", second.reference]
    places = [told.index(step) for step in steps]
    assert places == sorted(places)
    assert "反弹" not in html
