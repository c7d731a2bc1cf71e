"""How long a login lasts: 30 minutes without a page, 12 hours in all, and no longer than its roles and memberships."""

import datetime
import time

IDLE = datetime.timedelta(minutes=30).total_seconds()
LONGEST = datetime.timedelta(hours=12).total_seconds()
MINUTE = 60  # how exactly it is remembered when a page was last asked for


def standing(user) -> list[list[int]]:
    """Which roles and organisations `user` has; when they change, what was logged in before is logged out."""
    groups = user.groups.order_by("pk").values_list("pk", flat=True)
    return [list(groups), list(user.memberships.order_by("pk").values_list("organisation_id", flat=True))]


def begin(request, user) -> None:
    """Right after the password was right."""
    now = time.time()
    request.session.update({"since": now, "seen": now, "standing": standing(user)})
    request.session.set_expiry(int(IDLE))


def is_alive(request) -> bool:
    """Whether the login behind this request still holds. Remembers that a page was asked for."""
    if not hasattr(request, "alive"):
        request.alive = _is_alive(request, time.time())
    return request.alive


def _is_alive(request, now: float) -> bool:
    kept = request.session
    if not kept.get("since") or now - kept["since"] > LONGEST or now - kept["seen"] > IDLE:
        return False
    if kept["seen"] - now > MINUTE:  # the clock was put back: it would last for hours longer
        return False
    if now - kept["seen"] > MINUTE:
        kept["seen"] = now
    return kept["standing"] == standing(request.user)
