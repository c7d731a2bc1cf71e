"""What is found before publication. Everything in these notices is invented; the reference notice is real."""

import dataclasses
import datetime
import re
import time
from pathlib import Path

import pytest

from notices import windows
from notices.documents.linting import LEVELS, lint
from notices.documents.notice import Acceptance, Item, NoticeDocument, Office, Section, Window
from notices.documents.reading import read_file, read_text

CALENDAR = windows.Calendar()
WEEK = windows.Rule(7, "calendar")
LATER_COUNTED = windows.Rule(10, first_day_counts=False)

CLEAN = """关于第二轮省级生态环境保护督察第三项整改任务的整改情况公示
根据《沧澜省督察整改办法》（沧环发〔2025〕3号），现对第二轮省级生态环境保护督察第三项整改任务进行公示。
一、反馈问题内容
青澜河两岸堆放垃圾，共58处，其中左岸30处、右岸28处。
二、整改措施
（一）清理河道。清运两岸垃圾，纳入督查。
（二）加强巡查。每周巡查一次。
三、责任单位
河东区人民政府
四、工作开展情况
（一）清理河道。清运垃圾三百吨，处置率100%。
（二）加强巡查。开展督查督办，已巡查20次。
五、自我验收意见
于2025年4月15日完成自我验收，达到销号标准。
公示期为2025年4月30日至2025年5月16日，共10个工作日。如有异议，请联系青澜市生态环境局，电话：0000-1234567。
青澜市生态环境局
2025年4月29日
"""
WINDOW = "公示期为2025年4月30日至2025年5月16日，共10个工作日。"
RIGHT = "如有异议，请联系青澜市生态环境局，电话：0000-1234567。"
CLOSING, SIGNED = WINDOW + RIGHT, "2025年4月29日\n"
TOWN, OFFICE = "河东区人民政府", "青澜市生态环境局"
MEASURES, PROGRESS, ACCEPTANCE, END = "二、整改措施", "四、工作开展情况", "五、自我验收意见", "结尾段落"


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def written(*changes: tuple[str, str]) -> NoticeDocument:
    """The clean notice with words changed, as it is read."""
    text = CLEAN
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return read_text(text).document


def with_fields(document: NoticeDocument | None = None, **fields) -> NoticeDocument:
    return dataclasses.replace(document or written(), **fields)


def between(opens_on: str, closes_on: str) -> NoticeDocument:
    """The clean notice with another window that no sentence of it contradicts."""
    document = written((WINDOW, ""))
    start = day(opens_on)
    signed = {"signed_on": start, "acceptance": Acceptance(accepted_on=start)}
    return with_fields(document, window=Window(opens_on=start, closes_on=day(closes_on)), **signed)


def problem(text: str) -> NoticeDocument:
    """The clean notice whose problem section says `text`."""
    return written(("共58处，其中左岸30处、右岸28处", text))


def found(document: NoticeDocument, rule: windows.Rule = windows.NORM, **options) -> list:
    return lint(document, calendar=CALENDAR, rule=rule, **options)


def pairs(document: NoticeDocument, rule: windows.Rule = windows.NORM, **options) -> list[tuple[str, str]]:
    return [(finding.code, finding.place) for finding in found(document, rule, **options)]


# Code, the wrong and the right window, and the rule where it is not the norm.
WINDOWS = [
    ("window_backwards", "2025-05-16 2025-04-30", "2025-04-30 2025-05-16"),
    ("window_uncountable", "2025-04-30 2052-05-16", "2025-04-30 2025-05-16"),
    ("window_short", "2025-04-30 2025-05-15", "2025-04-30 2025-05-16"),
    ("window_short", "2024-09-29 2024-10-09", "2024-09-29 2024-10-16"),
    ("window_short", "2025-07-03 2025-07-08", "2025-07-03 2025-07-09", WEEK),
    ("window_short", "2025-07-03 2025-07-16", "2025-07-03 2025-07-17", LATER_COUNTED),
    ("window_long", "2025-08-14 2025-08-28", "2025-08-14 2025-08-27"),
    ("window_opens_on_day_off", "2025-05-01 2025-05-19", "2025-09-28 2025-10-16"),
    ("calendar_unpublished", "2099-12-24 2100-01-06", "2025-04-30 2025-05-16"),
]

