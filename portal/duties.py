"""What the worker does beside sending mail. Each duty is told the time, does what is due by then, and may be done by
several workers at once: it guards itself."""

import datetime
from collections.abc import Callable
from typing import NamedTuple

from notices import digests, sweeping
from notices.models import Subscriber
from notices.models.outgoing import bring_back
from notices.search import following
from objections import outcomes, reminders, throttle
from objections.models import Attachment

from . import watching


class Duty(NamedTuple):
    """`act(now)`, about every so often."""

    act: Callable[[datetime.datetime], object]
    every: datetime.timedelta


SOON, MINUTELY = datetime.timedelta(seconds=1), datetime.timedelta(minutes=1)
HOURLY = datetime.timedelta(hours=1)

DUTIES = (
    Duty(outcomes.write_tallies, SOON),
    Duty(reminders.queue_due, SOON),
    Duty(following.keep_up, SOON),
    Duty(digests.queue_hourly, MINUTELY),
    Duty(bring_back, MINUTELY),
    Duty(watching.tell_alarms, MINUTELY),
    Duty(watching.measure, MINUTELY),
    Duty(Subscriber.objects.forget, HOURLY),
    Duty(Attachment.objects.remove_orphans, HOURLY),
    Duty(sweeping.remove_orphans, HOURLY),
    Duty(throttle.forget, HOURLY),
)
