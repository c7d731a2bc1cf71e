"""The notices and their course: drafted, reviewed, published, corrected, withdrawn; their tasks closed and reopened."""

import datetime

from notices.models import Evidence, Organisation, PublicityNotice

from . import drafting, texts
from .days import Days
from .diary import Diary
from .tasks import Case


def make(days: Days, diary: Diary, organisations: dict[str, Organisation], cases: dict[str, Case], users: dict) -> dict:
    """key → the notice as a draft; the diary knows what becomes of it."""
    drafts = {}
    for number, text in enumerate(texts.read("notices", days.today)["notice"]):
        own = [cases[key] for key in text["tasks"]]
        organisation = organisations[text.get("organisation", own[0].text["organisation"])]
        course = Course(days, diary, users, text, minute=number * 7 % 50 + 5)
        drafts[text["key"]] = course.begin(organisation, own)
    return drafts


class Course:
    """What becomes of one notice, as its text says."""

    def __init__(self, days: Days, diary: Diary, users: dict, text: dict, minute: int):
        self.days, self.diary, self.text, self.minute = days, diary, text, minute
        self.drafter, self.reviewer = users["bianji"], users["shenhe"]
        if "emergency" in text:
            self.drafter = self.reviewer

    def begin(self, organisation: Organisation, cases: list[Case]) -> PublicityNotice:
        opens_on, closes_on = self.window(organisation)
        published_at = self.published_at(opens_on or self.days.today)
        drafted_on = self.days.shift(published_at.date(), -3)
        for case in cases:
            first = min(opens_on or self.days.today, drafted_on)
            accepted_on = self.days.shift(first, -9)
            case.accept(accepted_on, self.days.at(accepted_on, "16:20"))
        self.notice = self.draft(organisation, cases, opens_on, closes_on, self.days.at(drafted_on, "10:15"))
        drafting.write(self.notice, self.text, cases)
        if "draft" in self.text:
            self.review(**self.text["draft"])
        else:
            self.publish(published_at)
            self.follow([case.row for case in cases], published_at)
        return self.notice

    def window(self, organisation: Organisation) -> tuple[datetime.date | None, datetime.date | None]:
        """The first and the last day; None for what the rule gives, or what is not decided yet."""
        today, shift = self.days.today, self.days.shift
        match self.text.get("window"):
            case {"from": opens_on, "to": closes_on}:
                return opens_on, closes_on
            case {"closes": ahead}:
                closes_on = today + datetime.timedelta(days=ahead)
                return self.days.opening(closes_on, organisation.rule(self.text.get("stage", ""))), closes_on
            case {"opened": ago}:
                return shift(today, -ago), None
            case {"opens": ahead}:
                return shift(today, ahead), None
        return None, None

    def published_at(self, opens_on: datetime.date) -> datetime.datetime:
        if "archive" in self.text:
            return self.days.at(self.days.shift(self.days.today, -self.text["archive"]["before"]), "10:40")
        return self.days.publication(opens_on, self.minute)

    def draft(self, organisation, cases, opens_on, closes_on, at: datetime.datetime) -> PublicityNotice:
        notice = PublicityNotice(
            organisation=organisation,
            stage=self.text.get("stage", "self_acceptance"),
            title=self.text["title"],
            basis=self.text["basis"],
            receiving_office=organisation.receiving_offices.get(),
            signatories=self.text.get("signatories", organisation.name),
            signed_on=opens_on,
            opens_on=opens_on,
            closes_on=closes_on,
            created_at=at,
            drafted_at=at,
            drafted_by=self.drafter,
        )
        if opens_on:
            notice.closes_on = notice.window().closes_on
        notice.save()
        notice.tasks.set([case.row for case in cases])
        notice.evidence.set(Evidence.objects.filter(task__in=notice.tasks.all()))
        return notice

    # --- Drafts -------------------------------------------------------------------------------------------------------

    def review(self, submitted: int = 0, returned: str = "") -> None:
        """A draft that stays one: handed in `submitted` working days ago, perhaps sent back the day after."""
        if submitted:
            day = self.days.shift(self.days.today, -submitted)
            self.diary.note(self.days.at(day, "10:30"), self.notice.submit, by=self.drafter)
        if returned:
            day = self.days.shift(self.days.today, 1 - submitted)
            self.diary.note(self.days.at(day, "09:10"), self.notice.send_back, by=self.reviewer, reason=returned)

    # --- Publication and what follows ------------------------------------------------------------------------------------

    def publish(self, at: datetime.datetime) -> None:
        if "misprint" in self.text:
            right, wrong = self.text["misprint"]
            drafting.replace(self.notice, right, wrong)
        if "emergency" in self.text:
            how = {"via": "emergency", "emergency_reason": self.text["emergency"]}
        else:
            how = {"archive": "archive" in self.text}
            day = self.days.shift(at.date(), -1)
            self.diary.note(self.days.at(day, "15:20"), self.notice.submit, by=self.drafter)
        self.diary.note(at, self.notice.publish, by=self.reviewer, confirmed=True, **how)

    def follow(self, rows: list, published_at: datetime.datetime) -> None:
        shift, opens_on, closes_on = self.days.shift, self.notice.opens_on, self.notice.closes_on
        if facts := self.text.get("corrected"):
            self.correct(shift(opens_on, facts["after"]), facts["reason"])
        if facts := self.text.get("withdrawn"):
            at = self.days.at(shift(opens_on, facts["after"]), "17:05")
            proposed = self.days.at(shift(opens_on, facts["after"]), "16:20")
            self.diary.note(proposed, self.notice.propose_withdrawal, by=self.drafter, reason=facts["reason"])
            self.diary.note(at, self.notice.withdraw, by=self.reviewer)
        if facts := self.text.get("closed"):
            day = shift(closes_on, facts["after"]) if "after" in facts else shift(published_at.date(), 1)
            filing = facts["filing"].replace("{year}", str(day.year))
            said = {"by": self.drafter, "closed_on": facts.get("on", day), "filing": filing}
            self.diary.note(self.days.at(day, "10:30"), rows[0].propose_closure, **said)
            self.diary.note(self.days.at(day, "11:00"), rows[0].close, by=self.reviewer)
        if facts := self.text.get("reopened"):
            at = self.days.at(shift(self.days.today, -facts["before"]), "15:45")
            self.diary.note(at, rows[0].reopen, by=self.reviewer, reason=facts["reason"])

    def correct(self, day: datetime.date, reason: str) -> None:
        """Edition 2: the misprint put right, and the window counted anew from that day."""
        note, at = self.diary.note, self.days.at
        note(at(day, "09:30"), self.notice.begin_correction, by=self.drafter, reason=reason)
        note(at(day, "09:45"), self.put_right, day=day)
        note(at(day, "10:20"), self.notice.submit, by=self.drafter)
        note(at(day, "14:30"), self.notice.publish, by=self.reviewer, confirmed=True)

    def put_right(self, *, day: datetime.date, at: datetime.datetime) -> None:
        right, wrong = self.text["misprint"]
        drafting.replace(self.notice, wrong, right)
        rule = self.notice.organisation.rule(self.notice.stage)
        self.notice.closes_on = self.days.calendar.last_day(day, rule)
        self.notice.save(update_fields=["closes_on"])
