"""Days relative to the one on which the demonstration data are made, counted in working days."""

import dataclasses
import datetime

from notices.windows import ONE_DAY, Calendar, Rule


@dataclasses.dataclass(frozen=True)
class Days:
    """`now` is a time in Asia/Shanghai."""

    now: datetime.datetime
    calendar: Calendar

    @property
    def today(self) -> datetime.date:
        return self.now.date()

    def shift(self, date: datetime.date, count: int) -> datetime.date:
        """The working day `count` working days after `date`, before it when negative; `date` itself for 0."""
        step = ONE_DAY if count > 0 else -ONE_DAY
        for _ in range(abs(count)):
            date += step
            while not self.calendar.day(date).working:
                date += step
        return date

    def opening(self, closes_on: datetime.date, rule: Rule) -> datetime.date:
        """The latest first day of a window that ends on `closes_on` and is long enough for the rule."""
        date = closes_on
        while self.calendar.count(date, closes_on, rule) < rule.length:
            date -= ONE_DAY
        return date

    def at(self, date: datetime.date, clock: str) -> datetime.datetime:
        return datetime.datetime.combine(date, datetime.time.fromisoformat(clock), self.now.tzinfo)

    def publication(self, opens_on: datetime.date, minute: int) -> datetime.datetime:
        """On the morning of the first day; where that is still to come, on the last working afternoon."""
        morning = self.at(opens_on, f"08:{minute:02}")
        return morning if morning < self.now else self.at(self.shift(self.today, -1), f"16:{minute:02}")
