"""The worker: what is queued is delivered, once a recipient, whatever the server does; a request sends nothing."""

import datetime
import smtplib
import socket
import threading

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from django.core import mail as outbox
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from notices import mail
from objections import receipts
from objections.models import Event, OutgoingMail
from tests.make import make_notice, make_objection, make_office, make_user

pytestmark = pytest.mark.django_db


class Server:
    """An SMTP server on this machine that keeps what it takes and refuses what it is told to refuse."""

    def __init__(self):
        self.taken, self.refused, self.answer = [], {}, "250 OK"

    async def handle_RCPT(self, server: SMTP, session, envelope, address, options):
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answer.startswith("250"):
            self.taken.append(envelope)
        return self.answer


@pytest.fixture
def server(settings):
    handler = Server()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    yield handler
    controller.stop()


def make_due():
    """Let everything that was postponed be due again."""
    OutgoingMail.objects.filter(sent_at=None).update(due_at=timezone.now(), leased_until=None)


def test_an_objection_queues_its_mails_and_sends_none():
    notice = make_notice()
    make_office(notice.organisation)
    notice.receiving_office.mailboxes = "a@qinglan.example\nb@qinglan.example"
    notice.receiving_office.save()
    make_objection(notice)
    assert sorted(OutgoingMail.objects.values_list("kind", flat=True)) == ["office", "office", "receipt"]
    assert outbox.outbox == []


def test_the_worker_delivers_to_office_and_objector(server):
    objection = make_objection(token="form token")
    assert mail.send_due() == (2, 0)
    by_recipient = {envelope.rcpt_tos[0]: envelope.content.decode() for envelope in server.taken}
    assert set(by_recipient) == {"office@qinglan.example", "wang@citizen.example"}
    assert mail.send_due() == (0, 0)
    assert len(server.taken) == 2
    delivered = objection.events.get(kind=Event.Kind.DELIVERED)
    assert delivered.at <= timezone.now()


def test_the_objector_gets_the_code_and_the_office_gets_neither_code_nor_text():
    objection = make_objection(token="form token")
    bodies = {each.kind: each.compose().body for each in OutgoingMail.objects.all()}
    code = receipts.code_for("form token")
    assert code in bodies["receipt"]
    assert objection.number in bodies["receipt"]
    assert objection.number in bodies["office"]
    for private in (code, objection.content, "王小明", "0000-7654321"):
        assert private not in bodies["office"]


def test_the_form_token_is_erased_once_its_mail_is_out(server):
    make_objection(token="form token")
    assert OutgoingMail.objects.get(kind="receipt").token == "form token"
    mail.send_due()
    assert OutgoingMail.objects.get(kind="receipt").token == ""


