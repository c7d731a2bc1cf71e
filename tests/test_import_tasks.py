"""A plan's list of tasks from a spreadsheet: variants of its heading, merged cells, every fault by its cell, stored once."""

import io
import re
import zipfile

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from notices import plans, sheets
from notices.documents.files import Unreadable
from notices.models import RectificationTask
from tests.make import make_organisation, make_round, make_task, make_user

TITLES = ["序号", "反馈问题", "整改目标", "整改措施", "整改时限", "责任单位", "督导单位"]
FIRST = [
    "1",
    "河道堆放垃圾。",
    "清理完毕",
    "（一）清理。清运垃圾。\n（二）巡查。每周一次。",
    "2026年12月底",
    "水务局",
    "环境局",
]
SECOND = ["第十二项", "砂石料场未设沉淀池。", "", "建成沉淀池\n加强管护", "立行立改", "林业局、水务局", ""]
URL = "/admin/notices/rectificationtask/intake/"


def book(*rows, merged=(), before=None) -> bytes:
    made = openpyxl.Workbook()
    if before:
        made.active.append([before])
        made.create_sheet("清单")
    sheet = made.worksheets[-1]
    for row in rows:
        sheet.append(row)
    for cells in merged:
        sheet.merge_cells(cells)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def faults(content: bytes, name: str = "plan.xlsx") -> list[str]:
    return [str(fault) for fault in plans.read(name, content).faults]


def test_tasks_and_their_measures_are_read():
    first, second = plans.read("plan.xlsx", book(TITLES, FIRST, SECOND)).tasks
    assert (first.number, first.number_text, first.place) == (1, "", "A2")
    assert first.measures == (("（一）", "清理", "清运垃圾。"), ("（二）", "巡查", "每周一次。"))
    assert (first.deadline_text, first.responsible_units, first.supervising_units) == (
        "2026年12月底",
        "水务局",
        "环境局",
    )
    assert (second.number, second.number_text) == (12, "第十二项")
    assert [text for _, _, text in second.measures] == ["建成沉淀池", "加强管护"]


@pytest.mark.parametrize(
    "heading",
    [
        ["编 号", "存在问题", "目标任务", "重点措施", "完成时限", "整改实施主体", "督导部门"],
        ["任务序号", "督察反馈问题", "目标", "整改举措", "整改期限", "责任单位（牵头）", "督办单位"],
        ["序\n号", "问题描述", "工作目标", "具体措施：", "完成时间", "牵头单位", "指导单位"],
    ],
)
def test_headings_are_known_in_variants_below_a_title_and_on_a_later_sheet(heading):
    content = book(["某市整改任务清单"], [], heading, FIRST, heading, SECOND, ["注：以上为第一批"], before="封面")
    plan = plans.read("plan.xlsx", content)
    assert plan.faults == []
    assert [task.number for task in plan.tasks] == [1, 12]
    assert plan.tasks[0].responsible_units == "水务局"
    assert [remark.place for remark in plan.remarks] == ["A7"]


@pytest.mark.parametrize(
    ("cell", "texts"),
    [
        ("1.清运垃圾；2.每周巡查。", ["清运垃圾；", "每周巡查。"]),
        ("一是清运垃圾；二是每周巡查。", ["清运垃圾；", "每周巡查。"]),
        ("（一）清运垃圾；（二）每周巡查", ["清运垃圾；", "每周巡查"]),
        ("1.清运垃圾\n2.每周巡查", ["清运垃圾", "每周巡查"]),
        ("清运垃圾\r\n每周巡查", ["清运垃圾", "每周巡查"]),
        ("投入1.5万元；2.5公里内清运。", ["投入1.5万元；2.5公里内清运。"]),
        ("", []),
    ],
)
def test_several_measures_in_a_cell(cell, texts):
    (task,) = plans.read("plan.xlsx", book(TITLES, [*FIRST[:3], cell])).tasks
    assert [text for _, _, text in task.measures] == texts


