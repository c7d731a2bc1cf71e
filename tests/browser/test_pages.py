"""Every public page in a real browser, wide and narrow, light and dark: fits, is quiet, stays at home, is accessible."""

import datetime
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone

from notices.models import ProgressReport
from tests import make
from tests.hostile import picture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DAY = datetime.timedelta(days=1)
SIZES = [(1280, 900), (390, 844)]
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
# What a colour scheme or the elder view can change; everything else is looked at once.
OF_LOOKS = {"runOnly": {"type": "rule", "values": ["color-contrast", "target-size", "link-in-text-block"]}}


@pytest.fixture
def notices(transactional_db):
    """One notice in every state; the open one is corrected and has an item without counterpart on either side."""
    today = timezone.localdate()
    task = make.make_task(deadline_text="2024年12月底", responsible_units="青澜市水务局、青岭区人民政府")
    make.make_task(2)
    draft = make.make_draft(today - 3 * DAY, today + 11 * DAY, tasks=[task])
    progress = draft.sections.get(kind="progress")
    progress.body = "以下为截至目前的情况。\n(一)清理河道。已清运垃圾三百吨。\n(三)增设监控。安装摄像头十二个。"
    progress.ordinal = 9  # so that the self-acceptance is printed between measures and progress
    progress.save()
    report = ProgressReport.objects.create(task=task, ordinal=1, text="已清运垃圾三百吨。")
    files = [("清运后的河道.jpg", picture()), ("清运台账.txt", b"2025")]
    draft.evidence.set(make.make_evidence(task, *each, report=report) for each in files)
    draft.submit(by=make.make_user("zhang"))
    draft.publish(confirmed=True, by=make.make_user("li"), archive=True)
    draft.begin_correction(by=make.make_user("zhang"), reason="受理电话印错一位，现予更正。")
    draft.submit(by=make.make_user("zhang"))
    draft.publish(confirmed=True, by=make.make_user("li"))
    withdrawn = make.make_notice(tasks=[make.make_task(3)])
    make.withdraw(withdrawn, "落款单位有误，将重新公示。")
    return {
        "open": draft,
        "upcoming": make.make_notice(today + 5 * DAY, today + 19 * DAY, tasks=[make.make_task(4)]),
        "closed": make.make_notice(today - 40 * DAY, today - 20 * DAY, tasks=[make.make_task(5)]),
        "withdrawn": withdrawn,
    }


def addresses(notices) -> list[str]:
    """Every kind of public page, in every state that looks different."""
    open_one = notices["open"]
    base = f"/notices/{open_one.reference}/"
    task = open_one.tasks.get()
    return [
        "/",
        "/notices/",
        "/notices/?state=open&year=2001",
        *(f"/notices/{notice.reference}/" for notice in notices.values()),
        f"{base}editions/1/",
        f"{base}editions/2/",
        f"{base}history/",
        "/log/",
        f"{base}object/",
        *(f"/notices/{notices[state].reference}/object/" for state in ("upcoming", "closed", "withdrawn")),
        "/rounds/",
        f"/tasks/{notices['closed'].tasks.get().pk}/",
        f"/rounds/{task.round.slug}/",
        f"/tasks/{task.pk}/",
        "/objections/track/",
        "/objections/received/",
        "/help/",
        "/privacy/",
        "/accessibility/",
        "/sitemap/",
        "/nowhere/",
        *(f"/en{address}" for address in ("/", "/notices/", base, f"{base}object/", "/objections/track/", "/help/")),
    ]


@pytest.fixture
def watched(page, live_server):
    """The page, and what went wrong on it: console errors and requests to other hosts."""
    wrong = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("console", lambda message: wrong.append(f"console: {message.text}") if message.type == "error" else None)
    page.on("request", lambda request: None if is_home(request.url, live_server.url) else wrong.append(request.url))
    page.wrong = wrong
    return page


def is_home(url: str, home: str) -> bool:
    return url.startswith((f"{home}/", "data:"))


