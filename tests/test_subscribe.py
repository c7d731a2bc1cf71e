"""Told of notices by mail: nothing before the address has confirmed, each thing once, and gone at one press."""

import datetime
import re
import threading

import pytest
import time_machine
from django.core import mail
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from notices import digests, subscribe_views
from notices.mail import send_due
from notices.models import ConfirmationMail, Digest, DigestMail, Subscriber, Subscription
from tests import make

pytestmark = pytest.mark.django_db
ADDRESS = "chen@citizen.example"
HOUR = datetime.timedelta(hours=1)


def ask(client, email=ADDRESS, **topic):
    return client.post("/subscribe/", {"email": email} | topic)


def links(text: str) -> list[str]:
    return re.findall(r"http://testserver(/\S+)", text)


def link_sent() -> str:
    """The link of the confirmation mail that goes out now."""
    send_due()
    return links(mail.outbox[-1].body)[0]


def subscribed(client, email=ADDRESS, **topic) -> Subscriber:
    assert ask(client, email, **topic).status_code == 303
    assert client.post(link_sent()).status_code == 200
    mail.outbox.clear()
    return Subscriber.objects.get(digest=Subscriber.objects.latest("id").digest)


def told(now=None) -> list[str]:
    """The digests that go out now."""
    digests.queue_due(now)
    mail.outbox.clear()
    send_due()
    return [each.body for each in mail.outbox]


# --- Asking and confirming -------------------------------------------------------------------------------------------


def test_which_privacy_notice_was_agreed_to_is_stored(client):
    subscriber = subscribed(client)
    assert f"版本：{subscriber.subscriptions.get().privacy_version}" in client.get("/privacy/").content.decode()


def test_nothing_is_sent_before_the_button_behind_the_link_is_pressed(client):
    assert ask(client).url == "/subscribe/sent/"
    link = link_sent()
    assert client.get(link).status_code == 200  # as a scanner of links would
    assert not Subscription.objects.confirmed()
    make.make_notice()
    assert told() == []
    assert "订阅已生效" in client.post(link).content.decode()
    make.make_notice(title="后来的公示", tasks=[])
    assert [("后来的公示" in text) for text in told()] == [True]


def test_the_answer_is_the_same_for_a_known_address(client):
    subscribed(client)
    known, new = ask(client), ask(client, "other@citizen.example")
    assert (known.status_code, known.url, known.content) == (new.status_code, new.url, new.content)
    assert known.headers.keys() == new.headers.keys()
    assert not known.cookies
    send_due()
    assert "已经确认过" in next(each.body for each in mail.outbox if each.to == [ADDRESS])
    assert Subscription.objects.count() == 2


def test_an_address_is_asked_three_times_a_day_however_it_is_written(client):
    with time_machine.travel("2025-09-24T02:00:00Z", tick=False) as clock:
        for written in (ADDRESS, ADDRESS.upper(), ADDRESS, ADDRESS.title(), ADDRESS):
            assert ask(client, written).status_code == 303
        assert (ConfirmationMail.objects.count(), Subscriber.objects.count()) == (3, 1)
        clock.shift(24 * HOUR)
        ask(client)
    assert ConfirmationMail.objects.count() == 4


def test_a_flood_from_one_network_is_told_and_keeps_what_was_typed(client, monkeypatch):
    monkeypatch.setattr(subscribe_views, "FLOOD", 2)
    sent = [client.post("/subscribe/", {"email": f"a{n}@x.example"}, REMOTE_ADDR="198.51.100.7") for n in range(3)]
    assert [each.status_code for each in sent] == [303, 303, 422]
    assert "a2@x.example" in sent[-1].content.decode()
    assert "这次没有收下" in sent[-1].content.decode()


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"email": ""}, "email", "请填写接收通知的邮箱。"),
        ({"email": "不是邮箱"}, "email", "请填写完整的邮箱地址"),
        ({"email": "a@b.example\nBcc: c@d.example"}, "email", "请填写完整的邮箱地址"),
        ({"organisation": "000000"}, "organisation", "没有这个选项"),
        ({"organisation": "\0"}, "organisation", ""),
        ({"round": "无"}, "round", "没有这个选项"),
        ({"words": "，。！"}, "words", "没有可以查找的"),
        ({"words": "水" * 101}, "words", "100 字以内"),
        ({"homepage": "x"}, "homepage", "应当留空"),
    ],
)
def test_an_error_stands_beside_its_field_and_what_was_typed_is_kept(client, typed, field, said):
    response = client.post("/subscribe/", {"email": ADDRESS, "words": "污水"} | typed)
    assert response.status_code == 422
    errors = response.context["form"].errors
    assert list(errors) == [field]
    assert said in errors[field][0]
    page = response.content.decode()
    assert f'href="#id_{field}"' in page
    assert "污水" in page or "words" in typed
    assert not Subscriber.objects.exists()


