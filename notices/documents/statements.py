"""The sentences of a notice that carry facts: window, objection line, self-acceptance, tasks, stage.

Every expression is written once and read in both directions: `find_…` takes the fact out of printed text,
`…_sentence` prints it, `restate_window` changes it in place. The text itself always stays as printed.
"""

import dataclasses
import re
import typing

from .notice import Acceptance, NoticeDocument, Section, Window
from .numerals import (
    NUMBER,
    chinese_date,
    date_pattern,
    find_deadline,
    in_the_style_of,
    matched_date,
    to_chinese,
    to_number,
)
from .offices import find_office, office_sentence
from .outline import meaning_of
from .rendering import section_text
from .tasks import find_rounds, find_tasks, read_round

__all__ = [
    "WindowStatement",
    "acceptance_of",
    "acceptance_sentence",
    "body_text",
    "chinese_date",
    "find_acceptance",
    "find_deadline",
    "find_office",
    "find_rounds",
    "find_stage",
    "find_tasks",
    "find_window",
    "is_closing",
    "office_sentence",
    "read_round",
    "restate_window",
    "section_text",
    "stated",
    "takes_closing",
    "to_chinese",
    "to_number",
    "window_sentence",
]

# ---- the publicity window


def _count(name: str) -> str:
    """A regex for a number of days: group `name` the number, group `name`_unit the unit."""
    return rf"(?P<{name}>{NUMBER})\s?个?\s?(?P<{name}_unit>工作日|自然日|日历[天日]|天|日)"


_CLOCK = r"(?:\s?\d{1,2}\s?[:：时点](?:\d{2}分?)?)?"
_WEEKDAYS = "一二三四五六日"


def _weekday(name: str) -> str:
    return rf"(?:\s?[(（](?:星期|周)(?P<{name}_weekday>[{_WEEKDAYS}天])[)）])?"


_RANGE = (
    rf"{date_pattern('opens')}{_weekday('opens')}{_CLOCK}\s?(?:起|开始)?[,，]?\s{{0,3}}[至到—–―─~～\-－]{{1,3}}\s{{0,3}}"
    rf"{date_pattern('closes', whole=False)}{_weekday('closes')}{_CLOCK}(?:\s?止)?"
)
_LABEL = r"公\s?示\s?(?:期\s?[限间]?|时\s?间|起止时间|日\s?期|时\s?限)"
_BEFORE_RANGE = rf"(?:[\s为期是:：自从于即共,，(（\[【]|起止时间|{_count('early')}){{0,12}}"
_AFTER_RANGE = (
    r"(?:[\s,，、;；。(（]{0,3}(?:[^()（）。\n]{1,12}除外[,，、])?"
    r"(?:(?:共计?|总计|合计|为期|计|即|时限为?|公示(?:期[限间]?|时间)(?:为|共)?)[\s:：]?|(?<=[(（]))"
    rf"{_count('late')})?"
)
_WINDOW = re.compile(_LABEL + _BEFORE_RANGE + _RANGE + _AFTER_RANGE)
_WINDOW_BEFORE_VERB = re.compile(_RANGE + r"[^。\n]{0,6}(?:进行|予以|期间)?公示")


class WindowStatement(typing.NamedTuple):
    """The window that a text states, and the (start, end) of the statement in that text."""

    window: Window
    span: tuple[int, int]


def find_window(text: str) -> WindowStatement | None:
    """The window that the text states, the last one when it states several; None when it states none with both days."""
    match = _window_match(text)
    return WindowStatement(_window(match), match.span()) if match else None


def _window_match(text: str) -> re.Match | None:
    for pattern in (_WINDOW, _WINDOW_BEFORE_VERB):
        found = [match for match in pattern.finditer(text) if _window(match)]
        if found:
            return found[-1]
    return None


def _window(match: re.Match) -> Window | None:
    opens_on = matched_date(match, "opens")
    closes_on = opens_on and matched_date(match, "closes", before=opens_on)
    if not closes_on:
        return None
    claim = _claim(match)
    if not claim:
        return Window(opens_on=opens_on, closes_on=closes_on)
    unit = "working" if match[f"{claim}_unit"] == "工作日" else "calendar"
    return Window(opens_on=opens_on, closes_on=closes_on, length=to_number(match[claim]), unit=unit)


def _claim(match: re.Match) -> str | None:
    """The group that holds the claimed number of days: printed before the dates or after them."""
    return next((name for name in ("late", "early") if match.groupdict().get(name)), None)


def restate_window(text: str, window: Window) -> str:
    """The same text with the stated dates, and the claimed number of days, set to `window`; nothing else changes.

    A text that states no window comes back unchanged.
    """
    match = _window_match(text)
    if not match:
        return text
    changes = _date_changes(match, window) | _claim_changes(match, window)
    for (start, end), printed in sorted(changes.items(), reverse=True):
        text = text[:start] + printed + text[end:]
    return text


