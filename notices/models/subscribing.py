"""Who wants to be told of notices by mail: asked for, confirmed through a link, ended by one press.

A subscriber is an address; what it is told of are its subscriptions. Nothing is sent before the address has confirmed,
and with the address goes everything that names it.
"""

import datetime

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.db import models, transaction
from django.db.models.functions import Coalesce
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from notices import privacy
from notices.encryption import EncryptedTextField

from .counter import Counter
from .editions import Edition
from .log import PUBLISHING, Checkpoint, LogEntry
from .organisations import Organisation
from .outgoing import Outgoing, OutgoingQuerySet
from .publicity import PublicityNotice
from .rectification import InspectionRound

CONFIRM_WITHIN = datetime.timedelta(days=7)
KEPT_AFTER_SENDING = datetime.timedelta(days=30)
A_DAY = 3  # confirmation mails to one address
TOLD = (*PUBLISHING, "withdraw")  # the acts that subscribers hear of
CONFIRMING, LEAVING = "notices.subscribe.confirm", "notices.subscribe.leave"


def digest_of(email: str) -> str:
    """What an address is known by, however it is written."""
    return salted_hmac("notices.subscriber", email.strip().casefold(), algorithm="sha256").hexdigest()


class SubscriberManager(models.Manager):
    @transaction.atomic
    def ask(self, email: str, *, at: datetime.datetime, **topic) -> None:
        """Somebody wants `email` to be told of `topic`, the fields of a Subscription: the address is asked by mail.

        Known addresses are asked like others, and from the fourth mail of a day on nobody is.
        """
        digest = digest_of(email)
        today = f"subscribe {digest} {timezone.localdate(at)}"
        key = salted_hmac("notices.subscribe", today, algorithm="sha256").hexdigest()
        if Counter.objects.hit(key, at + datetime.timedelta(days=1)) > A_DAY:
            return
        subscriber, _ = self.get_or_create(digest=digest, defaults={"email": email, "created_at": at})
        asked = {"asked_at": at, "privacy_version": privacy.VERSION}
        subscription, _ = subscriber.subscriptions.update_or_create(**topic, defaults=asked)
        ConfirmationMail.objects.queue(email, at, subscription=subscription)

    def by_token(self, token: str) -> "Subscriber | None":
        """Whom the link at the end of a mail names. It never expires: leaving must always work."""
        return _named(self, token, LEAVING)

    @transaction.atomic
    def forget(self, now: datetime.datetime | None = None) -> None:
        """Remove what nobody confirmed, whose address has refused mail for as long, and mails long sent."""
        now = now or timezone.now()
        Subscription.objects.filter(confirmed_at__isnull=True, asked_at__lte=now - CONFIRM_WITHIN).delete()
        dead = DigestMail.objects.undeliverable().filter(created_at__lte=now - CONFIRM_WITHIN)
        self.filter(models.Q(subscriptions__isnull=True) | models.Q(pk__in=dead.values("subscriber"))).delete()
        for model in (ConfirmationMail, DigestMail):
            model.objects.filter(sent_at__lte=now - KEPT_AFTER_SENDING).delete()


class Subscriber(models.Model):
    """An address that asked to be told. Deleting it is how a subscription ends."""

    email = EncryptedTextField("电子邮箱")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField("登记时间")

    objects = SubscriberManager()

    class Meta:
        verbose_name = verbose_name_plural = "订阅人"

    def __str__(self) -> str:
        return f"订阅人 {self.pk}"

    @property
    def leaving_url(self) -> str:
        """Where one press ends everything."""
        return _url("notices:leave", signing.dumps(self.pk, salt=LEAVING))


class SubscriptionManager(models.Manager):
    def confirmed(self):
        return self.filter(confirmed_at__isnull=False)

    def by_token(self, token: str) -> "Subscription | None":
        """What the link of a confirmation mail names; None when it is over or never was."""
        return _named(self.select_related("organisation", "round"), token, CONFIRMING, CONFIRM_WITHIN)


class Subscription(models.Model):
    """What a subscriber is told of: the notices of an organisation, of a round, with certain words; all that is set
    must hold, and where nothing is set, every notice is meant."""

    subscriber = models.ForeignKey(Subscriber, models.CASCADE, verbose_name="订阅人", related_name="subscriptions")
    organisation = models.ForeignKey(
        Organisation, models.CASCADE, verbose_name="发布单位", null=True, blank=True, related_name="+"
    )
    round = models.ForeignKey(
        InspectionRound, models.CASCADE, verbose_name="督察轮次", null=True, blank=True, related_name="+"
    )
    words = models.CharField("词语", max_length=100, blank=True)
    asked_at = models.DateTimeField("申请时间")
    privacy_version = models.CharField("个人信息告知版本", max_length=20)
    confirmed_at = models.DateTimeField("确认时间", null=True, blank=True)

    objects = SubscriptionManager()

    class Meta:
        verbose_name = verbose_name_plural = "订阅"
        constraints = [
            models.UniqueConstraint(
                "subscriber",
                Coalesce("organisation", 0),
                Coalesce("round", 0),
                "words",
                name="notices_subscription_once",
                violation_error_message="已经有同样的订阅。",
            ),
        ]

    def __str__(self) -> str:
        named = [str(each) for each in (self.organisation, self.round) if each]
        return "，".join([*named, *([f"含“{self.words}”的公示"] if self.words else [])] or ["全部公示"])

    @property
    def confirming_url(self) -> str:
        return _url("notices:confirm", signing.dumps(self.pk, salt=CONFIRMING))

    @transaction.atomic
    def confirm(self, at: datetime.datetime | None = None) -> None:
        """The address says that it was meant; a second time changes nothing."""
        at = at or timezone.now()
        Subscription.objects.filter(pk=self.pk, confirmed_at__isnull=True).update(confirmed_at=at)
        Digest.objects.begin(at)
        self.refresh_from_db()