def test_the_form_is_filled_in_from_the_filters_of_the_list(client):
    notice = make.make_notice()
    page = client.get(
        f"/subscribe/?organisation={notice.organisation.code}&round=central-1&words=污水"
    ).content.decode()
    assert 'value="990300" selected' in page
    assert 'value="central-1" selected' in page
    assert 'value="污水"' in page
    assert client.get("/subscribe/?organisation=%00&round=x").status_code == 200


def test_only_what_is_public_can_be_chosen(client):
    make.make_draft()
    page = client.get("/subscribe/").content.decode()
    assert "青澜市生态环境局" not in page
    assert "第一轮中央" not in page


def test_a_link_that_is_wrong_or_old_says_so_and_the_unconfirmed_are_deleted_after_seven_days(client):
    assert client.get("/subscribe/confirm/x:y:z/").status_code == 410
    with time_machine.travel("2025-09-24T02:00:00Z", tick=False) as clock:
        ask(client)
        link = link_sent()
        clock.shift(datetime.timedelta(days=6, hours=23))
        Subscriber.objects.forget()
        assert client.get(link).status_code == 200
        clock.shift(2 * HOUR)
        assert client.post(link).status_code == 410
        Subscriber.objects.forget()
    assert not Subscriber.objects.exists()
    assert not ConfirmationMail.objects.exists()


def test_a_link_to_confirm_is_none_to_leave(client):
    subscriber = subscribed(client)
    token = links(subscriber.leaving_url)[0].split("/")[-2]
    assert client.post(f"/subscribe/confirm/{token}/").status_code == 410


def test_the_address_is_ciphertext_in_the_database(client):
    subscribed(client)
    for table in ("notices_subscriber", "notices_confirmationmail", "notices_counter"):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")
            assert "chen" not in str(cursor.fetchall())


# --- Leaving -----------------------------------------------------------------------------------------------------------


def test_one_press_of_a_mail_program_ends_everything_and_deletes_the_address(client):
    subscribed(client)
    make.make_notice()
    told()
    headers = mail.outbox[0].extra_headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    (link,) = links(headers["List-Unsubscribe"].strip("<>"))
    assert link in mail.outbox[0].body
    assert client.get(link).status_code == 200
    assert Subscriber.objects.exists()  # a look changes nothing
    program = Client(enforce_csrf_checks=True)
    for _ in range(2):
        assert program.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not Subscriber.objects.exists()
    assert not ConfirmationMail.objects.exists()
    assert not DigestMail.objects.exists()


def test_a_mail_whose_recipient_left_meanwhile_is_no_fault(client, monkeypatch):
    subscribed(client)
    make.make_notice()
    digests.queue_due()
    monkeypatch.setattr("notices.mail.claim", lambda mails, now: Subscriber.objects.all().delete() and [])
    send_due()
    assert mail.outbox == []


def test_an_address_that_refuses_for_a_week_is_forgotten_and_raises_nobody(client, admin_client):
    subscriber, now = subscribed(client), timezone.now()
    make.make_notice()
    digests.queue_due()
    DigestMail.objects.update(refused_at=now)
    assert admin_client.get("/admin/").status_code == 200
    Subscriber.objects.forget(now)
    assert Subscriber.objects.get() == subscriber
    Subscriber.objects.forget(now + datetime.timedelta(days=8))
    assert not Subscriber.objects.exists()


# --- Being told --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ({}, True),
        ({"organisation": "990300"}, True),
        ({"organisation": "990400"}, False),
        ({"round": "central-1"}, True),
        ({"round": "central-2"}, False),
        ({"words": "清运 巡查"}, True),
        ({"words": "第１项"}, True),  # as search reads it: 第一项
        ({"words": "清运 污水"}, False),
        ({"organisation": "990300", "words": "污水"}, False),
    ],
)
def test_who_is_told_by_organisation_round_and_words(client, topic, expected):
    other = make.make_organisation("990400", "赤岭市生态环境局")
    make.make_notice(organisation=other, tasks=[make.make_task(2, round=make.make_round("central-2", "第二轮"))])
    make.make_notice()
    subscribed(client, **topic)
    make.make_notice(tasks=[make.make_task(3)])
    assert bool(told()) == expected


def test_what_was_public_before_is_not_told_and_nothing_twice(client):
    make.make_notice(title="以前的公示")
    subscribed(client, words="清运")
    assert told() == []
    make.make_notice(title="新的公示甲", tasks=[])
    make.make_notice(title="新的公示乙", tasks=[])
    (text,) = told()
    assert "以前的公示" not in text
    assert text.index("新的公示甲") < text.index("新的公示乙")
    assert "含“清运”的公示" in text
    assert told() == []


