"""The text of a Word document, paragraph by paragraph, with the numbers that Word counts itself.

Only three parts of the package are unpacked, each within a limit that holds whatever the zip's directory claims, and
the text is read as a stream; python-docx would unpack and keep everything, and refuses some files that WPS writes.
"""

import collections
import io
import re
import zipfile
import zlib

from .files import BINARY, MEGABYTE, Unreadable, row_lines
from .numerals import to_chinese
from .rendering import INDENT, SIGNATURE_INDENT

MAX_ENTRIES = 2_000
MAX_UNPACKED = 100 * MEGABYTE
MAX_RATIO = 200
MAX_DOCUMENT = 16 * MEGABYTE
MAX_SMALL_PART = 2 * MEGABYTE
MAX_TAGS = 600_000
CHUNK = 64 * 1024

_BROKEN = "Word文件已损坏，无法打开；请用Word或WPS打开后另存为新的.docx再导入。"
_BOMB = "Word文件解压后过大，可能是恶意文件，已拒绝读取；请把公示正文复制到新的文档后再导入。"
_ENTITIES = "Word文件含有不允许的实体声明，可能是恶意文件，已拒绝读取；请把公示正文复制到新的文档后再导入。"


def read_docx(content: bytes) -> list[str]:
    """The paragraphs and table rows in document order. Raises Unreadable."""
    document = read_part(content, "word/document.xml", MAX_DOCUMENT)
    if document is None:
        raise Unreadable(BINARY)
    if document.count(b"<") > MAX_TAGS:
        raise Unreadable(_BOMB)
    small = (read_part(content, f"word/{name}.xml", MAX_SMALL_PART) for name in ("numbering", "styles"))
    return _parsed(document, _Body(_Numbers(*small), styled=b'"Heading1"' in document))


def read_part(content: bytes, name: str, limit: int) -> bytes | None:
    """One part of the package, None when it has none of that name.

    Raises Unreadable before anything is unpacked when the directory declares too many entries, too much or too
    dense data; while unpacking when there is more than `limit`, since declarations lie; and when the zip is broken.
    """
    if content.count(b"PK\x01\x02") > MAX_ENTRIES:
        raise Unreadable(_BOMB)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            entries = package.infolist()
            guard(entries)
            entry = next((entry for entry in entries if entry.filename == name), None)
            return unpack(package, entry, limit) if entry else None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise Unreadable(_BROKEN) from error


def guard(entries: list[zipfile.ZipInfo]) -> None:
    """Raise Unreadable when the directory of the zip already declares too much."""
    declared = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    too_dense = declared > MEGABYTE and declared > MAX_RATIO * max(packed, 1)
    if len(entries) > MAX_ENTRIES or declared > MAX_UNPACKED or too_dense:
        raise Unreadable(_BOMB)


