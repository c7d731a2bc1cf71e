"""A plan's list of tasks, from a spreadsheet to the ledger: every fault by its cell, one transaction, run twice = once."""

import dataclasses
import itertools
import re
import unicodedata

from django.core.exceptions import ValidationError
from django.db import transaction

from . import sheets
from .documents.files import Unreadable
from .documents.numerals import NUMBER, find_deadline, to_number
from .documents.outline import split_lines
from .models import InspectionRound, Measure, Organisation, RectificationTask
from .sheets import Cell, Sheet

COLUMNS = {
    "number": ("序号", "编号", "任务序号", "问题序号", "任务编号", "问题编号", "整改序号", "受理编号"),
    "problem": (
        "反馈问题",
        "问题",
        "存在问题",
        "督察反馈问题",
        "反馈问题内容",
        "反馈意见",
        "问题描述",
        "整改问题",
        "具体问题",
        "整改任务",
    ),
    "objective": ("整改目标", "目标", "目标任务", "整改目标任务", "工作目标", "整改要求"),
    "measures": ("整改措施", "措施", "重点措施", "整改举措", "具体措施", "工作措施", "主要措施"),
    "deadline_text": ("整改时限", "时限", "完成时限", "整改期限", "完成时间", "整改完成时限", "整改时间", "完成期限"),
    "responsible_units": ("责任单位", "整改责任单位", "整改实施主体", "实施主体", "责任主体", "牵头单位", "整改单位"),
    "supervising_units": ("督导单位", "督导部门", "督办单位", "督导责任单位", "指导单位", "监督单位", "督导检查单位"),
}
TITLES = {field: names[0] for field, names in COLUMNS.items()}
_FIELD_OF = {name: field for field, names in COLUMNS.items() for name in names}
REQUIRED = ("number", "problem")
ERRORS = {"#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"}
LARGEST = 32_767  # what the ledger's numbers hold
HEADING_ROWS = 30  # the heading stands within so many rows
LONGEST_HEADING = 100


