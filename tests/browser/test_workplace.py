"""A notice from an uploaded Word file to closure, by everybody who has a part in it, all in a real browser: nothing is
refused by the security policy, nothing is fetched from elsewhere, and each finds the next step by what the page says."""

import datetime
import io
import zoneinfo

import docx
import pytest
import time_machine
from django.utils import timezone

from notices.models import PublicityNotice, RectificationTask, TrailEntry
from tests import make
from tests.test_login import PASSWORD, code_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHANGHAI = zoneinfo.ZoneInfo("Asia/Shanghai")
OPENING, AFTER = (datetime.datetime(2025, 7, day, 9, tzinfo=SHANGHAI) for day in (3, 18))
TITLE = "关于第二轮省级生态环境保护督察第八项整改任务的整改情况公示"
TEXT = f"""{TITLE}
根据《青澜市督察整改销号办法》，现对第二轮省级生态环境保护督察第八项整改任务完成情况进行公示。
一、反馈问题内容
青澜河北岸堆放垃圾。
二、整改措施
（一）清理河道。清运两岸垃级。
（二）加强巡查。每周巡查一次。
三、工作开展情况
（一）清理河道。已清运垃圾三百吨。
（二）加强巡查。已巡查二十次。
四、自我验收意见
2025年6月20日完成自我验收，达到销号标准。
公示期为2025年7月3日至2025年7月16日。如有异议，请联系青澜市生态环境局，电话：0000-1234567。
青澜市生态环境局
2025年7月3日
"""


def word_file(text: str) -> dict:
    """The text as a clerk would have typed it in Word, to be chosen in a form."""
    word, content = docx.Document(), io.BytesIO()
    for line in text.splitlines():
        word.add_paragraph(line)
    word.save(content)
    return {"name": "公示.docx", "mimeType": "", "buffer": content.getvalue()}


