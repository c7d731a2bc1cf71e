"""Publicity windows on plain dates: working days, the last day, the state, and how it was counted.

A window is whole days in Asia/Shanghai; it opens at 00:00 of its first day and closes at 24:00 of its last.
No database: the calendar comes in as an argument.
"""

import dataclasses
import datetime

import chinese_calendar

ONE_DAY = datetime.timedelta(days=1)
LONGEST = 3 * 366  # days; a count beyond is a typing error

HOLIDAY_NAMES = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "National Day": "国庆节",
    "Mid-autumn Festival": "中秋节",
    "Anti-Fascist 70th Day": "抗战胜利纪念日",
}


class TooLong(ValueError):
    """A window of more than LONGEST days."""


@dataclasses.dataclass(frozen=True)
class Rule:
    """How long a window is: `length` days of `unit` ("working" or "calendar")."""

    length: int
    unit: str = "working"
    first_day_counts: bool = True


# The norm of the field: ten working days, the first day counted.
NORM = Rule(10)


@dataclasses.dataclass(frozen=True)
class Day:
    """One day of the calendar; `name` says why it is not what its weekday says."""

    date: datetime.date
    working: bool
    name: str = ""
    published: bool = True

    @property
    def kind(self) -> str:
        """working | adjusted (a working weekend) | weekend | holiday"""
        weekend = self.date.weekday() >= 5
        if self.working:
            return "adjusted" if weekend else "working"
        return "weekend" if weekend and not self.name else "holiday"


class Calendar:
    """The published calendar of the State Council as packaged, with `corrections` by date on top."""

    def __init__(self, corrections: dict[datetime.date, Day] | None = None):
        self.corrections = corrections or {}
        self.loaded_years = {date.year for date in self.corrections}

    def day(self, date: datetime.date) -> Day:
        """What kind of day `date` is. `published` is False where nobody has published that year yet."""
        if date in self.corrections:
            return self.corrections[date]
        weekend = date.weekday() >= 5
        try:
            off, holiday = chinese_calendar.get_holiday_detail(date)
        except NotImplementedError:
            return Day(date, working=not weekend, published=date.year in self.loaded_years)
        name = HOLIDAY_NAMES.get(holiday, holiday or "")
        return Day(date, working=not off, name=name if off or weekend else "")

    def days(self, opens_on: datetime.date, closes_on: datetime.date) -> list[Day]:
        """Every day of the window, in order. Raises TooLong beyond LONGEST days."""
        length = (closes_on - opens_on).days + 1
        if length > LONGEST:
            raise TooLong(f"{length} days")
        return [self.day(opens_on + ONE_DAY * number) for number in range(length)]

    def count(self, opens_on: datetime.date, closes_on: datetime.date, rule: Rule = NORM) -> int:
        """How many days of the rule's unit the window has."""
        days = self.days(opens_on, closes_on)[0 if rule.first_day_counts else 1 :]
        return sum(day.working for day in days) if rule.unit == "working" else len(days)

    def last_day(self, opens_on: datetime.date, rule: Rule = NORM) -> datetime.date:
        """The last day of a window that opens on `opens_on`. Raises TooLong when there is none within LONGEST days."""
        counted = 0
        for number in range(min(LONGEST, (datetime.date.max - opens_on).days + 1)):
            date = opens_on + ONE_DAY * number
            counts = rule.unit == "calendar" or self.day(date).working
            counted += counts and (rule.first_day_counts or date != opens_on)
            if counted >= rule.length:
                return date
        raise TooLong(f"no {rule.length} days after {opens_on}")


def state(opens_on: datetime.date, closes_on: datetime.date, today: datetime.date) -> str:
    """upcoming | open | closed, by the day in Asia/Shanghai."""
    if today < opens_on:
        return "upcoming"
    return "open" if today <= closes_on else "closed"


def days_left(closes_on: datetime.date, today: datetime.date) -> int:
    """Days on which one can still object, today included; 0 after the close."""
    return max(0, (closes_on - today).days + 1)
