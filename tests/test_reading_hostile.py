"""Files that are no notice, or that were made to harm: one clear sentence or a result, in little time and memory."""

import io
import os
import random
import re
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from notices.documents import word
from notices.documents.files import MAX_BYTES, MEGABYTE
from notices.documents.reading import Unreadable, read_bytes, read_file, read_text
from notices.documents.rendering import to_text

ROOT = Path(__file__).resolve().parents[1]
LONGEST_SECONDS, MOST_MEGABYTES = 5, 200
NOTICE = "关于督察第一项整改任务的公示\n根据规定公示。\n一、反馈问题\n河水发黑。\n"
NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def package(xml: str, **others: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as written:
        written.writestr("word/document.xml", xml)
        for name, content in others.items():
            written.writestr(name, content)
    return buffer.getvalue()


def document_xml(body: str, before: str = "") -> str:
    return f"{before}<w:document {NAMESPACE}><w:body>{body}</w:body></w:document>"


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def declaring(content: bytes, size: int) -> bytes:
    """The same zip, but its directory and its header claim `size` bytes unpacked for the first entry."""
    directory = content.index(b"PK\x01\x02")
    claim = struct.pack("<I", size)
    content = content[: directory + 24] + claim + content[directory + 28 :]
    return content[:22] + claim + content[26:]


def noise(length: int, alphabet: str = "abcdefghijklmnopqrstuvwxyz0123456789") -> str:
    return "".join(random.Random(length).choices(alphabet, k=length))


BOMB = package(document_xml(" " * 60_000_000))
LIAR = declaring(BOMB, 1000)
ENTITIES = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))

REFUSED = {
    "empty": (b"", "文件是空的"),
    "blank": (b" \r\n\t\n", "文件是空的"),
    "no words in a web page": (b"<html><body><img src='a.png'></body></html>", "没有任何文字"),
    "no notice": ("今天天气很好，适合出行。".encode(), "没有找到整改任务公示"),
    "noise": (random.Random(1).randbytes(100_000), "读不出文字"),
    "nul bytes": (NOTICE.encode() + b"\0" * 100, "读不出文字"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(1000), "读不出文字"),
    "pdf": (b"%PDF-1.7\n", "PDF"),
    "old word": (b"\xd0\xcf\x11\xe0\xa1\xb1" + bytes(1000), "另存为.docx"),
    "rtf": (b"{\\rtf1\\ansi", "另存为.docx"),
    "big5": ("關於督察整改任務的公示，根據規定進行公示，如有異議請聯繫。".encode("big5") * 9, "编码无法识别"),
    "shift-jis": ("これは日本語の文章です。公示について説明します。".encode("shift_jis") * 9, "编码无法识别"),
    "cyrillic": ("Съешь ещё этих мягких французских булок".encode("cp1251"), "编码无法识别"),
    "11 MB": (b"a" * 11 * MEGABYTE, "超过10MB的上限"),
    "10 MB": (b"a" * MAX_BYTES, "不像一份公示"),
    "too many lines": ((NOTICE + "河\n" * 300_000).encode(), "不像一份公示"),
    "too many lines in one": ((NOTICE + "。 一、" * 200_000).encode(), "不像一份公示"),
    "broken zip": (b"PK\x03\x04" + noise(5000).encode(), "已损坏"),
    "truncated docx": (package(document_xml(paragraph(noise(50_000))))[:20_000], "已损坏"),
    "another zip": (package("x").replace(b"word/document.xml", b"word/workbook.xml"), "不是文本、网页或Word文档"),
    "broken xml": (package(f"<w:document {NAMESPACE}><w:body>"), "已损坏"),
    "zip bomb": (BOMB, "解压后过大"),
    "zip bomb that lies": (LIAR, "已损坏"),
    "many entries": (package("x", **{f"a{n}": "" for n in range(3000)}), "解压后过大"),
    "directory full of entries": (b"PK\x03\x04" + b"PK\x01\x02" * 2_000_000, "解压后过大"),
    "entities": (
        package(document_xml(paragraph("&e9;"), f'<!DOCTYPE d [<!ENTITY e0 "aaaaaaaaaa">{ENTITIES}]>')),
        "实体声明",
    ),
    "outside entity": (
        package(document_xml(paragraph("&e;"), '<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/hostname">]>')),
        "实体声明",
    ),
    "deep xml": (package(document_xml("".join(f'<w:p w:a="{noise(9)}{n}">' for n in range(30_000)))), "已损坏"),
    "many tags": (package(document_xml("".join(f'<w:p w:a="{n}"/>' for n in range(700_000)))), "解压后过大"),
    "many tags in a web page": (("<html>" + NOTICE + "<b>" * 3_000_000).encode(), "标记过多"),
}

