"""The objection line of a notice: who takes objections, and how to reach them."""

import dataclasses
import re

from .notice import Office

_OBJECTION = re.compile(
    r"如有(?:不同)?(?:异议|意见)|有(?:异议|不同意见)的|如对[^。\n]{0,40}(?:异议|意见)|异议[^。\n]{0,30}(?:反映|反馈|联系)"
    r"|(?:受理|联系|监督)(?:单位|部门|机构)[:：为]|请[^。\n]{0,12}(?:联系|反映|反馈)"
)
_NOTE = r"(?:[(（][^()（）\n]{1,12}[)）])?"
_IS = r"[\s:：为是]"
_WORD = "A-Za-z0-9._%+-"
_EMAIL = re.compile(rf"(?<![{_WORD}])[{_WORD}]{{1,64}}@[A-Za-z0-9-]{{1,63}}(?:\.[A-Za-z0-9-]{{1,63}}){{1,4}}")
_PHONE = r"(?:[(（]?\d{3,4}[)）]?\s?[-—－–]?\s?)?\d{5,11}(?:\s?[-—－转]\s?\d{1,5}(?!\d))?"
_PHONES = re.compile(
    rf"(?:电\s?话|热线|手机|座机|拨打|致电)(?:号码)?{_NOTE}{_IS}{{0,4}}(?P<phones>{_PHONE}(?:[、,，;；/\s或和]{{1,3}}{_PHONE}){{0,9}})"
)
_ADDRESS = re.compile(
    rf"地\s?址{_NOTE}{_IS}{{1,4}}(?P<address>[^,，;；。\n]{{2,80}}?)(?=[,，;；。\n]|\s?[(（]?邮\s?[编政]|$)"
)
_NAME = r"(?![我本])(?P<name>[^,，;；。:：、\s()（）]{2,40}"
_NAMES = (
    re.compile(rf"(?:受理|联系|监督)(?:单位|部门|机构)(?:及[^:：\n]{{1,8}})?{_IS}{{1,4}}{_NAME})"),
    re.compile(rf"[向与]{_NAME}?)(?=反映|反馈|提出|联系|举报|投诉|来电|来信)"),
    re.compile(rf"[请可][^。;；,，\n请可]{{0,12}}?(?:联系|(?:反馈|反映)[至给到])[\s:：]?{_NAME})"),
)
_LABEL = (
    r"(?:(?:异议|意见)?(?:联系|受理|监督|举报|咨询|公示|通\s?[讯信]|来信|邮寄|寄送|办公|电子)?\s?"
    r"(?:单位|部门|机构|人|方式|电\s?话|热线|邮箱|邮件|传真|邮\s?编|邮政编码|地\s?址))"
)
_NUMBER = r"(?:[一二三四五六七八九十]{1,3}、|[(（][一二三四五六七八九十\d]{1,3}[)）]|\d{1,2}[.、．])?\s?"
_CONTACT_LINE = re.compile(rf"{_NUMBER}(?P<line>{_LABEL}{_NOTE}\s?[:：].+)", re.DOTALL)
_CONTACT_HEADING = re.compile(rf"{_NUMBER}(?P<words>{_LABEL}(?:[及和与]{_LABEL})?)\s?[:：]?$")


def find_office(text: str) -> Office | None:
    """Who takes objections, from the last objection line and the contact lines below it.

    What that line leaves open is looked for in labelled lines ("联系电话：…") anywhere. Several phones are joined
    by "、". A name like 我局 says nothing and stays "".
    """
    lines = text.split("\n")
    office, elsewhere = _read(_objection_block(lines)), _read("\n".join(_labelled(lines)))
    if not office.name:
        office = dataclasses.replace(office, name=elsewhere.name)
    if not (office.phone or office.email or office.address):
        office = dataclasses.replace(elsewhere, name=office.name)
    return office if office != Office() else None


def _objection_block(lines: list[str]) -> str:
    """The last line with an objection, from there on, and the contact lines that follow it."""
    starts = [(number, match.start()) for number, line in enumerate(lines) if (match := _OBJECTION.search(line))]
    if not starts:
        return ""
    number, start = starts[-1]
    block = [lines[number][start:]]
    for line in lines[number + 1 :]:
        if not _CONTACT_LINE.match(line):
            break
        block.append(line)
    return "\n".join(block)


def _labelled(lines: list[str]) -> list[str]:
    """The labelled lines; a heading that is a label ("七、联系电话") comes with the line below it as its value."""
    labelled = []
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if heading := _CONTACT_HEADING.match(line):
            labelled.append(f"{heading['words']}：{below}")
        elif contact := _CONTACT_LINE.match(line):
            labelled.append(contact["line"])
    return labelled


def _read(text: str) -> Office:
    name = next((match["name"] for match in (pattern.search(text) for pattern in _NAMES) if match), "")
    phones = [phone for match in _PHONES.finditer(text) for phone in re.findall(_PHONE, match["phones"])]
    email, address = _EMAIL.search(text), _ADDRESS.search(text)
    return Office(
        name=name,
        phone="、".join(dict.fromkeys(re.sub(r"\s", "", phone) for phone in phones)),
        email=email[0] if email else "",
        address=address["address"].strip() if address else "",
    )


def office_sentence(office: Office) -> str:
    """如有异议，请联系NAME，电话：PHONE，电子邮箱：EMAIL，地址：ADDRESS。 – each part only where there is one."""
    channels = (("电话", office.phone), ("电子邮箱", office.email), ("地址", office.address))
    parts = [f"请联系{office.name}"] if office.name else []
    return "，".join(["如有异议", *parts, *(f"{label}：{value}" for label, value in channels if value)]) + "。"
