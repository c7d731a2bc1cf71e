"""Admin: forms for the working copy, buttons for the verbs; a button that is not offered does not work either."""

import datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from notices.encryption import UnreadableField
from notices.models import PublicityNotice, RectificationTask
from objections.models import Objection, Status
from tests.make import (
    DAY,
    close,
    make_draft,
    make_notice,
    make_objection,
    make_office,
    make_organisation,
    make_round,
    make_task,
    make_user,
)

pytestmark = pytest.mark.django_db

EDITOR = ("notices.add_publicitynotice", "notices.change_publicitynotice", "notices.view_publicitynotice")
SECTIONS = ("notices.add_noticesection", "notices.change_noticesection", "notices.view_noticesection")
REVIEWER = ("notices.view_publicitynotice", "notices.publish_publicitynotice")
HANDLER = ("objections.view_objection", "objections.handle_objection")


@pytest.fixture
def log_in(client):
    def log_in(username: str, *permissions: str):
        user = make_user(username, *permissions)
        client.force_login(user)
        return user

    return log_in


def press(client, row, verb, **said):
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_verb"
    return client.post(reverse(name, args=[row.pk, verb]), said, follow=True)


def change_page(row) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def form_of_a_notice(**changes) -> dict:
    office = make_office()
    today = timezone.localdate()
    return {
        "organisation": office.organisation_id,
        "stage": "self_acceptance",
        "title": "关于某项整改任务的公示",
        "tasks": [(RectificationTask.objects.first() or make_task()).pk],
        "basis": "根据有关规定,现进行公示。",
        "receiving_office": office.pk,
        "signatories": "青澜市生态环境局",
        "signed_on": today,
        "opens_on": today + DAY,
        "closes_on": "",
        "sections-TOTAL_FORMS": 1,
        "sections-INITIAL_FORMS": 0,
        "sections-0-ordinal": 1,
        "sections-0-kind": "measures",
        "sections-0-heading": "一、整改措施",
        "sections-0-body": "(一)清理河道。清运两岸垃圾。",
        "editions-TOTAL_FORMS": 0,
        "editions-INITIAL_FORMS": 0,
    } | changes


def test_a_clerk_drafts_a_notice_and_the_end_is_computed(client, log_in):
    clerk = log_in("zhang", *EDITOR, *SECTIONS)
    response = client.post(reverse("admin:notices_publicitynotice_add"), form_of_a_notice())
    assert response.status_code == 302, response.context["errors"]
    draft = PublicityNotice.objects.get()
    assert (draft.drafted_by, draft.is_editable) == (clerk, True)
    assert draft.window().working_days == 10
    assert draft.document().section("measures").items[0].heading == "清理河道"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"closes_on": "2020-01-01", "opens_on": "2020-02-01"}, "公示结束日期不能早于开始日期。"),
        ({"opens_on": "9999-12-31"}, "小于或等于"),
        ({"opens_on": "2026-02-30"}, "输入一个有效的日期"),
        ({"sections-0-heading": "", "sections-0-body": ""}, "标题和内容不能都是空的。"),
        ({"title": ""}, "这个字段是必填项"),
    ],
)
def test_a_bad_field_gets_its_message_and_keeps_what_was_typed(client, log_in, changes, message):
    log_in("zhang", *EDITOR, *SECTIONS)
    response = client.post(reverse("admin:notices_publicitynotice_add"), form_of_a_notice(**changes))
    assert response.status_code == 200
    assert message in response.content.decode()
    assert "根据有关规定" in response.content.decode()
    assert not PublicityNotice.objects.exists()


def test_from_draft_to_publication_by_two_people(client, log_in):
    draft = make_draft()
    log_in("zhang", *EDITOR)
    page = client.get(change_page(draft)).content.decode()
    assert "送审" in page
    assert "审核发布" not in page
    press(client, draft, "submit")
    log_in("li", *REVIEWER)
    assert "审核发布" in client.get(change_page(draft)).content.decode()
    press(client, draft, "publish")
    draft.refresh_from_db()
    assert draft.edition.published_by.username == "li"
    assert LogEntry.objects.filter(object_id=draft.pk, change_message__contains="审核发布").exists()


