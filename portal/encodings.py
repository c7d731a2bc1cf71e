"""Pages are UTF-8, and so is what browsers send back; as much of it comes as they say."""

import re

from .headers import SAID

CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^;\"\s]*)", re.IGNORECASE)
LENGTH = re.compile(r"[0-9]{1,18}")
OTHER_ENCODING = "请用 UTF-8 编码提交。\n"
NO_LENGTH = "这个请求的 Content-Length 不是一个数。\n"


class OnlyUtf8:
    """Around the WSGI application: 400 for a Content-Type that claims another encoding, or a length that is none.

    Django takes any codec of Python at its word before its first middleware runs; some fail, some yield lone
    surrogates that no database stores, and each of these would be a 500; so would a length that `int` cannot read.
    """

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        if refusal := _refusal(environ):
            headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"} | SAID
            start_response("400 Bad Request", list(headers.items()))
            return [refusal.encode()]
        return self.application(environ, start_response)


def _refusal(environ: dict) -> str:
    """What is wrong with the request before anybody reads it; "" where nothing is."""
    kind, length = environ.get("CONTENT_TYPE"), environ.get("CONTENT_LENGTH")
    claimed = CHARSET.search(kind) if kind else None
    if claimed and claimed[1].lower() not in ("utf-8", "utf8"):
        return OTHER_ENCODING
    return NO_LENGTH if length and not LENGTH.fullmatch(length) else ""
