"""The objections and their course, and the receipt codes with which one can look them up."""

import datetime

from django.db.models import F

from notices import mail
from notices.models import PublicityNotice
from objections import receipts
from objections.models import Event, Objection

from . import texts
from .days import ONE_DAY, Days
from .diary import Diary

TAKES = {"decline": "reason", "verify": "finding", "answer": "reply", "withdraw": "reason"}  # verb → its text
BY_THE_OBJECTOR = ("withdraw",)
DELIVERY = datetime.timedelta(seconds=4)


class Course:
    """One objection as its text says; the row exists once it has been received."""

    def __init__(self, text: dict, notice: PublicityNotice):
        self.text, self.notice, self.objection = text, notice, None

    def receive(self, *, opened_at: datetime.datetime, at: datetime.datetime) -> None:
        self.objection = Objection.objects.receive(
            edition=self.notice.edition, token=token(self.text["key"]), said=said(self.text), opened_at=opened_at, at=at
        )

    def act(self, *, verb: str, arguments: dict, at: datetime.datetime) -> None:
        getattr(self.objection, verb)(at=at, **arguments)


def token(key: str) -> str:
    return f"demo-{key}"


def said(text: dict) -> dict:
    """What the form would have passed on."""
    return {
        "kind": text.get("kind", Objection.Kind.INDIVIDUAL),
        "anonymous": text.get("anonymous", False),
        **{name: text.get(name, "") for name in ("name", "phone", "email", "concerns", "content")},
    }


def plan(days: Days, diary: Diary, notices: dict[str, PublicityNotice], handler) -> list[Course]:
    """The courses of all objections; the diary carries them out."""
    courses = []
    for text in texts.read("objections", days.today)["objection"]:
        course = Course(text, notices[text["notice"]])
        opened_at, received_at = _times(text, course.notice, days)
        diary.note(received_at, course.receive, opened_at=opened_at)
        for verb, after, clock, *words in text["steps"]:
            at = days.at(days.shift(course.notice.opens_on, after), clock)
            arguments = {} if verb in BY_THE_OBJECTOR else {"by": handler}
            arguments |= {TAKES[verb]: words[0]} if words else {}
            diary.note(at, course.act, verb=verb, arguments=arguments)
        courses.append(course)
    return courses


def _times(text: dict, notice: PublicityNotice, days: Days) -> tuple[datetime.datetime, datetime.datetime]:
    """(form opened, objection received); a late one was opened before the close and sent after it."""
    if text.get("late"):
        return days.at(notice.closes_on, "23:41"), days.at(notice.closes_on + ONE_DAY, "00:09")
    received_at = days.at(days.shift(notice.opens_on, text["after"]), text["clock"])
    return received_at - datetime.timedelta(minutes=11), received_at


def deliver(courses: list[Course], now: datetime.datetime) -> None:
    """Where the office has acted, its mails went out at the time; the others wait for the worker. Addresses that a text
    calls wrong refused theirs."""
    for course in courses:
        if not course.text["steps"]:
            continue
        wrong = "refused" in course.text
        went = [each for each in course.objection.mails.all() if not (wrong and each.recipient == course.text["email"])]
        for each in went:
            mail.mark_sent(each)
        mails = course.objection.mails.filter(sent_at__isnull=False)
        mails.update(sent_at=F("created_at") + DELIVERY, attempts=1)
        course.objection.mails.filter(sent_at__isnull=True).update(
            refused_at=F("created_at") + DELIVERY,
            attempts=1,
            due_at=now + mail.AFTER_REFUSAL,
            last_error=course.text.get("refused", ""),
        )
        course.objection.events.filter(kind=Event.Kind.DELIVERED).update(at=course.objection.received_at + DELIVERY)


def receipt_codes(today: datetime.date) -> list[tuple[str, Objection]]:
    """(receipt code, objection) of every demonstration objection that is still there."""
    codes = [receipts.code_for(token(text["key"])) for text in texts.read("objections", today)["objection"]]
    found = [(code, Objection.objects.by_code(code)) for code in codes]
    return [(code, objection) for code, objection in found if objection]
