"""A notice on paper: tagged for screen readers, the same text as everywhere else, and nothing hostile gets through."""

import datetime
import io
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import pypdf
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notices.documents import typesetting
from notices.documents.notice import Item, NoticeDocument, Section
from notices.documents.printing import Imprint, notice_sheet
from notices.documents.reading import read_file
from notices.documents.rendering import Mark, to_text
from tests.make import make_draft, make_notice, make_user, withdraw

IMPRINT = Imprint(
    url="https://portal.example/notices/2026-0001/editions/1/",
    code="2026-0001/1-0a1b2c3d",
    publisher="青澜市生态环境局",
    published_at=datetime.datetime(2026, 4, 30, 1, tzinfo=datetime.UTC),
)
FOOTER = re.compile(r"2026-0001/1-0a1b2c3dhttps://portal\.example/notices/2026-0001/editions/1/第\d+页,共\d+页")


def read_pdf(content: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(content))


def plain(text: str) -> str:
    """The text without blanks, which a line break of the paper adds or takes away; punctuation in one width."""
    return re.sub(r"[\s\u200b]+", "", text).translate(str.maketrans("，", ","))


def said(content: bytes) -> str:
    """The text of a PDF without its footers."""
    return FOOTER.sub("", plain("".join(page.extract_text() for page in read_pdf(content).pages)))


def printed(document: NoticeDocument, *marks: Mark) -> bytes:
    return notice_sheet(document, Imprint(**vars(IMPRINT) | {"marks": marks})).pdf()


def document(*paragraphs: str, title: str = "关于整改情况的公示", **fields) -> NoticeDocument:
    return NoticeDocument(title=title, sections=(Section(kind="other", paragraphs=paragraphs),), **fields)


# ---- what a screen reader and an archive ask for


def structure(node, found: list) -> list:
    """The names of all structure elements, in reading order."""
    node = node.get_object()
    if isinstance(node, pypdf.generic.ArrayObject):
        for child in node:
            structure(child, found)
    elif isinstance(node, pypdf.generic.DictionaryObject):
        found += [node["/S"]] if "/S" in node else []
        if "/K" in node:
            structure(node["/K"], found)
    return found


def test_a_pdf_is_tagged_and_says_its_title_and_language():
    items = (Item(ordinal=1, label="（一）", heading="清理河道", text="已清运垃圾三百吨。"),)
    sections = (Section(kind="measures", heading="一、整改措施", items=items),)
    pdf = read_pdf(printed(NoticeDocument(title="关于整改情况的公示", basis="根据规定公示。", sections=sections)))
    root = pdf.root_object
    assert root["/MarkInfo"]["/Marked"].value is True
    assert root["/Lang"] == "zh-CN"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value is True
    assert (pdf.metadata.title, pdf.metadata.author) == ("关于整改情况的公示", "青澜市生态环境局")
    assert b"pdfuaid:part" in root["/Metadata"].get_object().get_data()
    names = structure(root["/StructTreeRoot"], [])
    assert [name for name in names if name in ("/H1", "/H2", "/P")] == ["/H1", "/P", "/H2", "/P"]


def test_the_reference_notice_says_on_paper_what_its_text_says(reference_file):
    read = read_file(reference_file).document
    assert said(printed(read)) == plain(to_text(read))


def test_every_page_bears_the_code_of_its_edition():
    pages = read_pdf(printed(document(*["河道两岸堆放垃圾。" * 40] * 8))).pages
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        text = plain(page.extract_text())
        assert IMPRINT.code + IMPRINT.url in text
        assert f"第{number}页,共{len(pages)}页" in text
        assert page.images  # the address as a QR code


# ---- text is never anything but text

MARKUP = (
    '#read("/etc/passwd") #import "base.typ": * $x^2$ *b* _i_ `c` <label> @ref // /* = 标题 \\u{41} #{1+1} -- ~ \'q\''
)


@settings(max_examples=12, deadline=None)
@given(st.text(max_size=60))
@example(MARKUP)
@example("\0\ud800\udfff\x1b\u202e倒\u2028\ufeff")
@example("😀👩‍👩‍👧é́𠮷㐀𪚥ᠠعربي")
@example("\t\n\r \u3000\xa0\xad")
@example("字" * 10_000)
@example("https://" + "a" * 10_000)
def test_any_text_is_printed(text):
    item = Item(ordinal=1, label=text[:5], heading=text[:30], text=text)
    section = Section(kind="other", heading=text[:30], paragraphs=(text,), items=(item,))
    content = printed(document(text, title=text[:200] or "题", basis=text, signatories=(text[:30],)))
    assert content.startswith(b"%PDF")
    assert printed(NoticeDocument(title="题", sections=(section,)), Mark(text[:5], text)).startswith(b"%PDF")


def test_markup_is_printed_as_it_was_typed():
    assert said(printed(document(MARKUP))) == plain("关于整改情况的公示" + MARKUP)


def test_a_character_that_no_font_has_is_shown_by_its_number():
    text = said(printed(document("孩子😀的\0\ud800\u202e字𠮷龘", title="关于😀的公示")))
    assert text == "关于〔U+1F600〕的公示孩子〔U+1F600〕的〔U+0000〕〔U+D800〕〔U+202E〕字〔U+20BB7〕龘"