READ = {
    "one long line": NOTICE + "排污整改" * 240_000,
    "deep web page": "<html>" + "<div>" * 150_000 + NOTICE + "</div>",
    "deep tables": "<html>" + NOTICE + "<table><tr><td>河" * 50_000,
    "one word": NOTICE + "a" * 900_000,
    "digits": NOTICE + "1" * 900_000,
    "blanks": NOTICE + " " * 900_000 + "x",
    "brackets": NOTICE + "（一" * 400_000,
    "flattened": NOTICE + "。 一、" * 19_000,
    "flattened headings": NOTICE + "。一、整改目标：" * 19_000,
    "windows": NOTICE + "公示期为2025年4月30日至" * 50_000,
    "claims": NOTICE + "公示期10个工作日，" * 80_000,
    "dates": NOTICE + "2025年4月30日" * 90_000,
    "date lines": NOTICE + "2025年4月30日\n" * 19_000,
    "signatures": NOTICE + "某某市局\n" * 19_000,
    "organisations": NOTICE + "某某市局、" * 180_000,
    "mailboxes": NOTICE + "如有异议，a@" + "a.a" * 300_000 + "@",
    "phones": NOTICE + "如有异议，电话" * 120_000,
    "phone numbers": NOTICE + "如有异议，电话：" + "12345、" * 150_000,
    "offices": NOTICE + "如有异议，请向" * 100_000,
    "ordinals": "关于督察公示" + "第一、" * 300_000,
    "rounds": NOTICE + "中央督察" * 200_000,
    "special rounds": NOTICE + "中央生态专项" * 150_000,
    "points": NOTICE + "一是；" * 300_000,
    "items": NOTICE + "（一）某。\n" * 19_000,
    "headings": NOTICE + "一、某\n" * 19_000,
    "buttons": NOTICE + ("【打印】" * 29 + "x\n") * 7_000,
    "comments": "<html>" + NOTICE + "<!--" * 190_000,
    "attributes": "<html><p " + "a=1 " * 240_000 + ">" + NOTICE,
    "word paragraphs": package(
        document_xml("".join(map(paragraph, NOTICE.split()))).replace("</w:body>", paragraph("河") * 1000 + "</w:body>")
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_in_one_sentence(name):
    content, words = REFUSED[name]
    started = time.process_time()
    with pytest.raises(Unreadable, match=re.escape(words)) as refusal:
        read_bytes("notice.txt", content)
    assert time.process_time() - started < LONGEST_SECONDS
    assert re.fullmatch(r"[^。\n]{10,100}。", str(refusal.value))


@pytest.mark.parametrize("name", READ)
def test_a_hard_file_is_read_in_time(name):
    content = READ[name] if isinstance(READ[name], bytes) else READ[name].encode()
    started = time.process_time()
    document = read_bytes("notice.txt", content).document
    to_text(document)
    assert time.process_time() - started < LONGEST_SECONDS
    assert document.title.startswith("关于督察")


# VmHWM, because getrusage also counts what the parent held when it started the process.
MEASURE = """
import re, sys
from notices.documents.reading import Unreadable, read_file
from notices.documents.rendering import to_text
try:
    to_text(read_file(sys.argv[1]).document)
except Unreadable:
    pass
print(int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024)
"""
HEAVY = ("one long line", "deep web page", "deep tables", "flattened", "headings", "items", "attributes")
HEAVY_REFUSED = (
    "10 MB",
    "too many lines in one",
    "zip bomb",
    "zip bomb that lies",
    "directory full of entries",
    "many tags",
    "entities",
    "deep xml",
)


def peak_megabytes(path: Path) -> int:
    """Peak memory of a process of its own that reads the file."""
    command = [sys.executable, "-c", MEASURE, str(path)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)
    return int(finished.stdout)


@pytest.mark.parametrize("name", HEAVY + HEAVY_REFUSED)
def test_memory_stays_small(name, tmp_path):
    content = REFUSED[name][0] if name in REFUSED else READ[name]
    path = tmp_path / "notice"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert peak_megabytes(path) <= MOST_MEGABYTES


def test_a_large_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.txt"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 50 * MEGABYTE)
    path.chmod(0)
    started = time.process_time()
    with pytest.raises(Unreadable, match=re.escape("50.0MB")):
        read_file(path)
    assert time.process_time() - started < 0.1
    assert peak_megabytes(path) < 50


def test_a_missing_file_a_directory_and_a_pipe_are_named(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    for path in (tmp_path / "nothing.txt", tmp_path, tmp_path / "pipe.txt"):
        with pytest.raises(Unreadable, match=path.name):
            read_file(path)


def test_without_the_guard_the_bomb_would_be_inflated(monkeypatch):
    """The control: the file is a bomb indeed, and the declared sizes are what stops it first."""
    monkeypatch.setattr(word, "guard", lambda entries: None)
    monkeypatch.setattr(word, "MAX_DOCUMENT", 100 * MEGABYTE)
    inflated = word.read_part(BOMB, "word/document.xml", word.MAX_DOCUMENT)
    assert len(inflated) > 60_000_000 > 300 * len(BOMB)


def test_a_lying_directory_is_stopped_while_unpacking():
    """The control: zlib would give 60 MB for what is declared as 1,000 bytes; reading in steps never holds them."""
    with zipfile.ZipFile(io.BytesIO(LIAR)) as written:
        (entry,) = written.infolist()
        word.guard([entry])
        assert entry.file_size == 1000
        start = entry.header_offset + 30 + len(entry.filename)
    inflated = word.zlib.decompressobj(-15).decompress(LIAR[start : start + entry.compress_size])
    assert len(inflated) > 60_000_000
    with pytest.raises(Unreadable, match="已损坏"):
        word.read_part(LIAR, "word/document.xml", word.MAX_DOCUMENT)


def test_unpacking_stops_at_the_limit():
    content = package(noise(300_000))
    assert len(word.read_part(content, "word/document.xml", 300_000)) == 300_000
    with pytest.raises(Unreadable, match="解压后过大"):
        word.read_part(content, "word/document.xml", 299_999)


def test_control_and_invisible_characters_and_lone_surrogates_are_dropped():
    text = NOTICE.replace("河水", "河\x07\u200b\u202e\ud800水\ufeff")
    assert read_text(text).document == read_text(NOTICE).document
    content = NOTICE.replace("河水", "河\x07\u200b\ud800水").encode("utf-8", "surrogatepass")
    assert read_bytes("notice.txt", content).document == read_text(NOTICE).document


def test_markup_in_a_text_stays_text():
    document = read_text(NOTICE + "<script>alert(1)</script>超标。\n").document
    assert document.section("problem").paragraphs[1] == "<script>alert(1)</script>超标。"


def test_heavy_libraries_are_loaded_only_for_the_files_that_need_them():
    program = (
        "import sys; from notices.documents import reading; reading.read_text(sys.argv[1]);"
        "print(sorted({'lxml', 'docx', 'django'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, NOTICE]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)
    assert finished.stdout.strip() == "[]"
