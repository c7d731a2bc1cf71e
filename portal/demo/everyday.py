"""What else a morning at the bureau holds: the site was away for a while, and somebody wants to be told of notices."""

import datetime

from notices.mail import mark_sent
from notices.models import ConfirmationMail, Organisation, Outage, Subscriber, Subscription

from .days import Days

LASTED = datetime.timedelta(minutes=80)
SUBSCRIBER = "chen@example.org"


def make(days: Days, organisations: dict[str, Organisation], handler) -> None:
    """An outage on the last working afternoon, in which windows were open; a confirmed subscriber to the bureau."""
    began = days.at(days.shift(days.today, -1), "13:30")
    Outage.objects.create(begun_at=began, ended_at=began + LASTED, entered_by=handler, note="机房停电，全站无法访问。")
    asked = days.at(days.shift(days.today, -3), "12:10")
    Subscriber.objects.ask(SUBSCRIBER, at=asked, organisation=organisations["990300"])
    for mail in ConfirmationMail.objects.all():
        mark_sent(mail)
    Subscription.objects.get().confirm(asked + LASTED)
