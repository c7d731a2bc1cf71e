"""Files as lines of text: txt in the encodings Chinese offices use, web pages, Word documents.

Whatever a file holds, it costs bounded time and memory: sizes are checked before anything is unpacked or parsed.
"""

import codecs
import dataclasses
import re
import unicodedata

MEGABYTE = 1024 * 1024
MAX_BYTES = 10 * MEGABYTE
MAX_CHARACTERS = 1_000_000
MAX_LINES = 20_000


class Unreadable(Exception):
    """The file cannot be read as a notice; the message says in Chinese what is wrong and what to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line: its text without outer blanks, the number of blanks before it, where it stands ("第3行")."""

    text: str
    indent: int = 0
    place: str = ""


@dataclasses.dataclass(frozen=True)
class Page:
    """What a file says, line by line; `web` for a web page, where much is furniture, `plain` for plain text."""

    lines: tuple[Line, ...]
    web: bool = False
    plain: bool = False


def read_page(name: str, content: bytes) -> Page:
    """The lines of a txt, html or docx file, by its content rather than its name. Raises Unreadable."""
    if len(content) > MAX_BYTES:
        raise Unreadable(too_large(len(content)))
    if not content.strip():
        raise Unreadable("文件是空的，没有任何文字；请检查是否选错了文件。")
    _refuse_foreign_format(content)
    if content.startswith(b"PK"):
        from .word import read_docx

        return Page(tuple(numbered(read_docx(content))))
    text = decode(content)
    if name.lower().endswith((".html", ".htm")) or _HTML.search(text[:5000]):
        from .web import read_html

        return Page(tuple(numbered(read_html(text))), web=True)
    return Page(tuple(text_lines(text)), plain=True)


def too_large(size: int) -> str:
    """The sentence for a file of `size` bytes that is over the limit."""
    limit = MAX_BYTES // MEGABYTE
    return f"文件有{size / MEGABYTE:.1f}MB，超过{limit}MB的上限；请删去图片或附件，只保留公示正文后再导入。"


_HTML = re.compile(r"<!doctype html|<html[\s>]|<body[\s>]|<meta\s[^>]{0,200}>|</p>|</div>|</table>", re.IGNORECASE)
_FORMATS = (
    (b"%PDF", "这是PDF文件，不能可靠地读出文字；请改用Word（.docx）、网页（.html）或文本（.txt）文件。"),
    (b"\xd0\xcf\x11\xe0", "这是旧版Word（.doc）或WPS文件；请用Word或WPS另存为.docx后再导入。"),
    (b"{\\rtf", "这是RTF文件；请用Word或WPS另存为.docx后再导入。"),
)
BINARY = "文件不是文本、网页或Word文档，读不出文字；请检查是否选错了文件。"
UNKNOWN_ENCODING = "文件的文字编码无法识别；请用记事本或WPS另存为UTF-8编码的文本文件后再导入。"


def _refuse_foreign_format(content: bytes) -> None:
    for start, message in _FORMATS:
        if content.startswith(start):
            raise Unreadable(message)


# ---- encodings

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]{2,20})", re.IGNORECASE)
_SIMPLIFIED = {"gb2312", "gbk", "gb18030", "gb_2312-80", "x-gbk", "hz-gb-2312"}


def decode(content: bytes) -> str:
    """The text of UTF-8, UTF-16 with BOM or GB18030 bytes, without control characters. Raises Unreadable."""
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return clean(_decoded(content, encoding) or _unknown(content))
    if b"\0" in content:
        raise Unreadable(BINARY)
    charset = _CHARSET.search(content[:4096])
    if charset and charset[1].decode().lower() in _SIMPLIFIED:
        return clean(_decoded(content, "gb18030") or _decoded(content, "utf-8") or _unknown())
    text = _decoded(content, "utf-8")
    if text is None:
        text = _decoded(content, "gb18030")
        if text is None or not _is_plausible_chinese(text):
            _unknown(content)
    return clean(text)


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding, "surrogatepass" if encoding == "utf-8" else "strict")
    except UnicodeDecodeError:
        return None


def _unknown(content: bytes = b"") -> str:
    """Raise Unreadable: as binary when there are control characters, else for the encoding."""
    control = len(re.findall(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", content[:10_000]))
    raise Unreadable(BINARY if control > 10 else UNKNOWN_ENCODING)


def _is_plausible_chinese(text: str) -> bool:
    """Nearly everything decodes as GB18030; Chinese text consists of the 3,755 common characters of GB 2312 level 1."""
    foreign = [character for character in text[:20_000] if not character.isascii()]
    common = sum(1 for character in foreign if _is_common(character))
    return common >= 0.85 * len(foreign)


def _is_common(character: str) -> bool:
    """Level 1 of GB 2312 (lead bytes B0–D7), or its punctuation and full-width forms (A1, A3)."""
    try:
        lead = character.encode("gb2312")[0]
    except UnicodeEncodeError:
        return character in "—·…"
    return 0xB0 <= lead <= 0xD7 or lead in (0xA1, 0xA3)


_CONTROL = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\uffff\ud800-\udfff]"
)


def clean(text: str) -> str:
    """The text without control, invisible and bidirectional characters and lone surrogates; every line end is \\n."""
    return re.sub(r"\r\n?|[\v\f\x85\u2028\u2029]", "\n", _CONTROL.sub("", text))


# ---- lines


def text_lines(text: str) -> list[Line]:
    """The lines of a text that are not blank, with the width of their indent. Raises Unreadable for a book."""
    text = clean(text)
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(too_long(len(text), MAX_CHARACTERS, "字符"))
    if text.count("\n") > MAX_LINES:
        raise Unreadable(too_long(text.count("\n"), MAX_LINES, "行"))
    lines = []
    for number, raw in enumerate(text.split("\n"), 1):
        stripped = raw.strip()
        if stripped:
            lines.append(Line(stripped, _width(raw[: len(raw) - len(raw.lstrip())]), f"第{number}行"))
    return lines


def too_long(found: int, limit: int, unit: str) -> str:
    """The sentence for a text of more characters or lines than a notice can have."""
    return f"文件有{found}{unit}，超过{limit}{unit}的上限，不像一份公示；请只保留公示正文后再导入。"


def _width(blanks: str) -> int:
    """Columns: a full-width blank counts two, a tab four."""
    return sum(4 if blank == "\t" else 2 if unicodedata.east_asian_width(blank) in "FW" else 1 for blank in blanks)


def numbered(paragraphs: list[str]) -> list[Line]:
    """The lines of paragraphs, each with the place of its paragraph; blank ones are left out. Raises Unreadable."""
    places = [place for place, text in enumerate(paragraphs, 1) for _ in range(clean(text).count("\n") + 1)]
    lines = text_lines("\n".join(paragraphs))
    return [dataclasses.replace(line, place=f"第{places[int(line.place[1:-1]) - 1]}段") for line in lines]


def row_lines(cells: list[list[str]]) -> list[str]:
    """A table row as one line, or as heading and text where the first of two cells is the heading of the second."""
    from .outline import is_known_heading

    filled = [[text for text in cell if text.strip()] for cell in cells]
    filled = [cell for cell in filled if cell]
    if len(filled) == 2 and len(filled[0]) == 1 and is_known_heading(filled[0][0].strip()):
        return [filled[0][0].strip(), *filled[1]]
    line = " | ".join(" ".join(text.strip() for text in cell) for cell in filled)
    return [line] if line else []
