"""Who sends a request, as far as it matters for counting: a network, of which no address is kept."""

import datetime
import ipaddress

from django.utils.crypto import salted_hmac

STRETCH = datetime.timedelta(minutes=5)


def place(scope: str, address: str, now: datetime.datetime) -> tuple[str, datetime.datetime]:
    """The key under which something from `address` is counted now, and when it can be forgotten."""
    stretch = int(now.timestamp() // STRETCH.total_seconds())
    key = salted_hmac("notices.senders", f"{scope} {_network(address)} {stretch}", algorithm="sha256").hexdigest()
    return key, now + STRETCH


def names_somebody(address: str) -> bool:
    """Whether the address is one sender's: behind a proxy that the portal does not trust, everybody shares it."""
    known = _known(address)
    return bool(known) and not known.is_loopback


def _known(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address as such, None for what is none (a local socket has none)."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(known, "ipv4_mapped", None) or known


def _network(address: str) -> str:
    """Whom the address stands for: an IPv6 household has a whole /64."""
    known = _known(address)
    if known and known.version == 6:
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known or "")
