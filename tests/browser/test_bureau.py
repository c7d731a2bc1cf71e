"""What the bureau does about objections beside handling them, each way with and without a script: what came by letter is
entered, a lost code given anew, a notice board recorded, the outcome stated, a wrong address put right, data held, a
task closed by two."""

import datetime
import io

import docx
import pypdf
import pytest
import time_machine
from django.utils import timezone

from notices.models import RectificationTask
from objections.models import Objection, OutgoingMail
from tests import make
from tests.browser.test_workplace import (
    accept_again,
    follow,
    handle,
    open_task,
    press,
    propose_closure,
    section,
    sign_closure,
    told,
)
from tests.hostile import picture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.parametrize("scripts", [True, False], ids=["with a script", "without"]),
]
BOARD = "青岭区政务服务中心公告栏"


@pytest.fixture(autouse=True)
def one_factor(settings):
    settings.STAFF_SECOND_FACTOR = False


def unfold(page) -> None:
    page.locator("summary", has_text="其他办理").click()


def refused(page, words: str) -> None:
    page.locator(".messagelist .error").get_by_text(words).wait_for()


def open_first(page) -> None:
    page.locator("#result_list tbody th a").first.click()
    page.wait_for_url("**/change/**")


def code_shown(page) -> tuple[str, str]:
    return tuple(page.locator(f"#receipt-{name}").text_content() for name in ("number", "code"))


def enter_letter(page, notice) -> tuple[str, str]:
    """A letter, first without its text; its number and receipt code."""
    section(page, "异议")
    follow(page, "录入异议")
    page.get_by_label("针对哪一份公示").select_option(notice.reference)
    press(page, "下一步")
    page.get_by_label("渠道").select_option(label="来信")
    page.get_by_label("邮戳日期").fill(str(timezone.localdate()))
    page.get_by_label("姓名或单位名称").fill("李大爷")
    press(page, "录入")
    page.locator(".form-row.errors").get_by_text("这个字段是必填项。").wait_for()
    assert page.get_by_label("姓名或单位名称").input_value() == "李大爷"
    page.get_by_label("异议内容").fill("北岸仍有垃圾。")
    page.get_by_label("电话").fill("0000-7654321")
    press(page, "录入")
    return code_shown(page)


def reissue(page, number: str) -> str:
    """A caller has lost the code: called back, first without saying so."""
    follow(page, number)
    unfold(page)
    press(page, "补发回执码")
    refused(page, "核实")
    page.get_by_label("怎样核实了对方身份").fill("回拨登记的电话，本人接听。")
    press(page, "补发回执码")
    return code_shown(page)[1]


def ask(page, code: str):
    """What the page of the objector says to this code."""
    page.goto("/objections/track/")
    page.locator("#id_code").fill(code)
    press(page, "查询")
    return page.locator("main")


def test_a_letter_is_entered_and_its_code_given_anew(at_work, visitor, scripts):
    notice = make.make_notice()
    clerk, citizen = at_work("su", "handler", scripts=scripts), visitor(scripts)
    number, code = enter_letter(clerk, notice)
    ask(citizen, code).get_by_text(number).first.wait_for()
    new = reissue(clerk, number)
    ask(citizen, code).get_by_text("没有找到这个回执码").first.wait_for()
    ask(citizen, new).get_by_text(number).first.wait_for()
    objection = Objection.objects.get()
    assert (objection.channel, objection.postmarked_on) == ("post", timezone.localdate())


def record_board(page) -> None:
    """From the statement to a display on a notice board, with its photo."""
    section(page, "异议")
    follow(page, "公示情况说明")
    follow(page, "第一项整改任务")
    page.get_by_text("已登记0处").wait_for()
    follow(page, "登记展示情况")
    page.get_by_label("方式").select_option(label="公告栏")
    page.get_by_label("地点").fill(BOARD)
    page.get_by_label("开始日期").fill(str(timezone.localdate()))
    page.get_by_label("照片").set_input_files({"name": "公告栏.jpg", "mimeType": "image/jpeg", "buffer": picture()})
    press(page, "保存")
    told(page, BOARD)


def saved(page, link: str) -> io.BytesIO:
    with page.expect_download() as download:
        follow(page, link)
    return io.BytesIO(download.value.path().read_bytes())


def test_a_notice_board_stands_in_the_outcome_statement(at_work, scripts):
    notice = make.make_notice()
    make.make_objection(notice)
    page = at_work("su", "handler", scripts=scripts)
    record_board(page)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/admin/objections/objection/notices/{notice.pk}/outcome/")
    assert BOARD in page.locator("body").text_content()
    for table in page.locator("table").all():
        assert table.bounding_box()["width"] < 390, "no wider than a telephone"
    printed = pypdf.PdfReader(saved(page, "PDF")).pages
    assert BOARD in "".join(each.extract_text() for each in printed).replace("\n", "")
    word = docx.Document(saved(page, "Word"))
    assert BOARD in "".join(cell.text for table in word.tables for cell in table._cells)