# Code, place, the words of the clean notice, what is written instead: wrong, and right.
CHANGES = [
    ("dates_out_of_order", ACCEPTANCE, "4月15日", "4月30日", "4月29日"),
    ("dates_out_of_order", "落款", SIGNED, "2025年5月1日\n", "2025年4月30日\n"),
    ("signed_long_before", "落款", SIGNED, "2025年4月14日\n", "2025年4月15日\n"),
    ("acceptance_undated", ACCEPTANCE, "于2025年4月15日", "已", "2025年4月15日"),
    ("window_missing", "公示期", WINDOW, "", WINDOW),
    ("window_stated_otherwise", "依据", "任务进行", "任务自2025年4月30日至5月15日", "任务自2025年4月30日至5月16日"),
    ("claimed_days_wrong", END, "共10个", "共11个", "共十个"),
    ("claimed_days_wrong", "依据", "进行公示", "公示7天", "公示17天"),
    ("claimed_days_wrong", END, "共10个工作日", "为期10个自然日", "为期17个自然日"),
    ("claimed_days_wrong", ACCEPTANCE, "销号标准", "销号标准，自公示之日起7日内可提出异议", "销号标准，验收组公示7日"),
    ("claimed_unit_unclear", END, "共10个工作日", "共10天", "共17天"),
    (
        "office_stated_otherwise",
        "依据",
        "进行公示",
        "公示，如有异议，请联系河西区水务局",
        "公示，如有异议，请与我局联系",
    ),
    ("office_is_responsible", "三、责任单位", TOWN, OFFICE, f"{TOWN}\n督导单位：{OFFICE}"),
    ("office_is_responsible", "三、责任单位", TOWN, f"{TOWN}、{OFFICE}", f"{OFFICE}河东分局"),
    ("objection_right_missing", "异议受理", RIGHT, "联系电话：0000-1234567。", "对公示有不同意见的，请来信。"),
    ("measure_without_progress", f"{MEASURES}（二）", "（二）加强巡查。开展", "加强巡查。开展", "（二）巡查。开展"),
    ("progress_without_measure", f"{PROGRESS}（二）", "（二）加强巡查。每周", "加强巡查。每周", "（二）巡查。每周"),
    ("identity_number", END, "电话：", "张三11010519491231002X，电话：", "110105194912310021，电话："),
    (
        "identity_number",
        f"{MEASURES}（一）",
        "清运两岸",
        "１１０１０５１９４９１２３１００２ｘ",
        "信用代码11010519491231002X",
    ),
]

# Code, place, the fields that differ from the clean notice: wrong, and right.
FIELDS = [
    (
        "dates_out_of_order",
        ACCEPTANCE,
        {"signed_on": None, "acceptance": Acceptance(accepted_on=day("2025-05-01"))},
        {"signed_on": None, "acceptance": Acceptance(accepted_on=day("2025-04-30"))},
    ),
    (
        "window_stated_otherwise",
        END,
        {"window": Window(opens_on=day("2025-05-06"), closes_on=day("2025-05-19"))},
        {"window": Window(opens_on=day("2025-04-30"), closes_on=day("2025-05-16"), length=10, unit="working")},
    ),
    ("office_missing", "异议受理", {"office": Office(phone="0000-1234567")}, {"office": Office(name=OFFICE)}),
    (
        "channel_missing",
        "异议受理",
        {"office": Office(name=OFFICE)},
        {"office": Office(name=OFFICE, address="一号路1号")},
    ),
    (
        "office_stated_otherwise",
        END,
        {"office": Office(name="河西区水务局")},
        {"office": Office(name=f"沧澜省{OFFICE}")},
    ),
    (
        "office_stated_otherwise",
        END,
        {"office": Office(name=OFFICE, phone="0000-7654321")},
        {"office": Office(name=OFFICE, phone="（0000）1234567、0000-7654321")},
    ),
    ("signatory_missing", "落款", {"signatories": (" ",)}, {"signatories": ("中共青澜市委", "青澜市人民政府")}),
    ("progress_missing", MEASURES, {"sections": written().sections[:3]}, {"sections": written().sections[:1]}),
]

