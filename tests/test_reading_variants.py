"""Notices as different bureaus print them. Everything in them is invented."""

import datetime
import io
import re
from pathlib import Path

import docx
import pytest

from notices.documents.notice import Acceptance, Item, Office, Window
from notices.documents.reading import read_bytes, read_file, read_text, split_body
from notices.documents.rendering import section_text, to_text
from notices.documents.statements import stated

NOTICES = Path(__file__).parent / "notices"
FILES = sorted(path.name for path in NOTICES.iterdir())


def read(name: str):
    return read_file(NOTICES / name).document


def window(opens: str, closes: str, length: int | None = None, unit: str | None = None) -> Window:
    opens_on, closes_on = datetime.date.fromisoformat(opens), datetime.date.fromisoformat(closes)
    return Window(opens_on=opens_on, closes_on=closes_on, length=length, unit=unit)


def outline(document) -> list[tuple[str, str]]:
    return [(section.kind, section.heading) for section in document.sections]


FACTS = {
    "other-headings.txt": {
        "tasks": [("第二轮省级生态环境保护督察", 12, None, "第12项")],
        "stage": "self_acceptance",
        "window": window("2025-08-14", "2025-08-27", 10, "working"),
        "office": Office(name="云岭市生态环境局", phone="0000-12345678、0000-12345679", address="云岭市观澜路1号"),
        "acceptance": None,
        "signatories": ("云岭市生态环境保护督察工作领导小组办公室",),
        "signed_on": "2025-08-13",
    },
    "lead-acceptance.txt": {
        "tasks": [("中央生态环境保护督察“回头看”", 10, None, "序号十")],
        "stage": "lead_acceptance",
        "window": window("2024-11-11", "2024-11-22", 10, "working"),
        "office": Office(name="云岭市水务局", phone="（0000）12345678", email="shuiwu@yunling.example"),
        "acceptance": Acceptance(accepted_on=datetime.date(2024, 11, 5), conclusion="符合销号条件"),
        "signatories": ("云岭市水务局",),
        "signed_on": "2024-11-08",
    },
    "points.txt": {
        "tasks": [("第三轮中央生态环境保护督察", 14, None, "问题编号十四")],
        "stage": "self_acceptance",
        "window": window("2025-07-03", "2025-07-16", 10, "working"),
        "office": Office(name="青澜市住房和城乡建设局", phone="0000-87654321"),
        "acceptance": Acceptance(accepted_on=datetime.date(2025, 6, 20), conclusion="达到整改销号标准"),
        "signatories": ("青澜市住房和城乡建设局",),
        "signed_on": "2025-07-02",
    },
    "arabic-items.txt": {
        "tasks": [("第二轮中央生态环境保护督察", 47, 5, "第四十七项问题五")],
        "stage": "self_acceptance",
        "window": window("2025-01-21", "2025-02-08"),
        "office": Office(name="青澜县综合行政执法局", email="zhifa@qinglan.example"),
        "acceptance": None,
        "signatories": ("青澜县综合行政执法局",),
        "signed_on": "2025-01-20",
    },
    "contact-sections.txt": {
        "tasks": [("第三轮省生态环境保护督察", 6, None, "第六项")],
        "stage": "self_acceptance",
        "window": window("2025-09-28", "2025-10-16"),
        "office": Office(name="云岭市卫生健康委员会", phone="0000-23456789", address="云岭市澄江大道88号"),
        "acceptance": Acceptance(accepted_on=datetime.date(2025, 9, 10), conclusion="达到验收标准"),
        "signatories": ("云岭市卫生健康委员会",),
        "signed_on": "2025-09-26",
    },
    "several-tasks.txt": {
        "tasks": [
            ("第二轮中央生态环境保护督察", 3, None, "第三项"),
            ("第二轮中央生态环境保护督察", 7, None, "第七项"),
        ],
        "stage": "acceptance_request",
        "window": window("2025-04-30", "2025-05-16"),
        "office": Office(name="云岭市督察整改办", phone="0000-11112222转801"),
        "acceptance": None,
        "signatories": ("中共云岭市委", "云岭市人民政府"),
        "signed_on": "2025-04-29",
    },
    "by-email.txt": {
        "tasks": [
            ("2021年省级水污染防治专项督察", 3, None, "第3项"),
            ("2021年省级水污染防治专项督察", 7, None, "第7项"),
        ],
        "stage": "closure",
        "window": window("2025-07-03", "2025-07-09", 7, "calendar"),
        "office": Office(name="青澜市生态环境局", email="jiandu@qinglan.example"),
        "acceptance": None,
        "signatories": ("青澜市生态环境局",),
        "signed_on": "2025-07-02",
    },
    "one-paragraph.txt": {
        "tasks": [("第一轮省级环保督察", 21, None, "第二十一项")],
        "stage": "self_acceptance",
        "window": window("2022-11-22", "2022-11-24", 3, "working"),
        "office": Office(name="青澜区城市管理局", phone="12345"),
        "acceptance": Acceptance(accepted_on=datetime.date(2022, 10, 9), conclusion="达到销号标准"),
        "signatories": ("青澜区城市管理局",),
        "signed_on": "2022-11-21",
    },
    "petitions.html": {
        "tasks": [
            ("第二轮中央生态环境保护督察", None, None, "X2YL202109080018"),
            ("第二轮中央生态环境保护督察", None, None, "D2YL202109090027"),
        ],
        "stage": "self_acceptance",
        "window": window("2025-06-03", "2025-06-16", 10, "working"),
        "office": Office(name="云岭市生态环境局", phone="0000-33334444"),
        "acceptance": None,
        "signatories": ("云岭市生态环境局",),
        "signed_on": "2025-06-03",
    },
    "key-value-table.html": {
        "tasks": [("第三轮省生态环境保护督察", 9, None, "第九项")],
        "stage": "self_acceptance",
        "window": window("2025-03-03", "2025-03-14"),
        "office": Office(name="云岭市自然资源和规划局", phone="0000-55556666"),
        "acceptance": None,
        "signatories": ("云岭市自然资源和规划局",),
        "signed_on": "2025-02-28",
    },
    "gb18030.txt": {
        "tasks": [("第二轮中央环保督察", 8, None, "第八项")],
        "stage": "self_acceptance",
        "window": window("2023-07-27", "2023-08-09"),
        "office": Office(name="镕江县工业和信息化局", phone="0000-77778888"),
        "acceptance": Acceptance(accepted_on=datetime.date(2023, 7, 20), conclusion="验收合格"),
        "signatories": ("镕江县工业和信息化局",),
        "signed_on": "2023-07-26",
    },
}


