"""Pages change at known instants: nobody shows a kept copy without asking whether it still holds."""

from notices import stamp


class AskFirst:
    """Middleware: `Cache-Control: no-cache` on every answer that does not say anything else about caching.

    A notice that was open when it was kept must never be shown as open after the close.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-cache")
        return response


class ShowAtOnce:
    """Middleware: what staff changed shows in the next request; of all else that is no act within a second."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if request.method == "POST" and request.path.startswith("/admin/") and request.user.is_authenticated:
            stamp.touch()
        return response