# Code, then the wrong and the right words of the problem section.
WORDS = [
    ("placeholder", "由XXX负责", "由XX小区反映，涉及XXL公司"),
    ("placeholder", "由×××负责", "由李××负责"),
    ("placeholder", "由＊＊＊负责", "电话138****0013"),
    ("placeholder", "由____负责", "邮箱a___b@qinglan.example"),
    ("placeholder", "XX年XX月完成", "XX项目已完成"),
    ("placeholder", "20××年完成", "2×3米"),
    ("placeholder", "由〔市直牵头单位〕负责", "见沧环发〔２０２５〕第3号、〔二〇二五〕十二号"),
    ("placeholder", "〔2025〕XXX号", "〔2025〕 12 号"),
    ("placeholder", "【填写完成情况】", "【完成情况】"),
    ("placeholder", "内容待补充", "台账有待补充完善"),
    ("mobile_number", "电话13800138000", "电话0533-2793032"),
    ("mobile_number", "电话138 0013 8000", "编号2138001380001"),
    ("mobile_number", "电话138-0013-8000", "投资13800138000元"),
    ("mobile_number", "电话１３８００１３８０００", "电话12800138000"),
    ("mobile_number", "电话+86 13800138000", "编号X2SD202109080018"),
    ("inspection_misspelt", "中央环保督查组指出", "中央环保督察组指出"),
    ("inspection_misspelt", "生态环境保护督查期间", "生态环境保护督察期间"),
    ("inspection_misspelt", "第一轮督查反馈", "纳入重点督查内容"),
    ("inspection_misspelt", "中央督查", "列入中央督查检查考核计划"),
    ("inspection_misspelt", "督查整改不力", "环保督查督办、市政府督查室"),
    ("identity_number", "身份证号110105194912310021", "身份证号110105194913310021"),
    ("identity_number", "身份证110105491231002", "流水号110105491231002"),
    ("sum_mismatch", "共整治58个，其中A 30个、B 20个", "共整治58个，其中A 30个、B 28个，已完成40个"),
    ("sum_mismatch", "共58家(其中重点30家,一般20家)", "共58家(其中重点30家,已完成40家)"),
    ("sum_mismatch", "管网１２．５公里，其中新建8.4公里和改造3.1公里", "管网12.5公里，其中新建8.4公里和改造4.2公里"),
    ("sum_mismatch", "58个，其中A 30个、B（含C 9个）20个，D 9个", "58个，其中A 30个、B（含C 9个）20个，D 8个"),
    ("sum_mismatch", "共58吨，其中一厂20吨、二厂15吨", "共58吨，其中3月20吨、4月15吨"),
    ("percentage_over_100", "处置率达到120%", "处置率达到100%，同比增长120%"),
]


def rows() -> list[tuple[str, str, NoticeDocument, NoticeDocument, windows.Rule]]:
    """Code, place, the wrong notice, the right one, the rule."""
    found_in_windows = [
        (code, "公示期", between(*wrong.split()), between(*right.split()), *(rule or [windows.NORM]))
        for code, wrong, right, *rule in WINDOWS
    ]
    changed = [
        (code, place, written((old, wrong)), written((old, right)), windows.NORM)
        for code, place, old, wrong, right in CHANGES
    ]
    fields = [
        (code, place, with_fields(**wrong), with_fields(**right), windows.NORM) for code, place, wrong, right in FIELDS
    ]
    words = [(code, "一、反馈问题内容", problem(wrong), problem(right), windows.NORM) for code, wrong, right in WORDS]
    return found_in_windows + changed + fields + words


