"""Chinese at the plain addresses, English under /en/: by the address alone, whole, and with the notices as they are."""

import re

import html5lib
import polib
import pytest

from tests import catalogue, make

pytestmark = pytest.mark.django_db
HAN = re.compile(r"[\u4e00-\u9fff]+")
# Templates whose English is still to be written: wrap what they say in {% translate %} and run python -m tests.catalogue.
PENDING = set()


@pytest.mark.parametrize("path", catalogue.public_templates(), ids=lambda path: path.stem)
def test_a_public_template_says_nothing_past_the_catalogue(path):
    found = catalogue.untranslatable(path.read_text())
    assert (path.name in PENDING) == bool(found), found


def test_every_sentence_has_an_english_translation():
    known = {entry.msgid: entry.msgstr for entry in polib.pofile(str(catalogue.PO))}
    assert {sentence for sentence in catalogue.sentences() if not known.get(sentence)} == set()
    assert set(known) == catalogue.sentences(), "python -m tests.catalogue"


def test_a_translation_fills_in_what_its_sentence_does():
    for entry in polib.pofile(str(catalogue.PO)):
        names = [set(re.findall(r"%\((\w+)\)", text)) for text in (entry.msgid, entry.msgstr)]
        assert names[0] == names[1], entry.msgid
        assert '"' not in entry.msgstr, "it may stand in an attribute"


@pytest.mark.parametrize("path", [catalogue.PO, catalogue.MARKS])
def test_the_compiled_catalogue_is_that_of_the_source(path):
    source, compiled = polib.pofile(str(path)), polib.mofile(str(path.with_suffix(".mo")))
    assert {entry.msgid: entry.msgstr for entry in compiled} == {entry.msgid: entry.msgstr for entry in source}


@pytest.mark.parametrize(
    ("source", "missed"),
    [
        ("<p>漏了</p>", ["漏了"]),
        ('<p aria-label="漏了">{% translate "有" %}</p>', ['漏了"']),
        ('{# 说明 #}{% blocktranslate with a=b|date:_("n月j日") %}从{{ a }}{% endblocktranslate %}', []),
    ],
)
def test_the_guard_notices_what_is_missing(source, missed):
    assert catalogue.untranslatable(source) == missed


@pytest.fixture
def addresses():
    notice = make.make_notice()
    task = notice.tasks.get()
    base = f"/notices/{notice.reference}/"
    rounds = ["/rounds/", f"/rounds/{task.round.slug}/", f"/tasks/{task.pk}/"]
    notices = ["/", "/notices/", "/notices/?state=open&year=2001", base, f"{base}history/", f"{base}editions/1/"]
    objections = [f"{base}object/", "/objections/track/", "/objections/received/"]
    return [*notices, *rounds, *objections, "/log/", "/help/", "/privacy/", "/accessibility/", "/sitemap/", "/nowhere/"]


def in_english(html: str) -> str:
    """The text of a page outside of what is marked as Chinese."""
    tree = html5lib.parse(html, namespaceHTMLElements=False)

    def said(element) -> str:
        if element.get("lang") == "zh-CN" or not isinstance(element.tag, str) or element.tag == "head":
            return ""
        shown = [element.get(name, "") for name in ("aria-label", "placeholder", "title")]
        return " ".join([*shown, element.text or "", *(said(child) + (child.tail or "") for child in element)])

    return said(tree)


def test_an_english_page_is_english_and_marks_what_is_not(client, addresses, settings):
    settings.SITE_NAME = "青澜市公示"
    left = {}
    for address in addresses:
        html = client.get(f"/en{address}").content.decode()
        assert '<html lang="en"' in html
        left[address] = HAN.findall(in_english(html).replace("（公示）", "").replace("(公示)", ""))
    assert {address: words for address, words in left.items() if words} == {}


def test_the_plain_address_is_chinese_whatever_the_browser_asks_for(client, addresses):
    client.cookies["django_language"] = "en"
    for address in addresses:
        response = client.get(address, headers={"accept-language": "en"})
        assert '<html lang="zh-CN"' in response.content.decode()
        assert response["Content-Language"] == "zh-CN"
        assert "Accept-Language" not in response.get("Vary", "")
        assert "/en/" not in re.sub(r'<[^>]*hreflang="en"[^>]*>', "", response.content.decode())


def test_each_page_leads_to_itself_in_the_other_language(client, addresses):
    for address in set(addresses) - {"/nowhere/", "/objections/received/"}:
        escaped = address.replace("&", "&amp;")
        assert f'<a href="/en{escaped}" hreflang="en" lang="en">' in client.get(address).content.decode()
        assert f'<a href="{escaped}" hreflang="zh-CN" lang="zh-CN">' in client.get(f"/en{address}").content.decode()


@pytest.mark.parametrize("address", ["/log/checkpoint", "/log/entries", "/feeds/notices.atom", "/notices/{}.json"])
def test_what_machines_read_stands_at_one_address(client, address):
    address = address.format(make.make_notice().reference)
    plain = client.get(address)
    assert plain.status_code == 200
    assert client.get(f"/en{address}?start=0")["Location"] == f"{address}?start=0"


@pytest.mark.parametrize("address", ["/en/admin/", "/en/health/live", "/en/robots.txt", "/zh/", "/english/"])
def test_only_pages_for_the_public_are_there(client, address):
    assert client.get(address).status_code == 404


def test_the_form_speaks_english_and_stores_the_same(client):
    notice = make.make_notice()
    html = client.post(f"/en/notices/{notice.reference}/object/", {}).content.decode()
    assert "Please write your objection." in html
    assert "请写明您的异议。" not in html


def test_the_language_of_a_page_is_forgotten_after_it(client):
    client.get("/en/")
    assert "首页" in client.get("/").content.decode()
