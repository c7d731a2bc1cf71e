"""What is printed reads back: exactly where the text is unambiguous, without losing a character where it is not."""

import dataclasses
import datetime
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from notices.documents.notice import Acceptance, Item, NoticeDocument, Office, Section, TaskReference, Window
from notices.documents.reading import read_text, split_body
from notices.documents.rendering import section_text, to_text
from notices.documents.statements import stated, to_chinese

CHARACTERS = "河道水体黑臭污染治理工程已全面建成投运群众满意度提升企业停产整顿强化监管长效机制"
PHRASES = (
    "河道",
    "水体黑臭",
    "污染治理工程",
    "已全面建成投运",
    "群众满意",
    "企业停产整顿",
    "强化监管",
    "建立长效机制",
    "公示制度",
    "自然保护地",
    "电话回访",
    "地址变更",
    "第三项工程",
    "督察反馈意见",
    "凡是一级保护区",
    "联系群众",
    "异议登记",
)
ORGANISATIONS = ("云岭市生态环境局", "青澜市水务局", "镕江县人民政府", "中共青澜市委", "云岭市督察整改办公室")
ROUNDS = (
    "第一轮中央生态环境保护督察",
    "第三轮省生态环境保护督察",
    "中央环境保护督察“回头看”",
    "2021年省级节能专项督察",
)
HEADINGS = (
    ("problem", "反馈问题内容"),
    ("problem", "整改问题"),
    ("objective", "整改目标"),
    ("measures", "整改措施"),
    ("measures", "重点措施"),
    ("deadline", "完成时限"),
    ("responsible", "整改责任单位"),
    ("progress", "工作开展情况"),
    ("progress", "整改主要工作及成效"),
    ("acceptance", "自我验收意见"),
    ("other", "下一步打算"),
    ("other", "其他需要说明的事项"),
)
LABELS = ("（{}）", "({})", "{}是", "1.", "1、", "(1)")

days = st.dates(datetime.date(2016, 1, 1), datetime.date(2035, 12, 31))
words = st.sampled_from(PHRASES)
sentences = st.builds("{}，{}“河道”2023年投资12.5万吨。".format, words, words) | st.builds("{}。".format, words)
long_sentences = st.builds("{0}，{1}、{0}，{1}；{0}，{1}，自2024年1月1日至{0}，{1}全部{0}到位。".format, words, words)
paragraphs = sentences | long_sentences | st.builds("{}{}".format, sentences, long_sentences)


@st.composite
def items(draw) -> tuple[Item, ...]:
    label, found = draw(st.sampled_from(LABELS)), []
    for ordinal in range(1, draw(st.sampled_from((0, 1, 2, 3, 11))) + 1):
        printed = label.format(to_chinese(ordinal)).replace("1", str(ordinal))
        text = [draw(paragraphs), *draw(st.lists(paragraphs, max_size=2))]
        heading = draw(st.just("") | words)
        # Without a heading the text must not begin with a sentence that would read as one.
        text[0] = text[0] if heading else draw(long_sentences)
        found.append(Item(ordinal=ordinal, label=printed, heading=heading, text="\n".join(text)))
    return tuple(found)


@st.composite
def headed_sections(draw) -> tuple[Section, ...]:
    chosen = draw(st.lists(st.sampled_from(HEADINGS), min_size=1, max_size=6, unique_by=lambda pair: pair[1]))
    sections = []
    for number, (kind, heading) in enumerate(chosen, 1):
        body = tuple(draw(st.lists(paragraphs, max_size=3)))
        heading = draw(st.sampled_from((f"{to_chinese(number)}、{heading}", heading, f"【{heading}】")))
        listed = draw(items())
        body = body if body or listed else (draw(paragraphs),)
        sections.append(Section(kind=kind, heading=heading, paragraphs=body, items=listed))
    return tuple(sections)


offices = st.builds(
    Office,
    name=st.sampled_from(ORGANISATIONS),
    phone=st.sampled_from(("0000-12345678", "0000-1234567、0000-7654321", "12345")),
    email=st.sampled_from(("", "ts@yunling.example")),
    address=st.sampled_from(("", "云岭市观澜路1号")),
)
windows = st.builds(
    lambda day, length: Window(opens_on=day, closes_on=day + length),
    days,
    st.timedeltas(datetime.timedelta(0), datetime.timedelta(40)).map(lambda length: datetime.timedelta(length.days)),
)
acceptances = st.builds(
    Acceptance, accepted_on=days, conclusion=st.sampled_from(("达到销号标准", "符合销号条件", "验收合格", "同意销号"))
)