ROWS = rows()


def test_a_clean_notice_has_no_finding():
    assert found(written()) == []


@pytest.mark.parametrize(("code", "place", "wrong", "right", "rule"), ROWS, ids=[row[0] for row in ROWS])
def test_each_kind_of_finding_at_its_place_and_not_beside_it(code, place, wrong, right, rule):
    assert (code, place) in pairs(wrong, rule)
    assert code not in [other for other, _ in pairs(right, rule)]


def test_every_kind_of_finding_has_a_row():
    assert {row[0] for row in ROWS} | {"title_repeated"} == set(LEVELS)


def test_a_title_that_another_notice_bears():
    title = "关于第二轮省级生态环境保护督察 第三项整改任务的整改情况公示"
    assert pairs(written(), titles=[title]) == [("title_repeated", "标题")]
    assert pairs(written(), titles=[title.replace("三", "四")]) == []


ALL = [finding for row in ROWS for finding in found(row[2], row[4])] + found(written(), titles=[written().title])


@pytest.mark.parametrize("finding", ALL, ids=[finding.code for finding in ALL])
def test_each_text_says_what_to_do_in_full_width_punctuation(finding):
    wrong, _, to_do = finding.text.removesuffix("。").rpartition("；")
    assert wrong
    assert finding.text.endswith("。")
    assert re.search("请.{2,}", to_do)
    unquoted = re.sub("“[^”]*”", "", finding.text)
    assert not re.search(r"[,:;()?!]", unquoted)
    assert finding.level == LEVELS[finding.code]


def test_the_short_window_names_the_count_the_rule_and_the_end():
    (finding,) = [finding for finding in found(between("2024-09-29", "2024-10-09")) if finding.level == "error"]
    assert "只有4个工作日" in finding.text
    assert "要求10个工作日（首日计入）" in finding.text
    assert "2024年10月16日" in finding.text


def test_a_wrong_claim_names_the_true_count():
    (finding,) = found(written(("共10个", "共11个")))
    assert finding.text == "写的是“11个工作日”，实际是10个工作日、17个自然日；请改正天数或日期。"


@pytest.mark.parametrize(
    "sentence",
    [
        "按期在5个工作日内办结，共7天。",
        "名单公示7天，无异议。",
        "公示期7天的台账已归档。",
    ],
)
def test_days_of_other_matters_are_no_claim(sentence):
    assert pairs(written(("每周巡查一次。", f"每周巡查一次。{sentence}"))) == []


@pytest.mark.parametrize("unit", ["工作日", "个工作日"])
def test_a_claim_in_a_section_of_its_own(unit):
    headed = written((CLOSING, f"六、公示期限\n2025年4月30日至2025年5月16日（9{unit}）\n七、异议受理\n{RIGHT}"))
    assert pairs(headed) == [("claimed_days_wrong", "六、公示期限")]


def test_a_confirmed_end_stands_for_the_missing_calendar():
    document = between("2099-12-24", "2100-01-06")
    assert pairs(document, confirmed_end=True) == []
    assert pairs(between("2099-12-24", "2099-12-30"), WEEK) == []


def test_an_identity_number_is_not_repeated():
    (finding,) = found(written(("电话：", "张三（11010519491231002X），电话：")))
    assert "110105" in finding.text
    assert "1949" not in finding.text


def test_a_mobile_number_that_only_the_office_has_is_found_once():
    office = Office(name="青澜市生态环境局", phone="0000-1234567、138 0013 8000")
    assert pairs(with_fields(office=office)) == [("mobile_number", "异议受理")]
    printed = written(("0000-1234567", "13800138000"))
    assert pairs(printed) == [("mobile_number", END)]


