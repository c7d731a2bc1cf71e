"""The printed outline of a notice: what is a heading and of which kind, what is an item, how a body falls into both."""

import itertools
import re

from .notice import Item
from .numerals import CHINESE, to_number

_CHINESE_NUMBER = rf"[{CHINESE}]{{1,4}}"
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"

# The exact words that stand as headings in notices; such a line is a heading with or without a number.
HEADINGS = {
    "problem": "反馈问题内容 反馈问题 反馈问题情况 反馈意见 反馈意见问题 督察反馈问题 督察反馈意见 问题内容 问题描述 问题概况 "
    "问题基本情况 整改问题 整改问题内容 整改任务 整改任务内容 整改事项 任务内容 任务名称 存在问题 存在的问题 "
    "具体问题 问题情况 问题表述 交办问题 信访问题 反映问题 信访件内容 信访内容 举报内容 投诉内容",
    "objective": "整改目标 目标任务 任务目标 整改工作目标 工作目标 整改任务目标 整改目标任务 目标要求 整改要求",
    "measures": "整改措施 重点措施 整改举措 工作措施 主要措施 具体措施 整改工作措施 整改措施及要求 整改方案 整改任务及措施",
    "deadline": "完成时限 整改时限 整改期限 完成时间 整改完成时限 整改完成时间 整改时间 时限要求 完成期限",
    "responsible": "整改实施主体 整改责任单位 责任单位 整改单位 整改主体 责任主体 实施主体 整改责任主体 牵头单位 督导单位 "
    "责任部门 牵头部门 责任人 整改责任人 督导部门 监管单位 验收单位 责任单位及责任人 整改责任单位及责任人 "
    "责任领导 配合单位 整改牵头单位 整改督导单位",
    "progress": "工作开展情况 整改完成情况 整改主要工作及成效 整改情况 整改落实情况 整改工作情况 整改进展情况 整改进展 "
    "完成情况 落实情况 工作进展 工作进展情况 整改成效 主要工作及成效 整改工作开展情况 整改工作落实情况 整改结果 "
    "整改措施落实情况 整改任务完成情况 整改任务落实情况 整改目标完成情况 主要做法 主要做法及成效 采取的措施及成效 "
    "整改工作完成情况 问题整改情况 办理情况 调查核实情况 处理情况 办结情况 调查处理情况 处理和整改情况",
    "acceptance": "自我验收意见 自我验收情况 自我验收结论 自我验收 自查验收情况 自验情况 自验意见 验收意见 验收情况 验收结论 "
    "验收结果 整改验收情况 验收销号情况 销号情况 验收销号意见 自查自验情况 自我评估情况",
    "window": "公示期 公示期限 公示时间 公示日期 公示时限 公示期间 公示起止时间 公示情况 公示说明 公示方式",
    "office": "联系方式 联系单位 联系人 联系电话 联系人及联系方式 联系地址 受理单位 受理部门 受理方式 受理电话 受理邮箱 "
    "异议受理 异议受理方式 异议反馈方式 异议反馈 意见反馈 意见反馈方式 反馈方式 反馈渠道 监督电话 举报电话 监督方式 "
    "监督举报方式 监督举报电话 监督单位 通讯地址 通信地址 来信地址 邮寄地址 电子邮箱 邮箱 电子邮件 地址 电话 公示单位 公众监督",
    "annex": "附件 附表",
}
_KIND_OF_HEADING = {heading: kind for kind, headings in HEADINGS.items() for heading in headings.split()}

