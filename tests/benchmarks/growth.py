"""What pages that are made each time cost among 1,000, 10,000 and 100,000 notices with as many objections, and a
publication on top of a log of 10, 1,000 and 100,000 lines. Processor time, for one size is measured after the other; and
as the processor is not always as quick, each request is followed by one for the page of help, which says the same among
any number of notices: sizes are compared by how much of that page a request costs.

Needs an empty database of its own, which is made and thrown away (DATABASE_URL says on which server).
"""

import itertools
import time
import urllib.parse
from collections.abc import Callable, Iterator

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import RequestFactory
from django.test.utils import setup_databases, teardown_databases

from notices.models import PublicityNotice
from notices.search import asking, following, index
from objections.receipts import code_for
from tests import invented
from tests.invented import Writer
from tests.make import make_notice, make_objection
from tests.test_publishing_cost import SIZES, cost

from .admin import FREE, fill, opened
from .frame import Figure, p95

ROUNDS = 60
WORDS = list(itertools.permutations([word for theme in invented.THEMES for word in theme], 2))


def figures(small: bool) -> Iterator[Figure]:
    sizes = (100, 1_000) if small else (1_000, 10_000, 100_000)
    found = {size: measured(size) for size in sizes}
    for page in found[sizes[0]]:
        for size in sizes:
            yield Figure(f"{page} among {size} notices: p95, ms", 1000 * found[size][page][0])
        ratio = found[sizes[-1]][page][1] / found[sizes[0]][page][1]
        yield Figure(f"{page}: p95 among {sizes[-1]} ÷ {sizes[0]}", ratio, "≤ 1.5")
    yield from publishing(small)


def measured(size: int) -> dict[str, tuple[float, float]]:
    """Page → p95 of the processor's seconds, and of how many pages of help they are."""
    made = setup_databases(0, False)
    try:
        index.discard(following.path())
        fill(size)
        notice = make_notice()
        make_objection(notice, token="benchmark")
        while not caught_up():
            pass
        return {name: timed(ask) for name, ask in asked(notice.reference, size).items()}
    finally:
        teardown_databases(made, 0)


def caught_up() -> bool:
    """Whether the search index has the one notice that was published."""
    with following.ready() as (_, current):
        return current


def asked(reference: str, size: int) -> dict[str, Callable[[int], object]]:
    """What a visitor asks for, another word each time, and the list that staff see first."""
    form, code, names = f"/notices/{reference}/object/", code_for("benchmark"), Writer(7).names
    deep = asking.Place("1", FREE + size // 50 + 1, 99)
    boss = User.objects.create(username="boss", is_staff=True, is_active=True, is_superuser=True)
    listed = admin.site.get_model_admin(PublicityNotice)
    return {
        "notice": lambda _: answer(f"/notices/{reference}/"),
        "list": lambda _: answer("/notices/"),
        "list, deepest page": lambda _: answer("/notices/", QUERY_STRING=f"page={deep}"),
        "form": lambda _: answer(form),
        "tracking": lambda _: answer("/objections/track/", "POST", data=f"code={code}"),
        "search, two words": lambda number: answer("/notices/", QUERY_STRING=query(" ".join(WORDS[number * 7]))),
        "search, a name": lambda number: answer("/notices/", QUERY_STRING=query(names[number])),
        "admin list": lambda _: opened(listed, boss),
    }


def query(words: str) -> str:
    return urllib.parse.urlencode({"q": words})


def answer(path: str, method: str = "GET", data: str = "", **headers) -> bytes:
    """What Django answers, with nothing kept around it."""
    kind, said = "application/x-www-form-urlencoded", []
    environ = RequestFactory().generic(method, path, data, content_type=kind, **headers).environ
    body = WSGI(environ, lambda status, _headers, *_rest: said.append(status))
    content = b"".join(body)
    body.close()
    if not said[0].startswith("200"):
        raise ValueError(f"{path}: {said[0]}")
    return content


WSGI = WSGIHandler()


def timed(ask: Callable[[int], object]) -> tuple[float, float]:
    times, shares = [], []
    for number in range(ROUNDS + 10):
        begin = time.thread_time()
        ask(number)
        asked = time.thread_time()
        answer("/help/")
        times.append(asked - begin)
        shares.append((asked - begin) / (time.thread_time() - asked))
    return p95(times[10:]), p95(shares[10:])


def publishing(small: bool) -> Iterator[Figure]:
    made = setup_databases(0, False)
    try:
        costs = {size: cost(size)["processor"] for size in SIZES[: 2 if small else 3]}
    finally:
        teardown_databases(made, 0)
    for size, busy in costs.items():
        yield Figure(f"publication on top of {size} lines: median, ms", busy)
    first, *_, last = costs.values()
    yield Figure(f"publication: {max(costs)} lines ÷ {min(costs)}, {connection.vendor}", last / first, "≤ 2")
