"""A year's holidays as staff type them from the State Council's notice: date, 放假 or 上班, name. No database."""

import datetime
import re

from .documents.files import Unreadable, decode
from .windows import Day

WORDS = {"放假": False, "上班": True}
LARGEST = 1 << 20  # bytes: a year has 366 lines
LONGEST_NAME = 50
_CELLS = re.compile(r"\s*[,，\t]\s*|\s+")
_DATE = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")


class BadTable(Exception):
    """The table cannot be taken; `faults` are all its faults, each with its line."""

    def __init__(self, faults: list[str]):
        self.faults = faults
        super().__init__("\n".join(faults))


def read_table(content: bytes, year: int) -> list[Day]:
    """The days of that year that are not what their weekday says. Raises BadTable."""
    if len(content) > LARGEST:
        raise BadTable(["文件太大，不像一年的日历。"])
    try:
        text = decode(content)
    except Unreadable as error:
        raise BadTable([str(error)]) from error
    days: dict[datetime.date, tuple[int, Day]] = {}
    faults = []
    for number, cells in _rows(text):
        try:
            day = _day(cells, year)
            if day.date in days:
                raise ValueError(f"{day.date} 与第 {days[day.date][0]} 行重复。")
            days[day.date] = number, day
        except ValueError as error:
            faults.append(f"第 {number} 行：{error}")
    if not days and not faults:
        faults.append("文件里没有任何一天。")
    if faults:
        raise BadTable(faults)
    return [day for _, day in days.values()]


def _rows(text: str):
    """The lines that are not blank with their numbers, without the heading."""
    rows = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if rows and not re.search("[0-9]", rows[0][1]):
        rows = rows[1:]
    for number, line in rows:
        yield number, [cell.strip('"“” ') for cell in _CELLS.split(line.rstrip(",， "), maxsplit=2)]


def _day(cells: list[str], year: int) -> Day:
    """The day of one line. Raises ValueError with what is wrong."""
    date, word, name = (*cells, "", "")[:3]
    date = _date(date, year)
    if date.year != year:
        raise ValueError(f"{date} 不在 {year} 年。")
    if word not in WORDS:
        raise ValueError(f"“{word}”应为“放假”或“上班”。")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"名称超过 {LONGEST_NAME} 个字。")
    return Day(date, WORDS[word], name)


def _date(text: str, year: int) -> datetime.date:
    match = _DATE.fullmatch(text)
    try:
        return datetime.date(*map(int, match.groups()))
    except (AttributeError, ValueError) as error:
        raise ValueError(f"“{text}”不是日期，应写成 {year}-01-01 的样子。") from error
