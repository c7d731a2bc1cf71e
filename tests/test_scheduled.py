"""A notice that comes out later: until then nobody finds it anywhere, and then it is there by the clock."""

import datetime
import hashlib
import re

import pytest
import time_machine
from django.utils import timezone

from notices import transparency
from notices.models import (
    LogEntry,
    NotAllowed,
    Stage,
    State,
)
from tests.make import DAY, make_draft, make_notice, make_organisation, withdraw
from tests.test_acts import HOUR, MICROSECOND, NOON, correct, fresh, li, page, submitted, zhang

pytestmark = pytest.mark.django_db


OPENING = NOON.date() + 2 * DAY
PUBLIC_FROM = datetime.datetime(2026, 3, 12, 9, 30, tzinfo=timezone.get_default_timezone())
SECRET_TITLE = "关于定时公开事项办理结果的公示"


@pytest.fixture
def scheduled():
    """Approved at noon on 10 March 2026, public from 9:30 on the 12th, when its window opens."""
    with time_machine.travel(NOON, tick=False):
        draft = make_draft(opens_on=OPENING, title=SECRET_TITLE)
        draft.submit(by=zhang())
        draft.publish(confirmed=True, by=li(), public_from=PUBLIC_FROM)
    return draft


def urls_of(notice) -> list[str]:
    base = f"/notices/{notice.reference}"
    return [
        *(f"{base}/", f"{base}.txt", f"{base}.json", f"{base}/history/", f"{base}/object/"),
        *(f"{base}/editions/1/", f"{base}/editions/1.json", f"{base}/editions/1/proof.json"),
        *(f"/tasks/{task.pk}/" for task in notice.tasks.all()),
    ]


def test_a_scheduled_notice_is_public_at_its_instant_by_the_clock_alone(client, scheduled):
    urls = urls_of(scheduled)
    assert len(urls) == 9
    for moment in (NOON, PUBLIC_FROM - DAY, PUBLIC_FROM - MICROSECOND):
        with time_machine.travel(moment, tick=False):
            assert {url: client.get(url).status_code for url in urls} == dict.fromkeys(urls, 404)
            assert client.get(f"/notices/{scheduled.reference}.pdf").status_code == 404
    for moment in (PUBLIC_FROM, PUBLIC_FROM + HOUR):
        with time_machine.travel(moment, tick=False):
            assert {url: client.get(url).status_code for url in urls} == dict.fromkeys(urls, 200)
            assert 'data-state="open"' in page(client, urls[0])


@pytest.mark.parametrize(
    "url", ["/", "/notices/", "/notices/?state=upcoming", "/notices/?state=open", "/rounds/central-1/"]
)
def test_pages_of_many_notices_do_not_know_a_scheduled_one_before_its_instant(client, scheduled, url):
    with time_machine.travel(PUBLIC_FROM - MICROSECOND, tick=False):
        html = page(client, url)
        assert SECRET_TITLE not in html
        assert f"/tasks/{scheduled.tasks.get().pk}/" not in html
        assert scheduled.reference not in html
    with time_machine.travel(PUBLIC_FROM, tick=False):
        known = SECRET_TITLE if url != "/rounds/central-1/" else f"/tasks/{scheduled.tasks.get().pk}/"
        assert (known in page(client, url)) == (url != "/notices/?state=upcoming")


@pytest.mark.parametrize("url", ["/notices/", "/notices/?organisation=990300", "/notices/?district=9903&q=整改"])
def test_the_list_does_not_name_who_has_only_a_scheduled_notice(client, scheduled, url):
    name = make_organisation().name
    with time_machine.travel(PUBLIC_FROM - MICROSECOND, tick=False):
        assert name not in page(client, url)
    with time_machine.travel(PUBLIC_FROM, tick=False):
        assert name in page(client, url)


