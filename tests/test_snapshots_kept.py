"""What the memory of prepared pages holds, and what it never does."""
# ruff: noqa: F811

import pytest
from django.core.handlers.wsgi import WSGIHandler

from notices import snapshots, stamp
from tests.make import make_notice
from tests.test_snapshots import layer  # noqa: F401 – a fixture

# --- What is kept, and what is not ------------------------------------------------------------------------------------

PUBLIC = [
    "/",
    "/en/",
    "/?view=elder",
    "/notices/",
    "/notices/?state=open",
    "/notices/{0}/",
    "/notices/{0}.json",
    "/notices/{0}.txt",
    "/notices/{0}/history/",
    "/notices/{0}/editions/1/",
    "/notices/{0}/editions/1.json",
    "/notices/{0}/editions/1/proof.json",
    "/feeds/notices.atom",
    "/calendar/windows.ics",
    "/rounds/",
    "/rounds/central-1/",
    "/log/",
    "/log/checkpoint",
    "/log/entries?start=0",
    "/api/v1/notices",
    "/api/v1/notices?state=open&limit=5",
    "/api/v1/openapi.json",
    "/help/",
    "/privacy/",
    "/accessibility/",
    "/sitemap/",
    "/robots.txt",
    "/sitemap.xml",
    "/sitemap-notices.xml",
]
PERSONAL = [
    "/notices/{0}/object/",
    "/objections/received/",
    "/objections/track/",
    "/objections/track/x.css",
    "/admin/login/",
    "/health/ready",
    "/notices/?q=河道",
    "/notices/?page=abc",
    "/?utm=1",
    "/notices/2000-0001/",
    "/nowhere",
    "/notices/{0}/x.css",
    "/api/v1/notices?colour=red",
]


@pytest.mark.parametrize("path", PUBLIC)
def test_a_public_page_is_made_once_and_is_the_same_for_everybody(layer, path):
    path = path.format(make_notice().reference)
    status, headers, body = layer.ask(path, headers={"cookie": f"sessionid={32 * 's'}"})
    assert status == 200
    assert headers.pop("x-accel-expires").startswith("@")
    assert not {"set-cookie", "x-request-id"} & set(headers)
    again = layer.ask(path)
    assert again[1].pop("x-accel-expires")
    assert again == (status, headers, body)
    assert layer.made == 1
    stamp.touch()
    assert layer.ask(path)[2] == body  # nothing in it is of one answer alone
    assert layer.made == 2


@pytest.mark.parametrize("path", PERSONAL)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_nothing_else_is_kept(layer, path, method):
    path = path.format(make_notice().reference)
    for _ in range(2):
        assert "x-accel-expires" not in layer.ask(path, method)[1]
    assert layer.made == 2
    assert not any(isinstance(each, snapshots.Page) for each in layer.memory.pages.values())


@pytest.mark.parametrize(
    "more", [[], [("Set-Cookie", "sessionid=1")], [("Vary", "Cookie")]], ids=["control", "cookie", "vary"]
)
def test_what_is_for_one_reader_is_not_kept_even_where_its_view_says_so(layer, more):
    headers = [("Content-Type", "text/plain"), (snapshots.MAY_BE_KEPT, "1"), *more]
    layer.django = lambda environ, start_response: start_response("200 OK", headers) or [b"text"]
    said = [layer.ask("/somewhere/") for _ in range(2)]
    assert layer.made == (2 if more else 1)
    assert all((name.lower(), value) in answered.items() for _, answered, _ in said for name, value in more)


@pytest.mark.parametrize(
    ("first", "then", "status"),
    [
        ({"HTTP_HOST": "testserver"}, {"HTTP_HOST": "evil.example"}, 400),
        ({"HTTP_HOST": "testserver"}, {"HTTP_HOST": "testserver\\tx"}, 400),
        ({"wsgi.url_scheme": "https"}, {"wsgi.url_scheme": "http"}, 301),
        ({"HTTP_X_FORWARDED_PROTO": "https", "wsgi.url_scheme": "https"}, {"HTTP_X_FORWARDED_PROTO": "http"}, 301),
    ],
)
def test_host_and_scheme_are_judged_by_django_as_ever(layer, settings, first, then, status):
    settings.SECURE_SSL_REDIRECT = status == 301
    layer.django = WSGIHandler()
    make_notice()
    assert layer.ask("/", **first)[0] == 200
    for _ in range(2):
        assert layer.ask("/", **then)[0] == status
        assert layer.ask("/", **first)[0] == 200
    poisoned = {
        "HTTP_X_FORWARDED_HOST": "evil.example",
        "HTTP_X_ORIGINAL_URL": "/admin/",
        "HTTP_FORWARDED": "host=evil",
    }
    assert b"evil" not in layer.ask("/", **first, **poisoned)[2]


def test_the_memory_is_bounded(layer, monkeypatch):
    make_notice()
    monkeypatch.setattr(snapshots, "MEMORY", 100_000)
    for number in range(60):
        layer.ask(f"/log/entries?start={number}")
        assert layer.memory.size == sum(page.size for page in layer.memory.pages.values()) <= 100_000
    assert 5 < len(layer.memory.pages) < 60