def _date_changes(match: re.Match, window: Window) -> dict[tuple[int, int], str]:
    """Span → new text for each number, and each weekday, of both dates."""
    changes = _missing_parts(match, window)
    for name, day in (("opens", window.opens_on), ("closes", window.closes_on)):
        for part, value in (("y", day.year), ("m", day.month), ("d", day.day)):
            printed = match[f"{name}_{part}"]
            if printed and to_number(printed) != value:
                changes[match.span(f"{name}_{part}")] = in_the_style_of(printed, value)
        weekday = _WEEKDAYS[day.weekday()]
        if match[f"{name}_weekday"] and match[f"{name}_weekday"].replace("天", "日") != weekday:
            changes[match.span(f"{name}_weekday")] = weekday
    return changes


def _missing_parts(match: re.Match, window: Window) -> dict[tuple[int, int], str]:
    """A year or month that the second date left out comes back where it is needed now."""
    opens_on, closes_on, missing = window.opens_on, window.closes_on, ""
    if not match["closes_y"] and closes_on.year != opens_on.year:
        missing = in_the_style_of(match["opens_y"], closes_on.year) + _mark(match, "y")
    if not match["closes_m"] and (missing or closes_on.month != opens_on.month):
        missing += in_the_style_of(match["opens_m"], closes_on.month) + _mark(match, "m")
    start = match.start("closes_m" if match["closes_m"] else "closes_d")
    return {(start, start): missing} if missing else {}


def _mark(match: re.Match, part: str) -> str:
    """What the first date prints between two of its numbers: 年 or -."""
    following = {"y": "m", "m": "d"}[part]
    return match.string[match.end(f"opens_{part}") : match.start(f"opens_{following}")]


def _claim_changes(match: re.Match, window: Window) -> dict[tuple[int, int], str]:
    claim = _claim(match)
    if not claim:
        return {}
    count = (window.closes_on - window.opens_on).days + 1
    if match[f"{claim}_unit"] == "工作日":
        count = window.working_days or (window.length if window.unit != "calendar" else None)
    elif window.unit == "calendar" and window.length:
        count = window.length
    if not count or count == to_number(match[claim]):
        return {}
    return {match.span(claim): in_the_style_of(match[claim], count)}


def window_sentence(window: Window) -> str:
    """公示期为2025年4月30日至2025年5月16日。"""
    return f"公示期为{chinese_date(window.opens_on)}至{chinese_date(window.closes_on)}。"


# ---- self-acceptance

_SELF_ACCEPTANCE = re.compile(r"自我验收|自查验收|自行验收|自验")
_DATED_ACCEPTANCE = re.compile(
    rf"{date_pattern('accepted')}(?:(?!\d{{4}}\s?年)[^。\n]){{0,60}}?(?:自我验收|自查验收|自行验收|自验|验收)"
)
_CONCLUSION = re.compile(
    r"(?:达到|符合|满足|具备)[^,，。;；\n]{0,14}?(?:销号|验收|整改)[^,，。;；\n]{0,6}?(?:标准|条件|要求|目标)"
    r"|同意[^,，。;；\n]{0,8}?销号|(?:自我)?验收合格|(?:一致)?(?:同意)?通过(?:自我|自查)?验收|(?:自我|自查)验收(?:通过|合格)"
)
_CLAUSE_AFTER = re.compile(r"完成自我验收[,，](?P<clause>[^,，。\n]{1,60})")


def find_acceptance(text: str) -> Acceptance | None:
    """The self-acceptance that the text states last: its date, and its conclusion as printed ("达到销号标准").

    None when the text has neither a dated acceptance nor a conclusion.
    """
    dated = [match for match in _DATED_ACCEPTANCE.finditer(text) if matched_date(match, "accepted")]
    match = next((match for match in reversed(dated) if "自" in match[0]), dated[-1] if dated else None)
    if not match:
        conclusion = _CONCLUSION.search(text)
        return Acceptance(conclusion=conclusion[0]) if conclusion else None
    return Acceptance(accepted_on=matched_date(match, "accepted"), conclusion=_conclusion(text, match))


def _conclusion(text: str, dated: re.Match) -> str:
    """In the sentence with the date first, then behind it, then before it."""
    end = text.find("。", dated.end())
    sentence = text[dated.start() : end if end >= 0 else len(text)]
    found = _CONCLUSION.search(sentence)
    clause = None if found else _CLAUSE_AFTER.search(sentence)
    found = found or clause or _CONCLUSION.search(text, dated.end()) or _CONCLUSION.search(text)
    return (clause["clause"] if clause else found[0]) if found else ""


def acceptance_of(basis: str, sections: tuple[Section, ...]) -> Acceptance | None:
    """The acceptance that a notice states: in its acceptance section, else in the last paragraph that speaks of one."""
    bodies = "\n".join(section_text(section) for section in sections if section.kind == "acceptance")
    found = find_acceptance(bodies)
    if found:
        return found
    lines = [basis, *(line for section in sections for line in section_text(section).split("\n"))]
    stated_in = [find_acceptance(line) for line in lines if _SELF_ACCEPTANCE.search(line)]
    dated = [acceptance for acceptance in stated_in if acceptance and acceptance.accepted_on]
    return (dated or [acceptance for acceptance in stated_in if acceptance] or [None])[-1]


