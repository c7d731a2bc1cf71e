"""Log entries: one line of canonical JSON each, and their times."""

import datetime
import json
import re

UTC = datetime.UTC
LONGEST_NUMBER = 16  # digits, the sign included: what other languages read without loss


class BadEntry(ValueError):
    """Not a log entry in canonical form; the message says what is wrong."""


def stamp(moment: datetime.datetime) -> str:
    """An aware time as the log writes it: UTC, microseconds, Z; such texts sort by time. Raises BadEntry if naive."""
    if moment.utcoffset() is None:
        raise BadEntry("时间必须带有时区")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def moment(text: str) -> datetime.datetime:
    """The time that `stamp` wrote, in UTC. Raises BadEntry for any other text."""
    try:
        value = datetime.datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    except (TypeError, ValueError) as error:
        raise BadEntry(f"时间格式不对：{text!r}") from error
    if stamp(value) != text or not 1970 <= value.year < 9999:
        raise BadEntry(f"时间格式不对：{text!r}")
    return value


def entry_line(entry: dict) -> bytes:
    """The entry as its line, without the newline; keys whose value is None are left out. Raises BadEntry."""
    try:
        line = _canonical({key: value for key, value in entry.items() if value is not None})
    except (TypeError, ValueError, RecursionError) as error:
        raise BadEntry(f"无法写成日志记录：{error}") from error
    read_entry(line)
    return line


def read_entry(line: bytes) -> dict:
    """The entry that the line is.

    Raises BadEntry unless the line is exactly what `entry_line` writes: two different lines never stand for one
    entry. `sequence` (int), `at` (see stamp) and `act` are required, `reference` and `reason` are text, `edition`
    counts from 1, `digest` and `salted_digest` are SHA-256 in hexadecimal; other keys are anybody's.
    """
    try:
        entry = _DECODER.decode(line.decode())
        canonical = isinstance(entry, dict) and None not in entry.values() and _canonical(entry) == line
    except (ValueError, RecursionError) as error:
        raise BadEntry("不是 UTF-8 编码的 JSON") from error
    if not canonical:
        raise BadEntry("不是规范的写法（键须排序、不重复，无多余空格和空值）")
    moment(entry.get("at"))
    for key, (required, fits) in _FIELDS.items():
        if (required or key in entry) and not fits(entry.get(key)):
            raise BadEntry(f"“{key}”缺失或不符合格式")
    return entry


def saved_lines(content: bytes) -> list[bytes]:
    """The lines of a saved log, one entry a line; the last newline may be missing."""
    lines = content.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def _canonical(entry: dict) -> bytes:
    return _ENCODER.encode(entry).encode()


def _no_fraction(text: str) -> None:
    raise ValueError(f"{text} is not a whole number")


def _number(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"{text[:20]}… is too large")
    return int(text)


def _whole(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _digest(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch("[0-9a-f]{64}", value))


_DECODER = json.JSONDecoder(parse_int=_number, parse_float=_no_fraction, parse_constant=_no_fraction)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
_FIELDS = {
    "sequence": (True, _whole),
    "act": (True, _text),
    "reference": (False, _text),
    "edition": (False, lambda value: _whole(value) and value > 0),
    "digest": (False, _digest),
    "salted_digest": (False, _digest),
    "public_from": (False, _text),
    "reason": (False, _text),
}
