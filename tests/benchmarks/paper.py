"""A PDF of the reference notice through gunicorn, and what a worker weighs after every kind of page, also under load."""

import os
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from . import reference
from .frame import Figure
from .pages import ROOT, Server, load, site, unit_environment

COPIES = ("/notices/{0}.pdf", "/notices/{0}/poster.pdf", "/notices/{0}/poster.pdf?size=a3", "/notices/{0}.docx")
OTHERS = (
    "/",
    "/notices/",
    f"/notices/?q={urllib.parse.quote('河道 整改')}",
    "/notices/{0}/",
    "/notices/{0}/history/",
    "/notices/{0}/object/",
    "/notices/{0}.json",
    "/notices/{0}.txt",
    "/objections/track/",
    "/rounds/",
    "/log/",
    "/feeds/notices.atom",
    "/calendar/windows.ics",
    "/sitemap.xml",
    "/subscribe/",
    "/admin/login/",
)


def figures(small: bool) -> Iterator[Figure]:
    prints, requests = (5, 40) if small else (21, 200)
    with site() as own:
        number = reference.publish(Path(own["ANSWERS"]), cwd=ROOT, env=os.environ | own)
        with Server("portal.wsgi:application", **own, **unit_environment()) as portal:
            yield Figure("PDF of the reference notice: median, s", median(printing(portal, number, prints)), "≤ 0.15")
            for path in (*OTHERS, *COPIES):
                for _ in range(8):
                    get(portal, path.format(number))
            yield Figure("memory of the larger worker after all pages, MB", portal.resident(), "≤ 130")
            for path in COPIES:
                load(portal, path.format(number), {}, requests)
            yield Figure("the same after hundreds of PDF and Word files, eight at a time, MB", portal.resident())


def printing(portal: Server, number: str, prints: int) -> list[float]:
    """Seconds of each print."""
    times = []
    for _ in range(prints):
        begin = time.perf_counter()
        assert get(portal, f"/notices/{number}.pdf").startswith(b"%PDF")
        times.append(time.perf_counter() - begin)
    return times


def get(portal: Server, path: str) -> bytes:
    answer = portal.get(path)
    if answer.status != 200:
        raise ValueError(f"{path}: {answer.status}")
    return answer.content