def acceptance_sentence(acceptance: Acceptance) -> str:
    """于2025年4月15日完成自我验收，达到销号标准。 – "" for an acceptance that says nothing."""
    if acceptance == Acceptance():
        return ""
    day = f"于{chinese_date(acceptance.accepted_on)}" if acceptance.accepted_on else "已"
    conclusion = f"，{acceptance.conclusion}" if acceptance.conclusion else ""
    return f"{day}完成自我验收{conclusion}。"


# ---- the stage

_STAGES = (
    ("acceptance_request", re.compile(r"拟(?:申请|提请|报请|上报)[^。,，\n]{0,12}?(?:验收|销号)")),
    ("closure", re.compile(r"拟(?:予以?)?销号|拟(?:同意|对)[^。,，\n]{0,40}?销号")),
    (
        "lead_acceptance",
        re.compile(r"牵头[^。;；,，\n]{0,12}?(?:部门|单位)[^。;；\n]{0,25}?(?:验收(?!标准|要求|规定|办法)|现场核查)"),
    ),
)


def find_stage(text: str) -> str:
    """The key of notice.STAGES that title and text speak of; self_acceptance when they name no other."""
    return next((stage for stage, pattern in _STAGES if pattern.search(text)), "self_acceptance")


# ---- the whole notice

_CLOSING = re.compile(
    r"(?:现?(?:予以|进行|特此|现将)?\s?公\s?示\s?(?:期|时\s?间|起止时间|日\s?期|时限)|特此公示|现予(?:以)?公示|如有(?:不同)?(?:异议|意见)|如对"
    r"|对(?:上述|以上|该|公示)[^。\n]{0,20}异议|欢迎(?:社会|广大)|任何单位(?:和|或|及)?个人|附[件表]\s?\d{0,2}[:：]"
    r"|(?:异议|意见)?(?:联系|受理|监督|举报|咨询|通\s?[讯信]|来信|邮寄|电子)?(?:单位|部门|人|方式|电\s?话|热线|邮箱|邮件|邮编|地\s?址)[:：]"
    rf"|于{date_pattern('accepted')}完成自我验收|已完成自我验收)"
)


def is_closing(paragraph: str) -> bool:
    """Whether a paragraph belongs to the end of a notice rather than to the section before it: window, objection, annex."""
    return bool(_CLOSING.match(paragraph))


def body_text(document: NoticeDocument) -> str:
    """Basis, headings and bodies, one line each: where the facts of a notice are stated."""
    parts = [document.basis]
    for section in document.sections:
        parts += [section.heading, section_text(section)]
    return "\n".join(part for part in parts if part)


def stated(document: NoticeDocument) -> NoticeDocument:
    """The same document with standard sentences for the acceptance, window and office that no sentence of it states."""
    text = body_text(document)
    acceptance = "" if _states_acceptance(document, text) else acceptance_sentence(document.acceptance)
    into = next((place for place, section in enumerate(document.sections) if section.kind == "acceptance"), None)
    closing = "" if _states_window(document.window, text) else window_sentence(document.window)
    closing += "" if _states_office(document, text) else office_sentence(document.office)
    if acceptance and into is not None:
        document = _with_paragraph(document, into, acceptance)
    elif acceptance:
        closing = acceptance + closing
    return _with_closing(document, closing) if closing else document


def _states_acceptance(document: NoticeDocument, text: str) -> bool:
    acceptance = document.acceptance
    if not acceptance or acceptance == Acceptance() or acceptance_sentence(acceptance) in text:
        return True
    return acceptance_of(document.basis, document.sections) == acceptance


def _states_window(window: Window | None, text: str) -> bool:
    found = find_window(text)
    days = found and (found.window.opens_on, found.window.closes_on)
    return not window or days == (window.opens_on, window.closes_on)


def _states_office(document: NoticeDocument, text: str) -> bool:
    """A text that names no office but its channels ("请向我局反映") states the office too."""
    office = document.office
    if not office or not any(dataclasses.astuple(office)) or office_sentence(office) in text:
        return True
    found = find_office(text)
    return bool(found) and dataclasses.replace(found, name=found.name or office.name) == office


def _with_paragraph(document: NoticeDocument, place: int, paragraph: str) -> NoticeDocument:
    section = document.sections[place]
    section = dataclasses.replace(section, paragraphs=(*section.paragraphs, paragraph))
    return dataclasses.replace(
        document, sections=(*document.sections[:place], section, *document.sections[place + 1 :])
    )


def _with_closing(document: NoticeDocument, paragraph: str) -> NoticeDocument:
    """The paragraph where a reader of the printed text would put it again: in a section of its own, or the last one."""
    last = document.sections[-1] if document.sections else None
    if last and takes_closing(last.heading, bool(last.items)):
        return _with_paragraph(document, len(document.sections) - 1, paragraph)
    return dataclasses.replace(document, sections=(*document.sections, Section(kind="other", paragraphs=(paragraph,))))


def takes_closing(heading: str, has_items: bool) -> bool:
    """Whether a closing paragraph continues this section; behind items, or under a heading of other matter, it does not."""
    return not has_items and (not heading or meaning_of(heading) in ("window", "office"))
