"""Whoever may open a page of the admin may open what it links to."""

from html.parser import HTMLParser
from urllib.parse import urljoin

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notices.admin import scoped
from notices.models import Outage
from tests.make import DAY, make_user
from tests.test_access_matrix import ROLES, person, places, shared_rows  # noqa: F401 – a fixture

pytestmark = pytest.mark.django_db


# Files, and pages that test_access_matrix asks for and that lead nowhere else.
ENDS = (".pdf", ".docx", ".xlsx", ".csv", ".zip", "/history/", "/delete/")


class Links(HTMLParser):
    def __init__(self, page: str):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "a" and (href := dict(attrs).get("href")):
            self.found.append(href)


def crawl(role: str) -> dict[str, tuple[int, str]]:
    """address → (answer, the page that led there) of all that a person of this role comes to from the start page."""
    client, start = Client(), reverse("admin:index")
    client.force_login(person(role))
    answers, waiting = {}, [(start, "")]
    for url, page in waiting:
        path = urljoin(page, url).partition("#")[0]
        bare = path.partition("?")[0]
        if not bare.startswith(start) or bare in answers or bare.endswith(ENDS):
            continue
        answer = client.get(path)
        answers[bare] = answer.status_code, page
        if answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"):
            waiting += [(each, path) for each in Links(answer.content.decode()).found]
    return answers


@pytest.mark.parametrize("role", ROLES)
def test_no_link_leads_where_the_reader_may_not_go(places, role):  # noqa: F811
    Outage.objects.create(begun_at=timezone.now() - DAY / 24, ended_at=timezone.now(), entered_by=make_user("li"))
    shared_rows()
    answers = crawl(role)
    assert {url: said for url, said in answers.items() if said[0] != 200} == {}
    assert len(answers) > (20 if role not in "an" else 3)


@pytest.mark.usefixtures("places")
def test_the_control_without_a_look_at_who_reads_they_lead_anywhere(monkeypatch):
    monkeypatch.setattr(scoped.StaffAdmin, "opens", lambda admin, request, row: True)
    assert {status for status, _ in crawl("a").values()} == {200, 403, 404}