def test_a_wrong_address_is_put_right(at_work, scripts):
    make.make_objection()
    mails = OutgoingMail.objects.filter(kind="receipt")
    mails.update(refused_at=timezone.now(), attempts=1, last_error="550 no such user")
    page = at_work("su", "handler", scripts=scripts)
    page.locator(".alarms a", has_text="邮件").click()
    open_first(page)
    assert "wang@citizen.example" not in page.locator("main").text_content()
    press(page, "显示联系方式（会记入审计记录）")
    page.get_by_text("wang@citizen.example").wait_for()
    page.get_by_label("正确的邮箱地址").fill("wang@citizen")
    press(page, "更正收件地址并发送")
    refused(page, "正确的邮箱地址")
    page.get_by_label("正确的邮箱地址").fill("wang.xm@citizen.example")
    press(page, "更正收件地址并发送")
    told(page, "更正收件地址并发送，已办理")
    mail = mails.get()
    assert (mail.recipient, mail.is_undeliverable, mail.attempts) == ("wang.xm@citizen.example", False, 0)


def test_personal_data_are_looked_at_held_and_released(at_work, scripts):
    make.make_objection()
    page = at_work("su", "handler", scripts=scripts)
    follow(page, "等待受理的异议")
    open_first(page)
    assert "王小明" not in page.locator("main").text_content()
    press(page, "显示联系方式（会记入审计记录）")
    page.get_by_text("王小明").first.wait_for()
    unfold(page)
    page.get_by_label("保留的原因").fill("另有诉讼。")
    press(page, "保留个人信息，暂不删除")
    told(page, "保留个人信息，暂不删除，已办理")
    page.get_by_text("另有诉讼。").first.wait_for()
    assert Objection.objects.get().held_at
    unfold(page)
    press(page, "不再保留个人信息")
    told(page, "不再保留个人信息，已办理")
    assert not Objection.objects.get().held_at


def after_the_window(notice) -> datetime.datetime:
    return timezone.now() + (notice.edition.closes_on - timezone.localdate() + make.DAY)


def test_a_task_is_closed_by_two_once_nothing_speaks_against_it(at_work, scripts):
    notice = make.make_notice()
    make.make_objection(notice)
    with time_machine.travel(after_the_window(notice)):
        proposer = at_work("qin", "reviewer", scripts=scripts)
        open_task(proposer)
        proposer.get_by_label("销号日期").fill(str(timezone.localdate()))
        press(proposer, "提议销号")
        refused(proposer, "还有 1 条异议没有办结")
        handle(at_work("su", "handler", scripts=scripts))
        accept_again(at_work("lin", "editor", scripts=scripts))
        propose_closure(proposer)
        assert proposer.get_by_role("button", name="确认销号").count() == 0
        sign_closure(at_work("meng", "reviewer", scripts=scripts))
        assert RectificationTask.objects.get().stage() == "closed"


def test_a_case_goes_the_long_way(at_work, scripts):
    above = make.make_organisation("990000", "沧澜省生态环境厅")
    make.make_office(above, mailboxes="office@canglan.example")
    make.make_organisation(parent=above)
    objection = make.make_objection()
    page = at_work("su", "handler", scripts=scripts)
    page.goto(f"/admin/objections/objection/{objection.pk}/change/")
    page.get_by_label("承办人").select_option(label="su")
    said = {"指派": "", "记内部备注": "备注", "不予受理": "原因（异议人会看到）", "答复": "答复内容", "办结": ""}
    for button, label in (said | {"重新办理": "重新办理的原因"}).items():
        if label:
            page.get_by_label(label).first.fill(f"{button}：已核对台账。")
        press(page, button)
        told(page, f"{button}，已办理")
    unfold(page)
    press(page, "登记删除申请")
    told(page, "登记删除申请，已办理")
    unfold(page)
    page.get_by_label("原因（例如异议针对受理部门本身").fill("异议针对受理部门。")
    press(page, "转送上级单位办理")
    told(page, "转送上级单位办理，已办理")
    assert page.locator("#result_list tbody tr").count() == 0  # the case is not theirs any more


def test_several_are_taken_at_once(at_work, scripts):
    notice = make.make_notice()
    for token in "ab":
        make.make_objection(notice, token, content=token)
    page = at_work("su", "handler", scripts=scripts)
    follow(page, "等待受理的异议")
    for row in (0, 1):
        page.locator("#result_list tbody input[type=checkbox]").nth(row).check()
    page.get_by_label("动作").select_option(label="受理所选的异议")
    press(page, "执行")
    press(page, "确认：受理 2 条")
    told(page, "受理：已办理 2 条")
    assert Objection.objects.filter(accepted_at__isnull=False).count() == 2
