"""The pages of a task and of a round: the whole story and the progress, from what editions made public."""

import datetime
import re

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notices.models import EditionTask, RectificationTask, Stage
from notices.task_views import Line, Share, units_of
from tests import make
from tests.make import DAY

pytestmark = pytest.mark.django_db


def page(client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def steps(html: str) -> list[str]:
    return [re.sub(r"<[^>]+>|\s", "", step) for step in re.findall(r'<li class="timeline__step.*?</li>', html)]


def test_the_whole_story_is_told_in_order(client):
    today = timezone.localdate()
    make.make_round(feedback_on=today - 900 * DAY, plan_on=today - 800 * DAY)
    task = make.make_task()
    notice = make.make_notice(today - 40 * DAY, today - 20 * DAY, tasks=[task])
    notice.begin_correction(by=make.make_user("zhang"), reason="更正联系电话")
    notice.submit(by=make.make_user("zhang"))
    notice.publish(confirmed=True, by=make.make_user("li"), at=timezone.now() - datetime.timedelta(seconds=1))
    task.propose_closure(by=make.make_user("zhang"), closed_on=today, filing="青督改办〔2026〕1号")
    closed = task.close(by=make.make_user("li"))
    task.reopen(by=make.make_user("li"), reason="内部原因")
    told = steps(page(client, f"/tasks/{task.pk}/"))
    marks = ["督察组反馈问题", "整改措施2条", "自我验收", "工作开展情况2条", "期满", "第2版", closed.filing, "重新整改"]
    order = [next(place for place, step in enumerate(told) if mark in step) for mark in marks]
    assert sorted(order) == sorted(set(order))
    assert order[0] < order[1] < order[3] < order[4] < order[5] < order[6] < order[7]
    assert "内部原因" not in "".join(told)


@pytest.mark.parametrize(("received", "said"), [(0, "没有收到异议"), (2, "收到异议2条")])
def test_the_end_of_a_window_tells_how_many_objected(client, received, said):
    today = timezone.localdate()
    task = make.make_task()
    notice = make.make_notice(today - 5 * DAY, today, tasks=[task])
    for number in range(received):
        make.make_objection(notice, token=f"token-{number}")
    assert "期满" not in "".join(steps(page(client, f"/tasks/{task.pk}/")))

    with time_machine.travel(timezone.now() + 2 * DAY):
        html = page(client, f"/tasks/{task.pk}/")
    assert said in "".join(steps(html))
    assert "王小明" not in html


def test_what_is_promised_stands_beside_what_is_told(client):
    draft = make.make_draft()
    draft.sections.filter(kind="progress").update(body="（一）清理河道。已清运垃圾三百吨。")
    draft.submit(by=make.make_user("zhang"))
    draft.publish(confirmed=True, by=make.make_user("li"))
    html = page(client, f"/tasks/{draft.tasks.get().pk}/")
    assert html.index("#measures-1") < html.index("已报告落实情况") < html.index("#measures-2")
    assert html.index("#measures-2") < html.index("未见落实情况")


LATER = {
    "title": "改后的简称",
    "number_text": "改后的序号",
    "deadline_text": "改后的时限",
    "deadline_on": datetime.date(2020, 1, 1),
    "responsible_units": "改后的单位",
}


def test_what_changes_in_the_ledger_is_not_public_before_the_next_edition(client):
    task = make.make_task(deadline_text="长期坚持", responsible_units="青澜市水务局", title="河道垃圾")
    notice = make.make_notice(tasks=[task])
    urls = [f"/rounds/{task.round.slug}/", f"/tasks/{task.pk}/", f"/notices/{notice.reference}/", "/rounds/"]
    before = [page(client, url) for url in urls]
    RectificationTask.objects.filter(pk=task.pk).update(**LATER)
    for url, earlier in zip(urls, before, strict=True):
        assert page(client, url) == earlier
    notice.begin_correction(by=make.make_user("zhang"), reason="时限有变")
    notice.submit(by=make.make_user("zhang"))
    notice.publish(confirmed=True, by=make.make_user("li"))
    now = page(client, urls[0])
    for said in ("改后的简称", "改后的序号", "改后的时限", "改后的单位", "逾期"):
        assert said in now


def test_a_task_without_a_public_notice_shows_its_number_and_stage_alone(client):
    make.make_task(title="保密的简称", responsible_units="保密的单位", deadline_on=datetime.date(2020, 1, 1))
    html = page(client, "/rounds/central-1/")
    assert "尚未公示" in html
    assert "整改中" in html
    assert "保密" not in html
    assert "逾期1项" not in html


def test_the_newest_standing_notice_tells(client):
    task = make.make_task(title="第一次")
    make.make_notice(tasks=[task])
    RectificationTask.objects.filter(pk=task.pk).update(title="第二次")
    second = make.make_notice(tasks=[task])
    assert EditionTask.objects.told().last().title == "第二次"
    make.withdraw(second)
    assert EditionTask.objects.told().last().title == "第一次"
    assert "第一次" in page(client, "/rounds/central-1/")


def test_the_overdue_come_first_and_the_longest_overdue_before_others(client):
    today = timezone.localdate()
    for number, due in ((1, None), (2, today), (3, today - DAY), (4, today - 9 * DAY)):
        make.make_notice(tasks=[make.make_task(number, deadline_on=due)])
    html = page(client, "/rounds/central-1/")
    assert re.findall(r'/tasks/\d+/" lang="zh-CN">(第\d项)', html) == ["第4项", "第3项", "第1项", "第2项"]
    assert re.findall(r"逾期(\d+)天", html) == ["9", "1"]
    assert "逾期2项" in html


def line(stage: Stage, units: str = "") -> Line:
    told = EditionTask(responsible_units=units)
    return Line(RectificationTask(), stage, told, timezone.localdate())


def test_a_bar_adds_up_and_leaves_out_what_is_not_there():
    share = Share("甲县", [line(stage) for stage in (Stage.CLOSED, Stage.RECTIFYING, Stage.CLOSED, Stage.REOPENED)])
    assert share.parts() == [(Stage.CLOSED, 0, 2), (Stage.RECTIFYING, 2, 1), (Stage.REOPENED, 3, 1)]
    assert share.closed() == 2


def test_units_are_told_apart_and_counted_once():
    assert units_of(line(Stage.CLOSED, "甲县政府、乙局，甲县政府；丙局。")) == ["甲县政府", "乙局", "丙局"]


def test_the_round_tells_what_changed_lately_but_not_what_is_to_come(client):
    make.make_notice(tasks=[make.make_task(1)], title="已经公开")
    draft = make.make_draft(timezone.localdate() + 9 * DAY, tasks=[make.make_task(2)], title="定时的公示")
    draft.submit(by=make.make_user("zhang"))
    draft.publish(confirmed=True, by=make.make_user("li"), public_from=timezone.now() + DAY)
    html = page(client, "/rounds/central-1/")
    assert "已经公开" in html
    assert "定时的公示" not in html


@pytest.mark.parametrize("url", ["/rounds/", "/rounds/central-1/"])
def test_queries_do_not_grow(client, url):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page(client, url)
        return len(captured)

    make.make_notice(tasks=[make.make_task(1)])
    few = queries()
    for number in range(2, 8):
        make.make_notice(tasks=[make.make_task(number)])
    assert queries() == few
