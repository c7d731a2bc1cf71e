"""What an objector does, in a real browser, with and without JavaScript: nothing typed is lost, nothing comes twice."""

import datetime
import json

import pytest
import time_machine
from django.utils import timezone

from objections import receipts, throttle
from objections.models import Objection, Supplement
from tests import make
from tests.browser.test_pages import check, watched  # noqa: F401 – a fixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TEXT = "北岸仍有垃圾，没有清运。"
SAID = {"kind": "individual", "name": "王小明", "phone": "0000-7654321", "content": TEXT, "consent": "on"}
MODES = [(1280, 900, True), (390, 844, True), (390, 844, False)]


@pytest.fixture
def notice(transactional_db):
    return make.make_notice(receiving_office=make.make_office(make.make_organisation(), late_days=3))


@pytest.fixture
def plain(browser):
    """A page on which no script runs."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    yield context.new_page()
    context.close()


@pytest.fixture
def visitor(request):
    """The page of a mode (width, height, script), and how to look at it: only a page with scripts can be examined."""
    width, height, scripted = request.param
    page = request.getfixturevalue("watched" if scripted else "plain")
    page.set_viewport_size({"width": width, "height": height})
    return page, check if scripted else lambda page, name: None


def form_of(live_server, notice) -> str:
    return f"{live_server.url}/notices/{notice.reference}/object/"


def fill(page, text: str = TEXT) -> None:
    page.locator("#id_content").fill(text)
    page.locator("#id_name").fill("王小明")
    page.locator("#id_phone").fill("0000-7654321")
    page.locator("#id_consent").check()


def submit(page) -> str:
    """Send the form; the number on the receipt."""
    page.get_by_role("button", name="提交异议").click()
    page.wait_for_url("**/objections/received/")
    return page.locator("#receipt-number").text_content()


def unfold(page, summary: str):
    page.locator("summary").get_by_text(summary, exact=True).click()


def kept(page) -> dict:
    return page.evaluate("({...localStorage})")


def add_material(page, look):
    unfold(page, "补充材料")
    page.get_by_role("button", name="提交补充材料").click()
    assert page.locator("#id_text").is_visible()
    look(page, "material with an error")
    page.locator("#id_text").fill("又拍到两处。")
    page.locator("#id_attachments").set_input_files({"name": "说明.txt", "mimeType": "text/plain", "buffer": b"two"})
    page.get_by_role("button", name="提交补充材料").click()
    assert page.get_by_text("补充材料已收到").is_visible()
    look(page, "material added")


def withdraw_and_ask_for_erasure(page, look):
    unfold(page, "撤回异议")
    page.get_by_role("button", name="撤回异议").click()
    look(page, "withdrawal with an error")
    page.locator("#withdraw_confirm").check()
    page.get_by_role("button", name="撤回异议").click()
    assert page.locator("h1").text_content() == "异议人已撤回"
    look(page, "withdrawn")
    unfold(page, "申请删除个人信息")
    page.get_by_role("button", name="申请删除").click()
    look(page, "erasure with an error")
    page.locator("#erase_confirm").check()
    page.get_by_role("button", name="申请删除").click()
    assert page.get_by_text("删除申请已收到").is_visible()
    look(page, "erasure asked")


@pytest.mark.parametrize("visitor", MODES, indirect=True, ids=str)
def test_object_track_add_withdraw_and_ask_for_erasure(visitor, live_server, notice):
    page, look = visitor
    page.goto(form_of(live_server, notice))
    page.locator("#id_content").fill(TEXT)
    assert page.get_by_text("会暂存在您的浏览器里").is_visible() == (look is check)  # only with scripts
    page.get_by_role("button", name="提交异议").click()
    page.locator(".error-summary").get_by_text("请填写姓名").wait_for()
    assert page.locator("#id_content").input_value() == TEXT
    fill(page)
    number = submit(page)
    look(page, "receipt")
    code = page.locator("#receipt-code").text_content()
    with page.expect_download() as saved:
        page.get_by_role("link", name="保存回执").click()
    assert code in saved.value.path().read_text()

    page.goto(f"{live_server.url}/objections/track/")
    heard = code.replace("-", "").lower()  # on the telephone, first with a character less
    for typed, answer in ((heard[:-1], "没有查到"), (heard, "办理经过")):
        page.locator("#id_code").fill(typed)
        page.get_by_role("button", name="查询").click()
        page.get_by_role("heading", name=answer).wait_for()
    look(page, "story")
    add_material(page, look)
    unfold(page, "下载本人数据")
    with page.expect_download() as data:
        page.get_by_role("button", name="下载").click()
    assert data.value.suggested_filename == f"{number}.zip"
    withdraw_and_ask_for_erasure(page, look)
    objection = Objection.objects.get()
    assert objection.withdrawn_at
    assert objection.erasure_asked_at
    assert Supplement.objects.get().attachments.count() == 1
    assert code.split("-")[0] not in page.url


# --- Text that is kept while typing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["the tab crashes", "the line is cut"])
def test_typed_text_is_offered_again_and_gone_after_the_receipt(watched, context, live_server, notice, how):  # noqa: F811
    page = watched
    page.goto(form_of(live_server, notice))
    assert not page.locator("[data-keep]").is_visible()
    fill(page)
    assert [json.loads(each)["text"] for each in kept(page).values()] == [TEXT]  # and neither name nor telephone
    if how == "the tab crashes":
        page.close(run_before_unload=False)
        page = context.new_page()
        page.wrong = []
    else:
        context.set_offline(True)
        page.get_by_role("button", name="提交异议").click()
        page.wait_for_timeout(300)
        context.set_offline(False)
        page.wrong.clear()
    page.goto(form_of(live_server, notice))
    assert page.locator("[data-keep]").is_visible()
    check(page, "kept text offered")
    page.locator("#id_content").press_sequentially("另外，")  # not chosen yet: neither text is lost
    assert json.loads(next(iter(kept(page).values())))["text"] == f"{TEXT}\n\n另外，"
    page.get_by_role("button", name="恢复").click()
    assert page.locator("#id_content").input_value() == f"{TEXT}\n\n另外，"
    assert not page.locator("[data-keep]").is_visible()
    fill(page)
    submit(page)
    assert kept(page) == {}


def test_kept_text_can_be_thrown_away_forgotten_and_lasts_a_day(page, live_server, notice):
    page.goto(form_of(live_server, notice))
    page.locator("#id_content").fill(TEXT)
    page.reload()
    page.get_by_role("button", name="丢弃").click()
    assert kept(page) == {}
    page.locator("#id_content").fill(TEXT)
    page.get_by_role("button", name="清除暂存的文字").click()
    page.locator("#id_content").press_sequentially("再写")
    assert kept(page) == {}
    for hours, there in ((23, True), (25, False)):
        old = {"text": TEXT, "at": (timezone.now().timestamp() - hours * 3600) * 1000}
        page.evaluate(
            "([key, old]) => localStorage.setItem(key, old)", [f"kept:object-{notice.reference}", json.dumps(old)]
        )
        page.goto(f"{live_server.url}/help/")  # any page clears what is too old
        assert bool(kept(page)) == there


def test_the_text_of_added_material_is_kept_too(page, live_server, notice):
    make.make_objection(notice)

    def open_story():
        page.goto(f"{live_server.url}/objections/track/")
        page.locator("#id_code").fill(receipts.code_for("token"))
        page.get_by_role("button", name="查询").click()
        unfold(page, "补充材料")

    open_story()
    page.locator("#id_text").fill(TEXT)
    open_story()
    page.get_by_role("button", name="恢复").click()
    page.get_by_role("button", name="提交补充材料").click()
    assert page.get_by_text("补充材料已收到").is_visible()
    assert kept(page) == {}


# --- The same form more than once -----------------------------------------------------------------------------------


@pytest.mark.parametrize("visitor", MODES[1:], indirect=True, ids=str)
def test_a_double_click_back_and_two_tabs_are_one_objection(visitor, live_server, notice):
    page, _ = visitor
    page.goto(form_of(live_server, notice))
    token = page.locator("[name=token]").get_attribute("value")
    fill(page)
    page.get_by_role("button", name="提交异议").dblclick(no_wait_after=True)
    page.wait_for_url("**/objections/received/")
    number, code = page.locator("#receipt-number").text_content(), page.locator("#receipt-code").text_content()
    page.reload()
    assert page.locator("#receipt-code").text_content() == code
    other = page.context.new_page()  # another tab with the same form, sent later
    other.context.request.post(form_of(live_server, notice), form=SAID | {"token": token})
    other.goto(f"{live_server.url}/objections/received/")
    assert other.locator("#receipt-number").text_content() == number
    assert Objection.objects.count() == 1


@pytest.mark.parametrize("visitor", MODES[1:], indirect=True, ids=str)
def test_the_same_form_with_other_words_asks_and_keeps_them(visitor, live_server, notice):
    page, look = visitor
    page.goto(form_of(live_server, notice))
    token = page.locator("[name=token]").get_attribute("value")
    page.context.request.post(form_of(live_server, notice), form=SAID | {"token": token})  # from another tab
    number = Objection.objects.get().number
    fill(page, "南岸也有。")
    page.get_by_role("button", name="提交异议").click()
    assert number in page.locator(".error-summary").text_content()
    look(page, "asked whether it is another one")
    assert page.locator("#id_content").input_value() == "南岸也有。"
    assert submit(page) != number
    assert Objection.objects.count() == 2


@pytest.mark.parametrize("visitor", MODES[1:], indirect=True, ids=str)
def test_what_nobody_takes_any_more_is_handed_back(visitor, live_server, notice):
    page, look = visitor
    page.goto(form_of(live_server, notice))
    fill(page)
    make.withdraw(notice)
    page.get_by_role("button", name="提交异议").click()
    assert page.locator("textarea[readonly]").input_value() == TEXT
    look(page, "handed back")


# --- After the close, and in a flood --------------------------------------------------------------------------------


@pytest.mark.parametrize("visitor", MODES, indirect=True, ids=str)
def test_the_late_lane(visitor, live_server, transactional_db):
    page, look = visitor
    today = timezone.localdate()
    office = make.make_office(make.make_organisation(), late_days=3)
    with time_machine.travel(timezone.now() - datetime.timedelta(days=20)):
        notice = make.make_notice(today - 19 * make.DAY, today - make.DAY, receiving_office=office)
    page.goto(f"{live_server.url}/notices/{notice.reference}/")
    look(page, "closed notice with a late lane")
    page.get_by_role("link", name="逾期提出异议").click()
    fill(page)
    look(page, "late form")
    submit(page)
    assert page.get_by_text("注明逾期").is_visible()
    assert Objection.objects.get().is_late
    office.late_days = 0
    office.save()
    page.goto(form_of(live_server, notice))
    assert page.get_by_role("heading", name="公示期已经结束").is_visible()


@pytest.mark.parametrize("visitor", MODES, indirect=True, ids=str)
def test_the_question_is_answered_in_words(visitor, live_server, notice, monkeypatch):
    page, look = visitor
    monkeypatch.setattr(throttle, "HASTY", 0)
    monkeypatch.setattr(throttle, "HASTE", datetime.timedelta(hours=1))
    monkeypatch.setattr(throttle, "_terms", lambda token: (5, 7))
    page.goto(form_of(live_server, notice))
    fill(page)
    page.get_by_role("button", name="提交异议").click()
    look(page, "question")
    assert page.locator("#id_content").input_value() == TEXT
    page.get_by_label("五加七等于几？").fill("十二")
    assert submit(page)
