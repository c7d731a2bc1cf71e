"""The portal without one of its guards, for the controls: each must be found guilty. Served by gunicorn, never by demo."""

import io
import os
import secrets
import signal
import threading
import time
from collections import Counter
from http.cookies import SimpleCookie
from urllib.parse import quote

from .warm import application as careful

LATER = 1.5  # seconds


def thanks_first(environ, start_response):
    """Answers before it stores: what it keeps in memory is gone when the worker is killed."""
    if environ["REQUEST_METHOD"] == "POST":
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        token = body.split(b'name="token"\r\n\r\n')[1].split(b"\r\n")[0].decode()
        threading.Thread(target=_store, args=(dict(environ), body)).start()
        cookie = f"early={quote(token)}; Path=/"
        start_response("303 See Other", [("Location", "/objections/received/"), ("Set-Cookie", cookie)])
        return [b""]
    cookies = SimpleCookie(environ.get("HTTP_COOKIE", ""))
    if environ["PATH_INFO"] == "/objections/received/" and "early" in cookies:
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [b'<b id="receipt-code">X</b><b id="receipt-number">YY</b>']
    return careful(environ, start_response)


def _store(environ: dict, body: bytes) -> None:
    time.sleep(LATER)
    list(careful(environ | {"wsgi.input": io.BytesIO(body)}, lambda *answer: None))


def forgets_tokens(environ, start_response):
    """Has no unique form token; and dies after every third commit, so that the same body comes again."""
    _forget()
    stored = environ["REQUEST_METHOD"] == "POST" and next(_posts) % 3 == 0
    answer = careful(environ, start_response)
    if stored:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer


def keeps_tokens(environ, start_response):
    """The same deaths with the guard in its place: must be found innocent."""
    stored = environ["REQUEST_METHOD"] == "POST" and next(_posts) % 3 == 0
    answer = careful(environ, start_response)
    if stored:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer


def keeps_everything(environ, start_response):
    """Allows nginx to keep what is meant for one reader."""

    def allowing(status, headers, *rest):
        unsaid = {"cache-control", "set-cookie", "vary", "expires", "x-accel-expires"}
        kept = [("X-Accel-Expires", "60"), *(each for each in headers if each[0].lower() not in unsaid)]
        return start_response(status, kept, *rest)

    return careful(environ, allowing)


def says_sorry(environ, start_response):
    """Answers what it cannot store with the page of the error, as Django does by itself."""
    from objections import views
    from portal.errors import error_page

    views.ready_again = lambda request, shown: error_page(request, 503)
    return careful(environ, start_response)


def mails_at_once(environ, start_response):
    """Sends its mail before it answers."""
    from notices import mail

    answer = careful(environ, start_response)
    if environ["REQUEST_METHOD"] == "POST":
        mail.send_due(probe=True)
    return answer


def counts_alone(environ, start_response):
    """Counts in the memory of each process."""
    from notices.models.counter import CounterManager

    CounterManager.hit = lambda self, key, expires_at: _alone.update([key]) or _alone[key]
    return careful(environ, start_response)


def counts_in_the_cache(environ, start_response):
    """Cannot do without CACHE_URL."""
    from django.core.cache import cache

    from notices.models.counter import CounterManager

    CounterManager.hit = lambda self, key, expires_at: (cache.add(key, 0) and 0) or cache.incr(key)
    return careful(environ, start_response)


def syncs_nothing(environ, start_response):
    """Leaves it to the kernel when files reach the disk."""
    os.fsync = lambda descriptor: None
    return careful(environ, start_response)


def takes_into_memory(environ, start_response):
    """Reads a post before it looks at it."""
    said = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    return careful(environ | {"wsgi.input": said}, start_response)


_alone = Counter()
_posts = iter(range(1, 1_000_000))


def _forget() -> None:
    from objections.models import Objection

    manager = type(Objection.objects)
    if hasattr(manager, "kept"):
        return
    manager.kept = manager._drawn_up

    def drawn_up(self, edition, desk, said, digests, *arguments, **arrival):
        if self.filter(token_digest=digests["token_digest"]).exists():
            digests |= {"token_digest": secrets.token_hex(32), "code_digest": secrets.token_hex(32)}
        return self.kept(edition, desk, said, digests, *arguments, **arrival)

    manager._drawn_up = drawn_up
