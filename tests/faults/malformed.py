"""Malformed HTTP requests against the real gunicorn: whatever comes, no 5xx, and the next visitor is served."""

import random
import socket
from collections import Counter

from .processes import answers

LINES = [
    b"GET / HTTP/1.1", b"GET  / HTTP/1.1", b"GET / HTTP/9.9", b"GET / http/1.1", b"GET /", b"get / HTTP/1.1", b"\x16\x03\x01\x02\x00",
    b"GET http://[::1 HTTP/1.1", b"GET //// HTTP/1.1", b"GET /%00 HTTP/1.1", b"GET /\xff\xfe HTTP/1.1", b"GET /a b HTTP/1.1", b"",
    b"G\x00T / HTTP/1.1", b"CONNECT evil.example:443 HTTP/1.1", b"OPTIONS * HTTP/1.1", b"PRI * HTTP/2.0", b"GET /" + b"a" * 9000 + b" HTTP/1.1",
    b"POST /objections/track/ HTTP/1.1", b"POST /admin/login/ HTTP/1.1", b"POST /notices/2026-0001/object/ HTTP/1.1", b"GET /?" + b"a=&" * 1000 + b" HTTP/1.1",
    b"GET /notices/?page=%ed%a0%80&q=%00 HTTP/1.1", b"TRACE / HTTP/1.1", b"GET ../../etc/passwd HTTP/1.1", b"GET /static/../manage.py HTTP/1.1",
]  # fmt: skip
HEADERS = [
    b"Host: 127.0.0.1", b"Host: evil.example", b"Host:", b"Host: a\xff", b"Host: 127.0.0.1\r\nHost: evil.example", b"Host : 127.0.0.1",
    b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: abc", b"Content-Length: 99999999999999999999",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nContent-Length: 3", b"Transfer-Encoding: xchunked", b"Transfer-Encoding: \x0bchunked",
    b"Content-Type: multipart/form-data", b"Content-Type: multipart/form-data; boundary=\xff", b"Content-Type: multipart/form-data; boundary=x",
    b"Content-Type: application/x-www-form-urlencoded; charset=rot13", b"Cookie: \x00", b"Cookie: sessionid=" + b"x" * 7000, b"X" * 9000 + b": 1",
    b"Expect: 100-continue", b"Expect: 200-maybe", b"Range: bytes=0-18446744073709551615", b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings",
    b" folded: header", b"no-colon", b"X-Forwarded-For: \x01", b"X-Forwarded-Proto: https", b"If-Modified-Since: \xff", b"Name\x00: value", b"A: b\r\x00c",
]  # fmt: skip
BODIES = [
    b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\nhello\r\n0\r\n\r\n", b"-1\r\nx", b"ffffffffffffffff\r\nx", b"5;ext=" + b"y" * 5000 + b"\r\nhello\r\n0\r\n\r\n",
    b"--x\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\n", b"--x\r\n\r\n--x--", b"0\r\nX: y\r\n\r\n", b"code=%ff%00&code", b"\x00" * 3000,
]  # fmt: skip
ENDS = [b"\r\n"] * 8 + [b"\n", b"\r", b"\r\r\n"]
UNKNOWN_CODING = "501"  # what RFC 9112 asks for when a Transfer-Encoding is unknown
PATIENCE = 3  # seconds without an answer, after which the client goes


def drawn(chance: random.Random) -> bytes:
    """One request: a line, some headers, a body, any of them wrong; sometimes cut off or with bytes changed."""
    end = chance.choice(ENDS)
    headers = [chance.choice(HEADERS[:1] * 8 + HEADERS) for _ in range(chance.randint(0, 4))]
    request = end.join([chance.choice(LINES), *headers, b"", chance.choice(BODIES)])
    if chance.random() < 0.1:
        request = request[: chance.randrange(len(request) + 1)]
    if chance.random() < 0.1 and request:
        place = chance.randrange(len(request))
        request = request[:place] + chance.randbytes(3) + request[place + 1 :]
    return request


def answer(port: int, request: bytes) -> str:
    """The status that came, "closed" or "silence"."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            first = connection.recv(4096)
        except TimeoutError:
            return "silence"
        except OSError:
            return "closed"
    said = first.split(b" ", 2)
    return (
        said[1].decode("latin-1")
        if first.startswith(b"HTTP/1.") and len(said) > 1
        else "closed"
        if not first
        else "odd"
    )


def campaign(port: int, count: int, seed: int = 8) -> dict:
    """How often each answer came to `count` requests, which of them got a 5xx or something else, and whether the site
    serves the next one."""
    chance, seen, wrong = random.Random(seed), Counter(), []
    for _ in range(count):
        request = drawn(chance)
        status = answer(port, request)
        seen[status] += 1
        if (status.startswith("5") and status != UNKNOWN_CODING) or status in ("odd", "silence"):
            wrong.append(f"{status}: {request[:200]!r}")
    return {"answers": dict(sorted(seen.items())), "wrong": wrong, "served afterwards": answers(port)}
