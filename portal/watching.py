"""The site watches itself: what is wrong goes out by mail, and when the site could not be reached is measured."""

import datetime
import http.client
import urllib.error
import urllib.request

from django.conf import settings
from django.utils import timezone

from notices.admin import alarms
from notices.models import Outage, ToldAlarm
from objections.admin import alarms as objection_alarms

PATIENCE = 10  # seconds


def tell_alarms(now: datetime.datetime) -> int:
    """Tell ALARM_MAILBOXES what changed since it was last told. Returns how many mails were queued."""
    if not settings.ALARM_MAILBOXES:
        return 0
    found = [*alarms.alarms(now), *objection_alarms.all_alarms(timezone.localdate(now))]
    return ToldAlarm.objects.compare({each.name: each.text for each in found}, settings.ALARM_MAILBOXES, now)


def is_reachable(url: str) -> bool:
    """Whether the site serves: any answer but 503, or a 503 that is about the log, which stops no page."""
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=PATIENCE):  # noqa: S310 – SITE_URL is http(s)
            return True
    except urllib.error.HTTPError as answer:
        return answer.code < 500 or answer.read(4) == b"log:"
    except (OSError, http.client.HTTPException):
        return False


class Watch:
    """Called each minute. `since` is when the first failure was: kept here, for the database may be what fails."""

    since: datetime.datetime | None = None

    def __call__(self, now: datetime.datetime) -> None:
        if not settings.MEASURE_OUTAGES:
            return
        reachable = is_reachable(settings.SITE_URL)
        if not reachable:
            self.since = self.since or now
        if self.since:
            Outage.objects.begin(self.since)
        if reachable:
            self.since = None
            Outage.objects.recover(now)


measure = Watch()