def check(page, name: str) -> None:
    """The page as it stands: no sideways scrolling, nothing wrong, axe content in light, dark, elder."""
    width = page.viewport_size["width"]
    # The browser itself reports answers that are errors on purpose.
    wrong = [line for line in page.wrong if "the server responded with a status of 4" not in line]
    assert not wrong, f"{name}: {wrong}"
    for view in ("standard", "elder"):
        page.evaluate(f"document.documentElement.dataset.view = '{view}'")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name}: scrolls sideways, {view}"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = Axe().run(page, options=RULES if (view, scheme) == ("standard", "light") else OF_LOOKS)
            assert found.violations_count == 0, f"{name} {width} {scheme} {view}\n{found.generate_report()}"
    page.emulate_media(color_scheme="light")
    page.evaluate("document.documentElement.removeAttribute('data-view')")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_page_fits_is_quiet_and_accessible(watched, live_server, notices, width, height):
    watched.set_viewport_size({"width": width, "height": height})
    for address in addresses(notices):
        watched.goto(live_server.url + address)
        check(watched, address)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_way_of_an_objection(watched, live_server, notices, width, height):
    watched.set_viewport_size({"width": width, "height": height})
    watched.goto(f"{live_server.url}/notices/{notices['open'].reference}/")
    watched.locator("#measures-2").get_by_role("link", name="对此项提出异议").click()
    assert watched.locator("#id_concerns").input_value() == "measures-2"

    watched.locator("#id_email").fill("不是邮箱")
    watched.get_by_role("button", name="提交异议").click()
    summary = watched.locator(".error-summary")
    assert summary.is_visible()
    assert watched.evaluate("document.activeElement.className") == "error-summary"
    check(watched, "form with errors")
    summary.get_by_role("link", name="请写明您的异议").click()
    assert watched.evaluate("document.activeElement.id") == "id_content"

    watched.locator("#id_content").fill("北岸仍有垃圾。")
    watched.locator("#id_name").fill("王小明")
    watched.locator("#id_phone").fill("0000-7654321")
    watched.locator("#id_email").fill("")
    watched.locator("#id_consent").check()
    watched.get_by_role("button", name="提交异议").click()
    watched.wait_for_url("**/objections/received/")
    check(watched, "receipt")
    code = watched.locator("#receipt-code").text_content()
    assert re.fullmatch(r"(?:[0-9A-Z]{4}-){6}[0-9A-Z]{4}", code)
    assert re.fullmatch(r"YY\d{4}-\d{6}", watched.locator("#receipt-number").text_content())
    for name in ("receipt-code", "receipt-number"):
        assert watched.evaluate(f"document.getElementById('{name}').childNodes.length") == 1

    watched.goto(f"{live_server.url}/objections/track/")
    watched.locator("#id_code").fill("不对")
    watched.get_by_role("button", name="查询").click()
    check(watched, "tracking with an error")
    watched.locator("#id_code").fill(code.lower())
    watched.get_by_role("button", name="查询").click()
    assert watched.get_by_role("heading", name="办理经过").is_visible()
    check(watched, "tracking")


def test_typed_text_is_handed_back_after_the_close(watched, live_server, notices):
    reference = notices["open"].reference
    watched.goto(f"{live_server.url}/notices/{reference}/object/")
    watched.locator("#id_content").fill("北岸仍有垃圾。")
    form = watched.locator("form")
    form.evaluate(f"(form) => form.action = '/notices/{notices['closed'].reference}/object/'")
    watched.get_by_role("button", name="提交异议").click()
    assert watched.locator("textarea[readonly]").input_value() == "北岸仍有垃圾。"
    check(watched, "typed text")


def tops(page, selector: str) -> list[float]:
    """Where the text under `selector` stands, from the top of the page."""
    script = "(all) => all.map((one) => one.getBoundingClientRect().top + scrollY)"
    return page.locator(selector).evaluate_all(script)


