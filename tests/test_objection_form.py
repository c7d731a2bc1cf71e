"""The objection form: a good post is stored once with its mails and shows its code; a bad one keeps what was typed."""

import datetime
import re

import pytest
import time_machine
from django.db import DatabaseError
from django.urls import reverse
from django.utils import timezone

from notices.models import ReceivingOffice
from notices.models.inserting import Ready
from objections import receipts
from objections.models import Objection, OutgoingMail
from tests.make import DAY, make_notice, make_office, make_organisation, withdraw

pytestmark = pytest.mark.django_db

GOOD = {
    "kind": "individual",
    "name": "王小明",
    "phone": "0000-7654321",
    "email": "wang@citizen.example",
    "concerns": "measures-1",
    "content": "青澜河东岸的垃圾并没有清运。",
    "consent": "on",
}


def url(notice) -> str:
    return reverse("objections:object", args=[notice.reference])


def token_of(response) -> str:
    return re.search(r'name="token" value="([^"]+)"', response.content.decode())[1]


def send(client, notice, token=None, **changes):
    data = GOOD | changes | {"token": token or token_of(client.get(url(notice)))}
    return client.post(url(notice), {name: value for name, value in data.items() if value is not None})


def shown(response, element: str) -> str:
    """The text of the element with that id: its only content is the value."""
    return re.search(rf'id="{element}"[^>]*>([^<]*)<', response.content.decode())[1]


def test_a_good_post_answers_303_and_the_receipt_shows_code_and_number(client):
    notice = make_notice()
    response = send(client, notice)
    assert (response.status_code, response["Location"]) == (303, "/objections/received/")
    page = client.get("/objections/received/")
    objection = Objection.objects.get()
    assert shown(page, "receipt-number") == objection.number
    assert Objection.objects.by_code(shown(page, "receipt-code")) == objection
    assert (objection.name, objection.concerns, objection.notice) == ("王小明", "measures-1", notice)
    assert objection.edition == notice.edition
    assert sorted(OutgoingMail.objects.values_list("kind", flat=True)) == ["office", "receipt"]
    assert not objection.is_late


def test_the_code_stands_in_no_url_and_the_receipt_is_not_cached(client):
    response = send(client, make_notice())
    page = client.get(response["Location"])
    assert shown(page, "receipt-code") not in response["Location"]
    assert "no-store" in page["Cache-Control"]
    cookie = response.cookies["receipt"]
    assert cookie["httponly"]
    assert cookie["path"] == "/objections/received/"
    assert shown(page, "receipt-code").replace("-", "") not in cookie.value


def test_another_browser_sees_no_receipt(client):
    send(client, make_notice())
    client.cookies.clear()
    page = client.get("/objections/received/").content.decode()
    assert "receipt-code" not in page
    client.cookies["receipt"] = "forged"
    assert client.get("/objections/received/").status_code == 200


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"content": ""}, "content", "请写明您的异议。"),
        ({"content": "   "}, "content", "请写明您的异议。"),
        ({"content": "长" * 5001}, "content", "太长"),
        ({"name": ""}, "name", "请填写姓名或单位名称。"),
        ({"phone": "", "email": ""}, "phone", "至少一项"),
        ({"phone": "请打电话"}, "phone", "请填写电话号码"),
        ({"email": "wang@"}, "email", "请填写完整的邮箱地址"),
        ({"email": "a@b.example\nBcc: c@d.example"}, "email", "请填写完整的邮箱地址"),
        ({"consent": None}, "consent", "勾选同意"),
        ({"kind": "martian"}, "kind", "martian"),
        ({"concerns": "measures-99"}, "concerns", "measures-99"),
        ({"content": "我的身份证号是110101199003074514"}, "content", "请不要填写身份证号"),
        ({"name": "王小明11010119900307451x"}, "name", "请不要填写身份证号"),
        ({"content": "垃圾\x00没有清运"}, "content", "空字符"),
    ],
)
def test_a_bad_post_answers_422_with_the_error_beside_its_field_and_the_text_kept(client, changes, field, message):
    response = send(client, make_notice(), **changes)
    assert response.status_code == 422
    form = response.context["form"]
    assert message in " ".join(form.errors[field])
    page = response.content.decode()
    assert message in page
    typed = (GOOD | changes)["content"]
    assert typed.strip()[:20] in page
    assert not Objection.objects.exists()