def test_every_file_has_its_facts():
    assert set(FACTS) == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_facts(name):
    document, facts = read(name), FACTS[name]
    tasks = [(task.round, task.number, task.sub_number, task.number_text) for task in document.tasks]
    assert tasks == facts["tasks"]
    for field in ("stage", "window", "office", "acceptance", "signatories"):
        assert getattr(document, field) == facts[field], field
    assert document.signed_on.isoformat() == facts["signed_on"]


@pytest.mark.parametrize("name", FILES)
def test_a_printed_notice_states_everything_and_reads_back_the_same(name):
    document = read(name)
    assert stated(document) == document
    assert read_text(to_text(document)).document == document


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".txt")])
def test_no_character_is_lost(name):
    content = (NOTICES / name).read_bytes()
    source = content.decode("gb18030" if name == "gb18030.txt" else "utf-8").replace(
        "二〇二五年四月二十九日", "2025年4月29日"
    )
    source = source.replace("2025-07-02", "2025年7月2日")
    printed = to_text(read(name))
    assert sorted(re.sub(r"\s", "", printed)) == sorted(re.sub(r"\s", "", source))


def test_other_headings_have_their_kinds():
    document = read("other-headings.txt")
    assert document.title == "云岭市第二轮省级生态环境保护督察第12项整改任务落实情况公示"
    assert outline(document) == [
        ("problem", "一、整改任务"),
        ("objective", "二、目标任务"),
        ("measures", "三、重点措施"),
        ("responsible", "四、整改实施主体"),
        ("deadline", "五、完成时限"),
        ("progress", "六、整改主要工作及成效"),
        ("other", "七、下一步打算"),
        ("other", ""),
    ]
    first = document.section("measures").items[0]
    assert first == Item(ordinal=1, label="（一）", text="建设沉淀设施\n督促3家料场于2023年底前建成三级沉淀池。")


def test_an_unknown_heading_is_kept_and_reported():
    remarks = read_file(NOTICES / "other-headings.txt").remarks
    assert [(remark.place, remark.source) for remark in remarks] == [("第20行", "七、下一步打算")]


def test_points_inside_a_paragraph_become_items():
    measures, progress = (read("points.txt").section(kind) for kind in ("measures", "progress"))
    assert measures.paragraphs == ("青澜市采取以下措施：",)
    assert [(item.label, item.heading) for item in measures.items] == [
        ("一是", "压实责任"),
        ("二是", ""),
        ("三是", "严格执法"),
    ]
    assert [item.ordinal for item in progress.items] == [1, 2, 3]
    assert measures.items[1].text == "加密巡查，每周通报；"