def test_an_editor_cannot_publish_by_a_crafted_post(client, log_in):
    draft = make_draft()
    log_in("zhang", *EDITOR)
    press(client, draft, "submit")
    assert press(client, draft, "publish").status_code == 403
    draft.refresh_from_db()
    assert not draft.edition


def test_even_a_reviewer_cannot_publish_an_own_draft(client, log_in):
    draft = make_draft()
    log_in("zhang", *EDITOR, *REVIEWER)
    press(client, draft, "submit")
    assert "审核发布" not in client.get(change_page(draft)).content.decode()
    assert "起草人不能发布自己的公示" in press(client, draft, "publish").content.decode()
    draft.refresh_from_db()
    assert not draft.edition


@pytest.mark.parametrize("verb", ["delete", "save", "refresh_from_db", "document", "nothing"])
def test_only_the_listed_verbs_are_buttons(client, log_in, verb):
    draft = make_draft()
    log_in("zhang", *EDITOR, *REVIEWER)
    assert press(client, draft, verb).status_code == 403


def test_a_verb_is_never_a_get(client, log_in):
    draft = make_draft()
    log_in("zhang", *EDITOR)
    url = reverse("admin:notices_publicitynotice_verb", args=[draft.pk, "submit"])
    assert client.get(url).status_code == 405


def test_a_published_notice_is_read_only_until_a_correction_is_begun(client, log_in):
    notice = make_notice()
    log_in("zhang", *EDITOR, *SECTIONS)
    client.post(change_page(notice), form_of_a_notice(title="偷偷改的标题", tasks=[]))
    notice.refresh_from_db()
    assert notice.title != "偷偷改的标题"
    press(client, notice, "begin_correction", reason="更正标题")
    notice.refresh_from_db()
    assert notice.is_editable
    assert "更正标题" in client.get(change_page(notice)).content.decode()


def test_a_correction_cannot_leave_a_public_notice_without_an_office(client, log_in):
    notice = make_notice()
    log_in("zhang", *EDITOR, *SECTIONS)
    press(client, notice, "begin_correction", reason="更正标题")
    page = client.post(change_page(notice), form_of_a_notice(receiving_office="")).content.decode()
    assert "受理部门不能留空" in page
    assert client.get(reverse("objections:object", args=[notice.reference])).status_code == 200


def test_a_published_notice_cannot_be_deleted(client, log_in):
    notice = make_notice()
    log_in("zhang", *EDITOR, "notices.delete_publicitynotice", "notices.delete_noticesection")
    assert (
        client.post(reverse("admin:notices_publicitynotice_delete", args=[notice.pk]), {"post": "yes"}).status_code
        == 403
    )
    assert PublicityNotice.objects.filter(pk=notice.pk).exists()


def test_the_preview_shows_the_working_copy_and_is_never_cached(client, log_in):
    draft = make_draft()
    url = reverse("admin:notices_publicitynotice_preview", args=[draft.pk])
    assert client.get(url).status_code == 302  # to the login page
    log_in("zhang", *EDITOR)
    response = client.get(url)
    assert "预览" in response.content.decode()
    assert "清运两岸垃圾" in response.content.decode()
    assert "no-store" in response["Cache-Control"]


