"""What is wrong and was told by mail: one row while it stands, and the mails that tell of it."""

import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models, transaction
from django.template.loader import render_to_string

from .outgoing import Outgoing, OutgoingQuerySet

AGAIN = datetime.timedelta(days=1)  # how often it is told while it stands


class ToldAlarmManager(models.Manager):
    @transaction.atomic
    def compare(self, standing: dict[str, str], mailboxes: list[str], now: datetime.datetime) -> int:
        """Tell `mailboxes` what is new, what still stands after a day, and what is over. `standing`: name → sentence.

        Returns how many mails were queued. Of several workers at once one tells.
        """
        known = {alarm.name: alarm for alarm in self.all()}
        told = [self._begin(name, text, now) for name, text in standing.items() if name not in known]
        told += [alarm.repeat(standing[name], now) for name, alarm in known.items() if name in standing]
        told += [alarm.end() for name, alarm in known.items() if name not in standing]
        for kind, alarm in filter(None, told):
            for mailbox in mailboxes:
                about = {"kind": kind, "text": alarm.text, "begun_at": alarm.begun_at}
                AlarmMail.objects.queue(mailbox, now, **about)
        return len(mailboxes) * len([each for each in told if each])

    def _begin(self, name: str, text: str, now: datetime.datetime):
        alarm, new = self.get_or_create(name=name, defaults={"text": text, "begun_at": now, "told_at": now})
        return (AlarmMail.Kind.BEGUN, alarm) if new else None


class ToldAlarm(models.Model):
    """Something that is wrong, by the name of its kind: figures in its sentence may change without a new mail."""

    name = models.CharField("名称", max_length=60, primary_key=True)
    text = models.TextField("内容")
    begun_at = models.DateTimeField("开始时间")
    told_at = models.DateTimeField("上次告知时间")

    objects = ToldAlarmManager()

    class Meta:
        verbose_name = verbose_name_plural = "已告知的报警"

    def __str__(self) -> str:
        return self.name

    def repeat(self, text: str, now: datetime.datetime):
        """What to tell when the last time is a day ago; None before, or when another worker does."""
        due = ToldAlarm.objects.filter(pk=self.pk, told_at__lte=now - AGAIN)
        if not due.update(told_at=now, text=text):
            return None
        self.text = text
        return AlarmMail.Kind.STANDS, self

    def end(self):
        """What to tell when it is over; None when another worker does."""
        gone = ToldAlarm.objects.filter(pk=self.pk).delete()[0]
        return (AlarmMail.Kind.OVER, self) if gone else None


class AlarmMail(Outgoing):
    """One alarm, to one of ALARM_MAILBOXES."""

    class Kind(models.TextChoices):
        BEGUN = "begun", "报警"
        STANDS = "stands", "仍未解决"
        OVER = "over", "已恢复"

    kind = models.CharField("类别", max_length=6, choices=Kind)
    text = models.TextField("内容")
    begun_at = models.DateTimeField("开始时间")

    objects = OutgoingQuerySet.as_manager()

    class Meta(Outgoing.Meta):
        verbose_name = verbose_name_plural = "报警邮件"

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    def compose(self, connection=None) -> EmailMessage:
        context = {"mail": self, "site_name": settings.SITE_NAME, "site_url": settings.SITE_URL}
        subject = f"{self.get_kind_display()}：{settings.SITE_NAME}"
        return self.message(subject, render_to_string("mail/alarm.txt", context), connection)
