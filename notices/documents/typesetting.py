"""Data and a template → PDF/UA-1, by typst in a process of its own (`press`). The same data give the same bytes.

What is printed is data, never part of a template's source; typst reads the templates in templates/typst and nothing else.
"""

import datetime
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import pathlib
import re
import struct
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Iterator

from . import press

TEMPLATES = pathlib.Path(__file__).resolve().parents[2] / "templates" / "typst"

# A word of more characters than a line holds gets places where it may break; Chinese breaks anywhere by itself.
_LONG_WORD = re.compile(r"([^\s\u2e80-\uffef]{24})(?=[^\s\u2e80-\uffef])")


_alone = threading.Lock()  # a hundred readers of a PDF at once need the memory of one in each process


class Unprintable(Exception):
    """typst could not set it: what it said."""


def typeset(template: str, data: dict, *, at: datetime.datetime) -> bytes:
    """The PDF that `template` ("notice.typ") makes of `data`, plain lists, dicts, texts and numbers.

    `at` is when the file says it was made. A character that no font has is printed as its number, 〔U+1F600〕.
    Raises Unprintable.
    """
    order = {
        "packages": str(pathlib.Path(importlib.util.find_spec("typst").origin).parents[1]),
        "template": str(TEMPLATES / template),
        "root": str(TEMPLATES),
        "fonts": str(_font_files()[0].parent),
        "data": json.dumps(_printable(data)),
        "timestamp": int(at.timestamp()),
    }
    command = [sys.executable, "-I", "-S", press.__file__]
    with _alone:
        done = subprocess.run(command, input=json.dumps(order).encode(), capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        raise Unprintable(done.stderr.decode(errors="replace"))
    return done.stdout


def fingerprint(template: str, data: dict, *, at: datetime.datetime) -> str:
    """What changes whenever `typeset` would give other bytes, without setting anything."""
    said = json.dumps([template, _sources(), data, at.timestamp()], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


@functools.cache
def _sources() -> str:
    """The version of typst and all templates."""
    return importlib.metadata.version("typst") + "".join(path.read_text() for path in sorted(TEMPLATES.glob("*.typ")))


def _font_files() -> list[pathlib.Path]:
    import pylopdf_fonts_zh_cn

    return [pylopdf_fonts_zh_cn.serif_path(), pylopdf_fonts_zh_cn.sans_path()]


def _printable(value):
    """The same data with every text as the fonts can show it."""
    if isinstance(value, str):
        shown = "".join(map(_shown, unicodedata.normalize("NFC", value)))
        return _LONG_WORD.sub("\\1\u200b", shown)
    if isinstance(value, dict):
        return {name: _printable(entry) for name, entry in value.items()}
    return [_printable(entry) for entry in value] if isinstance(value, list | tuple) else value


def _shown(character: str) -> str:
    if character in "\t\n\r":
        return " "
    return character if _coverage()[ord(character)] else f"〔U+{ord(character):04X}〕"


@functools.cache
def _coverage() -> bytes:
    """Of each character whether one of the fonts has it; those that are invisible or turn the direction of writing count
    as missing. A byte each, for a set of numbers takes ten times the memory."""
    covered = bytearray(sys.maxunicode + 1)
    for path in _font_files():
        for code in _characters(path.read_bytes()):
            covered[code] = unicodedata.category(chr(code)) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    return bytes(covered)


def _characters(font: bytes) -> Iterator[int]:
    """The characters of an OpenType font: the groups of its segmented coverage (cmap format 12)."""
    (tables,) = struct.unpack_from(">H", font, 4)
    entries = (struct.unpack_from(">4sIII", font, 12 + 16 * number) for number in range(tables))
    cmap = next(offset for tag, _, offset, _ in entries if tag == b"cmap")
    (count,) = struct.unpack_from(">H", font, cmap + 2)
    for number in range(count):
        start = cmap + struct.unpack_from(">HHI", font, cmap + 4 + 8 * number)[2]
        if struct.unpack_from(">H", font, start)[0] == 12:
            (groups,) = struct.unpack_from(">I", font, start + 12)
            for first, last, _ in struct.iter_unpack(">III", font[start + 16 : start + 16 + 12 * groups]):
                yield from range(first, last + 1)
