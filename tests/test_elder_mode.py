"""Elder mode without a script: the address says it, and every link and form of the page carries it on. No cookie."""

import re

import pytest
from django.http import HttpResponseRedirect

from portal.elder import CarryOn, carried_on
from tests import make

pytestmark = pytest.mark.django_db


def page(client, address: str) -> str:
    return client.get(address).content.decode()


def test_the_address_turns_it_on_and_nothing_is_set(client):
    response = client.get("/?view=elder")
    assert '<html lang="zh-CN" data-view="elder">' in response.content.decode()
    assert not response.cookies
    assert "Cookie" not in response.get("Vary", "")
    assert "data-view=" not in re.search("<html[^>]*>", page(client, "/"))[0]


def test_links_within_the_site_carry_it(client):
    notice = make.make_notice()
    html = page(client, f"/notices/{notice.reference}/?view=elder")
    inside = re.findall(r'<a[^>]*href="(/[^"#]*)', html)
    assert inside
    assert all("view=elder" in address for address in inside)
    assert page(client, f"/notices/{notice.reference}/").count("view=elder") == 1, "only the switch"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<a href="/help/#verify">', '<a href="/help/?view=elder#verify">'),
        ('<a class="x" href="/notices/?state=open">', '<a class="x" href="/notices/?state=open&amp;view=elder">'),
        ('<a href="?view=standard">', '<a href="?view=standard">'),
        ('<a href="#main">', '<a href="#main">'),
        ('<a href="//elsewhere.example/">', '<a href="//elsewhere.example/">'),
        ('<a href="https://elsewhere.example/">', '<a href="https://elsewhere.example/">'),
        ('<link href="/static/x.css">', '<link href="/static/x.css">'),
        ('<a href="/static/portal/verify.py">', '<a href="/static/portal/verify.py">'),
        ('<form method="post" action="/x/">', '<form method="post" action="/x/?view=elder">'),
        (
            '<form method="get" action="/x/">',
            '<form method="get" action="/x/?view=elder"><input type="hidden" name="view" value="elder">',
        ),
    ],
)
def test_what_carries_it_and_what_does_not(before, after):
    assert carried_on(before) == after


@pytest.mark.parametrize(
    ("asked", "leads"), [("/?view=elder", "/objections/received/?view=elder"), ("/", "/objections/received/")]
)
def test_a_sent_form_leads_on_in_elder_mode(rf, asked, leads):
    response = CarryOn(lambda request: HttpResponseRedirect("/objections/received/"))(rf.post(asked))
    assert response["Location"] == leads


def test_the_answer_has_its_true_length(client):
    response = client.get("/?view=elder")
    assert int(response["Content-Length"]) == len(response.content)
