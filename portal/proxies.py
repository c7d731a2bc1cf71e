"""Forwarded headers count only when a proxy that is named in TRUSTED_PROXIES sent them."""

from ipaddress import ip_address, ip_network

from django.conf import settings

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT")


def address(request) -> str:
    """Where the request came from, once the middleware below has seen to it."""
    return request.META.get("REMOTE_ADDR", "")


class TrustedProxies:
    """Middleware: puts the visitor's address in REMOTE_ADDR, or drops forwarded headers nobody vouches for."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.unix = "unix" in settings.TRUSTED_PROXIES
        self.networks = [ip_network(proxy) for proxy in settings.TRUSTED_PROXIES if proxy != "unix"]

    def __call__(self, request):
        if self.trusts(request.META.get("REMOTE_ADDR", "")):
            self.unwrap(request.META)
        else:
            for name in FORWARDED:
                request.META.pop(name, None)
        return self.get_response(request)

    def trusts(self, address: str) -> bool:
        """Whether `address` ("" for a local socket) is one of ours."""
        if not address:
            return self.unix
        return any(ip_address(address) in network for network in self.networks)

    def unwrap(self, meta: dict) -> None:
        # From the right: what the nearest proxies wrote is true, what stands left of them anybody can write.
        for hop in reversed(meta.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            try:
                meta["REMOTE_ADDR"] = str(ip_address(hop.strip()))
            except ValueError:
                return
            if not self.trusts(meta["REMOTE_ADDR"]):
                return
