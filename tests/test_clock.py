"""The clock is put forward or back by hours: nothing is lost, counted twice or stuck, and no login lasts longer."""

import datetime

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from notices import mail
from notices.models import MailPause, PublicityNotice
from notices.models.outgoing import bring_back
from objections import outcomes
from objections.models import Objection, OutgoingMail, Tally
from tests.make import DAY, make_notice, make_objection, make_user
from tests.test_mail import server  # noqa: F401
from tests.test_objection_form import send, shown

pytestmark = pytest.mark.django_db
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def clock():
    with time_machine.travel(datetime.datetime(2025, 9, 24, 2, tzinfo=datetime.UTC), tick=False) as clock:
        yield clock


@pytest.mark.parametrize("hours", [-30, -6, -1, 1, 6])
def test_an_objection_taken_by_a_wrong_clock_has_its_receipt_and_its_mails(client, clock, server, hours):  # noqa: F811
    notice = make_notice()
    clock.shift(3 * DAY + hours * HOUR)
    assert send(client, notice).status_code == 303
    clock.shift(-hours * HOUR)
    code = shown(client.get("/objections/received/"), "receipt-code") if hours > -1 else None
    assert code or hours <= -1  # a receipt is shown for an hour, as it always was
    if hours > 0:
        assert mail.send_due(probe=True) == (0, 0)  # without the guard
        assert bring_back(timezone.now()) == 2
    assert mail.send_due()[0] == 2
    assert bring_back(timezone.now()) == 0
    assert len(server.taken) == 2


def test_what_a_worker_with_a_wrong_clock_held_and_put_off_is_free_again(clock, settings, server):  # noqa: F811
    notice = make_notice()
    for number in range(3):
        make_objection(notice, token=str(number), email="")
    held, waiting, refused = OutgoingMail.objects.order_by("pk")
    ahead = timezone.now() + 5 * HOUR
    OutgoingMail.objects.filter(pk=held.pk).update(leased_until=ahead + mail.LEASE, attempts=1)
    OutgoingMail.objects.filter(pk=waiting.pk).update(due_at=ahead + mail.LONGEST_RETRY, attempts=9)
    OutgoingMail.objects.filter(pk=refused.pk).update(
        due_at=timezone.now() + HOUR, refused_at=timezone.now(), attempts=1
    )
    MailPause.objects.begin(ahead, "SMTPServerDisconnected", mail.PROBE)
    clock.shift(DAY / 24 / 60)
    assert mail.send_due() == (0, 0)
    assert bring_back(timezone.now()) == 2  # who was refused waits as before
    assert mail.send_due() == (2, 0)
    assert not MailPause.objects.exists()


def test_what_waits_as_it_should_goes_on_waiting(clock):
    make_objection()
    first, second = OutgoingMail.objects.order_by("pk")
    OutgoingMail.objects.filter(pk=first.pk).update(leased_until=timezone.now() + mail.LEASE, attempts=1)
    OutgoingMail.objects.filter(pk=second.pk).update(due_at=timezone.now() + mail.LONGEST_RETRY, attempts=9)
    assert bring_back(timezone.now()) == 0


@pytest.mark.parametrize(("hours", "stays"), [(-6, False), (-1, False), (0, True), (1, False)])
def test_a_login_does_not_outlast_a_clock_that_is_put_back(client, clock, hours, stays):
    client.force_login(make_user("chief", is_superuser=True))
    assert client.get("/admin/").status_code == 200
    clock.shift(hours * HOUR)
    assert (client.get("/admin/").status_code == 200) is stays


def test_a_tally_by_a_clock_that_ran_ahead_is_followed_by_a_right_one(client, clock):
    notice = make_notice(closes_on=timezone.localdate())
    early = make_objection(notice, token="early")
    ahead = timezone.now() + DAY
    assert outcomes.write_tallies(ahead) == 1
    assert send(client, PublicityNotice.objects.get()).status_code == 303  # the window is open all the same
    assert outcomes.write_tallies() == 0
    clock.shift(DAY + HOUR)
    assert outcomes.write_tallies() == 1
    assert outcomes.write_tallies() == 0
    assert list(Tally.objects.order_by("sequence").values_list("received", flat=True)) == [1, 2]
    call_command("verify_log")
    for objection in (early, Objection.objects.order_by("pk").last()):
        assert outcomes.counted_proof(objection)["size"] == 2
