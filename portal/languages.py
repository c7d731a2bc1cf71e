"""Chinese at the plain addresses, English under /en/. The address alone decides, so that every cache may keep a page."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import is_valid_path
from django.utils import translation

ENGLISH = "/en/"


def spoken() -> str:
    """The language of the page that is being made, as HTML names it."""
    return "en" if translation.get_language() == "en" else "zh-CN"


def same_page(request: HttpRequest) -> str:
    """The address of this page in the other language; "" where there is none, and after a form was sent."""
    if request.method != "GET":
        return ""
    english = request.path_info.startswith(ENGLISH)
    there = request.path_info.removeprefix("/en") if english else f"/en{request.path_info}"
    with translation.override(settings.LANGUAGE_CODE if english else "en"):
        query = request.META.get("QUERY_STRING", "")
        return (f"{there}?{query}" if query else there) if is_valid_path(there) else ""


class ByAddress:
    """Middleware: the language of an address, for this answer only.

    What machines read stands at one address: under /en/ it leads to the plain one.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        english = request.path_info.startswith(ENGLISH)
        with translation.override("en" if english else settings.LANGUAGE_CODE):
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", spoken())
        if english and response.status_code == 200 and not response.get("Content-Type", "").startswith("text/html"):
            plain = HttpResponseRedirect(request.get_full_path().removeprefix("/en"))
            plain.close = response.close  # a request ends once, when it is answered
            return plain
        return response
