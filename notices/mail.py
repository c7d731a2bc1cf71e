"""The worker's side of mail: what is queued goes out, again and again, until it is delivered.

Two things can stand against a mail, and they are kept apart. A recipient who is refused delays nobody else: the mail
waits, ever longer. A server that cannot be reached, or refuses one recipient after the other, makes the whole queue
stand still, and one worker of all tries it now and then.
"""

import datetime
import itertools
import logging
import smtplib
import time
from collections.abc import Callable, Iterator

from django.core.mail import get_connection
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from .encryption import Unreadable, UnreadableField
from .models import MailPause, Outgoing
from .models.outgoing import outboxes

log = logging.getLogger(__name__)

LEASE = datetime.timedelta(minutes=2)
BATCH, FRESH = 20, 30  # mails claimed at once, and the seconds in which they are taken up: the last one has its lease
PROBE = datetime.timedelta(seconds=25)  # how often a server that is away is tried; longer than EMAIL_TIMEOUT
FIRST_RETRY, LONGEST_RETRY = datetime.timedelta(seconds=5), datetime.timedelta(minutes=30)
AFTER_REFUSAL = datetime.timedelta(hours=6)  # how often an address is tried that was refused for good
IN_A_ROW = 5  # recipients refused one after the other: then it is the server


class RefusesAll(smtplib.SMTPException):
    """The server takes connections, and nothing else."""


def send_due(
    now: datetime.datetime | None = None, *, probe: bool = False, stop: Callable[[], bool] = lambda: False
) -> tuple[int, int]:
    """Send everything that is due at `now`, unless the queue stands still. Returns how many went out and how many not.

    `probe` tries the server even when no probe is due; `stop` is asked before each mail.
    """
    now = now or timezone.now()
    due, pause = waiting(now), MailPause.objects.first()
    if not (due or pause) or (pause and not probe and not pause.claim_probe(now, PROBE)):
        return 0, len(due)
    passage = Passage(now)
    try:
        passage.send(due, stop)
    except (OSError, smtplib.SMTPException) as error:
        log.warning("mail server: %s", describe(error))
        MailPause.objects.begin(now, describe(error), PROBE)
    else:
        if (passage.sent or not passage.failed) and MailPause.objects.end():
            log.info("mail server: back")
            _hasten(now)
    return passage.sent, len(due) - passage.sent


def waiting(now: datetime.datetime) -> list[Outgoing]:
    """What is due, with nothing but its key and whether it was tried: first what never was, then the oldest."""
    due = [
        (bool(attempts), due_at, model.__name__, pk, model)
        for model in outboxes()
        for attempts, due_at, pk in model.objects.due(now).values_list("attempts", "due_at", "pk")
    ]
    return [model(pk=pk, attempts=int(tried)) for tried, _, _, pk, model in sorted(due, key=lambda each: each[:4])]


def _hasten(now: datetime.datetime) -> None:
    """What was put off while the server was away is due at once."""
    for model in outboxes():
        model.objects.deferred().filter(due_at__gt=now).update(due_at=now)


class Passage:
    """One way through the queue: how many mails went out, how many did not, who was refused since the last that did."""

    def __init__(self, now: datetime.datetime):
        self.now, self.sent, self.failed, self.in_a_row = now, 0, 0, set()
        self.connection = get_connection()

    def send(self, due: list[Outgoing], stop: Callable[[], bool]) -> None:
        """Raises OSError or SMTPException when it is the server that fails."""
        try:
            self.connection.open()
            for batch in batches(due):
                if stop():
                    return
                self._send(claim(batch, self.now), stop)
        finally:
            self.connection.close()

    def _send(self, claimed: list[Outgoing], stop: Callable[[], bool]) -> None:
        """Hand over what was claimed; what is not taken up in time, because the server is slow or away, is free again."""
        end = time.monotonic() + FRESH
        try:
            while claimed and not stop() and time.monotonic() < end:
                mail = claimed.pop(0)
                self._note(mail, deliver(mail, self.connection))
        finally:
            give_back(claimed)

    def _note(self, mail: Outgoing, error: Exception | None) -> None:
        if not error:
            self.sent += 1
            self.in_a_row.clear()
            return
        self.failed += 1
        if not isinstance(error, OSError) or is_refusal(error):
            return
        if is_servers(error) or mail.attempts == 1:  # who was refused before may well be refused again
            self.in_a_row.add(mail.recipient)
        if len(self.in_a_row) >= IN_A_ROW:
            raise RefusesAll(describe(error)) from error
        self.connection.close()  # whatever state it is in
        self.connection.open()


