"""Questions about many objections: where they stand, what is due, what nobody has noticed."""

import datetime

from django.db import models
from django.db.models import Case, Count, Exists, F, OuterRef, Q, When
from django.db.models.functions import Coalesce

from notices import windows
from notices.models.calendar import current_calendar
from notices.models.scope import ScopedQuerySet
from objections import receipts
from objections.sealing import impersonal

from . import keeping


class Status(models.TextChoices):
    """Where an objection stands. Derived from facts, never stored."""

    RECEIVED = "received", "已收到，待受理"
    ACCEPTED = "accepted", "已受理，核查中"
    DECLINED = "declined", "不予受理"
    VERIFIED = "verified", "已核查，待答复"
    REPLIED = "replied", "已答复"
    DONE = "done", "已办结"
    WITHDRAWN = "withdrawn", "异议人已撤回"


FACTS = ("done", "withdrawn", "replied", "verified", "declined", "accepted")  # the first that is there is the status
UNDECIDED = Q(accepted_at__isnull=True, declined_at__isnull=True, done_at__isnull=True, withdrawn_at__isnull=True)
UNANSWERED = Q(accepted_at__isnull=False, replied_at__isnull=True, done_at__isnull=True, withdrawn_at__isnull=True)
ARRIVED_ON = Coalesce("postmarked_on", "received_on")
LATE = Q(arrived_on__gt=F("notice__edition__closes_on"))
WITHDRAWN = Q(withdrawn_at__isnull=False)
UPHELD = Q(finding__in=("substantiated", "partly"))
BY_DUE_DATE = (F("next_due").asc(nulls_last=True), "-received_at", "-id")
AN_HOUR, FLOOD = datetime.timedelta(hours=1), 20  # so many within an hour to one notice are a flood
NEXT_DUE = Case(When(UNDECIDED, then="decide_by"), When(UNANSWERED, then="reply_by"))
PENDING = Q(done_at__isnull=True, declined_at__isnull=True, withdrawn_at__isnull=True)


def last_unnoticed_day(today: datetime.date) -> datetime.date:
    """What came on this day or before should have been noticed by now: one working day has passed since."""
    calendar, day = current_calendar(), today - windows.ONE_DAY
    while not calendar.day(day).working:
        day -= windows.ONE_DAY
    return day - windows.ONE_DAY


def standing_at(status: str) -> Q:
    """The facts of a status: its own is there, none that comes later is."""
    later = FACTS[: FACTS.index(status)] if status in FACTS else FACTS
    own = {f"{status}_at__isnull": False} if status in FACTS else {}
    return Q(**own, **{f"{fact}_at__isnull": True for fact in later})


class ObjectionQuerySet(ScopedQuerySet):
    """Adjectives; Objection says the same of one."""

    def within(self, organisations):
        """Of the receiving office's organisation, or of the one above it that took over: whoever is judged sees none."""
        office = Q(notice__edition__receiving_office__organisation__in=organisations)
        nobody = Q(notice__edition__receiving_office=None, notice__organisation__in=organisations)
        return self.filter(Q(routed_to__in=organisations) | Q(routed_to=None) & (office | nobody))

    def pending(self):
        """Neither done nor declined nor withdrawn: what keeps a task from closure."""
        return self.filter(PENDING)

    def with_status(self, status: str):
        """Those whose status is `status`."""
        return self.filter(standing_at(status))

    def by_due_date(self):
        """The most urgent first, those that wait for nothing last."""
        return self.order_by(*BY_DUE_DATE)

    def overdue(self, today: datetime.date):
        """The date of the next step has passed."""
        return self.filter(next_due__lt=today)

    def due_within(self, days: int, today: datetime.date):
        """The next step is due today or within `days` days; what is overdue is not among them."""
        near = (today, today + datetime.timedelta(days=days))
        return self.filter(next_due__range=near)

    def unnoticed(self, today: datetime.date):
        """Neither delivered by mail nor opened by staff within one working day."""
        return self.watched(today).filter(nobody_noticed=True)

    def watched(self, today: datetime.date):
        """Annotates `nobody_noticed`: what .unnoticed asks, told of each."""
        events = self.model._meta.get_field("events").related_model.objects
        delivered = Exists(events.filter(objection=OuterRef("pk"), kind="delivered"))
        waiting = UNDECIDED & Q(seen_at__isnull=True, received_on__lte=last_unnoticed_day(today)) & ~Q(delivered)
        return self.annotate(nobody_noticed=Case(When(waiting, then=True), default=False))

    def marked(self):
        """Annotates `is_doubled` (another one to the same notice says the same) and `is_one_of_many` (a flood came
        with it). Marks only: nothing is dropped, every one is answered."""
        near = self.model.objects.filter(notice=OuterRef("notice"))
        alike = near.filter(likeness=OuterRef("likeness")).exclude(pk=OuterRef("pk"))
        before = near.filter(received_at__range=(OuterRef("received_at") - AN_HOUR, OuterRef("received_at")))
        return self.annotate(is_doubled=Exists(alike), is_one_of_many=Exists(before.order_by("pk")[FLOOD - 1 : FLOOD]))

    def one_of_many(self):
        """Those with that mark, looked for only among notices that got as many at all."""
        crowded = self.model.objects.order_by().values("notice").annotate(got=Count("pk")).filter(got__gte=FLOOD)
        return self.marked().filter(notice__in=crowded.values("notice"), is_one_of_many=True)

    def erasure_asked(self):
        """Whose objector asked for erasure."""
        return self.filter(erasure_asked_at__isnull=False)

    def impersonal(self):
        """Without the fields that tell who said what: for what is done to many, where one broken field must not stop it."""
        return self.defer(*impersonal())

    def expired(self, today: datetime.date):
        """Whose personal data are to be erased, unless they are held."""
        ended = self.filter(purged_at=None).annotate(ended_at=keeping.ENDED_AT)
        return ended.filter(keeping.time_is_over(today))

    def dated(self):
        """Annotates `arrived_on`, the day that counts: the postmark of a letter, else the day of receipt."""
        return self.annotate(arrived_on=ARRIVED_ON)

    def late(self):
        return self.dated().filter(LATE)

    def timely(self):
        return self.dated().exclude(LATE)

    def by_code(self, code: str):
        """The objection of a receipt code as typed, or None. A reissued code takes the place of the first."""
        digest = receipts.digest(code)
        current = Q(reissued_digest=digest) | Q(reissued_digest__isnull=True, code_digest=digest)
        return self.filter(current).first() if digest else None