# What a heading in other words most probably means; the first that is found decides.
_KIND_HINTS = (
    ("window", re.compile(r"公示(?:期|时|日期|情况|方式)")),
    ("office", re.compile(r"联系|受理|异议|监督(?:电话|方式|举报)|举报电话|地址|邮箱|意见反馈|反馈(?:方式|渠道)")),
    ("acceptance", re.compile(r"验收|自验|销号")),
    ("problem", re.compile(r"问题(?:的)?(?:基本|具体|简要|主要)?(?:情况|概况|表述|描述|内容)$|反馈情况$")),
    ("progress", re.compile(r"情况|成效|进展|做法|成果|结果|落实")),
    ("deadline", re.compile(r"时限|期限|完成时间|整改时间")),
    ("responsible", re.compile(r"责任|牵头|督导|实施主体|整改主体|整改单位")),
    ("objective", re.compile(r"目标")),
    ("measures", re.compile(r"措施|举措")),
    ("problem", re.compile(r"问题|整改任务|任务内容|信访")),
    ("annex", re.compile(r"^附[件表]")),
)

_LONGEST_HEADING = 40
_NUMBERED = re.compile(rf"(?:第{_CHINESE_NUMBER}部分[\s、:：]*|{_CHINESE_NUMBER}\s*[、.．]\s*)(?=\S)")
_HEADING_NUMBER = re.compile(
    rf"(?:第{_CHINESE_NUMBER}部分[\s、:：]*|{_CHINESE_NUMBER}\s*[、.．]|[(（]\s*(?:{_CHINESE_NUMBER}|\d{{1,2}})\s*[)）]|\d{{1,2}}\s*[、.．])\s*"
)
_DRESS = "【】[]〔〕《》 \t\u3000\xa0:：。"
_ANNEX = re.compile(r"附[件表]\s*[\d０-９一二三四五六七八九十]{0,2}\s*[:：]?$")


def words_of(heading: str) -> str:
    """The heading without its number, brackets, colon and blanks."""
    return re.sub(r"\s", "", _HEADING_NUMBER.sub("", heading.strip(_DRESS), count=1).strip(_DRESS))


def meaning_of(heading: str) -> str | None:
    """problem|objective|measures|deadline|responsible|progress|acceptance, window|office|annex, or None when unknown."""
    words = words_of(heading)
    if words in _KIND_OF_HEADING:
        return _KIND_OF_HEADING[words]
    return next((kind for kind, hint in _KIND_HINTS if hint.search(words[:_LONGEST_HEADING])), None)


def kind_of(heading: str) -> str:
    """The Section.kind of a heading: window, office, annex and unknown headings are "other"."""
    meaning = meaning_of(heading) if heading else None
    return "other" if meaning in (None, "window", "office", "annex") else meaning


def is_known_heading(text: str) -> bool:
    """Whether the text is one of the exact words that stand as headings in notices, with or without a number."""
    return len(text) <= _LONGEST_HEADING and words_of(text) in _KIND_OF_HEADING


def split_heading(line: str) -> tuple[str, str] | None:
    """(heading, rest) when the line is a heading, or begins with one ("一、整改目标：…"); else None. Joined they are the line."""
    if _ANNEX.match(line) or is_known_heading(line):
        return line, ""
    run_in = _split_run_in(line)
    if run_in or len(line) > _LONGEST_HEADING or not _is_numbered_heading(line):
        return run_in
    return line, ""


def _is_numbered_heading(line: str) -> bool:
    number = _NUMBERED.match(line)
    return bool(number) and not re.search(r"[。;；!！?？]|[,，、]$", line)


_HEADING_END = re.compile(r"[:：。】\s]")


def _split_run_in(line: str) -> tuple[str, str] | None:
    """`known words：text`, `一、known words。text`, `【known words】text`, `一、any words text`."""
    for end in _HEADING_END.finditer(line, 1, _LONGEST_HEADING):
        heading, rest = line[: end.end()].rstrip(), line[end.end() :].strip()
        if rest and _stands_before_text(heading, end[0]):
            return heading, rest
    return None


def _stands_before_text(heading: str, end: str) -> bool:
    words, numbered = words_of(heading), bool(_NUMBERED.match(heading))
    if words in _KIND_OF_HEADING:
        # "联系电话：…" without a number is a contact line, and stays one.
        own_line = _KIND_OF_HEADING[words] in ("window", "office", "annex")
        return numbered or end == "】" or (end in ":：" and not own_line)
    return numbered and end.isspace() and re.fullmatch(r"[\u4e00-\u9fff]{2,20}", words) is not None


