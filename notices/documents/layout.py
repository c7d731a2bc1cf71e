"""What each line of a notice is: title, heading, text, signature, or furniture of the page it was copied from.

Two layouts are known. In our own (`rendering.to_text`) the indent says it all. Anywhere else the words must: headings by
number or vocabulary, the signature by its place and shape; a page copied as one line is cut at its blanks first.
"""

import dataclasses
import datetime
import re

from .files import MAX_LINES, Line, Page, Unreadable, too_long
from .numerals import DATE, chinese_date, matched_date
from .outline import is_known_heading, match_label, split_before_headings, split_heading

OWN_INDENT, OWN_SIGNATURE_INDENT = 4, 24


@dataclasses.dataclass
class Layout:
    """The lines by what they are. `body` holds (role, line) with role "heading" or "text", in printed order."""

    title: Line
    body: list[tuple[str, Line]]
    signatories: list[Line] = dataclasses.field(default_factory=list)
    date: Line | None = None
    signed_on: datetime.date | None = None
    before: list[Line] = dataclasses.field(default_factory=list)
    furniture: list[Line] = dataclasses.field(default_factory=list)
    own: bool = False
    sure_of_title: bool = True


def lay_out(page: Page) -> Layout:
    """The layout of a page that has at least one line."""
    lines = list(page.lines)
    return _own_layout(lines) if is_own(lines) else _foreign_layout(lines, page)


# ---- our own text form


def is_own(lines: list[Line]) -> bool:
    """Whether the text is one that `rendering.to_text` wrote, so that only flush-left lines are headings."""
    depths = [line.indent for line in lines]
    body = [line for line in lines[1:] if line.indent != OWN_SIGNATURE_INDENT]
    signed = len(body) < len(lines) - 1
    if (
        depths[0]
        or set(depths) - {0, OWN_INDENT, OWN_SIGNATURE_INDENT}
        or depths[1 : len(body) + 1] != [line.indent for line in body]
    ):
        return False
    if not any(line.indent for line in body) or not all(line.indent or _is_heading_shaped(line.text) for line in body):
        return False
    indented_heading = any(line.indent and split_heading(line.text) for line in body)
    complete = lines[0].text.endswith("公示") and not indented_heading
    known_inside = any(is_known_heading(line.text) for line in body)
    return _has_flush_heading(body, complete) or (signed and not known_inside)


def _is_heading_shaped(text: str) -> bool:
    return (len(text) <= 60 and not re.search(r"[。；;！!？?，,]$", text)) or split_heading(text) == (text, "")


def _has_flush_heading(body: list[Line], complete: bool) -> bool:
    """A flush-left line between indented ones; right under the title only what the rest of a title cannot be.

    `complete`: the title needs no second line, and no indented line competes for being a heading.
    """
    inside = False
    for line, below in zip(body, [*body[1:], None], strict=True):
        if not line.indent and below and below.indent and (inside or complete or split_heading(line.text)):
            return True
        inside = inside or bool(line.indent)
    return False


def _own_layout(lines: list[Line]) -> Layout:
    signature = [line for line in lines if line.indent == OWN_SIGNATURE_INDENT]
    body = [("text" if line.indent else "heading", line) for line in lines[1 : len(lines) - len(signature)]]
    layout = Layout(title=lines[0], body=body, signatories=signature, own=True)
    signed_on = _day(signature[-1].text) if signature else None
    if signed_on and chinese_date(signed_on) == signature[-1].text:
        layout.date, layout.signed_on = signature.pop(), signed_on
    return layout


# ---- anybody else's

_BLANKS = r"[ \t\u3000\xa0]+"
_LABEL_AHEAD = r"(?=[一二三四五六七八九十]{1,3}、|[(（][一二三四五六七八九十\d]{1,3}[)）]|\d{1,2}[.．、](?!\d))"
_FLATTENED = re.compile(
    rf"[。；;！!？?：:][”’」』）)]?{_BLANKS}(?:[一二三四五六七八九十]{{1,3}}、|[(（][一二三四五六七八九十]{{1,3}}[)）])"
)
_BREAK = re.compile(rf"(?:(?<=[。！!？?；;])|(?<=[。！!？?；;][”’」』）)])|(?<=[：:]))(?P<blanks>{_BLANKS})")
_TITLE_AHEAD = re.compile(rf"(?P<title>[^。；;]{{6,100}}?公示){_BLANKS}(?=[^\n]{{15}})")

