"""The worker's side of mail: what is queued goes out, again and again, until it is delivered."""

import datetime
import logging
import smtplib

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone

from notices.encryption import Unreadable, UnreadableField
from notices.models import Checkpoint

from . import receipts
from .models import Event, OutgoingMail

log = logging.getLogger(__name__)

LEASE = datetime.timedelta(minutes=2)
PROBE = datetime.timedelta(seconds=30)  # how often an unreachable server is tried
FIRST_RETRY, LONGEST_RETRY = datetime.timedelta(seconds=5), datetime.timedelta(minutes=30)
AFTER_REFUSAL = datetime.timedelta(hours=6)  # how often an address is tried that was refused for good

SUBJECTS = {
    OutgoingMail.Kind.OFFICE: "收到异议 {number}",
    OutgoingMail.Kind.RECEIPT: "异议已收到 {number}",
    OutgoingMail.Kind.REPLY: "异议答复 {number}",
    OutgoingMail.Kind.REMINDER: "请办理异议 {number}",
}


def send_due(now: datetime.datetime | None = None) -> tuple[int, int]:
    """Send everything that is due at `now`. Returns how many went out and how many did not.

    An unreachable server ends the round: what is left stays due, and nothing counts as tried.
    """
    now = now or timezone.now()
    due = list(OutgoingMail.objects.due(now).values_list("pk", flat=True))
    if not due:
        return 0, 0
    connection = get_connection()
    sent = 0
    try:
        connection.open()
        for pk in due:
            sent += claim(pk, now) and deliver(pk, connection)
    except (OSError, smtplib.SMTPException) as error:
        log.warning("mail server: %s", _kind(error))
    finally:
        connection.close()
    return sent, len(due) - sent


def claim(pk: int, now: datetime.datetime) -> bool:
    """Take the mail for this worker; False when another one has it or has sent it."""
    free = OutgoingMail.objects.due(now).filter(pk=pk).order_by()
    return bool(free.update(leased_until=timezone.now() + LEASE, attempts=F("attempts") + 1))


def deliver(pk: int, connection) -> bool:
    """Hand one claimed mail to the server and record what came of it.

    A refused recipient, or a mail that cannot be composed, delays nobody else; a failing server is
    raised after the mail has been given back.
    """
    try:
        mail = OutgoingMail.objects.select_related("objection__notice__edition").get(pk=pk)
        if isinstance(mail.recipient, Unreadable) or isinstance(mail.token, Unreadable):
            raise UnreadableField(f"mail {pk}")
        connection.send_messages([compose(mail, connection)])
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
        postpone(pk, error)
        return False
    except (OSError, smtplib.SMTPException) as error:
        postpone(pk, error, PROBE)
        raise
    except Exception as error:  # whatever is wrong with this one mail must not stop the queue
        log.exception("mail %s cannot be composed", pk)
        postpone(pk, error)
        return False
    mark_sent(mail)
    return True


def mark_sent(mail: OutgoingMail) -> None:
    now = timezone.now()
    with transaction.atomic():
        OutgoingMail.objects.filter(pk=mail.pk).update(
            sent_at=now, leased_until=None, token="", last_error="", refused_at=None
        )
        if mail.kind == OutgoingMail.Kind.OFFICE:
            told = {"objection": mail.objection, "kind": Event.Kind.DELIVERED}
            if not Event.objects.filter(**told).exists():
                Event.objects.create(**told, at=now)


def postpone(pk: int, error: Exception, wait: datetime.timedelta | None = None) -> None:
    """Give a claimed mail back, to be tried after `wait`, or ever more slowly. There is no last try."""
    mail, now = OutgoingMail.objects.filter(pk=pk), timezone.now()
    attempts = mail.values_list("attempts", flat=True).get()
    wait = wait or min(FIRST_RETRY * 2 ** min(attempts - 1, 12), LONGEST_RETRY)
    facts = {"due_at": now + wait, "leased_until": None, "last_error": _kind(error), "refused_at": None}
    if is_refusal(error):
        facts |= {"due_at": now + AFTER_REFUSAL, "refused_at": now}
    log.warning("mail %s not sent: %s", pk, _kind(error))
    mail.update(**facts)


def is_refusal(error: Exception) -> bool:
    """Whether the server refused this recipient, or this mail, for good: trying again soon is of no use."""
    return isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError) and 500 <= _code(error) < 600


def _code(error: Exception) -> int:
    """The reply code of an SMTP error, 0 where it has none. A mail has one recipient."""
    refused = getattr(error, "recipients", None)
    return next(iter(refused.values()))[0] if refused else getattr(error, "smtp_code", 0)


def _kind(error: Exception) -> str:
    """What went wrong, without the server's words: those may quote an address."""
    return f"{type(error).__name__} {_code(error) or ''}".strip()


def compose(mail: OutgoingMail, connection=None) -> EmailMessage:
    """The mail as it goes out now."""
    objection = mail.objection
    context = {
        "objection": objection,
        "notice": objection.notice,
        "overdue": objection.is_overdue(timezone.localdate()),
        "code": receipts.code_for(mail.token) if mail.token else "",
        "checkpoint": Checkpoint.objects.newest(),
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
    }
    return EmailMessage(
        subject=SUBJECTS[mail.kind].format(number=objection.number),
        body=render_to_string(f"mail/{mail.kind}.txt", context),
        to=[mail.recipient],
        headers={"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"},
        connection=connection,
    )
