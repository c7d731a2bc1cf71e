"""What may be attached: kinds told by content and name alike, limits, clean names. No database.

Nothing is unpacked into memory and no picture is decoded here: whatever a file claims, checking it costs no more
than the file's own size.
"""

import codecs
import dataclasses
import hashlib
import io
import re
import unicodedata
import zipfile
import zlib

from django.utils.translation import gettext as _

MEGABYTE = 1024 * 1024
MAX_FILE = 10 * MEGABYTE
MAX_FILES = 5
MAX_TOTAL = 20 * MEGABYTE
MAX_BODY = 128 * MEGABYTE  # of a whole post; below it, what is over the limits is read and thrown away, the text kept
MAX_NAME = 100
MAX_PIXELS = 50_000_000
MAX_STEPS = 20_000  # segments or chunks of one picture
MAX_ENTRIES = 2_000  # parts of one Word or Excel file
MAX_UNPACKED = 100 * MEGABYTE
MAX_RATIO = 200

KINDS = {"pdf": "PDF", "jpeg": "JPEG 图片", "png": "PNG 图片", "docx": "Word 文档", "xlsx": "Excel 表格", "txt": "文本"}
MEDIA_TYPES = {
    "pdf": "application/pdf",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "txt": "text/plain",
}
EXTENSIONS = {"pdf": "pdf", "jpg": "jpeg", "jpeg": "jpeg", "png": "png", "docx": "docx", "xlsx": "xlsx", "txt": "txt"}
LIMITS = (
    f"可以不附。PDF、JPEG、PNG、docx、xlsx、txt 文件，每个不超过 {MAX_FILE // MEGABYTE} MB，"
    f"最多 {MAX_FILES} 个，合计不超过 {MAX_TOTAL // MEGABYTE} MB。"
)


