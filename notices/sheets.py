"""Tables from and for spreadsheets: xlsx and csv → cells with their addresses, rows → xlsx and csv. No database.

Whatever a file holds, it costs bounded time and memory: a workbook is weighed before it is opened, and read as a stream.
What is written is text, cell by cell: no program takes any of it for a formula.
"""

import csv
import dataclasses
import datetime
import io
import itertools
import re
import zipfile
from collections.abc import Iterable

from django.core.files.base import ContentFile

from . import attachments
from .documents.files import MAX_BYTES, MEGABYTE, Unreadable, clean, decode, too_large
from .documents.numerals import chinese_date

MAX_UNPACKED = 16 * MEGABYTE  # a plan of 200 tasks has half of one
MAX_ROWS, MAX_COLUMNS, MAX_SHEETS = 5_000, 50, 10
MAX_TEXT = 400_000  # characters of a whole sheet
MAX_CELL = 32_000  # what one cell of a spreadsheet can hold

_BROKEN = "文件已损坏，无法打开；请用 Excel 或 WPS 打开后另存为新的 .xlsx 再导入。"
_TOO_BIG = "表格过大，不像一份整改任务清单；请只保留任务清单后再导入。"
_OLD = "这是旧版 Excel（.xls）、加密的或 WPS 专用的文件；请去掉密码，另存为 .xlsx 后再导入。"


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """What a cell says, where it is ("B7"), and where its text was typed: merged cells share their first one's."""

    text: str
    address: str
    origin: str


@dataclasses.dataclass(frozen=True)
class Sheet:
    """One sheet: every row has the same number of cells."""

    name: str
    rows: list[list[Cell]]


def read_sheets(name: str, content: bytes) -> list[Sheet]:
    """The sheets of an xlsx or csv file (UTF-8, UTF-16 or GBK), by its content. Raises Unreadable."""
    if len(content) > MAX_BYTES:
        raise Unreadable(too_large(len(content)))
    if not content.strip():
        raise Unreadable("文件是空的；请检查是否选错了文件。")
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(_OLD)
    if content.startswith(b"PK"):
        return _read_workbook(content)
    return [_sheet(name, _read_csv(decode(content)), {})]


