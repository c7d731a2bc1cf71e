"""The real notice that the portal is measured against: read whole, from every kind of file."""

import datetime
import html
import io
import re

import docx
import pytest

from notices.documents.notice import Acceptance, Office, TaskReference, Window
from notices.documents.reading import Reading, read_bytes, read_file, read_text
from notices.documents.rendering import item_text, to_text
from notices.documents.statements import stated


@pytest.fixture(scope="module")
def source(reference_file) -> str:
    return reference_file.read_text("utf-8")


def as_text(content: str) -> Reading:
    return read_text(content)


def as_html(content: str) -> Reading:
    paragraphs = "".join(f"<p>{html.escape(line)}</p>" for line in to_text(read_text(content).document).split("\n"))
    page = f"<html><head><title>公示公告</title></head><body><div>{paragraphs}</div></body></html>"
    return read_bytes("notice.html", page.encode())


def as_docx(content: str) -> Reading:
    written = docx.Document()
    for line in to_text(read_text(content).document).split("\n"):
        written.add_paragraph(line.strip())
    buffer = io.BytesIO()
    written.save(buffer)
    return read_bytes("notice.docx", buffer.getvalue())


@pytest.fixture(params=[as_text, as_html, as_docx], ids=["txt", "html", "docx"])
def reading(request, source) -> Reading:
    return request.param(source)


def characters(text: str) -> str:
    """Everything but blanks and what belongs to the page it was copied from."""
    return re.sub(r"[\s|]", "", text.replace("【打印本页】【关闭窗口】", ""))


def test_every_character_stands_in_the_printed_form_in_order(reading, source):
    assert characters(to_text(reading.document)) == characters(source)


def test_scalar_facts_are_read(reading):
    document = reading.document
    assert document.title == "关于第一轮中央生态环境保护督察第一项整改任务的整改情况公示"
    assert document.basis.startswith("根据《山东省贯彻落实")
    assert document.basis.endswith("任务整改工作进行公示。")
    assert document.tasks == (TaskReference(round="第一轮中央生态环境保护督察", number=1, number_text="第一项"),)
    assert document.stage == "self_acceptance"
    assert document.acceptance == Acceptance(accepted_on=datetime.date(2025, 4, 15), conclusion="达到销号标准")
    assert document.window == Window(opens_on=datetime.date(2025, 4, 30), closes_on=datetime.date(2025, 5, 16))
    assert document.office == Office(name="淄博市生态环境局", phone="0533-2793032")
    assert document.signatories == ("淄博市生态环境局",)
    assert document.signed_on == datetime.date(2025, 4, 30)


def test_sections_keep_kind_heading_and_order(reading):
    assert [(section.kind, section.heading) for section in reading.document.sections] == [
        ("problem", "一、反馈问题内容"),
        ("measures", "二、整改措施"),
        ("progress", "三、工作开展情况"),
        ("acceptance", "四、自我验收意见"),
        ("other", ""),
    ]
    (problem,) = reading.document.section("problem").paragraphs
    assert problem.startswith("通过个别谈话")
    assert problem.endswith("没有研究环保议题。")


def test_measures_and_progress_are_paired_by_label(reading):
    measures, progress = reading.document.section("measures"), reading.document.section("progress")
    labels = ["(一)", "(二)", "(三)", "(四)", "(五)", "(六)"]
    assert [item.label for item in measures.items] == [item.label for item in progress.items] == labels
    assert [item.ordinal for item in measures.items] == [1, 2, 3, 4, 5, 6]
    assert [item.heading for item in measures.items] == [item.heading for item in progress.items]
    assert measures.items[2].heading == "完善制度建设,加强政策保障"
    assert not measures.paragraphs
    assert not progress.paragraphs


def test_a_measure_keeps_its_second_paragraph(reading):
    first = reading.document.section("measures").items[0]
    assert [paragraph[:6] for paragraph in first.text.split("\n")] == ["牢固树立“四", "全市各级各部"]
    assert item_text(first).startswith("(一)提高政治站位。牢固树立")


def test_statements_stay_in_the_text_as_printed(reading):
    (acceptance,) = reading.document.section("acceptance").paragraphs
    assert "于2025年4月15日完成自我验收,达到销号标准。" in acceptance
    (closing,) = reading.document.sections[-1].paragraphs
    assert closing == "公示期为2025年4月30日至2025年5月16日。如有异议,请联系淄博市生态环境局,电话:0533-2793032。"
    assert stated(reading.document) is reading.document


def test_printing_and_reading_again_changes_nothing(reading):
    printed = to_text(reading.document)
    assert read_text(printed).document == reading.document
    assert to_text(read_text(printed).document) == printed


def test_every_field_says_where_it_came_from(reference_file):
    reading = read_file(reference_file)
    origins = {origin.field: origin for origin in reading.origins}
    expected = {"title", "basis", "tasks[0]", "acceptance", "window", "office.name", "office.phone"}
    assert expected | {"signatories[0]", "signed_on", "sections[4]"} <= set(origins)
    assert (origins["title"].place, origins["window"].place, origins["signed_on"].place) == ("第1行", "第7行", "第8行")
    assert "公示期为2025年4月30日" in origins["window"].source
    assert origins["tasks[0]"].source == reading.document.title


def test_only_the_buttons_of_the_page_are_left_out_and_said(reference_file):
    (remark,) = read_file(reference_file).remarks
    assert (remark.source, remark.unsure) == ("【打印本页】【关闭窗口】", False)
