"""The site watches itself: alarms go out by mail once, daily while they stand, and when they are over; outages are measured."""

import datetime
import http.server
import threading

import pytest
from django.core import mail as sent
from django.utils import timezone

from notices import mail
from notices.admin import alarms
from notices.models import AlarmMail, LogAudit, Outage, ToldAlarm
from notices.models.showing import days_to_give_back, window_span
from portal import duties, watching
from tests.make import make_notice, make_objection, make_task

pytestmark = pytest.mark.django_db
DAY, HOUR, MINUTE = (datetime.timedelta(**{name: 1}) for name in ("days", "hours", "minutes"))


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture(autouse=True)
def mailboxes(settings, monkeypatch):
    settings.ALARM_MAILBOXES = ["watch@qinglan.example", "night@qinglan.example"]
    for quiet in ("_calendar", "_recounted", "_disk"):
        monkeypatch.setattr(alarms, quiet, lambda *today: [])


def damaged(now, count: int = 2) -> LogAudit:
    return LogAudit.objects.create(audited_at=now, count=count, differences=["一", "二"])


def kinds() -> list[str]:
    return [*AlarmMail.objects.order_by("pk").values_list("kind", flat=True)]


def test_an_alarm_is_told_at_once_daily_and_when_it_is_over(now):
    assert watching.tell_alarms(now) == 0
    damaged(now)
    assert watching.tell_alarms(now) == 2
    assert watching.tell_alarms(now + HOUR) == 0
    assert watching.tell_alarms(now + DAY) == 2
    LogAudit.objects.create(audited_at=now + DAY, count=0, differences=[])
    assert watching.tell_alarms(now + DAY + HOUR) == 2
    assert watching.tell_alarms(now + DAY + HOUR) == 0
    assert kinds() == ["begun", "begun", "stands", "stands", "over", "over"]


def test_a_figure_that_changes_is_no_new_alarm_and_is_told_the_next_day(now):
    damaged(now)
    watching.tell_alarms(now)
    damaged(now + HOUR, count=7)
    assert watching.tell_alarms(now + 2 * HOUR) == 0
    watching.tell_alarms(now + DAY)
    assert "7 处不符" in AlarmMail.objects.last().text


def test_the_office_s_alarms_are_told_of_every_organisation(now):
    make_objection()
    watching.tell_alarms(now + 30 * DAY)
    assert "unnoticed" in ToldAlarm.objects.values_list("name", flat=True)


def test_without_mailboxes_nothing_is_told(now, settings):
    settings.ALARM_MAILBOXES = []
    damaged(now)
    assert (watching.tell_alarms(now), ToldAlarm.objects.count()) == (0, 0)


def test_of_two_workers_one_tells(now):
    standing = {"log": "日志不符。"}
    assert ToldAlarm.objects.compare(standing, ["a@b.example"], now) == 1
    stale = ToldAlarm.objects.get()
    assert ToldAlarm.objects.compare({}, ["a@b.example"], now) == 1
    assert (stale.end(), stale.repeat("日志不符。", now + DAY)) == (None, None)


def test_the_mail_says_what_is_wrong_and_where_to_go(now):
    damaged(now)
    watching.tell_alarms(now)
    assert mail.send_due(now) == (2, 0)
    letter = sent.outbox[0]
    assert letter.subject == "报警：测试公示门户"
    assert "2 处不符" in letter.body
    assert "http://testserver/admin/" in letter.body


def test_a_disk_that_is_almost_full_is_an_alarm(monkeypatch, now):
    monkeypatch.undo()
    for free, found in ((2**20, ["disk"]), (2**40, [])):
        disk = type("Disk", (), {"total": 2**41, "free": free})
        monkeypatch.setattr("shutil.disk_usage", lambda place, disk=disk: disk)
        assert [each.name for each in alarms._disk()] == found


# ---- outages


@pytest.fixture
def watch(settings, monkeypatch):
    """A watch, and what it finds: `found[0]`."""
    settings.MEASURE_OUTAGES, found = True, [True]
    monkeypatch.setattr(watching, "is_reachable", lambda url: found[0])
    return watching.Watch(), found


def test_an_outage_lasts_from_the_first_failure_to_recovery(watch, now):
    look, found = watch
    for minute, up in enumerate((True, False, False, True, True)):
        found[0] = up
        look(now + minute * MINUTE)
    outage = Outage.objects.get()
    assert (outage.begun_at, outage.ended_at, outage.source) == (now + MINUTE, now + 3 * MINUTE, "measured")
    found[0] = False
    look(now + 9 * MINUTE)
    look(now + 10 * MINUTE)
    assert Outage.objects.count() == 2


def test_what_the_database_could_not_take_is_recorded_when_it_is_back(watch, now, monkeypatch):
    look, found = watch
    found[0] = False
    with monkeypatch.context() as patched:
        patched.setattr(type(Outage.objects), "begin", lambda *_: (_ for _ in ()).throw(OSError()))
        for at in (now, now + MINUTE):
            with pytest.raises(OSError):  # noqa: PT011 – the worker outlives it
                look(at)
    found[0] = True
    look(now + 5 * MINUTE)
    assert Outage.objects.get().ended_at - Outage.objects.get().begun_at == 5 * MINUTE


def test_two_workers_record_one_outage(watch, now):
    look, found = watch
    other = watching.Watch()
    found[0] = False
    look(now)
    other(now + MINUTE)
    found[0] = True
    look(now + 2 * MINUTE)
    other(now + 3 * MINUTE)
    assert Outage.objects.filter(ended_at__isnull=True).count() == 0
    assert (
        sum((end - begin for begin, end in Outage.objects.within(now, now + HOUR)), datetime.timedelta()) <= 3 * MINUTE
    )


def test_measuring_can_be_turned_off(watch, settings, now):
    look, found = watch
    settings.MEASURE_OUTAGES, found[0] = False, False
    look(now)
    assert not Outage.objects.exists()


@pytest.mark.parametrize(
    ("status", "body", "up"),
    [(200, b"ok", True), (503, b"database: unreachable", False), (503, b"log: 2 differences", True)],
)
def test_reachable_is_what_serves(status, body, up):
    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *said):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Site) as site:
        threading.Thread(target=site.handle_request).start()
        assert watching.is_reachable(f"http://127.0.0.1:{site.server_port}") == up
    assert not watching.is_reachable(f"http://127.0.0.1:{site.server_port}")


def test_the_worker_does_both():
    assert {watching.tell_alarms, watching.measure} <= {duty.act for duty in duties.DUTIES}


@pytest.mark.parametrize(("lost", "days"), [(59 * MINUTE, 0), (HOUR, 1), (DAY, 1), (DAY + MINUTE, 2), (0 * DAY, 0)])
def test_what_was_lost_is_given_back_in_days(lost, days):
    assert days_to_give_back(lost) == days


def test_staff_see_which_windows_an_outage_concerns_and_nothing_is_done(admin_client, now):
    today = timezone.localdate()
    notice = make_notice(today - 30 * DAY, today - 20 * DAY)
    past = make_notice(today - 90 * DAY, today - 80 * DAY, tasks=[make_task(2)])
    opens, _ = window_span(notice.edition)
    outage = Outage.objects.create(begun_at=opens - 2 * HOUR, ended_at=opens + 3 * HOUR, source="measured")
    page = admin_client.get(f"/admin/notices/outage/{outage.pk}/change/").content.decode()
    assert notice.reference in page
    assert past.reference not in page
    assert "合计停机 180 分钟" in page
    assert "建议延长 1 天" in page
    notice.refresh_from_db()
    assert notice.edition.number == 1
