"""The sentences that carry facts, in every way they are printed."""

import datetime

import pytest

from notices.documents import statements
from notices.documents.notice import Acceptance, NoticeDocument, Office, Section, Window
from notices.documents.reading import read_text
from notices.documents.rendering import to_text

APRIL, MAY = datetime.date(2025, 4, 30), datetime.date(2025, 5, 16)
NEW = Window(opens_on=datetime.date(2025, 12, 29), closes_on=datetime.date(2026, 1, 13), working_days=11)

WINDOWS = [
    # printed, length, unit, restated to NEW
    ("公示期为2025年4月30日至2025年5月16日。", None, None, "公示期为2025年12月29日至2026年1月13日。"),
    (
        "公示时间：2025年4月30日至5月16日（共10个工作日）",
        10,
        "working",
        "公示时间：2025年12月29日至2026年1月13日（共11个工作日）",
    ),
    ("公示期限:2025-04-30~2025-05-16", None, None, "公示期限:2025-12-29~2026-01-13"),
    ("公示日期：2025.4.30—5.16，公示期7天。", 7, "calendar", "公示日期：2025.12.29—2026.1.13，公示期16天。"),
    (
        "公示期为十个工作日，自2025年4月30日起到2025年5月16日止。",
        10,
        "working",
        "公示期为十一个工作日，自2025年12月29日起到2026年1月13日止。",
    ),
    (
        "公示期：２０２５年４月３０日－２０２５年５月１６日，为期１０个工作日",
        10,
        "working",
        "公示期：２０２５年１２月２９日－２０２６年１月１３日，为期１１个工作日",
    ),
    (
        "公 示 期 为 2025 年 4 月 30 日 至 5 月 16 日",
        None,
        None,
        "公 示 期 为 2025 年 12 月 29 日 至 2026 年 1 月 13 日",
    ),
    (
        "公示时间为2025年4月30日（星期三）至2025年5月16日（星期五），节假日除外，共10个工作日。",
        10,
        "working",
        "公示时间为2025年12月29日（星期一）至2026年1月13日（星期二），节假日除外，共11个工作日。",
    ),
    (
        "现于2025年4月30日至5月16日在网站公示。",
        None,
        None,
        "现于2025年12月29日至2026年1月13日在网站公示。",
    ),
    ("五、公示期限\n2025年4月30日至2025年5月16日", None, None, "五、公示期限\n2025年12月29日至2026年1月13日"),
    ("公示期二〇二五年四月三十日至五月十六日", None, None, "公示期二〇二五年十二月二十九日至二〇二六年一月十三日"),
]


@pytest.mark.parametrize(("text", "length", "unit", "restated"), WINDOWS, ids=[row[0][:12] for row in WINDOWS])
def test_the_window_is_found_and_restated_in_place(text, length, unit, restated):
    around = f"2020年1月1日开工。{text}\n联系电话：0000-12345678"
    found = statements.find_window(around)
    assert found.window == Window(opens_on=APRIL, closes_on=MAY, length=length, unit=unit)
    assert around[slice(*found.span)] in text
    again = statements.restate_window(around, NEW)
    assert again == f"2020年1月1日开工。{restated}\n联系电话：0000-12345678"
    assert statements.restate_window(around, found.window) == around


@pytest.mark.parametrize(
    "text",
    [
        "公示期为10个工作日。",
        "2025年4月30日至2025年5月16日施工。",
        "公示期为2025年2月30日至2025年3月16日。",
        "于2025年4月30日印发公示办法。",
        "公示期为2025年4月30日 10时起。",
    ],
)
def test_no_window_is_made_up(text):
    assert statements.find_window(text) is None
    assert statements.restate_window(text, NEW) == text


def test_the_last_of_several_windows_counts():
    text = "首次公示期为2024年1月2日至2024年1月15日。\n公示期为2025年4月30日至2025年5月16日。"
    assert statements.find_window(text).window.opens_on == APRIL
    assert statements.restate_window(text, NEW).startswith("首次公示期为2024年1月2日至2024年1月15日。")


def test_a_window_over_new_year_takes_the_next_year():
    window = statements.find_window("公示期为2025年12月25日至1月8日。").window
    assert window.closes_on == datetime.date(2026, 1, 8)


def test_a_claimed_count_without_a_known_one_stays():
    bare = Window(opens_on=NEW.opens_on, closes_on=NEW.closes_on)
    assert statements.restate_window(WINDOWS[1][0], bare).endswith("（共10个工作日）")


def test_standard_sentences_read_back():
    window = Window(opens_on=APRIL, closes_on=MAY)
    assert statements.window_sentence(window) == "公示期为2025年4月30日至2025年5月16日。"
    assert statements.find_window(statements.window_sentence(window)).window == window
    acceptance = Acceptance(accepted_on=datetime.date(2025, 4, 15), conclusion="达到销号标准")
    assert statements.acceptance_sentence(acceptance) == "于2025年4月15日完成自我验收，达到销号标准。"
    assert statements.acceptance_sentence(Acceptance()) == ""


