"""Mail that is to go out: stored with what it tells of, sent by the worker. Each kind is a model of its own."""

import datetime
from email.utils import make_msgid
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Least
from django.utils import timezone

from notices.encryption import EncryptedTextField

from .constraints import NotAllowed
from .scope import ScopedQuerySet

SKEW = datetime.timedelta(minutes=1)  # as far as the clocks of two hosts may be apart
LONGEST_LEASE = datetime.timedelta(minutes=10)  # nobody holds a mail for longer
LONGEST_WAIT = datetime.timedelta(minutes=31)  # nor does one wait for longer that was not refused


class OutgoingQuerySet(ScopedQuerySet):
    def addressed(self, recipient: str, at: datetime.datetime, due_at=None, **about) -> "Outgoing":
        """One mail to `recipient`, due at once or at `due_at`, not stored yet; `about` is what it tells of."""
        message_id = make_msgid(domain=urlsplit(settings.SITE_URL).hostname)
        return self.model(recipient=recipient, message_id=message_id, created_at=at, due_at=due_at or at, **about)

    def queue(self, recipient: str, at: datetime.datetime, **about) -> "Outgoing":
        """The same, stored."""
        mail = self.addressed(recipient, at, **about)
        mail.save(force_insert=True)
        return mail

    def unsent(self):
        return self.filter(sent_at__isnull=True)

    def due(self, now: datetime.datetime):
        """What can be sent now, oldest first: not sent, its time has come, held by no living worker."""
        free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
        return self.unsent().filter(free, due_at__lte=now).order_by("due_at", "id")

    def ahead(self, now: datetime.datetime):
        """What a clock that was ahead has put off: made in the future, or held or waiting longer than anything is."""
        waits = Q(refused_at__isnull=True, attempts__gt=0, due_at__gt=now + LONGEST_WAIT)
        return self.unsent().filter(Q(created_at__gt=now + SKEW) | Q(leased_until__gt=now + LONGEST_LEASE) | waits)

    def undeliverable(self):
        """What the recipient's server refused for good."""
        return self.unsent().filter(refused_at__isnull=False)

    def deferred(self):
        """What was tried, waits, and was not refused for good."""
        return self.unsent().filter(refused_at__isnull=True, attempts__gt=0, leased_until__isnull=True)


class Outgoing(models.Model):
    """One mail to one recipient, sent by the worker until it is delivered. The body is made when it is sent.

    A concrete model says what its mail is about, composes it, and keeps `objects` a manager of OutgoingQuerySet;
    the worker finds it by itself.
    """

    recipient = EncryptedTextField("收件人")
    message_id = models.CharField("Message-ID", max_length=200, unique=True)
    created_at = models.DateTimeField("生成时间")
    due_at = models.DateTimeField("下次发送时间")
    leased_until = models.DateTimeField("发送占用到", null=True, blank=True)
    attempts = models.PositiveIntegerField("已试次数", default=0)
    last_error = models.TextField("最近一次错误", blank=True)
    refused_at = models.DateTimeField("退信时间", null=True, blank=True)
    sent_at = models.DateTimeField("发出时间", null=True, blank=True)

    objects = OutgoingQuerySet.as_manager()
    needs: tuple[str, ...] = ()  # relations that composing reads
    spares: tuple[str, ...] = ()  # columns of theirs that it seldom reads
    mended_with = ""  # the permission to put an address right that refuses; "" where nobody is told

    class Meta:
        abstract = True
        ordering = ("due_at", "id")
        indexes = [
            # What the worker asks every second.
            models.Index(
                fields=["due_at", "id"], condition=Q(sent_at__isnull=True), name="%(app_label)s_%(class)s_due"
            ),
        ]

    @property
    def is_undeliverable(self) -> bool:
        """The recipient's server refused it for good; it is tried only now and then until staff look at it."""
        return bool(self.refused_at and not self.sent_at)

    def compose(self, connection=None) -> EmailMessage:
        """The mail as it goes out now. Raises UnreadableField when a key that it needs is lost."""
        raise NotImplementedError

    def message(self, subject: str, body: str, connection=None) -> EmailMessage:
        """A mail with the headers that every try of it bears."""
        headers = {"Message-ID": self.message_id, "Auto-Submitted": "auto-generated"}
        return EmailMessage(subject=subject, body=body, to=[self.recipient], headers=headers, connection=connection)

    def delivered(self, at: datetime.datetime) -> None:
        """What else is true once the mail is out; called in the transaction that records it."""

    def tried_again(self, kind: str, *, by, at: datetime.datetime, text: str) -> None:
        """Where it is recorded that staff put the address right ("readdressed") or confirmed it ("retried")."""

    def correct(self, *, by, recipient: str, at: datetime.datetime | None = None) -> None:
        """Send it to the right address."""
        self._try_again("readdressed", by=by, at=at, recipient=recipient)

    def retry(self, *, by, at: datetime.datetime | None = None) -> None:
        """Send it again to the same address, which is right."""
        self._try_again("retried", by=by, at=at)

    @transaction.atomic
    def _try_again(self, kind: str, *, by, at, **changes) -> None:
        at = at or timezone.now()
        fresh = {"due_at": at, "attempts": 0, "refused_at": None, "last_error": ""}
        if not type(self).objects.unsent().filter(pk=self.pk).update(**fresh, **changes):
            raise NotAllowed("这封邮件已经发出。")
        self.tried_again(kind, by=by, at=at, text=changes.get("recipient", self.recipient))
        self.refresh_from_db()


def mended_outboxes() -> list[type[Outgoing]]:
    """Those whose undeliverable mails are for staff to look at."""
    return [model for model in outboxes() if model.mended_with]


def outboxes() -> list[type[Outgoing]]:
    """Every kind of mail there is, in whichever app."""
    return [model for model in apps.get_models() if issubclass(model, Outgoing)]


def bring_back(now: datetime.datetime) -> int:
    """After the clock was put back, what it had put off is due at once. Returns how many mails."""
    MailPause.objects.filter(probe_at__gt=now + SKEW).update(probe_at=now)
    due = {"due_at": now, "leased_until": None, "created_at": Least("created_at", now)}
    return sum(model.objects.ahead(now).update(**due) for model in outboxes())


class MailPauseManager(models.Manager):
    def begin(self, now: datetime.datetime, error: str, wait: datetime.timedelta) -> None:
        """Stop the queue, or keep it stopped, for all workers; the next probe is due after `wait`."""
        lasting = {"probe_at": now + wait, "last_error": error}
        self.update_or_create(pk=1, defaults=lasting, create_defaults=lasting | {"begun_at": now})

    def end(self) -> bool:
        """The server is back. False when the queue did not stand still."""
        return bool(self.all().delete()[0])


class MailPause(models.Model):
    """The queue stands still because the server cannot be reached or refuses everything. One row while it does."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    begun_at = models.DateTimeField("开始时间")
    probe_at = models.DateTimeField("下次试探时间")
    last_error = models.TextField("原因")

    objects = MailPauseManager()

    class Meta:
        verbose_name = verbose_name_plural = "邮件暂停"

    def __str__(self) -> str:
        return f"{self.begun_at:%Y-%m-%d %H:%M} {self.last_error}"

    def claim_probe(self, now: datetime.datetime, wait: datetime.timedelta) -> bool:
        """Take the probe that is due at `now` for this worker, so that one of them all tries the server."""
        mine = MailPause.objects.filter(pk=self.pk, probe_at__lte=now)
        return bool(mine.update(probe_at=now + wait))
