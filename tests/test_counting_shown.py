"""Beside a window stands how it was counted."""

import datetime
import re

import pytest

from notices import views
from tests.test_public_pages import DAY, page

from . import make

pytestmark = pytest.mark.django_db


# ---- how we counted


def test_the_counting_table_names_every_day(client):
    opens = datetime.date(2025, 4, 30)
    notice = make.make_notice(opens)
    html = page(client, f"/notices/{notice.reference}/")
    table = re.search(r'<table class="calendar">.*?</table>', html, re.DOTALL)[0]
    days = re.findall(r'<time class="day__date" datetime="([\d-]+)"', table)
    assert days == [str(opens + number * DAY) for number in range(17)]
    assert re.findall(r"第(\d+)天", table) == [str(number) for number in range(1, 11)]
    assert table.count("劳动节") == 5
    assert "day--weekend" in table


def test_an_adjusted_working_day_counts():
    days = views.CalendarDay.objects.all().as_calendar().days(datetime.date(2025, 9, 26), datetime.date(2025, 9, 29))
    weeks = views.weeks(days, "working")
    assert [[(day.kind, number) for day, number in week if day] for week in weeks] == [
        [("working", 1), ("weekend", 0), ("adjusted", 2)],
        [("working", 3)],
    ]
    assert all(len(week) == 7 for week in weeks)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("0533-2793032", [("0533-2793032", "05332793032")]),
        ("0533-2793032、2793033", [("0533-2793032", "05332793032"), ("2793033", "2793033")]),
        ("0533-2793032转8001", [("0533-2793032转8001", "05332793032")]),
        ("（0533）2793032", [("（0533）2793032", "05332793032")]),
        ("12345", [("12345", "12345")]),
        ("请到窗口咨询", [("请到窗口咨询", "")]),
        ("", []),
    ],
)
def test_telephones(printed, expected):
    assert views.telephones(printed) == expected
