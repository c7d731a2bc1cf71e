"""The outcome statement and the public ledger say what the facts say; an upheld objection sends the task back."""

import datetime
import html
import io
import re
from urllib.parse import unquote

import docx
import pypdf
import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from notices.models import NotAllowed, Outage, RectificationTask, Stage
from objections import outcomes
from objections.models import Objection
from tests.make import DAY, make_notice, make_objection, make_user, withdraw

pytestmark = pytest.mark.django_db

HANDLER = ("objections.view_objection", "objections.handle_objection")
SAID = {
    "kind": "individual",
    "anonymous": False,
    "name": "李大爷",
    "phone": "",
    "email": "",
    "concerns": "notice",
    "content": "还有垃圾。",
}


@pytest.fixture
def notice():
    """Published for ten working days, as the form takes objections to it."""
    return make_notice()


def after(notice, days: int = 1) -> datetime.datetime:
    day = notice.edition.closes_on + days * DAY
    return datetime.datetime.combine(day, datetime.time(9), tzinfo=timezone.get_default_timezone())


@pytest.fixture
def closed(notice):
    with time_machine.travel(after(notice), tick=False):
        yield notice


def enter(notice, channel, token, **arrival):
    days = {"received_on": timezone.localdate()} | arrival
    return Objection.objects.enter(by=make_user("wu"), notice=notice, token=token, said=SAID, channel=channel, **days)


def page_of(client, notice) -> str:
    client.force_login(make_user("wu", *HANDLER))
    response = client.get(reverse("admin:objections_outcome", args=[notice.pk]))
    assert response.status_code == 200
    return response.content.decode()


def busy(notice) -> None:
    """Three on time (web upheld and replied, web declined, phone open), one letter in time, one visit late."""
    wu = make_user("wu")
    with time_machine.travel(after(notice, -2), tick=False):
        upheld, declined = make_objection(notice, "upheld"), make_objection(notice, "declined")
        enter(notice, "phone", "phone")
        upheld.accept(by=wu)
        upheld.verify(by=wu, finding="substantiated")
        upheld.answer(by=wu, reply="王小明先生：已责成清运。")
        declined.decline(by=wu, reason="与公示无关")
    enter(notice, "post", "letter", postmarked_on=notice.edition.closes_on)
    enter(notice, "visit", "late")


def test_nothing_came_is_said_only_when_nothing_came(client, closed):
    assert "公示期间未收到异议。" in page_of(client, closed)
    enter(closed, "visit", "late")
    page = page_of(client, closed)
    assert "公示期间未收到异议" not in page
    assert "公示期内未收到异议，公示期结束后收到 1 条。" in page


def test_nothing_is_said_of_a_window_that_still_runs(client, notice):
    page = page_of(client, notice)
    assert "未收到异议" not in page
    assert "公示期尚未结束" in page
    assert "截至本说明生成时收到异议 0 条。" in page


def test_an_archive_notice_claims_nothing_of_the_time_before_its_entry(client):
    page = page_of(client, make_notice(datetime.date(2025, 4, 30)))
    assert "未收到异议" not in page
    assert "录入前的异议本系统没有记录" in page


def test_a_withdrawn_notice_says_so(client, notice):
    page = page_of(client, withdraw(notice, "责任单位写错"))
    assert "撤回" in page
    assert "责任单位写错" in page


def test_every_count_is_computed_and_leads_to_its_list(client, closed):
    busy(closed)
    page = page_of(client, closed)
    assert "共收到异议 5 条，其中公示期内提出 4 条，公示期结束后提出 1 条。" in page
    figures = re.findall(r'([^\s，>]+) <a href="([^"]+)">(\d+)</a> 条', page)
    counted = {label: int(number) for label, _, number in figures}
    assert counted == {
        "收到": 5,
        "网上": 2,
        "电话": 1,
        "来信": 1,
        "来访": 1,
        "电子邮件": 0,
        "公示期内提出": 4,
        "公示期结束后提出": 1,
        "属实": 1,
        "部分属实": 0,
        "不属实": 0,
        "已受理": 1,
        "不予受理": 1,
        "已答复": 1,
        "已办结": 0,
        "异议人撤回": 0,
        "尚未办结": 4,
    }
    make_objection(make_notice(title="另一份", tasks=[]), "elsewhere")
    for label, url, number in figures:
        response = client.get(url.replace("&amp;", "&"))
        assert response.status_code == 200, label
        assert response.context["cl"].result_count == int(number), label


def test_it_names_editions_and_the_line_in_the_log_and_nobody(client, closed):
    busy(closed)
    tally = outcomes.tally(closed, timezone.now())
    page = page_of(client, closed)
    assert f"第{tally.sequence}行" in page
    assert "收到5条，其中公示期结束后1条" in page
    assert "第1版" in page
    assert f"共{closed.edition.read().window.working_days}个工作日" in page
    assert "不予受理：与公示无关" in page
    for private in ("王小明", "李大爷", "wang@citizen.example", "0000-7654321"):
        assert private not in page