def test_its_line_in_the_log_says_when_but_not_what(client, scheduled):
    with time_machine.travel(NOON, tick=False):
        line = transparency.read_entry(page(client, "/log/entries").strip().encode())
        assert SECRET_TITLE not in page(client, "/log/")
    assert line == {
        "sequence": 0,
        "at": transparency.stamp(NOON),
        "act": "publish",
        "reference": scheduled.reference,
        "edition": 1,
        "digest": scheduled.edition.digest,
        "public_from": transparency.stamp(PUBLIC_FROM),
    }
    document = scheduled.edition.read()
    assert re.fullmatch("[0-9a-f]{32}", document.salt)  # whoever guesses the text cannot check the guess
    assert hashlib.sha256(bytes(scheduled.edition.document)).hexdigest() == line["digest"]


def test_a_scheduled_notice_does_not_move_its_task(scheduled):
    task = scheduled.tasks.get()

    def stage():
        derived = type(task).objects.staged().get(pk=task.pk).derived_stage
        assert derived == task.stage()
        return derived

    with time_machine.travel(PUBLIC_FROM - MICROSECOND, tick=False):
        assert stage() == Stage.RECTIFYING
        assert fresh(scheduled).state() == State.SCHEDULED
    with time_machine.travel(PUBLIC_FROM, tick=False):
        assert stage() == Stage.IN_PUBLICITY
        assert fresh(scheduled).state() == State.OPEN


def test_a_correction_brings_a_scheduled_notice_out_no_earlier(client, scheduled):
    url = f"/notices/{scheduled.reference}/"
    with time_machine.travel(NOON + HOUR, tick=False):
        correct(scheduled, "更正事实")
        assert client.get(url).status_code == 404
        assert client.get(f"/notices/{scheduled.reference}/editions/2.json").status_code == 404
    assert "public_from" in LogEntry.objects.get(act="correct").line
    with time_machine.travel(PUBLIC_FROM, tick=False):
        assert 'data-edition="2"' in page(client, url)
        correct(scheduled, "再更正")
        assert 'data-edition="3"' in page(client, url)  # the control: afterwards a correction is public at once


def test_a_scheduled_notice_can_be_withdrawn_before_anyone_has_seen_it(client, scheduled):
    url = f"/notices/{scheduled.reference}/"
    with time_machine.travel(NOON + HOUR, tick=False):
        withdraw(scheduled)
        assert client.get(url).status_code == 404
    with time_machine.travel(PUBLIC_FROM, tick=False):
        assert 'data-state="withdrawn"' in page(client, url)


@pytest.mark.parametrize(
    ("public_from", "message"),
    [
        (NOON - DAY, "晚于现在"),
        (NOON, "晚于现在"),
        (NOON + MICROSECOND, ""),
        (datetime.datetime(2026, 3, 12, 23, 59, 59, tzinfo=NOON.tzinfo), ""),
        (datetime.datetime(2026, 3, 13, 0, 0, tzinfo=NOON.tzinfo), "不能晚于公示开始当天"),
        (NOON + 30 * DAY, "不能晚于公示开始当天"),
    ],
)
def test_a_schedule_lies_ahead_and_not_after_the_first_day(public_from, message):
    with time_machine.travel(NOON, tick=False):
        draft = submitted(opens_on=OPENING)
        if not message:
            assert draft.publish(confirmed=True, by=li(), public_from=public_from).public_from == public_from
            return
        with pytest.raises(NotAllowed, match=message):
            draft.publish(confirmed=True, by=li(), public_from=public_from)
        assert not LogEntry.objects.exists()


def test_a_correction_is_never_scheduled():
    notice = make_notice(opens_on=timezone.localdate() + 5 * DAY)
    notice.begin_correction(by=zhang(), reason="更正")
    notice.submit(by=zhang())
    with pytest.raises(NotAllowed, match="不能定时"):
        notice.publish(confirmed=True, by=li(), public_from=timezone.now() + DAY)
    assert notice.publish(confirmed=True, by=li()).number == 2  # the control
