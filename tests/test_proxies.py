"""Forwarded headers: believed from a named proxy, dropped from anybody else."""

import pytest
from django.test import RequestFactory

from portal.proxies import TrustedProxies


def through(settings, trusted: list[str], peer: str, **headers) -> dict:
    """META as the views see it, for a request from `peer`."""
    settings.TRUSTED_PROXIES = trusted
    request = RequestFactory().get("/", REMOTE_ADDR=peer, **headers)
    TrustedProxies(lambda request: None)(request)
    return request.META


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "address"),
    [
        (["127.0.0.1"], "127.0.0.1", "203.0.113.9", "203.0.113.9"),
        (["127.0.0.1"], "127.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (["127.0.0.1", "10.0.0.0/8"], "127.0.0.1", "203.0.113.9, 10.1.2.3", "203.0.113.9"),
        (["unix"], "", "203.0.113.9", "203.0.113.9"),
        (["127.0.0.1"], "127.0.0.1", "garbage", "127.0.0.1"),
        (["127.0.0.1"], "198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ([], "127.0.0.1", "203.0.113.9", "127.0.0.1"),
        ([], "", "203.0.113.9", ""),
    ],
)
def test_the_visitor_is_the_nearest_address_that_is_not_ours(settings, trusted, peer, forwarded, address):
    assert through(settings, trusted, peer, HTTP_X_FORWARDED_FOR=forwarded)["REMOTE_ADDR"] == address


def test_a_stranger_cannot_claim_https_or_another_host(settings):
    claims = {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_HOST": "evil.example"}
    assert not set(claims) & set(through(settings, ["10.0.0.1"], "198.51.100.7", **claims))
    assert set(claims) <= set(through(settings, ["10.0.0.1"], "10.0.0.1", **claims))  # the control