def test_a_window_that_is_over_invites_nobody(client):
    subscribed(client)
    make.make_notice()
    assert "期内可以提出异议" in told()[0]
    today = timezone.localdate()
    make.make_notice(today - 9 * make.DAY, today - make.DAY, tasks=[])
    assert "期内可以提出异议" not in told()[0]


def test_two_subscriptions_are_one_mail(client):
    notice = make.make_notice()
    subscribed(client, words="清运")
    subscribed(client, organisation=notice.organisation.code)
    make.make_notice(title="新的公示", tasks=[])
    (text,) = told()
    assert text.count("新的公示") == 1


def test_corrections_extensions_and_withdrawals_are_told_with_their_reasons(client):
    subscribed(client, words="清运")
    notice = make.make_notice()
    assert "发布" in told()[0]
    notice.begin_correction(by=make.make_user("zhang"), reason="措施写错，现予更正。")
    for section in notice.sections.all():  # the corrected text has the words no more
        section.body = section.body.replace("清运", "处理")
        section.save()
    notice.submit(by=make.make_user("zhang"))
    notice.publish(by=make.make_user("li"), confirmed=True)
    (text,) = told()
    assert "更正" in text
    assert "措施写错" in text
    assert told() == []


def test_extension_and_withdrawal(client):
    subscribed(client)
    notice = make.make_notice()
    told()
    notice.extend(by=make.make_user("zhang"), closes_on=notice.closes_on + 7 * make.DAY, reason="网站停机，延期。")
    notice.publish(by=make.make_user("li"), confirmed=True)
    (text,) = told()
    assert "延期" in text
    assert "网站停机" in text
    make.withdraw(notice, "责任单位写错")
    (text,) = told()
    assert "撤回" in text
    assert "责任单位写错" in text


def test_a_scheduled_notice_is_told_once_when_its_hour_has_come(client):
    subscribed(client)
    draft, now = make.make_draft(title="定时的公示"), timezone.now()
    draft.submit(by=make.make_user("zhang"))
    draft.publish(by=make.make_user("li"), confirmed=True, public_from=now + 3 * HOUR)
    assert told(now + HOUR) == []
    with time_machine.travel(now + 4 * HOUR):
        assert ["定时的公示" in text for text in told()] == [True]
        assert told() == []


def test_what_is_cut_short_is_made_again_whole(client, monkeypatch):
    subscribed(client)
    make.make_notice()
    bulk_create = type(DigestMail.objects).bulk_create

    def killed(self, rows, **options):
        bulk_create(self, rows, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(type(DigestMail.objects), "bulk_create", killed)
        with pytest.raises(KeyboardInterrupt), transaction.atomic():
            digests.queue_due()
    assert (Digest.objects.count(), DigestMail.objects.count()) == (1, 0)
    assert digests.queue_due() == 1
    assert digests.queue_due() == 0


def test_a_digest_comes_an_hour_after_the_last_however_many_workers_ask(client):
    subscribed(client)
    make.make_notice()
    began = Digest.objects.get().created_at
    assert [digests.queue_hourly(began + each) for each in (HOUR / 2, HOUR, HOUR)] == [0, 1, 0]


def test_a_large_digest_lets_other_mail_pass(client):
    for number in range(3):
        subscribed(client, f"a{number}@citizen.example")
    make.make_notice()
    now = timezone.now()
    assert digests.queue_due(now) == 3
    assert [DigestMail.objects.due(now + each * digests.PACE).count() for each in (0, 1, 2)] == [1, 2, 3]


@pytest.mark.django_db(transaction=True)
def test_of_several_workers_one_makes_the_digest(client):
    for number in range(5):
        subscribed(client, f"a{number}@citizen.example")
    make.make_notice()
    barrier, made = threading.Barrier(4), []

    def work():
        barrier.wait()
        try:
            made.append(digests.queue_due())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(made) == [0, 0, 0, 5]
    assert DigestMail.objects.count() == 5


@pytest.mark.parametrize("path", ["/", "/notices/", "/sitemap/", "/en/"])
def test_the_way_to_subscribe_is_shown(client, path):
    assert 'subscribe/"' in client.get(path).content.decode()


def test_notice_and_list_carry_their_topic_into_the_form(client):
    notice = make.make_notice()
    assert "/subscribe/?organisation=990300" in client.get(f"/notices/{notice.reference}/").content.decode()
    assert "words=%E6%B8%85%E8%BF%90" in client.get("/notices/?q=清运").content.decode()
