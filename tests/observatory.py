"""What Mozilla's HTTP Observatory would give an answer, computed here: nothing is sent to anybody.

The rules and their points are those of its scoring (github.com/mdn/mdn-http-observatory, src/grader/charts.js and
src/analyzer/tests/, as of 2025), for a site behind HTTPS that is not in the preload list: 100 to begin with, malus
first, bonus only from 90 on.
"""

import re
from http.cookies import SimpleCookie

ENOUGH = 90  # points without bonus from which bonus counts
HALF_A_YEAR = 15_768_000
BROAD = {"*", "http:", "https:", "ftp:", "http://*", "https://*", "http://*.*", "https://*.*"}
PRIVATE = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}


def score(headers: dict[str, str], cookies: SimpleCookie, page: str) -> int:
    """The points of one answer over HTTPS; the redirect from HTTP is asked by its own test."""
    said = {name.lower(): value for name, value in headers.items()}
    found = [policy(said), baked(cookies), sharing(said), referrer(said), transport(said), scripts(page)]
    found += [sniffing(said), framing(said), resources(said)]
    points = 100 + sum(each for each in found if each < 0)
    return max(points + sum(each for each in found if each > 0) if points >= ENOUGH else points, 0)


def directives(said: dict) -> dict[str, set[str]]:
    parts = [part.split() for part in said.get("content-security-policy", "").split(";") if part.strip()]
    return {name.lower(): set(sources) for name, *sources in parts}


def policy(said: dict) -> int:
    csp = directives(said)
    if not csp:
        return -25
    everything = csp.get("default-src", {"*"})
    script, style, objects = (csp.get(name, everything) for name in ("script-src", "style-src", "object-src"))
    if script & (BROAD | {"'unsafe-inline'", "data:"}) or objects & BROAD:
        return -20
    if any(source.startswith(("http:", "ftp:")) for sources in csp.values() for source in sources):
        return -20
    if "'unsafe-eval'" in script | style:
        return -10
    if style & (BROAD | {"'unsafe-inline'", "data:"}):
        return 0
    return 10 if csp.get("default-src") == {"'none'"} else 5


def baked(cookies: SimpleCookie) -> int:
    if not cookies:
        return 0
    if not all(cookie["secure"] for cookie in cookies.values()):
        return -20
    if not all(cookie["httponly"] for cookie in cookies.values()):
        return -30
    return 5 if all(cookie["samesite"] in ("Lax", "Strict") for cookie in cookies.values()) else 0


def sharing(said: dict) -> int:
    """Public data may be read by any site, as long as nobody's cookies go along."""
    return -50 if said.get("access-control-allow-credentials") == "true" else 0


def referrer(said: dict) -> int:
    value = said.get("referrer-policy", "").split(",")[-1].strip()
    return 5 if value in PRIVATE else -5 if value else 0


def transport(said: dict) -> int:
    age = re.search(r"max-age=(\d+)", said.get("strict-transport-security", ""))
    return -20 if not age else 0 if int(age[1]) >= HALF_A_YEAR else -10


def scripts(page: str) -> int:
    """Scripts of the own origin need no integrity."""
    outside = re.findall(r"<script\b[^>]*\bsrc=[\"']?(https?:)?//", page)
    return -50 if outside else 0


def sniffing(said: dict) -> int:
    return 0 if said.get("x-content-type-options") == "nosniff" else -5


def framing(said: dict) -> int:
    if directives(said).get("frame-ancestors", {"*"}) & BROAD:
        return 0 if said.get("x-frame-options", "").upper() in ("DENY", "SAMEORIGIN") else -20
    return 5


def resources(said: dict) -> int:
    return {"same-origin": 10, "same-site": 10, "cross-origin": 0, "": 0}.get(
        said.get("cross-origin-resource-policy", ""), -5
    )