_LABEL = re.compile(
    rf"(?P<bracket>[(（]\s?(?P<a>{_CHINESE_NUMBER})\s?[)）][、.．]?)"
    r"|(?P<arabic_bracket>[(（]\s?(?P<b>\d{1,2})\s?[)）][、.．]?|(?P<c>\d{1,2})[)）][、.．]?)"
    r"|(?P<arabic>(?P<d>\d{1,2})\s?(?:、|[.．](?!\d)))"
    rf"|(?P<circled>[{_CIRCLED}])"
    rf"|(?P<nth_is>(?P<e>[一二三四五六七八九]|十[一二三四五六七八九]?)是)"
)
_FIRST_SENTENCE = re.compile(r"([^。\n]{1,30})。(?=[^\n])")


def match_label(line: str) -> tuple[str, int, str] | None:
    """(style, ordinal, label) of the item label that the line begins with, or None."""
    match = _LABEL.match(line)
    if not match or not line[match.end() :].strip():
        return None
    number = next((match[group] for group in "abcde" if match[group]), None)
    ordinal = to_number(number) if number else _CIRCLED.index(match[0]) + 1
    return match.lastgroup, ordinal, match[0]


def split_lines(lines: list[str], *, exact: bool = False) -> tuple[tuple[str, ...], tuple[Item, ...]]:
    """Lines of one section's body as paragraphs and items; what follows an item's first line belongs to that item.

    The first label decides the style: other styles below it are text of the item. `exact` takes a label with a
    blank behind it for text, so that printing gives the same line again.
    """
    paragraphs, items, style = [], [], None
    for line in lines:
        label = match_label(line)
        if label and exact and line[len(label[2])].isspace():
            label = None
        if label and style in (None, label[0]):
            style = label[0]
            items.append((label, [line[len(label[2]) :].strip()]))
        elif items:
            items[-1][1].append(line)
        else:
            paragraphs.append(line)
    return tuple(paragraphs), tuple(_item(ordinal, label, "\n".join(text)) for (_, ordinal, label), text in items)


def _item(ordinal: int, label: str, text: str) -> Item:
    first = _FIRST_SENTENCE.match(text)
    if not first:
        return Item(ordinal=ordinal, label=label, text=text)
    return Item(ordinal=ordinal, label=label, heading=first[1], text=text[first.end() :])


_POINT = re.compile(r"(?:(?<=[。；;：:，,])|^)(?P<number>[一二三四五六七八九]|十[一二三四五六七八九]?)是")
_BRACKETED = re.compile(rf"(?:(?<=[。；;：:])|^)[(（](?P<number>{_CHINESE_NUMBER})[)）]")


def split_enumeration(paragraph: str) -> list[str]:
    """`…：一是…；二是…` or `（一）…。（二）…` as its lead and one line per point; joined they are the paragraph.

    [paragraph] when it is none: the points must count from one.
    """
    for pattern in (_BRACKETED, _POINT):
        starts = list(pattern.finditer(paragraph))
        counted = [to_number(match["number"]) for match in starts] == list(range(1, len(starts) + 1))
        if len(starts) > 1 and counted:
            cuts = [match.start() for match in starts] + [len(paragraph)]
            lead = [paragraph[: cuts[0]]] if cuts[0] else []
            return lead + [paragraph[start:end] for start, end in itertools.pairwise(cuts)]
        if match_label(paragraph) and not starts:
            break
    return [paragraph]


_INLINE_HEADING = re.compile(
    rf"(?<=[。；;])(?={_CHINESE_NUMBER}、(?:{'|'.join(sorted(_KIND_OF_HEADING, key=len, reverse=True))})[:：。\s])"
)


def split_before_headings(paragraph: str) -> list[str]:
    """`…。二、整改目标：…` cut before each numbered heading of known words; joined they are the paragraph."""
    return _INLINE_HEADING.split(paragraph)