def _named(rows, token: str, salt: str, max_age: datetime.timedelta | None = None):
    """The row that a signed link names, None where there is none."""
    try:
        return rows.filter(pk=signing.loads(token, salt=salt, max_age=max_age)).first()
    except signing.BadSignature:
        return None


def _url(name: str, token: str) -> str:
    return settings.SITE_URL + reverse(name, args=[token])


class ConfirmationMail(Outgoing):
    """Asks an address whether it was meant."""

    subscription = models.ForeignKey(Subscription, models.CASCADE, verbose_name="订阅", related_name="mails")

    needs = ("subscription__organisation", "subscription__round", "subscription__subscriber")
    objects = OutgoingQuerySet.as_manager()

    class Meta(Outgoing.Meta):
        verbose_name = verbose_name_plural = "订阅确认邮件"

    def __str__(self) -> str:
        return f"订阅确认 {self.pk}"

    def compose(self, connection=None) -> EmailMessage:
        context = {"subscription": self.subscription, "days": CONFIRM_WITHIN.days, "site_name": settings.SITE_NAME}
        return self.message("请确认订阅公示", render_to_string("mail/confirmation.txt", context), connection)


class DigestManager(models.Manager):
    def begin(self, now: datetime.datetime) -> None:
        """What is logged from now on is told."""
        newest = Checkpoint.objects.newest()
        self.get_or_create(number=1, defaults={"size": newest.size if newest else 0, "created_at": now})

    def newest(self) -> "Digest | None":
        return self.order_by("-number").first()


class Digest(models.Model):
    """One telling of subscribers: the first `size` lines of the log are told. Two workers cannot make the same one."""

    number = models.PositiveBigIntegerField("序号", primary_key=True)
    size = models.PositiveBigIntegerField("日志条数")
    created_at = models.DateTimeField("生成时间")

    objects = DigestManager()

    class Meta:
        verbose_name = verbose_name_plural = "订阅通知批次"

    def __str__(self) -> str:
        return f"第 {self.number} 批"


class DigestMail(Outgoing):
    """Tells one subscriber what one digest holds for it: the lines of the log that it asked for."""

    subscriber = models.ForeignKey(Subscriber, models.CASCADE, verbose_name="订阅人", related_name="mails")
    digest = models.ForeignKey(Digest, models.PROTECT, verbose_name="批次", related_name="mails")
    lines = models.JSONField("日志序号", default=list)

    needs = ("subscriber",)
    objects = OutgoingQuerySet.as_manager()

    class Meta(Outgoing.Meta):
        verbose_name = verbose_name_plural = "订阅通知邮件"
        constraints = [
            models.UniqueConstraint(
                fields=("subscriber", "digest"),
                name="notices_digestmail_once",
                violation_error_message="这一批已经通知过这位订阅人。",
            ),
        ]

    def __str__(self) -> str:
        return f"订阅通知 {self.pk}"

    def compose(self, connection=None) -> EmailMessage:
        news, url = self.news(), self.subscriber.leaving_url
        subscriptions = self.subscriber.subscriptions.confirmed().select_related("organisation", "round")
        context = {"news": news, "subscriptions": subscriptions, "leaving_url": url, "site_name": settings.SITE_NAME}
        context["today"] = timezone.localdate()
        subject = f"公示有新情况：{news[0][0].edition.title}" + (f"等{len(news)}份" if len(news) > 1 else "")
        message = self.message(subject, render_to_string("mail/digest.txt", context), connection)
        message.extra_headers |= {
            "List-Unsubscribe": f"<{url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058
        }
        return message

    def news(self) -> list[tuple[PublicityNotice, list[str], str]]:
        """(notice as it stands now, what was done to it, its address), in the order of the log."""
        acts: dict[str, list[str]] = {}
        for entry in LogEntry.objects.filter(sequence__in=self.lines):
            acts.setdefault(entry.reference, []).append(entry.label)
        rows = PublicityNotice.objects.filter(reference__in=acts).select_related("edition", "organisation")
        notices = {notice.reference: notice for notice in rows}
        return [
            (notices[reference], done, settings.SITE_URL + reverse("notices:notice", args=[reference]))
            for reference, done in acts.items()
        ]


def lines_to_tell(last: Digest, size: int, now: datetime.datetime):
    """The lines of public acts that came under the first `size` since `last`, and those of scheduled editions whose
    hour has come since then."""
    scheduled = Edition.objects.filter(public_from__gt=models.F("published_at"))
    due = scheduled.filter(sequence__lt=last.size, public_from__gt=last.created_at, public_from__lte=now)
    fresh = models.Q(sequence__gte=last.size, sequence__lt=size, act__in=TOLD)
    fresh &= ~models.Q(sequence__in=scheduled.filter(public_from__gt=now).values("sequence"))
    return LogEntry.objects.filter(fresh | models.Q(sequence__in=due.values("sequence")))
