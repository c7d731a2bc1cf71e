"""Files as people send them and as they should not be sent: made here byte by byte, small enough for a test."""

import io
import zipfile
import zlib

from PIL import Image

DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
HTML = b"<!DOCTYPE html><script>alert(document.cookie)</script>"
EXE = b"MZ\x90\x00\x03\x00\x00\x00" + b"\x00\xff" * 500
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504 + b"EncryptedPackage"
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n"
GPS = {1: "N", 2: (36.0, 48.0, 30.0), 3: "E", 4: (118.0, 3.0, 10.0)}


def picture(form: str = "JPEG", size=(64, 48), place=None, **options) -> bytes:
    exif = Image.Exif()
    if place:
        exif[0x010F] = "CameraMaker"
        exif[0x8825] = place
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(out, form, exif=exif, **options)
    return out.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A small PNG that says it is that large."""
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    chunks = [header, b"IDAT" + zlib.compress(b"\0" * 1000), b"IEND"]
    packed = [(len(each) - 4).to_bytes(4, "big") + each + zlib.crc32(each).to_bytes(4, "big") for each in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def package(parts: dict[str, bytes], types: str = DOCX_TYPE, extra: str = "") -> bytes:
    """An office package with these parts, and what it says they are."""
    out = io.BytesIO()
    declared = f'<Types><Override PartName="/word/document.xml" ContentType="{types}"/>{extra}</Types>'
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", declared)
        for name, content in parts.items():
            file.writestr(name, content)
    return out.getvalue()


def docx(**parts: bytes) -> bytes:
    return package({"word/document.xml": b"<w:document/>", **parts})


def xlsx(**parts: bytes) -> bytes:
    return package({"xl/workbook.xml": b"<workbook/>", **parts}, XLSX_TYPE)


def encrypted(content: bytes) -> bytes:
    """The same zip with the flag of encryption set on every entry."""
    changed = bytearray(content)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := content.find(mark, place + 1)) >= 0:
            changed[place + offset] |= 1
    return bytes(changed)


def lying(content: bytes, size: int) -> bytes:
    """The same zip whose directory says that every entry unpacks to `size` bytes."""
    changed = bytearray(content)
    place = -1
    while (place := content.find(b"PK\x01\x02", place + 1)) >= 0:
        changed[place + 24 : place + 28] = size.to_bytes(4, "little")
    return bytes(changed)


def crowd(number: int = 60_000) -> bytes:
    """A package of very many empty parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for part in range(number):
            file.writestr(f"word/{part}", b"")
    return out.getvalue()


ZEROS = b"\0" * (20 * 1024 * 1024)
JPEG, PNG = picture(), picture("PNG")
MACRO = '<Override PartName="/word/x.bin" ContentType="application/vnd.ms-office.vbaProject"/>'

ALLOWED = {
    "照片.jpg": JPEG,
    "照片.JPEG": picture(progressive=True),
    "截图.png": PNG,
    "报告.pdf": PDF,
    "说明.docx": docx(),
    "台账.xlsx": xlsx(),
    "说明.txt": "青澜河东岸的垃圾没有清运。\r\n".encode(),
    "国标.txt": "青澜河东岸的垃圾没有清运。".encode("gb18030"),
    "签名.TXT": b"\xef\xbb\xbf" + "照片三张".encode(),
}


def _twice() -> bytes:
    """A package with two parts of the same name: which one is meant depends on who reads it."""
    first = docx(**{"word/document.xmk": b"other"})
    return first.replace(b"word/document.xmk", b"word/document.xml")


