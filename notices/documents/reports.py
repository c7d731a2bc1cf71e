"""A report for the file: headings, lines and tables of plain text, as a page, as PDF, as a Word file. No database."""

import dataclasses
import datetime
import io
import re
from typing import NamedTuple

from .sparing import sparing

_IMPOSSIBLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML cannot hold


class Piece(NamedTuple):
    """A few words of a line; on a page they lead to `url` where there is one."""

    text: str
    url: str = ""


Line = tuple[Piece, ...]


@dataclasses.dataclass(frozen=True)
class Part:
    """One heading with its lines and, where `head` names columns, a table below them."""

    heading: str
    lines: tuple[Line, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[Line, ...], ...] = ()


@dataclasses.dataclass(frozen=True)
class Report:
    """`subject` is what it is about, `notes` stand before the first part, `made` says when it was made and how."""

    title: str
    subject: str
    publisher: str
    notes: tuple[str, ...]
    parts: tuple[Part, ...]
    made: str


def line(text: str, url: str = "") -> Line:
    return (Piece(text, url),)


def plain(text: Line) -> str:
    return "".join(piece.text for piece in text)


def to_pdf(report: Report, *, at: datetime.datetime) -> bytes:
    """PDF/UA-1. `at` is when the file says it was made."""
    from .typesetting import typeset

    return typeset("report.typ", _data(report), at=at)


def _data(report: Report) -> dict:
    parts = [
        {
            "heading": part.heading,
            "lines": [plain(each) for each in part.lines],
            "head": list(part.head),
            "rows": [[plain(cell) for cell in row] for row in part.rows],
        }
        for part in report.parts
    ]
    return dataclasses.asdict(report) | {"parts": parts}


@sparing
def to_docx(report: Report) -> bytes:
    """A Word file to go on working with. Fonts are named, not embedded: every office has 仿宋 and 黑体."""
    import docx

    word = docx.Document()
    _dress(word)
    _add(word, report.title, "Title")
    _add(word, report.subject)
    for note in report.notes:
        _add(word, note)
    for part in report.parts:
        _add(word, part.heading, "Heading 1")
        for each in part.lines:
            _add(word, plain(each))
        if part.rows:
            _add_table(word, part)
    _add(word, report.made)
    file = io.BytesIO()
    word.save(file)
    return file.getvalue()


def _add(word, text: str, style: str = "Normal") -> None:
    word.add_paragraph(_possible(text), style=style)


def _add_table(word, part: Part) -> None:
    table = word.add_table(rows=1, cols=len(part.head), style="Table Grid")
    for cell, name in zip(table.rows[0].cells, part.head, strict=True):
        cell.text = name
    for row in part.rows:
        for cell, value in zip(table.add_row().cells, row, strict=True):
            cell.text = _possible(plain(value))


def _dress(word) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    for name, font, size in (("Title", "黑体", 20), ("Heading 1", "黑体", 14), ("Normal", "仿宋", 12)):
        style = word.styles[name]
        style.font.name, style.font.size, style.font.color.rgb = font, Pt(size), RGBColor(0, 0, 0)
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)


def _possible(text: str) -> str:
    return _IMPOSSIBLE.sub(lambda found: f"〔U+{ord(found[0]):04X}〕", text)