def press(page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def follow(page, name: str) -> None:
    page.get_by_role("link", name=name).first.click()


def section(page, name: str) -> None:
    page.get_by_role("navigation", name="栏目").get_by_role("link", name=name, exact=True).click()


def told(page, words: str) -> None:
    """The page says so at the top."""
    page.locator(".messagelist").get_by_text(words).wait_for()


# --- The steps, in their order -----------------------------------------------------------------------------------------


def log_in_for_the_first_time(page, user) -> None:
    """The password, the code of a telephone that is enrolled by its QR code, the recovery codes."""
    page.goto("/admin/")
    page.get_by_label("用户名").fill(user.username)
    page.get_by_label("密码").fill(PASSWORD)
    press(page, "登录")
    assert page.locator(".qr img").evaluate("(image) => image.complete && image.naturalWidth") > 0
    page.get_by_label("验证码").fill(code_of(user))
    press(page, "绑定并登录")
    assert page.locator(".codes li").count() == 10
    follow(page, "已经保存，进入后台")
    page.get_by_role("heading", name="工作台").wait_for()


def upload_and_correct(page) -> None:
    """From the file to a draft; a misprint is put right on the way."""
    section(page, "公示")
    follow(page, "从文件导入")
    page.get_by_label("发布单位").select_option(label="青澜市生态环境局")
    page.get_by_label("公示文件").set_input_files(word_file(TEXT))
    press(page, "读入并核对")
    measures = page.get_by_label("内容").nth(1)
    measures.fill(measures.input_value().replace("垃级", "垃圾"))
    press(page, "存为草稿")
    told(page, "已存为草稿")


def preview_and_hand_in(page) -> None:
    there = page.url
    page.goto(f"{there.split('?')[0].removesuffix('change/')}preview/")
    page.get_by_text("预览").first.wait_for()
    assert page.get_by_text("清运两岸垃圾。").is_visible()
    page.goto(there)
    press(page, "送审")
    told(page, "已办理")


def send_back(page, reason: str) -> None:
    page.goto("/admin/")
    follow(page, "等待审核的公示")
    follow(page, TITLE)
    page.get_by_label("退回原因").fill(reason)
    press(page, "退回")
    told(page, "已办理")


def mend_and_hand_in(page, reason: str) -> None:
    page.goto("/admin/")
    follow(page, "审核退回")
    follow(page, TITLE)
    page.get_by_text(reason).first.wait_for()
    progress = page.locator("textarea", has_text="已巡查二十次").first
    progress.fill(progress.input_value().replace("二十次", "二十二次"))
    press(page, "保存并继续编辑")
    press(page, "送审")
    told(page, "已办理")


def publish(page) -> None:
    page.goto("/admin/")
    follow(page, "等待审核的公示")
    follow(page, TITLE)
    page.get_by_label("已核对提示").check()
    press(page, "审核发布")
    told(page, "已办理")


def object_(page) -> str:
    """A citizen finds the notice on the home page and objects; the receipt code."""
    page.goto("/")
    follow(page, TITLE)
    page.locator("main").get_by_role("link", name="提出异议").first.click()
    page.locator("#id_content").fill("北岸仍有垃圾。")
    page.locator("#id_name").fill("王小明")
    page.locator("#id_phone").fill("0000-7654321")
    page.locator("#id_consent").check()
    press(page, "提交异议")
    return page.locator("#receipt-code").text_content()


def handle(page) -> None:
    """Taken from the queue, found partly true, answered, done."""
    follow(page, "等待受理的异议")
    page.locator("#result_list tbody th a").first.click()
    press(page, "受理")
    told(page, "受理，已办理")
    page.get_by_label("核查结论").select_option(label="部分属实")
    press(page, "记录核查结论")
    told(page, "记录核查结论，已办理")
    page.get_by_label("答复内容").fill("北岸剩余垃圾已于当日清运。")
    press(page, "答复")
    told(page, "答复，已办理")
    press(page, "办结")
    told(page, "办结，已办理")


def look_up(page, code: str) -> None:
    page.goto("/objections/track/")
    page.locator("#id_code").fill(code)
    press(page, "查询")
    page.get_by_text("北岸剩余垃圾已于当日清运。").wait_for()


def open_task(page) -> None:
    page.goto("/admin/")
    section(page, "整改任务")
    page.locator("#result_list tbody th a").first.click()


def accept_again(page) -> None:
    """What was found true is answered by a new self-acceptance."""
    open_task(page)
    row = page.locator("[id^=acceptances-]:not(.empty-form)").last
    row.get_by_label("验收日期").fill(str(timezone.localdate()))
    row.get_by_label("结论").fill("达到销号标准")
    press(page, "保存并继续编辑")
    page.locator(".messagelist .success").wait_for()


def propose_closure(page) -> None:
    open_task(page)
    page.get_by_label("销号日期").fill(str(timezone.localdate()))
    page.get_by_label("备案文号").fill("青督改〔2025〕8号")
    press(page, "提议销号")
    told(page, "已办理")


def sign_closure(page) -> None:
    open_task(page)
    press(page, "确认销号")
    told(page, "已办理")


def read_and_change_nothing(page) -> None:
    """Whoever supervises sees everything and has no button but those that leave the page."""
    for name, title in (("公示", TITLE), ("整改任务", "第八项"), ("异议", "YY")):
        section(page, name)
        assert page.get_by_role("link", name="新增").count() == 0
        follow(page, title)
        page.wait_for_url("**/change/**")
        main = page.locator("main")
        assert main.locator(":is(input, textarea, select, button):visible").count() == 0
        assert "王小明" not in main.text_content()


def read_the_trail(page) -> None:
    """The auditor finds what the reviewer did, and takes the list along."""
    section(page, "审计记录")
    page.get_by_label("查找").fill("qin")
    press(page, "查找")
    assert "公示" in page.locator("#result_list tbody").text_content()
    with page.expect_download() as saved:
        follow(page, "导出 CSV")
    assert "qin" in saved.value.path().read_text()
    page.locator("#result_list tbody th a").first.click()
    assert page.locator("main").locator("input:not([type=hidden]), textarea, select").count() == 0


def test_from_a_word_file_to_closure(visitor, at_work, settings):
    bureau = make.make_organisation(parent=make.make_organisation("990000", "沧澜省生态环境厅"))
    make.make_office(bureau)
    with time_machine.travel(OPENING) as clock:
        settings.STAFF_SECOND_FACTOR = True
        lin = make.make_member("lin", "editor")
        lin.set_password(PASSWORD)
        lin.save()
        clerk = visitor()
        log_in_for_the_first_time(clerk, lin)
        settings.STAFF_SECOND_FACTOR = False
        upload_and_correct(clerk)
        preview_and_hand_in(clerk)
        reviewer = at_work("qin", "reviewer")
        send_back(reviewer, "巡查次数请核对台账。")
        mend_and_hand_in(clerk, "巡查次数请核对台账。")
        publish(reviewer)
        notice = PublicityNotice.objects.get()
        assert (notice.edition.drafted_by.username, notice.edition.published_by.username) == ("lin", "qin")

        citizen = visitor()
        code = object_(citizen)
        handle(at_work("su", "handler"))
        look_up(citizen, code)

        clock.move_to(AFTER)
        accept_again(at_work("lin", "editor"))
        propose_closure(at_work("qin", "reviewer"))
        sign_closure(at_work("meng", "reviewer"))
        assert RectificationTask.objects.get().stage() == "closed"
        read_and_change_nothing(at_work("tang", "supervisor", organisation=bureau.parent))
        read_the_trail(at_work("lu", "auditor"))
    assert not TrailEntry.objects.filter(action="refused").exists()