def test_a_task_with_measures_progress_and_acceptance_in_one_form(client, log_in):
    names = [f"notices.{verb}_{model}" for verb in ("add", "change", "view") for model in TASK_MODELS]
    log_in("zhang", *names)
    organisation, round_ = make_organisation(), make_round()
    data = {
        "organisation": organisation.pk,
        "round": round_.pk,
        "kind": "task",
        "number": 12,
        "problem": "河道两岸堆放垃圾。",
        "deadline_text": "立行立改",
        "measures-TOTAL_FORMS": 1,
        "measures-INITIAL_FORMS": 0,
        "measures-0-ordinal": 1,
        "measures-0-text": "清运两岸垃圾。",
        "reports-TOTAL_FORMS": 1,
        "reports-INITIAL_FORMS": 0,
        "reports-0-ordinal": 1,
        "reports-0-text": "已清运三百吨。",
        "acceptances-TOTAL_FORMS": 1,
        "acceptances-INITIAL_FORMS": 0,
        "acceptances-0-accepted_on": "2025-04-15",
        "acceptances-0-conclusion": "达到销号标准",
        "closures-TOTAL_FORMS": 0,
        "closures-INITIAL_FORMS": 0,
    }
    response = client.post(reverse("admin:notices_rectificationtask_add"), data)
    assert response.status_code == 302, response.context["errors"]
    task = RectificationTask.objects.get()
    assert (task.measures.count(), task.reports.count(), task.acceptances.count()) == (1, 1, 1)
    again = client.post(reverse("admin:notices_rectificationtask_add"), data)
    assert "这一轮次里已有同一序号的任务。" in again.content.decode()


TASK_MODELS = ("rectificationtask", "measure", "progressreport", "selfacceptance")


def test_a_report_can_only_be_given_a_measure_of_its_own_task(client, log_in):
    log_in("admin")
    make_user("admin").__class__.objects.filter(username="admin").update(is_superuser=True)
    own, other = make_task(1), make_task(2)
    measure = other.measures.create(ordinal=1, text="别的任务的措施")
    page = client.get(change_page(own)).content.decode()
    assert "别的任务的措施" not in page
    assert measure.task != own


def test_an_objection_is_handled_with_the_buttons(client, log_in):
    objection = make_objection()
    log_in("wu", *HANDLER)
    for verb, said, status in [
        ("accept", {}, Status.ACCEPTED),
        ("verify", {"finding": "partly"}, Status.VERIFIED),
        ("answer", {"reply": "已责成重新清运。"}, Status.REPLIED),
        ("finish", {}, Status.DONE),
    ]:
        assert press(client, objection, verb, **said).status_code == 200
        objection.refresh_from_db()
        assert objection.status == status
    assert [event.kind for event in objection.events.all()] == ["received", "accepted", "verified", "replied", "done"]


@pytest.mark.parametrize(
    ("verb", "said", "message"),
    [
        ("verify", {"finding": "substantiated"}, "先受理，再核查"),
        ("answer", {"reply": "答复"}, "再答复"),
        ("finish", {}, "先答复"),
        ("decline", {"reason": "  "}, "请写明不予受理的原因"),
        ("decline", {}, "请写明不予受理的原因"),
    ],
)
def test_an_objection_refuses_what_does_not_fit(client, log_in, verb, said, message):
    objection = make_objection()
    log_in("wu", *HANDLER)
    assert message in press(client, objection, verb, **said).content.decode()
    assert Objection.objects.get().status == Status.RECEIVED


def test_a_finding_that_is_none_is_refused(client, log_in):
    objection = make_objection()
    log_in("wu", *HANDLER)
    press(client, objection, "accept")
    assert "请选择核查结论" in press(client, objection, "verify", finding="maybe").content.decode()


def test_who_may_only_read_objections_has_no_buttons_and_no_way_around(client, log_in):
    objection = make_objection()
    log_in("wu", "objections.view_objection")
    assert "/verb/" not in client.get(change_page(objection)).content.decode()
    assert press(client, objection, "accept").status_code == 403
    assert Objection.objects.get().status == Status.RECEIVED


def test_objections_are_never_typed_over_or_deleted(client, log_in):
    objection = make_objection()
    make_user("admin", is_superuser=True)
    log_in("admin")
    client.post(change_page(objection), {"content": "改过的内容"})
    assert (
        client.post(reverse("admin:objections_objection_delete", args=[objection.pk]), {"post": "yes"}).status_code
        == 403
    )
    objection.refresh_from_db()
    assert objection.content == "垃圾并没有清运。"