@st.composite
def documents(draw) -> NoticeDocument:
    round_name, number = draw(st.sampled_from(ROUNDS)), draw(st.integers(1, 99))
    number_text = f"第{draw(st.sampled_from((to_chinese(number), str(number))))}项"
    return NoticeDocument(
        title=f"关于{round_name}{number_text}整改任务的整改情况公示",
        basis=draw(st.just("") | st.builds("根据《{}办法》，{}。".format, words, words)),
        tasks=(TaskReference(round=round_name, number=number, number_text=number_text),),
        sections=draw(headed_sections()),
        acceptance=draw(st.none() | acceptances),
        window=draw(st.none() | windows),
        office=draw(st.none() | offices),
        signatories=tuple(draw(st.lists(st.sampled_from(ORGANISATIONS), max_size=2, unique=True))),
        signed_on=draw(st.none() | days),
    )


@settings(max_examples=50, deadline=None)
@given(documents())
def test_an_unambiguous_notice_reads_back_as_it_was(document):
    document = stated(document)
    assert read_text(to_text(document)).document == document


@settings(max_examples=30, deadline=None)
@given(documents())
def test_stating_twice_states_once(document):
    once = stated(document)
    assert stated(once) == once


@settings(max_examples=30, deadline=None)
@given(headed_sections())
def test_a_body_splits_into_what_it_was_printed_from(sections):
    for section in sections:
        assert split_body(section_text(section)) == (section.paragraphs, section.items)


AMBIGUOUS = st.sampled_from(
    (
        "一、反馈问题",
        "一、",
        "二、全面排查",
        "（一）全面排查。逐项整改。",
        "(二)",
        "1. 排查",
        "3.5万吨垃圾已清运。",
        "一是排查。",
        "要求如下：一是排查；二是整治。",
        "附件",
        "附件：清单",
        "云岭市水务局",
        "云岭市水务局 2024年1月1日",
        "2024年1月1日",
        "2023年5月1日至2023年6月1日停产。",
        "整改目标",
        "整改目标：达标。",
        "【打印本页】【关闭窗口】",
        "首页 > 公示",
        "|||",
        "特此公示。",
        "结束。 一、开始",
        "关于督察整改的公示",
    )
)


@st.composite
def ambiguous_documents(draw) -> NoticeDocument:
    """Some paragraphs of it begin like headings, items, annexes, signatures or furniture of a page."""
    document = draw(documents())
    # A text whose first line under the title is neither a basis nor a known heading may be anybody's.
    basis = document.basis or "根据规定公示。"
    document = dataclasses.replace(document, basis=basis, window=draw(windows), office=draw(offices))
    place = draw(st.integers(0, len(document.sections) - 1))
    section = document.sections[place]
    changed = dataclasses.replace(
        section, paragraphs=(*section.paragraphs, *draw(st.lists(AMBIGUOUS, min_size=1, max_size=3)))
    )
    sections = (*document.sections[:place], changed, *document.sections[place + 1 :])
    return stated(dataclasses.replace(document, sections=sections))


@settings(max_examples=80, deadline=None)
@given(ambiguous_documents())
def test_an_ambiguous_notice_loses_no_character_and_keeps_its_facts(document):
    printed = to_text(document)
    again = read_text(printed).document
    assert to_text(again) == printed
    for field in ("title", "basis", "tasks", "acceptance", "window", "office", "signatories", "signed_on"):
        assert getattr(again, field) == getattr(document, field), field


@settings(max_examples=30, deadline=None)
@given(st.text(CHARACTERS + "公示整改督察一二三、（）()：。， \u3000\n1.2年月日第项|【】", max_size=200))
def test_any_text_prints_and_reads_without_losing_a_chinese_character(text):
    text = f"关于督察整改的公示\n{text}"
    reading = read_text(text)
    kept = to_text(reading.document) + "".join(remark.source for remark in reading.remarks if not remark.unsure)
    assert sorted(hanzi(kept)) == sorted(hanzi(text))


def hanzi(text: str) -> list[str]:
    return re.findall(r"[\u4e00-\u9fff]", text)