_BUTTON = "打印本页|打印此页|打印|关闭窗口|关闭本页|关闭|返回顶部|返回首页|返回|收藏本页|收藏|分享到|分享|字体|字号|大|中|小|上一篇|下一篇|扫一扫|纠错|我要纠错|首页|无障碍|长者版"
_FURNITURE = re.compile(
    rf"(?:[【\[〖(（]?\s?(?:{_BUTTON})\s?[:：]?[】\]〗)）]?[\s|｜/]*)+$"
    r"|(?:当前位置|您的位置|您现在的位置|你的位置|当前所在位置|首页)\s?[:：>＞»/]"
    r"|(?:发布(?:时间|日期|机构|单位)|发文(?:时间|日期)|信息来源|来源|浏览(?:次数|量)|阅读(?:次数|量)?|点击(?:数|量|次数)?|作者|责任编辑|编辑|索引号|信息分类|字号|字体)\s?[:：]"
    r"|(?:主办|承办|技术支持)(?:单位)?\s?[:：]|版权所有|网站标识码|网站地图|[^。]{0,4}ICP备|[^。]{0,4}公网安备|扫一扫在手机|上一[篇条]|下一[篇条]"
)
_LONGEST_FURNITURE = 120


def _foreign_layout(lines: list[Line], page: Page) -> Layout:
    lines = [dataclasses.replace(line, text=line.text.strip(" \t\u3000\xa0|｜")) for line in lines]
    furniture = [line for line in lines if _is_furniture(line.text)]
    lines = _unflattened([line for line in lines if line.text and not _is_furniture(line.text)])
    if not lines:
        return Layout(title=furniture[0], body=[], sure_of_title=False)
    first, last, sure = _title_span(lines)
    title = dataclasses.replace(lines[first], text="".join(line.text for line in lines[first : last + 1]))
    layout = Layout(title=title, body=[], furniture=furniture, sure_of_title=sure)
    before, body = lines[:first], lines[last + 1 :]
    layout.furniture += before if page.web else []
    layout.before = [] if page.web else before
    _take_signature(layout, body)
    body = _unwrapped(body) if page.plain else body
    layout.body = [piece for line in body for piece in _pieces(line)]
    return layout


def _is_furniture(text: str) -> bool:
    return len(text) <= _LONGEST_FURNITURE and bool(_FURNITURE.match(text))


def _pieces(line: Line) -> list[tuple[str, Line]]:
    heading = split_heading(line.text)
    if not heading:
        return [("text", line)]
    rest = [("text", dataclasses.replace(line, text=heading[1]))] if heading[1] else []
    return [("heading", dataclasses.replace(line, text=heading[0])), *rest]


def _unflattened(lines: list[Line]) -> list[Line]:
    """Where a page was copied as one line, the blank behind a sentence is a line break; so is a heading inside a line."""
    flattened = any(_FLATTENED.search(line.text) for line in lines)
    parts = [(line, part) for line in lines for part in (_cut(line.text) if flattened else [line.text])]
    if len(parts) > MAX_LINES:
        raise Unreadable(too_long(len(parts), MAX_LINES, "行"))
    return [dataclasses.replace(line, text=text) for line, part in parts for text in split_before_headings(part)]


def _cut(text: str) -> list[str]:
    title = _TITLE_AHEAD.match(text)
    parts, start = ([title["title"]], title.end()) if title else ([], 0)
    for gap in _BREAK.finditer(text, start):
        if text[gap.start() - 1] not in ":：" or re.match(_LABEL_AHEAD, text[gap.end() : gap.end() + 6]):
            parts.append(text[start : gap.start()])
            start = gap.end()
    return [part for part in (*parts, text[start:].strip()) if part]


def _unwrapped(lines: list[Line]) -> list[Line]:
    """Where paragraphs are indented and broken at a fixed width, the flush-left lines go on with the paragraph above."""
    joined: list[Line] = []
    for line in lines:
        above = joined[-1] if joined else None
        if above and above.indent and not line.indent and _goes_on(above.text, line.text):
            joined[-1] = dataclasses.replace(above, text=above.text + line.text)
        else:
            joined.append(line)
    return joined


def _goes_on(above: str, text: str) -> bool:
    broken = len(above) >= 20 and not re.search(r"[。；;！!？?：:”」』）)】]$", above)
    return (
        broken and " | " not in above and not split_heading(above) and not split_heading(text) and not match_label(text)
    )


# ---- title

_TOPIC = re.compile(r"整改|督察|督查|信访|交办|验收|销号|环保|环境")