def test_full_width_digits_in_a_telephone_number_are_understood(client):
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in "00007654321")
    assert send(client, make_notice(), phone=wide).status_code == 303
    assert Objection.objects.get().phone == "00007654321"


def test_anonymous_only_where_the_office_takes_it(client):
    without = {"anonymous": "on", "name": "", "phone": "", "email": ""}
    strict = make_notice()
    assert send(client, strict, **without).status_code == 422
    organisation = make_organisation("990301", "临溪区生态环境局")
    office = make_office(organisation, accepts_anonymous=True)
    open_minded = make_notice(organisation=organisation, receiving_office=office, tasks=[], title="另一份")
    assert send(client, open_minded, **without).status_code == 303
    assert send(client, open_minded, anonymous="on", content="另一条").status_code == 303
    assert {objection.name for objection in Objection.objects.all()} == {""}  # who is anonymous leaves no name


def test_the_same_form_sent_twice_is_one_objection_with_the_same_receipt(client):
    notice = make_notice()
    token = token_of(client.get(url(notice)))
    codes = set()
    for _ in range(3):
        assert send(client, notice, token).status_code == 303
        codes.add(shown(client.get("/objections/received/"), "receipt-code"))
    assert len(codes) == Objection.objects.count() == 1
    assert OutgoingMail.objects.count() == 2


def test_the_same_form_with_another_text_asks_and_keeps_the_text(client):
    notice = make_notice()
    token = token_of(client.get(url(notice)))
    send(client, notice, token)
    response = send(client, notice, token, content="另一段话")
    assert response.status_code == 422
    assert "另一段话" in response.content.decode()
    assert Objection.objects.get().number in response.content.decode()
    again = send(client, notice, token_of(response), content="另一段话")
    assert again.status_code == 303
    assert Objection.objects.count() == 2


@pytest.mark.parametrize(
    ("days", "words"), [(1095, "再保存3年（1095天），"), (100, "再保存100天，"), (365, "再保存1年（365天），")]
)
def test_the_form_says_how_long_what_is_said_is_kept(client, days, words):
    notice = make_notice()
    ReceivingOffice.objects.update(keep_personal_data_days=days)
    assert words in client.get(url(notice)).content.decode()


@pytest.mark.parametrize("token", ["", "garbage", "a:b:c", None])
def test_a_form_without_a_valid_token_is_given_a_new_one_and_keeps_the_text(client, token):
    notice = make_notice()
    data = GOOD | ({} if token is None else {"token": token})
    response = client.post(url(notice), data)
    assert response.status_code == 422
    assert GOOD["content"] in response.content.decode()
    assert send(client, notice, token_of(response)).status_code == 303


def test_a_token_of_another_notice_is_not_taken(client):
    first, second = make_notice(), make_notice(tasks=[], title="另一份")
    token = token_of(client.get(url(first)))
    assert send(client, second, token).status_code == 422
    assert not Objection.objects.exists()


def at_minute_to_midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(23, 59), tzinfo=timezone.get_default_timezone())


def test_a_form_opened_before_the_close_and_sent_after_it_is_accepted_and_marked_late(client):
    notice = make_notice()
    closing = at_minute_to_midnight(notice.edition.closes_on)
    with time_machine.travel(closing, tick=False):
        token = token_of(client.get(url(notice)))
    with time_machine.travel(closing + datetime.timedelta(minutes=2), tick=False):
        assert send(client, notice, token).status_code == 303
    objection = Objection.objects.get()
    assert objection.is_late
    assert objection.opened_at < objection.received_at


def test_a_post_in_the_last_minute_is_timely(client):
    notice = make_notice()
    with time_machine.travel(at_minute_to_midnight(notice.edition.closes_on), tick=False):
        assert send(client, notice).status_code == 303
    assert not Objection.objects.get().is_late