def batches(due: list[Outgoing]) -> Iterator[list[Outgoing]]:
    """Some mails of one kind at a time. What was tried before comes alone: it may be what ended a worker."""
    for (_, tried), some in itertools.groupby(due, lambda mail: (type(mail), bool(mail.attempts))):
        size = 1 if tried else BATCH
        mails = list(some)
        yield from (mails[start : start + size] for start in range(0, len(mails), size))


@transaction.atomic
def claim(mails: list[Outgoing], now: datetime.datetime) -> list[Outgoing]:
    """Take for this worker those of the mails, all of one kind, that no other one has or has sent; as they stand now."""
    model = type(mails[0])
    free = model.objects.due(now).filter(pk__in=[mail.pk for mail in mails])
    free = free.select_for_update(skip_locked=True, of=("self",))
    claimed = list(free.select_related(*model.needs).defer(*model.spares))
    lease = {"leased_until": timezone.now() + LEASE, "attempts": F("attempts") + 1}
    model.objects.filter(pk__in=[mail.pk for mail in claimed]).update(**lease)
    for mail in claimed:
        mail.attempts += 1
    return claimed


def give_back(claimed: list[Outgoing]) -> None:
    """What was claimed and not tried is as if it had never been claimed."""
    if claimed:
        rows = type(claimed[0]).objects.unsent().filter(pk__in=[mail.pk for mail in claimed])
        rows.update(leased_until=None, attempts=F("attempts") - 1)


def deliver(mail: Outgoing, connection) -> Exception | None:
    """Hand one claimed mail to the server and record what came of it. Returns what stood against it.

    Whatever is wrong with this one mail, it delays no other.
    """
    try:
        if isinstance(mail.recipient, Unreadable):
            raise UnreadableField(f"mail {mail.pk}")
        connection.send_messages([mail.compose(connection)])
    except Exception as error:
        log.warning("mail %s not sent: %s", mail.pk, describe(error), exc_info=not isinstance(error, OSError))
        postpone(mail, error)
        return error
    mark_sent(mail)
    return None


@transaction.atomic
def mark_sent(mail: Outgoing) -> None:
    now = timezone.now()
    gone = {"sent_at": now, "leased_until": None, "last_error": "", "refused_at": None}
    type(mail).objects.filter(pk=mail.pk).update(**gone)
    mail.delivered(now)


def postpone(mail: Outgoing, error: Exception) -> None:
    """Give a claimed mail back, to be tried ever more slowly where it is the recipient's fault. There is no last try."""
    rows, now = type(mail).objects.filter(pk=mail.pk), timezone.now()
    attempts = rows.values_list("attempts", flat=True).first() or 1
    refused = is_refusal(error)
    if refused:
        wait = AFTER_REFUSAL
    elif is_servers(error):
        wait = PROBE
    else:
        wait = min(FIRST_RETRY * 2 ** min(attempts - 1, 12), LONGEST_RETRY)
    facts = {"due_at": now + wait, "leased_until": None, "refused_at": now if refused else None}
    rows.update(**facts, last_error=describe(error))


def is_refusal(error: Exception) -> bool:
    """Whether the server refused this recipient, or this mail, for good: trying again soon is of no use."""
    return _is_about_this_mail(error) and 500 <= _code(error) < 600


def is_servers(error: Exception) -> bool:
    """Whether it is the server that fails, whatever the mail: it went away, or does not take mail from this site."""
    return isinstance(error, OSError) and (not _is_about_this_mail(error) or _code(error) == 421)


def _is_about_this_mail(error: Exception) -> bool:
    return isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError)


def _code(error: Exception) -> int:
    """The reply code of an SMTP error, 0 where it has none. A mail has one recipient."""
    refused = getattr(error, "recipients", None)
    return next(iter(refused.values()))[0] if refused else getattr(error, "smtp_code", 0)


def describe(error: Exception) -> str:
    """What went wrong, without the server's words: those may quote an address."""
    return f"{type(error).__name__} {_code(error) or ''}".strip()
