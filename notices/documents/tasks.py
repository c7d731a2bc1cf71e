"""How a notice names its tasks: round, number, sub-number, petition case number."""

import re

from .notice import TaskReference
from .numerals import NUMBER, to_number

_NTH = r"[一二三四五六七八九十\d]{1,3}"
_LOOK_BACK = r"(?:\s?[及和暨]?\s?[“\"「]?回头看[”\"」]?)?"
_ROUND = re.compile(
    rf"(?:20\d\d年度?)?(?:第{_NTH}轮)?(?:第{_NTH}批)?(?:中央|国家|省级|省委|省|自治区级?|市级)?(?:第{_NTH}轮)?"
    r"(?:(?:生态环境保护|环境保护|生态环保|环保|生态环境)(?:专项)?|(?:[^\W\d_第省的项]{2,12})?专项)"
    rf"督察(?!组?(?:工作)?(?:条例|规定|规范|办公室))(?:工作)?{_LOOK_BACK}"
)
_BETWEEN = r"\s?(?:[、,，]|[和及与]|以及)\s?"
_RANGE_MARK = r"(?:至|到|-|—|~|～)"
_ITEMS = re.compile(
    rf"第(?P<numbers>{NUMBER}(?:(?:{_BETWEEN}|{_RANGE_MARK})第?{NUMBER}){{0,30}})(?:项|[个条号](?=问题|整改))(?!目|工作|措施|重点|制度|工程|行动)"
    rf"(?:(?:整改)?(?:任务|问题)?(?:第|问题|之)(?P<sub>{NUMBER})(?:个|项)?(?:问题)?(?!类))?"
)
_LISTED = re.compile(
    rf"(?:问题编号|任务编号|任务序号|问题序号|序号|编号)\s?[为:：]?\s?第?(?P<number>{NUMBER})(?![\dA-Za-z年月])"
)
_CASE = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{1,2}\d?[A-Z]{2}\d{10,14}(?![A-Za-z0-9])"
    r"|(?:(?<=受理编号)|(?<=案件编号)|(?<=信访编号)|(?<=受理编号[:：为])|(?<=案件编号[:：为])|(?<=信访编号[:：为]))[A-Z0-9]{8,20}"
    r"(?![A-Za-z0-9])"
)
_LARGEST_RANGE = 50


def find_tasks(text: str) -> tuple[TaskReference, ...]:
    """The tasks that the text names, in printed order, each once: 第一项, 第3、7项, 序号十, 第四十七项问题五, X2SD202109080018.

    A petition item has no number, its case number is `number_text`. The round of each is the one named last before
    it, else the first that is named; "" when the text names none.
    """
    rounds = [(match.start(), match[0].strip()) for match in _ROUND.finditer(text)]
    named = sorted((start, task) for pattern in (_items, _listed, _cases) for start, task in pattern(text))
    tasks = {}
    for start, (number, sub_number, number_text) in named:
        before = [name for position, name in rounds if position < start]
        name = before[-1] if before else next((name for _, name in rounds), "")
        key = (name, number, sub_number, number_text if number is None else "")
        tasks.setdefault(key, TaskReference(round=name, number=number, sub_number=sub_number, number_text=number_text))
    return tuple(tasks.values())


def _items(text: str):
    """(position, (number, sub-number, text)) for 第…项."""
    for match in _ITEMS.finditer(text):
        numbers = _expanded(match["numbers"])
        if len(numbers) == 1:
            sub_number = to_number(match["sub"]) if match["sub"] else None
            yield match.start(), (to_number(numbers[0]), sub_number, match[0])
        else:
            for place, number in enumerate(numbers):
                yield match.start() + place / 100, (to_number(number), None, f"第{number}项")


def _expanded(numbers: str) -> list[str]:
    """["3", "7"] for "3、7", ["三", "4", "5"] for "三至5": as printed, the inside of a range in Arabic digits."""
    found = []
    for part in re.split(_BETWEEN, numbers):
        ends = [end.removeprefix("第") for end in re.split(_RANGE_MARK, part)]
        first, last = to_number(ends[0]), to_number(ends[-1])
        inside = range(first + 1, last) if len(ends) == 2 and first < last <= first + _LARGEST_RANGE else ()
        found += [ends[0], *map(str, inside), *ends[1:]]
    return found


def _listed(text: str):
    for match in _LISTED.finditer(text):
        yield match.start(), (to_number(match["number"]), None, match[0])


def _cases(text: str):
    for match in _CASE.finditer(text):
        yield match.start(), (None, None, match[0])


def find_rounds(text: str) -> tuple[str, ...]:
    """The names of the rounds that the text names, as printed, in printed order."""
    return tuple(match[0].strip() for match in _ROUND.finditer(text))


def read_round(name: str) -> tuple[int | None, str, str]:
    """(ordinal, level, kind) of a round by its name: level central|provincial|other, kind routine|look_back|special."""
    ordinal = re.search(rf"第({NUMBER})轮", name)
    level = "central" if re.search("中央|国家", name) else "provincial" if re.search("省|自治区", name) else "other"
    kind = "look_back" if "回头看" in name else "special" if "专项" in name else "routine"
    return to_number(ordinal[1]) if ordinal else None, level, kind
