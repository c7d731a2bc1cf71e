"""The staff's pages in a real browser: fit, accessible, nothing refused by the security policy, wide and narrow."""

from pathlib import Path

import pytest

from notices import plans, sheets
from tests import make
from tests.browser.test_pages import RULES, SIZES, Axe

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FILE = Path(__file__).parents[1] / "notices" / "other-headings.txt"


@pytest.fixture
def desk(live_server, page, client):
    """A page that is logged in as somebody who may do everything; what the browser complains of is in `complaints`."""
    client.force_login(make.make_user("han", is_superuser=True))
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])
    page.complaints = []
    page.on("console", lambda said: said.type == "error" and page.complaints.append(said.text))
    return page


def check(page, *, fits: bool = True) -> None:
    """Nothing was refused, nothing sticks out, axe finds nothing."""
    assert page.complaints == []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert not fits or page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page, options=RULES).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    page.complaints.clear()  # axe itself tries inline styles


def test_a_file_is_uploaded_corrected_and_saved(desk, live_server):
    bureau = make.make_organisation()
    desk.goto(f"{live_server.url}/admin/notices/publicitynotice/")
    desk.get_by_role("link", name="从文件导入").click()
    check(desk)
    desk.select_option("#id_organisation", str(bureau.pk))
    desk.set_input_files("#id_file", FILE)
    desk.get_by_role("button", name="读入并核对").click()
    desk.wait_for_selector("#source-title")
    check(desk)
    desk.get_by_label("受理部门没有登记时新建").check()
    desk.get_by_label("标题").first.fill("核对过的标题")
    desk.get_by_role("button", name="存为草稿").click()
    desk.wait_for_selector(".success")
    assert bureau.notices.get().title == "核对过的标题"


def test_a_task_list_is_looked_at_and_saved(desk, live_server):
    bureau, round_ = make.make_organisation(), make.make_round()
    desk.goto(f"{live_server.url}/admin/notices/rectificationtask/")
    desk.get_by_role("link", name="从任务清单导入").click()
    check(desk)
    desk.select_option("#id_organisation", str(bureau.pk))
    desk.select_option("#id_round", str(round_.pk))
    rows = [list(plans.TITLES.values()), plans.EXAMPLE]
    desk.set_input_files("#id_file", {"name": "plan.xlsx", "mimeType": "", "buffer": sheets.to_xlsx([("清单", rows)])})
    desk.get_by_role("button", name="读入并核对").click()
    desk.wait_for_selector(".sheet")
    check(desk)
    desk.get_by_role("button", name="保存").click()
    desk.wait_for_selector(".success")
    assert bureau.tasks.get().measures.count() == 2