def test_merged_cells_and_rows_without_a_number_belong_to_the_task_above():
    rows = [["一、水环境"], FIRST, [*[None] * 3, "（三）绿化。种树。"], [*[None] * 3, "（四）立牌。"], SECOND]
    merged = ["A2:G2", "A3:A4", "B3:B5", "E3:E6", "F3:F5"]
    plan = plans.read("plan.xlsx", book(TITLES, *rows, merged=merged))
    assert plan.faults == []
    first, second = plan.tasks
    assert [label for label, _, _ in first.measures] == ["（一）", "（二）", "（三）", "（四）"]
    assert (first.problem, first.responsible_units) == ("河道堆放垃圾。", "水务局")
    assert second.deadline_text == "2026年12月底"  # merged over both tasks
    assert [remark.place for remark in plan.remarks] == ["A2"]


@pytest.mark.parametrize(
    ("number", "read"),
    [
        (3, (3, None, "")),
        ("３", (3, None, "")),
        ("四-2", (4, 2, "")),
        ("第四十七项问题五", (47, 5, "第四十七项问题五")),
        ("X2SD202109080018", (None, None, "X2SD202109080018")),
    ],
)
def test_numbers_as_plans_print_them(number, read):
    (task,) = plans.read("plan.xlsx", book(TITLES, [number, *FIRST[1:]])).tasks
    assert (task.number, task.sub_number, task.number_text) == read


def test_every_fault_is_named_with_its_cell():
    rows = [
        ["甲", *FIRST[1:]],
        ["2", None, "目标"],
        ["3", "问题", "", "", "长" * 201, "单位"],
        ["3", "问题"],
        ["3", "另一问题"],
        ["4", "#REF!"],
        [40_000, "问题"],
    ]
    found = faults(book(TITLES, *rows))
    places = [fault.partition("：")[0] for fault in found]
    assert places == ["A2", "第3行", "E4", "B7", "A8", "A6"]
    assert "A5 重复" in found[-1]


@pytest.mark.parametrize(
    ("heading", "told"),
    [
        (["序号", "整改目标", "整改措施"], "A1：表头没有“反馈问题”一栏"),
        (["序号", "反馈问题", "存在问题"], "C1：“存在问题”与 B1 的“反馈问题”是同一栏"),
    ],
)
def test_a_heading_that_lacks_or_repeats_a_column(heading, told):
    assert any(fault.startswith(told) for fault in faults(book(heading, FIRST)))


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_in_the_encodings_and_dialects_of_offices(encoding, delimiter):
    lines = [delimiter.join(f'"{cell}"' for cell in row) for row in (TITLES, FIRST, SECOND)]
    plan = plans.read("plan.csv", "\r\n".join(lines).encode(encoding))
    assert plan.faults == []
    assert [len(task.measures) for task in plan.tasks] == [2, 2]


def zipped(**parts) -> bytes:
    """A workbook with these parts in place of its own."""
    file, made = io.BytesIO(), zipfile.ZipFile(io.BytesIO(book(TITLES, FIRST)))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name in made.namelist():
            change = parts.get("sheet") if name.endswith("sheet1.xml") else None
            package.writestr(name, change(made.read(name)) if change else made.read(name))
    return file.getvalue()


