"""Pages are UTF-8, and so is what browsers send back."""

import re

CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^;\"\s]*)", re.IGNORECASE)
REFUSAL = "请用 UTF-8 编码提交。\n".encode()


class OnlyUtf8:
    """Around the WSGI application: 400 for a Content-Type that claims another encoding.

    Django takes any codec of Python at its word before its first middleware runs; some fail, some yield lone
    surrogates that no database stores, and each of these would be a 500.
    """

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        claimed = CHARSET.search(environ.get("CONTENT_TYPE", ""))
        if claimed and claimed[1].lower() not in ("utf-8", "utf8"):
            start_response("400 Bad Request", [("Content-Type", "text/plain; charset=utf-8")])
            return [REFUSAL]
        return self.application(environ, start_response)