@pytest.mark.parametrize(
    "office",
    [
        Office(name="云岭市生态环境局", phone="0000-12345678"),
        Office(
            name="云岭市水务局", phone="0000-12345678、0000-87654321", email="a.b@c.example", address="云岭市观澜路1号"
        ),
        Office(name="云岭市水务局", email="a.b@c.example"),
        Office(phone="12345"),
    ],
)
def test_the_objection_sentence_reads_back(office):
    sentence = statements.office_sentence(office)
    assert sentence.startswith("如有异议，")
    assert statements.find_office(f"督察反馈意见。\n{sentence}") == office


OFFICES = [
    ("如有异议,请联系云岭市生态环境局,电话:0000-2793032。", ("云岭市生态环境局", "0000-2793032", "", "")),
    (
        "如对公示内容有异议，请在公示期内以书面形式向云岭市水务局反映。联系电话：（0000）12345678，（0000）12345679",
        ("云岭市水务局", "（0000）12345678、（0000）12345679", "", ""),
    ),
    (
        "如有异议，请与云岭市城管局联系。\n联系人：李某某\n联系电话：0000-1234567转801",
        ("云岭市城管局", "0000-1234567转801", "", ""),
    ),
    (
        "六、受理单位\n云岭市卫健委\n七、联系电话\n0000-23456789\n八、通讯地址\n云岭市澄江大道88号",
        ("云岭市卫健委", "0000-23456789", "", "云岭市澄江大道88号"),
    ),
    (
        "受理部门：云岭市督察办\n电子邮箱：dc@yunling.example\n来信地址：云岭市1号（邮编：000000）",
        ("云岭市督察办", "", "dc@yunling.example", "云岭市1号"),
    ),
    ("如有异议，请向我局反映，电话12345。", ("", "12345", "", "")),
    ("责任人电话：0000-1111111。如有异议，请联系云岭市政府，热线：12345", ("云岭市政府", "12345", "", "")),
]


@pytest.mark.parametrize(("text", "office"), OFFICES, ids=[row[0][:16] for row in OFFICES])
def test_the_office_is_found(text, office):
    assert statements.find_office(text) == Office(
        **dict(zip(("name", "phone", "email", "address"), office, strict=True))
    )


def test_no_office_is_made_up():
    assert statements.find_office("落实督察反馈意见，联系实际开展整改，向省里汇报。") is None


ACCEPTANCES = [
    ("于2025年4月15日完成自我验收,达到销号标准。", (2025, 4, 15), "达到销号标准"),
    ("2025年1月3日整改到位，2025年4月15日组织自查验收，符合销号条件。", (2025, 4, 15), "符合销号条件"),
    ("2024年3月1日自我验收发现不足。2025年4月15日再次自我验收，同意销号。", (2025, 4, 15), "同意销号"),
    ("于2025年4月15日完成自我验收，专家组意见一致。", (2025, 4, 15), "专家组意见一致"),
    ("已完成自我验收，达到验收标准。", None, "达到验收标准"),
]


@pytest.mark.parametrize(("text", "day", "conclusion"), ACCEPTANCES, ids=[row[0][:16] for row in ACCEPTANCES])
def test_the_acceptance_is_found(text, day, conclusion):
    accepted_on = datetime.date(*day) if day else None
    assert statements.find_acceptance(text) == Acceptance(accepted_on=accepted_on, conclusion=conclusion)


def test_no_acceptance_is_made_up():
    assert statements.find_acceptance("根据验收销号工作规定，2025年4月15日开工。") is None


TASKS = [
    (
        "关于第一轮中央生态环境保护督察第一项整改任务的整改情况公示",
        [("第一轮中央生态环境保护督察", 1, None, "第一项")],
    ),
    ("第二轮省级生态环境保护督察第12项整改情况", [("第二轮省级生态环境保护督察", 12, None, "第12项")]),
    ("中央环境保护督察“回头看”序号十问题", [("中央环境保护督察“回头看”", 10, None, "序号十")]),
    ("第三轮省生态环境保护督察问题编号十四", [("第三轮省生态环境保护督察", 14, None, "问题编号十四")]),
    ("反馈意见第四十七项问题五整改情况", [("", 47, 5, "第四十七项问题五")]),
    (
        "2021年省级水污染防治专项督察第三项、第七项问题",
        [("2021年省级水污染防治专项督察", 3, None, "第三项"), ("2021年省级水污染防治专项督察", 7, None, "第七项")],
    ),
    ("第3、7项整改任务", [("", 3, None, "第3项"), ("", 7, None, "第7项")]),
    ("第３至５项", [("", 3, None, "第３项"), ("", 4, None, "第4项"), ("", 5, None, "第５项")]),
    ("信访交办件（受理编号：X2SD202109080018）公示", [("", None, None, "X2SD202109080018")]),
    (
        "第一轮中央环保督察第二项、第二轮中央环保督察第二项",
        [("第一轮中央环保督察", 2, None, "第二项"), ("第二轮中央环保督察", 2, None, "第二项")],
    ),
    ("督察反馈第23个问题", [("", 23, None, "第23个")]),
    ("第一项工作和第二项措施", []),
]