def test_after_the_close_the_page_names_the_channels_and_hands_the_text_back(client):
    notice = make_notice(timezone.localdate() - 20 * DAY, timezone.localdate() - DAY)
    page = client.get(url(notice))
    assert page.status_code == 200
    assert "0000-1234567" in page.content.decode()
    assert "<form" not in page.content.decode().split("<main")[1].split("</main>")[0]
    response = client.post(url(notice), GOOD | {"token": "whatever"})
    assert response.status_code == 422
    assert GOOD["content"] in response.content.decode()
    assert not Objection.objects.exists()


def test_a_withdrawn_or_upcoming_notice_takes_no_objection(client):
    upcoming = make_notice(timezone.localdate() + 3 * DAY)
    withdrawn = make_notice(tasks=[], title="另一份")
    token = token_of(client.get(url(withdrawn)))
    withdraw(withdrawn)
    for notice in (upcoming, withdrawn):
        assert send(client, notice, token).status_code == 422
    assert not Objection.objects.exists()


def test_an_unknown_notice_is_404_and_odd_methods_405(client):
    assert client.get("/notices/2025-9999/object/").status_code == 404
    notice = make_notice()
    assert client.put(url(notice)).status_code == 405
    assert client.post("/objections/received/").status_code == 405


def test_no_thank_you_when_the_database_fails(client, monkeypatch):
    notice = make_notice()
    token = token_of(client.get(url(notice)))

    def insert(rows, **late):
        if late:  # what hangs on the objection
            raise DatabaseError("disk full")
        store(rows)

    store = Ready.insert
    monkeypatch.setattr(Ready, "insert", insert)
    response = send(client, notice, token)
    assert response.status_code == 503
    assert "receipt" not in response.cookies
    assert not Objection.objects.exists()  # nothing half-stored either


def test_the_item_of_a_link_is_chosen_and_a_wrong_one_is_harmless(client):
    notice = make_notice()
    assert client.get(url(notice), {"item": "progress-2"}).context["form"]["concerns"].value() == "progress-2"
    assert client.get(url(notice), {"item": "<script>"}).status_code == 200


def test_what_was_said_is_escaped_when_it_is_shown_again(client):
    response = send(client, make_notice(), content="<script>alert(1)</script>", name="")
    assert "<script>alert(1)" not in response.content.decode()
    assert "&lt;script&gt;alert(1)" in response.content.decode()


def track(client, code):
    return client.post("/objections/track/", {"code": code})


def test_the_code_opens_the_story_and_no_name_of_staff(client):
    notice = make_notice()
    send(client, notice)
    code = shown(client.get("/objections/received/"), "receipt-code")
    objection = Objection.objects.get()
    handler = notice.published_by
    type(handler).objects.filter(pk=handler.pk).update(last_name="隐", first_name="姓名")
    objection.accept(by=handler)
    objection.verify(by=handler, finding="partly")
    objection.answer(by=handler, reply="已责成重新清运。")
    page = track(client, code.lower().replace("-", " "))
    text = page.content.decode()
    assert page.status_code == 200
    for told in (objection.number, "已受理", "部分属实", "已责成重新清运。"):
        assert told in text
    for private in ("li", "隐姓名", "王小明", "0000-7654321"):
        assert f">{private}<" not in text


@pytest.mark.parametrize("code", ["", "ABCD", "0000-0000-0000-0000-0000-0000-0000", "x" * 500, "\x00"])
def test_a_wrong_code_opens_nothing_and_says_so_beside_the_field(client, code):
    send(client, make_notice())
    response = track(client, code)
    assert response.status_code == 422
    assert response.context["form"].errors["code"]
    assert Objection.objects.get().number not in response.content.decode()


def test_a_code_in_the_url_opens_nothing(client):
    send(client, make_notice())
    code = shown(client.get("/objections/received/"), "receipt-code")
    assert Objection.objects.get().number not in client.get("/objections/track/", {"code": code}).content.decode()
    assert receipts.normalise(code)
