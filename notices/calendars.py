"""Publicity windows as an iCalendar file (RFC 5545). No database."""

import dataclasses
import datetime
import re

PRODUCT = "-//rectification-portal//windows//ZH"
DAY = datetime.timedelta(days=1)

_ESCAPED = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
# What a line of text cannot hold: control characters and lone surrogates.
_IMPOSSIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    """Whole days from `first` to `last`, both included, in Asia/Shanghai.

    `uid` stays the same while `sequence` grows with each change; `changed_at` is when the last one was made.
    """

    uid: str
    sequence: int
    first: datetime.date
    last: datetime.date
    title: str
    description: str
    url: str
    changed_at: datetime.datetime
    cancelled: bool = False


def write(name: str, events: list[Event]) -> bytes:
    """The calendar called `name`: UTF-8, CRLF, no line over 75 bytes."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    lines += [f"X-WR-CALNAME:{_text(name)}", "REFRESH-INTERVAL;VALUE=DURATION:PT6H", "X-PUBLISHED-TTL:PT6H"]
    for event in events:
        lines += _event(event)
    return b"".join(map(_folded, [*lines, "END:VCALENDAR"]))


def _event(event: Event) -> list[str]:
    changed = event.changed_at.astimezone(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    return [
        "BEGIN:VEVENT",
        f"UID:{_text(event.uid)}",
        f"SEQUENCE:{event.sequence}",
        f"DTSTAMP:{changed}",
        f"LAST-MODIFIED:{changed}",
        f"DTSTART;VALUE=DATE:{event.first:%Y%m%d}",
        f"DTEND;VALUE=DATE:{event.last + DAY:%Y%m%d}",  # the first day after it
        f"SUMMARY:{_text(event.title)}",
        f"DESCRIPTION:{_text(event.description)}",
        f"URL:{event.url}",
        f"STATUS:{'CANCELLED' if event.cancelled else 'CONFIRMED'}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _text(value: str) -> str:
    plain = re.sub(r"\r\n?", "\n", value)
    return _IMPOSSIBLE.sub("", plain).translate(_ESCAPED)


def _folded(line: str) -> bytes:
    """A line of at most 75 bytes, gone on with in lines that begin with a blank; no character is cut."""
    pieces, size = [""], 0
    for character in line:
        width = len(character.encode())
        if size + width > 75:
            pieces.append(" ")
            size = 1
        pieces[-1] += character
        size += width
    return "\r\n".join(pieces).encode() + b"\r\n"