def test_a_statement_added_behind_a_wrong_one_does_not_hide_it():
    """`statements.stated` adds the right sentence; the wrong one above it is still found."""
    right = "公示期为2025年5月6日至2025年5月19日。如有异议，请联系河西区水务局，电话：0000-7654321。"
    document = written((CLOSING, f"{WINDOW}{RIGHT}\n{right}"), ("2025年4月29日\n", "2025年4月30日\n"))
    codes = {code for code, _ in pairs(document)}
    assert {"window_stated_otherwise", "office_stated_otherwise"} <= codes


def test_errors_come_first_and_each_level_in_the_order_of_the_notice():
    document = written(
        ("共58处", "中央督查，共58处"),
        ("清运两岸", "由XXX清运"),
        ("三百吨", "____吨，电话13800138000"),
        ("共10个", "共11个"),
    )
    assert pairs(document) == [
        ("placeholder", MEASURES + "（一）"),
        ("placeholder", PROGRESS + "（一）"),
        ("claimed_days_wrong", END),
        ("inspection_misspelt", "一、反馈问题内容"),
        ("mobile_number", PROGRESS + "（一）"),
    ]


def test_an_empty_notice_has_findings_and_no_error_of_the_program():
    codes = {code for code, _ in pairs(NoticeDocument(title=""))}
    assert {"window_missing", "office_missing", "channel_missing", "signatory_missing"} <= codes


def test_items_without_brackets_are_named_by_their_number():
    items = tuple(Item(ordinal=number, label=f"{number}.", text="清理。") for number in (1, 2))
    sections = (
        Section(kind="measures", heading="二、整改措施：", items=items),
        Section(kind="progress", heading="三、整改情况", items=items[:1]),
    )
    assert ("measure_without_progress", "二、整改措施第2项") in pairs(with_fields(sections=sections))


def test_the_reference_notice_has_no_finding(reference_file):
    document = read_file(reference_file).document
    assert (document.window.opens_on, document.window.closes_on) == (day("2025-04-30"), day("2025-05-16"))
    assert found(document) == []


# What is true of the invented notices of other bureaus, and no more.
OF_OTHERS = {
    "arabic-items.txt": {"acceptance_undated"},
    "by-email.txt": set(),
    "contact-sections.txt": {"objection_right_missing"},
    "key-value-table.html": {"acceptance_undated", "objection_right_missing", "office_is_responsible"},
    "other-headings.txt": {"acceptance_undated"},
    "petitions.html": {"acceptance_undated", "objection_right_missing"},
}
NOTICES = sorted((Path(__file__).parent / "notices").iterdir())


@pytest.mark.parametrize("path", NOTICES, ids=[path.name for path in NOTICES])
def test_no_false_alarm_on_the_notices_of_other_bureaus(path):
    document = read_file(path).document
    rule = {"by-email.txt": WEEK, "one-paragraph.txt": windows.Rule(3)}.get(path.name, windows.NORM)
    assert {code for code, _ in pairs(document, rule)} == OF_OTHERS.get(path.name, set())


HOSTILE = [
    "X",
    "_",
    "〔",
    "【填",
    "1",
    "138 0013 ",
    "督查",
    "公示期为",
    "公示期1",
    "如",
    "对",
    "58个其中A30个、",
    "占",
    "（(",
    "\n",
    "联系单位：甲\n",
    "2025年4月30日至",
]


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("kind", ["other", "progress"])
def test_a_megabyte_of_hostile_text_takes_little_time(piece, kind):
    text = (piece * (1_000_000 // len(piece) + 1))[:1_000_000]
    document = with_fields(sections=(Section(kind=kind, paragraphs=tuple(text.split("\n"))),))
    start = time.process_time()
    found(document)
    assert time.process_time() - start < 5