def test_every_list_and_form_of_admin_opens(client, log_in):
    make_user("admin", is_superuser=True)
    log_in("admin")
    make_objection(make_notice(timezone.localdate() - 30 * DAY, timezone.localdate() - 20 * DAY))
    task = RectificationTask.objects.get()
    close(task, datetime.date(2025, 6, 1))
    pages = [
        url
        for app in client.get("/admin/").context["app_list"]
        for model in app["models"]
        for url in (model["admin_url"], model["add_url"])
        if url
    ]
    assert len(pages) >= 16
    for page in [*pages, change_page(task), change_page(Objection.objects.get())]:
        assert client.get(page).status_code == 200, page


def test_what_was_typed_is_kept_when_a_verb_refuses(client, log_in):
    objection = make_objection()
    log_in("wu", *HANDLER)
    response = press(client, objection, "answer", reply="写了很久的答复")
    assert response.status_code == 422
    objection.accept(by=make_user("wu"))
    objection.verify(by=make_user("wu"), finding="partly")
    page = press(client, objection, "answer", reply="写了很久的答复", seen="早先的页面").content.decode()
    assert "写了很久的答复</textarea>" in page
    assert Objection.objects.get().reply == ""


def test_a_reviewer_does_not_publish_what_was_changed_since_the_page_was_opened(client, log_in):
    draft = make_draft()
    draft.submit(by=make_user("zhang"))
    log_in("li", *REVIEWER)
    seen = client.get(change_page(draft)).context["seen"]
    draft.send_back(by=make_user("li"), reason="补充数量")
    draft.submit(by=make_user("zhang"))
    response = press(client, draft, "publish", confirmed="on", seen=seen)
    assert "内容有变化" in response.content.decode()
    draft.refresh_from_db()
    assert not draft.edition
    fresh = client.get(change_page(draft)).context["seen"]
    press(client, draft, "publish", confirmed="on", seen=fresh)
    draft.refresh_from_db()
    assert draft.edition


def test_a_task_that_a_notice_made_public_is_not_deleted(client, log_in):
    notice, free = make_notice(), make_task(9)
    make_user("admin", is_superuser=True)
    log_in("admin")
    for task, status in ((notice.tasks.get(), 403), (free, 302)):
        url = reverse("admin:notices_rectificationtask_delete", args=[task.pk])
        assert client.post(url, {"post": "yes"}).status_code == status


def test_one_row_that_cannot_be_decrypted_hides_no_other(client, log_in):
    first = make_objection(token="one")
    make_objection(make_notice(tasks=[], title="另一份"), token="two")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE objections_objection SET name = 'gAAAA-not-a-token' WHERE id = %s", [first.pk])
    log_in("wu", *HANDLER)
    assert client.get(reverse("admin:objections_objection_changelist")).status_code == 200
    assert "无法解密" in client.get(change_page(first)).content.decode()
    with pytest.raises(UnreadableField):  # and nothing is written over what a key may still open
        Objection.objects.get(pk=first.pk).save()


@pytest.mark.parametrize(
    ("state", "titles"),
    [
        ("review", {"送审的"}),
        ("working", {"草稿", "更正中的"}),
        ("draft", {"草稿", "送审的"}),
        ("open", {"公示中的", "更正中的"}),
        ("scheduled", {"定时的"}),
        ("withdrawn", set()),
    ],
)
def test_the_list_is_filtered_by_what_is_to_be_done(client, log_in, state, titles):
    make_draft(tasks=[], title="草稿")
    make_draft(tasks=[], title="送审的").submit(by=make_user("zhang"))
    make_notice(tasks=[], title="公示中的")
    make_notice(tasks=[], title="更正中的").begin_correction(by=make_user("zhang"), reason="更正")
    later = make_draft(timezone.localdate() + 7 * DAY, tasks=[], title="定时的")
    later.submit(by=make_user("zhang"))
    later.publish(by=make_user("li"), confirmed=True, public_from=timezone.now() + DAY)
    log_in("zhang", *EDITOR)
    page = client.get(reverse("admin:notices_publicitynotice_changelist"), {"state": state})
    assert {notice.title for notice in page.context["cl"].result_list} == titles