@dataclasses.dataclass(frozen=True)
class Fault:
    """One sentence about one cell ("B7"), or about a row or the sheet."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}：{self.text}"


class Refused(Exception):
    """Nothing was stored; `faults` holds a Fault for each reason."""

    def __init__(self, faults: list[Fault]):
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


@dataclasses.dataclass(frozen=True)
class Planned:
    """One task as the plan has it; `place` is the cell of its number."""

    place: str
    number: int | None
    sub_number: int | None
    number_text: str
    problem: str
    objective: str = ""
    deadline_text: str = ""
    responsible_units: str = ""
    supervising_units: str = ""
    measures: tuple[tuple[str, str, str], ...] = ()  # label, heading, text

    @property
    def identity(self) -> dict:
        """What tells the task from the others of its round."""
        if self.number is None:
            return {"kind": RectificationTask.Kind.PETITION, "case_number": self.number_text}
        return {"kind": RectificationTask.Kind.TASK, "number": self.number, "sub_number": self.sub_number}


@dataclasses.dataclass
class Plan:
    """What a file says: tasks, faults that stop its import, remarks that do not."""

    tasks: list[Planned]
    faults: list[Fault]
    remarks: list[Fault]


def read(name: str, content: bytes) -> Plan:
    """The plan in an xlsx or csv file. Raises Unreadable when there is no table of tasks in it."""
    found = [
        (sheet, heading) for sheet in sheets.read_sheets(name, content) if (heading := _heading(sheet)) is not None
    ]
    if not found:
        raise Unreadable("没有找到任务清单：表头里要有“序号”“反馈问题”等栏。可下载模板，对照修改表头后再导入。")
    sheet, heading = found[0]
    plan = Plan([], [], [])
    columns = _columns(sheet.rows[heading], plan)
    if not plan.faults:
        for group in _groups(sheet, heading, columns, plan):
            _read_task(group, plan)
        _check_repeats(plan)
        if not plan.tasks and not plan.faults:
            plan.faults.append(Fault(f"第{heading + 1}行", "表头下面没有任务。"))
    return plan


# --- Heading and rows --------------------------------------------------------------------------------------------------


def _field(text: str) -> str | None:
    """The field that a heading names: blanks, remarks in brackets and punctuation do not count."""
    plain = re.sub(r"\([^)]*\)|[\s::、,。*]", "", unicodedata.normalize("NFKC", text))
    return _FIELD_OF.get(plain)


def _heading(sheet: Sheet) -> int | None:
    """The first row that names number and problem, or at least three columns."""
    for number, row in enumerate(sheet.rows[:HEADING_ROWS]):
        named = {field for cell in row if (field := _field(cell.text))}
        if set(REQUIRED) <= named or len(named) >= 3:
            return number
    return None


def _columns(row: list[Cell], plan: Plan) -> dict[str, int]:
    """Field → its column. Two columns of one kind, and one that has to be there, are faults; others are told."""
    columns, seen = {}, set()
    for place, cell in enumerate(row):
        field = _field(cell.text)
        if not field and cell.text and cell.origin not in seen:
            plan.remarks.append(Fault(cell.address, f"“{cell.text}”一栏没有对应的内容，不读入。"))
        elif field in columns and row[columns[field]].origin != cell.origin:
            first = row[columns[field]]
            plan.faults.append(
                Fault(cell.address, f"“{cell.text}”与 {first.address} 的“{first.text}”是同一栏，请合并。")
            )
        elif field:
            columns.setdefault(field, place)
        seen.add(cell.origin)
    for field in REQUIRED:
        if field not in columns:
            plan.faults.append(Fault(row[0].address, f"表头没有“{TITLES[field]}”一栏。"))
    missing = "、".join(title for field, title in TITLES.items() if field not in columns)
    if missing and not plan.faults:
        plan.remarks.append(Fault(row[0].address, f"表头没有{missing}，这些内容留空。"))
    return columns


Group = dict[str, list[Cell]]  # field → its cells, each text once, over all rows of one task


def _groups(sheet: Sheet, heading: int, columns: dict[str, int], plan: Plan) -> list[Group]:
    """The rows of each task. Rows whose number is merged with, or left out after, the one above belong to it."""
    groups: list[Group] = []
    for row in sheet.rows[heading + 1 :]:
        cells = {field: row[place] for field, place in columns.items()}
        filled = [cell for cell in cells.values() if cell.text]
        if not filled or all(_field(cell.text) for cell in filled):
            continue  # blank, or the heading again on the next printed page
        if _is_caption(cells, filled):
            plan.remarks.append(Fault(filled[0].address, f"“{filled[0].text[:20]}”是标题或附注，不读入。"))
            continue
        if not groups or not _continues(cells, groups[-1]):
            groups.append({field: [] for field in cells})
        for field, cell in cells.items():
            if cell.text and cell.origin not in {known.origin for known in groups[-1][field]}:
                groups[-1][field].append(cell)
    return groups


def _is_caption(cells: dict[str, Cell], filled: list[Cell]) -> bool:
    """One text across the table ("一、…"), or a footnote in its first column."""
    if len({cell.origin for cell in filled}) > 1:
        return False
    return len(filled) > 1 or bool(re.match(r"备?注|说明|合计|填表|联系人", cells["number"].text))


def _continues(cells: dict[str, Cell], group: Group) -> bool:
    number = cells["number"]
    if number.text:
        return number.origin in {cell.origin for cell in group["number"]} and number.origin != number.address
    problem = cells["problem"]
    return not problem.text or problem.origin in {cell.origin for cell in group["problem"]}


# --- One task ------------------------------------------------------------------------------------------------------------

_NUMBERED = re.compile(
    rf"第?(?P<number>{NUMBER})(?:项|号|条|个)?(?:整改)?(?:任务|问题)?(?:(?:第|问题|之|[-.、])(?P<sub>{NUMBER})(?:项|个)?(?:问题)?)?"
)
_CASE = re.compile(r"[A-Z0-9]{8,30}")


def _read_task(group: Group, plan: Plan) -> None:
    """The task of these cells, into the plan; its faults instead where it has any."""
    faults = [
        Fault(cell.address, f"单元格是计算错误 {cell.text}，请改正。")
        for cells in group.values()
        for cell in cells
        if cell.text in ERRORS
    ]
    texts = {field: "\n".join(cell.text for cell in cells) for field, cells in group.items()}
    place = _place(group, "number")
    number = _number(texts["number"])
    if not number:
        wrong = f"序号“{texts['number'][:20]}”认不出" if texts["number"] else "序号是空的"
        faults.append(Fault(place, f"{wrong}，应为 1、十二、第三项、4-2 或信访受理编号。"))
    if not texts["problem"]:
        faults.append(Fault(_place(group, "problem"), "反馈问题是空的。"))
    for field in ("deadline_text", "responsible_units", "supervising_units"):
        texts[field] = re.sub(r"\s*\n\s*", "、" if field.endswith("units") else "；", texts.get(field, ""))
        longest = RectificationTask._meta.get_field(field).max_length
        if len(texts[field]) > longest:
            length = len(texts[field])
            faults.append(Fault(_place(group, field), f"{TITLES[field]}有 {length} 字，超过 {longest} 字。"))
    plan.faults += faults
    if faults:
        return
    measures = _measures(texts.pop("measures", ""))
    texts.pop("number")
    plan.tasks.append(Planned(place, *number, measures=measures, **texts))


def _place(group: Group, field: str) -> str:
    """The cell to look at: the field's own, else the first of the task, by its row."""
    own = group.get(field)
    if own:
        return own[0].address
    first = next(cell for cells in group.values() for cell in cells)
    return f"第{re.sub('[A-Z]', '', first.address)}行"


