"""Checks before publication that read the text alone: placeholders, personal data, a misspelling."""

import datetime
import re
from collections.abc import Iterator

from .findings import Draft, Finding, found

# ---- placeholders

_X = "XxＸｘ×✕╳"
_DOCUMENT_NUMBER = r"〔\s?[0-9０-９〇○零一二三四五六七八九]{4}\s?〕\s?第?\s?[0-9０-９一二三四五六七八九十百]"
_PLACEHOLDER = re.compile(
    rf"(?<![A-Za-z])[{_X}]{{3,}}+(?![A-Za-z])"
    rf"|[{_X}]{{1,4}}年[{_X}]{{1,2}}月|(?<![A-Za-z])[{_X}]{{2}}(?:[年月日轮]|项(?!目))"
    r"|(?<![0-9A-Za-z*＊])[*＊]{3,}+(?![0-9A-Za-z])|(?<![0-9A-Za-z_＿])[_＿]{3,}+(?![0-9A-Za-z])"
    rf"|(?!{_DOCUMENT_NUMBER})〔[^〔〕\n]{{0,60}}〕"
    r"|【[^【】\n]{0,20}(?:填[写入报]|待[补填定]|此处|请(?:输入|选择|补充))[^【】\n]{0,40}】"
    r"|(?<![有尚需亟])待补充(?!完善)|待填写|此处(?:填写|填入|输入)"
)


def placeholders(draft: Draft) -> Iterator[Finding]:
    """A template that was not filled in. Masked names (李××) and numbers (138****5678) are none."""
    for place, printed in _printed(draft, _PLACEHOLDER):
        yield found("placeholder", place, f"模板占位内容{printed}没有填写；请换成实际内容或删除。")


def _printed(draft: Draft, pattern: re.Pattern) -> Iterator[tuple[str, str]]:
    """(place, up to three of the things that match there, in quotes) for each passage with a match."""
    for passage in draft.passages:
        words = dict.fromkeys(match[0] for match in pattern.finditer(passage.text))
        if words:
            quoted = "".join(f"“{word[:20]}”" for word in list(words)[:3])
            yield passage.place, quoted + ("等" if len(words) > 3 else "")


# ---- personal data

_IDENTITY = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{5}[ -]?(?P<born>\d{8})[ -]?\d{3}[0-9Xx](?![0-9A-Za-z])")
_OLD_IDENTITY = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{5}(?P<born>\d{6})\d{3}(?![0-9A-Za-z])")
_CALLED_IDENTITY = re.compile(r"身份证|公民身份|证件号")
_CALLED_OTHERWISE = re.compile(r"(?:编号|案号|文号|受理号|流水号|许可证|信用代码|账号|批次号)[^\d\n]{0,6}$")
_NEAR = 20  # characters before a number that say what it is
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def identity_numbers(draft: Draft) -> Iterator[Finding]:
    """The number itself is not repeated, but for its region."""
    for passage in draft.passages:
        text = passage.folded
        numbers = [match[0] for match in _IDENTITY.finditer(text) if _is_identity(match)]
        numbers += [match[0] for match in _OLD_IDENTITY.finditer(text) if _is_old_identity(match)]
        for number in dict.fromkeys(numbers):
            text = f"出现公民身份号码（以{number[:6]}开头）；个人信息不得公开，请删除。"
            yield found("identity_number", passage.place, text)


def _is_identity(match: re.Match) -> bool:
    """A valid birthday, and a valid checksum or the word for it before the number."""
    if not _is_birthday(match["born"]):
        return False
    before = _before(match)
    return bool(_CALLED_IDENTITY.search(before)) or (_checks(match[0]) and not _CALLED_OTHERWISE.search(before))


def _is_old_identity(match: re.Match) -> bool:
    return _is_birthday("19" + match["born"]) and bool(_CALLED_IDENTITY.search(_before(match)))


def _before(match: re.Match) -> str:
    return match.string[max(0, match.start() - _NEAR) : match.start()]


def _is_birthday(digits: str) -> bool:
    try:
        return 1900 <= datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year < 2100
    except ValueError:
        return False


def _checks(number: str) -> bool:
    """GB 11643: the last character follows from the seventeen before it."""
    digits = re.sub(r"[ -]", "", number).upper()
    total = sum(int(digit) * weight for digit, weight in zip(digits[:-1], _WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == digits[-1]


_MOBILE = re.compile(
    r"(?<![0-9A-Za-z.])(?:(?:\+|00)?86[ -]?)?"
    r"(?P<number>1[3-9]\d(?:[ -]?\d{4}[ -]?\d{4}|[ -]?\d{3}[ -]\d{5}|\d[ -]\d{3}[ -]\d{4}))"
    r"(?![0-9]|\.\d|\s?(?:[元吨亩米千克万亿升㎡%]|公里|立方|平方))"
)


def mobile_numbers(draft: Draft) -> Iterator[Finding]:
    """Shown masked."""
    for passage in draft.passages:
        numbers = (re.sub(r"[ -]", "", match["number"]) for match in _MOBILE.finditer(passage.folded))
        for number in dict.fromkeys(numbers):
            text = f"出现手机号码{number[:3]}****{number[-4:]}；请改用单位固定电话，确属公务手机再确认。"
            yield found("mobile_number", passage.place, text)


# ---- 督查 where the inspection is meant

_MISSPELT = re.compile(
    r"(?:(?:生态环境|环境)(?:保护)?|环保|生态|中央|轮|轮次)督查(?!督办|检查|考核|中心|激励)"
    r"|督查(?:组|反馈|整改|进驻|移交|交办|回头看|[“\"]回头看)"
)


def inspection_misspelt(draft: Draft) -> Iterator[Finding]:
    """督查督办, 督查检查考核, 纳入督查, 重点督查内容 are other things, and right."""
    for place, printed in _printed(draft, _MISSPELT):
        yield found(
            "inspection_misspelt", place, f"{printed}指生态环境保护督察时应写“督察”；请改正，确指督查工作再确认。"
        )


CHECKS = (placeholders, identity_numbers, mobile_numbers, inspection_misspelt)