HUGE = b'<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells></worksheet>'
HOSTILE = {
    "nothing": b"",
    "old": b"\xd0\xcf\x11\xe0" + b"x" * 600,
    "no zip": b"PK\x03\x04" + b"x" * 500,
    "picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 99,
    "bomb": lambda: zipped(sheet=lambda xml: xml + b" " * 90_000_000),
    "dense": lambda: zipped(sheet=lambda xml: xml.replace(b"</sheetData>", b"<row/>" * 4_000_000 + b"</sheetData>")),
    "entity": lambda: zipped(sheet=lambda xml: xml.replace(b"<worksheet", b'<!DOCTYPE a [<!ENTITY b "c">]><worksheet')),
    "torn": lambda: zipped(sheet=lambda xml: xml[: len(xml) // 2]),
    "last row": lambda: zipped(
        sheet=lambda xml: xml.replace(b"</sheetData>", b'<row r="1048576"><c t="n"><v>1</v></c></row></sheetData>')
    ),
    "quotes": '序号,反馈问题\n1,"没有结尾'.encode() * 2 + b'"x"y\n' + b'"' + b"a" * 200_000,
    "no list": book(["姓名", "电话"], ["王", "1"]),
    "too many": ("序号,反馈问题\n" + "1,a\n" * 6_000).encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_cannot_be_read_gets_a_sentence_in_bounded_time(name):
    content = HOSTILE[name]
    with pytest.raises(Unreadable, match=r"[\u4e00-\u9fff]{5}"):
        plans.read("plan.xlsx", content() if callable(content) else content)


def test_a_merged_range_over_the_whole_sheet_costs_nothing():
    content = zipped(sheet=lambda xml: xml.replace(b"</worksheet>", HUGE))
    (sheet,) = sheets.read_sheets("plan.xlsx", content)
    assert len(sheet.rows) == 2
    assert sheet.rows[1][6].origin == "A1"


# --- Into the ledger ---------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "plan.xlsx"
    path.write_bytes(book(TITLES, FIRST, SECOND))
    return path


def run(capsys, file, *options) -> str:
    make_organisation()
    make_round()
    call_command("import_tasks", str(file), "--organisation", "990300", "--round", "central-1", *options)
    return capsys.readouterr().out


@pytest.mark.django_db
def test_run_twice_is_stored_once_and_a_dry_run_stores_nothing(capsys, file):
    assert "可以读入：新增 2 项" in run(capsys, file, "--dry-run")
    assert not RectificationTask.objects.exists()
    assert "已读入：新增 2 项" in run(capsys, file)
    assert "新增 0 项，补充 0 项，未变 2 项" in run(capsys, file)
    first, second = RectificationTask.objects.order_by("number")
    assert [str(measure) for measure in first.measures.all()] == ["（一）清理", "（二）巡查"]
    assert str(first.deadline_on) == "2026-12-31"
    assert (second.label, second.deadline_on) == ("第十二项", None)


@pytest.mark.django_db
def test_what_is_recorded_is_filled_in_and_never_overwritten(capsys, file):
    task = make_task(1, problem="另一种说法。")
    assert "新增 1 项，补充 1 项" in run(capsys, file)
    task.refresh_from_db()
    assert (task.problem, task.objective, task.measures.count()) == ("另一种说法。", "清理完毕", 2)


@pytest.mark.django_db
def test_one_fault_stores_nothing(capsys, tmp_path):
    file = tmp_path / "plan.xlsx"
    file.write_bytes(book(TITLES, FIRST, ["2"]))
    with pytest.raises(CommandError, match=r"B3|第3行"):
        run(capsys, file)
    assert not RectificationTask.objects.exists()
    with pytest.raises(CommandError, match="打不开"):
        run(capsys, tmp_path / "none.xlsx")


def test_the_template_is_read_without_a_fault_once_it_is_filled_in(tmp_path):
    file = tmp_path / "template.xlsx"
    call_command("import_tasks", "--template", str(file))
    assert faults(file.read_bytes()) == ["第1行：表头下面没有任务。"]
    filled = openpyxl.load_workbook(file)
    filled.worksheets[0].append(plans.EXAMPLE)
    filled.save(file)
    (task,) = plans.read(file.name, file.read_bytes()).tasks
    assert len(task.measures) == 2


def kept(answer) -> str:
    return re.search(r'name="kept" value="([^"]+)"', answer.content.decode())[1]


@pytest.mark.django_db
def test_in_admin_a_list_is_looked_at_before_it_is_saved(client):
    client.force_login(make_user("lin", "notices.add_rectificationtask", "notices.view_rectificationtask"))
    said = {"organisation": make_organisation().pk, "round": make_round().pk}
    wrong = SimpleUploadedFile("plan.xlsx", book(TITLES, ["甲", "问题"]))
    answer = client.post(URL, said | {"file": wrong})
    assert answer.status_code == 422
    assert "<strong>A2</strong>" in answer.content.decode()
    answer = client.post(URL, said | {"file": SimpleUploadedFile("plan.xlsx", book(TITLES, FIRST, SECOND))})
    assert "新增 2 项" in answer.content.decode()
    assert not RectificationTask.objects.exists()
    word = kept(answer)
    assert client.post(URL, said | {"kept": "forged", "_save": "1"}).status_code == 422
    assert client.post(URL, said | {"kept": word, "_save": "1"}).status_code == 302
    assert client.post(URL, said | {"kept": word, "_save": "1"}).status_code == 302
    assert RectificationTask.objects.count() == 2
    assert client.get(f"{URL}template.xlsx").content[:2] == b"PK"
    client.force_login(make_user("outsider", "notices.view_rectificationtask"))
    assert client.get(URL).status_code == 403
