"""After the close: an office may keep the form open for some days; what comes then is late, everywhere alike."""

import datetime
import random

import pytest
import time_machine
from django.utils import timezone

from objections import outcomes
from objections.forms import takes_objections
from objections.models import Objection
from objections.models.queue import LATE
from tests.hostile import PNG
from tests.make import DAY, make_notice, make_office, make_organisation
from tests.test_attachments import send as send_files
from tests.test_objection_form import GOOD, send, token_of, url

pytestmark = pytest.mark.django_db
MICROSECOND = datetime.timedelta(microseconds=1)


@pytest.fixture
def notice():
    return make_notice(receiving_office=make_office(make_organisation(), late_days=3))


def end_of(notice, days: int) -> datetime.datetime:
    """The end of the day that lies `days` after the last of the window."""
    day = notice.edition.closes_on + (days + 1) * DAY
    return datetime.datetime.combine(day, datetime.time(), tzinfo=timezone.get_default_timezone())


@pytest.mark.parametrize(
    ("opened", "sent", "taken", "late"),
    [
        ((0, -1), (0, -1), True, False),
        ((0, -1), (0, 0), True, True),
        ((0, 0), (0, 0), True, True),
        ((3, -1), (3, -1), True, True),
        ((3, -1), (3, 0), True, True),  # opened while the form was still handed out
        ((3, 0), (3, 0), False, None),
    ],
)
def test_the_lane_ends_at_the_microsecond_and_what_comes_in_it_is_late(client, notice, opened, sent, taken, late):
    instants = [end_of(notice, days) + microseconds * MICROSECOND for days, microseconds in (opened, sent)]
    with time_machine.travel(instants[0], tick=False):
        page = client.get(url(notice))
        assert ("<form" in page.content.decode()) == taken
    if not taken:
        with time_machine.travel(instants[1], tick=False):
            response = client.post(url(notice), GOOD | {"token": "none"})
        assert response.status_code == 422
        assert GOOD["content"] in response.content.decode()
        return
    with time_machine.travel(instants[1], tick=False):
        assert send(client, notice, token_of(page)).status_code == 303
        assert ("注明逾期" in client.get("/objections/received/").content.decode()) == late
    objection = Objection.objects.get()
    assert (objection.opened_at, objection.received_at) == tuple(instants)
    assert objection.is_late == late
    with time_machine.travel(end_of(notice, 5), tick=False):
        tally = outcomes.tally(notice, timezone.now())
        found = outcomes.count(notice, {"late": LATE})
    assert tally.late == outcomes.counts(notice)["late"] == int(late)
    assert found == {"late": int(late)}


def test_5000_generated_cases_around_both_ends_are_judged_right(notice):
    chance, closing, last = random.Random(4), end_of(notice, 0), end_of(notice, 3)
    for _ in range(5000):
        instants = [
            chance.choice([closing, last]) + int(chance.gauss(0, 10 ** chance.randint(0, 11))) * MICROSECOND
            for _ in range(2)
        ]
        opened_at, received_at = sorted(instants)
        if timezone.localdate(opened_at) < notice.edition.opens_on:
            continue
        with time_machine.travel(received_at, tick=False):
            assert takes_objections(notice, opened_at) == (opened_at < last), (opened_at, received_at)
            said = Objection(notice=notice, received_on=timezone.localdate())
            assert said.is_late == (received_at >= closing), received_at


def test_without_a_lane_the_form_is_gone_the_moment_the_window_ends(client):
    notice = make_notice()
    with time_machine.travel(end_of(notice, 0), tick=False):
        page = client.get(url(notice)).content.decode()
    assert "object-form" not in page
    assert "0000-1234567" in page


def test_form_and_notice_say_until_when_and_that_it_is_late(client, notice):
    with time_machine.travel(end_of(notice, 0), tick=False):
        last = notice.edition.closes_on + 3 * DAY
        for page in (client.get(url(notice)), client.get(f"/notices/{notice.reference}/")):
            assert f"{last.year}年{last.month}月{last.day}日" in page.content.decode()
            assert "注明逾期" in page.content.decode()
    with time_machine.travel(end_of(notice, 3), tick=False):
        assert "逾期提出异议" not in client.get(f"/notices/{notice.reference}/").content.decode()


def test_a_form_whose_token_is_lost_is_given_a_new_one_within_the_lane(client, notice):
    with time_machine.travel(end_of(notice, 1), tick=False):
        response = client.post(url(notice), GOOD)
        assert response.status_code == 422
        assert send(client, notice, token_of(response)).status_code == 303


def test_an_archive_notice_never_had_a_form(client):
    today = timezone.localdate()
    office = make_office(make_organisation(), late_days=30)
    archive = make_notice(today - 9 * DAY, today - DAY, receiving_office=office)
    assert "object-form" not in client.get(url(archive)).content.decode()


# --- An office that takes no attachments ------------------------------------------------------------------------------


def test_an_office_may_take_text_only(client):
    notice = make_notice(receiving_office=make_office(make_organisation(), accepts_attachments=False))
    page = client.get(url(notice)).content.decode()
    assert 'type="file"' not in page
    response = send_files(client, notice, ("照片.png", PNG))
    assert response.status_code == 422
    assert "不在网上接收附件" in response.content.decode()
    assert GOOD["content"] in response.content.decode()
    assert not Objection.objects.exists()
    assert send_files(client, notice, token=token_of(response)).status_code == 303