def test_a_word_longer_than_a_line_stays_on_the_paper():
    text = "a" * 10_000
    assert said(printed(document(text))) == "关于整改情况的公示" + text


@pytest.mark.parametrize("path", ["../../README.md", "/etc/passwd"])
def test_even_a_template_reads_nothing_but_its_neighbours(path, tmp_path, monkeypatch):
    (tmp_path / "curious.typ").write_text(f'#read("{path}")')
    (tmp_path / "plain.typ").write_text('#set document(title: "题")\n#set text(lang: "zh")\n= 题')
    monkeypatch.setattr(typesetting, "TEMPLATES", tmp_path)
    with pytest.raises(typesetting.Unprintable, match=r"not found|root"):
        typesetting.typeset("curious.typ", {}, at=IMPRINT.published_at)
    assert typesetting.typeset("plain.typ", {}, at=IMPRINT.published_at).startswith(b"%PDF")  # the control


# ---- the process that prints


def test_a_sheet_that_takes_all_memory_ends_alone(tmp_path, monkeypatch):
    (tmp_path / "greedy.typ").write_text('#let all = "字" * 1000000000')
    monkeypatch.setattr(typesetting, "TEMPLATES", tmp_path)
    with pytest.raises(typesetting.Unprintable, match="memory"):
        typesetting.typeset("greedy.typ", {}, at=IMPRINT.published_at)


def test_fonts_and_typst_are_gone_with_the_process_that_printed():
    assert printed(document("河道两岸堆放垃圾。")).startswith(b"%PDF")
    assert "typst" not in sys.modules


# ---- the same edition, the same bytes


def test_the_same_sheet_gives_the_same_bytes_in_every_thread():
    sheet = notice_sheet(document("河道两岸堆放垃圾。"), IMPRINT)
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: sheet.pdf(), range(8)))) == 1


def test_the_fingerprint_follows_everything_that_is_printed():
    sheets = [
        notice_sheet(document("甲"), IMPRINT),
        notice_sheet(document("乙"), IMPRINT),
        notice_sheet(document("甲"), Imprint(**vars(IMPRINT) | {"marks": (Mark("已撤回", "撤回。", True),)})),
        notice_sheet(document("甲"), Imprint(**vars(IMPRINT) | {"code": "2026-0002/1-0a1b2c3d"})),
    ]
    assert len({sheet.fingerprint for sheet in sheets}) == len(sheets)
    assert sheets[0].fingerprint == notice_sheet(document("甲"), IMPRINT).fingerprint


# ---- the addresses


def corrected(notice=None):
    notice = notice or make_notice()
    notice.begin_correction(by=make_user("zhang"), reason="受理电话印错一位。")
    notice.submit(by=make_user("zhang"))
    notice.publish(confirmed=True, by=make_user("li"))
    return notice


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["txt", "json", "pdf", "docx"])
def test_a_copy_is_kept_until_something_becomes_of_its_edition(client, kind):
    notice = make_notice()
    for url in (f"/notices/{notice.reference}.{kind}", f"/notices/{notice.reference}/editions/1.{kind}"):
        first = client.get(url)
        assert first.status_code == 200
        assert first["Digest-SHA256"] == notice.edition.digest
        again = client.get(url, headers={"if-none-match": first["ETag"]})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
        assert client.get(url).content == first.content
        assert client.post(url).status_code == 405
    withdraw(notice, "落款单位有误。")
    after = client.get(url, headers={"if-none-match": first["ETag"]})
    assert after.status_code == (304 if kind == "json" else 200)  # the bytes as hashed never change


@pytest.mark.django_db
def test_what_became_of_an_edition_stands_on_its_copies(client):
    notice = corrected()
    base = f"/notices/{notice.reference}"
    old, new = (said(client.get(f"{base}/editions/{number}.pdf").content) for number in (1, 2))
    assert plain("【旧版本】这是第1版，已由第2版替代。更正说明：受理电话印错一位。关于") in old
    assert "旧版本" not in new
    assert "受理电话印错一位" in new
    withdraw(notice, "落款单位有误。")
    for url in (f"{base}.pdf", f"{base}/editions/1.pdf"):
        assert "【已撤回】" in said(client.get(url).content)
        assert "撤回原因：落款单位有误。" in said(client.get(url).content)
    text = client.get(f"{base}.txt").content.decode()
    assert text.startswith("【已撤回】本公示已于")
    assert "撤回原因：落款单位有误。" in text


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["txt", "json", "pdf", "docx"])
def test_what_is_erased_or_was_never_public_has_no_copy(client, kind):
    draft = make_draft(tasks=[])
    assert client.get(f"/notices/2026-{draft.pk:04d}.{kind}").status_code == 404
    notice = corrected()
    notice.propose_redaction(by=make_user("zhang"), number=1, ground="依据某法")
    notice.redact(by=make_user("li"), number=1)
    assert client.get(f"/notices/{notice.reference}/editions/1.{kind}").status_code == 410
    assert client.get(f"/notices/{notice.reference}.{kind}").status_code == 200
    for number in (0, 3, 10**30):
        assert client.get(f"/notices/{notice.reference}/editions/{number}.{kind}").status_code == 404
