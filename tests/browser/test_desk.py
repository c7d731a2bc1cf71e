"""The staff's pages in a real browser: they fit a telephone and a desktop, are accessible in light and dark, and nothing
on them is refused by the security policy."""

import re
from pathlib import Path

import pytest
from django.urls import reverse

from notices import plans, sheets
from notices.models import Invitation
from tests import make
from tests.browser.test_pages import OF_LOOKS, RULES, SIZES, Axe
from tests.test_access_matrix import asked_of_models, rows_of
from tests.test_login import PASSWORD, code_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FILE = Path(__file__).parents[1] / "notices" / "other-headings.txt"
# Pages of no row that a person reads: names of addresses
SINGLE = ["index", "password_change", "notices_publicitynotice_intake", "notices_rectificationtask_intake"]
SINGLE += ["objections_objection_enter", "objections_outcomes", "objections_yearly", "handbook", "logins"]


@pytest.fixture
def desk(live_server, page, client):
    """A page that is logged in as somebody who may do everything; what the browser complains of is in `complaints`."""
    client.force_login(make.make_user("han", is_superuser=True))
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])
    return listening(page)


def listening(page):
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    return page


def check(page) -> None:
    """Nothing was refused, nothing sticks out, axe finds nothing: all its rules wide, those of looks narrow and dark."""
    complaints = [said for said in page.complaints if "the server responded with a status of 4" not in said]
    assert complaints == [], page.url
    page.evaluate(Axe().axe_script)
    for scheme, (width, height), rules in zip(("light", "dark"), SIZES, (RULES, OF_LOOKS), strict=True):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{page.url} scrolls sideways at {width}"
        found = page.evaluate("(rules) => axe.run(document, rules)", rules)["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], (
            f"{page.url} at {width} in the {scheme}"
        )
    page.complaints.clear()  # axe itself tries inline styles


def addresses() -> list[str]:
    """Every page of the admin that is there to be read, with a row of each kind, and a draft that was sent back."""
    rows = rows_of(make.make_organisation(), "own")
    draft = make.make_draft(title="还没有整改情况的公示", tasks=[make.make_task(2)])
    draft.submit(by=make.make_user("zhang"))
    draft.send_back(by=make.make_user("li"), reason="请核对台账。")
    asked = asked_of_models({"own": rows})
    pages = [url for method, url, who, _ in asked if method == "get" and "u" in who]
    for alike in ("/history/", "/delete/"):  # one stands for all
        pages = [url for url in pages if not url.endswith(alike)] + [url for url in pages if url.endswith(alike)][:1]
    pages += [reverse("admin:notices_publicitynotice_change", args=[draft.pk])]
    pages += [reverse("admin:objections_objection_enter") + f"?notice={rows['notices_publicitynotice'].reference}"]
    return pages + [reverse(f"admin:{name}") for name in SINGLE]


def test_every_page_fits_and_is_accessible(desk, live_server):
    for address in addresses():
        assert desk.goto(live_server.url + address).status == 200
        check(desk)


def test_the_pages_before_the_login(page, live_server, settings):
    settings.STAFF_SECOND_FACTOR = True
    user = make.make_member("wu", "editor")
    user.set_password(PASSWORD)
    user.save()
    listening(page)
    page.goto(f"{live_server.url}/admin/")
    for password in ("不对", PASSWORD):
        check(page)
        page.get_by_label("用户名").fill("wu")
        page.get_by_label("密码").fill(password)
        page.get_by_role("button", name="登录", exact=True).click()
    page.get_by_label("验证码").fill("000000")
    page.get_by_role("button", name="绑定并登录").click()
    page.get_by_role("alert").wait_for()
    check(page)


def test_the_page_of_recovery_codes(page, live_server, settings):
    settings.STAFF_SECOND_FACTOR = True
    user = make.make_member("wu", "editor")
    user.set_password(PASSWORD)
    user.save()
    listening(page)
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("用户名").fill("wu")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    page.locator(".qr img").wait_for()
    page.get_by_label("验证码").fill(code_of(user))
    page.get_by_role("button", name="绑定并登录").click()
    page.locator(".codes").wait_for()
    check(page)


def test_the_pages_of_somebody_shut_out_and_of_somebody_invited(page, live_server, settings):
    listening(page)
    wu = make.make_member("wu", "editor")
    page.goto(f"{live_server.url}/admin/")
    for _ in range(settings.AXES_FAILURE_LIMIT):
        page.get_by_label("用户名").fill("wu")
        page.get_by_label("密码").fill("不对")
        page.get_by_role("button", name="登录", exact=True).click()
    page.get_by_text("登录已锁定").first.wait_for()
    check(page)
    wu.email = "wu@qinglan.example"
    mail = Invitation.objects.invite(wu).compose()
    page.goto(live_server.url + re.search(r"(/admin/invitation/\S+)", mail.body)[1])
    check(page)


def test_the_pages_that_ask_before_many_are_done_and_after_somebody_else_saved(desk, live_server):
    draft = make.make_draft()
    draft.submit(by=make.make_user("zhang"))
    desk.goto(f"{live_server.url}/admin/notices/publicitynotice/")
    desk.locator("#result_list input[name=_selected_action]").first.check()
    desk.select_option("select[name=action]", "publish_selected")
    desk.get_by_role("button", name="执行").click()
    desk.get_by_text("确认：审核发布 1 条").first.wait_for()
    check(desk)
    desk.goto(f"{live_server.url}{reverse('admin:notices_rectificationtask_change', args=[draft.tasks.get().pk])}")
    draft.tasks.update(problem="别人写的问题。")
    desk.fill("#id_problem", "我写的问题。")
    desk.locator('.submit-row [name="_continue"]').click()
    desk.wait_for_selector(".conflict")
    check(desk)


def test_a_file_is_uploaded_corrected_and_saved(desk, live_server):
    bureau = make.make_organisation()
    desk.goto(f"{live_server.url}/admin/notices/publicitynotice/intake/")
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
    desk.goto(f"{live_server.url}/admin/notices/rectificationtask/intake/")
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
