"""Errors say what happened and what to do next, in the site's own voice, whatever it is that failed."""

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import HttpResponse, HttpResponseNotAllowed
from django.test import RequestFactory
from django.urls import path

import portal.urls
from portal import errors


def answer(request, status):
    return HttpResponse(status=status)


def refuse(request):
    return HttpResponseNotAllowed(["POST"])


def spoken(request):
    return HttpResponse("busy\n", status=503, content_type="text/plain")


def fail(error):
    def view(request):
        raise error

    return view


urlpatterns = [
    *portal.urls.urlpatterns,
    path("fails/<int:status>/", answer),
    path("refuses/", refuse),
    path("spoken/", spoken),
    *(
        path(f"raises/{type(error).__name__}/", fail(error))
        for error in (ValueError(), OperationalError(), PermissionDenied(), RequestDataTooBig(), SuspiciousOperation())
    ),
]
handler400, handler403, handler404, handler500 = (
    portal.urls.handler400,
    portal.urls.handler403,
    portal.urls.handler404,
    portal.urls.handler500,
)
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def visitor(client):
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("status", errors.STATUSES)
def test_every_status_has_a_page_that_asks_the_database_nothing(status, visitor):
    response = visitor.get(f"/fails/{status}/")
    html = response.content.decode()
    assert response.status_code == status
    assert html.count("<h1>") == 1
    assert f"错误代码：{status}" in html
    assert 'href="/notices/"' in html, "what to do next"
    assert int(response.get("Content-Length", 0)) == len(response.content)


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        ("ValueError", 500, "网站出了故障"),
        ("OperationalError", 503, "网站暂时不能使用"),
        ("PermissionDenied", 403, "这个页面不对外开放"),
        ("RequestDataTooBig", 413, "内容太大，没有收下"),
        ("SuspiciousOperation", 400, "这个请求看不懂"),
    ],
)
def test_what_fails_inside_is_answered_in_words(error, status, says, visitor, settings):
    settings.DEBUG = False
    response = visitor.get(f"/raises/{error}/")
    assert (response.status_code, says in response.content.decode()) == (status, True)
    assert ("Retry-After" in response) == (status == 503)
    assert "Content-Security-Policy" in response


@pytest.mark.parametrize("broken", ["base.html", "static"])
def test_when_the_error_page_fails_a_plain_file_answers(broken, visitor, monkeypatch):
    def fails(*arguments, **options):
        raise ValueError(broken)

    monkeypatch.setattr(errors, "error_page", fails)
    response = visitor.get("/raises/ValueError/")
    assert response.status_code == 500
    assert "<h1>网站暂时不能使用</h1>" in response.content.decode()


def test_a_method_that_is_not_allowed_keeps_its_header(visitor):
    response = visitor.get("/refuses/")
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert "这个网址不能这样打开" in response.content.decode()


def test_an_error_that_speaks_for_itself_is_left_alone(visitor):
    assert visitor.get("/spoken/").content == b"busy\n"


def test_a_form_of_another_site_is_refused_in_the_same_voice(visitor):
    visitor.handler.enforce_csrf_checks = True
    response = visitor.post("/admin/login/", {"username": "x"})
    assert (response.status_code, "这个页面不对外开放" in response.content.decode()) == (403, True)


def test_the_database_is_not_asked(django_db_blocker):
    request = RequestFactory().get("/somewhere/")
    with django_db_blocker.block():
        for status in errors.STATUSES:
            assert errors.error_page(request, status).status_code == status


def test_an_address_with_too_many_parameters_is_refused_in_words(visitor):
    response = visitor.get("/help/?" + "a=&" * 1500)
    assert (response.status_code, "这个请求看不懂" in response.content.decode()) == (400, True)
    assert visitor.get("/nothing/?" + "a=&" * 1500).status_code == 404
