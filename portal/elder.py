"""Elder mode, `?view=elder`: larger, plainer, higher contrast. A script remembers it in the browser (view.js); where
none runs, every link and form of the page carries it on. No cookie, so that a page stays one page for every cache."""

import re

from django.http import HttpRequest

# Addresses of pages within the site: neither files nor what only staff see.
WITHIN = re.compile(r'(<(?:a|form)\s[^>]*?(?:href|action)=")(/(?!/|static/|admin/)[^"#]*)')
SEARCH_FORM = re.compile(r'<form\b[^>]*\bmethod="get"[^>]*>')
HIDDEN = '<input type="hidden" name="view" value="elder">'


def asked_for(request: HttpRequest) -> bool:
    return request.GET.get("view") == "elder"


def carried_on(html: str) -> str:
    """The page with `view=elder` on each of its own links and forms."""
    linked = WITHIN.sub(lambda found: found[1] + _with_view(found[2]), html)
    return SEARCH_FORM.sub(lambda found: found[0] + HIDDEN, linked)


def _with_view(address: str) -> str:
    if "view=" in address:
        return address
    return f"{address}{'&amp;' if '?' in address else '?'}view=elder"


class CarryOn:
    """Middleware: the links of a page in elder mode, and where a form leads after it was sent."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if not asked_for(request) or request.path.startswith("/admin/"):
            return response
        if response.get("Location", "").startswith("/"):
            response["Location"] = _with_view(response["Location"]).replace("&amp;", "&")
        elif not response.streaming and response.get("Content-Type", "").startswith("text/html"):
            response.content = carried_on(response.content.decode())
        return response
