"""Forms of the workplace in a real browser: order by dragging, keys and numbers; leaving; two people; the live count."""

import pytest
from playwright.sync_api import expect

from tests import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def desk(live_server, context, page, client):
    """A page of somebody who may do everything; what the browser complains of is in `complaints`."""
    client.force_login(make.make_user("han", is_superuser=True))
    context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}],
    )
    page.complaints = []
    page.on("console", lambda said: said.type == "error" and page.complaints.append(said.text))
    return page


@pytest.fixture
def task():
    task = make.make_task()
    for ordinal, text in enumerate(("甲", "乙", "丙"), 1):
        measure = task.measures.create(ordinal=ordinal, text=text)
        task.reports.create(ordinal=ordinal, measure=measure, text=f"{text}的进展")
    return task


def page_of(live_server, row) -> str:
    return f"{live_server.url}/admin/notices/{row._meta.model_name}/{row.pk}/change/"


def save(page) -> None:
    page.locator('.submit-row [name="_continue"]').last.click()
    page.wait_for_selector(".success")


def texts(rows) -> list[str]:
    return [each.text for each in rows.all()]


def test_rows_are_dragged_moved_by_keys_and_added(desk, live_server, task):
    desk.set_viewport_size({"width": 1280, "height": 2600})
    desk.goto(page_of(live_server, task))
    handles = desk.locator("[data-handle]:visible")
    start, end = handles.nth(2).bounding_box(), handles.nth(0).bounding_box()
    desk.mouse.move(start["x"] + 5, start["y"] + 5)
    desk.mouse.down()
    desk.mouse.move(end["x"] + 5, end["y"] - 5, steps=8)
    desk.mouse.up()
    save(desk)
    assert texts(task.measures) == ["丙", "甲", "乙"]
    assert texts(task.reports) == ["丙的进展", "甲的进展", "乙的进展"]
    desk.locator("[data-handle]:visible").first.press("ArrowDown")
    desk.get_by_role("button", name="再加一条措施").click()
    desk.locator("#id_measures-4-text").fill("丁")
    desk.locator(".pair:has(#measures-4) textarea").last.fill("丁的进展")
    save(desk)
    assert texts(task.measures) == ["甲", "丙", "乙", "丁"]
    assert task.reports.get(measure__text="丁").text == "丁的进展"
    assert desk.complaints == []


def test_numbers_put_sections_in_order(desk, live_server):
    draft = make.make_draft()
    desk.goto(page_of(live_server, draft))
    desk.fill("#id_sections-0-ordinal", "9")
    save(desk)
    assert draft.sections.last().kind == "problem"


def test_leaving_asks_while_something_is_not_saved(desk, live_server, task):
    asked = []
    desk.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    desk.goto(page_of(live_server, task))
    desk.goto(f"{live_server.url}/admin/")
    assert asked == []
    desk.goto(page_of(live_server, task))
    desk.fill("#id_problem", "改过的问题")
    save(desk)
    assert asked == []
    desk.fill("#id_problem", "又改了")
    desk.get_by_role("link", name="工作台").first.click()
    desk.wait_for_url(f"{live_server.url}/admin/")
    assert asked == ["beforeunload"]


def test_two_people_at_one_form(desk, live_server, task):
    desk.goto(page_of(live_server, task))
    type(task).objects.filter(pk=task.pk).update(problem="别人写的问题。")
    desk.fill("#id_problem", "我写的问题。")
    desk.fill("#id_objective", "我写的目标。")
    desk.locator('.submit-row [name="_continue"]').click()
    desk.wait_for_selector(".conflict")
    assert desk.input_value("#id_objective") == "我写的目标。"
    desk.get_by_label("用现在的").check()
    desk.get_by_role("button", name="按选择保存").click()
    desk.wait_for_selector(".success")
    task.refresh_from_db()
    assert (task.problem, task.objective) == ("别人写的问题。", "我写的目标。")
    assert [said for said in desk.complaints if "409" not in said] == []


def test_the_end_is_counted_while_the_first_day_is_chosen(desk, live_server):
    draft = make.make_draft()
    desk.goto(page_of(live_server, draft))
    desk.fill("#id_opens_on", "2025-04-30")
    desk.get_by_text("2025年5月16日").first.wait_for()
    desk.get_by_role("button", name="填入这一天").click()
    assert desk.input_value("#id_closes_on") == "2025-05-16"
    expect(desk.locator(".day--counts")).to_have_count(10)
    assert desk.complaints == []
