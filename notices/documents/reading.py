"""A bureau's own file → NoticeDocument, every field with where it came from, nothing dropped in silence."""

import dataclasses
import pathlib

from . import statements
from .files import MAX_BYTES, Line, Page, Unreadable, read_page, text_lines, too_large
from .layout import Layout, lay_out
from .notice import NoticeDocument, Section, TaskReference, Window
from .outline import kind_of, match_label, meaning_of, split_enumeration, split_lines

__all__ = ["Origin", "Reading", "Remark", "Unreadable", "read_bytes", "read_file", "read_text", "split_body"]


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a field came from: its name ("window", "sections[2]"), the place ("第7行"), the text it was read from."""

    field: str
    place: str
    source: str


@dataclasses.dataclass(frozen=True)
class Remark:
    """What staff should look at: the place, one Chinese sentence, the text it is about.

    `unsure` marks what was guessed or is missing; the others only inform.
    """

    place: str
    text: str
    source: str = ""
    unsure: bool = True


@dataclasses.dataclass
class Reading:
    """What was read from a file, and the lines that it was read from."""

    document: NoticeDocument
    origins: list[Origin]
    remarks: list[Remark]
    lines: tuple[Line, ...] = ()


def read_file(path: str | pathlib.Path) -> Reading:
    """The notice in a txt, html or docx file. Raises Unreadable; a file over 10 MB is refused before it is opened."""
    path = pathlib.Path(path)
    try:
        if not path.is_file():  # a pipe or a device may never end
            raise OSError("not a file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Unreadable(too_large(size))
        content = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"文件{path.name}打不开；请检查文件是否存在、是否有读取权限。") from error
    return read_bytes(path.name, content)


def read_bytes(name: str, content: bytes) -> Reading:
    """The notice in the bytes of a file called `name`. Raises Unreadable."""
    return _read(read_page(name, content))


def read_text(text: str) -> Reading:
    """The notice in a plain text. Raises Unreadable."""
    return _read(Page(tuple(text_lines(text)), plain=True))


def split_body(text: str) -> tuple[tuple[str, ...], tuple]:
    """(paragraphs, items) of one section's body, one paragraph a line; the inverse of `rendering.section_text`."""
    return split_lines([line.strip() for line in text.split("\n") if line.strip()])


def _read(page: Page) -> Reading:
    _require_notice(page)
    layout = lay_out(page)
    basis, drafts = _drafts(layout)
    sections = tuple(draft.section(layout.own) for draft in drafts)
    document = NoticeDocument(
        title=layout.title.text,
        basis=basis.text if basis else "",
        sections=sections,
        signatories=tuple(line.text for line in layout.signatories),
        signed_on=layout.signed_on,
    )
    document = _with_facts(document)
    origins = _origins(document, layout, basis, drafts)
    return Reading(document, origins, _remarks(document, layout, drafts), page.lines)


def _require_notice(page: Page) -> None:
    text = "\n".join(line.text for line in page.lines)
    if not text:
        raise Unreadable("文件里没有任何文字；如果公示是图片，请先把文字录入Word或文本文件。")
    if "公示" not in text or not any(word in text for word in ("整改", "督察", "督查", "信访", "交办", "验收", "销号")):
        raise Unreadable("没有找到整改任务公示：文中没有“公示”和“整改”“督察”等字样；请检查是否选错了文件。")


# ---- sections


@dataclasses.dataclass
class _Draft:
    """A section while its lines are gathered."""

    heading: Line | None
    lines: list[Line]

    @property
    def words(self) -> str:
        return self.heading.text if self.heading else ""

    def section(self, own: bool) -> Section:
        lines = [line.text for line in self.lines]
        if not own and lines and not any(map(match_label, lines[:-1])):
            lines += split_enumeration(lines.pop())
        paragraphs, items = split_lines(lines, exact=own)
        return Section(kind=kind_of(self.words), heading=self.words, paragraphs=paragraphs, items=items)


def _drafts(layout: Layout) -> tuple[Line | None, list[_Draft]]:
    """The basis, which is the first text under the title, and the sections. Text without a heading is a free section."""
    body, basis = layout.body, None
    if (
        body
        and body[0][0] == "text"
        and not match_label(body[0][1].text)
        and not statements.is_closing(body[0][1].text)
    ):
        basis, body = body[0][1], body[1:]
    drafts = [_Draft(None, list(layout.before))] if layout.before else []
    for role, line in body:
        if role == "heading":
            drafts.append(_Draft(line, []))
        elif not drafts or _leaves(drafts[-1], line.text):
            drafts.append(_Draft(None, [line]))
        else:
            drafts[-1].lines.append(line)
    return basis, drafts


def _leaves(draft: _Draft, text: str) -> bool:
    """Whether a paragraph belongs to the end of the notice and not to the section above it."""
    if not statements.is_closing(text) or (kind_of(draft.words) == "acceptance" and text.startswith(("于", "已完成"))):
        return False
    return not statements.takes_closing(draft.words, any(match_label(line.text) for line in draft.lines))


# ---- facts


def _with_facts(document: NoticeDocument) -> NoticeDocument:
    text = statements.body_text(document)
    window, office = statements.find_window(text), statements.find_office(text)
    if office and not office.name and len(document.signatories) == 1:
        office = dataclasses.replace(office, name=document.signatories[0])
    return dataclasses.replace(
        document,
        stage=statements.find_stage(f"{document.title}\n{text}"),
        tasks=_tasks(document, text),
        acceptance=statements.acceptance_of(document.basis, document.sections),
        window=window.window if window else None,
        office=office,
    )


