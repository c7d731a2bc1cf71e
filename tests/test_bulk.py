"""One verb for several rows: how many is asked first, each is done by itself, every refusal is told and in the trail."""

import pytest
from django.contrib.admin.models import LogEntry

from notices.admin import bulk
from notices.models import TrailEntry
from tests.make import make_draft, make_member, make_notice, make_objection, make_user

pytestmark = pytest.mark.django_db
NOTICES, OBJECTIONS = "/admin/notices/publicitynotice/", "/admin/objections/objection/"


@pytest.fixture
def submitted():
    drafts = [make_draft(tasks=[], title=f"公示{number}") for number in range(3)]
    for draft in drafts:
        draft.sections.filter(kind="problem").update(body="环保督查发现河岸堆放垃圾。")  # a warning
        draft.submit(by=make_user("zhang"))
    return drafts


@pytest.fixture
def reviewer(client):
    client.force_login(make_member("li", "reviewer"))
    return client


def asked(client, url, action, rows, **said):
    return client.post(url, {"action": action, "_selected_action": [each.pk for each in rows]} | said)


def confirmed(client, url, page, **said):
    """The press of the button on the page that asks."""
    rows = [each.row for each in page.context["fitting"]]
    seen = {f"seen-{each.row.pk}": each.seen for each in page.context["fitting"]}
    return asked(client, url, page.context["action"], rows, _confirmed="1", **seen, **said)


def test_several_are_published_after_the_count_was_confirmed(reviewer, submitted):
    page = asked(reviewer, NOTICES, "publish_selected", submitted)
    assert "确认：审核发布 3 条" in page.content.decode()
    assert "提示：" in page.content.decode()  # what the checks say of each
    assert not any(each.editions.exists() for each in submitted)
    answer = confirmed(reviewer, NOTICES, page, confirmed="on")
    assert answer.status_code == 302
    assert all(each.editions.exists() for each in submitted)
    assert LogEntry.objects.filter(change_message__contains="审核发布").count() == 3
    assert TrailEntry.objects.filter(action="changed", by__username="li").count() == 3


def test_what_is_refused_is_told_by_its_row_and_the_others_are_done(reviewer, submitted):
    page = asked(reviewer, NOTICES, "publish_selected", submitted)
    submitted[0].send_back(by=make_user("li"), reason="补充")
    submitted[0].submit(by=make_user("zhang"))  # another draft than the one that was asked about
    type(submitted[1]).objects.filter(pk=submitted[1].pk).update(signatories="")
    answer = confirmed(reviewer, NOTICES, page, confirmed="on")
    told = {row.title: reason for row, _, reason in answer.context["refusals"]}
    assert "内容有变化" in told.pop("公示0")
    assert "没有落款单位" in told.pop("公示1")
    assert told == {}
    assert [each.editions.exists() for each in submitted] == [False, False, True]
    assert TrailEntry.objects.filter(action="refused").count() == 2


def test_without_the_look_at_the_warnings_nothing_is_published(reviewer, submitted):
    answer = confirmed(reviewer, NOTICES, asked(reviewer, NOTICES, "publish_selected", submitted))
    assert answer.status_code == 422
    assert not any(each.editions.exists() for each in submitted)


def test_too_many_at_once_are_refused(reviewer, submitted, monkeypatch):
    monkeypatch.setattr(bulk, "MOST", 2)
    answer = asked(reviewer, NOTICES, "publish_selected", submitted)
    assert "一次最多办理 2 条" in reviewer.get(answer.url).content.decode()


def test_what_has_left_the_list_meanwhile_is_told(reviewer, submitted):
    page = asked(reviewer, f"{NOTICES}?state=review", "publish_selected", submitted)
    submitted[0].send_back(by=make_user("li"), reason="补充")
    answer = confirmed(reviewer, f"{NOTICES}?state=review", page, confirmed="on")
    assert "另有 1 条已不在列表里" in reviewer.get(answer.url).content.decode()


def test_several_objections_are_accepted_and_given_to_somebody(client):
    handler = make_member("wu", "handler")
    client.force_login(handler)
    notice = make_notice()
    first, second = (make_objection(notice, token) for token in ("one", "two"))
    first.accept(by=handler)
    page = asked(client, OBJECTIONS, "accept_selected", [first, second])
    assert [each.row for each in page.context["fitting"]] == [second]
    assert confirmed(client, OBJECTIONS, page).status_code == 302
    page = asked(client, OBJECTIONS, "assign_selected", [first, second])
    assert confirmed(client, OBJECTIONS, page).status_code == 422  # to whom?
    assert confirmed(client, OBJECTIONS, page, to=handler.pk).status_code == 302
    for each in (first, second):
        each.refresh_from_db()
        assert (each.assigned_to, bool(each.accepted_at)) == (handler, True)


@pytest.mark.parametrize("action", ["accept_selected", "assign_selected", "delete_selected"])
def test_who_only_reads_has_no_actions(client, action):
    objection = make_objection()
    client.force_login(make_member("meng", "supervisor"))
    assert asked(client, OBJECTIONS, action, [objection], _confirmed="1").status_code == 403
    objection.refresh_from_db()
    assert not objection.accepted_at