FAMILIES = {
    "a name of no allowed kind": {
        **{f"name.{extension}": content for extension, content in [
            ("exe", EXE), ("svg", SVG), ("html", HTML), ("htm", JPEG), ("js", b"alert(1)"), ("gif", b"GIF89a"), ("zip", docx()),
            ("doc", OLE), ("docm", docx()), ("xlsm", xlsx()), ("php", b"<?php"), ("svgz", b"\x1f\x8b"), ("rtf", b"{\\rtf1"),
            ("webp", b"RIFF"), ("lnk", b"L\0"), ("hta", HTML), ("xhtml", HTML), ("dotx", docx()), ("xltx", xlsx()), ("pptx", docx()),
        ]},
        "no-extension": JPEG, "full-width．pdf": PDF,
    },
    "two extensions": {
        "report.pdf.exe": PDF, "photo.jpg.html": JPEG, "photo.jpg.svg": JPEG, "list.xlsx.xlsm": xlsx(), "photo.png .exe": PNG,
        "photo.png;.exe": PNG, "photo.png\0.exe": PNG, "photo\u202egnp.exe": PNG, "report.pdf.lnk": PDF,
    },
    "a program": {f"exe.{extension}": EXE for extension in ("pdf", "jpg", "png", "docx", "xlsx", "txt")},
    "a web page or drawing": {
        **{f"html.{extension}": HTML for extension in ("pdf", "jpg", "png", "docx", "xlsx", "txt")},
        **{f"svg.{extension}": SVG for extension in ("jpg", "png", "txt")},
        "page.txt": b"\xef\xbb\xbf \n<HTML>", "later.pdf": b"<script>x</script>" + PDF, "later.jpg": HTML + JPEG, "later.docx": HTML + docx(),
    },
    "one allowed kind named as another": {
        "png.jpg": PNG, "jpg.png": JPEG, "pdf.docx": PDF, "docx.pdf": docx(), "docx.xlsx": docx(), "xlsx.docx": xlsx(), "pdf.txt": PDF,
        "gif.png": b"GIF89a" + b"\0" * 99, "rtf.txt": b"{\\rtf1}", "txt.pdf": b"text", "png.xlsx": PNG, "xlsx.txt": xlsx(),
    },
    "another archive": {
        "zip.docx": package({"a.txt": b""}, "text/plain"), "7z.docx": b"7z\xbc\xaf\x27\x1c" + b"\0" * 99, "rar.docx": b"Rar!\x1a\x07\0" + b"\0" * 99,
        "gzip.xlsx": b"\x1f\x8b\x08" + b"\0" * 99, "tar.xlsx": b"a.txt" + b"\0" * 252 + b"ustar\0" + b"\0" * 249, "bzip2.txt": b"BZh9" + b"\0\xff" * 99,
        "odt.docx": package({"content.xml": b"<office/>"}, "application/vnd.oasis.opendocument.text"), "jar.docx": package({"META-INF/MANIFEST.MF": b"x"}, "x"),
    },
    "sound and film": {
        "film.jpg": b"\0\0\0\x18ftypmp42" + b"\0" * 99, "film.png": b"RIFF\0\0\0\0AVI ", "sound.pdf": b"ID3\x03\0", "sound.jpg": b"RIFF\0\0\0\0WAVE",
        "heic.jpg": b"\0\0\0\x18ftypheic" + b"\0" * 99, "tiff.png": b"II*\0" + b"\0" * 99, "bmp.jpg": b"BM" + b"\0" * 99, "icon.png": b"\0\0\1\0",
    },
    "nothing, or not all of it": {
        **{f"empty.{extension}": b"" for extension in ("pdf", "jpg", "txt", "png", "docx", "xlsx")},
        "half.jpg": JPEG[: len(JPEG) // 2], "half.png": PNG[: len(PNG) // 2], "half.pdf": b"%PDF-1.7\n1 0 obj",
        "half.docx": docx()[:200], "head.jpg": b"\xff\xd8\xff\xe0", "head.png": PNG[:24], "no-frame.jpg": b"\xff\xd8\xff\xda\0\2abc\xff\xd9",
        "thumbnail.jpg": b"\xff\xd8\xff\xe1\x00\x0aExif\xff\xd9\xff\xd9", "torn.docx": docx()[:60] + b"\xff" * 9 + docx()[69:],
    },
    "pictures of impossible size": {
        "huge.png": png_claiming(60_000, 60_000), "flat.png": png_claiming(0, 9), "minus.png": png_claiming(2**32 - 1, 2**32 - 1),
        "segments.jpg": b"\xff\xd8" + b"\xff\xfe\0\2" * 500_000, "chunks.png": PNG[:33] + b"\0\0\0\0tEXt\0\0\0\0" * 200_000,
    },
    "larger inside than outside": {
        "bomb.docx": docx(**{"word/big.xml": ZEROS}), "bomb.xlsx": xlsx(**{"xl/big.xml": ZEROS}), "crowd.docx": crowd(),
        "liar.docx": lying(docx(**{"word/big.xml": ZEROS}), 10), "giant.docx": lying(docx(), 2**31), "twice.docx": _twice(),
    },
    "macros and controls": {
        "macro.docx": docx(**{"word/vbaProject.bin": b"x"}), "macro.xlsx": xlsx(**{"xl/vbaProject.bin": b"x"}),
        "case.docx": docx(**{"word/VBAPROJECT.BIN": b"x"}), "sheet.xlsx": xlsx(**{"xl/macrosheets/sheet1.xml": b"x"}),
        "active.docx": docx(**{"word/activeX/activeX1.bin": b"x"}), "named.docx": package({"word/document.xml": b"", "word/x.bin": b""}, extra=MACRO),
        "docm.docx": package({"word/document.xml": b""}, "application/vnd.ms-word.document.macroEnabled.main+xml"),
        "hidden.docx": package({"word/document.xml": b""}, extra='<Override ContentType="&#118;baProject"/>'),
    },
    "locked with a password": {"secret.docx": OLE, "secret.xlsx": OLE, "flag.docx": encrypted(docx()), "flag.xlsx": encrypted(xlsx())},
    "parts that climb out": {
        "slip.docx": docx(**{"../../../etc/cron.d/x": b"x"}), "root.docx": docx(**{"/etc/passwd": b"x"}), "back.docx": docx(**{"word\\..\\x": b"x"}),
        "slip.xlsx": xlsx(**{"xl/../../x": b"x"}),
    },
    "texts that are none": {
        "nul.txt": b"text\0text", "utf16.txt": "文字".encode("utf-16"), "noise.txt": bytes(range(128, 256)), "escape.txt": b"\x07\x08bell",
        "script.txt": b"#!/bin/sh\nrm -rf /", "elf.txt": b"\x7fELF\2\1\1", "xml.txt": b"<?xml version='1.0'?><a/>", "delete.txt": b"a\x7fb",
    },
}  # fmt: skip
REFUSED = {name: content for family in FAMILIES.values() for name, content in family.items()}

# Right at the start, and something else besides: kept as it came, and never shown by a browser.
POLYGLOTS = {
    "a.pdf": PDF[:9] + HTML + PDF[9:], "b.pdf": HTML.join([b"%PDF-1.4\n", PDF]), "c.jpg": JPEG + HTML, "d.png": PNG + HTML,
    "e.jpg": JPEG[:2] + b"\xff\xfe" + (len(HTML) + 2).to_bytes(2, "big") + HTML + JPEG[2:], "f.docx": docx() + b"",
    "g.jpg": JPEG + docx(), "h.pdf": PDF.replace(b"/Catalog", b"/Catalog/OpenAction<</S/JavaScript>>"),
}  # fmt: skip

# Name as sent → name as kept.
NAMES = {
    "../../etc/passwd.png": "passwd.png",
    "..\\..\\windows\\win.png": "win.png",
    "/absolute/path.png": "path.png",
    "C:\\fakepath\\现场.png": "现场.png",
    "nul\x00byte.png": "nulbyte.png",
    "photo\u202egnp.png": "photognp.png",
    "\u2066evil\u2069.png": "evil.png",
    "bell\x07.png": "bell.png",
    "zero\u200bwidth\ufeff.png": "zerowidth.png",
    "长" * 300 + ".png": "长" * 96 + ".png",
    "<img src=x onerror=alert(1)>.png": "_img src=x onerror=alert(1)_.png",
    "photo.exe.png": "photo.exe.png",
    "dots. . .png": "dots.png",
    ".png": "附件.png",
    "&#46;&#46;&#47;up.png": "up.png",
    "%2e%2e%2fup.png": "%2e%2e%2fup.png",
    "line\u2028break.png": "linebreak.png",
}