def _number(text: str) -> tuple[int | None, int | None, str] | None:
    """(number, sub-number, as printed where it is more than digits); (None, None, case number) of a petition."""
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).rstrip(".、")
    if match := _NUMBERED.fullmatch(plain):
        try:
            number, sub = to_number(match["number"]), match["sub"] and to_number(match["sub"])
        except ValueError:
            return None
        printed = "" if plain.isdecimal() else plain if plain.startswith("第") else ""
        return (number, sub, printed) if 1 <= number <= LARGEST and (sub or 1) <= LARGEST else None
    return (None, None, plain) if _CASE.fullmatch(plain) and re.search("[A-Z]", plain) else None


def _measures(text: str) -> tuple[tuple[str, str, str], ...]:
    """The measures of a cell: its numbered items, else one a line."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if len(lines) == 1:
        lines = _split_inline(lines[0])
    paragraphs, items = split_lines(lines)
    found = [("", "", paragraph) for paragraph in paragraphs]
    for item in items:
        fits = len(item.heading) <= LONGEST_HEADING
        found.append((item.label, item.heading, item.text) if fits else (item.label, "", item.heading + item.text))
    return tuple(found)


_INLINE = [
    re.compile(rf"(?:(?<=[。；;：:])|^)\s*{label}")
    for label in (r"(\d{1,2})[.．、](?!\d)", rf"[(（]({NUMBER})[)）]", r"([一二三四五六七八九十]{1,3})是")
]


def _split_inline(line: str) -> list[str]:
    """`1.…；2.…` as one line per number, （一） and 一是 likewise; the numbers must count from one."""
    for pattern in _INLINE:
        starts = list(pattern.finditer(line))
        if len(starts) > 1 and [to_number(match[1]) for match in starts] == list(range(1, len(starts) + 1)):
            cuts = sorted({0, len(line), *(match.start() for match in starts)})
            return [line[start:end].strip() for start, end in itertools.pairwise(cuts)]
    return [line]


def _check_repeats(plan: Plan) -> None:
    seen = {}
    for task in plan.tasks:
        key = tuple(task.identity.values())
        if key in seen:
            plan.faults.append(Fault(task.place, f"序号与 {seen[key]} 重复。"))
        seen.setdefault(key, task.place)


# --- Into the ledger ---------------------------------------------------------------------------------------------------

FILLED = ("problem", "objective", "deadline_text", "responsible_units", "supervising_units")


@dataclasses.dataclass
class Stored:
    """What an import came to: the tasks that are new, those that were there and got what they lacked, remarks."""

    new: list[RectificationTask]
    filled: list[RectificationTask]
    unchanged: int
    remarks: list[Fault]


@transaction.atomic
def store(plan: Plan, organisation: Organisation, round_: InspectionRound) -> Stored:
    """Store the tasks of a plan. What is recorded is never overwritten, only filled in. Raises Refused; then nothing is
    stored."""
    if plan.faults:
        raise Refused(plan.faults)
    stored, faults = Stored([], [], 0, list(plan.remarks)), []
    for planned in plan.tasks:
        try:
            _store_task(planned, organisation, round_, stored)
        except ValidationError as error:
            faults += [Fault(planned.place, text) for text in error.messages]
    if faults:
        raise Refused(faults)
    return stored


def _store_task(planned: Planned, organisation: Organisation, round_: InspectionRound, stored: Stored) -> None:
    said = {name: getattr(planned, name) for name in FILLED}
    task = RectificationTask.objects.filter(organisation=organisation, round=round_, **planned.identity).first()
    if not task:
        task = RectificationTask(organisation=organisation, round=round_, **planned.identity, **said)
        task.number_text = "" if planned.number is None else planned.number_text
        task.deadline_on = find_deadline(task.deadline_text)
        task.full_clean()
        task.save()
        _write_measures(task, planned)
        stored.new.append(task)
    elif _fill(task, said, planned, stored):
        stored.filled.append(task)
    else:
        stored.unchanged += 1


def _fill(task: RectificationTask, said: dict, planned: Planned, stored: Stored) -> bool:
    """Whether the task lacked anything of what the plan says; where it says something else, a remark tells."""
    lacking = [name for name, text in said.items() if text and not getattr(task, name)]
    differing = [TITLES[name] for name, text in said.items() if text and getattr(task, name) not in ("", text)]
    known = tuple(task.measures.values_list("label", "heading", "text"))
    if known and planned.measures and known != planned.measures:
        differing.append(TITLES["measures"])
    if differing:
        text = f"{task.label}已经登记，{'、'.join(differing)}与文件不同，没有改动；需要时请在任务页面修改。"
        stored.remarks.append(Fault(planned.place, text))
    for name in lacking:
        setattr(task, name, said[name])
    if "deadline_text" in lacking:
        task.deadline_on = task.deadline_on or find_deadline(task.deadline_text)
        lacking.append("deadline_on")
    if lacking:
        task.full_clean()
        task.save(update_fields=lacking)
    if planned.measures and not known:
        _write_measures(task, planned)
        return True
    return bool(lacking)


def _write_measures(task: RectificationTask, planned: Planned) -> None:
    Measure.objects.bulk_create(
        Measure(task=task, ordinal=ordinal, label=label, heading=heading, text=text)
        for ordinal, (label, heading, text) in enumerate(planned.measures, 1)
    )


# --- The template ------------------------------------------------------------------------------------------------------

WIDTHS = (8, 40, 30, 60, 16, 24, 24)
EXAMPLE = (
    "1",
    "青澜河两岸长期堆放建筑垃圾。",
    "完成清理，恢复河道原貌。",
    "（一）清理河道。清运两岸垃圾。\n（二）加强巡查。每周巡查一次。",
    "2026年12月底",
    "青澜市水务局",
    "青澜市生态环境局",
)
ADVICE = (
    ("序号", "1、十二、第三项、4-2（第四项问题二）或信访受理编号。一项任务占几行时，序号合并单元格或下面几行留空。"),
    ("反馈问题", "必填，照反馈意见填写。"),
    ("整改措施", "一格里有几条措施时，每条以（一）、1. 或一是开头，或每条一行，分别读入。"),
    ("整改时限", "照方案原文，例如 2026年12月底、立行立改；有日期的会用于提醒。"),
    ("责任单位", "几个单位之间用顿号分开。"),
)


def template() -> bytes:
    """An empty plan as xlsx, with a second sheet that says how to fill it in."""
    advice = [("栏目", "填写说明"), *ADVICE, ("", ""), ("示例", *EXAMPLE)]
    return sheets.to_xlsx([("任务清单", [list(TITLES.values())]), ("填写说明", advice)], WIDTHS)