@pytest.mark.parametrize(("text", "tasks"), TASKS, ids=[row[0][:16] for row in TASKS])
def test_tasks_are_found_as_printed(text, tasks):
    found = [(task.round, task.number, task.sub_number, task.number_text) for task in statements.find_tasks(text)]
    assert found == tasks


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("第一轮中央生态环境保护督察", (1, "central", "routine")),
        ("第3轮省生态环境保护督察", (3, "provincial", "routine")),
        ("中央环境保护督察“回头看”", (None, "central", "look_back")),
        ("2021年省级水污染防治专项督察", (None, "provincial", "special")),
        ("生态环境保护督察", (None, "other", "routine")),
    ],
)
def test_a_round_is_read_from_its_name(name, expected):
    assert statements.read_round(name) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024年12月底", "2024-12-31"),
        ("2024年底前", "2024-12-31"),
        ("2024年2月底前完成", "2024-02-29"),
        ("2025年6月30日前", "2025-06-30"),
        ("2025年6月前", "2025-05-31"),
        ("2025年上半年", "2025-06-30"),
        ("2023年底前完成立项，2024年9月底前建成", "2024-09-30"),
        ("立行立改、长期坚持", None),
        ("2024年底前完成，并长期坚持", "2024-12-31"),
        ("2024年13月底", None),
    ],
)
def test_a_deadline_is_the_last_day_it_allows(text, expected):
    found = statements.find_deadline(text)
    assert (found and found.isoformat()) == expected


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("关于第三项整改任务拟销号的公示", "closure"),
        ("拟对第三项整改任务予以销号", "closure"),
        ("关于第三项整改任务拟申请验收销号的公示", "acceptance_request"),
        ("整改验收销号公示。经市级牵头部门组织现场验收，达到标准。", "lead_acceptance"),
        ("关于第三项整改任务的整改情况公示", "self_acceptance"),
    ],
)
def test_the_stage_is_found(text, stage):
    assert statements.find_stage(text) == stage


@pytest.mark.parametrize("number", [*range(1, 100), 100, 101, 110, 119, 120, 999])
def test_chinese_numerals_both_ways(number):
    assert statements.to_number(statements.to_chinese(number)) == number


@pytest.mark.parametrize(
    ("printed", "number"), [("十", 10), ("二十一", 21), ("1", 1), ("１２", 12), ("二〇二五", 2025), ("一百零三", 103)]
)
def test_numbers_as_printed(printed, number):
    assert statements.to_number(printed) == number


@pytest.mark.parametrize("printed", ["", "甲", "1a"])
def test_what_is_no_number_is_refused(printed):
    with pytest.raises(ValueError, match="is not a number"):
        statements.to_number(printed)


FACTS = {
    "acceptance": Acceptance(accepted_on=datetime.date(2025, 4, 15), conclusion="达到销号标准"),
    "window": Window(opens_on=APRIL, closes_on=MAY),
    "office": Office(name="云岭市生态环境局", phone="0000-12345678"),
}
ACCEPTED = "于2025年4月15日完成自我验收，达到销号标准。"
CLOSING = "公示期为2025年4月30日至2025年5月16日。如有异议，请联系云岭市生态环境局，电话：0000-12345678。"


def printed_sections(*sections: Section) -> tuple[Section, ...]:
    document = NoticeDocument(title="督察整改公示", basis="根据规定公示。", sections=sections, **FACTS)
    document = statements.stated(document)
    assert statements.stated(document) == document
    assert read_text(to_text(document)).document.sections == document.sections
    return document.sections


def test_unstated_facts_are_added_at_the_end_in_a_section_of_their_own():
    problem = Section(kind="problem", heading="一、反馈问题", paragraphs=("问题。",))
    closing = Section(kind="other", paragraphs=(ACCEPTED + CLOSING,))
    assert printed_sections(problem) == (problem, closing)


def test_an_unstated_acceptance_goes_into_its_section():
    acceptance = Section(kind="acceptance", heading="一、自我验收意见", paragraphs=("已自查。",))
    first, closing = printed_sections(acceptance)
    assert first.paragraphs == ("已自查。", ACCEPTED)
    assert closing.paragraphs == (CLOSING,)


def test_a_free_last_section_takes_the_sentences():
    problem = Section(kind="problem", heading="一、反馈问题", paragraphs=("问题。",))
    free = Section(kind="other", paragraphs=("特此公示。",))
    assert printed_sections(problem, free)[-1].paragraphs == ("特此公示。", ACCEPTED + CLOSING)


def test_what_is_stated_in_other_words_is_not_stated_again():
    office = "如有异议，请与云岭市生态环境局联系，电话：0000-12345678。"
    window = Section(kind="other", heading="一、公示时间", paragraphs=("2025年4月30日至5月16日。", office))
    basis = "2025年4月15日组织自我验收，达到销号标准，现予公示。"
    document = NoticeDocument(title="督察整改公示", basis=basis, sections=(window,), **FACTS)
    assert statements.stated(document) is document
