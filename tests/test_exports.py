"""Lists as files: what the list shows and no more, every cell text, each export in the trail."""

import csv
import io
import itertools
import zipfile

import openpyxl
import pytest

from notices import sheets
from notices.models import TrailEntry
from tests.make import make_draft, make_organisation, make_user

LEADS = [
    "=",
    "+",
    "-",
    "@",
    "\t=",
    "\r=",
    "\n=",
    " =",
    "\u3000=",
    "＝",
    "＋",
    "－",
    "＠",
    "|",
    "%",
    "=+",
    "@=",
    "--",
    "\xa0@",
    "\t",
]
TAILS = [
    "1+1",
    "cmd|'/C calc'!A0",
    'HYPERLINK("http://x.example","a")',
    "SUM(A1:A9)",
    "IMPORTXML(1,2)",
    "2+5+cmd",
    "x",
    "WEBSERVICE(1)",
    "DDE(1)",
    "A1",
    "1",
    "é",
    "文字",
    '"',
    "'",
    ";",
    ",",
    "{1}",
    "#REF!",
    "TRUE()",
    "RAND()",
    "&",
    "<b>",
    "\\",
    "1E9",
]
DANGEROUS = [lead + tail for lead, tail in itertools.product(LEADS, TAILS)]


def test_no_dangerous_cell_becomes_a_formula_in_excel():
    assert len(DANGEROUS) == 500
    content = sheets.to_xlsx([("表", [[text] for text in DANGEROUS])])
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert b"<f>" not in package.read("xl/worksheets/sheet1.xml")
    cells = [row[0] for row in openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows()]
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.value for cell in cells][100] == DANGEROUS[100]
    made = openpyxl.Workbook()
    made.active.append(["=1+1"])
    assert made.active["A1"].data_type == "f"  # what the library does by itself


def test_no_dangerous_cell_begins_a_formula_in_csv():
    content = sheets.to_csv([[text] for text in DANGEROUS]).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content, newline="")))
    assert [row[0] for row in rows] == ["'" + text for text in DANGEROUS]
    assert sheets.to_csv([["青澜市", "2026-0001"]]).decode("utf-8-sig") == '"青澜市","2026-0001"\r\n'


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_a_list_is_taken_along_as_it_is_filtered_and_the_trail_tells(client, form):
    url = f"/admin/notices/publicitynotice/export.{form}"
    make_draft(title="=HYPERLINK(1)", tasks=[])
    make_draft(title="别的草稿", tasks=[])
    make_draft(organisation=make_organisation("990400", "云岭市生态环境局"), title="别家的草稿", tasks=[])
    client.force_login(make_user("lin", "notices.view_publicitynotice"))
    content = client.get(url, {"state": "draft", "q": "HYPERLINK"}).content
    if form == "csv":
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    else:
        rows = [[cell.value for cell in row] for row in openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows()]
    assert rows[0][0] == "标题"
    assert [row[0] for row in rows[1:]] == ["'=HYPERLINK(1)" if form == "csv" else "=HYPERLINK(1)"]
    entry = TrailEntry.objects.get(action=TrailEntry.Action.EXPORTED)
    assert (entry.username, entry.detail["rows"]) == ("lin", 1)
    assert "别家" not in client.get(url).content.decode("utf-8", "ignore")
    client.force_login(make_user("outsider"))
    assert client.get(url).status_code == 403