def unpack(package: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    """The bytes of one entry, in small steps so that a lying directory cannot fill the memory."""
    if entry.file_size > limit:
        raise Unreadable(_BOMB)
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable(_BROKEN)
    parts, size = [], 0
    with package.open(entry) as stream:
        while part := stream.read(CHUNK):
            size += len(part)
            if size > limit:
                raise Unreadable(_BOMB)
            parts.append(part)
    return b"".join(parts)


def _parsed(xml: bytes, target):
    """What `target` makes of the XML, which may declare no entities."""
    import lxml.etree

    if re.search(rb"<!\s*(?:DOCTYPE|ENTITY)", xml.replace(b"\0", b"")):
        raise Unreadable(_ENTITIES)
    parser = lxml.etree.XMLParser(target=target, resolve_entities=False, no_network=True, load_dtd=False)
    try:
        parser.feed(xml)
        return parser.close()
    except lxml.etree.LxmlError as error:
        raise Unreadable(_BROKEN) from error


_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
# Deleted and moved-away text, and the second copy of a text box.
_SKIPPED = {f"{_W}del", f"{_W}moveFrom", f"{_COMPATIBILITY}Fallback"}
_CHARACTERS = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def _local(tag: str) -> str:
    return tag.removeprefix(_W)


class _Paragraph:
    def __init__(self):
        self.text: list[str] = []
        self.style = ""
        self.number: dict[str, str] = {}


class _Body:
    """Target of lxml's parser: paragraphs and rows of word/document.xml as lines."""

    def __init__(self, numbers: "_Numbers", *, styled: bool):
        self.numbers, self.styled = numbers, styled
        self.lines: list[str] = []
        self.paragraphs: list[_Paragraph] = []
        self.rows: list[list[list[str]]] = []
        self.skipped = 0
        self.in_text = False

    def start(self, tag, attributes):
        if self.skipped or tag in _SKIPPED:
            self.skipped += 1
            return
        name, value = _local(tag), attributes.get(f"{_W}val", "")
        if name == "p":
            self.paragraphs.append(_Paragraph())
        elif name == "tr":
            self.rows.append([])
        elif name == "tc" and self.rows:
            self.rows[-1].append([])
        elif name == "t":
            self.in_text = True
        elif self.paragraphs and name in _CHARACTERS and not attributes.get(f"{_W}pos"):
            self.paragraphs[-1].text.append(_CHARACTERS[name])
        elif self.paragraphs and name == "pStyle":
            self.paragraphs[-1].style = value
        elif self.paragraphs and name in ("numId", "ilvl"):
            self.paragraphs[-1].number[name] = value

    def end(self, tag):
        if self.skipped:
            self.skipped -= 1
            return
        name = _local(tag)
        if name == "t":
            self.in_text = False
        elif name == "p" and self.paragraphs:
            self._finish(self.paragraphs.pop())
        elif name == "tr" and self.rows:
            self._emit(row_lines(self.rows.pop()))

    def data(self, data):
        if self.in_text and not self.skipped and self.paragraphs:
            self.paragraphs[-1].text.append(data)

    def close(self):
        return self.lines

    def _finish(self, paragraph: _Paragraph) -> None:
        text = "".join(paragraph.text)
        if text.strip():
            label = self.numbers.next_label(paragraph.style, paragraph.number)
            self._emit([self._indent(paragraph.style) + (label + text.strip() if label else text)])

    def _indent(self, style: str) -> str:
        """Where headings have a style of their own, the layout of our own text form: it says all that the styles say."""
        if self.rows or not self.styled or style.startswith("Heading"):
            return ""
        return SIGNATURE_INDENT if style == "Signature" else INDENT

    def _emit(self, lines: list[str]) -> None:
        into = self.rows[-1][-1] if self.rows and self.rows[-1] else self.lines
        into += lines


class _Numbers:
    """The numbers that Word prints before paragraphs, from numbering.xml and styles.xml (either may be None)."""

    def __init__(self, numbering: bytes | None, styles: bytes | None):
        self.levels: dict[tuple[str, str], dict[str, str]] = collections.defaultdict(dict)
        self.abstract: dict[str, str] = {}
        self.styles: dict[str, dict[str, str]] = {}
        self.counts: dict[tuple[str, int], int] = {}
        if numbering:
            _parsed(numbering, _Numbering(self))
        if styles:
            self.styles = _parsed(styles, _Styles())

    def next_label(self, style: str, number: dict[str, str]) -> str:
        """What Word prints before the next paragraph with this style and this numPr; "" for none and for bullets."""
        number = self._of_style(style) | number
        abstract, depth = self.abstract.get(number.get("numId", "0")), number.get("ilvl", "0")
        level = self.levels.get((abstract, depth)) if abstract and depth.isdecimal() else None
        if not level or level.get("numFmt") in ("bullet", "none"):
            return ""
        self._count(abstract, int(depth), level)
        return re.sub(r"%(\d)", lambda match: self._printed(abstract, int(match[1]) - 1), level.get("lvlText", ""))

    def _of_style(self, style: str) -> dict[str, str]:
        number: dict[str, str] = {}
        for _ in range(10):
            found = self.styles.get(style, {})
            number = {name: value for name, value in found.items() if name != "basedOn"} | number
            style = found.get("basedOn", "")
        return number

    def _count(self, abstract: str, depth: int, level: dict[str, str]) -> None:
        start = level.get("start", "1")
        first = int(start) if start.isdecimal() else 1
        self.counts[abstract, depth] = self.counts.get((abstract, depth), first - 1) + 1
        for deeper in range(depth + 1, 9):
            self.counts.pop((abstract, deeper), None)

    def _printed(self, abstract: str, depth: int) -> str:
        count = self.counts.get((abstract, depth), 1)
        style = self.levels.get((abstract, str(depth)), {}).get("numFmt", "decimal")
        if re.search("hinese|ideograph|japanese|taiwanese", style) and 1 <= count <= 999:
            return to_chinese(count)
        if "Circle" in style and 1 <= count <= 20:
            return chr(0x245F + count)
        return chr(ord("a") + (count - 1) % 26) if style == "lowerLetter" else str(count)


class _Numbering:
    """Target: fills levels and numbers of `numbers` from numbering.xml."""

    def __init__(self, numbers: _Numbers):
        self.numbers, self.abstract, self.depth, self.number = numbers, "", "", ""

    def start(self, tag, attributes):
        name, value = _local(tag), attributes.get(f"{_W}val", "")
        if name == "abstractNum":
            self.abstract = attributes.get(f"{_W}abstractNumId", "")
        elif name == "lvl":
            self.depth = attributes.get(f"{_W}ilvl", "")
        elif name == "num":
            self.abstract, self.number = "", attributes.get(f"{_W}numId", "")
        elif name == "abstractNumId" and self.number:
            self.numbers.abstract[self.number] = value
        elif name in ("start", "numFmt", "lvlText") and self.abstract:
            self.numbers.levels[self.abstract, self.depth][name] = value

    def end(self, tag):
        pass

    def data(self, data):
        pass

    def close(self):
        return self.numbers


class _Styles:
    """Target: style id → {numId, ilvl, basedOn} from styles.xml."""

    def __init__(self):
        self.styles: dict[str, dict[str, str]] = {}
        self.current: dict[str, str] = {}

    def start(self, tag, attributes):
        name = _local(tag)
        if name == "style":
            self.current = self.styles.setdefault(attributes.get(f"{_W}styleId", ""), {})
        elif name in ("numId", "ilvl", "basedOn"):
            self.current[name] = attributes.get(f"{_W}val", "")

    def end(self, tag):
        pass

    def data(self, data):
        pass

    def close(self):
        return self.styles
