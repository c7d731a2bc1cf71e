"""Checks before publication: the dates, the window against its rule, and what the text says about both."""

import datetime
import itertools
import re
from collections.abc import Iterator

from .. import windows
from .findings import SIGNATURE, WINDOW, Draft, Finding, Passage, found, is_about_window
from .notice import Window
from .numerals import NUMBER, chinese_date, to_number
from .statements import find_window

LONGEST_WAIT = 15  # days between signing and the start of the window


def dates_out_of_order(draft: Draft) -> Iterator[Finding]:
    """Acceptance, signing and the first day follow each other; what is missing is left out."""
    document = draft.document
    facts = [
        ("验收", draft.place_of("acceptance", "自我验收"), document.acceptance and document.acceptance.accepted_on),
        ("落款", SIGNATURE, document.signed_on),
        ("公示起始", WINDOW, document.window and document.window.opens_on),
    ]
    for (first, place, day), (second, _, after) in itertools.pairwise(fact for fact in facts if fact[2]):
        if day > after:
            text = f"{first}日期{chinese_date(day)}晚于{second}日期{chinese_date(after)}；请核对并改正。"
            yield found("dates_out_of_order", place, text)


def signed_long_before(draft: Draft) -> Iterator[Finding]:
    document = draft.document
    if not (document.signed_on and document.window):
        return
    days = (document.window.opens_on - document.signed_on).days
    if days > LONGEST_WAIT:
        yield found("signed_long_before", SIGNATURE, f"落款日期比公示起始日期早{days}天；请核对落款日期，无误再确认。")


def acceptance_undated(draft: Draft) -> Iterator[Finding]:
    document = draft.document
    if document.stage == "self_acceptance" and not (document.acceptance and document.acceptance.accepted_on):
        place = draft.place_of("acceptance", "自我验收")
        yield found(
            "acceptance_undated", place, "自我验收后公示，但没有写明自我验收日期；请在正文中补写完成自我验收的日期。"
        )


# ---- the window


def window_in_itself(draft: Draft) -> Iterator[Finding]:
    """A window that cannot be counted: none, backwards, or beyond all measure."""
    window = draft.document.window
    if not window:
        yield found("window_missing", WINDOW, "没有公示期；请填写起始日期，并按规则定出截止日期。")
    elif window.closes_on < window.opens_on:
        yield found("window_backwards", WINDOW, "公示期的截止日期早于起始日期；请改正两个日期。")
    elif _required_end(draft) is None or (window.closes_on - window.opens_on).days >= windows.LONGEST:
        yield found("window_uncountable", WINDOW, "公示期或规则的天数过长，无法计算；请核对年份和公示规则。")


def _countable(draft: Draft) -> Window | None:
    """The window, unless `window_in_itself` has something against it."""
    return None if any(window_in_itself(draft)) else draft.document.window


def _required_end(draft: Draft) -> datetime.date | None:
    try:
        return draft.calendar.last_day(draft.document.window.opens_on, draft.rule)
    except windows.TooLong:
        return None


def window_against_rule(draft: Draft) -> Iterator[Finding]:
    window, rule = _countable(draft), draft.rule
    if not window:
        return
    count = draft.calendar.count(window.opens_on, window.closes_on, rule)
    required = _required_end(draft)
    start, end = chinese_date(window.opens_on), chinese_date(required)
    demand = f"规则要求{_days(rule.length, rule.unit)}（首日{'计入' if rule.first_day_counts else '不计入'}）"
    if window.closes_on < required:
        text = f"公示期只有{_days(count, rule.unit)}，{demand}；自{start}起算，请把截止日期改为{end}或以后。"
        yield found("window_short", WINDOW, text)
    elif count > rule.length:
        text = (
            f"公示期有{_days(count, rule.unit)}，{demand}，自{start}起算到{end}即可；请核对截止日期，有意延长再确认。"
        )
        yield found("window_long", WINDOW, text)


def _days(count: int, unit: str) -> str:
    return f"{count}个工作日" if unit == "working" else f"{count}天"


def calendar_unpublished(draft: Draft) -> Iterator[Finding]:
    window = _countable(draft)
    if not window or draft.rule.unit != "working" or draft.confirmed_end:
        return
    days = draft.calendar.days(window.opens_on, max(window.closes_on, _required_end(draft)))
    years = sorted({day.date.year for day in days if not day.published})
    if years:
        names = "、".join(f"{year}年" for year in years)
        text = f"公示期涉及{names}，该年的放假安排还没有公布或录入；请人工核对截止日期并确认，或录入日历后重新计算。"
        yield found("calendar_unpublished", WINDOW, text)