def _tasks(document: NoticeDocument, text: str) -> tuple[TaskReference, ...]:
    """From the title; where it names none from the basis, then the problem, then petition numbers anywhere."""
    problem = document.section("problem")
    about = f"{problem.heading}\n{statements.section_text(problem)}" if problem else ""
    for source in (document.title, document.basis, about):
        tasks = statements.find_tasks(source)
        if tasks:
            return _with_round(tasks, f"{document.title}\n{document.basis}")
    petitions = tuple(task for task in statements.find_tasks(text) if task.number is None)
    return _with_round(petitions, f"{document.title}\n{document.basis}")


def _with_round(tasks: tuple[TaskReference, ...], text: str) -> tuple[TaskReference, ...]:
    """Tasks named without a round get the one that title or basis name; one with an ordinal says more than one without."""
    rounds = statements.find_rounds(text)
    name = next((name for name in rounds if "轮" in name or "回头看" in name or "专项" in name), "".join(rounds[:1]))
    return tuple(dataclasses.replace(task, round=task.round or name) for task in tasks)


# ---- where from, and what to look at


def _origins(document: NoticeDocument, layout: Layout, basis: Line | None, drafts: list[_Draft]) -> list[Origin]:
    origins = [Origin("title", layout.title.place, layout.title.text)]
    if basis:
        origins.append(Origin("basis", basis.place, basis.text))
    for number, draft in enumerate(drafts):
        first = draft.heading or draft.lines[0]
        origins.append(Origin(f"sections[{number}]", first.place, first.text))
    for field, clue in _clues(document):
        line = _line_with(clue, field, layout, basis, drafts)
        if line:
            origins.append(Origin(field, line.place, line.text))
    origins += [Origin(f"signatories[{n}]", line.place, line.text) for n, line in enumerate(layout.signatories)]
    if layout.date:
        origins.append(Origin("signed_on", layout.date.place, layout.date.text))
    return origins


def _clues(document: NoticeDocument) -> list[tuple[str, str]]:
    """(field, the printed words that show which line it was read from)."""
    text = statements.body_text(document)
    window = statements.find_window(text)
    clues = [(f"tasks[{number}]", task.number_text) for number, task in enumerate(document.tasks)]
    if window:
        clues.append(("window", text[slice(*window.span)].split("\n")[-1]))
    if document.acceptance:
        clues.append(("acceptance", document.acceptance.conclusion or "验收"))
    for name, value in dataclasses.asdict(document.office).items() if document.office else ():
        clues.append((f"office.{name}", value.split("、")[0]))
    return [(field, clue) for field, clue in clues if clue]


def _line_with(clue: str, field: str, layout: Layout, basis: Line | None, drafts: list[_Draft]) -> Line | None:
    """The line that holds the words: the first for tasks, which stand in the title, else the last."""
    body = [line for draft in drafts for line in (draft.heading, *draft.lines)]
    lines = [line for line in (layout.title, basis, *body) if line]
    ordered = lines if field.startswith("tasks") else reversed(lines)
    return next((line for line in ordered if clue in line.text or clue in line.text.replace(" ", "")), None)


def _remarks(document: NoticeDocument, layout: Layout, drafts: list[_Draft]) -> list[Remark]:
    remarks = []
    if not layout.sure_of_title:
        remarks.append(Remark(layout.title.place, "没有认出标题，暂以第一行作为标题，请核对。", layout.title.text))
    remarks += [Remark(line.place, "标题之前的文字保留为正文，请核对。", line.text) for line in layout.before]
    remarks += [Remark(line.place, "网页附属文字，未读入公示。", line.text, unsure=False) for line in layout.furniture]
    for draft in drafts:
        remarks += _remarks_on(draft, layout)
    return remarks + _missing(document)


def _remarks_on(draft: _Draft, layout: Layout) -> list[Remark]:
    if draft.heading:
        unknown = meaning_of(draft.words) is None
        return [Remark(draft.heading.place, "没有认出这个小标题，按“其他”保留。", draft.words)] if unknown else []
    free = [line for line in draft.lines if line not in layout.before]
    if free and not statements.is_closing(free[0].text):
        return [Remark(line.place, "这段文字没有小标题，作为正文保留，请核对归属。", line.text) for line in free]
    return []


def _missing(document: NoticeDocument) -> list[Remark]:
    missing = (
        (not document.tasks, "没有读到任务序号（如“第一项整改任务”），请补填。"),
        (not document.basis, "没有读到公示依据，请补填。"),
        (not document.window, "没有读到公示期的起止日期，请补填。"),
        (not document.office, "没有读到异议受理单位和联系方式，请补填。"),
        (not document.signatories, "没有读到落款单位，请补填。"),
        (not document.signed_on, "没有读到落款日期，请补填。"),
    )
    remarks = [Remark("全文", text) for is_missing, text in missing if is_missing]
    return remarks + _odd_window(document.window)


def _odd_window(window: Window | None) -> list[Remark]:
    if window and window.closes_on < window.opens_on:
        return [Remark("全文", "公示期的截止日期早于起始日期，请核对。")]
    return []
