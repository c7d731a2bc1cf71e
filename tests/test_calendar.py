"""Windows as a calendar: what a calendar program reads, the same event through corrections and withdrawal."""

import datetime

import icalendar
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notices import calendars
from tests.make import make_draft, make_notice, make_organisation, withdraw
from tests.test_pdf import corrected

DAY = datetime.date(2026, 4, 30)


def events(content: bytes) -> list:
    return icalendar.Calendar.from_ical(content).walk("VEVENT")


def event(**fields) -> calendars.Event:
    said = {
        "uid": "2026-0001@portal.example",
        "sequence": 0,
        "first": DAY,
        "last": DAY,
        "title": "题",
        "url": "https://a.example/",
    }
    said |= {"description": "说明", "changed_at": datetime.datetime(2026, 4, 29, 1, 2, 3, tzinfo=datetime.UTC)}
    return calendars.Event(**said | fields)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120))
@example("一行很长的文字" * 40)
@example("分号;逗号,反斜线\\n换行\r\n又一行\rEND:VEVENT")
@example("\0\ud800\x1b😀👩‍👩‍👧")
def test_any_text_is_folded_and_read_back(text):
    content = calendars.write(text, [event(title=text, description=text)])
    lines = content.split(b"\r\n")
    assert lines[-1] == b""
    assert all(len(line) <= 75 and b"\n" not in line and b"\r" not in line for line in lines)
    assert all(line.decode() is not None for line in lines)  # no character is cut in two
    (read,) = events(content)
    kept = calendars._IMPOSSIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    assert str(read["SUMMARY"]) == str(read["DESCRIPTION"]) == kept


def test_a_window_is_whole_days_and_ends_before_the_day_after():
    (read,) = events(calendars.write("窗口", [event(last=DAY + datetime.timedelta(days=16))]))
    assert read["DTSTART"].dt == DAY
    assert read["DTEND"].dt == datetime.date(2026, 5, 17)
    assert read["DTSTAMP"].dt == datetime.datetime(2026, 4, 29, 1, 2, 3, tzinfo=datetime.UTC)
    assert (read["STATUS"], read["SEQUENCE"]) == ("CONFIRMED", 0)


@pytest.mark.django_db
def test_an_event_keeps_its_uid_while_its_sequence_grows(client):
    notice = make_notice()

    def read():
        response = client.get("/calendar/windows.ics")
        assert response["Content-Type"] == "text/calendar; charset=utf-8"
        (found,) = events(response.content)
        return found

    states = [read()]
    notice = corrected(notice)
    states.append(read())
    withdraw(notice, "落款单位有误。")
    states.append(read())
    assert len({str(found["UID"]) for found in states}) == 1
    assert [found["SEQUENCE"] for found in states] == [0, 1, 2]
    assert [str(found["STATUS"]) for found in states] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert "落款单位有误" in states[-1]["DESCRIPTION"]
    assert states[0]["DTEND"].dt == notice.edition.closes_on + datetime.timedelta(days=1)


@pytest.mark.django_db
def test_a_calendar_of_one_organisation_holds_its_windows_only(client):
    other = make_organisation("990400", "赤屿市生态环境局")
    mine, theirs = make_notice(tasks=[]), make_notice(tasks=[], organisation=other)
    make_draft(tasks=[])
    found = {str(found["URL"]) for found in events(client.get("/calendar/windows.ics").content)}
    assert found == {f"http://testserver/notices/{each.reference}/" for each in (mine, theirs)}
    (only,) = events(client.get("/calendar/windows.ics", {"organisation": "990400"}).content)
    assert theirs.reference in only["UID"]
    for strange in ("990500", "\0", "'; DROP TABLE", "９９０４００"):
        assert client.get("/calendar/windows.ics", {"organisation": strange}).status_code == 404


@pytest.mark.django_db
def test_a_calendar_is_kept_until_it_changes(client):
    notice = make_notice()
    tag = client.get("/calendar/windows.ics")["ETag"]
    assert client.get("/calendar/windows.ics", headers={"if-none-match": tag}).status_code == 304
    withdraw(notice)
    assert client.get("/calendar/windows.ics", headers={"if-none-match": tag}).status_code == 200
