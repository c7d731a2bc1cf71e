"""Numbers and dates as Chinese official texts print them: 十二, 12, １２; 2025年4月30日, 2025-04-30, 二〇二五年四月三十日."""

import calendar
import datetime
import re

ARABIC = "0-9０-９"
CHINESE = "〇○零一二三四五六七八九十百"
NUMBER = rf"(?:[{ARABIC}]{{1,3}}|[{CHINESE}]{{1,5}})"

_DIGITS = {digit: value for value, digit in enumerate("〇一二三四五六七八九")} | {"零": 0, "○": 0, "两": 2}
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")

_YEAR = rf"(?:[{ARABIC}]{{4}}|[〇○零一二三四五六七八九]{{4}})"
_SMALL = rf"(?:[{ARABIC}]{{1,2}}|[一二三四五六七八九十]{{1,3}})"
_YEAR_MARK = r"\s{0,3}[年.．/\-－]\s{0,3}"
_MONTH_MARK = r"\s{0,3}[月.．/\-－]\s{0,3}"
_DAY_MARK = r"(?:\s{0,3}[日号])?"


def date_pattern(name: str, *, whole: bool = True) -> str:
    """A regex for one date with the groups name_y, name_m, name_d; year and month may be missing unless `whole`."""
    year, month = rf"(?<![{ARABIC}])(?P<{name}_y>{_YEAR}){_YEAR_MARK}", rf"(?P<{name}_m>{_SMALL}){_MONTH_MARK}"
    parts = year + month if whole else f"(?:(?:{year})?{month})?"
    return rf"{parts}(?P<{name}_d>{_SMALL})(?![{ARABIC}]){_DAY_MARK}"


DATE = re.compile(date_pattern("date"))


def to_number(printed: str) -> int:
    """The integer that 12, １２, 十二, 一百零三 or 二〇二五 stands for. Raises ValueError for anything else."""
    printed = re.sub(r"\s", "", printed)
    if printed.isdecimal():
        return int(printed)
    if not printed or set(printed) - set(_DIGITS) - {"十", "百"}:
        raise ValueError(f"{printed!r} is not a number")
    if not set(printed) & {"十", "百"}:
        return int("".join(str(_DIGITS[digit]) for digit in printed))
    return _counted(printed)


def _counted(printed: str) -> int:
    total, digit = 0, None
    for character in printed:
        if character in "十百":
            total += (1 if digit is None else digit) * (10 if character == "十" else 100)
            digit = None
        else:
            digit = _DIGITS[character]
    return total + (digit or 0)


def to_chinese(number: int) -> str:
    """1–999 as Chinese numerals: 1 → 一, 10 → 十, 21 → 二十一, 103 → 一百零三. Raises ValueError beyond."""
    if not 1 <= number <= 999:
        raise ValueError(f"no Chinese numeral for {number}")
    names = "零一二三四五六七八九"
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    text = f"{names[hundreds]}百" if hundreds else ""
    if tens:
        text += ("" if tens == 1 and not hundreds else names[tens]) + "十"
    elif hundreds and ones:
        text += "零"
    return text + (names[ones] if ones else "")


def chinese_date(day: datetime.date) -> str:
    """2025年4月30日."""
    return f"{day.year}年{day.month}月{day.day}日"


def matched_date(match: re.Match, name: str, *, before: datetime.date | None = None) -> datetime.date | None:
    """The date of the groups of `date_pattern(name)`; a missing year or month is that of `before`. None: no such day."""
    year, month, day = (match[f"{name}_{part}"] for part in "ymd")
    if before is None and not (year and month):
        return None
    try:
        found = datetime.date(
            to_number(year) if year else before.year, to_number(month) if month else before.month, to_number(day)
        )
        if before and not year and found < before:
            return found.replace(year=found.year + 1) if month else None
    except ValueError:
        return None
    return found


def in_the_style_of(printed: str, number: int) -> str:
    """`number` written as `printed` is: same digits, same padding with zeros."""
    if printed.isdecimal():
        text = str(number).zfill(len(printed)) if printed[0] in "0０" else str(number)
        return text if printed.isascii() else text.translate(_FULL_WIDTH)
    if len(printed) == 4 and number > 999:
        return "".join("〇一二三四五六七八九"[int(digit)] for digit in str(number))
    return to_chinese(number)


_PARTS_OF_MONTH = {"上旬": 10, "中旬": 20}
_ENDS_OF_SEASONS = {"上半年": 6, "下半年": 12, "一季度": 3, "二季度": 6, "三季度": 9, "四季度": 12}
_MONTH = re.compile(
    rf"(?P<year>{_YEAR})\s{{0,3}}年\s{{0,3}}(?:(?P<month>{_SMALL})\s{{0,3}}月(?P<part>上旬|中旬|下旬|底|末)?(?P<before>前)?"
    r"|第?(?P<season>上半年|下半年|[一二三四]季度)|年?[底末内](?!容)|[,，。;；、]|$)"
)


def find_deadline(text: str) -> datetime.date | None:
    """The last day that a deadline names ("2024年12月底" → 2024-12-31), the latest of several; None without one."""
    days = [matched_date(match, "date") for match in DATE.finditer(text)]
    days += [_last_day(match) for match in _MONTH.finditer(DATE.sub("", text))]
    return max((day for day in days if day), default=None)


def _last_day(match: re.Match) -> datetime.date | None:
    year = to_number(match["year"])
    month = to_number(match["month"]) if match["month"] else _ENDS_OF_SEASONS.get(match["season"], 12)
    try:
        if match["before"] and not match["part"]:
            return datetime.date(year, month, 1) - datetime.timedelta(days=1)
        return datetime.date(year, month, _PARTS_OF_MONTH.get(match["part"]) or calendar.monthrange(year, month)[1])
    except ValueError:
        return None