def test_on_paper_all_measures_come_before_all_progress(page, live_server, notices):
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{live_server.url}/notices/{notices['open'].reference}/")
    measures, progress = tops(page, "[id^=measures-]"), tops(page, "[id^=progress-]")
    assert measures[0] == pytest.approx(progress[0], abs=2), "side by side on a wide screen"
    page.emulate_media(media="print")
    measures, progress = tops(page, "[id^=measures-]"), tops(page, "[id^=progress-]")
    assert measures == sorted(measures)
    assert progress == sorted(progress)
    assert max(measures) < min(progress)
    heads = tops(page, ".pairing .section__heading")
    assert heads[0] < min(measures)
    (between,), (after,) = tops(page, ".section--acceptance"), tops(page, "#attachments")
    assert max(measures) < between < heads[1] < min(progress)
    assert max(progress) < after < min(tops(page, ".signature"))
    for selector in (".site-header", ".site-footer", ".key-facts", ".item__object", ".pair__tag", ".call"):
        assert not page.locator(selector).first.is_visible(), selector
    title = page.locator("#notice-title")
    assert title.evaluate("(one) => getComputedStyle(one).textAlign") == "center"
    assert page.locator(".signature p").first.evaluate("(one) => getComputedStyle(one).textAlign") == "right"


def test_on_a_telephone_each_measure_stands_above_its_progress(page, live_server, notices):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/notices/{notices['open'].reference}/")
    assert tops(page, "#measures-1") < tops(page, "#progress-1") < tops(page, "#measures-2")


def test_the_printed_notice_in_the_dark_is_black_on_white(page, live_server, notices):
    page.emulate_media(media="print", color_scheme="dark")
    page.goto(f"{live_server.url}/notices/{notices['open'].reference}/")
    colours = page.locator(".notice-text p").first.evaluate("(one) => getComputedStyle(one).color")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (colours, ground) == ("rgb(0, 0, 0)", "rgb(255, 255, 255)")


def test_lines_of_the_notice_have_at_most_forty_characters(page, live_server, notices):
    for width in (1440, 1280, 1024, 768, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{live_server.url}/notices/{notices['open'].reference}/")
        longest = page.locator(".notice-text p:not(.item__object)").evaluate_all(
            "(all) => Math.max(...all.map((one) => one.clientWidth / parseFloat(getComputedStyle(one).fontSize)))"
        )
        assert longest <= 40.1, width
        leading = page.locator(".notice-text").evaluate(
            "(one) => parseFloat(getComputedStyle(one).lineHeight) / parseFloat(getComputedStyle(one).fontSize)"
        )
        assert leading >= 1.75


def test_nothing_scrolls_sideways_between_telephone_and_desktop(page, live_server, notices):
    wanted = [f"/notices/{notices['open'].reference}/", "/", "/notices/", "/help/"]
    for width in (320, 360, 480, 640, 768, 900, 1024, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        for address in wanted:
            page.goto(live_server.url + address)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (address, width)


def test_with_the_keyboard_alone(page, live_server, notices):
    page.goto(f"{live_server.url}/notices/{notices['open'].reference}/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "跳到正文"
    assert page.locator(".skip-link").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.getElementById('main').contains(document.activeElement)")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.getAttribute('href')"))
    base = f"/notices/{notices['open'].reference}"
    assert {f"{base}/object/", f"{base}/object/?item=measures-1", f"{base}.json", f"{base}/history/"} <= reached


def test_without_javascript_everything_is_there(browser, live_server, notices):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/notices/{notices['open'].reference}/")
    assert page.locator("#measures-1").is_visible()
    assert not page.locator("[data-print]").is_visible()
    context.close()


def test_a_first_view_is_light(page, live_server, notices):
    import gzip

    sizes = {}
    page.on("response", lambda response: sizes.update({response.url: len(gzip.compress(response.body()))}))
    page.goto(f"{live_server.url}/notices/{notices['open'].reference}/")
    page.wait_for_load_state("networkidle")
    assert sum(sizes.values()) < 150_000, sizes
    assert sum(size for url, size in sizes.items() if url.endswith(".js")) < 30_000


def test_the_address_of_a_notice_is_copied(watched, live_server, notices):
    watched.context.grant_permissions(["clipboard-read", "clipboard-write"])
    watched.goto(f"{live_server.url}/notices/{notices['open'].reference}/")
    watched.click("details.share summary")
    watched.click("[data-copy]")
    watched.wait_for_selector("[data-copy-done]:not([hidden])")
    assert watched.evaluate("navigator.clipboard.readText()").endswith(f"/notices/{notices['open'].reference}/")
    found = Axe().run(watched, options=RULES)
    assert not found.response["violations"], found.generate_report()
    assert not watched.wrong