def test_a_server_that_is_away_loses_nothing(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # nobody listens there
    make_objection()
    assert mail.send_due() == (0, 2)
    assert OutgoingMail.objects.due(timezone.now()).count() == 2


def test_after_the_server_is_back_everything_goes_out(server, settings):
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 9
    make_objection()
    assert mail.send_due() == (0, 2)
    settings.EMAIL_PORT = port
    assert mail.send_due() == (0, 2)  # not yet
    assert mail.send_due(timezone.now() + mail.PROBE) == (2, 0)


@pytest.mark.parametrize("answer", ["450 busy", "550 no such user"])
def test_a_refused_recipient_delays_nobody_else_and_is_tried_again(server, answer):
    server.refused["office@qinglan.example"] = answer
    make_objection()
    assert mail.send_due() == (1, 1)
    assert [envelope.rcpt_tos for envelope in server.taken] == [["wang@citizen.example"]]
    waiting = OutgoingMail.objects.get(sent_at=None)
    assert waiting.due_at > timezone.now()
    assert "office@" not in waiting.last_error
    server.refused.clear()
    make_due()
    assert mail.send_due() == (1, 0)


def test_waiting_grows_to_half_an_hour_and_there_is_no_last_try():
    make_objection(email="")
    one = OutgoingMail.objects.get()
    error = smtplib.SMTPRecipientsRefused({})
    waits = []
    for attempts in (1, 2, 3, 9, 10, 500):
        OutgoingMail.objects.update(attempts=attempts)
        mail.postpone(one, error)
        one.refresh_from_db()
        waits.append(round((one.due_at - timezone.now()).total_seconds()))
    assert waits == [5, 10, 20, 1280, 1800, 1800]
    assert one.sent_at is None


def test_a_mail_that_cannot_be_composed_stops_nobody(server, monkeypatch):
    make_objection(token="one", email="")
    make_objection(make_notice(tasks=[], title="另一份"), token="two", email="")
    first = OutgoingMail.objects.order_by("id")[0]
    compose = OutgoingMail.compose
    broken = lambda each, connection: 1 / 0 if each.pk == first.pk else compose(each, connection)  # noqa: E731
    monkeypatch.setattr(OutgoingMail, "compose", broken)
    assert mail.send_due() == (1, 1)


def test_a_mail_that_another_worker_holds_is_left_alone():
    make_objection(email="")
    one, now = OutgoingMail.objects.get(), timezone.now()
    assert mail.claim([one], now)
    assert not mail.claim([one], now)
    assert not OutgoingMail.objects.due(now).exists()
    later = now + mail.LEASE + datetime.timedelta(seconds=1)  # that worker died
    assert mail.claim([one], later)


def test_what_is_not_taken_up_while_its_lease_is_fresh_is_free_again(server, monkeypatch):
    make_objection()
    monkeypatch.setattr(mail, "FRESH", 0)  # the server was slow
    assert mail.send_due() == (0, 2)
    assert set(OutgoingMail.objects.values_list("attempts", "leased_until")) == {(0, None)}
    monkeypatch.undo()
    assert mail.send_due() == (2, 0)


def test_a_mail_that_ends_the_worker_delays_the_others_once(server, monkeypatch):
    notice, compose = make_notice(), OutgoingMail.compose
    for number in range(3):
        make_objection(notice, token=str(number), email="")
    first = OutgoingMail.objects.order_by("id")[0]

    def killed(each, connection):
        if each.pk == first.pk:
            monkeypatch.setattr(mail, "give_back", lambda claimed: None)  # nobody is left to do that
            raise SystemExit
        return compose(each, connection)

    monkeypatch.setattr(OutgoingMail, "compose", killed)
    with pytest.raises(SystemExit):
        mail.send_due()
    assert mail.send_due() == (0, 0)  # the others were in its hands
    now = timezone.now() + mail.LEASE
    with pytest.raises(SystemExit):
        mail.send_due(now)
    assert mail.send_due(now) == (2, 0)


def test_every_try_bears_the_same_message_id(server):
    server.answer = "451 later"
    make_objection(email="")
    mail.send_due()
    server.answer = "250 OK"
    make_due()
    mail.send_due()
    message_id = OutgoingMail.objects.get().message_id
    assert message_id in server.taken[0].content.decode()


def test_a_reply_reaches_the_objector_by_mail(server):
    objection = make_objection()
    mail.send_due()
    handler = make_user("wu")
    objection.accept(by=handler)
    objection.verify(by=handler, finding="substantiated")
    objection.answer(by=handler, reply="已责成重新清运。")
    mail.send_due()
    last = OutgoingMail.objects.get(kind="reply")
    assert last.sent_at
    assert "已责成重新清运" in last.compose().body


def test_header_injection_through_an_address_is_impossible(server):
    make_objection(email="a@b.example\nBcc: victim@c.example")
    sent, failed = mail.send_due()
    assert (sent, failed) == (1, 1)
    assert all("victim" not in str(envelope.rcpt_tos) for envelope in server.taken)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_each_mail_once(server):
    notice = make_notice()
    for number in range(6):
        make_objection(notice, token=str(number), email="")

    def work():
        try:
            mail.send_due()
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(server.taken) == 6
    assert not OutgoingMail.objects.filter(sent_at=None).exists()


def test_the_command_says_what_it_did(capsys):
    make_objection()
    call_command("send_mail", "--once")
    assert "已发送 2 封" in capsys.readouterr().out
    assert len(outbox.outbox) == 2
