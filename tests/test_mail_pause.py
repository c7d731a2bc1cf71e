"""A server that is away, or refuses everybody, makes the whole queue stand still; one that refuses somebody does not."""

import datetime
import itertools
import socket

import pytest
import time_machine
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from notices import mail
from notices.models import MailPause
from objections.models import OutgoingMail
from tests.make import make_notice, make_objection, make_user
from tests.test_mail import server  # noqa: F401

pytestmark = pytest.mark.django_db

SECOND = datetime.timedelta(seconds=1)
CITIZENS = 12


@pytest.fixture
def queue():
    """Mails to the office and to twelve citizens."""
    notice = make_notice()
    for number in range(CITIZENS):
        make_objection(notice, token=str(number), email=f"c{number}@citizen.example")


def work(seconds: int) -> None:
    """The worker's rounds of so many seconds."""
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(seconds):
            mail.send_due()
            clock.shift(SECOND)


def test_while_it_is_away_one_connection_is_tried_every_half_minute_at_most(queue, server, monkeypatch):  # noqa: F811
    tries = []

    def away(*arguments, **options):
        tries.append(timezone.now())
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", away)
    work(300)
    gaps = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert 300 / 30 <= len(tries) <= 300 / 20
    assert max(gaps) <= 30 * SECOND
    assert set(OutgoingMail.objects.values_list("attempts", flat=True)) == {0}  # no mail was to blame


def test_a_server_away_for_days_is_still_asked_twice_a_minute_and_then_takes_everything(queue, server, settings):  # noqa: F811
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 9
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(5):  # days, of which half a minute is looked at
            clock.shift(datetime.timedelta(days=1))
            mail.send_due()
            assert MailPause.objects.get().probe_at - timezone.now() <= 30 * SECOND
        settings.EMAIL_PORT = port
        clock.shift(30 * SECOND)
        assert mail.send_due() == (2 * CITIZENS, 0)
    assert len(server.taken) == 2 * CITIZENS
    assert not MailPause.objects.exists()


@pytest.mark.parametrize("refusal", ["450 busy", "421 going away"])
def test_who_refuses_one_after_the_other_refuses_all(queue, server, refusal):  # noqa: F811
    server.refused = {f"c{number}@citizen.example": refusal for number in range(CITIZENS)}
    server.refused["office@qinglan.example"] = refusal
    work(20)
    assert MailPause.objects.exists()
    assert OutgoingMail.objects.filter(attempts=0).count() > CITIZENS  # most were never tried


def test_who_refuses_a_few_does_not(queue, server):  # noqa: F811
    server.refused = {f"c{number}@citizen.example": "450 busy" for number in range(3)}
    assert mail.send_due() == (2 * CITIZENS - 3, 3)
    assert not MailPause.objects.exists()


def test_addresses_that_were_refused_before_never_stop_the_others(queue, server):  # noqa: F811
    server.refused = {f"c{number}@citizen.example": "450 busy" for number in range(CITIZENS - 1)}
    OutgoingMail.objects.filter(kind="receipt").update(attempts=3)
    assert mail.send_due() == (CITIZENS + 1, CITIZENS - 1)
    assert not MailPause.objects.exists()


def test_a_mail_at_which_the_server_hangs_up_delays_nobody(queue, server):  # noqa: F811
    server.refused["c0@citizen.example"] = "421 not this one"
    assert mail.send_due() == (2 * CITIZENS - 1, 1)


def test_a_server_down_half_the_time_has_everything_soon_after(queue, server, settings):  # noqa: F811
    port = settings.EMAIL_PORT
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for second in range(600):
            settings.EMAIL_PORT = port if second // 60 % 2 else 9
            server.answer = "451 later" if second % 120 >= 60 and second % 3 else "250 OK"
            mail.send_due()
            clock.shift(SECOND)
            if second % 100 == 0:
                make_objection(make_notice(tasks=[], title=f"第{second}份"), token=f"later {second}")
        server.answer, settings.EMAIL_PORT, started = "250 OK", port, timezone.now()
        while OutgoingMail.objects.filter(sent_at=None).exists() and timezone.now() - started < 300 * SECOND:
            mail.send_due()
            clock.shift(SECOND)
    assert not OutgoingMail.objects.filter(sent_at=None).exists()
    assert not MailPause.objects.exists()
    ids = [line for each in server.taken for line in each.content.decode().splitlines() if "Message-ID" in line]
    assert len(ids) == len(set(ids)) == OutgoingMail.objects.count()


def test_of_all_workers_one_probes(queue):
    now = timezone.now()
    MailPause.objects.begin(now - mail.PROBE, "ConnectionRefusedError", mail.PROBE)
    pause = MailPause.objects.get()
    assert [pause.claim_probe(now, mail.PROBE) for _ in range(3)] == [True, False, False]


def test_once_tries_at_once(queue, capsys):
    MailPause.objects.begin(timezone.now(), "ConnectionRefusedError", mail.PROBE)
    call_command("send_mail", "--once")
    assert f"已发送 {2 * CITIZENS} 封" in capsys.readouterr().out


def test_the_pause_lasts_from_its_beginning_to_the_first_success(server, settings):  # noqa: F811
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 9
    make_objection()
    mail.send_due()
    begun = MailPause.objects.get().begun_at
    mail.send_due(timezone.now() + mail.PROBE)
    assert MailPause.objects.get().begun_at == begun
    settings.EMAIL_PORT = port
    mail.send_due(timezone.now() + 2 * mail.PROBE)
    assert not MailPause.objects.exists()


def test_staff_see_the_pause_and_what_cannot_be_delivered(client, queue):
    client.force_login(make_user("admin", is_superuser=True))
    index = reverse("admin:index")
    assert "邮件服务器" not in client.get(index).content.decode()
    MailPause.objects.begin(timezone.now(), "ConnectionRefusedError", mail.PROBE)
    OutgoingMail.objects.filter(kind="receipt").update(refused_at=timezone.now())
    page = client.get(index).content.decode()
    assert f"邮件服务器连接不上或拒收全部邮件（ConnectionRefusedError），{2 * CITIZENS} 封邮件" in page
    assert f"{CITIZENS} 封邮件被收件方拒收" in page
    assert "delivery=undeliverable" in page
    assert "mail: paused" in client.get("/health/ready").content.decode()
