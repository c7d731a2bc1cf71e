"""Reminders go out once a date and threshold, however late the worker comes; a refused address is shown and can be put right."""

import datetime
import smtplib

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.core import mail as outbox
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from notices import mail
from notices.encryption import Ciphertext
from notices.models import NotAllowed
from objections import reminders
from objections.keyring import ring
from objections.models import Objection, OutgoingMail, Reminder
from portal import duties
from portal.management.commands.send_mail import Command
from tests.make import DAY, make_notice, make_objection, make_office, make_organisation, make_task, make_user

pytestmark = pytest.mark.django_db

HANDLE = "objections.handle_objection"


def noon(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(12), tzinfo=timezone.get_default_timezone())


def reminded() -> list[tuple[str, datetime.date]]:
    return list(Reminder.objects.order_by("at", "id").values_list("threshold", "due_on"))


def on(day: datetime.date) -> int:
    return reminders.queue_due(noon(day))


def test_once_before_and_once_after_each_date():
    objection = make_objection()
    due = objection.decide_by
    sent = [on(due + offset * DAY) for offset in (-4, -3, -2, 0, 1, 2, 30)]
    assert sent == [0, 1, 0, 0, 1, 0, 0]
    assert reminded() == [("near", due), ("past", due)]
    mails = OutgoingMail.objects.filter(kind="reminder")
    assert [each.recipient for each in mails] == ["office@qinglan.example"] * 2
    assert [event.text for event in objection.events.filter(kind="reminded")] == ["临期", "逾期"]


def test_a_worker_that_was_away_reminds_when_it_is_back():
    due = make_objection().decide_by
    assert on(due + 5 * DAY) == 1
    assert reminded() == [("past", due)]


def test_the_reply_has_reminders_of_its_own():
    objection = make_objection()
    on(objection.decide_by)
    objection.accept(by=make_user("wu"))
    assert on(objection.reply_by - 4 * DAY) == 0
    assert on(objection.reply_by) == 1
    assert reminded() == [("near", objection.decide_by), ("near", objection.reply_by)]


@pytest.mark.parametrize("verb", ["decline", "answer"])
def test_what_is_declined_or_answered_reminds_nobody(verb):
    objection, wu = make_objection(), make_user("wu")
    if verb == "decline":
        objection.decline(by=wu, reason="与公示无关")
    else:
        objection.accept(by=wu)
        objection.verify(by=wu, finding="partly")
        objection.answer(by=wu, reply="答复")
    assert on(objection.reply_by + DAY) == 0


def test_a_reopened_case_is_reminded_of_its_new_date():
    objection, wu = make_objection(), make_user("wu")
    objection.accept(by=wu)
    on(objection.reply_by + DAY)
    objection.verify(by=wu, finding="partly")
    objection.answer(by=wu, reply="答复")
    objection.finish(by=wu)
    with time_machine.travel(noon(timezone.localdate() + 100 * DAY), tick=False):
        objection.reopen(by=wu, reason="补充证据")
    assert on(objection.reply_by + DAY) == 1


def test_an_office_without_a_mailbox_is_reminded_once_it_has_one():
    office = make_office(name="没有邮箱的科室", mailboxes="")
    notice = make_notice(receiving_office=office)
    due = make_objection(notice).decide_by
    assert on(due) == 0
    assert reminded() == []
    office.mailboxes = "neu@qinglan.example"
    office.save()
    assert on(due) == 1


def test_the_reminder_follows_the_objection_to_the_supervisor():
    province = make_organisation("990000", "沧澜省生态环境厅")
    make_office(province, mailboxes="ducha@canglan.example")
    make_organisation(parent=province)
    objection = make_objection(make_notice(tasks=[make_task(responsible_units="青澜市生态环境局")]))
    on(objection.decide_by)
    assert OutgoingMail.objects.get(kind="reminder").recipient == "ducha@canglan.example"


def test_the_worker_sends_it_and_it_tells_nothing_of_the_objector():
    objection = make_objection()
    with time_machine.travel(noon(objection.decide_by + DAY), tick=False):
        call_command("send_mail", "--once")
    (body,) = [each.body for each in outbox.outbox if "请办理" in each.subject]
    assert objection.number in body
    assert "已过办理期限" in body
    for private in ("王小明", "0000-7654321", "垃圾并没有清运"):
        assert private not in body


def test_a_broken_personal_field_stops_no_reminder():
    broken = make_objection(email="")
    Objection.objects.update(content=Ciphertext("no-key:no-token"))
    assert on(broken.decide_by) == 1