def test_arabic_items_hold_their_nested_ones():
    document = read("arabic-items.txt")
    assert outline(document)[:4] == [
        ("problem", "一、整改问题："),
        ("objective", "二、整改目标："),
        ("measures", "三、整改措施："),
        ("deadline", "四、整改时限："),
    ]
    first, second = document.section("measures").items
    assert first == Item(
        ordinal=1, label="1.", heading="扩建处理设施", text="新增处理能力200吨/日。\n（1）完成立项。\n（2）完成建设。"
    )
    assert (second.ordinal, second.label) == (2, "2、")
    assert document.section("deadline").paragraphs == ("立行立改、长期坚持",)


def test_a_paragraph_below_an_item_belongs_to_it():
    first, second = read("several-tasks.txt").section("progress").items
    assert first.text == "2处建筑于2024年3月1日拆除完毕，复绿1.2公顷。\n验收资料齐全。"
    assert second.text == "关停养殖场15家。"


def test_a_broken_title_is_joined():
    assert read("by-email.txt").title.endswith("第3、7项问题拟销号的公示（第一批）")


def test_an_annex_behind_the_signature_is_kept():
    document = read("one-paragraph.txt")
    assert document.basis.endswith("电话：12345。")
    assert outline(document) == [("other", ""), ("other", "附件")]
    assert [item.label for item in document.sections[1].items] == ["1.", "2."]


def test_a_table_is_one_line_per_petition():
    (section,) = read("petitions.html").sections
    assert section.paragraphs[:3] == (
        "序号 | 受理编号 | 反映问题 | 办理情况",
        "1 | X2YL202109080018 | 北塔街烧烤店油烟扰民。 | 已安装净化设施。 群众表示满意。",
        "2 | D2YL202109090027 | 白石沟水体发黑。 | 已清淤3公里。",
    )
    assert section.paragraphs[3] == "公示时间：2025年6月3日至6月16日（共10个工作日）"


def test_furniture_of_the_page_is_not_in_the_notice_but_named():
    reading = read_file(NOTICES / "petitions.html")
    left_out = [remark.source for remark in reading.remarks if not remark.unsure]
    assert [text[:5] for text in left_out] == ["当前位置：", "发布时间：", "【打印本页"]
    printed = to_text(reading.document)
    assert not [word for word in ("打印本页", "主办单位", "首页", "var", "color") if word in printed]


