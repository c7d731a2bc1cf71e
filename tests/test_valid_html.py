"""Every public page is what the HTML standard calls a document: no parse errors, no id twice, every reference leads."""

import collections
import datetime
import re
from pathlib import Path

import html5lib
import pytest
from django.utils import timezone

from tests import make

pytestmark = pytest.mark.django_db
STYLES = Path(__file__).resolve().parents[1] / "static" / "portal"
DAY = datetime.timedelta(days=1)
REFERRING = ("aria-labelledby", "aria-describedby", "for", "list")


def faults(html: str) -> list[str]:
    """What is wrong with a page, in words."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree = parser.parse(html)
    found = [f"{code} at {place}" for place, code, _ in parser.errors]
    ids = collections.Counter(element.get("id") for element in tree.iter() if element.get("id"))
    found += [f"id twice: {name}" for name, count in ids.items() if count > 1]
    for element in tree.iter():
        wanted = [name for attribute in REFERRING for name in element.get(attribute, "").split()]
        wanted += re.findall(r"^#(.+)", element.get("href", ""))
        found += [f"no such id: {name}" for name in wanted if name not in ids]
    return found


@pytest.fixture
def pages(client):
    """Address → the page, in every state that looks different."""
    today = timezone.localdate()
    opened = make.make_notice()
    later = make.make_notice(today + 5 * DAY, today + 19 * DAY, tasks=[make.make_task(2)])
    closed = make.make_notice(today - 40 * DAY, today - 20 * DAY, tasks=[make.make_task(3)])
    withdrawn = make.make_notice(tasks=[make.make_task(4)])
    make.withdraw(withdrawn, "落款单位有误。")
    task = opened.tasks.get()
    addresses = ["/", "/notices/", "/notices/?state=open&year=2001", "/rounds/", f"/rounds/{task.round.slug}/"]
    addresses += [f"/tasks/{task.pk}/", "/objections/track/", "/objections/received/", "/log/", "/help/", "/privacy/"]
    addresses += ["/accessibility/", "/nowhere/", "/subscribe/", "/subscribe/sent/", "/subscribe/confirm/x/"]
    for notice in (opened, later, closed, withdrawn):
        base = f"/notices/{notice.reference}/"
        addresses += [base, f"{base}history/", f"{base}editions/1/", f"{base}object/"]
    shown = {address: client.get(address) for address in addresses}
    shown |= {f"/en{address}": client.get(f"/en{address}") for address in addresses}
    shown |= {f"{address}?view=elder": client.get(address, {"view": "elder"}) for address in addresses}
    shown["errors"] = client.post(f"/notices/{opened.reference}/object/", {"email": "x", "content": "字"})
    shown["typed text"] = client.post(f"/notices/{closed.reference}/object/", {"content": "字"})
    shown["no address"] = client.post("/subscribe/", {"email": ""})
    shown["unknown code"] = client.post("/objections/track/", {"code": "x"})
    return {address: response.content.decode() for address, response in shown.items()}


def test_every_page_is_valid(pages):
    found = {address: faults(html) for address, html in pages.items()}
    assert {address: wrong for address, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    "broken",
    [
        "<!DOCTYPE html><title>x</title><p id=a><p id=a>",
        "<!DOCTYPE html><title>x</title><p><div></p></div>",
        "<!DOCTYPE html><title>x</title><label for=a>",
        '<!DOCTYPE html><title>x</title><a href="#a">x</a>',
        "<title>x</title>",
    ],
)
def test_the_check_finds_what_is_wrong(broken):
    assert faults(broken)


def test_a_page_has_one_h1_one_main_and_a_title_of_its_own(pages):
    for address, html in pages.items():
        assert html.count("<h1") == 1, address
        assert html.count("<main") == 1, address
        assert re.search(r"<title>\s*\S", html), address


@pytest.mark.parametrize("sheet", sorted(STYLES.glob("*.css")), ids=lambda path: path.name)
def test_every_block_of_a_stylesheet_is_closed(sheet):
    """A brace that is missing silently puts everything after it into the block before."""
    rules = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.S)
    assert rules.count("{") == rules.count("}") > 0
    assert not re.search(r"^[^\s@}].*{[^}]*^[^\s}].*{", rules, re.M), "a rule at the margin within another"