class Refused(Exception):
    """The file cannot be attached; the message, in the language of the page, says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Checked:
    """An upload that may be stored: its clean name, what it is, and the SHA-256 of its bytes."""

    upload: object
    name: str
    kind: str
    size: int
    sha256: str


def check_all(uploads: list) -> list[Checked]:
    """The uploads of one objection. Raises Refused with a sentence for each that cannot be taken."""
    if len(uploads) > MAX_FILES:
        counts = {"most": MAX_FILES, "chosen": len(uploads)}
        raise Refused(_("最多 %(most)s 个附件，您选择了 %(chosen)s 个。") % counts)
    checked, refusals = [], []
    for upload in uploads:
        try:
            checked.append(check(upload))
        except Refused as refusal:
            refusals.append(_("“%(name)s”：%(refusal)s。") % {"name": clean_name(upload.name), "refusal": refusal})
    if refusals:
        raise Refused(*refusals)
    total = sum(each.size for each in checked)
    if total > MAX_TOTAL:
        sizes = {"size": f"{total / MEGABYTE:.1f}", "limit": MAX_TOTAL // MEGABYTE}
        raise Refused(_("附件合计 %(size)s MB，超过 %(limit)s MB。请减少附件，或压缩图片后再选择。") % sizes)
    return checked


def check(upload) -> Checked:
    """One upload (Django's UploadedFile). Raises Refused, with half a sentence."""
    name = clean_name(upload.name)
    if upload.size > MAX_FILE:
        sizes = {"size": f"{upload.size / MEGABYTE:.1f}", "limit": MAX_FILE // MEGABYTE}
        raise Refused(_("有 %(size)s MB，超过 %(limit)s MB") % sizes)
    if not upload.size:
        raise Refused(_("文件是空的"))
    kind = EXTENSIONS.get(name.rpartition(".")[2].lower()) if "." in name else None
    if not kind:
        raise Refused(_("不能接收这种文件，只接收 PDF、JPEG、PNG、docx、xlsx 和 txt"))
    _CHECKS[kind](upload)
    return Checked(upload, name, kind, upload.size, sha256(upload))


def sha256(upload) -> str:
    """SHA-256 of the bytes as they came."""
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    return digest.hexdigest()


def clean_name(name: str) -> str:
    """A name to show: no folders, nothing invisible, nothing that turns the reading direction, not too long."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    visible = "".join(each for each in name if unicodedata.category(each)[0] not in "CZ" or each == " ")
    stem, dot, extension = re.sub(r" +", " ", re.sub(r'[<>:"|?*]', "_", visible)).strip().rstrip(" .").rpartition(".")
    if not dot:
        return extension[:MAX_NAME] or "附件"
    extension = extension[:10]
    return f"{stem[: MAX_NAME - len(extension) - 1].strip(' .') or '附件'}.{extension}"


# --- Each kind by its content -------------------------------------------------------------------------------------


def _read(upload) -> bytes:
    upload.seek(0)
    return upload.read(MAX_FILE + 1)


def _check_pdf(upload) -> None:
    content = _read(upload)
    if not re.match(rb"%PDF-[12]\.\d", content):
        raise Refused(_("内容不是 PDF，与文件名不符"))
    if b"startxref" not in content[-2048:] or b"%%EOF" not in content[-2048:]:
        raise _broken()


def _check_png(upload) -> None:
    content = _read(upload)
    if not content.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"):
        raise Refused(_("内容不是 PNG 图片，与文件名不符"))
    _check_size(int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big"))
    place, seen = 8, set()
    for _step in range(MAX_STEPS):
        seen.add(content[place + 4 : place + 8])
        place += 12 + int.from_bytes(content[place : place + 4], "big")
        if b"IEND" in seen or place + 12 > len(content):
            break
    if not {b"IDAT", b"IEND"} <= seen or place > len(content):
        raise _broken()


_FRAMES = {0xC0, 0xC1, 0xC2}  # baseline, extended, progressive: what browsers and Pillow show
_SCAN, _END = 0xDA, 0xD9
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # in the picture's own data, anything else belongs to it


def _check_jpeg(upload) -> None:
    """Segment by segment to the picture's data, then to its end mark; a thumbnail inside a segment counts for nothing."""
    content = _read(upload)
    if not content.startswith(b"\xff\xd8\xff"):
        raise Refused(_("内容不是 JPEG 图片，与文件名不符"))
    place, seen = 2, set()
    for _step in range(MAX_STEPS):
        found = _MARKER.search(content, place)
        if not found or content[found.start() + 1] == _END:
            break
        marker, place = content[found.start() + 1], found.end()
        if marker in _FRAMES:
            _check_size(*(int.from_bytes(content[place + at : place + at + 2], "big") for at in (5, 3)))
        seen.add(marker)
        place += max(int.from_bytes(content[place : place + 2], "big"), 2)
    if not (found and content[found.start() + 1] == _END and seen & _FRAMES and _SCAN in seen):
        raise _broken()


def _broken() -> Refused:
    return Refused(_("文件不完整或已损坏，请重新导出或重新拍照后再选择"))


def _bomb() -> Refused:
    return Refused(_("解压后过大，不能接收"))


def _check_size(width: int, height: int) -> None:
    if not width or not height:
        raise _broken()
    if width * height > MAX_PIXELS:
        sizes = {"width": width, "height": height, "limit": MAX_PIXELS // 10_000}
        raise Refused(_("图片有 %(width)s×%(height)s 像素，超过 %(limit)s 万像素，请缩小后再选择") % sizes)


def _check_txt(upload) -> None:
    upload.seek(0)
    if _FOREIGN.match(upload.read(512)):
        raise Refused(_("内容不是普通文本，与文件名不符"))
    if not any(_decodes(upload, encoding) for encoding in ("utf-8", "gb18030")):
        raise Refused(_("不是文本文件，或文字编码无法识别，请用记事本或 WPS 另存为 UTF-8 文本"))


# A text that begins like a page, a picture, a program or another document is one.
_FOREIGN = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\s*[!?/a-z]|%PDF|\{\\rtf|PK\x03\x04|MZ[\x00-\x1f\x80-\xff]|GIF8|#!|\x7fELF)",
    re.IGNORECASE,
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def _decodes(upload, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in upload.chunks():
            if _CONTROLS.search(decoder.decode(chunk)):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


# --- Word and Excel: a zip whose parts say what it is ---------------------------------------------------------------

_ACTIVE = re.compile(r"vbaproject|vbadata|macrosheets/|activex/", re.IGNORECASE)
_BAD_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError, KeyError)


def _check_docx(upload) -> None:
    _check_office(upload, "Word 文档", "word/", b"wordprocessingml.document.main+xml")


def _check_xlsx(upload) -> None:
    _check_office(upload, "Excel 表格", "xl/", b"spreadsheetml.sheet.main+xml")


def _check_office(upload, label: str, folder: str, content_type: bytes) -> None:
    content = _read(upload)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Refused(_("是加密的或旧格式的文件，请去掉密码，另存为 docx 或 xlsx 后再选择"))
    foreign = Refused(_("内容不是 %(kind)s，与文件名不符") % {"kind": _(label)})
    if not content.startswith(b"PK\x03\x04"):
        raise foreign
    if content.count(b"PK\x01\x02") > MAX_ENTRIES:  # before zipfile makes an object of each
        raise _bomb()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            _check_entries(package.infolist())
            if not any(name.startswith(folder) for name in package.namelist()):
                raise foreign
            if content_type not in _content_types(package):
                raise foreign
            for entry in package.infolist():
                _pass_over(package, entry)
    except _BAD_ZIP as error:
        raise _broken() from error


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if any(entry.flag_bits & 1 for entry in entries):
        raise Refused(_("文件已加密，请去掉密码后再选择"))
    if any(_ACTIVE.search(entry.filename) for entry in entries):
        raise Refused(_("含有宏或控件，请另存为不带宏的 docx 或 xlsx"))
    declared = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    too_dense = declared > MEGABYTE and declared > MAX_RATIO * max(packed, 1)
    if len(entries) > MAX_ENTRIES or declared > MAX_UNPACKED or too_dense:
        raise _bomb()
    names = [entry.filename for entry in entries]
    known = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
    strange = any(name.startswith("/") or ".." in name.split("/") or "\\" in name for name in names)
    if strange or len(set(names)) < len(names) or any(entry.compress_type not in known for entry in entries):
        raise _broken()


def _content_types(package: zipfile.ZipFile) -> bytes:
    """What the package says its parts are; a macro has to be declared here whatever its part is called."""
    with package.open("[Content_Types].xml") as stream:
        types = stream.read(MEGABYTE)
    if b"macroenabled" in types.lower() or b"vbaproject" in types.lower():
        raise Refused(_("含有宏，请另存为不带宏的 docx 或 xlsx"))
    if b"&" in types or len(types) == MEGABYTE:
        raise _broken()
    return types


def _pass_over(package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Unpack one entry in small steps, keeping nothing: zipfile refuses what its declared size and checksum do not fit."""
    with package.open(entry) as stream:
        while stream.read(64 * 1024):
            pass


_CHECKS = {
    "pdf": _check_pdf,
    "jpeg": _check_jpeg,
    "png": _check_png,
    "docx": _check_docx,
    "xlsx": _check_xlsx,
    "txt": _check_txt,
}
