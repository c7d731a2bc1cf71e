"""How long a login lasts: 30 minutes without a page, 12 hours in all, and no longer than its roles and memberships."""

import dataclasses
import datetime
import time

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import salted_hmac

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
    address = request.META.get("REMOTE_ADDR", "")
    request.session.update({"since": now, "seen": now, "standing": standing(user), "address": address})
    request.session.set_expiry(int(IDLE))


def is_alive(request) -> bool:
    """Whether the login behind this request still holds. Remembers that a page was asked for."""
    if not hasattr(request, "alive"):
        request.alive = _is_alive(request, time.time())
    return request.alive


def _is_alive(request, now: float) -> bool:
    kept = request.session
    if not _holds(kept, now) or kept["standing"] != standing(request.user):
        return False
    if now - kept["seen"] > MINUTE:
        kept["seen"] = now
    return True


def _holds(kept, now: float) -> bool:
    """Whether what a session keeps is a login whose time is not over at `now`, in seconds since 1970."""
    if not kept.get("since") or now - kept["since"] > LONGEST or now - kept["seen"] > IDLE:
        return False
    return kept["seen"] - now <= MINUTE  # more, and the clock was put back: it would last for hours longer


@dataclasses.dataclass(frozen=True)
class Login:
    """A browser in which somebody is logged in: since when and last seen when, from which address."""

    key: str
    since: datetime.datetime
    seen: datetime.datetime
    address: str
    is_this: bool

    @property
    def mark(self) -> str:
        """Stands for it in a page: the key itself opens what it names."""
        return salted_hmac("portal.sessions", self.key, algorithm="sha256").hexdigest()

    def end(self) -> None:
        Session.objects.filter(pk=self.key).delete()


def of(request) -> list[Login]:
    """Every login of the user behind this request, this one first. All sessions are read: a login lasts half an hour,
    so there are no more of them than people at work."""
    now, user, this = time.time(), str(request.user.pk), request.session.session_key
    kept = ((each.pk, each.get_decoded()) for each in Session.objects.filter(expire_date__gt=timezone.now()))
    own = [(key, said) for key, said in kept if said.get(SESSION_KEY) == user and _holds(said, now)]
    logins = [
        Login(key, _moment(said["since"]), _moment(said["seen"]), said.get("address", ""), key == this)
        for key, said in own
    ]
    return sorted(logins, key=lambda each: (not each.is_this, -each.seen.timestamp()))


def _moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)
