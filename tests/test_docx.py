"""A notice as a Word file: what was written reads back, and the file says what it is."""

import dataclasses
import io

import docx
import pytest
from docx.oxml.ns import qn
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notices.documents.notice import Item, NoticeDocument, Section
from notices.documents.reading import read_bytes, read_file
from notices.documents.rendering import Mark, item_text
from notices.documents.statements import stated
from notices.documents.writing import to_docx
from tests.make import make_notice, withdraw
from tests.test_pdf import IMPRINT, corrected
from tests.test_reading_roundtrip import documents


def opened(content: bytes):
    return docx.Document(io.BytesIO(content))


def paragraphs(content: bytes) -> list[str]:
    return [paragraph.text for paragraph in opened(content).paragraphs]


@settings(max_examples=25, deadline=None)
@given(documents())
def test_a_notice_written_as_word_reads_back_as_it_was(document):
    document = stated(document)
    assert read_bytes("notice.docx", to_docx(document, IMPRINT)).document == document


def test_the_reference_notice_reads_back_as_it_was(reference_file):
    document = read_file(reference_file).document
    assert read_bytes("notice.docx", to_docx(document, IMPRINT)).document == document


def test_the_file_has_headings_chinese_fonts_and_says_what_it_is():
    items = (Item(ordinal=1, label="（一）", heading="清理河道", text="已清运垃圾三百吨。\n第二段。"),)
    document = NoticeDocument(
        title="关于整改情况的公示",
        basis="根据规定公示。",
        sections=(Section(kind="measures", heading="一、整改措施", items=items),),
        signatories=("青澜市生态环境局",),
    )
    word = opened(to_docx(document, IMPRINT))
    said = [(paragraph.style.name, paragraph.text) for paragraph in word.paragraphs]
    assert said == [
        ("Heading 1", "关于整改情况的公示"),
        ("Normal", "根据规定公示。"),
        ("Heading 2", "一、整改措施"),
        ("Normal", "（一）清理河道。已清运垃圾三百吨。"),
        ("Normal", "第二段。"),
        ("Signature", "青澜市生态环境局"),
    ]
    fonts = word.styles["Heading 1"].element.rPr.rFonts
    assert fonts.get(qn("w:eastAsia")) == "黑体"
    assert not [name for name in fonts.attrib if "heme" in name]  # a theme's font would come first
    facts = word.core_properties
    assert (facts.title, facts.author, facts.identifier) == (document.title, "青澜市生态环境局", IMPRINT.code)
    assert (facts.language, facts.created) == ("zh-CN", IMPRINT.published_at)
    footer = word.sections[0].footer.paragraphs[0]
    assert IMPRINT.code in footer.text
    assert [field.get(qn("w:instr")) for field in footer._p.iter(qn("w:fldSimple"))] == ["PAGE", "NUMPAGES"]


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=60))
@example("\0\x0b\ud800\ufffe😀<w:p>&amp;")
@example("a" * 300)
def test_any_text_is_written(text):
    items = (Item(ordinal=1, label=text[:5], heading=text, text=text),)
    document = NoticeDocument(title=text, basis=text, signatories=(text,))
    document = dataclasses.replace(document, sections=(Section(kind="other", heading=text, items=items),))
    assert opened(to_docx(document, IMPRINT)).paragraphs is not None
    marked = dataclasses.replace(IMPRINT, publisher=text, marks=(Mark(text, text, void=True),))
    assert opened(to_docx(document, marked)).core_properties.identifier == IMPRINT.code


def test_what_xml_cannot_hold_is_shown_by_its_number():
    text = "甲\0乙\ud800丙😀"
    item = Item(ordinal=1, label="1.", text=text)
    content = to_docx(NoticeDocument(title="题", sections=(Section(kind="other", items=(item,)),)), IMPRINT)
    assert paragraphs(content)[1] == item_text(item).replace("\0", "〔U+0000〕").replace("\ud800", "〔U+D800〕")


@pytest.mark.django_db
def test_what_became_of_an_edition_stands_in_its_file(client):
    notice = corrected()
    old = client.get(f"/notices/{notice.reference}/editions/1.docx").content
    assert paragraphs(old)[0].startswith("【旧版本】这是第1版，已由第2版替代。")
    assert opened(old).sections[0].header.paragraphs[0].text == "【旧版本】"
    withdraw(notice, "落款单位有误。")
    content = client.get(f"/notices/{notice.reference}.docx").content
    assert "撤回原因：落款单位有误。" in paragraphs(content)[0]
    assert opened(content).sections[0].header.paragraphs[0].text == "【已撤回】"


@pytest.mark.django_db
def test_the_same_edition_gives_the_same_file(client):
    url = f"/notices/{make_notice().reference}.docx"
    assert client.get(url).content == client.get(url).content
