"""Maps of the site, for people and for machines: everything public, nothing else."""

import re
import xml.etree.ElementTree as ET

import pytest

from tests.make import make_draft, make_notice, make_task

pytestmark = pytest.mark.django_db


def places(client, url: str) -> list[str]:
    response = client.get(url)
    assert response.status_code == 200
    return [found.text for found in ET.fromstring(response.content).iter() if found.tag.endswith("}loc")]


def test_every_public_page_is_in_the_map_and_answers(client):
    notice = make_notice()
    hidden = make_draft(tasks=[make_task(7)])
    sections = places(client, "/sitemap.xml")
    assert len(sections) == 4
    found = [place for section in sections for place in places(client, re.sub(r"^https?://[^/]+", "", section))]
    task = notice.tasks.get()
    for path in (
        "/",
        "/notices/",
        f"/notices/{notice.reference}/",
        f"/rounds/{task.round.slug}/",
        f"/tasks/{task.pk}/",
    ):
        assert f"http://testserver{path}" in found
    assert f"http://testserver/tasks/{hidden.tasks.get().pk}/" not in found
    for place in found:
        assert client.get(place.removeprefix("http://testserver")).status_code == 200, place


def test_the_map_for_people_names_what_is_public(client):
    html = client.get("/sitemap/").content.decode()
    assert "青澜市生态环境局" not in html
    notice = make_notice()
    html = client.get("/sitemap/").content.decode()
    assert "青澜市生态环境局</a>（1份）" in html
    for url in re.findall(r'<li><a href="([^"]+)"', html):
        assert client.get(url).status_code == 200, url
    assert f"?year={notice.reference[:4]}" in html


def test_robots_are_told_where_the_map_is(client):
    lines = client.get("/robots.txt").content.decode().splitlines()
    assert "Sitemap: http://testserver/sitemap.xml" in lines
    assert "Disallow: /admin/" in lines


@pytest.mark.parametrize("url", ["/sitemap-nothing.xml", "/sitemap-notices.xml?p=x", "/sitemap-notices.xml?p=99"])
def test_a_map_that_does_not_exist_is_not_found(client, url):
    assert client.get(url).status_code == 404