def test_where_it_was_shown_and_when_the_site_was_away(client, closed):
    page = page_of(client, closed)
    assert "其他展示：已登记0处。" in page
    assert "公示期内有记录的停机0次。" in page
    shown = {"created_by": make_user("wu"), "shown_from": closed.edition.opens_on, "shown_to": closed.edition.opens_on}
    closed.displays.create(kind="newspaper", place="青澜日报第3版", **shown)
    begun = datetime.datetime.combine(closed.edition.opens_on, datetime.time(8), tzinfo=timezone.get_default_timezone())
    for minutes in (30, 45):  # two monitors saw one outage
        ended_at = begun + datetime.timedelta(minutes=minutes)
        Outage.objects.create(begun_at=begun, ended_at=ended_at, source="measured", note="线路中断")
    Outage.objects.create(begun_at=begun - 9 * DAY, ended_at=begun - 8 * DAY, source="measured", note="公示期以前")
    page = page_of(client, closed)
    assert "其他展示：已登记1处。" in page
    assert "青澜日报第3版" in page
    assert "公示期内有记录的停机1次，合计45分钟。" in page
    assert "线路中断" in page
    assert "公示期以前" not in page


def download(client, notice, form: str):
    client.force_login(make_user("wu", *HANDLER))
    return client.get(reverse("admin:objections_outcome_file", args=[notice.pk, form]))


def texts_of(page: str) -> list[str]:
    """Every line and cell of the page."""
    body = page[page.index("<h1>") :]
    cells = re.findall(r"<(?:p|h1|h2|td|th)[^>]*>(.*?)</(?:p|h1|h2|td|th)>", body, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in cells]


def pdf_text(content: bytes) -> str:
    """What the PDF says, without blanks and without the numbers of its pages."""
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return re.sub(r"第\d+页，共\d+页", "", re.sub(r"\s", "", "".join(page.extract_text() for page in pages)))


def test_the_word_file_says_what_the_page_says(client, closed):
    busy(closed)
    page = texts_of(page_of(client, closed))
    response = download(client, closed, "docx")
    assert closed.reference in unquote(response["Content-Disposition"])
    word = docx.Document(io.BytesIO(response.content))
    said = [each.text for each in word.paragraphs]
    said += [cell.text for table in word.tables for row in table.rows for cell in row.cells]
    assert sorted(said) == sorted(page)


def test_the_pdf_says_what_the_page_says(client, closed):
    busy(closed)
    response = download(client, closed, "pdf")
    assert response.content.startswith(b"%PDF-")
    said = pdf_text(response.content)
    for text in texts_of(page_of(client, closed)):
        assert re.sub(r"\s", "", text) in said


def test_what_was_typed_is_text_in_every_form(client, notice):
    withdraw(notice, '#eval("1+1") $x$ *y* <b>&amp; \\ [')
    assert "#eval(&quot;1+1&quot;)" in page_of(client, notice)
    assert '#eval("1+1")$x$*y*<b>&amp;\\[' in pdf_text(download(client, notice, "pdf").content)


@pytest.mark.parametrize("form", ["pdf", "docx"])
def test_only_handlers_download_it(client, notice, form):
    client.force_login(make_user("reader", "objections.view_objection"))
    assert client.get(reverse("admin:objections_outcome_file", args=[notice.pk, form])).status_code == 403


def test_the_log_and_the_statement_count_late_alike(closed):
    busy(closed)
    assert outcomes.tally(closed, timezone.now()).late == outcomes.counts(closed)["late"] == 1


@pytest.mark.parametrize("permissions", [(), ("objections.view_objection",)])
def test_only_handlers_see_it(client, notice, permissions):
    client.force_login(make_user("reader", *permissions))
    pages = [reverse("admin:objections_outcome", args=[notice.pk]), reverse("admin:objections_outcomes")]
    assert [client.get(page).status_code for page in pages] == [403, 403]
    client.logout()
    assert [client.get(page).status_code for page in pages] == [302, 302]


def test_the_list_leads_to_the_statement_and_drafts_have_none(client, notice):
    client.force_login(make_user("wu", *HANDLER))
    url = reverse("admin:objections_outcome", args=[notice.pk])
    assert url in client.get(reverse("admin:objections_outcomes")).content.decode()
    assert client.get(reverse("admin:objections_outcome", args=[notice.pk + 1])).status_code == 404


# --- The public ledger ------------------------------------------------------------------------------------------


def ledger(client, notice) -> dict[str, int]:
    page = client.get(reverse("notices:notice", args=[notice.reference])).content.decode()
    return {name: int(number) for name, number in re.findall(r'data-count="(\w+)">(\d+)条', page)}


def test_zero_is_shown_as_zero(client, closed):
    assert ledger(client, closed) == {"received": 0, "late": 0, "upheld": 0, "withdrawn": 0, "pending": 0}


