"""What comes by telephone, letter, visit or e-mail is written down by staff: same code, dates and mails, lateness by postmark."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from objections import receipts
from objections.models import Objection, OutgoingMail
from tests.hostile import PDF
from tests.make import DAY, make_draft, make_notice, make_objection, make_user

pytestmark = pytest.mark.django_db

HANDLER = ("objections.view_objection", "objections.handle_objection")


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


URL = "/admin/objections/objection/enter/"


@pytest.fixture
def wu(client):
    user = make_user("wu", *HANDLER)
    client.force_login(user)
    return user


def address(notice) -> str:
    return f"{URL}?notice={notice.reference}"


def filled(client, notice, **changes) -> dict:
    page = client.get(address(notice)).content.decode()
    return {
        "token": re.search(r'name="token" value="([^"]+)"', page)[1],
        "channel": "phone",
        "received_on": timezone.localdate(),
        "postmarked_on": "",
        "concerns": "measures-1",
        "content": "河边还有垃圾。",
        "kind": "individual",
        "name": "李大爷",
        "phone": "0000-7654321",
        "email": "",
    } | changes


def enter(client, notice, **changes):
    return client.post(address(notice), filled(client, notice, **changes))


def test_first_the_notice_is_chosen_and_only_public_ones_are_there(client, wu):
    notice, draft = make_notice(), make_draft(title="还是草稿", tasks=[])
    page = client.get(URL).content.decode()
    assert f'value="{notice.reference}"' in page
    assert draft.title not in page
    assert client.get(f"{URL}?notice=2026-9999").status_code == 404
    page = client.get(address(notice)).content.decode()
    assert "measures-1" in page
    assert f'value="{timezone.localdate():%Y-%m-%d}"' in page


def test_a_call_is_stored_and_its_code_is_shown_once(client, wu):
    notice = make_notice()
    form = filled(client, notice)
    response = client.post(address(notice), form)
    code, objection = response.context["code"], Objection.objects.get()
    assert code in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert Objection.objects.by_code(code) == objection
    assert (objection.channel, objection.entered_by, objection.seen_by) == ("phone", wu, wu)
    assert (objection.content, objection.concerns, objection.name) == ("河边还有垃圾。", "measures-1", "李大爷")
    assert objection.privacy_version == ""
    assert [event.kind for event in objection.events.all()] == ["received"]
    assert LogEntry.objects.filter(object_id=objection.pk, user=wu).exists()
    again = client.post(address(notice), form)
    assert again.status_code == 422
    assert objection.number in again.content.decode()
    assert code not in again.content.decode()
    assert Objection.objects.count() == 1
    assert code not in client.get(reverse("admin:objections_objection_change", args=[objection.pk])).content.decode()


def test_the_code_tracks_it_like_any_other(client, wu):
    code = enter(client, make_notice()).context["code"]
    assert "已收到，待受理" in client.post("/objections/track/", {"code": code}).content.decode()


def test_office_and_objector_get_the_same_mails_as_from_the_web(client, wu):
    code = enter(client, make_notice(), email="li@citizen.example").context["code"]
    assert sorted(OutgoingMail.objects.values_list("kind", flat=True)) == ["office", "receipt"]
    assert receipts.code_for(OutgoingMail.objects.get(kind="receipt").token) == code


def test_the_dates_count_from_the_day_it_came(client, wu):
    day = timezone.localdate() - 5 * DAY
    code = enter(client, make_notice(), received_on=day).context["code"]
    objection = Objection.objects.get()
    assert (objection.received_on, objection.decide_by, objection.reply_by) == (day, day + 15 * DAY, day + 60 * DAY)
    assert timezone.localdate(objection.received_at) == timezone.localdate()
    page = client.post("/objections/track/", {"code": code}).content.decode()
    assert f'收到时间</dt><dd><time datetime="{day:%Y-%m-%d}' in page


@pytest.mark.parametrize(
    ("channel", "received", "postmarked", "late"),
    [
        ("phone", -1, None, True),
        ("phone", -3, None, False),
        ("visit", -2, None, True),
        ("post", 0, -3, False),  # posted on the last day, arrived after it
        ("post", 0, -2, True),
        ("post", 0, None, True),
        ("email", -3, None, False),
    ],
)
def test_late_by_postmark_or_else_by_the_day_it_came(client, wu, channel, received, postmarked, late):
    today = timezone.localdate()
    notice = make_notice(today - 20 * DAY, today - 3 * DAY)
    dates = {"received_on": today + received * DAY}
    dates["postmarked_on"] = today + postmarked * DAY if postmarked is not None else ""
    assert enter(client, notice, channel=channel, **dates).status_code == 200
    objection = Objection.objects.get()
    assert objection.is_late == late
    assert Objection.objects.late().exists() == late
    assert Objection.objects.timely().exists() == (not late)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"received_on": timezone.localdate() + DAY}, "收到日期不能晚于今天。"),
        ({"received_on": ""}, "这个字段是必填项"),
        ({"channel": "web"}, "有效的选项"),
        ({"postmarked_on": timezone.localdate()}, "只有来信有邮戳日期。"),
        ({"channel": "post", "received_on": timezone.localdate() - DAY, "postmarked_on": timezone.localdate()}, "邮戳"),
        ({"content": ""}, "这个字段是必填项"),
        ({"content": "我的身份证号是11010519491231002X"}, "请不要填写身份证号"),
        ({"name": ""}, "请勾选匿名"),
        ({"phone": "打不通"}, "请填写电话号码"),
        ({"concerns": "nothing"}, "有效的选项"),
        ({"token": "short"}, "至少"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_typed_is_lost(client, wu, changes, message):
    response = enter(client, make_notice(), **changes)
    page = response.content.decode()
    assert response.status_code == 422
    assert message in page
    assert "请更正" in page
    assert str(changes.get("content", "河边还有垃圾。")) in page
    assert not Objection.objects.exists()


def test_a_letter_without_a_name_is_taken_down_as_anonymous(client, wu):
    enter(client, make_notice(), channel="post", anonymous="on", name="李大爷", phone="0000-7654321")
    objection = Objection.objects.get()
    assert (objection.anonymous, objection.name, objection.phone) == (True, "", "")


@pytest.mark.parametrize("permissions", [(), ("objections.view_objection",)])
def test_only_handlers_may_enter(client, permissions):
    notice = make_notice()
    client.force_login(make_user("reader", *permissions))
    assert client.get(URL).status_code == 403
    assert client.get(address(notice)).status_code == 403
    assert client.post(address(notice), {"content": "x"}).status_code == 403
    if permissions:
        assert "录入异议" not in client.get("/admin/objections/objection/").content.decode()
    client.logout()
    assert client.get(URL).status_code == 302


def test_the_queue_leads_to_the_form(client, wu):
    assert URL in client.get("/admin/objections/objection/").content.decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": "phone"},  # entered by nobody
        {"entered_by": True},  # the web form is filled in by no member of staff
        {"postmarked_on": timezone.localdate()},  # of no letter
        {"channel": "post", "entered_by": True, "postmarked_on": timezone.localdate() + DAY},
    ],
)
def test_the_database_refuses_what_cannot_be(changes):
    make_objection()
    if "entered_by" in changes:
        changes = changes | {"entered_by": make_user("wu")}
    with pytest.raises(IntegrityError), transaction.atomic():
        Objection.objects.update(**changes)


def test_a_letter_is_entered_with_its_scan(client, wu, media):
    enter(client, make_notice(), channel="post", attachments=[SimpleUploadedFile("来信.pdf", PDF)])
    attached = Objection.objects.get().attachments.get()
    assert (attached.name, attached.read()) == ("来信.pdf", PDF)


def test_a_scan_that_cannot_be_taken_is_said_beside_it_and_the_text_is_kept(client, wu, media):
    response = enter(client, make_notice(), attachments=[SimpleUploadedFile("来信.pdf", b"MZ no pdf")])
    page = response.content.decode()
    assert response.status_code == 422
    assert "内容不是 PDF，与文件名不符" in page
    assert "河边还有垃圾。" in page
    assert not Objection.objects.exists()


def test_another_mistake_tells_that_the_scan_must_be_chosen_again(client, wu, media):
    response = enter(client, make_notice(), content="", attachments=[SimpleUploadedFile("来信.pdf", PDF)])
    assert "附件没有保存，请重新选择" in response.content.decode()


def test_while_files_cannot_be_stored_the_text_is_kept(client, wu, settings):
    settings.MEDIA_ROOT = "/proc/nowhere"
    page = enter(client, make_notice(), attachments=[SimpleUploadedFile("来信.pdf", PDF)]).content.decode()
    assert "先不带附件录入" in page
    assert "河边还有垃圾。" in page
    assert not Objection.objects.exists()