def test_an_objection_whose_key_is_lost_keeps_no_other_from_being_reminded(settings):
    notice = make_notice()
    make_objection(notice, token="one")
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    ring.forget()
    assert on(make_objection(notice, token="other").decide_by) == 1


def test_when_other_duties_fail_mail_goes_out_all_the_same(monkeypatch):
    make_objection()
    broken = [duty._replace(act=lambda now: 1 / 0) for duty in duties.DUTIES]
    monkeypatch.setattr(duties, "DUTIES", broken)
    Command().look()
    assert len(outbox.outbox) == 2


# --- An address that is refused ---------------------------------------------------------------------------------


def refused(code: int = 550) -> OutgoingMail:
    """A mail whose recipient the server refused."""
    make_objection()
    one = OutgoingMail.objects.get(kind="receipt")
    assert mail.claim([one], timezone.now())
    mail.postpone(one, smtplib.SMTPRecipientsRefused({"wang@citizen.example": (code, b"no such user")}))
    one.refresh_from_db()
    return one


def test_a_refusal_for_good_is_undeliverable_and_tried_slowly():
    one = refused(550)
    assert one.is_undeliverable
    assert one.due_at - timezone.now() > datetime.timedelta(hours=5)
    assert "550" in one.last_error
    assert "wang@" not in one.last_error


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPRecipientsRefused({"wang@citizen.example": (450, b"busy")}),
        smtplib.SMTPDataError(451, b"later"),
        smtplib.SMTPSenderRefused(550, b"who are you", "portal@test.example"),
        OSError("away"),
    ],
)
def test_what_may_pass_is_not_undeliverable(error):
    make_objection()
    one = OutgoingMail.objects.get(kind="receipt")
    mail.claim([one], timezone.now())
    mail.postpone(one, error)
    one.refresh_from_db()
    assert not one.is_undeliverable
    assert one.due_at - timezone.now() < datetime.timedelta(hours=1)


def press(client, row, verb, **said):
    return client.post(reverse("admin:objections_outgoingmail_verb", args=[row.pk, verb]), said, follow=True)


@pytest.fixture
def handler(client):
    client.force_login(make_user("wu", HANDLE, "objections.view_outgoingmail"))


def test_staff_see_it_and_correct_the_address(client, handler):
    one = refused()
    page = client.get(reverse("admin:objections_outgoingmail_changelist"), {"delivery": "undeliverable"})
    assert "无法送达" in page.content.decode()
    assert len(page.context["cl"].result_list) == 1
    press(client, one, "correct", recipient="wang@right.example")
    one.refresh_from_db()
    assert (one.recipient, one.is_undeliverable, one.attempts) == ("wang@right.example", False, 0)
    assert one.objection.events.get(kind="readdressed").by.username == "wu"
    mail.send_due()
    assert ["wang@right.example"] in [each.to for each in outbox.outbox]


def test_staff_confirm_the_address(client, handler):
    one = refused()
    press(client, one, "retry")
    one.refresh_from_db()
    assert one.due_at <= timezone.now()
    assert not one.is_undeliverable
    assert one.objection.events.filter(kind="retried").exists()


def test_a_wrong_address_is_not_taken(client, handler):
    one = refused()
    press(client, one, "correct", recipient="not an address")
    one.refresh_from_db()
    assert one.recipient == "wang@citizen.example"


def test_what_is_out_is_not_sent_again():
    make_objection()
    mail.send_due()
    one = OutgoingMail.objects.get(kind="receipt")
    for act in (
        lambda: one.retry(by=make_user("wu")),
        lambda: one.correct(by=make_user("wu"), recipient="a@b.example"),
    ):
        with pytest.raises(NotAllowed, match="已经发出"):
            act()


def test_a_success_ends_the_refusal():
    one = refused()
    OutgoingMail.objects.update(due_at=timezone.now())
    mail.send_due()
    one.refresh_from_db()
    assert (one.refused_at, bool(one.sent_at)) == (None, True)


@pytest.mark.parametrize(("verb", "said"), [("retry", {}), ("correct", {"recipient": "a@b.example"})])
def test_who_may_not_handle_sees_neither_address_nor_buttons(client, verb, said):
    one = refused()
    client.force_login(make_user("reader", "objections.view_outgoingmail"))
    page = client.get(reverse("admin:objections_outgoingmail_change", args=[one.pk])).content.decode()
    assert "wang@citizen.example" not in page
    assert "/verb/" not in page
    assert press(client, one, verb, **said).status_code == 403
    assert Objection.objects.get().events.count() == 1
