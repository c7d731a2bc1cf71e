"""How long it is kept what people said and who they are: held back with a reason, erased when its time is over."""

import datetime

from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from notices.models import NotAllowed, ReceivingOffice, TrailEntry
from objections import vault
from objections.keyring import ring
from objections.sealing import ERASED, SealedTextField

from .handling import needs

ENDS = ("done_at", "withdrawn_at", "declined_at")  # the first that is there ended the case
ENDED_AT = Coalesce(*ENDS)
OFFICE = "notice__edition__receiving_office"


def sealed_fields(model: type[models.Model]) -> list[str]:
    return [field.name for field in model._meta.concrete_fields if isinstance(field, SealedTextField)]


def last_moment(days: int, today: datetime.date) -> datetime.datetime:
    """What ended before this has been kept for `days` whole days after the one on which it ended."""
    day = datetime.datetime.combine(today - datetime.timedelta(days=days), datetime.time())
    return timezone.make_aware(day)


def time_is_over(today: datetime.date) -> Q:
    """Of rows with `ended_at`: kept for as long as their office keeps what ended, or until their objector asked for
    erasure."""
    by_default = ReceivingOffice().keep_personal_data_days
    over = Q(**{f"{OFFICE}__isnull": True}, ended_at__lt=last_moment(by_default, today))
    for days in ReceivingOffice.objects.order_by().values_list("keep_personal_data_days", flat=True).distinct():
        over |= Q(**{f"{OFFICE}__keep_personal_data_days": days}, ended_at__lt=last_moment(days, today))
    start = last_moment(0, today)
    return over | Q(ended_at__lt=start, erasure_asked_at__lt=start)


class KeepingActs:
    """Verbs and questions of Objection about the end of its personal data."""

    @property
    def ended_at(self) -> datetime.datetime | None:
        """When the case came to its end; None while it runs."""
        return next(filter(None, (getattr(self, name) for name in ENDS)), None)

    @property
    def keep_until(self) -> datetime.date | None:
        """The last day on which the personal data are kept, if nothing holds them; None while the case runs."""
        if not self.ended_at:
            return None
        office = self.notice.edition.receiving_office or ReceivingOffice()
        until = timezone.localdate(self.ended_at) + datetime.timedelta(days=office.keep_personal_data_days)
        if not self.erasure_asked_at:
            return until
        return min(until, timezone.localdate(max(self.ended_at, self.erasure_asked_at)))

    def is_expired(self, today: datetime.date) -> bool:
        """Its personal data are to be erased, unless they are held."""
        return bool(not self.purged_at and self.keep_until and self.keep_until < today)

    def hold(self, *, by, reason: str, at: datetime.datetime | None = None) -> None:
        """Keep the personal data beyond their time, until released: for a lawsuit, an audit, a case reopened above."""
        reason, at = needs(reason, "请写明保留个人信息的原因。"), at or timezone.now()
        facts = Q(held_at=None)
        held = {"held_at": at, "held_by": by, "hold_reason": self.seal(reason)}
        self._record("held", facts, "个人信息已经在保留，或已按期删除。", by=by, at=at, text=reason, **held)

    def release_hold(self, *, by, at: datetime.datetime | None = None) -> None:
        """The reason is gone: from now on the office's time counts again."""
        free = {"held_at": None, "held_by": None, "hold_reason": ""}
        facts = Q(held_at__isnull=False)
        self._record("released", facts, "个人信息没有在保留。", by=by, at=at or timezone.now(), **free)

    @transaction.atomic
    def purge(self, *, at: datetime.datetime | None = None) -> None:
        """Erase every sealed field of the objection and of what hangs on it, its files, and its key.

        What was done, when, with which finding, and the digests stay. The key goes before the commit: if that fails,
        the next purge finishes what is left. Raises NotAllowed for a case that runs or is held, vault.Unavailable for
        a file that stays, keyring.Unavailable.
        """
        at, rows = at or timezone.now(), type(self).objects.filter(pk=self.pk)
        ended = rows.annotate(ended_at=ENDED_AT).filter(ended_at__isnull=False, held_at=None, purged_at=None)
        if not ended.update(purged_at=at):
            raise NotAllowed("这条异议没有办结、正在保留，或已删除。")
        self.mails.filter(sent_at=None).delete()
        _erase(rows)
        for relation in type(self)._meta.related_objects:
            _erase(relation.related_model.objects.filter(**{relation.field.name: self}))
        self.events.create(kind="purged", at=at)
        TrailEntry.objects.record(TrailEntry.Action.PURGED, target=self, organisation=self.notice.organisation, at=at)
        ring.destroy(self.data_key)
        for name in self.attachments.values_list("stored_as", flat=True):
            vault.erase(name)
        self.refresh_from_db()


def _erase(rows: models.QuerySet) -> None:
    for name in sealed_fields(rows.model):
        rows.exclude(**{name: ""}).update(**{name: ERASED})