def address(row: int, column: int) -> str:
    """The address of a cell, both counted from 0: (6, 1) is B7."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"


def _sheet(name: str, rows: list[list[str]], merged: dict[tuple[int, int], tuple[int, int]]) -> Sheet:
    width = max(map(len, rows), default=0)
    rows = [row + [""] * (width - len(row)) for row in rows]
    if sum(len(text) for row in rows for text in row) > MAX_TEXT:
        raise Unreadable(_TOO_BIG)
    cells = []
    for y in range(len(rows)):
        origins = [merged.get((y, x), (y, x)) for x in range(width)]
        cells.append([Cell(rows[a][b], address(y, x), address(a, b)) for x, (a, b) in enumerate(origins)])
    return Sheet(name, cells)


# --- csv ---------------------------------------------------------------------------------------------------------------


def _read_csv(text: str) -> list[list[str]]:
    first = text.lstrip("\n").split("\n", 1)[0]
    delimiter = max(",;\t，", key=first.count)
    try:
        read = itertools.islice(csv.reader(io.StringIO(text), delimiter=delimiter), MAX_ROWS + 1)
        rows = [[cell.strip() for cell in row] for row in read]
    except csv.Error as error:
        raise Unreadable("文件不是完整的 CSV 表格：可能少了一个引号。请另存为 .xlsx 后再导入。") from error
    if len(rows) > MAX_ROWS or max(map(len, rows), default=0) > MAX_COLUMNS:
        raise Unreadable(_TOO_BIG)
    return rows


# --- xlsx --------------------------------------------------------------------------------------------------------------

_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]{0,200}?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')


def _read_workbook(content: bytes) -> list[Sheet]:
    import openpyxl

    _weigh(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            return [_read_worksheet(sheet, package) for sheet in book.worksheets[:MAX_SHEETS]]
    except Unreadable:
        raise
    except Exception as error:  # the library fails in many ways on a file that is not what it says
        raise Unreadable(_BROKEN) from error


def _weigh(content: bytes) -> None:
    """Raise Unreadable for what is no Excel file, or would cost too much; every part is what the directory says of it."""
    try:
        attachments.check(ContentFile(content, "plan.xlsx"))
    except attachments.Refused as refusal:
        raise Unreadable(f"{refusal}。") from refusal
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        parts = [entry for entry in package.infolist() if entry.filename.endswith((".xml", ".rels"))]
        if sum(entry.file_size for entry in parts) > MAX_UNPACKED:
            raise Unreadable(_TOO_BIG)
        for entry in parts:
            if re.search(rb"<!\s*(?:DOCTYPE|ENTITY)", package.read(entry).replace(b"\0", b"")):
                raise Unreadable(
                    "表格含有不允许的实体声明，可能是恶意文件，已拒绝读取；请把内容复制到新的表格后再导入。"
                )


def _read_worksheet(sheet, package: zipfile.ZipFile) -> Sheet:
    sheet.reset_dimensions()  # what a file says of its own size is not to be relied on
    rows = [
        [_printed(value) for value in row]
        for row in sheet.iter_rows(max_row=MAX_ROWS + 1, max_col=MAX_COLUMNS, values_only=True)
    ]
    if len(rows) > MAX_ROWS:
        raise Unreadable(_TOO_BIG)
    return _sheet(sheet.title, rows, _merged(package.read(sheet._worksheet_path.lstrip("/")), rows))


def _merged(xml: bytes, rows: list[list[str]]) -> dict[tuple[int, int], tuple[int, int]]:
    """Cell → the first cell of the range that it belongs to; nothing of a range outside the table."""
    height, width, merged = len(rows), max(map(len, rows), default=0), {}
    for match in _MERGED.finditer(xml):
        top, left, bottom, right = int(match[2]) - 1, _column(match[1]), int(match[4]), _column(match[3]) + 1
        for y in range(top, min(bottom, height)):
            for x in range(left, min(right, width)):
                if merged.setdefault((y, x), (top, left)) != (top, left):
                    return merged  # ranges that overlap are nobody's table
    return merged


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1


def _printed(value) -> str:
    """A cell's value as people read it."""
    match value:
        case None:
            return ""
        case bool():
            return "是" if value else "否"
        case datetime.datetime() | datetime.date():
            return chinese_date(value)
        case float() if value.is_integer():
            return str(int(value))
    return clean(str(value)).strip()


# --- Writing ---------------------------------------------------------------------------------------------------------

DANGEROUS = tuple("=+-@\t\r\n＝＋－＠|%")
_IMPOSSIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _text(value) -> str:
    """A value as the text of a cell: without what a spreadsheet cannot hold."""
    return _IMPOSSIBLE.sub("", "" if value is None else str(value))[:MAX_CELL]


def is_dangerous(text: str) -> bool:
    """Whether a spreadsheet might take this text, blanks before it or not, for a formula."""
    return text.lstrip(" \u3000\xa0").startswith(DANGEROUS) or text.startswith(("\t", "\r", "\n"))


def to_xlsx(tables: Iterable[tuple[str, Iterable[Iterable]]], widths: Iterable[int] = ()) -> bytes:
    """A workbook of (name of the sheet, rows); the first row of each is its heading. Every cell is text."""
    import openpyxl
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook(write_only=True)
    wrapped, bold = Alignment(wrap_text=True, vertical="top"), Font(bold=True)
    for name, rows in tables:
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for number, width in enumerate(widths, 1):
            sheet.column_dimensions[get_column_letter(number)].width = width
        for place, row in enumerate(rows):
            cells = []
            for value in row:
                cell = WriteOnlyCell(sheet, value="")
                cell._value, cell.data_type = _text(value), "s"
                cell.number_format, cell.alignment, cell.quotePrefix = "@", wrapped, is_dangerous(_text(value))
                if not place:
                    cell.font = bold
                cells.append(cell)
            sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def to_csv(rows: Iterable[Iterable]) -> bytes:
    """UTF-8 with a mark, as Excel wants it; what might be taken for a formula has an apostrophe before it."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    for row in rows:
        writer.writerow("'" + text if is_dangerous(text := _text(value)) else text for value in row)
    return file.getvalue().encode("utf-8-sig")