def window_opens_on_day_off(draft: Draft) -> Iterator[Finding]:
    window = draft.document.window
    day = draft.calendar.day(window.opens_on) if window else None
    if day and not day.working:
        text = f"公示起始日期{chinese_date(day.date)}是{day.name or '周末'}，不是工作日；请改为工作日，确需如此再确认。"
        yield found("window_opens_on_day_off", WINDOW, text)


# ---- what the text says


def window_stated_otherwise(draft: Draft) -> Iterator[Finding]:
    """The text states other days than the window that applies."""
    window = draft.document.window
    if not window:
        return
    stated = {(passage.place, *days): None for passage in draft.stating for days in _stated_days(passage)}
    for place, opens_on, closes_on in stated:
        if (opens_on, closes_on) != (window.opens_on, window.closes_on):
            other, right = (f"{chinese_date(a)}至{chinese_date(b)}" for a, b in ((opens_on, closes_on), _span(window)))
            text = f"正文写的公示期是{other}，登记的公示期是{right}；请改成一致。"
            yield found("window_stated_otherwise", place, text)


def _span(window: Window) -> tuple[datetime.date, datetime.date]:
    return window.opens_on, window.closes_on


def _stated_days(passage: Passage) -> Iterator[tuple[datetime.date, datetime.date]]:
    """An acceptance may tell of an earlier publicity ("3月1日至10日进行了公示"): there only a labelled window counts."""
    for text in passage.readings:
        statement = find_window(text)
        if statement and (passage.kind != "acceptance" or text[statement.span[0]] == "公"):
            yield _span(statement.window)


_WINDOW_WORD = r"公\s?示\s?(?:期\s?[限间]?|时\s?间|日\s?期|时\s?限)"
_CLAIM = re.compile(
    rf"(?:{_WINDOW_WORD}|公\s?示(?:之日起)?|共|总计|合计|为期|(?<![预累])计|即|[(（])[为共是计]{{0,2}}[\s:：,，]{{0,2}}"
    rf"(?P<printed>(?P<count>{NUMBER})\s?个?\s?(?P<unit>工作日|自然日|日历[天日]|天|日))(?!\s?[至到后~\-－—])"
)
_UNITS = {"工作日": "working", "自然日": "calendar", "日历天": "calendar", "日历日": "calendar"}
_SENTENCE_END = re.compile(r"[。；;\n]")
_SPEAKS_OF_WINDOW = re.compile(rf"{_WINDOW_WORD}|公\s?示之日起")


def claimed_days(draft: Draft) -> Iterator[Finding]:
    """共N个工作日, 7天 … against the true count; "天" may mean either, but should say which."""
    window = _countable(draft)
    if not window:
        return
    for place, printed, count, unit in dict.fromkeys(_claims(draft.stating)):
        working, calendar = (_count(draft, window, kind) for kind in ("working", "calendar"))
        truth = f"实际是{working}个工作日、{calendar}个自然日"
        if count not in {"working": [working], "calendar": [calendar]}.get(unit, [working, calendar]):
            text = f"写的是“{printed}”，{truth}；请改正天数或日期。"
            yield found("claimed_days_wrong", place, text)
        elif not unit and count != calendar:
            text = f"写的是“{printed}”，{truth}，容易误解；请写成“{working}个工作日”。"
            yield found("claimed_unit_unclear", place, text)


def _count(draft: Draft, window: Window, unit: str) -> int:
    rule = windows.Rule(draft.rule.length, unit, draft.rule.first_day_counts)
    return draft.calendar.count(window.opens_on, window.closes_on, rule)


def _claims(passages: tuple[Passage, ...]) -> Iterator[tuple[str, str, int, str]]:
    """(place, the claim as printed, number, unit: working | calendar | "") of each claim about the window."""
    for passage in passages:
        for sentence in _SENTENCE_END.split(passage.text):
            if _is_about_window(passage, sentence):
                for claim in _CLAIM.finditer(sentence):
                    yield passage.place, claim["printed"], to_number(claim["count"]), _UNITS.get(claim["unit"], "")


def _is_about_window(passage: Passage, sentence: str) -> bool:
    if passage.kind in ("basis", "other") and (is_about_window(passage.heading) or "公示" in sentence):
        return True
    return bool(_SPEAKS_OF_WINDOW.search(sentence))


CHECKS = (
    dates_out_of_order,
    signed_long_before,
    acceptance_undated,
    window_in_itself,
    window_against_rule,
    calendar_unpublished,
    window_opens_on_day_off,
    window_stated_otherwise,
    claimed_days,
)