def test_the_public_reads_counts_and_no_more(client, closed):
    busy(closed)
    assert ledger(client, closed) == {"received": 5, "late": 1, "upheld": 1, "withdrawn": 0, "pending": 4}
    page = client.get(reverse("notices:notice", args=[closed.reference])).content.decode()
    for private in ("王小明", "李大爷", "YY20"):
        assert private not in page


def test_no_ledger_before_the_close_nor_for_archive_or_withdrawn_notices(client, notice):
    make_objection(notice)
    assert ledger(client, notice) == {}
    assert ledger(client, make_notice(datetime.date(2025, 4, 30), tasks=[], title="补录")) == {}
    withdraw(notice)
    with time_machine.travel(after(notice), tick=False):
        assert ledger(client, notice) == {}


def test_the_counts_are_one_query(closed):
    busy(closed)
    with CaptureQueriesContext(connection) as queries:
        outcomes.counts(closed)
    assert len(queries) == 1


# --- The way back to rectification ------------------------------------------------------------------------------


def judged(notice, finding: str):
    wu, objection = make_user("wu"), make_objection(notice)
    objection.accept(by=wu)
    objection.verify(by=wu, finding=finding)
    objection.answer(by=wu, reply="答复")
    objection.finish(by=wu)
    return objection


def close(task):
    outcomes.propose_closure(task, by=make_user("zhang"), closed_on=timezone.localdate())
    outcomes.close_task(task, by=make_user("li"))


@pytest.mark.parametrize("finding", ["substantiated", "partly"])
def test_an_upheld_objection_asks_for_a_new_self_acceptance(closed, finding):
    task, today = closed.tasks.get(), timezone.localdate()
    task.acceptances.create(accepted_on=today - 30 * DAY, conclusion="达到销号标准")
    objection = judged(closed, finding)
    with pytest.raises(NotAllowed, match=f"{objection.number} 经核查属实或部分属实"):
        close(task)
    later = timezone.now() + 2 * DAY
    with time_machine.travel(later, tick=False):
        task.acceptances.create(accepted_on=today - 20 * DAY, conclusion="补登一次较早的验收")
        with pytest.raises(NotAllowed, match="重新自我验收"):
            close(task)
        task.acceptances.create(accepted_on=today + 2 * DAY, conclusion="达到销号标准")
        close(task)
    assert task.stage() == Stage.CLOSED


@pytest.mark.parametrize(("finding", "stage"), [("partly", Stage.REOPENED), ("unsubstantiated", Stage.PUBLICITY_ENDED)])
def test_an_upheld_one_puts_the_task_back_to_rectification_in_the_ledger(closed, finding, stage):
    judged(closed, finding)
    listed = outcomes.sent_back(RectificationTask.objects.staged())
    assert listed.get().derived_stage == stage
    later = {"accepted_on": timezone.localdate(), "created_at": timezone.now() + datetime.timedelta(hours=1)}
    closed.tasks.get().acceptances.create(conclusion="达到销号标准", **later)
    assert listed.get().derived_stage == Stage.PUBLICITY_ENDED


def test_an_unsubstantiated_one_does_not(closed):
    task = closed.tasks.get()
    judged(closed, "unsubstantiated")
    close(task)
    assert task.closures.exists()


# --- Two people sign --------------------------------------------------------------------------------------------


def test_an_objection_that_comes_between_proposal_and_signature_counts(closed):
    task = closed.tasks.get()
    outcomes.propose_closure(task, by=make_user("zhang"), closed_on=timezone.localdate())
    make_objection(closed)
    with pytest.raises(NotAllowed, match="没有办结"):
        outcomes.close_task(task, by=make_user("li"))


def test_who_proposes_does_not_sign_and_nothing_is_signed_unproposed(closed):
    task, zhang, li = closed.tasks.get(), make_user("zhang"), make_user("li")
    with pytest.raises(NotAllowed, match="还没有人提议"):
        task.close(by=li)
    task.propose_closure(by=zhang, closed_on=timezone.localdate())
    with pytest.raises(NotAllowed, match="已经有人提议"):
        task.propose_closure(by=li, closed_on=timezone.localdate())
    with pytest.raises(NotAllowed, match="不能自己确认"):
        task.close(by=zhang)
    with pytest.raises(IntegrityError), transaction.atomic():
        task.closures.update(closed_at=timezone.now(), closed_by=zhang)
    task.drop_closure(by=li)
    assert not task.closures.exists()
    with pytest.raises(NotAllowed, match="没有等待确认"):
        task.drop_closure(by=li)
    with pytest.raises(NotAllowed, match="不能晚于今天"):
        task.propose_closure(by=zhang, closed_on=timezone.localdate() + DAY)


def test_a_reopened_task_keeps_the_link_to_its_closure(closed):
    task = closed.tasks.get()
    close(task)
    task.reopen(by=make_user("li"), reason="“回头看”发现反弹")
    kept = task.closures.get()
    assert (kept.proposed_by.username, kept.closed_by.username) == ("zhang", "li")
    assert (task.stage(), kept.reopen_reason) == (Stage.REOPENED, "“回头看”发现反弹")