def test_a_table_of_headings_and_texts_is_read_as_sections():
    document = read("key-value-table.html")
    assert outline(document)[:3] == [("problem", "整改任务"), ("objective", "整改目标"), ("measures", "整改措施")]
    assert [item.heading for item in document.section("measures").items] == ["制定方案", "组织施工"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_every_encoding_of_a_chinese_office(encoding):
    text = (NOTICES / "several-tasks.txt").read_text("utf-8").replace("\n", "\r\n")
    assert read_bytes("notice.txt", text.encode(encoding)).document == read("several-tasks.txt")


@pytest.mark.parametrize("charset", ["gb2312", "gbk", "GB18030"])
def test_a_web_page_in_its_declared_encoding(charset):
    page = (NOTICES / "petitions.html").read_text("utf-8").replace("utf-8", charset)
    assert read_bytes("notice.html", page.encode(charset)).document == read("petitions.html")


def test_lines_in_front_of_the_title_are_kept_and_reported():
    text = "云环公示〔2025〕3号\n" + (NOTICES / "points.txt").read_text("utf-8")
    reading = read_text(text)
    assert reading.document.title == read("points.txt").title
    assert reading.document.sections[0].paragraphs == ("云环公示〔2025〕3号",)
    assert ("第1行", "云环公示〔2025〕3号") in [(remark.place, remark.source) for remark in reading.remarks]


def test_headings_and_items_inside_one_paragraph_are_found():
    text = (
        "关于省级督察第二项整改任务的公示\n根据规定公示。\n"
        "一、整改目标。达标。二、整改措施：（一）加强巡查。每周一次。（二）加强监测。每月一次。三、整改情况：已完成。\n"
    )
    document = read_text(text).document
    assert outline(document) == [
        ("objective", "一、整改目标。"),
        ("measures", "二、整改措施："),
        ("progress", "三、整改情况："),
    ]
    assert [item.heading for item in document.section("measures").items] == ["加强巡查", "加强监测"]
    assert re.sub(r"\s", "", to_text(document)) == re.sub(r"\s", "", text)


def test_lines_broken_at_a_fixed_width_are_joined():
    whole = (NOTICES / "other-headings.txt").read_text("utf-8")
    broken = re.sub(r"(?m)^(　　[^\s][^\n]{23})([^\n]{3,24})([^\n]*)$", r"\1\n\2\n\3", whole).replace("\n\n", "\n")
    assert broken.count("\n") > whole.count("\n") + 3
    assert read_text(broken).document == read("other-headings.txt")


def test_missing_facts_are_reported():
    reading = read_text("关于督察整改的公示\n\n一、反馈问题\n河水发黑。\n")
    said = "".join(remark.text for remark in reading.remarks if remark.unsure)
    assert not [
        word for word in ("任务序号", "公示依据", "公示期", "受理单位", "落款单位", "落款日期") if word not in said
    ]


def word_file() -> bytes:
    """Numbered by Word itself: 一、 for headings, （一） for items; a table at the end; a deleted run."""
    written = docx.Document()
    numbering = written.part.numbering_part.element
    for tag in ("w:abstractNum", "w:num"):
        for element in list(numbering.iterchildren(docx.oxml.ns.qn(tag))):
            numbering.remove(element)
    levels = "".join(
        f'<w:lvl w:ilvl="{depth}"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:lvlText w:val="{text}"/></w:lvl>'
        for depth, text in enumerate(("%1、", "（%2）"))
    )
    space = docx.oxml.ns.nsdecls("w")
    numbering.append(docx.oxml.parse_xml(f'<w:abstractNum {space} w:abstractNumId="7">{levels}</w:abstractNum>'))
    numbering.append(docx.oxml.parse_xml(f'<w:num {space} w:numId="9"><w:abstractNumId w:val="7"/></w:num>'))
    for depth, text in (
        (None, "关于第二轮省级督察第五项整改任务整改情况公示"),
        (None, "　　根据规定，现予公示。"),
        (0, "整改措施"),
        (1, "加强巡查。每周一次。"),
        (1, "加强监测。每月一次。"),
        (0, "整改完成情况"),
        (1, "加强巡查。已巡查40次。"),
        (1, "加强监测。已监测9次。"),
    ):
        paragraph = written.add_paragraph(text)
        if depth is not None:
            number = f'<w:numPr {space}><w:ilvl w:val="{depth}"/><w:numId w:val="9"/></w:numPr>'
            paragraph._p.get_or_add_pPr().append(docx.oxml.parse_xml(number))
    deleted = f'<w:del {space} w:id="1"><w:r><w:t>删去的字</w:t></w:r></w:del>'
    paragraph._p.append(docx.oxml.parse_xml(deleted))
    table = written.add_table(rows=2, cols=2)
    for cell, text in zip((c for row in table.rows for c in row.cells), ("断面", "类别", "石桥", "Ⅲ类"), strict=True):
        cell.text = text
    written.add_paragraph("公示期为2025年4月30日至2025年5月16日。\n如有异议，请联系云岭市水务局，电话：0000-12345678。")
    written.add_paragraph("云岭市水务局 2025年4月30日")
    buffer = io.BytesIO()
    written.save(buffer)
    return buffer.getvalue()


def test_a_word_file_with_counted_numbers_and_a_table():
    document = read_bytes("notice.docx", word_file()).document
    assert outline(document) == [("measures", "一、整改措施"), ("progress", "二、整改完成情况"), ("other", "")]
    assert [item.label for item in document.section("measures").items] == ["（一）", "（二）"]
    assert [item.label for item in document.section("progress").items] == ["（一）", "（二）"]
    assert document.section("progress").items[1].text == "已监测9次。\n断面 | 类别\n石桥 | Ⅲ类"
    assert document.window == window("2025-04-30", "2025-05-16")
    assert document.signatories == ("云岭市水务局",)
    assert "删去" not in to_text(document)


@pytest.mark.parametrize("name", FILES)
def test_a_body_splits_into_what_it_was_printed_from(name):
    for section in read(name).sections:
        assert split_body(section_text(section)) == (section.paragraphs, section.items)


def test_a_typed_body_may_be_untidy():
    paragraphs, items = split_body("  总体要求。\n\n1. 加强巡查。每周一次。\n 并作记录。 \n2．加强监测\n")
    assert paragraphs == ("总体要求。",)
    assert items == (
        Item(ordinal=1, label="1.", heading="加强巡查", text="每周一次。\n并作记录。"),
        Item(ordinal=2, label="2．", text="加强监测"),
    )
