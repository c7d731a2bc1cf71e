"""Windows are counted by the published calendar, corrected by rows, on whole days."""

import datetime

import pytest

from notices import windows
from notices.models import CalendarDay
from notices.windows import Calendar, Day, Rule, TooLong
from tests.make import make_draft, make_organisation

# The windows of real notices, with the working days they truly have.
REAL = [
    ("2025-04-30", "2025-05-16", 10),
    ("2023-07-27", "2023-08-09", 10),
    ("2024-09-29", "2024-10-09", 4),
    ("2025-01-21", "2025-02-08", 10),
    ("2025-08-14", "2025-08-28", 11),
    ("2025-09-28", "2025-10-16", 10),
    ("2025-07-03", "2025-07-16", 10),
    ("2022-11-22", "2022-11-24", 3),
]


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


@pytest.mark.parametrize(("opens_on", "closes_on", "working_days"), REAL)
def test_working_days_of_real_windows(opens_on, closes_on, working_days):
    assert Calendar().count(day(opens_on), day(closes_on)) == working_days


@pytest.mark.parametrize(("opens_on", "closes_on", "working_days"), [row for row in REAL if row[2] in (3, 10)])
def test_the_last_day_is_computed_from_the_first(opens_on, closes_on, working_days):
    assert Calendar().last_day(day(opens_on), Rule(working_days)) == day(closes_on)


@pytest.mark.parametrize(
    ("rule", "last"),
    [
        (Rule(7, "calendar"), "2025-05-06"),
        (Rule(7, "calendar", first_day_counts=False), "2025-05-07"),
        (Rule(10, "working", first_day_counts=False), "2025-05-19"),
        (Rule(1), "2025-04-30"),
    ],
)
def test_rules_by_unit_and_first_day(rule, last):
    assert Calendar().last_day(day("2025-04-30"), rule) == day(last)
    assert Calendar().count(day("2025-04-30"), day(last), rule) == rule.length


@pytest.mark.parametrize(
    ("date", "kind", "name"),
    [
        ("2025-10-01", "holiday", "国庆节"),
        ("2025-09-28", "adjusted", "国庆节"),
        ("2025-05-03", "holiday", "劳动节"),
        ("2025-05-10", "weekend", ""),
        ("2025-05-12", "working", ""),
    ],
)
def test_kinds_of_days(date, kind, name):
    found = Calendar().day(day(date))
    assert (found.kind, found.name) == (kind, name)


def test_a_correction_wins_over_the_packaged_calendar():
    friday = day("2025-07-11")
    calendar = Calendar({friday: Day(friday, working=False, name="防汛停工")})
    assert calendar.count(day("2025-07-03"), day("2025-07-16")) == 9
    assert calendar.day(friday).kind == "holiday"


def test_an_unpublished_year_says_so_and_still_knows_weekends():
    monday, saturday = Calendar().day(day("2098-06-02")), Calendar().day(day("2098-06-07"))
    assert (monday.working, monday.published) == (True, False)
    assert (saturday.working, saturday.published) == (False, False)


def test_a_typing_error_in_the_year_is_refused_not_counted():
    with pytest.raises(TooLong):
        Calendar().days(day("2025-01-01"), day("9025-01-01"))


@pytest.mark.parametrize(
    ("today", "state", "left"),
    [
        ("2025-04-29", "upcoming", 18),
        ("2025-04-30", "open", 17),
        ("2025-05-16", "open", 1),
        ("2025-05-17", "closed", 0),
    ],
)
def test_state_and_days_left_by_the_day(today, state, left):
    opens_on, closes_on = day("2025-04-30"), day("2025-05-16")
    assert windows.state(opens_on, closes_on, day(today)) == state
    assert windows.days_left(closes_on, day(today)) == left


@pytest.mark.django_db
def test_rows_of_the_calendar_are_counted_with():
    CalendarDay.objects.create(date=day("2025-07-11"), working=False, name="防汛停工", source="青府发〔2025〕3号")
    draft = make_draft(day("2025-07-03"), day("2025-07-16"))
    assert draft.window().working_days == 9


@pytest.mark.django_db
def test_the_organisation_rule_of_the_stage_wins_over_its_general_one():
    organisation = make_organisation()
    organisation.publicity_rules.create(length=7, unit="calendar")
    organisation.publicity_rules.create(stage="closure", length=3)
    assert organisation.rule("closure") == Rule(3)
    assert organisation.rule("self_acceptance") == Rule(7, "calendar")
    assert make_organisation("990301", "临溪区水务局").rule("closure") == windows.NORM


@pytest.mark.django_db
def test_without_an_end_the_rule_gives_it():
    draft = make_draft(day("2025-04-30"))
    draft.closes_on = None
    assert draft.window().closes_on == day("2025-05-16")
