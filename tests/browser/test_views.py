"""Elder mode and reading aloud in a real browser."""

import pytest

from tests import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

VOICES = """
const spoken = (window.spoken = []);
window.SpeechSynthesisUtterance = function (text) { this.text = text; };
const speech = {
  getVoices: () => [{ lang: "LANG", localService: LOCAL }],
  speak: (words) => { spoken.push(words.text); if (!window.held) setTimeout(() => words.onend(), 0); },
  cancel: () => {}, addEventListener: () => {},
};
Object.defineProperty(window, "speechSynthesis", { value: speech });
"""


def is_elder(page) -> bool:
    size = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
    return page.evaluate("document.documentElement.dataset.view") == "elder" and size >= 24


def test_the_browser_remembers_the_view_without_a_cookie(page, live_server):
    page.goto(f"{live_server.url}/?view=elder")
    assert is_elder(page)
    assert page.url == f"{live_server.url}/", "a link that is passed on changes nobody's view"
    page.get_by_role("link", name="督察轮次").first.click()
    assert "view=" not in page.url
    assert is_elder(page)
    assert page.context.cookies() == []
    page.get_by_role("link", name="常规版").click()
    assert not is_elder(page)
    page.reload()
    assert not is_elder(page)


def test_switching_keeps_what_was_typed(page, live_server):
    page.goto(f"{live_server.url}/notices/{make.make_notice().reference}/object/")
    page.locator("#id_content").fill("北岸仍有垃圾。")
    page.get_by_role("link", name="长者版").focus()
    page.keyboard.press("Enter")
    assert is_elder(page)
    assert page.locator("#id_content").input_value() == "北岸仍有垃圾。"
    assert page.evaluate("document.activeElement.textContent") == "常规版"


def test_without_a_script_the_address_carries_the_view(browser, live_server):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/?view=elder")
    page.get_by_role("link", name="帮助").first.click()
    page.get_by_role("link", name="督察轮次").first.click()
    assert page.url == f"{live_server.url}/rounds/?view=elder"
    assert page.locator("html").get_attribute("data-view") == "elder"
    page.get_by_role("link", name="常规版").click()
    page.get_by_role("link", name="帮助").first.click()
    assert page.locator("html").get_attribute("data-view") is None
    context.close()


def test_the_elder_view_is_drawn_at_once(page, live_server):
    """The mark is there before the body is: nothing jumps."""
    page.goto(f"{live_server.url}/?view=elder")
    page.add_init_script(
        "new MutationObserver((_, me) => { if (document.body) {"
        " window.early = document.documentElement.dataset.view; me.disconnect(); } })"
        ".observe(document, { childList: true, subtree: true })"
    )
    page.goto(f"{live_server.url}/help/")
    assert page.evaluate("window.early") == "elder"


@pytest.mark.parametrize(
    ("lang", "local", "offered"),
    [("zh-CN", "true", True), ("cmn-Hans-CN", "true", True), ("zh-CN", "false", False), ("en-US", "true", False)],
)
def test_reading_aloud_is_offered_where_the_device_can(page, live_server, lang, local, offered):
    page.add_init_script(VOICES.replace("LANG", lang).replace("LOCAL", local))
    page.goto(f"{live_server.url}/notices/{make.make_notice().reference}/")
    assert page.get_by_role("button", name="朗读全文").is_visible() == offered


def test_every_paragraph_is_read_in_order(page, live_server):
    page.add_init_script(VOICES.replace("LANG", "zh-CN").replace("LOCAL", "true"))
    page.goto(f"{live_server.url}/notices/{make.make_notice().reference}/")
    title = page.locator("#notice-title").inner_text()
    texts = page.locator(".notice-text p:not(.item__object):not(.pairing__hint)").all_inner_texts()
    page.get_by_role("button", name="朗读全文").click()
    page.get_by_role("button", name="朗读全文").wait_for()
    spoken = "".join(page.evaluate("window.spoken"))
    place = 0
    for text in [title, *texts]:
        assert text in spoken[place:]
        place = spoken.index(text, place) + len(text)
    assert "对此项提出异议" not in spoken


def test_reading_stops_and_skips(page, live_server):
    page.add_init_script(VOICES.replace("LANG", "zh-CN").replace("LOCAL", "true") + "window.held = true;")
    page.goto(f"{live_server.url}/notices/{make.make_notice().reference}/")
    page.get_by_role("button", name="朗读全文").click()
    assert page.evaluate("document.activeElement.textContent.trim()") == "停止朗读"
    assert page.locator("#notice-title.is-read").count() == 1
    page.get_by_role("button", name="下一段").click()
    assert page.locator("#notice-title.is-read").count() == 0
    assert page.locator(".notice-text .is-read").count() == 1
    page.get_by_role("button", name="停止朗读").click()
    assert page.locator(".is-read").count() == 0
    assert page.get_by_role("button", name="朗读全文").is_visible()