def _title_span(lines: list[Line]) -> tuple[int, int, bool]:
    """(first, last, sure): the lines of the title; not sure when no line looks like one and the first is taken."""
    shaped = [place for place, line in enumerate(lines) if _is_title_shaped(line.text)]
    on_topic = [place for place in shaped if _TOPIC.search(lines[place].text)]
    if not shaped:
        return 0, 0, False
    last = first = (on_topic or shaped)[0]
    while first and _is_broken_title(lines[first - 1].text, lines[first].text):
        first -= 1
    if last + 1 < len(lines) and re.fullmatch(r"[(（][^()（）。]{1,20}[)）]", lines[last + 1].text):
        last += 1
    return first, last, True


def _is_title_shaped(text: str) -> bool:
    return (
        "公示" in text
        and len(text) <= 120
        and not re.search(r"[。；;：:！!，,]|公示(?:期|时间)", text)
        and not is_known_heading(text)
    )


def _is_broken_title(above: str, text: str) -> bool:
    """A title goes over two lines: the upper begins with 关于 or names the inspection, and ends without a stop."""
    begins = above.startswith("关于") or "督察" in above
    return (
        begins
        and "公示" not in above
        and len(above) <= 60
        and not text.startswith("关于")
        and not re.search(r"[。；;：:！!，,|]", above)
    )


# ---- signature

_ORGANISATION = re.compile(
    r"[^。；;，,：:！!？?、\d|]{2,40}(?:局|委员会|委|政府|办公室|办|厅|部|院|公司|集团|中心|队|小组|指挥部|处|站|会|所|街道|镇|乡|区)$"
)
_ORGANISATION_AND_DATE = re.compile(rf"(?P<names>[^。；;，,：:！!？?\d]{{3,80}}?)\s*(?P<day>{DATE.pattern})\s*$")


def _day(text: str) -> datetime.date | None:
    match = DATE.fullmatch(text.strip())
    return matched_date(match, "date") if match else None


def _take_signature(layout: Layout, body: list[Line]) -> None:
    """Move the signature, which stands at the end or before the annex, from `body` into the layout."""
    for place in range(len(body) - 1, -1, -1):
        above = body[place - 1].text if place else ""
        under_heading = bool(above) and split_heading(above) == (above, "")
        if _day(body[place].text) and not under_heading:
            first = _first_signatory(body, place)
            layout.date, layout.signed_on = body[place], _day(body[place].text)
            layout.signatories = _names(body[first:place])
            del body[first : place + 1]
            return
        both = _ORGANISATION_AND_DATE.match(body[place].text)
        if both and _is_signatory(both["names"].strip(), beside_date=True) and not under_heading:
            _take_line(layout, body, place, both)
            return
    first = _first_signatory(body, len(body), beside_date=False)
    layout.signatories = _names(body[first:])
    del body[first:]


def _take_line(layout: Layout, body: list[Line], place: int, both: re.Match) -> None:
    """Signatories and date in one line, perhaps with more signatories above."""
    line, first = body[place], _first_signatory(body, place, beside_date=False)
    layout.date, layout.signed_on = dataclasses.replace(line, text=both["day"]), matched_date(both, "date")
    layout.signatories = _names([*body[first:place], dataclasses.replace(line, text=both["names"].strip())])
    del body[first : place + 1]


def _first_signatory(body: list[Line], end: int, *, beside_date: bool = True) -> int:
    """Where the run of signatories above `end` begins; `end` when there is none."""
    first = end
    while first and end - first < 6 and _is_signatory(body[first - 1].text, beside_date=beside_date and first == end):
        first -= 1
    value_of_heading = first and first < end and split_heading(body[first - 1].text) == (body[first - 1].text, "")
    return end if value_of_heading and not beside_date else first + bool(value_of_heading)


def _is_signatory(text: str, *, beside_date: bool) -> bool:
    if len(text) > 60 or split_heading(text) or match_label(text) or DATE.search(text):
        return False
    shape = r"[^。；;，,：:！!？?\d|]{3,60}" if beside_date else None
    parts = re.split(r"[\s、]+", text)
    return all(_ORGANISATION.match(part) for part in parts) or bool(shape and re.fullmatch(shape, text))


def _names(lines: list[Line]) -> list[Line]:
    """One line per signatory: 中共云岭市委 云岭市人民政府 are two, 云 岭 市 is one spaced out."""
    names = []
    for line in lines:
        parts = re.split(r"[\s、]+", line.text)
        parts = parts if all(len(part) >= 4 for part in parts) else ["".join(parts)]
        names += [dataclasses.replace(line, text=part) for part in parts]
    return names
